//! `slow = "private-a"`: the service behind an endpoint takes its time.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::check::time;
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::Text;
use crate::scenario::values::EndpointName;

/// Makes an endpoint answer late: by 2s, or by the time beside it.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Slow(pub(super) Text<EndpointName>);

/// How much later answers come where nothing is said.
const USUAL: Duration = Duration::from_secs(2);

impl Verb for Slow {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        let by = match line.options.by.take() {
            Some(by) => time(by, Duration::from_millis(1)..=Duration::from_hours(1), line.mistakes)?,
            None => USUAL,
        };
        line.endpoint(&self.0, EndpointState::Slow(by))
    }
}
