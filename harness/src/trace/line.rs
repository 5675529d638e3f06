//! An event as a line of text: how a program outside tells the laboratory what happens to it, while it happens.
//!
//! One JSON object a line: the moment by the world's clock in nanoseconds since 1970, the host, and what happened.
//!
//! Invariant: a line holds an event as a trace keeps it, hence without the secrets that the program has named.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Event, What};

/// One event, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// When, in nanoseconds since 1970.
    pub at_unix_ns: u64,
    /// On which host.
    pub host: String,
    /// What.
    pub what: What,
}

/// A line that tells no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the events tells no event: {why}: {begins}")]
pub struct LineError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
    /// How it begins.
    pub begins: String,
}

impl Line {
    /// The line for an event of a log whose times count from 1970.
    pub fn of(event: &Event) -> Self {
        let at_unix_ns = u64::try_from(event.at.as_nanos()).unwrap_or(u64::MAX);
        Line { at_unix_ns, host: event.host.clone(), what: event.what.clone() }
    }

    /// The line as text, with its end.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string(self).expect("an event is plain data");
        text.push('\n');
        text
    }

    /// Reads the line of that number.
    pub fn read(line: usize, text: &str) -> Result<Self, LineError> {
        serde_json::from_str(text).map_err(|error| {
            let begins = text.chars().filter(|character| !character.is_control()).take(60).collect();
            LineError { line, why: error.to_string(), begins }
        })
    }

    /// When, since 1970.
    pub fn at(&self) -> Duration {
        Duration::from_nanos(self.at_unix_ns)
    }
}
