//! `throttle = "private-a"`: the service behind an endpoint is asked too often.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint refuse every call: too many come in (ThrottlingException, 429, RESOURCE_EXHAUSTED).
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Throttle(pub(super) Text<EndpointName>);

impl Verb for Throttle {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::Throttling)
    }
}
