//! `fail = "vpce-a"`: the service behind an endpoint refuses every call with one error.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint answer every call with an error: KMSInternalException, or the one named by `code` beside it.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Fail(pub(super) Text<EndpointName>);

/// What is answered where no code is given: the service failed by itself.
const INTERNAL: &str = "KMSInternalException";

impl Verb for Fail {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        let code = match line.options.code.take() {
            Some(code) => code.read(line.mistakes)?.0,
            None => INTERNAL,
        };
        line.endpoint(&self.0, EndpointState::Failing(code.to_owned()))
    }
}
