//! Many scenarios with many seeds, on all cores: played, judged, and gathered into one report.
//!
//! Runs are independent, so that each worker takes the next one; the report sorts them. Nothing in a cell depends on
//! which worker played it, or when. For the same reason a plan can be split: [`Shard`] says which runs a machine plays,
//! and [`merge()`] makes of all its parts the report of the whole.
//!
//! Invariant: the only wall clock is the one in the report's machine block.

pub mod agreement;
pub mod counts;
pub mod determinism;
mod lanes;
mod merge;
mod runs;
mod shard;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Instant, SystemTime};

use ring::digest;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::checker::{self, INVARIANTS, Judgement};
use crate::report::{
    Cell, Failure, Fold, Machine, Place, Planned, Played as Sheet, Report, Seed, Subject, Tier, Verdict,
};
use crate::scenario::Scenario;
use crate::trace::{Drawn, Lane, Played, hex};
use crate::transcript::Recorded;
use crate::world::sim::{self, Planted};
use crate::world::{Means, panic_text};

pub use merge::{MergeError, Part, merge};
pub use runs::Seeds;
pub use shard::{BadShard, Shard};

use runs::Runs;

/// The seeds of a run where none is named: this one, and those after it.
pub const FIRST_SEED: u64 = 0x5eed;

/// Up to how many seeds for each scenario a report keeps every cell. With more, those that passed are folded.
pub const FOLD_ABOVE: u64 = 1_000;

/// What to play.
#[derive(Debug)]
pub struct Plan {
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// The seeds for each of them, to which those are added that a file pins; none if nothing is to be simulated.
    pub seeds: Seeds,
    /// The part of all that to play; nothing for all of it.
    pub shard: Option<Shard>,
    /// Above how many seeds for each scenario, in all parts together, passing runs are folded: [`FOLD_ABOVE`].
    pub fold_above: u64,
    /// Whether these are all the scenarios there are: only then must every invariant have been put to the test.
    pub whole: bool,
    /// The commit of what is tested, where it is known.
    pub commit: Option<String>,
    /// The lane, where one was asked for by its name.
    pub lane: Option<String>,
    /// Lanes with real programs that were asked for.
    pub lanes: Vec<Lane>,
    /// What they have to work with.
    pub means: Means,
    /// In what they are known to differ from the simulation.
    pub recorded: Recorded,
}

impl Plan {
    /// How many runs it has.
    pub fn runs(&self) -> u64 {
        Runs::new(&self.scenarios, self.seeds, self.shard).count()
    }

    /// What the report says of it, the same in all parts.
    fn planned(&self) -> Planned {
        let sum = |text: &str| format!("sha256:{}", hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()));
        Planned {
            first_seed: (self.seeds.count > 0).then_some(Seed(self.seeds.first)),
            folded: self.folds(),
            lane: self.lane.clone(),
            scenarios: self.scenarios.iter().map(|scenario| (scenario.label(), sum(&scenario.source))).collect(),
            seeds: self.seeds.count,
        }
    }

    fn folds(&self) -> bool {
        self.seeds.count > self.fold_above
    }
}

/// Plays a plan. `finished` is told of each run, in the order in which they end.
pub fn play(plan: &Plan, finished: &(dyn Fn(&Cell) + Sync)) -> Report {
    let watch = Watch::start();
    let runs = Runs::new(&plan.scenarios, plan.seeds, plan.shard);
    let next = AtomicU64::new(0);
    let played = Mutex::new(Fold::new(plan.folds()));
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers.min(usize::try_from(runs.count()).unwrap_or(usize::MAX)) {
            scope.spawn(|| {
                while let Some((scenario, seed)) = runs.at(next.fetch_add(1, Ordering::Relaxed)) {
                    let cell = run(scenario, seed);
                    finished(&cell);
                    played.lock().expect("no worker panics while it holds the pile").add(cell);
                }
            });
        }
    });
    let mut played = played.into_inner().expect("no worker panics while it holds the pile");
    // What cannot be dealt out by seed belongs to the first part.
    let mut compared = Vec::new();
    for lane in plan.lanes.iter().filter(|_| plan.shard.is_none_or(Shard::is_first)) {
        for (cell, with_simulation) in lanes::play(plan, *lane, finished) {
            played.add(cell);
            compared.extend(with_simulation);
        }
    }
    Report::new(Sheet {
        subject: Subject {
            name: "kmip-proxy".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: plan.commit.clone(),
        },
        plan: plan.planned(),
        shard: plan.shard.map(|shard| shard.to_string()),
        runs: played,
        seeds: runs.seeds(),
        words: counts::words(),
        invariants: INVARIANTS.iter().map(|it| (it.id.to_owned(), it.meaning.to_owned())).collect(),
        stale: plan.recorded.stale(&compared),
        whole: plan.whole,
        machine: watch.stop(workers),
    })
}

