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
        let process = self.0.read(line.mistakes)?;
        if process != Process::Proxy {
            return Some(Action::Start(process));
        }
        let kms_key = line.kms_key()?;
        let cloud_provider = match line.options.cloud_provider.take() {
            Some(provider) => Some(provider.read(line.mistakes)?.of(line.provider)),
            None => None,
        };
        if cloud_provider.is_none() && kms_key.is_none() {
            return Some(Action::Start(process));
        }
        Some(Action::StartProxy { cloud_provider, kms_key })
    }
}
