//! `fill = "disk"`: there is no room for a byte more.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::Text;
use crate::scenario::words::TheDisk;

/// Fills the disk of the machine: nothing more can be written.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Fill(pub(super) Text<TheDisk>);

impl Verb for Fill {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        self.0.read(line.mistakes)?;
        Some(Action::Disk { full: true })
    }
}
