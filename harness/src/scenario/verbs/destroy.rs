//! `destroy = "master-key"`: an administrator destroys the KMIP object that is the database's key.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, ObjectChange};
use crate::scenario::text::Text;
use crate::scenario::words::TheMasterKey;

/// Lets an administrator destroy the master key over KMIP. An active key must be revoked first.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Destroy(pub(super) Text<TheMasterKey>);

impl Verb for Destroy {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        self.0.read(line.mistakes)?;
        Some(Action::Object(ObjectChange::Destroy))
    }
}
