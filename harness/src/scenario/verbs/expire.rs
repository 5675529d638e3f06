//! `expire = "credentials"`: the cloud stops accepting the credentials.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::Text;
use crate::scenario::words::TheCredentials;

/// Ends the current credentials: sessions expire, the keys of a user are revoked.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Expire(pub(super) Text<TheCredentials>);

impl Verb for Expire {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.credentials(&self.0, Action::ExpireCredentials)
    }
}
