//! `resume = "proxy"`: a process that hung goes on.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, Process};
use crate::scenario::text::Text;

/// Lets a stalled process go on: what it missed reaches it.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Resume(pub(super) Text<Process>);

impl Verb for Resume {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        Some(Action::Resume(self.0.read(line.mistakes)?))
    }
}
