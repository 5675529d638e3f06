//! `kmiplab explore` and `kmiplab shrink` as scripts see them: what goes where, and the exit codes.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn kmiplab(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmiplab"));
    command.current_dir(support::root()).env("LC_ALL", "C.UTF-8").args(arguments);
    command.output().expect("the program starts")
}

/// An empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explore").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("what an earlier test left can be removed");
    }
    fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("the target folder is UTF-8")
}

fn out(ran: &Output) -> String {
    String::from_utf8(ran.stdout.clone()).expect("the program writes UTF-8")
}

fn told(ran: &Output) -> String {
    String::from_utf8(ran.stderr.clone()).expect("the program writes UTF-8")
}

/// A scenario that fails, with more in it than that takes.
const FAILING: &str = "\
format = \"1.0\"
title = \"A title\"
why = \"A reason\"
end = \"30s\"
final = \"opens\"

timeline = [
  { at = \"1s\", start = \"mongod\", then = { get = \"ok\", within = \"5s\" } },
  { at = \"8s\", stop = \"mongod\" },
  { at = \"10s\", disable = \"cmk-1\" },
  { at = \"12s\", start = \"mongod\" },
]
";

#[test]
fn a_search_without_a_finding_exits_with_zero_and_its_parts_can_be_joined() {
    let parts = ["1", "2"].map(|number| folder(&format!("part-{number}")));
    for (number, part) in parts.iter().enumerate() {
        let shard = format!("{}/2", number + 1);
        let ran = kmiplab(&["explore", "--runs", "5", "--seed", "0x1", "--shard", &shard, "--out", utf8(part)]);
        assert_eq!(ran.status.code(), Some(0), "{}", told(&ran));
        let runs = if number == 0 { 3 } else { 2 };
        assert!(out(&ran).starts_with(&format!("Explored {runs} seeds from 0x1: 0 findings\n")), "{}", out(&ran));
    }
    let whole = folder("whole");
    let ran = kmiplab(&["explore", "--merge", utf8(&parts[0]), utf8(&parts[1]), "--out", utf8(&whole)]);
    assert_eq!(ran.status.code(), Some(0), "{}", told(&ran));
    let record: Value = serde_json::from_slice(&fs::read(whole.join("explore.json")).unwrap()).unwrap();
    assert_eq!((&record["format"], &record["runs"]), (&1.into(), &5.into()));
    assert_eq!((&record["first_seed"], &record["last_seed"]), (&"0x1".into(), &"0x5".into()));
    assert!(record["counts"]["verbs"]["start"].as_u64() > Some(0), "{record}");
}

#[test]
fn a_wrong_command_line_exits_with_two() {
    for arguments in [
        &["explore", "--shard", "3/2"][..],
        &["explore", "--time", "soon"],
        &["explore", "--runs", "0"],
        &["explore", "--merge", "nowhere", "--out", utf8(&folder("nowhere"))],
        &["shrink"],
    ] {
        let ran = kmiplab(arguments);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {}", out(&ran));
        assert!(!told(&ran).is_empty());
    }
}

#[test]
fn a_failing_file_is_shrunk_and_the_small_one_fails_in_the_same_way() {
    let folder = folder("shrink");
    let (file, small) = (folder.join("failing.toml"), folder.join("small.toml"));
    fs::write(&file, FAILING).unwrap();
    let ran = kmiplab(&["shrink", utf8(&file), "--seed", "0x7", "--out", utf8(&small)]);
    assert_eq!(ran.status.code(), Some(0), "{}", told(&ran));
    let replay = format!("  replay    cargo lab replay {} --seed 0x0\n", small.display());
    assert!(out(&ran).starts_with("FAIL K7 heals\n  observed  healed at "), "{}", out(&ran));
    assert!(out(&ran).ends_with(&replay), "{}", out(&ran));
    insta::with_settings!({
        snapshot_path => "explore", prepend_module_to_snapshot => false, omit_expression => true
    }, {
        insta::assert_snapshot!("a_file_shrunk_by_the_command", fs::read_to_string(&small).unwrap());
    });
    let ran = kmiplab(&["replay", utf8(&small), "--seed", "0x0"]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(out(&ran).contains("FAIL K7 heals"), "{}", out(&ran));
}

#[test]
fn a_file_that_passes_and_a_file_that_is_wrong_are_not_shrunk() {
    let ran = kmiplab(&["shrink", "mismatched-providers/local-key-file", "--seed", "0x7"]);
    assert_eq!(ran.status.code(), Some(2));
    let expected = "error: mismatched-providers/local-key-file passes with seed 0x7: there is nothing to shrink\n";
    assert_eq!(told(&ran), expected);
    let file = folder("wrong").join("wrong.toml");
    fs::write(&file, "format = \"1.0\"\n").unwrap();
    assert_eq!(kmiplab(&["shrink", utf8(&file), "--seed", "0x7"]).status.code(), Some(2));
}
