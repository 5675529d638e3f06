//! `renew = "credentials"`: the operator puts new credentials in place.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::Text;
use crate::scenario::words::TheCredentials;

/// Issues new credentials, and writes them where the proxy finds them.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Renew(pub(super) Text<TheCredentials>);

impl Verb for Renew {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.credentials(&self.0, Action::RenewCredentials)
    }
}
