//! The parts of a split campaign put together again: exactly the report that one machine would have written.
//!
//! First every part is compared with the first one, then it is seen whether each is there, once; only then are the runs
//! put on one pile and added up by the same code that adds up a whole campaign.
//!
//! Invariant: what does not belong together is not merged, and the error names both files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::shard::Shard;
use crate::report::{Cell, Fold, Machine, Played as Sheet, Report, Verdict};

/// A report that was read from a file.
#[derive(Clone, Debug)]
pub struct Part {
    /// The file, as the user named it.
    pub file: String,
    /// What it says.
    pub report: Report,
}

/// Why reports cannot be merged. The user names other folders, or plays what is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("there is no report to merge")]
    Nothing,
    /// A report is not one part of a campaign.
    #[error("`{file}` is no part of a split campaign, but {what}: merge what `kmiplab run --shard` wrote")]
    NoPart {
        /// The file.
        file: String,
        /// What it is instead.
        what: String,
    },
    /// Two reports are of different campaigns.
    #[error("`{file}` does not belong to `{first}`: {what} is {here} in the former and {there} in the latter")]
    Differs {
        /// The file that differs.
        file: String,
        /// The file that it was compared with.
        first: String,
        /// In what they differ.
        what: String,
        /// What it says.
        here: String,
        /// What the other says.
        there: String,
    },
    /// A part is there more than once.
    #[error("`{file}` and `{first}` are both of shard {shard}: name each part once")]
    Twice {
        /// The second file.
        file: String,
        /// The first one.
        first: String,
        /// The part.
        shard: Shard,
    },
    /// Parts are missing.
    #[error("{missing}: name every folder, or list what is missing as not run with --partial")]
    Missing {
        /// Which ones, as `shards 2-3,7 of 8 are missing`.
        missing: String,
    },
}

/// Makes one report of all parts of a campaign. Where `partial` is set, parts may be missing: their runs are listed as
/// not run, and the report stays one of a part.
///
/// # Errors
///
/// When a report is no part, when two are of different campaigns or the same part, or when a part is missing.
pub fn merge(parts: Vec<Part>, partial: bool) -> Result<Report, MergeError> {
    let first = parts.first().ok_or(MergeError::Nothing)?;
    let of = shard_of(first)?.of();
    let mut by_number: BTreeMap<u64, &Part> = BTreeMap::new();
    for part in &parts {
        let shard = shard_of(part)?;
        compare(part, first)?;
        match by_number.entry(shard.number()) {
            Entry::Vacant(place) => drop(place.insert(part)),
            Entry::Occupied(there) => {
                return Err(MergeError::Twice { file: part.file.clone(), first: there.get().file.clone(), shard });
            }
        }
    }
    let present: Vec<u64> = by_number.into_keys().collect();
    let missing = missing(&present, of);
    if !missing.is_empty() && !partial {
        return Err(MergeError::Missing { missing: told(&missing, of) });
    }
    let like = &first.report;
    let mut sheet = Sheet {
        subject: like.subject.clone(),
        plan: like.plan.clone(),
        shard: (!missing.is_empty()).then(|| format!("{}/{of}", ranges(&present))),
        runs: Fold::new(like.plan.folded),
        seeds: 0,
        words: like.counts.clone().zeroed(),
        invariants: like.invariants.clone(),
        stale: Vec::new(),
        whole: like.whole,
        machine: Machine::default(),
    };
    for Part { report, .. } in parts {
        add_machine(&mut sheet.machine, report.machine);
        sheet.seeds += report.summary.seeds;
        sheet.stale.extend(report.summary.stale_differences);
        report.cells.into_iter().for_each(|cell| sheet.runs.add(cell));
        report.passed.into_iter().for_each(|passed| sheet.runs.add_passed(passed));
    }
    if !missing.is_empty() {
        let why = format!("{} from what was merged", told(&missing, of));
        for played in sheet.runs.played_cases() {
            sheet.runs.add(not_run(played, &why));
        }
    }
    Ok(Report::new(sheet))
}

fn shard_of(part: &Part) -> Result<Shard, MergeError> {
    let none = |what: String| MergeError::NoPart { file: part.file.clone(), what };
    match &part.report.shard {
        None => Err(none("the report of a whole one".to_owned())),
        Some(text) => text.parse().map_err(|_| none(format!("several, merged already: `{text}`"))),
    }
}

