//! `deny = "cmk-1"`: somebody may not do any more what they could do.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState, KeyChange};
use crate::scenario::text::{Literal, Refusal, Text};
use crate::scenario::values::{KeyName, PRIVATE};

/// Denies. A customer's key: the proxy's principal may not use it any more. A private endpoint: its policy lets nothing
/// pass. `role`: it does not trust the proxy's user any more.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Deny(pub(super) Text<Granted>);

/// What a policy is about.
pub(super) struct Granted;

/// The role that the proxy's user assumes.
const ROLE: &str = "role";

impl Literal for Granted {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        if text == ROLE || text.starts_with(PRIVATE) { Ok(text.to_owned()) } else { KeyName::read(text) }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["cmk-1", "private-a", ROLE] })
    }
}

impl Verb for Deny {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        if self.0.as_str() == ROLE {
            return line.credentials(&self.0, Action::Role { trusted: false });
        }
        if line.is_endpoint(self.0.as_str()) {
            return line.endpoint(&self.0, EndpointState::Denying);
        }
        line.key(&self.0, KeyChange::Deny)
    }
}
