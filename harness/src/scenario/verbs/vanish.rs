//! `vanish = "private-a"`: an endpoint is deleted, and its name with it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Deletes an endpoint: its name is gone from DNS.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Vanish(pub(super) Text<EndpointName>);

impl Verb for Vanish {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::Vanished)
    }
}
