//! The laboratory can fail: what must go wrong does.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use kmiplab::campaign::FIRST_SEED;
use kmiplab::checker;
use kmiplab::world::sim::{self, Planted};

fn run(canary: &str, more: &[&str]) -> Output {
    let report = Path::new(env!("CARGO_TARGET_TMPDIR")).join("canaries").join(canary);
    Command::new(env!("CARGO_BIN_EXE_kmiplab"))
        .current_dir(support::root())
        .args(["run", &format!("canaries/{canary}.toml"), "--seeds", "1", "--report"])
        .arg(report)
        .args(more)
        .output()
        .expect("the laboratory's program starts")
}

#[test]
fn an_expectation_that_cannot_be_met_is_judged_as_failing_and_nothing_else_is() {
    let scenario = support::canary("must-fail");
    let judgement = checker::judge(&scenario, &sim::play(&scenario, FIRST_SEED, &Planted::default()));
    let [failure] = judgement.failures.as_slice() else { panic!("{:#?}", judgement.failures) };
    assert!(failure.requirement.contains("start = \"mongod\""), "{}", failure.requirement);
    assert!(failure.expected.starts_with("Get answers permission-denied by "), "{}", failure.expected);
    assert!(failure.observed.starts_with("Get answered success at "), "{}", failure.observed);
}

#[test]
fn a_run_that_fails_ends_with_exit_code_1_and_says_how_to_play_it_again() {
    let output = run("must-fail", &[]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("cargo lab replay canaries/must-fail.toml --seed 0x5eed"), "{told}");
}

#[test]
fn a_host_that_no_seed_decides_ends_the_run_with_exit_code_5_and_is_named() {
    let output = run("nondeterministic-host", &["--check-determinism"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(told.contains("first differing event, on host `saboteur`"), "{told}");
    assert!(told.contains("a number from nowhere"), "{told}");
    assert!(told.contains("likely source: the own code of host `saboteur`"), "{told}");
}

#[test]
fn the_doctor_names_the_same_host_goes_on_to_the_next_scenario_and_ends_with_exit_code_5() {
    // Files are played in the order of their paths, which is known where both are whole.
    let files = ["canaries/nondeterministic-host.toml", "scenarios/mismatched-providers/local-key-file.toml"];
    let output = Command::new(env!("CARGO_BIN_EXE_kmiplab"))
        .current_dir(support::root())
        .arg("doctor")
        .args(files.map(|file| support::root().join(file)))
        .output()
        .expect("the laboratory's program starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(told.contains("canaries/nondeterministic-host with seed 0x5eed is not deterministic"), "{told}");
    assert!(told.contains("likely source: the own code of host `saboteur`"), "{told}");
    let last = told.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("deterministic  sha256:") && last.ends_with("  mismatched-providers/local-key-file"),
        "{told}"
    );
}

#[test]
fn the_nondeterministic_host_is_the_only_thing_wrong_with_its_canary() {
    let scenario = support::canary("nondeterministic-host");
    let judgement = checker::judge(&scenario, &sim::play(&scenario, FIRST_SEED, &Planted::default()));
    assert!(judgement.passed(), "{:#?}", judgement.failures);
}
