//! `restrict = "cmk-1"`: the key's policy wants a private way.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, KeyChange};
use crate::scenario::text::Text;
use crate::scenario::values::KeyName;

/// Lets the policy of a customer's key deny every call that does not come through a private endpoint.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Restrict(pub(super) Text<KeyName>);

impl Verb for Restrict {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        line.key(&self.0, KeyChange::Restrict)
    }
}
