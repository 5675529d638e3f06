//! `approve = "private-a"`: an endpoint leads to the service again.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Approves an endpoint: connections reach the service, whatever was wrong with it before.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Approve(pub(super) Text<EndpointName>);

impl Verb for Approve {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::Available)
    }
}
