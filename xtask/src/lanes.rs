//! `cargo xtask lanes`: a scenario or more in every lane with real programs, as `cargo lab run --lane` plays them.
//!
//! Each lane is run by itself, so that a lane in which nothing could run says so. What a machine lacks (a container
//! engine, Python) is a note; a failure, or a difference from the simulation that nobody has explained, is red.
//!
//! Invariant: a lane that ran is judged, and a lane that did not is listed with its reason.

use std::path::Path;

use serde_json::Value;

use crate::digests;
use crate::program::Program;

/// The lanes with what is played in them: all files, or, where a file takes seconds for each of its providers, those in
/// which a driver takes part, with one.
const LANES: &[(&str, &[&str])] = &[
    ("process", &[]),
    ("driver", &[]),
    ("bridge", &["other-clients/", "libmongocrypt", "delegated", "--provider", "aws"]),
    ("container", &[]),
];

/// The laboratory's exit code for a lane in which nothing ran (`kmiplab explain 6`).
const NOTHING_RAN: i32 = 6;

/// The laboratory's exit code where nothing failed, and something broke down that is not the product's (`kmiplab explain 3`).
const NOT_JUDGED: i32 = 3;

/// The laboratory, and the programs that it starts.
const BUILD: Program<'_> =
    Program::new(&["cargo", "build", "--release", "--locked", "--package", "kmip-proxy", "--package", "kmiplab"]);

/// Runs every lane, and gives a note for each in which nothing ran.
pub(crate) fn run(root: &Path) -> Result<Vec<String>, String> {
    BUILD.run(root)?;
    let target = digests::target_folder(root)?;
    let program = digests::laboratory(&target, "release");
    let mut notes = Vec::new();
    for (lane, words) in LANES {
        let report = target.join("kmiplab/lanes").join(lane);
        let folder = report.display().to_string();
        let usual = [&program, "run", "--lane", lane, "--report", &folder];
        let command = [&usual, *words].concat();
        let status = Program::new(&command).status(root)?;
        match status.code() {
            Some(0) => {}
            Some(NOTHING_RAN) => notes.push(format!("the lane {lane}: {}", why(&report, "not-run"))),
            Some(NOT_JUDGED) => notes.push(format!("a cell of the lane {lane}: {}", why(&report, "inconclusive"))),
            _ => return Err(format!("`{}` ended with {status}", Program::new(&command).line())),
        }
    }
    Ok(notes)
}

/// The reason of the first cell with a verdict, as the report has it.
fn why(report: &Path, verdict: &str) -> String {
    let text = std::fs::read_to_string(report.join("report.json")).unwrap_or_default();
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    reason(&json, verdict).unwrap_or_else(|| format!("see {}", report.display()))
}

fn reason(report: &Value, verdict: &str) -> Option<String> {
    let cells = report["cells"].as_array()?;
    let first = cells.iter().find(|cell| cell["verdict"] == verdict)?;
    first["why"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_reason_is_that_of_the_first_cell_with_the_verdict() {
        let cells = json!({"cells": [
            {"verdict": "not-applicable", "why": "this world has no power to cut"},
            {"verdict": "not-run", "why": "no engine"},
            {"verdict": "not-run", "why": "image absent"},
        ]});
        assert_eq!(reason(&cells, "not-run"), Some("no engine".to_owned()));
        assert_eq!(reason(&cells, "inconclusive"), None);
        assert_eq!(reason(&Value::Null, "not-run"), None);
    }
}
