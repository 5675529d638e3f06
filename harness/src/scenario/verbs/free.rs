//! `free = "disk"`: there is room on the disk again.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::Text;
use crate::scenario::words::TheDisk;

/// Frees the disk of the machine: there is room again.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Free(pub(super) Text<TheDisk>);

impl Verb for Free {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        self.0.read(line.mistakes)?;
        Some(Action::Disk { full: false })
    }
}