/// What the machine block tells of time: the one place where a report looks at a wall clock.
struct Watch {
    started: SystemTime,
    running: Instant,
}

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "the machine block says when a campaign began and how long it took")]
    fn start() -> Self {
        Watch { started: SystemTime::now(), running: Instant::now() }
    }

    fn stop(&self, workers: usize) -> Machine {
        // Whole seconds, and nothing where a clock stands at a year that the format cannot write.
        let started = OffsetDateTime::from(self.started).replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Machine {
            cores: u32::try_from(workers).unwrap_or(u32::MAX),
            elapsed_ms: u64::try_from(self.running.elapsed().as_millis()).unwrap_or(u64::MAX),
            started: started.format(&Rfc3339).unwrap_or_default(),
        }
    }
}

/// Plays and judges one scenario with one seed.
pub fn run(scenario: &Scenario, seed: u64) -> Cell {
    // A panic in one run must not take the other thousand with it; it is a failure with its own text.
    let played = catch_unwind(AssertUnwindSafe(|| sim::play(scenario, seed, &Planted::default())));
    match played {
        Ok(played) => cell(scenario, &played, &checker::judge(scenario, &played)),
        Err(panic) => {
            let mut cell = empty(scenario, Some(seed), Lane::Sim);
            cell.tier = Some(Tier::Simulated);
            cell.verdict = Verdict::Fail;
            cell.failures.push(Failure {
                requirement: "the run is played to its end".to_owned(),
                expected: "no panic".to_owned(),
                observed: panic_text(&*panic).to_owned(),
                place: None,
            });
            head(cell)
        }
    }
}

/// The cell of a run that was judged.
pub fn cell(scenario: &Scenario, played: &Played, judgement: &Judgement) -> Cell {
    let mut cell = empty(scenario, Some(played.seed), played.lane);
    cell.peer = played.peer.name.clone();
    cell.cloud = played.cloud.clone();
    // Who has said nothing is of no tier; in a simulation it is known who plays.
    let known = played.lane == Lane::Sim || !played.peer.proof.is_empty();
    cell.tier = known.then_some(played.peer.tier);
    cell.proof.clone_from(&played.peer.proof);
    cell.counts = counts::counts(scenario, played);
    if played.lane == Lane::Sim {
        // Where time is real no two runs have the same bytes.
        cell.digest = Some(played.digest.clone());
    }
    cell.semantic_digest = Some(played.semantic_digest.clone());
    cell.simulated_ms = u64::try_from(played.simulated.as_millis()).unwrap_or(u64::MAX);
    cell.drawn = played.drawn.iter().map(|Drawn { what, value }| format!("{what}: {value}")).collect();
    cell.exercised = judgement.exercised.iter().map(|(id, times)| ((*id).to_owned(), *times)).collect();
    cell.verdict = if judgement.passed() { Verdict::Pass } else { Verdict::Fail };
    cell.failures = judgement
        .failures
        .iter()
        .map(|failure| Failure {
            requirement: failure.requirement.clone(),
            expected: failure.expected.clone(),
            observed: failure.observed.clone(),
            place: failure.span.as_ref().map(|span| place(&scenario.source, span)),
        })
        .collect();
    head(cell)
}

/// The first failure is what a table has room for.
fn head(mut cell: Cell) -> Cell {
    if let Some(first) = cell.failures.first() {
        cell.expected = Some(first.expected.clone());
        cell.observed = Some(first.observed.clone());
    }
    cell
}

fn empty(scenario: &Scenario, seed: Option<u64>, lane: Lane) -> Cell {
    let provider = scenario.world.provider;
    let with = if scenario.has_siblings() { format!(" --provider {provider}") } else { String::new() };
    let replay = match seed {
        Some(seed) if lane == Lane::Sim => format!("cargo lab replay {}{with} --seed {}", scenario.path, Seed(seed)),
        _ => format!("cargo lab run {} --provider {provider} --lane {lane}", scenario.id()),
    };
    Cell {
        agreement: None,
        cloud: None,
        counts: Default::default(),
        digest: None,
        drawn: Vec::new(),
        exercised: BTreeMap::new(),
        expected: None,
        failures: Vec::new(),
        family: scenario.family.clone(),
        file: scenario.path.clone(),
        outcome: scenario.outcome.as_str().to_owned(),
        lane: lane.as_str().to_owned(),
        observed: None,
        peer: scenario.world.mongod.persona.clone(),
        proof: Vec::new(),
        provider: provider.to_string(),
        replay,
        scenario: scenario.name.clone(),
        seed: seed.map(Seed),
        semantic_digest: None,
        simulated_ms: 0,
        tier: None,
        title: scenario.title.clone(),
        verdict: Verdict::Inconclusive,
        why: None,
    }
}

/// Where a span stands, as people count.
fn place(source: &str, span: &std::ops::Range<usize>) -> Place {
    let start = span.start.min(source.len());
    let line_start = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |newline| start + newline);
    let end = span.end.clamp(start, line_end);
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    Place {
        line: u32::try_from(source[..start].matches('\n').count()).unwrap_or(u32::MAX).saturating_add(1),
        column: count(&source[line_start..start]).saturating_add(1),
        source: source[line_start..line_end].to_owned(),
        width: count(&source[start..end]).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_placed_by_line_and_column_as_people_count() {
        let place = place("one\ntwo äö three\n", &(13..18));
        assert_eq!((place.line, place.column, place.width), (2, 8, 5));
        assert_eq!(place.source, "two äö three");
    }
}
