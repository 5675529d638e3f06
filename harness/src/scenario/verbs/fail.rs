//! `fail = "private-a"`: the service behind an endpoint refuses every call with one error.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint answer every call with an error: the service failed by itself, or the one of AWS that is named by
/// `code` beside it.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Fail(pub(super) Text<EndpointName>);

impl Verb for Fail {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        let code = match line.options.code.take() {
            Some(code) => Some(code.read(line.mistakes)?.0.to_owned()),
            None => None,
        };
        line.endpoint(&self.0, EndpointState::Failing(code))
    }
}
