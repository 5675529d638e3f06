//! Searches for runs that break an invariant, and makes what it finds small enough to read.
//!
//! From each seed a sketch is drawn (`draw`), what it must come to is foreseen (`outcome`), it is played and judged
//! (`trial`); failures of one cause (`cause`) are one finding, whose lowest seed is shrunk (`shrink`) and written down
//! (`record`) as an ordinary scenario file.
//!
//! Only worlds of AWS and of a key file are drawn, because `outcome` knows what becomes of those alone: at Azure and Google
//! a token outlives its secret, and a fold would have to follow each.
//!
//! Invariant: what is found depends on the seeds alone, not on how many workers there are, or which of them was first.

pub mod cause;
pub mod draw;
pub mod outcome;
pub mod progress;
pub mod record;
pub mod shrink;
mod sketch;
pub mod told;
pub mod trial;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub use self::cause::Cause;
pub use self::record::{Counts, Finding, Record};
pub use self::sketch::{Line, Sketch};

use self::record::First;
use self::shrink::{Failing, Shrunk};
use self::trial::{Final, Plant, Trial};
use crate::campaign::Shard;
use crate::report::Seed;

/// What to search, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The first seed; the others follow it.
    pub first_seed: u64,
    /// How many seeds, all parts together; none if only time counts.
    pub runs: Option<u64>,
    /// How long to draw and play. Shrinking comes after it.
    pub time: Option<Duration>,
    /// Which part of the search this is.
    pub shard: Shard,
    /// How many workers; as many as there are cores if nothing is said.
    pub workers: Option<usize>,
}

/// Who watches a search, and may end it.
pub trait Watch: Sync {
    /// A run is over; so many causes of failure are known.
    fn played(&self, causes: usize);
    /// A finding is being shrunk: its cause, how many runs that took so far, and how many events are left.
    fn shrinking(&self, cause: &Cause, plays: usize, events: usize);
    /// Set when the search is to end.
    fn stop(&self) -> &AtomicBool;
}

/// Searches.
pub fn explore(plan: &Plan, plant: Plant<'_>, watch: &dyn Watch) -> Record {
    let found = search(plan, plant, watch);
    let mut record = Record {
        format: record::FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        first_seed: Seed(plan.first_seed),
        runs: found.runs,
        last_seed: found.last_seed.map(Seed),
        interrupted: watch.stop().load(Ordering::Relaxed),
        counts: found.counts,
        findings: Vec::new(),
    };
    let mut taken = BTreeMap::new();
    for (cause, first) in found.causes {
        let shrunk = small(&cause, first, plant, watch);
        record.findings.extend(shrunk.map(|shrunk| Finding::new(first, shrunk, &mut taken)));
    }
    record.interrupted |= watch.stop().load(Ordering::Relaxed);
    record
}

/// Draws and plays one seed.
///
/// # Panics
///
/// If what was drawn does not load, which is a bug of the draw.
pub fn run(seed: u64, plant: Plant<'_>) -> Trial {
    let sketch = draw::draw(seed);
    trial::play(&sketch, Final::Foreseen, seed, plant)
        .unwrap_or_else(|error| panic!("seed {seed:#x} drew a file that does not load: {}", error.render(false)))
}

/// Plays the first seed of a cause once more, and shrinks what it drew.
fn small(cause: &Cause, first: First, plant: Plant<'_>, watch: &dyn Watch) -> Option<Shrunk> {
    let failing = Failing::of(run(first.seed, plant), first.seed)?;
    let progress = |plays: usize, events: usize| watch.shrinking(cause, plays, events);
    let watch = shrink::Watch { progress: &progress, stop: watch.stop() };
    Some(shrink::shrink(failing, Final::Foreseen, plant, &watch))
}

/// What all workers have found together.
#[derive(Default)]
struct Found {
    runs: u64,
    last_seed: Option<u64>,
    counts: Counts,
    causes: BTreeMap<Cause, First>,
}

fn search(plan: &Plan, plant: Plant<'_>, watch: &dyn Watch) -> Found {
    let found = Mutex::new(Found::default());
    let next = AtomicU64::new(0);
    let spent = deadline(plan.time);
    let workers = plan.workers.or(thread::available_parallelism().ok().map(NonZero::get)).unwrap_or(1);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if plan.runs.is_some_and(|runs| index >= runs) || spent() || watch.stop().load(Ordering::Relaxed) {
                break;
            }
            if !plan.shard.owns(index) {
                continue;
            }
            let seed = plan.first_seed.wrapping_add(index);
            let trial = run(seed, plant);
            let mut found = found.lock().expect("no worker panics while it holds what was found");
            found.add(seed, &trial);
            watch.played(found.causes.len());
        }
    };
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    found.into_inner().expect("no worker panics while it holds what was found")
}

/// Whether the time is spent, of which the results tell nothing but how many seeds there was time for.
#[expect(clippy::disallowed_methods, reason = "a search ends when the time is over that a person has given it")]
fn deadline(time: Option<Duration>) -> impl Fn() -> bool {
    let started = Instant::now();
    move || time.is_some_and(|time| started.elapsed() >= time)
}

impl Found {
    /// Adds a run. A run may fail for several causes; the worst one explains the others, and counts.
    fn add(&mut self, seed: u64, trial: &Trial) {
        self.runs += 1;
        self.last_seed = self.last_seed.max(Some(seed));
        self.counts.add(trial);
        let Some((cause, _)) = trial.causes().into_iter().next() else { return };
        let first = self.causes.entry(cause).or_insert(First { seed, runs: 0 });
        first.seed = first.seed.min(seed);
        first.runs += 1;
    }
}
