//! `crash = "proxy"`: cuts a process off.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, Process};
use crate::scenario::text::Text;

/// Ends a process as a power cut does: what was not synced is lost.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Crash(pub(super) Text<Process>);

impl Verb for Crash {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        self.0.read(line.mistakes).map(Action::Crash)
    }
}
