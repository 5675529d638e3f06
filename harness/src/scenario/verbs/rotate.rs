//! `rotate = "mongod"` or `rotate = "cmk-1"`: a key is succeeded by a new one.

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, KeyChange, Process};
use crate::scenario::text::{Literal, Refusal, Text};
use crate::scenario::values::KeyName;

/// Rotates a key. `mongod`: starts it with --kmipRotateMasterKey, which makes a new master key and ends. A customer's
/// key: gives it new material (RotateKeyOnDemand); the old material still opens what it wrapped.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Rotate(pub(super) Text<Rotated>);

/// What has keys to rotate: mongod, or a customer's key.
pub(super) struct Rotated;

impl Literal for Rotated {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        if text == Process::Mongod.as_str() { Ok(text.to_owned()) } else { KeyName::read(text) }
    }

    fn schema() -> Schema {
        KeyName::schema()
    }
}

impl Verb for Rotate {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        if self.0.as_str() == Process::Mongod.as_str() {
            return Some(Action::RotateMasterKey);
        }
        line.key(&self.0, KeyChange::Rotate)
    }
}
