//! `crash = "machine"`: cuts a process off, or the machine with everything on it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::Text;
use crate::scenario::words::Victim;

/// Ends a process as SIGKILL does, or with `machine` both of them as a power cut does: what was not synced is lost. With
/// `at_write` beside it the cut comes right after that disk operation, counted from here.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Crash(pub(super) Text<Victim>);

impl Verb for Crash {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        Some(match self.0.read(line.mistakes)? {
            Victim::Process(process) => Action::Crash(process),
            Victim::Machine => {
                let at_write = match line.options.at_write.take() {
                    Some(range) => Some(range.read(line.mistakes)?),
                    None => None,
                };
                Action::PowerCut { at_write }
            }
        })
    }
}
