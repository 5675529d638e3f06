//! `stop = "mongod"`: ends a process in good order.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, Process};
use crate::scenario::text::Text;

/// Ends a process as SIGTERM does.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Stop(pub(super) Text<Process>);

impl Verb for Stop {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        self.0.read(line.mistakes).map(Action::Stop)
    }
}
