//! `blackhole = "private-a"`: an endpoint lets connections stand and nothing through.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint accept connections, and fall silent in a phase that the seed draws.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Blackhole(pub(super) Text<EndpointName>);

impl Verb for Blackhole {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::BlackHoled)
    }
}
