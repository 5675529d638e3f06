//! `enable = "cmk-1"`: a disabled key opens again.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, KeyChange};
use crate::scenario::text::Text;
use crate::scenario::values::KeyName;

/// Enables a customer's key (EnableKey).
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Enable(pub(super) Text<KeyName>);

impl Verb for Enable {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.key(&self.0, KeyChange::Enable)
    }
}
