//! `check = "dbpath"`: the operator looks which keys open.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::Text;
use crate::scenario::words::TheDbpath;

/// Lets the operator run `kmipProxyStandalone check` on the machine, with the flags of the proxy: it opens every key of
/// the dbpath once.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Check(pub(super) Text<TheDbpath>);

impl Verb for Check {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        self.0.read(line.mistakes)?;
        Some(Action::Check)
    }
}
