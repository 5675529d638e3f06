//! Exploring finds planted bugs without anybody having written a scenario for them, and makes small files of them; the
//! clean proxy gives it nothing to find.
//!
//! Each bug has a budget of seeds and a test of its own, which ends at the first finding. The small files stand in
//! `explore/`, as they would be handed to a person.

mod planted;
mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use kmiplab::campaign::Shard;
use kmiplab::checker;
use kmiplab::explore::shrink::{self, Failing};
use kmiplab::explore::trial::Final;
use kmiplab::explore::{self, Cause, Plan, Record, Sketch, Watch, record, told};
use kmiplab::scenario::{self, Scenario};
use kmiplab::world::sim::{self, Planted};
use planted::BUGS;

/// The first seed of every search.
const FIRST: u64 = 0;

/// The most events of a small file.
const SMALL: usize = 6;

/// Declares a test for each bug: its name, the invariant that tells of it, how many seeds it may take, and its name in the
/// table of planted bugs.
macro_rules! bugs {
    ($($bug:ident: $invariant:literal, $seeds:literal, $name:literal;)+) => {
        $(#[test]
        fn $bug() {
            finds(stringify!($bug), $invariant, $seeds, planted($name));
        })+

        /// The invariants by which bugs are found.
        const FOUND_BY: &[&str] = &[$($invariant),+];
    };
}

bugs! {
    a_byte_of_the_key_is_flipped: "K1", 10, "flips-a-byte";
    an_opened_key_is_kept: "K2", 20, "remembers";
    a_failure_quotes_the_secret_access_key: "K3", 20, "gossips";
    a_key_file_holds_the_key: "K3", 20, "shows";
    private_connections_go_to_the_public_endpoint: "K4", 60, "detours";
    every_failure_says_item_not_found: "K5", 20, "not-found";
    failures_are_swallowed: "K6", 20, "silent-on-failure";
    good_byes_are_not_answered: "K6", 10, "overhears-good-byes";
    one_failure_is_believed_for_ever: "K7", 60, "sulks";
    nothing_is_ever_synced: "K8", 20, "never-syncs";
    names_are_synced_after_the_answer: "K8", 20, "syncs-names-late";
    every_failure_is_tried_fifty_times: "K9", 30, "storms";
    the_key_service_is_called_when_everything_is_said: "K9", 10, "dwells";
    a_younger_field_stands_in_every_answer: "K10", 5, "younger-field";
}

fn finds(bug: &str, invariant: &str, seeds: u64, plant: fn() -> Planted) {
    let tells = |failing: &Failing| failing.cause.requirement.split(' ').next() == Some(invariant);
    let first = (FIRST..FIRST + seeds).find_map(|seed| Failing::of(explore::run(seed, &plant), seed).filter(tells));
    let failing = first.unwrap_or_else(|| panic!("{bug} was not found within {seeds} seeds"));

    let (seed, cause) = (failing.seed, failing.cause.clone());
    let mut shrunk = shrink::shrink(failing, Final::Foreseen, &plant, &silent());
    record::explain(&mut shrunk, seed);
    let small = &shrunk.failing;
    assert!(small.sketch.lines.len() <= SMALL, "{} events are left of {bug}", small.sketch.lines.len());
    assert!(shrunk.plays <= shrink::MOST);

    let text = small.sketch.write();
    let scenario = load(&text);
    assert_eq!(scenario.seeds, [small.seed], "`run` plays the seed that fails");
    let causes = causes(&scenario, small.seed, &plant());
    assert!(causes.contains(&cause), "{bug} in its small file: {causes:?}");
    let clean = causes_of_clean(&scenario, small.seed);
    assert_eq!(clean, [], "the clean proxy passes the small file of {bug}");
    snapshot(bug, &format!("{text}\n# {}\n", small.observed));
}

#[test]
fn the_clean_proxy_gives_nothing_to_find() {
    let record = explore::explore(&plan(0x5eed, 150), &Planted::default, &Silent::default());
    assert_eq!(told::human(&record, "out".as_ref()).lines().next(), Some("Explored 150 seeds from 0x5eed: 0 findings"));
    let unknown = record.counts.outcomes.get("unknown").copied().unwrap_or_default();
    assert!(unknown * 5 < record.runs, "{unknown} of {} outcomes are unknown", record.runs);
    for invariant in checker::INVARIANTS {
        assert!(record.counts.invariants[invariant.id] > 0, "{} was never put to the test", invariant.id);
    }
}

#[test]
fn every_invariant_is_found_by() {
    for invariant in checker::INVARIANTS {
        assert!(FOUND_BY.contains(&invariant.id), "exploring is not shown to find what breaks {}", invariant.id);
    }
}

#[test]
fn what_is_found_depends_on_neither_workers_nor_parts() {
    let plant = planted("remembers");
    let search = |workers, shard| {
        let plan = Plan { workers: Some(workers), shard, ..plan(FIRST, 14) };
        explore::explore(&plan, &plant, &Silent::default())
    };
    let alone = search(1, Shard::WHOLE);
    assert_eq!(alone.findings.len(), 1, "{}", told::human(&alone, "out".as_ref()));
    assert_eq!(search(3, Shard::WHOLE), alone);
    let mut parts = ["2/2", "1/2"].map(|shard| search(2, shard.parse().unwrap())).into_iter();
    let mut joined = parts.next().unwrap();
    parts.for_each(|part| joined.join(part));
    assert_eq!(joined, alone);
}

