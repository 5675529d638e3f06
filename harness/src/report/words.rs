//! The sentences of reports: counts with their plurals, lengths of time, and the one sentence that sums up.
//!
//! Invariant: no other file puts a number before a noun by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::Tally;
use super::fold::Passed;
use super::model::{Cell, Report, weighed};
use super::verdict::{Tier, Verdict};

/// `1 seed`, `20 seeds`.
pub fn plural<N: TryInto<u64>>(count: N, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A length of time as a person says it: `0.4 s`, `46 s`, `41 min`, `2 h 14 min`, `3 d 4 h`.
pub fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..10 if milliseconds % 1000 >= 100 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        0 if milliseconds > 0 => "under 0.1 s".to_owned(),
        0..120 => format!("{seconds} s"),
        120..3600 => format!("{minutes} min"),
        3600..86_400 => pair(hours, "h", minutes % 60, "min"),
        _ => pair(days, "d", hours % 24, "h"),
    }
}

fn pair(great: u64, great_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{great} {great_unit}") } else { format!("{great} {great_unit} {small} {small_unit}") }
}

/// The sentence that sums up a report; only what is not zero is counted.
pub fn summary(report: &Report) -> String {
    let summary = &report.summary;
    if summary.cells == 0 && report.shard.is_none() {
        return "nothing was selected: `kmiplab list` shows what there is".to_owned();
    }
    if summary.cells == 0 {
        return format!("{}: no seed belongs to this part", part(report));
    }
    let part = if report.shard.is_some() { format!("{}: ", part(report)) } else { String::new() };
    let verdicts: Vec<_> = Verdict::ALL
        .into_iter()
        .map(|verdict| (verdict, summary.count(verdict)))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {}", verdict.counted(count)))
        .collect();
    format!(
        "{part}{}, {}: {} ({}, {} simulated)",
        plural(summary.scenarios, "scenario", "scenarios"),
        plural(summary.cases, "case", "cases"),
        verdicts.join(", "),
        runs(report),
        duration(summary.simulated_ms),
    )
}

/// How many runs there were, as `900 runs with 20 seeds`.
pub fn runs(report: &Report) -> String {
    let runs = plural(report.runs(), "run", "runs");
    match report.summary.seeds {
        0 => runs,
        seeds => format!("{runs} with {}", plural(seeds, "seed", "seeds")),
    }
}

/// How much of what there is was exercised: `10 of 10 invariants, 25 of 26 classes, …`; nothing where nothing ran.
pub fn exercised(report: &Report) -> Option<String> {
    let of = |tally: Tally<'_>| format!("{} of {}", tally.exercised(), plural(tally.rows.len(), tally.one, tally.many));
    let texts: Vec<_> = report.tallies().into_iter().map(of).collect();
    (report.runs() > 0 && !texts.is_empty()).then(|| texts.join(", "))
}

/// The clouds that somebody else ran, each as a sentence; none where all were the laboratory's own.
pub fn clouds(report: &Report) -> Vec<String> {
    let mut runs: BTreeMap<&str, u64> = BTreeMap::new();
    for (cell, times) in weighed(&report.cells, &report.passed) {
        if let Some(cloud) = &cell.cloud {
            *runs.entry(cloud).or_default() += times;
        }
    }
    runs.into_iter().map(|(cloud, times)| format!("{}: {cloud}", plural(times, "run", "runs"))).collect()
}

/// Which part of a campaign a report is, as `shard 2/4`; empty for all of it.
pub fn part(report: &Report) -> String {
    report.shard.as_ref().map(|shard| format!("shard {shard}")).unwrap_or_default()
}

/// What a gap in coverage means, for one invariant.
pub fn coverage_failure(report: &Report, id: &str) -> String {
    let says = report.invariants.get(id).map_or("", String::as_str);
    format!("{id} {says} was not exercised once by the whole run, so nothing is known about it")
}

