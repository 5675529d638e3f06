//! `restore = "cmk-1"`: a key is not deleted after all.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, KeyChange};
use crate::scenario::text::Text;
use crate::scenario::values::KeyName;

/// Cancels a scheduled deletion (CancelKeyDeletion), which leaves the key disabled.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Restore(pub(super) Text<KeyName>);

impl Verb for Restore {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.key(&self.0, KeyChange::CancelDeletion)
    }
}
