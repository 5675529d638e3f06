//! `initiate = "private-a"`: an endpoint that is still being made.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint one that is still being made (INITIATING): its name is not known yet.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Initiate(pub(super) Text<EndpointName>);

impl Verb for Initiate {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::Initiating)
    }
}
