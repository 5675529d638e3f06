//! `start = "mongod"`: brings a process up.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, Process};
use crate::scenario::text::Text;

/// Starts a process; one that runs is restarted.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Start(pub(super) Text<Process>);

impl Verb for Start {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        match (self.0.read(line.mistakes)?, line.cloud_provider) {
            (Process::Proxy, Some(provider)) => {
                line.cloud_provider = None;
                Some(Action::StartProxy { cloud_provider: provider.read(line.mistakes)? })
            }
            (process, _) => Some(Action::Start(process)),
        }
    }
}
