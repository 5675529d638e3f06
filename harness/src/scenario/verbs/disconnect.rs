//! `disconnect = "cmk-1"`: the key store that holds the key is disconnected.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, KeyChange};
use crate::scenario::text::Text;
use crate::scenario::values::KeyName;

/// Disconnects the key store that holds a customer's key (DisconnectCustomKeyStore): the key is Unavailable.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Disconnect(pub(super) Text<KeyName>);

impl Verb for Disconnect {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.key(&self.0, KeyChange::Disconnect)
    }
}
