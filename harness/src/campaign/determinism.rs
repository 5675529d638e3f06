//! The check on which everything else rests: the same seed gives the same bytes.
//!
//! A scenario is played once, and then again in other ways: at once, after another scenario, on another thread, in
//! another process. Where two runs differ, [`crate::doctor`] says in which event and probably why.
//!
//! Invariant: what is compared are the very runs that differ, not later ones; so every run keeps its evidence.

use std::fmt;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::doctor::{self, Diagnosis};
use crate::scenario::{self, Scenario};
use crate::trace::Kept;
use crate::world::sim::{self, Planted};

/// What plays a scenario with a seed and keeps the evidence. Tests plant in theirs.
pub type Play<'a> = dyn Fn(&Scenario, u64) -> Kept + Sync + 'a;

/// In which way a scenario is played again.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// At once, on the same thread.
    Again,
    /// On the same thread, after another scenario.
    AfterAnother,
    /// On a thread of its own.
    AnotherThread,
    /// In a process of its own; the path is that of this very program.
    AnotherProcess(&'a Path),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All runs have this digest.
    Deterministic(String),
    /// Two runs differ.
    Differs(Box<Divergence>),
}

/// Two runs of one seed that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// `family/name`, with the provider if the file has several.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Which two runs, as `a run on another thread` completes it.
    pub between: &'static str,
    /// Where they part, and probably why.
    pub diagnosis: Diagnosis,
}

/// Why the check could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot play {scenario} in a process of its own: {why}")]
pub struct CannotCheck {
    scenario: String,
    why: String,
}

impl<'a> Way<'a> {
    /// The ways of `run --check-determinism`.
    pub fn usual(program: &'a Path) -> [Self; 2] {
        [Way::Again, Way::AnotherProcess(program)]
    }

    /// Every way that there is: those of `doctor`.
    pub fn all(program: &'a Path) -> [Self; 4] {
        [Way::Again, Way::AfterAnother, Way::AnotherThread, Way::AnotherProcess(program)]
    }

    fn as_str(self) -> &'static str {
        match self {
            Way::Again => "the run right after it",
            Way::AfterAnother => "a run after another scenario on the same thread",
            Way::AnotherThread => "a run on another thread",
            Way::AnotherProcess(_) => "a run in another process",
        }
    }

    fn play(self, scenario: &Scenario, seed: u64, play: &Play<'_>) -> Result<Kept, CannotCheck> {
        match self {
            Way::Again => Ok(play(scenario, seed)),
            Way::AfterAnother => {
                play(&another(), seed);
                Ok(play(scenario, seed))
            }
            Way::AnotherThread => {
                let played = thread::scope(|scope| scope.spawn(|| play(scenario, seed)).join());
                Ok(played.unwrap_or_else(|panic| resume_unwind(panic)))
            }
            Way::AnotherProcess(program) => elsewhere(scenario, seed, program),
        }
    }
}

/// Plays a scenario as it is, and keeps the evidence.
pub fn as_it_is(scenario: &Scenario, seed: u64) -> Kept {
    sim::play_kept(scenario, seed, &Planted::default())
}

/// Plays a scenario once, and then in each of the ways; the first run that differs from the first ends it.
pub fn check(scenario: &Scenario, seed: u64, ways: &[Way<'_>], play: &Play<'_>) -> Result<Outcome, CannotCheck> {
    let first = play(scenario, seed);
    for way in ways {
        let other = way.play(scenario, seed, play)?;
        if let Some(diagnosis) = doctor::compare(&first, &other) {
            let (scenario, between) = (scenario.label(), way.as_str());
            return Ok(Outcome::Differs(Box::new(Divergence { scenario, seed, between, diagnosis })));
        }
    }
    Ok(Outcome::Deterministic(first.digest))
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { scenario, seed, between, diagnosis } = self;
        write!(f, "{scenario} with seed {seed:#x} is not deterministic: a run and {between} differ\n\n{diagnosis}")
    }
}

/// Plays in another process: this program's `replay`, which prints what it keeps.
fn elsewhere(scenario: &Scenario, seed: u64, program: &Path) -> Result<Kept, CannotCheck> {
    let cannot = |why: String| CannotCheck { scenario: scenario.label(), why };
    let output = Command::new(program)
        .args(["replay", &scenario.path, "--provider", scenario.world.provider.as_str()])
        .args(["--seed", &format!("{seed:#x}"), "--evidence"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot(error.to_string()))?;
    Kept::read(&String::from_utf8_lossy(&output.stdout)).map_err(|error| {
        let told = String::from_utf8_lossy(&output.stderr);
        cannot(if told.trim().is_empty() { error } else { told.trim().to_owned() })
    })
}

/// A scenario that is played in between: whatever it leaves behind on the thread must not show.
fn another() -> Scenario {
    scenario::load("(in between)", "in-between", BETWEEN.as_bytes()).expect("a test reads it")
}

/// Keys that are made, a role that is assumed, an endpoint that fails, a proxy that is cut off.
const BETWEEN: &str = r#"
format = "1.0"
title = "What is played in between"
why = "It touches as much as it can that could outlive a run."
end = "20s"
final = "opens"
world.credentials = { kind = "role" }
world.mongod = { database = "empty" }
world.kms = { endpoints = ["private-a", "private-b"] }
timeline = [
  { at = "500ms", reject = "private-a" },
  { at = "1s", start = "mongod" },
  { at = "9s", crash = "proxy" },
  { at = "10s", start = "proxy" },
]
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_played_in_between_opens_the_database() {
        let kept = as_it_is(&another(), 0x5eed);
        let text = kept.lines();
        assert!(text.contains("AssumeRole") && text.contains("\"used\""), "it does not get far");
    }
}
