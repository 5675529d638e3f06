//! `skew = "+10m"`: the machine's clock is wrong.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::Text;
use crate::scenario::values::Offset;

/// Sets the wall clock of the machine, on which mongod and the proxy run, ahead or behind of everybody else's: `+10m`,
/// `-10m`, and `0s` for the right time.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Skew(pub(super) Text<Offset>);

impl Verb for Skew {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        let (ahead, by) = self.0.read(line.mistakes)?;
        Some(Action::Skew { ahead, by })
    }
}