#[test]
fn a_search_that_is_ended_leaves_what_it_has_found() {
    let plant = planted("younger-field");
    let watch = Silent { ends_at_first: true, ..Silent::default() };
    let plan = Plan { workers: Some(1), ..plan(FIRST, 1000) };
    let mut record = explore::explore(&plan, &plant, &watch);
    assert_eq!((record.interrupted, record.runs, record.findings.len()), (true, 1, 1));
    assert_eq!(record.findings[0].events, record.findings[0].events_before, "nobody waits for it to be shrunk");
    let folder = std::env::temp_dir().join(format!("kmiplab-explore-{}", std::process::id()));
    record.write(&folder).unwrap();
    let read = Record::read(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    record.place("out".as_ref());
    let mut read = read.unwrap();
    read.place("out".as_ref());
    assert_eq!(read, record);
    let replay = &record.findings[0].replay;
    assert_eq!(*replay, format!("cargo lab replay out/{} --seed 0x0", record.findings[0].file));
}

#[test]
fn a_file_that_somebody_wrote_is_shrunk_to_the_line_that_expects_what_does_not_come() {
    let text = "\
format = \"1.0\"
title = \"A title\"
why = \"A reason\"
end = \"60s\"
final = \"opens\"

world.mongod = { connect_retries = 2 }
world.kms = { keys = [\"cmk-1\", \"cmk-2\"] }

timeline = [
  { at = \"1s\", start = \"mongod\", then = { get = \"ok\", within = \"5s\" } },
  { at = \"10s\", stop = \"mongod\" },
  { at = \"11s..12s\", disable = \"cmk-1\" },
  { at = \"13s\", rotate = \"cmk-2\" },
  { at = \"20s\", start = \"mongod\", then = { get = \"ok\", within = \"5s\" } },
  { at = \"30s\", enable = \"cmk-1\" },
]
";
    let scenario = load(text);
    let (failing, last) = shrink::failing(&scenario, 7, &Planted::default).expect("a disabled key does not open");
    assert_eq!(last, Final::Foreseen);
    assert_eq!(failing.cause.requirement, "start = \"mongod\"");
    let shrunk = shrink::shrink(failing, last, &Planted::default, &silent());
    snapshot("a_file_that_somebody_wrote", &shrunk.failing.sketch.write());
}

#[test]
fn a_file_that_passes_cannot_be_shrunk() {
    let scenario = support::load("key-rotation/cmk-material-rotates");
    assert!(shrink::failing(&scenario, 7, &Planted::default).is_none());
}

#[test]
fn every_committed_scenario_is_the_same_when_it_is_taken_apart_and_written_again() {
    for scenario in support::all_cells() {
        let sketch = Sketch::of(&scenario);
        let again = scenario::load(&scenario.path, &scenario.family, sketch.write().as_bytes());
        let again = again.unwrap_or_else(|error| panic!("{}", error.render(false)));
        assert_eq!(parts(&again), parts(&scenario), "{}", scenario.label());
        assert_eq!(Sketch::of(&again), sketch);
        // Who writes by hand may break lines elsewhere, and comment on them.
        if CANONICAL.contains(&scenario.label().as_str()) {
            // A sketch is played with one provider.
            let all = scenario.source.lines().filter(|line| !line.starts_with("provider = "));
            let source: String = all.map(|line| format!("{line}\n")).collect();
            assert_eq!(sketch.write(), source, "{} is in canonical form", scenario.id());
        }
    }
}

/// Files that stand as exploring would write them: with short lines and with long ones.
const CANONICAL: [&str; 2] =
    ["private-endpoint-failover/a-rejected-b-takes-over", "expired-credentials/credentials-on-the-command-line"];

/// Everything that a scenario says, without where it says it.
fn parts(scenario: &Scenario) -> String {
    let lines = scenario.timeline.iter().map(|event| {
        let then = event.then.as_ref().map(|then| format!("{:?} {:?} {:?}", then.answers, then.message, then.within));
        format!("{:?} {} {:?} {then:?}\n", event.at, event.text, event.action)
    });
    let Scenario { title, why, end, outcome, seeds, world, .. } = scenario;
    format!("{title} {why} {end:?} {outcome:?} {seeds:?} {world:?}\n{}", lines.collect::<String>())
}

/// How the bug of that name is planted.
fn planted(name: &str) -> fn() -> Planted {
    BUGS.iter().find(|bug| bug.name == name).unwrap_or_else(|| panic!("there is no bug {name}")).plant
}

fn plan(first_seed: u64, runs: u64) -> Plan {
    Plan { first_seed, runs: Some(runs), time: None, shard: Shard::WHOLE, workers: None }
}

fn load(text: &str) -> Scenario {
    scenario::load("small.toml", "explore", text.as_bytes()).unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn causes(scenario: &Scenario, seed: u64, planted: &Planted) -> Vec<Cause> {
    let judgement = checker::judge(scenario, &sim::play(scenario, seed, planted));
    judgement.failures.iter().map(Cause::of).collect()
}

/// Where nothing is foreseen a file says `stays-closed`, and `final` is not judged.
fn causes_of_clean(scenario: &Scenario, seed: u64) -> Vec<Cause> {
    let known = explore::outcome::foresee(scenario).is_some();
    let causes = causes(scenario, seed, &Planted::default());
    causes.into_iter().filter(|cause| known || !cause.is_about_final()).collect()
}

fn silent() -> shrink::Watch<'static> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    shrink::Watch { progress: &|_, _| {}, stop: &NEVER }
}

#[derive(Default)]
struct Silent {
    stop: AtomicBool,
    ends_at_first: bool,
}

impl Watch for Silent {
    fn played(&self, causes: usize) {
        self.stop.fetch_or(self.ends_at_first && causes > 0, Ordering::Relaxed);
    }

    fn shrinking(&self, _: &Cause, _: usize, _: usize) {}

    fn stop(&self) -> &AtomicBool {
        &self.stop
    }
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "explore", prepend_module_to_snapshot => false, omit_expression => true
    }, {
        insta::assert_snapshot!(name, text);
    });
}
