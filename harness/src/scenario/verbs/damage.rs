//! `damage = "metadata"`: files of wrapped keys are damaged.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, FileChange, KeptFile};
use crate::scenario::text::Text;

/// Damages files of wrapped keys: half of the `metadata` or of the `key-file` is gone, a bit of the `wrapped-key` flips.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Damage(pub(super) Text<KeptFile>);

impl Verb for Damage {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        Some(Action::File { file: self.0.read(line.mistakes)?, change: FileChange::Damage })
    }
}
