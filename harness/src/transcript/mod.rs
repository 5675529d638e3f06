//! What a run comes to for a reader: who said what, in which order, with which outcome. Two lanes that play one scenario
//! are compared by it.
//!
//! Events become facts (`facts.rs`). Facts stand in windows, one for each line of the timeline, and there in a sequence for
//! each actor. What real time changes is taken out by rules that have names and reasons (`rules.rs`); what is left is
//! compared (`compare.rs`), and differences that are known are recorded in a file (`recorded.rs`).
//!
//! Invariant: no identifier, moment, length, address or free text enters a transcript. Two runs in which the same was
//! said have the same text, and so the same digest.

mod compare;
mod facts;
mod log;
mod recorded;
mod rules;
#[cfg(test)]
mod sketch;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use ring::digest;

use crate::scenario::Scenario;
use crate::trace::{Event, Fingerprint, Played, hex};

pub use compare::Difference;
pub use log::read_log;
pub use recorded::{Compared, FILE as RECORDED, PAGES, Recorded};
pub use rules::{RULES, Rule};

/// What was said in a run.
#[derive(Clone, Debug)]
pub struct Transcript {
    windows: Vec<Window>,
}

/// What was said from one line of the timeline to the next.
#[derive(Clone, Debug)]
struct Window {
    place: Place,
    /// When it opened, from the start of the run.
    opened: Duration,
    /// What each actor said, in its order.
    said: BTreeMap<Actor, Vec<Fact>>,
}

/// One thing that was said.
#[derive(Clone, Debug)]
struct Fact {
    what: String,
    /// When, from the start of the run. It stands in no text: one rule needs to know how close to a border it is.
    at: Duration,
}

/// Where in the timeline something is said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Before the first line.
    Beginning,
    /// After a line, or after several of one moment: the first of them, and their words.
    Line(u32, String),
    /// After everything around is healed.
    Epilogue,
}

/// Who says it: the host of the trace. mongod comes first, then who stands beside it, then the proxy, then the cloud.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Actor {
    rank: u8,
    host: String,
}

impl Transcript {
    /// The transcript of a run.
    pub fn of(scenario: &Scenario, played: &Played) -> Self {
        facts::transcript(Some(scenario), &played.events, &played.existing)
    }

    /// The transcript of an event log. Without a scenario, lines of one moment are not known as such.
    pub fn of_log(scenario: Option<&Scenario>, events: &[Event]) -> Self {
        let existing: BTreeMap<String, Fingerprint> = BTreeMap::new();
        facts::transcript(scenario, events, &existing)
    }

    /// `sha256:…` over the text.
    pub fn digest(&self) -> String {
        format!("sha256:{}", hex(digest::digest(&digest::SHA256, self.to_string().as_bytes()).as_ref()))
    }
}

impl fmt::Display for Transcript {
    /// The text: a paragraph for each window, and in it a line for each fact.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, window) in self.windows.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            writeln!(f, "{}", window.place)?;
            if window.said.is_empty() {
                writeln!(f, "  nothing is said")?;
            }
            for (actor, facts) in &window.said {
                for fact in facts {
                    writeln!(f, "  {:<13} {}", actor.host, fact.what)?;
                }
            }
        }
        Ok(())
    }
}

impl Place {
    /// The line of the file; none before the first and in the epilogue.
    pub fn line(&self) -> Option<u32> {
        match self {
            Place::Line(line, _) => Some(*line),
            Place::Beginning | Place::Epilogue => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Beginning => f.write_str("before the first line"),
            Place::Line(line, text) => write!(f, "line {line}: {text}"),
            Place::Epilogue => f.write_str("the epilogue"),
        }
    }
}

impl Actor {
    fn of(host: &str) -> Self {
        let rank = match host {
            "mongod" => 0,
            "administrator" => 1,
            "check" => 2,
            "proxy" => 3,
            _ => 4,
        };
        Actor { rank, host: host.to_owned() }
    }
}
