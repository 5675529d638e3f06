//! `misname = "private-a"`: an endpoint shows the certificate of another name.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint show a certificate for another name.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Misname(pub(super) Text<EndpointName>);

impl Verb for Misname {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.endpoint(&self.0, EndpointState::Misnamed)
    }
}
