//! `forbid = "metadata"`: nobody may read files of wrapped keys.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, FileChange, KeptFile};
use crate::scenario::text::Text;

/// Takes away the right to read files of wrapped keys: `metadata`, or `key-file` (`wrapped-key` is the same).
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Forbid(pub(super) Text<KeptFile>);

impl Verb for Forbid {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        Some(Action::File { file: self.0.read(line.mistakes)?, change: FileChange::Forbid })
    }
}
