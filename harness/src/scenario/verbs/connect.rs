//! `connect = "cmk-1"`: the key store that holds the key is connected again.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, KeyChange};
use crate::scenario::text::Text;
use crate::scenario::values::KeyName;

/// Connects the key store that holds a customer's key again (ConnectCustomKeyStore).
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Connect(pub(super) Text<KeyName>);

impl Verb for Connect {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.key(&self.0, KeyChange::Connect)
    }
}
