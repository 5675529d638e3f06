//! `stall = "proxy"`: a process hangs, as on a machine that swaps.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, Process};
use crate::scenario::text::Text;

/// Hangs a process: nothing reaches it or leaves it any more, and it does not end.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Stall(pub(super) Text<Process>);

impl Verb for Stall {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        Some(Action::Stall(self.0.read(line.mistakes)?))
    }
}
