//! `kmiplab diff` as its users see it: what it prints, and its exit codes.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A scenario that is played in a moment.
const QUICK: &str = "mismatched-providers/local-key-file";

/// One in which the seed decides whether the cloud has answered before the endpoint falls silent.
const DRAWN: &str = "private-endpoint-failover/a-falls-silent-b-takes-over";

/// Runs a program; comes to its exit code, and what it printed and said.
fn ran(program: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(program);
    // Where cargo runs it, it has the programs built that it needs.
    command.env_remove("CARGO").env_remove("CARGO_MANIFEST_DIR");
    let output = command.current_dir(support::root()).env("LC_ALL", "C.UTF-8").args(arguments).output();
    let output = output.expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn diff(arguments: &[&str]) -> (Option<i32>, String, String) {
    ran(Path::new(env!("CARGO_BIN_EXE_kmiplab")), &[&["diff"], arguments].concat())
}

/// An empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diff-command").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

#[test]
fn runs_that_agree_are_told_in_a_line_each_and_a_difference_side_by_side() {
    let (code, out, told) = diff(&[QUICK, "--lanes", "sim,sim", "--other-seed", "0x7"]);
    assert_eq!((code, out.as_str(), told.as_str()), (Some(0), format!("agrees      {QUICK}\n").as_str(), ""));
    let (code, out, _) = diff(&[DRAWN, "--lanes", "sim,sim", "--other-seed", "0x5", "--provider", "aws"]);
    assert_eq!(code, Some(1), "{out}");
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("differs", out) });
}

#[test]
fn two_event_logs_are_compared() {
    let folder = folder("logs");
    let log = |name: &str, seed: &str| {
        let path = folder.join(name).display().to_string();
        let (code, ..) =
            ran(Path::new(env!("CARGO_BIN_EXE_kmiplab")), &["replay", DRAWN, "--seed", seed, "--trace", &path]);
        assert_eq!(code, Some(0));
        path
    };
    let (one, other) = (log("one.jsonl", "0x5eed"), log("other.jsonl", "0x5"));
    assert_eq!(diff(&[&one, &one]).0, Some(0));
    let (code, out, _) = diff(&[&one, &other, "--scenario", DRAWN]);
    assert_eq!(code, Some(1));
    assert!(out.starts_with("differs\n  line "), "{out}");
    fs::write(folder.join("no.jsonl"), "nothing\n").expect("a file can be written");
    let (code, _, told) = diff(&[&one, &folder.join("no.jsonl").display().to_string()]);
    assert_eq!(code, Some(2));
    assert!(told.contains("no.jsonl`: line 1: "), "{told}");
    assert_eq!(diff(&[&one]).0, Some(2), "two logs are compared");
}

#[test]
fn a_lane_in_which_nothing_can_be_played_is_an_exit_code_of_its_own() {
    // Alone in a folder, the program finds none of the others.
    let alone = folder("alone").join("kmiplab");
    fs::hard_link(env!("CARGO_BIN_EXE_kmiplab"), &alone)
        .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_kmiplab"), &alone).map(drop))
        .expect("the program can be put into another folder");
    let (code, out, told) = ran(&alone, &["diff", QUICK]);
    assert_eq!((code, out.as_str()), (Some(6), ""));
    assert!(told.starts_with("error: nothing can be played in the lane `process`: "), "{told}");
    for lanes in ["sim", "sim,proces", "sim,sim,sim"] {
        assert_eq!(diff(&[QUICK, "--lanes", lanes]).0, Some(2), "{lanes}");
    }
}
