//! One sketch, played with one seed and judged.
//!
//! Invariant: a panic is a failure with its own text, and takes nothing else with it.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};

use super::cause::Cause;
use super::outcome;
use super::sketch::Sketch;
use crate::checker::{self, Failure, Judgement};
use crate::scenario::{Outcome, Scenario, ScenarioError};
use crate::trace::Played;
use crate::world::sim::{self, Planted};

/// Makes the bugs of a world anew for each run: a bug may remember something. Nothing is planted but in tests.
pub type Plant<'a> = &'a (dyn Fn() -> Planted + Sync);

/// What `final` says, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Final {
    /// It is foreseen from the sketch; where nothing can be foreseen, it is not judged.
    Foreseen,
    /// It stands in a file that somebody wrote, and something else is foreseen, or nothing.
    Stated(Outcome),
}

thread_local! {
    /// Whether this thread plays: a panic is a result then, and is told as one.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Lets panics within a run go untold from now on: in a search they come by the hundred, and each is told as a finding.
pub fn quiet_panics() {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !QUIET.get() {
            told(info);
        }
    }));
}

/// What came of a sketch.
#[derive(Debug)]
pub struct Trial {
    /// The sketch, with its `final`.
    pub sketch: Sketch,
    /// Whether `final` could be judged.
    pub final_is_known: bool,
    /// The scenario that was played.
    pub scenario: Scenario,
    /// The run; nothing if it panicked.
    pub played: Option<Played>,
    /// What the checker says; after a panic that alone.
    pub judgement: Judgement,
}

impl Trial {
    /// The causes of all failures that count, worst first, each with what was seen.
    pub fn causes(&self) -> Vec<(Cause, String)> {
        let failures = self.judgement.failures.iter();
        let causes = failures.map(|failure| (Cause::of(failure), failure.observed.clone()));
        causes.filter(|(cause, _)| self.final_is_known || !cause.is_about_final()).collect()
    }
}

/// Says what a sketch must come to, and loads it.
///
/// # Errors
///
/// What is wrong with the sketch.
pub fn settle(sketch: &Sketch, last: Final) -> Result<(Sketch, Scenario, bool), Box<ScenarioError>> {
    let mut sketch = sketch.clone();
    // `stays-closed` contradicts nothing that a file can say.
    sketch.outcome = Outcome::StaysClosed;
    let scenario = sketch.load("explore.toml").map_err(Box::new)?;
    let (outcome, known) = match last {
        Final::Stated(outcome) => (outcome, true),
        Final::Foreseen => match outcome::foresee(&scenario) {
            Some(outcome) => (outcome, true),
            None => (Outcome::StaysClosed, false),
        },
    };
    if outcome == Outcome::StaysClosed {
        return Ok((sketch, scenario, known));
    }
    sketch.outcome = outcome;
    let scenario = sketch.load("explore.toml").map_err(Box::new)?;
    Ok((sketch, scenario, known))
}

/// Plays a sketch and judges it.
///
/// # Errors
///
/// What is wrong with the sketch.
pub fn play(sketch: &Sketch, last: Final, seed: u64, plant: Plant<'_>) -> Result<Trial, Box<ScenarioError>> {
    let (sketch, scenario, final_is_known) = settle(sketch, last)?;
    let run = || {
        let played = sim::play(&scenario, seed, &plant());
        let judgement = checker::judge(&scenario, &played);
        (Some(played), judgement)
    };
    let (played, judgement) = QUIET
        .with(|quiet| {
            quiet.set(true);
            let played = catch_unwind(AssertUnwindSafe(run));
            quiet.set(false);
            played
        })
        .unwrap_or_else(|panic| {
            let text =
                panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            let failure = Failure {
                requirement: "the run is played to its end".to_owned(),
                expected: "no panic".to_owned(),
                observed: text.unwrap_or("a panic without a text").to_owned(),
                span: None,
            };
            (None, Judgement { failures: vec![failure], exercised: Default::default() })
        });
    Ok(Trial { sketch, final_is_known, scenario, played, judgement })
}
