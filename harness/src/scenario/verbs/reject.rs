//! `reject = "private-a"`: an endpoint swallows what is sent to it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Rejects an endpoint, as the owner of a private link can: packets to it vanish.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Reject(pub(super) Text<EndpointName>);

impl Verb for Reject {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::Rejected)
    }
}
