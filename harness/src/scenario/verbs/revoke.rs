//! `revoke = "master-key"`: an administrator ends the KMIP object that is the database's key.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, ObjectChange};
use crate::scenario::text::Text;
use crate::scenario::words::TheMasterKey;

/// Lets an administrator revoke the master key over KMIP: it is Deactivated, or Compromised with the `reason` beside it.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Revoke(pub(super) Text<TheMasterKey>);

impl Verb for Revoke {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        self.0.read(line.mistakes)?;
        let change = match line.options.reason.take() {
            Some(reason) => reason.read(line.mistakes)?.0,
            None => ObjectChange::Revoke,
        };
        Some(Action::Object(change))
    }
}
