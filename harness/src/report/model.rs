//! `report.json` as a structure: what was tested, one cell for every run, and what they come to.
//!
//! [`Report::new`] sorts the cells, adds up, and judges coverage; after that a report is only read. A cell is one
//! scenario with one provider, one peer, one lane and one seed. Where a plan has very many seeds, the cells that passed
//! are folded (`fold.rs`), and only the others are kept.
//!
//! Invariant: wall clocks and facts about the machine stand in [`Machine`] and nowhere else, so that two reports of the
//! same commit differ in that block only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agreement::{self, Agreement, Compared};
use super::cases::Case;
use super::counts::{self, Counts, Tally};
use super::fold::{Fold, Passed};
use super::verdict::{Tier, Verdict};
use super::words;

/// The version of the format, in the field `format`.
pub const FORMAT: u32 = 1;

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Every run, sorted by family, scenario, provider, peer, lane, and seed. Those that passed are not among them where
    /// the plan folds them: see `passed`.
    pub cells: Vec<Cell>,
    /// How often each word that the laboratory knows was exercised, over all runs; zero for what was not.
    pub counts: Counts,
    /// How often each invariant was exercised, over all runs.
    pub exercised: BTreeMap<String, u64>,
    /// Whether a real `mongod --enableEncryption` ran, as a sentence.
    pub first_line: String,
    /// The version of this format: 1.
    pub format: u32,
    /// The invariants that were checked on every run: what each one says, by its short name.
    pub invariants: BTreeMap<String, String>,
    /// Where and when; the only place for wall clocks.
    pub machine: Machine,
    /// The runs that passed, folded into one entry for each case, sorted as cells are; empty unless the plan folds.
    #[serde(default)]
    pub passed: Vec<Passed>,
    /// What was asked for.
    pub plan: Planned,
    /// Which part of the plan this is, such as `2/4`; nothing for all of it.
    #[serde(default)]
    pub shard: Option<String>,
    /// What was tested.
    pub subject: Subject,
    /// What the runs come to.
    pub summary: Summary,
    /// Whether every scenario was selected. Only then must every invariant have been exercised.
    pub whole: bool,
}

/// What was asked for, all parts of a split campaign together: reports that are merged must agree on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// The first of the seeds, which follow one another; nothing if nothing was to be simulated.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub first_seed: Option<Seed>,
    /// Whether runs that passed are folded, because there are so many seeds.
    pub folded: bool,
    /// The lane, where one was asked for by its name.
    #[serde(default)]
    pub lane: Option<String>,
    /// The scenarios that were selected, with the SHA-256 of each file: `family/name`, and `family/name[provider]` where
    /// the file is played with several.
    pub scenarios: BTreeMap<String, String>,
    /// How many seeds each scenario was to be played with, besides those that its file pins.
    pub seeds: u64,
}

/// What was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// The commit, where it is known.
    #[serde(default)]
    pub commit: Option<String>,
    /// The name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Where and when the runs were played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// How many cores there were.
    pub cores: u32,
    /// How long it all took, in milliseconds of wall time.
    pub elapsed_ms: u64,
    /// When it began, as in RFC 3339.
    pub started: String,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Whether it agrees with the simulation; nothing where it was not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// The cloud, where somebody else ran it: where it was, and what it said it is. Nothing for the laboratory's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// How often each word was exercised; what was not is left out.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub counts: Counts,
    /// The digest over every byte and time of the trace; nothing if nothing ran.
    #[serde(default)]
    pub digest: Option<String>,
    /// What the seed drew: one text for each option.
    #[serde(default)]
    pub drawn: Vec<String>,
    /// How often each invariant was exercised, by its short name.
    #[serde(default)]
    pub exercised: BTreeMap<String, u64>,
    /// What was expected, where that was not met.
    #[serde(default)]
    pub expected: Option<String>,
    /// Every expectation that was not met, in the order in which they were checked.
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// The family of the scenario: its folder.
    pub family: String,
    /// The scenario file, as the replay command names it.
    pub file: String,
    /// How the scenario must end once everything is healed: `opens` or `stays-closed`.
    #[serde(rename = "final")]
    pub outcome: String,
    /// The lane: the kind of world, such as `sim`.
    pub lane: String,
    /// What was observed instead.
    #[serde(default)]
    pub observed: Option<String>,
    /// Who stood on the other side of the proxy: a persona, or a mongod with its version.
    pub peer: String,
    /// What the tier rests on: what the peer answered when it was asked who it is, one fact a line. Nothing in a
    /// simulation, where nobody is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proof: Vec<String>,
    /// The provider with which the scenario was played: whose key wraps the master key, and whose cloud there is.
    pub provider: String,
    /// The command that plays this cell again.
    pub replay: String,
    /// The name of the scenario within its family.
    pub scenario: String,
    /// The seed; nothing if nothing ran.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub seed: Option<Seed>,
    /// The digest over operations and outcomes only; nothing if nothing ran.
    #[serde(default)]
    pub semantic_digest: Option<String>,
    /// How much time passed in the world, in milliseconds.
    pub simulated_ms: u64,
    /// How strong the evidence is; nothing if nobody has said who they are, because nothing ran.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// What the scenario plays, in one line.
    pub title: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why it came so; for what did not run or was expected to fail, the reason.
    #[serde(default)]
    pub why: Option<String>,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// What the requirement demands here.
    pub expected: String,
    /// What was there instead, and when.
    pub observed: String,
    /// Where the scenario file asks for it; nothing for what every run must keep.
    #[serde(default)]
    pub place: Option<Place>,
    /// Which requirement: a line of the scenario, or an invariant such as `K5 honest-not-found`.
    pub requirement: String,
}

