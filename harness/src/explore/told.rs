//! What a search and a small file are to those who asked for them.

use std::path::Path;

use serde_json::json;

use super::record::{self, FILE, Finding, Record};
use super::shrink::Shrunk;
use crate::report::Seed;

/// The version of the lines of JSON.
const LINES: u32 = 1;

/// A finding as a line of JSON.
pub fn json(finding: &Finding) -> String {
    json!({ "v": LINES, "finding": finding }).to_string()
}

/// A search, for people.
pub fn human(record: &Record, folder: &Path) -> String {
    let mut text = String::new();
    for finding in &record.findings {
        let replay = finding.replay.as_str();
        let file = folder.join(&finding.file);
        text.push_str(&format!(
            "FAIL {}\n  observed  {}\n  found     with seed {}, in {}\n  events    {}\n  file      {}\n  replay    {replay}\n\n",
            finding.requirement,
            finding.observed,
            finding.found_with,
            plural(finding.runs, "run"),
            became(finding.events_before, finding.events),
            file.display(),
        ));
    }
    let outcomes: Vec<_> =
        record.counts.outcomes.iter().map(|(outcome, runs)| format!("{runs} {}", outcome_word(outcome))).collect();
    text.push_str(&format!(
        "Explored {} from {}{}: {}\n",
        plural(record.runs, "seed"),
        record.first_seed,
        if record.interrupted { " (ended early)" } else { "" },
        plural(record.findings.len() as u64, "finding"),
    ));
    if !outcomes.is_empty() {
        text.push_str(&format!("Foreseen: {}\n", outcomes.join(", ")));
    }
    text.push_str(&format!("record: {}\n", folder.join(FILE).display()));
    text
}

/// A small file, for people.
pub fn small(shrunk: &Shrunk, file: &Path) -> String {
    let failing = &shrunk.failing;
    let after = failing.sketch.lines.len() as u64;
    format!(
        "FAIL {}\n  observed  {}\n  events    {}, in {}\n  file      {}\n  replay    {}\n",
        failing.cause.requirement,
        failing.observed,
        became(shrunk.before as u64, after),
        plural(shrunk.plays as u64, "run"),
        file.display(),
        record::replay(file, Seed(failing.seed).0),
    )
}

fn outcome_word(outcome: &str) -> &str {
    match outcome {
        "opens" => "open",
        "stays-closed" => "stay closed",
        other => other,
    }
}

fn became(before: u64, after: u64) -> String {
    if before == after { format!("{before}") } else { format!("{before}, shrunk to {after}") }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
