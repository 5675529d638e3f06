//! `pass = "7d"`: time goes by without anything happening in it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::Text;
use crate::scenario::values::Time;

/// Moves all wall clocks forward, at most 3650d: credentials, certificates and deletion dates grow old, timers do not.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Pass(pub(super) Text<Time>);

impl Verb for Pass {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        let time = self.0.read(line.mistakes)?;
        if time == Duration::ZERO {
            line.mistakes.push("no time passes".to_owned(), [(self.0.span(), "nothing would happen")]);
            return None;
        }
        Some(Action::Pass(time))
    }
}