/// A place in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The first column, in characters, from 1.
    pub column: u32,
    /// The line, from 1.
    pub line: u32,
    /// The whole line as it stands in the file.
    pub source: String,
    /// How many characters the place spans, at least 1.
    pub width: u32,
}

/// What the cells of a report come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// How many cells agree with the simulation, by lane; only lanes with cells that were compared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agreements: BTreeMap<String, Compared>,
    /// How many cases there are: cells that differ only in their seed are one case.
    pub cases: u64,
    /// How many cells there are, folded ones included.
    pub cells: u64,
    /// The invariants that were not exercised once although every scenario was selected.
    pub coverage_failures: Vec<String>,
    /// How many scenarios there are.
    pub scenarios: u64,
    /// How many different seeds were played.
    pub seeds: u64,
    /// How much time passed in all worlds together, in milliseconds.
    pub simulated_ms: u64,
    /// What is recorded as a difference from the simulation, and is none any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale_differences: Vec<String>,
    /// How many cases have each verdict. The worst verdict of its seeds is that of a case.
    pub verdicts: BTreeMap<Verdict, u64>,
}

/// What a report is made of.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was tested.
    pub subject: Subject,
    /// What was asked for.
    pub plan: Planned,
    /// Which part of it this is; nothing for all of it.
    pub shard: Option<String>,
    /// Every run.
    pub runs: Fold,
    /// How many different seeds were played.
    pub seeds: u64,
    /// The invariants that are checked on every run: what each one says, by its short name.
    pub invariants: BTreeMap<String, String>,
    /// What is recorded as a difference from the simulation, and is none any more.
    pub stale: Vec<String>,
    /// Every word that a run can exercise, each with zero.
    pub words: Counts,
    /// Whether every scenario was selected.
    pub whole: bool,
    /// Where and when.
    pub machine: Machine,
}

impl Report {
    /// Sorts, adds up, and judges coverage.
    pub fn new(played: Played) -> Report {
        let Played { subject, plan, shard, runs, seeds, invariants, stale, words, whole, machine } = played;
        let (mut cells, passed) = runs.into_parts();
        cells.sort_by(|one, other| one.order().cmp(&other.order()));
        let mut exercised: BTreeMap<String, u64> = invariants.keys().map(|id| (id.clone(), 0)).collect();
        let mut totals = words;
        let of_cells = cells.iter().map(|cell| (&cell.exercised, &cell.counts));
        for (invariants, counts) in of_cells.chain(passed.iter().map(|passed| (&passed.exercised, &passed.counts))) {
            counts::add(&mut exercised, invariants);
            totals.add(counts);
        }
        // A part proves nothing about what it did not meet: the report of all parts does.
        let judged = whole && shard.is_none();
        let summary = Summary { stale_differences: stale, ..Summary::of(&cells, &passed, seeds, &exercised, judged) };
        let first_line = words::first_line(&cells, &passed);
        Report {
            cells,
            counts: totals,
            exercised,
            first_line,
            format: FORMAT,
            invariants,
            machine,
            passed,
            plan,
            shard,
            subject,
            summary,
            whole,
        }
    }

