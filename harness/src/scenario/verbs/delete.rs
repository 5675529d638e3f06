//! `delete = "cmk-1"`: a key waits for its deletion and opens nothing meanwhile.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, KeyChange};
use crate::scenario::text::Text;
use crate::scenario::values::KeyName;

/// Schedules a customer's key for deletion (ScheduleKeyDeletion).
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Delete(pub(super) Text<KeyName>);

impl Verb for Delete {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.key(&self.0, KeyChange::ScheduleDeletion)
    }
}
