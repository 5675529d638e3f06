//! The check on which everything else rests: the same seed gives the same bytes.
//!
//! A scenario is played twice in this process, with whatever was played before on the same thread, and once in a process
//! of its own. Where two logs differ, the first differing event is named, with both sides.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::scenario::Scenario;
use crate::trace::Event;
use crate::world::sim::{self, Planted};

/// Two runs of one seed that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// `family/name`.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Which two runs: `the same process` or `another process`.
    pub between: &'static str,
    /// The host of the first differing event, where one is known.
    pub host: String,
    /// That event as the first run has it.
    pub first: String,
    /// The same place in the second run.
    pub second: String,
}

/// Why the check could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot play {scenario} in a process of its own: {why}")]
pub struct CannotCheck {
    scenario: String,
    why: String,
}

/// Plays a scenario three times with one seed. `program` is this very program, to be started once more.
pub fn check(scenario: &Scenario, seed: u64, program: &Path) -> Result<Option<Divergence>, CannotCheck> {
    let one = sim::play(scenario, seed, &Planted::default());
    let two = sim::play(scenario, seed, &Planted::default());
    if one.digest != two.digest {
        return Ok(Some(first_difference(scenario, seed, "the same process", &one.events, &two.events)));
    }
    let cannot = |why: String| CannotCheck { scenario: scenario.id(), why };
    let output = Command::new(program)
        .args(["replay", &scenario.path, "--seed", &format!("{seed:#x}"), "--events"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(digest) = text.lines().last().and_then(|line| line.strip_prefix("digest ")) else {
        return Err(cannot(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    };
    if digest == one.digest {
        return Ok(None);
    }
    let events: Vec<Event> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(Some(first_difference(scenario, seed, "another process", &one.events, &events)))
}

fn first_difference(scenario: &Scenario, seed: u64, between: &'static str, one: &[Event], two: &[Event]) -> Divergence {
    let index = one.iter().zip(two).take_while(|(one, two)| one == two).count();
    let side = |events: &[Event]| {
        events.get(index).map_or_else(
            || "(the log ends before it)".to_owned(),
            |event| serde_json::to_string(event).expect("an event is plain data"),
        )
    };
    let host = one.get(index).or_else(|| two.get(index)).map(|event| event.host.clone());
    Divergence {
        scenario: scenario.id(),
        seed,
        between,
        // Equal events with different digests differ in bytes that only the digest keeps.
        host: host.unwrap_or_else(|| "unknown: the events are equal, and their bytes are not".to_owned()),
        first: side(one),
        second: side(two),
    }
}