    /// The cells as people look at them: one case for all seeds.
    pub fn cases(&self) -> Vec<Case<'_>> {
        Case::group(&self.cells, &self.passed)
    }

    /// The cases that somebody must look at, sorted by family and name.
    pub fn failures(&self) -> Vec<Case<'_>> {
        self.cases().into_iter().filter(|case| case.verdict().wants_attention()).collect()
    }

    /// Invariants and how often each was exercised, `K2` before `K10`.
    pub fn coverage(&self) -> Vec<(&str, u64)> {
        let mut rows: Vec<_> = self.exercised.iter().map(|(id, times)| (id.as_str(), *times)).collect();
        rows.sort_by_key(|(id, _)| (id.len(), *id));
        rows
    }

    /// Everything that was exercised, kind by kind, as forms show it.
    pub fn tallies(&self) -> Vec<Tally<'_>> {
        Tally::of(self.coverage(), &self.counts)
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        weighed(&self.cells, &self.passed).filter(|(cell, _)| cell.verdict.ran()).map(|(_, times)| times).sum()
    }

    /// Whether a real `mongod --enableEncryption` ran anywhere.
    pub fn real_mongod_ran(&self) -> bool {
        weighed(&self.cells, &self.passed)
            .any(|(cell, _)| cell.tier.is_some_and(Tier::is_real_mongod) && cell.verdict.ran())
    }

    /// The lane that was asked for by name and in which nothing ran: the run ends with exit code 6. A part of a campaign
    /// misses none, because others have the rest.
    pub fn missed_lane(&self) -> Option<&str> {
        let asked = self.plan.lane.as_deref().filter(|_| self.shard.is_none())?;
        let ran = weighed(&self.cells, &self.passed).any(|(cell, _)| cell.lane == asked && cell.verdict.ran());
        (!ran).then_some(asked)
    }

    /// The exit code: 0 all as expected, 1 a failure, an unexpected pass, a gap in coverage or, in a whole run, a recorded
    /// difference that is none any more, 3 nothing worse than
    /// inconclusive, 4 nothing was played. For a part of a campaign there may well be nothing to play.
    pub fn exit_code(&self) -> u8 {
        let any = |wanted: Verdict| self.cells.iter().any(|cell| cell.verdict == wanted);
        if self.runs() == 0 && self.shard.is_none() {
            4
        } else if any(Verdict::Fail)
            || any(Verdict::UnexpectedPass)
            || !self.summary.coverage_failures.is_empty()
            || (self.whole && !self.summary.stale_differences.is_empty())
        {
            1
        } else if any(Verdict::Inconclusive) {
            3
        } else {
            0
        }
    }
}

impl Cell {
    /// `family/scenario`, unique among all scenarios.
    pub fn id(&self) -> String {
        format!("{}/{}", self.family, self.scenario)
    }

    pub(super) fn order(&self) -> impl Ord + use<'_> {
        (&self.family, &self.scenario, &self.provider, &self.peer, &self.lane, self.seed)
    }
}

impl Summary {
    fn of(cells: &[Cell], passed: &[Passed], seeds: u64, exercised: &BTreeMap<String, u64>, judged: bool) -> Summary {
        let cases = Case::group(cells, passed);
        let mut verdicts: BTreeMap<Verdict, u64> = Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect();
        for case in &cases {
            *verdicts.entry(case.verdict()).or_default() += 1;
        }
        // Where nothing was played, nothing was promised: that is an exit code of its own.
        let judged = judged && weighed(cells, passed).any(|(cell, _)| cell.verdict.ran());
        let gaps = exercised.iter().filter(|(_, times)| judged && **times == 0);
        Summary {
            agreements: agreement::compared(weighed(cells, passed)),
            cases: count(cases.len()),
            cells: weighed(cells, passed).map(|(_, times)| times).sum(),
            coverage_failures: gaps.map(|(id, _)| id.clone()).collect(),
            scenarios: count(weighed(cells, passed).map(|(cell, _)| cell.id()).collect::<BTreeSet<_>>().len()),
            seeds,
            simulated_ms: cells.iter().map(|cell| cell.simulated_ms).sum::<u64>()
                + passed.iter().map(|passed| passed.simulated_ms).sum::<u64>(),
            stale_differences: Vec::new(),
            verdicts,
        }
    }

    /// How many cases have that verdict.
    pub fn count(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or(0)
    }
}

