//! `stall = "proxy"`: a process hangs, as on a machine that swaps.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, Process};
use crate::scenario::text::Text;

/// Hangs a process: nothing passes between mongod and the proxy any more, until it goes on or is started anew.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Stall(pub(super) Text<Process>);

impl Verb for Stall {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        Some(Action::Stall(self.0.read(line.mistakes)?))
    }
}
