//! `garble = "private-a"`: something else answers where the service should.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint answer with a page of something else, as a captive portal does.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Garble(pub(super) Text<EndpointName>);

impl Verb for Garble {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::Garbling)
    }
}
