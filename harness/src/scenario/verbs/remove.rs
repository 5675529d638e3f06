//! `remove = "metadata"`: files of wrapped keys are gone.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, FileChange, KeptFile};
use crate::scenario::text::Text;

/// Removes files of wrapped keys: `metadata`, or `key-file` (`wrapped-key` is the same).
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Remove(pub(super) Text<KeptFile>);

impl Verb for Remove {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        Some(Action::File { file: self.0.read(line.mistakes)?, change: FileChange::Remove })
    }
}
