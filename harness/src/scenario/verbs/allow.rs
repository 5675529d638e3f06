//! `allow = "cmk-1"`: what was denied is allowed again.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, KeyChange};
use crate::scenario::text::{Literal, Refusal, Text};
use crate::scenario::values::KeyName;

/// Allows again. A customer's key: whatever `deny` and `restrict` did to its use. `role`: it trusts the proxy's user.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Allow(pub(super) Text<Granted>);

/// What a policy is about.
pub(super) struct Granted;

/// The role that the proxy's user assumes.
const ROLE: &str = "role";

impl Literal for Granted {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        if text == ROLE { Ok(text.to_owned()) } else { KeyName::read(text) }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["cmk-1", ROLE] })
    }
}

impl Verb for Allow {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        if self.0.as_str() == ROLE {
            return line.credentials(&self.0, Action::Role { trusted: true });
        }
        line.key(&self.0, KeyChange::Allow)
    }
}
