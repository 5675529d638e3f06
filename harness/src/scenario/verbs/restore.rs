//! `restore = "cmk-1"`: what was taken away comes back.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, FileChange, KeptFile, KeyChange};
use crate::scenario::text::{Literal, Refusal, Text, Vocabulary};
use crate::scenario::values::KeyName;

/// Brings back. A customer's key: CancelKeyDeletion, which leaves the key disabled. `metadata`, `key-file` or
/// `wrapped-key`: the files are what they were before they were removed, damaged or forbidden.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Restore(pub(super) Text<Restored>);

/// What can be brought back.
pub(super) struct Restored;

impl Literal for Restored {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        if kept(text).is_some() { Ok(text.to_owned()) } else { KeyName::read(text) }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["cmk-1", "metadata"] })
    }
}

fn kept(text: &str) -> Option<KeptFile> {
    KeptFile::words().into_iter().find(|(word, _)| *word == text).map(|(_, file)| file)
}

impl Verb for Restore {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        if let Some(file) = kept(self.0.as_str()) {
            return Some(Action::File { file, change: FileChange::Restore });
        }
        line.key(&self.0, KeyChange::CancelDeletion)
    }
}