/// Cells, each with the number of runs that it stands for: folded ones as their example.
pub(super) fn weighed<'a>(cells: &'a [Cell], passed: &'a [Passed]) -> impl Iterator<Item = (&'a Cell, u64)> + 'a {
    cells.iter().map(|cell| (cell, 1)).chain(passed.iter().map(|passed| (&passed.example, passed.count)))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A seed, written in hexadecimal: JSON numbers do not hold 64 bits everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl FromStr for Seed {
    type Err = BadSeed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").ok_or_else(|| BadSeed(text.to_owned()))?;
        u64::from_str_radix(digits, 16).map(Seed).map_err(|_| BadSeed(text.to_owned()))
    }
}

impl TryFrom<String> for Seed {
    type Error = BadSeed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> String {
        seed.to_string()
    }
}

/// A text that is no seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a seed: expected 0x and up to sixteen hexadecimal digits")]
pub struct BadSeed(pub String);

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn exit_code_of(verdicts: &[Verdict]) -> u8 {
        sample::report(verdicts.iter().map(|verdict| sample::cell("family", verdict.id(), *verdict)).collect())
            .exit_code()
    }

    #[test]
    fn exit_codes_follow_the_documented_table() {
        use Verdict::*;
        let table: [(&[Verdict], u8); 10] = [
            (&[Pass], 0),
            (&[Pass, ExpectedFailure, NotApplicable, NotRun], 0),
            (&[Pass, Fail], 1),
            (&[Pass, UnexpectedPass], 1),
            (&[Fail, Inconclusive], 1),
            (&[Inconclusive], 3),
            (&[Pass, Inconclusive, NotRun], 3),
            (&[], 4),
            (&[NotRun], 4),
            (&[NotRun, NotApplicable], 4),
        ];
        for (verdicts, code) in table {
            assert_eq!(exit_code_of(verdicts), code, "{verdicts:?}");
        }
    }

    #[test]
    fn an_invariant_that_was_never_exercised_fails_a_whole_run_and_only_that() {
        let mut played = sample::played(vec![sample::cell("family", "name", Verdict::Pass)]);
        played.invariants.insert("K11".to_owned(), "never-tried".to_owned());
        let part = Report::new(played.clone());
        assert_eq!((part.summary.coverage_failures.len(), part.exit_code()), (0, 0));
        played.whole = true;
        let whole = Report::new(played);
        assert_eq!((whole.summary.coverage_failures.clone(), whole.exit_code()), (vec!["K11".to_owned()], 1));
    }

    #[test]
    fn a_recorded_difference_that_is_none_any_more_fails_a_whole_run_and_only_that() {
        let cells = || vec![sample::cell("family", "name", Verdict::Pass)];
        let stale = |whole| Report::new(Played { stale: vec!["it".to_owned()], whole, ..sample::played(cells()) });
        assert_eq!((stale(false).exit_code(), stale(true).exit_code()), (0, 1));
        assert_eq!(stale(false).summary.stale_differences, ["it"], "and is told all the same");
    }

    #[test]
    fn seeds_of_one_case_are_counted_once_and_the_worst_verdict_is_told() {
        let cells = sample::seeds("family", "name", &[Verdict::Pass, Verdict::Fail, Verdict::Pass]);
        let summary = sample::report(cells).summary;
        assert_eq!((summary.scenarios, summary.cases, summary.cells, summary.seeds), (1, 1, 3, 3));
        assert_eq!((summary.count(Verdict::Fail), summary.count(Verdict::Pass)), (1, 0));
        assert_eq!(summary.simulated_ms, 3 * 46_000);
    }

    #[test]
    fn the_order_in_which_cells_finished_does_not_show() {
        let mut cells = sample::everything().cells;
        let forward = sample::report(cells.clone());
        cells.reverse();
        assert_eq!(sample::report(cells), forward);
    }

    #[test]
    fn exercised_adds_up_over_all_cells_and_sorts_by_number() {
        let report = sample::report(sample::seeds("family", "name", &[Verdict::Pass; 4]));
        assert_eq!(report.exercised.get("K1"), Some(&(4 * 3)));
        let order: Vec<_> = report.coverage().into_iter().map(|(id, _)| id).collect();
        assert_eq!(order.first(), Some(&"K1"));
        assert_eq!(order.last(), Some(&"K10"));
    }

    #[test]
    fn a_seed_is_read_as_it_is_written() {
        for seed in [Seed(0), Seed(0x5eed_0031), Seed(u64::MAX)] {
            assert_eq!(seed.to_string().parse(), Ok(seed));
        }
        for bad in ["", "7", "0x", "0xg", "0x10000000000000000"] {
            assert_eq!(bad.parse::<Seed>(), Err(BadSeed(bad.to_owned())));
        }
    }
}
