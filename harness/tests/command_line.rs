//! The command line as its users' scripts see it: what goes where, and the exit codes.
//!
//! Every test starts the real program at the root of the repository. Reports go into a folder of the test's own.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A scenario that is played in a moment.
const QUICK: &str = "mismatched-providers/local-key-file";

/// What a program did.
struct Ran {
    code: Option<i32>,
    out: String,
    told: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), told: text(output.stderr) }
    }
}

fn kmiplab(arguments: &[&str]) -> Ran {
    Command::new(env!("CARGO_BIN_EXE_kmiplab"))
        .current_dir(support::root())
        // What the terminal of whoever runs the tests can show must not matter.
        .env("LC_ALL", "C.UTF-8")
        .args(arguments)
        .output()
        .expect("the program starts")
        .into()
}

/// `kmiplab run` with a report in a folder of this name.
fn run(folder: &str, arguments: &[&str]) -> (Ran, PathBuf) {
    let report = Path::new(env!("CARGO_TARGET_TMPDIR")).join("command-line").join(folder);
    if report.exists() {
        fs::remove_dir_all(&report).expect("an earlier report can be removed");
    }
    let path = report.to_str().expect("the target folder is UTF-8");
    (kmiplab(&[&["run", "--report", path], arguments].concat()), report)
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "command-line", prepend_module_to_snapshot => false, omit_expression => true
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn the_lists_are_for_reading() {
    for words in ["scenarios", "verbs", "personas", "invariants"] {
        let ran = kmiplab(&["list", "--words", words]);
        assert_eq!(ran.code, Some(0), "{words}: {}", ran.told);
        snapshot(&format!("list-{words}"), &ran.out);
    }
    let narrowed = kmiplab(&["list", "rotation"]);
    let mut lines = narrowed.out.lines();
    assert_eq!(lines.next(), Some("key-rotation"));
    assert!(lines.all(|line| line.starts_with("  ")), "one family only: {}", narrowed.out);
}

#[test]
fn every_code_is_explained_and_a_slip_is_met_with_the_nearest_one() {
    let mut text = String::new();
    for code in ["K5", "k5", "honest-not-found", "credentials-expired", "5", "70"] {
        let ran = kmiplab(&["explain", code]);
        assert_eq!(ran.code, Some(0), "{code}");
        text += &format!("$ kmiplab explain {code}\n{}\n", ran.out);
    }
    let unknown = kmiplab(&["explain", "credential-expired"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(2), ""));
    text += &format!("$ kmiplab explain credential-expired\n{}", unknown.told);
    snapshot("explain", &text);
}

#[test]
fn files_in_order_are_counted_and_wrong_ones_shown_with_line_and_column() {
    let all = kmiplab(&["check"]);
    assert_eq!((all.code, all.told.as_str()), (Some(0), ""));
    assert_eq!(all.out, format!("{} scenario files are in order\n", support::all().len()));
    let one = kmiplab(&["check", QUICK]);
    assert_eq!((one.code, one.out.as_str()), (Some(0), "1 scenario file is in order\n"));

    let wrong = kmiplab(&["check", "harness/tests/invalid-scenarios/two-verbs.toml", QUICK]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
    assert!(wrong.told.contains("harness/tests/invalid-scenarios/two-verbs.toml:8:41"), "{}", wrong.told);
    assert!(wrong.told.ends_with("error: 1 scenario file is wrong; nothing was played\n"), "{}", wrong.told);
    let gone = kmiplab(&["check", "scenarios/key-rotation/first-start-register.toml"]);
    assert_eq!(gone.code, Some(2));
    assert!(gone.told.contains("no such scenario file"), "{}", gone.told);
}

#[test]
fn a_healthy_scenario_is_deterministic_with_the_digest_of_its_replay_and_a_wrong_file_is_not_played() {
    let ran = kmiplab(&["doctor", QUICK, "--seed", "0x7"]);
    assert_eq!((ran.code, ran.told.as_str()), (Some(0), ""));
    let replayed = kmiplab(&["replay", QUICK, "--seed", "0x7"]);
    let digest = replayed.out.lines().last().and_then(|line| line.strip_prefix("digest ")).expect("it ends so");
    assert_eq!(ran.out, format!("deterministic  {digest}  {QUICK}\n"));
    let wrong = kmiplab(&["doctor", QUICK, "harness/tests/invalid-scenarios/two-verbs.toml"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""), "{}", wrong.told);
}

#[test]
fn a_filter_that_selects_nothing_ends_with_exit_code_4() {
    let (ran, report) = run("nothing", &["nothing-matches"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(4), ""));
    assert!(ran.told.contains("no scenario matches `nothing-matches`"), "{}", ran.told);
    assert!(!report.exists(), "a report of nothing was written");
}

#[test]
fn a_lane_that_has_nothing_to_run_in_it_is_shown_and_ends_with_exit_code_6() {
    let (ran, _) = run("driver", &[QUICK, "--lane", "driver"]);
    assert_eq!(ran.code, Some(6), "{}{}", ran.out, ran.told);
    let line = ran.out.lines().find(|line| line.contains(QUICK)).expect("the scenario is shown");
    assert!(line.contains("NOT RUN") && line.contains("the driver plays in the lane bridge"), "{line}");
    assert!(!ran.out.contains("PASS"), "{}", ran.out);
}

#[test]
fn asking_for_the_real_mongod_ends_with_exit_code_6_where_there_is_none() {
    let (ran, _) = run("real", &[QUICK, "--seeds", "1", "--require-real"]);
    assert_eq!(ran.code, Some(6), "{}{}", ran.out, ran.told);
    assert!(ran.out.starts_with("No real mongod --enableEncryption ran"), "{}", ran.out);
    assert!(ran.told.contains("--require-real asks for one"), "{}", ran.told);
}

#[test]
fn a_wrong_command_line_ends_with_exit_code_2_and_plays_nothing() {
    let wrong: [&[&str]; 8] = [
        &["run", "--seeds", "0"],
        &["run", "--lane", "moon"],
        &["run", "--seed", "1"],
        &["replay", QUICK, "--seed", "0xnope"],
        &["no-such-command"],
        &["run", "--lane", "process", "--cloud", "gcp=http://127.0.0.1:4568"],
        &["run", "--lane", "process", "--cloud", "aws=https://127.0.0.1:4566"],
        // The simulation has no use for it.
        &["run", QUICK, "--cloud", "aws=http://127.0.0.1:4566"],
    ];
    for arguments in wrong {
        let ran = kmiplab(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ran.told.starts_with("error: "), "{arguments:?}: {}", ran.told);
    }
    for arguments in [["--help"], ["--version"]] {
        let ran = kmiplab(&arguments);
        assert_eq!((ran.code, ran.told.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!ran.out.is_empty());
    }
}

fn report(folder: &Path) -> (String, Value) {
    let text = fs::read_to_string(folder.join("report.json")).expect("report.json was written");
    let value = serde_json::from_str(&text).expect("report.json is JSON");
    (text, value)
}

#[test]
fn a_run_writes_its_report_in_every_form() {
    let (ran, folder) = run("forms", &[QUICK, "--seeds", "2"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.told);
    assert!(ran.out.contains(&format!("PASS {QUICK}")), "{}", ran.out);
    assert!(ran.told.contains("index.html"), "{}", ran.told);
    let (_, report) = report(&folder);
    assert_eq!(report["format"], 1);
    let cells = report["cells"].as_array().expect("cells are a list");
    let seeds: Vec<_> = cells.iter().map(|cell| cell["seed"].as_str().expect("a seed is a text")).collect();
    assert_eq!(seeds, ["0x5eed", "0x5eee"]);
    for cell in cells {
        assert_eq!(cell["verdict"], "pass");
        let seed = cell["seed"].as_str().expect("a seed is a text");
        assert_eq!(cell["replay"], format!("cargo lab replay scenarios/{QUICK}.toml --seed {seed}"));
    }
    let junit = fs::read_to_string(folder.join("junit.xml")).expect("junit.xml was written");
    assert!(junit.starts_with("<?xml ") && junit.contains("local-key-file"), "{junit}");
    let page = fs::read_to_string(folder.join("index.html")).expect("index.html was written");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("local-key-file"));
}

/// Whether the keys of every object stand in order, as written.
fn keys_are_sorted(text: &str) -> bool {
    // The report is written one key a line, two spaces deeper in each level.
    let mut levels: Vec<String> = Vec::new();
    text.lines().all(|line| {
        let indent = (line.len() - line.trim_start().len()) / 2;
        // What stood deeper belonged to another object.
        levels.truncate(indent + 1);
        levels.resize(indent + 1, String::new());
        let key = line.trim_start().strip_prefix('"').and_then(|rest| rest.split_once("\": "));
        match key {
            Some((key, _)) => {
                let sorted = levels[indent].as_str() < key;
                levels[indent] = key.to_owned();
                sorted
            }
            None => true,
        }
    })
}

#[test]
fn two_reports_of_one_plan_have_sorted_keys_and_differ_only_in_the_machine_block() {
    let (one, two) =
        (run("one", &[QUICK, "rotation", "--seeds", "2"]).1, run("two", &[QUICK, "rotation", "--seeds", "2"]).1);
    let ((text, mut one), (_, mut two)) = (report(&one), report(&two));
    assert!(keys_are_sorted(&text), "{text}");
    let swapped = text.replacen("\"cells\": [", "\"zells\": [", 1);
    assert!(text != swapped && !keys_are_sorted(&swapped), "the check itself notices");
    for report in [&mut one, &mut two] {
        let machine = report.as_object_mut().and_then(|report| report.remove("machine")).expect("it has one");
        assert!(machine["started"].as_str().is_some_and(|started| started.ends_with('Z')), "{machine}");
    }
    assert_eq!(one, two);
}

#[test]
fn results_for_machines_are_one_line_a_cell_as_in_the_report() {
    let (ran, folder) = run("json", &[QUICK, "--seeds", "2", "--message-format", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let cells = report(&folder).1["cells"].as_array().expect("cells are a list").clone();
    assert_eq!((lines.len(), cells.len()), (2, 2));
    for (line, cell) in lines.iter().zip(&cells) {
        assert_eq!(*line, serde_json::json!({ "v": 1, "cell": cell }));
    }
}

#[test]
fn the_help_names_every_file_of_a_report() {
    let help = kmiplab(&["run", "--help"]).out;
    let (_, folder) = run("help", &[QUICK, "--seeds", "1"]);
    for entry in fs::read_dir(folder).expect("the folder was made") {
        let name = entry.expect("the folder can be listed").file_name().into_string().expect("names are ASCII");
        assert!(help.contains(&name), "{name} is missing: {help}");
    }
}

#[test]
fn a_replay_tells_the_whole_story_and_ends_with_the_digest() {
    let ran = kmiplab(&["replay", "expired-credentials/session-expires-while-mongod-is-down", "--seed", "0x5eed"]);
    assert_eq!((ran.code, ran.told.as_str()), (Some(0), ""));
    let (story, digest) = ran.out.trim_end().rsplit_once('\n').expect("a story has lines");
    let hex = digest.strip_prefix("digest sha256:").expect("the last line is the digest");
    assert!(hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{digest}");
    snapshot("replay", &format!("{story}\ndigest sha256:[64 hex digits]\n"));
}

#[test]
fn a_replay_that_fails_says_why_and_ends_with_exit_code_1() {
    let ran = kmiplab(&["replay", "canaries/must-fail.toml", "--seed", "0x5eed"]);
    assert_eq!(ran.code, Some(1));
    let end: Vec<_> = ran.out.lines().rev().take(5).collect();
    assert!(end[0].starts_with("digest sha256:"), "{end:?}");
    assert!(end[2].starts_with("  observed  Get answered success at "), "{end:?}");
    assert!(end[3].starts_with("  expected  Get answers permission-denied by "), "{end:?}");
    assert!(end[4].starts_with("FAIL line 9: "), "{end:?}");
}

#[test]
fn a_replay_of_several_scenarios_is_refused_and_names_them() {
    let ran = kmiplab(&["replay", "cmk-material", "--seed", "0x5eed"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.told.starts_with("error: `cmk-material` is a part of 2 names"), "{}", ran.told);
    assert!(ran.told.contains("  key-rotation/cmk-material-rotates\n"), "{}", ran.told);
}

#[test]
fn a_replay_writes_its_events_one_a_line_and_prints_the_same() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("replay-trace.jsonl");
    let trace = path.to_str().expect("the target folder is UTF-8");
    let ran = kmiplab(&["replay", QUICK, "--seed", "0x5eed", "--events", "--trace", trace]);
    assert_eq!(ran.code, Some(0), "{}", ran.told);
    let written = fs::read_to_string(&path).expect("the trace was written");
    let (events, digest) = ran.out.trim_end().rsplit_once('\n').expect("there are events");
    assert_eq!(format!("{events}\n"), written);
    assert!(digest.starts_with("digest sha256:"));
    for (ordinal, line) in written.lines().enumerate() {
        let event: Value = serde_json::from_str(line).expect("an event is JSON");
        assert_eq!(event["ordinal"], ordinal);
    }
}
