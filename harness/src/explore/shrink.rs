//! Makes a failing sketch small: the same failure, from as little as brings it about.
//!
//! In order: what comes after the failure, events, the world's settings, the simplest values, and another seed that is
//! easier to type; again until nothing changes. Each candidate is loaded and played; one that does not load, or fails in
//! another way, or not at all, is no candidate.
//!
//! Invariant: what comes out fails in the same way as what went in, with the seed that it names; and the same sketch and
//! seed always come out as the same.

mod steps;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::cause::Cause;
use super::outcome;
use super::sketch::Sketch;
use super::trial::{self, Final, Plant, Trial};
use crate::scenario::Scenario;

/// The most runs that are spent on one sketch.
pub const MOST: usize = 600;

/// The seeds that are tried beside the one that failed: easier to type.
const SIMPLE: u64 = 8;

/// A sketch that fails, and how.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The sketch.
    pub sketch: Sketch,
    /// The seed with which it fails.
    pub seed: u64,
    /// The cause.
    pub cause: Cause,
    /// What was seen, with everything that differs from run to run.
    pub observed: String,
    /// When each event happened.
    pub fired: Vec<Duration>,
}

/// What came of shrinking.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The small sketch.
    pub failing: Failing,
    /// How many events there were.
    pub before: usize,
    /// How many runs it took.
    pub plays: usize,
}

/// Who watches, and may end it.
pub struct Watch<'a> {
    /// Told after each run: how many there were, and how many events are left.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Set by whoever wants the result as it is now.
    pub stop: &'a AtomicBool,
}

/// Plays a scenario that somebody wrote. Where it fails: its sketch with the worst cause, and what its `final` is from.
pub fn failing(scenario: &Scenario, seed: u64, plant: Plant<'_>) -> Option<(Failing, Final)> {
    let foreseen = outcome::foresee(scenario) == Some(scenario.outcome);
    let last = if foreseen { Final::Foreseen } else { Final::Stated(scenario.outcome) };
    let trial = trial::play(&Sketch::of(scenario), last, seed, plant).ok()?;
    Some((Failing::of(trial, seed)?, last))
}

impl Failing {
    /// The worst failure of a run.
    pub fn of(trial: Trial, seed: u64) -> Option<Failing> {
        let (cause, observed) = trial.causes().into_iter().next()?;
        let fired = trial.played.map(|played| played.fired).unwrap_or_default();
        Some(Failing { sketch: trial.sketch, seed, cause, observed, fired })
    }
}

/// Shrinks a sketch that fails.
pub fn shrink(failing: Failing, last: Final, plant: Plant<'_>, watch: &Watch<'_>) -> Shrunk {
    let before = failing.sketch.lines.len();
    let mut search = Search { best: failing, last, plant, watch, plays: 0, tried: BTreeSet::new() };
    search.until_nothing_changes();
    Shrunk { failing: search.best, before, plays: search.plays }
}

struct Search<'a> {
    best: Failing,
    last: Final,
    plant: Plant<'a>,
    watch: &'a Watch<'a>,
    plays: usize,
    /// What was played before: the seed and the text.
    tried: BTreeSet<(u64, String)>,
}

impl Search<'_> {
    fn until_nothing_changes(&mut self) {
        while self.has_time() {
            let before = (self.best.sketch.clone(), self.best.seed);
            steps::forget_other_expectations(self);
            steps::only_start(self);
            steps::cut_the_end(self);
            steps::remove_events(self);
            steps::remove_settings(self);
            steps::simplify_events(self);
            steps::hurry(self);
            for seed in 0..SIMPLE.min(self.best.seed) {
                if self.try_with(self.best.sketch.clone(), seed) {
                    break;
                }
            }
            if before == (self.best.sketch.clone(), self.best.seed) {
                break;
            }
        }
    }

    fn has_time(&self) -> bool {
        self.plays < MOST && !self.watch.stop.load(Ordering::Relaxed)
    }

    /// Plays a candidate, and takes it if it fails in the same way.
    fn try_sketch(&mut self, sketch: Sketch) -> bool {
        self.try_with(sketch, self.best.seed)
    }

    fn try_with(&mut self, sketch: Sketch, seed: u64) -> bool {
        if !self.has_time() || sketch.lines.is_empty() || !self.tried.insert((seed, sketch.write())) {
            return false;
        }
        let Ok(trial) = trial::play(&sketch, self.last, seed, self.plant) else { return false };
        self.plays += 1;
        let same = trial.causes().into_iter().find(|(cause, _)| *cause == self.best.cause);
        if let Some((_, observed)) = &same {
            self.best.observed.clone_from(observed);
            self.best.fired = trial.played.map(|played| played.fired).unwrap_or_default();
            (self.best.sketch, self.best.seed) = (trial.sketch, seed);
        }
        (self.watch.progress)(self.plays, self.best.sketch.lines.len());
        same.is_some()
    }
}