/// Whether a part is one of the same campaign as the first.
fn compare(part: &Part, first: &Part) -> Result<(), MergeError> {
    fn quoted(text: Option<impl ToString>) -> String {
        text.map_or_else(|| "unknown".to_owned(), |text| format!("`{}`", text.to_string()))
    }
    let facts = |part: &Part| -> Result<Vec<(&'static str, String)>, MergeError> {
        let Report { subject, plan, whole, .. } = &part.report;
        Ok(vec![
            ("the subject", format!("`{} {}`", subject.name, subject.version)),
            ("the commit", quoted(subject.commit.as_ref())),
            ("the number of shards", shard_of(part)?.of().to_string()),
            ("the first seed", quoted(plan.first_seed)),
            ("the number of seeds", plan.seeds.to_string()),
            ("the lane", quoted(plan.lane.as_ref())),
            ("whether passing runs are folded", plan.folded.to_string()),
            ("whether every scenario was selected", whole.to_string()),
        ])
    };
    let differs = |what: &str, here: String, there: String| MergeError::Differs {
        file: part.file.clone(),
        first: first.file.clone(),
        what: what.to_owned(),
        here,
        there,
    };
    for ((what, here), (_, there)) in facts(part)?.into_iter().zip(facts(first)?) {
        if here != there {
            return Err(differs(what, here, there));
        }
    }
    let (here, there) = (&part.report, &first.report);
    let tables: [(&str, Words<'_>, Words<'_>); 3] = [
        ("the file of scenario", words(&here.plan.scenarios), words(&there.plan.scenarios)),
        ("invariant", words(&here.invariants), words(&there.invariants)),
        ("the known word", known(here), known(there)),
    ];
    for (what, here, there) in tables {
        let word = here.keys().chain(there.keys()).find(|word| here.get(*word) != there.get(*word));
        if let Some(word) = word {
            let said = |words: &Words<'_>| words.get(word).map_or("absent", |text| *text).to_owned();
            return Err(differs(&format!("{what} `{word}`"), said(&here), said(&there)));
        }
    }
    Ok(())
}

/// Words that must be the same in all parts, each with what is said of it.
type Words<'a> = BTreeMap<&'a str, &'a str>;

fn words(table: &BTreeMap<String, String>) -> Words<'_> {
    table.iter().map(|(word, text)| (word.as_str(), text.as_str())).collect()
}

/// Every word that a report counts.
fn known(report: &Report) -> Words<'_> {
    let tallies = report.tallies().into_iter();
    tallies.flat_map(|tally| tally.rows.into_iter().map(move |(word, _)| (word, tally.one))).collect()
}

/// The numbers from 1 that are not there. `present` is sorted.
fn missing(present: &[u64], of: u64) -> Vec<u64> {
    (1..=of).filter(|number| present.binary_search(number).is_err()).collect()
}

/// `shard 2 of 8 is missing`, `shards 2-4,7 of 8 are missing`.
fn told(missing: &[u64], of: u64) -> String {
    match missing {
        [one] => format!("shard {one} of {of} is missing"),
        many => format!("shards {} of {of} are missing", ranges(many)),
    }
}

/// Sorted numbers in short: `1-3,7`.
fn ranges(numbers: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let text = |(first, last)| if first == last { format!("{first}") } else { format!("{first}-{last}") };
    ranges.into_iter().map(text).collect::<Vec<_>>().join(",")
}

/// Time and cores add up; what began first began the campaign.
fn add_machine(sum: &mut Machine, machine: Machine) {
    sum.cores = sum.cores.saturating_add(machine.cores);
    sum.elapsed_ms = sum.elapsed_ms.saturating_add(machine.elapsed_ms);
    // All are written in the same form and in UTC, so that their order as texts is that of time.
    if sum.started.is_empty() || (!machine.started.is_empty() && machine.started < sum.started) {
        sum.started = machine.started;
    }
}

/// The case of a cell, not run: its lane and scenario stay, and nothing of the run does.
fn not_run(cell: Cell, why: &str) -> Cell {
    Cell {
        counts: Default::default(),
        digest: None,
        drawn: Vec::new(),
        exercised: BTreeMap::new(),
        expected: None,
        failures: Vec::new(),
        observed: None,
        proof: Vec::new(),
        replay: format!("cargo lab run {} --provider {} --lane {}", cell.id(), cell.provider, cell.lane),
        seed: None,
        semantic_digest: None,
        simulated_ms: 0,
        tier: None,
        verdict: Verdict::NotRun,
        why: Some(why.to_owned()),
        ..cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_short() {
        for (numbers, text) in [(&[][..], ""), (&[1], "1"), (&[1, 2, 3, 7], "1-3,7"), (&[2, 4, 5], "2,4-5")] {
            assert_eq!(ranges(numbers), text);
        }
        assert_eq!(told(&missing(&[1, 4], 4), 4), "shards 2-3 of 4 are missing");
        assert_eq!(told(&missing(&[1, 2], 3), 3), "shard 3 of 3 is missing");
    }

    #[test]
    fn nothing_at_all_is_not_a_report() {
        assert_eq!(merge(Vec::new(), true), Err(MergeError::Nothing));
    }
}