/// Whether a real `mongod --enableEncryption` ran: the first line of every report.
pub fn first_line(cells: &[Cell], passed: &[Passed]) -> String {
    let ran: Vec<_> = weighed(cells, passed).filter(|(cell, _)| cell.verdict.ran()).collect();
    let real: Vec<_> = ran.iter().filter(|(cell, _)| cell.tier.is_some_and(Tier::is_real_mongod)).collect();
    if !real.is_empty() {
        let peers: BTreeSet<_> =
            real.iter().map(|(cell, _)| format!("{} ({})", cell.peer, cell.tier.map_or("", Tier::as_str))).collect();
        let peers = peers.into_iter().collect::<Vec<_>>().join(", ");
        return format!(
            "A real mongod --enableEncryption ran in {} of {}: {peers}.",
            real.iter().map(|(_, times)| times).sum::<u64>(),
            plural(ran.iter().map(|(_, times)| times).sum::<u64>(), "run", "runs")
        );
    }
    let instead = if ran.is_empty() {
        "nothing ran at all"
    } else if ran.iter().any(|(cell, _)| cell.tier == Some(Tier::RealDriver)) {
        "every cell that ran was played by a persona or a MongoDB driver"
    } else {
        "every cell that ran was played by a persona"
    };
    format!("No real mongod --enableEncryption ran: {instead}.")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn lengths_of_time_read_as_people_say_them() {
        let table = [
            (0, "0 s"),
            (40, "under 0.1 s"),
            (400, "0.4 s"),
            (3_000, "3 s"),
            (9_950, "9.9 s"),
            (46_900, "46 s"),
            (119_999, "119 s"),
            (120_000, "2 min"),
            (2_460_000, "41 min"),
            (3_600_000, "1 h"),
            (8_040_000, "2 h 14 min"),
            (86_400_000, "1 d"),
            (273_600_000, "3 d 4 h"),
        ];
        for (milliseconds, text) in table {
            assert_eq!(duration(milliseconds), text, "{milliseconds} ms");
        }
    }

    #[test]
    fn the_sentence_counts_only_what_is_there_and_knows_one_from_many() {
        use Verdict::*;
        let of = |verdicts: &[Verdict]| {
            let cells = verdicts.iter().enumerate();
            summary(&sample::report(cells.map(|(n, v)| sample::cell("family", &format!("n{n}"), *v)).collect()))
        };
        assert_eq!(of(&[Pass]), "1 scenario, 1 case: 1 passed (1 run with 1 seed, 46 s simulated)");
        assert_eq!(
            of(&[UnexpectedPass, ExpectedFailure, Fail]),
            "3 scenarios, 3 cases: 1 failed, 1 expected failure, 1 unexpected pass (3 runs with 1 seed, 2 min simulated)"
        );
        assert_eq!(
            of(&[UnexpectedPass, UnexpectedPass, ExpectedFailure, ExpectedFailure]),
            "4 scenarios, 4 cases: 2 expected failures, 2 unexpected passes (4 runs with 1 seed, 3 min simulated)"
        );
        assert_eq!(of(&[NotRun]), "1 scenario, 1 case: 1 not run (0 runs, 0 s simulated)");
        assert_eq!(of(&[]), "nothing was selected: `kmiplab list` shows what there is");
    }

    #[test]
    fn the_first_line_follows_from_the_tiers_of_what_ran() {
        let cell = |tier, verdict| Cell { tier: Some(tier), ..sample::cell("family", "name", verdict) };
        let table = [
            (vec![], "No real mongod --enableEncryption ran: nothing ran at all."),
            (
                vec![cell(Tier::Simulated, Verdict::Pass), cell(Tier::RealEnterprise, Verdict::NotRun)],
                "No real mongod --enableEncryption ran: every cell that ran was played by a persona.",
            ),
            (
                vec![cell(Tier::Persona, Verdict::Pass), cell(Tier::RealDriver, Verdict::Fail)],
                "No real mongod --enableEncryption ran: every cell that ran was played by a persona or a MongoDB driver.",
            ),
            (
                vec![cell(Tier::Simulated, Verdict::Pass), cell(Tier::RealPsmdb, Verdict::Fail)],
                "A real mongod --enableEncryption ran in 1 of 2 runs: psmdb-8 (real-psmdb).",
            ),
        ];
        for (cells, line) in table {
            assert_eq!(first_line(&cells, &[]), line);
        }
    }
}
