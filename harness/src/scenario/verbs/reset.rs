//! `reset = "private-a"`: an endpoint breaks off while it answers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint cut its connections, in a phase that the seed draws.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Reset(pub(super) Text<EndpointName>);

impl Verb for Reset {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::Resetting)
    }
}
