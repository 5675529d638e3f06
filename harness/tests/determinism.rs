//! The same seed gives the same bytes, whatever was played before, on whichever thread, and in whichever process; and
//! nothing that a run is made of can change unseen.
//!
//! The debug and the release build are compared by `cargo xtask digests`, which has both.

mod support;

use std::process::Command;
use std::sync::Arc;
use std::thread;

use kmiplab::scenario::Scenario;
use kmiplab::trace::{Played, Stream};
use kmiplab::world::sim::{self, Planted, Rewrite};
use support::load;

const SEED: u64 = 0x5eed;

/// One scenario for each source of chance: failover, a wall clock that expires, keys made on the way, the token service,
/// connections cut at a drawn moment.
const SAMPLE: [&str; 5] = [
    "private-endpoint-failover/a-rejected-b-takes-over",
    "expired-credentials/session-expires-while-mongod-is-down",
    "key-rotation/first-start-registers",
    "expired-credentials/role-assumed-through-sts",
    "private-endpoint-failover/endpoint-resets-in-mid-answer",
];

fn play(scenario: &Scenario, seed: u64) -> Played {
    sim::play(scenario, seed, &Planted::default())
}

/// Compares two runs, and names the first event in which they differ.
fn assert_equal(scenario: &Scenario, one: &Played, two: &Played) {
    let differing = one.events.iter().zip(&two.events).find(|(one, two)| one != two);
    assert!(one.digest == two.digest, "{} differs first in {differing:#?}", scenario.id());
    assert_eq!(one.events, two.events, "{}", scenario.id());
    assert_eq!(one.semantic_digest, two.semantic_digest, "{}", scenario.id());
}

#[test]
fn what_was_played_before_on_the_same_thread_leaves_no_trace() {
    let scenarios: Vec<_> = SAMPLE.into_iter().map(load).collect();
    let first: Vec<_> = scenarios.iter().map(|scenario| play(scenario, SEED)).collect();
    for (scenario, first) in scenarios.iter().zip(&first).rev() {
        assert_equal(scenario, first, &play(scenario, SEED));
        assert_equal(scenario, first, &play(scenario, SEED));
    }
}

#[test]
fn another_thread_beside_other_runs_gives_the_same_bytes() {
    let scenarios: Vec<_> = SAMPLE.into_iter().map(load).collect();
    let here: Vec<_> = scenarios.iter().map(|scenario| play(scenario, SEED)).collect();
    thread::scope(|scope| {
        for offset in 0..2 {
            let (scenarios, here) = (&scenarios, &here);
            scope.spawn(move || {
                for index in 0..scenarios.len() {
                    let index = (index + offset * 2) % scenarios.len();
                    assert_equal(&scenarios[index], &here[index], &play(&scenarios[index], SEED));
                }
            });
        }
    });
}

#[test]
fn two_processes_give_the_digest_of_this_one() {
    for id in SAMPLE {
        let scenario = load(id);
        let here = play(&scenario, SEED).digest;
        for _ in 0..2 {
            let output = Command::new(env!("CARGO_BIN_EXE_kmiplab"))
                .current_dir(support::root())
                .args(["replay", &scenario.path, "--seed", "0x5eed"])
                .output()
                .expect("the laboratory's program starts");
            let told = String::from_utf8(output.stdout).expect("a story is text");
            assert_eq!(told.lines().last(), Some(format!("digest {here}").as_str()), "{id}");
        }
    }
}

#[test]
fn another_seed_gives_another_digest() {
    for id in SAMPLE {
        let scenario = load(id);
        assert_ne!(play(&scenario, SEED).digest, play(&scenario, SEED + 1).digest, "{id}");
    }
}

#[test]
fn one_flipped_byte_in_an_answer_of_the_key_service_changes_the_digest() {
    let scenario = load("key-rotation/cmk-material-rotates");
    // White space behind JSON means nothing, so that only the byte can show.
    let ending = |byte: u8| -> Rewrite { Arc::new(move |body| vec![[body, &[byte]].concat()]) };
    let (space, newline) = (ending(b' '), ending(b'\n'));
    let with = |rewrite: &Rewrite| {
        sim::play(&scenario, SEED, &Planted { kms_answers: Some(rewrite.clone()), ..Planted::default() })
    };
    let (spaced, flipped) = (with(&space), with(&newline));
    assert_equal(&scenario, &spaced, &with(&space));
    assert_ne!(spaced.digest, flipped.digest);
    assert_eq!(spaced.semantic_digest, flipped.semantic_digest, "the byte means nothing");
}

#[test]
fn taking_an_event_out_does_not_shift_what_the_others_draw() {
    let text = |without: &str| {
        let timeline = [
            ("refuse", "  { at = \"1s..9s\", refuse = \"private-a\" },\n"),
            ("reject", "  { at = \"10s..14s\", reject = \"private-b\" },\n"),
            ("start", "  { at = \"15s..19s\", start = \"mongod\" },\n"),
        ];
        let kept: String = timeline.iter().filter(|(verb, _)| *verb != without).map(|(_, line)| *line).collect();
        format!(
            "format = \"1.0\"\ntitle = \"Drawn moments\"\nwhy = \"Each has a stream of its own.\"\nend = \"30s\"\n\
             final = \"opens\"\nworld.kms = {{ endpoints = [\"private-a\", \"private-b\"] }}\ntimeline = [\n{kept}]\n"
        )
    };
    let fired = |without: &str| {
        let scenario = kmiplab::scenario::load("drawn.toml", "drawn", text(without).as_bytes())
            .unwrap_or_else(|error| panic!("{}", error.render(false)));
        play(&scenario, SEED).fired
    };
    let all = fired("nothing");
    assert_eq!(all.len(), 3);
    assert_eq!(fired("refuse"), all[1..]);
    assert_eq!(fired("reject"), [all[0], all[2]]);
    assert_eq!(fired("start"), all[..2]);
}

#[test]
fn a_run_that_is_kept_for_comparison_is_the_run_that_it_would_have_been() {
    for id in SAMPLE {
        let scenario = load(id);
        let plain = play(&scenario, SEED);
        let kept = sim::play_kept(&scenario, SEED, &Planted::default());
        assert_eq!(kept.digest, plain.digest, "{id}");
        let events: Vec<_> = kept.log.iter().map(|entry| entry.event.clone()).collect();
        assert_eq!(events, plain.events, "{id}: every event has its evidence");
        let drawn = |wanted: &dyn Fn(&Stream) -> bool| -> u64 {
            let drawn = kept.log.iter().flat_map(|entry| &entry.evidence.drawn);
            drawn.filter(|(stream, _)| wanted(stream)).map(|(_, times)| times).sum()
        };
        assert!(drawn(&|stream| *stream == Stream::Latency) > 10, "{id}: messages are counted");
        assert!(drawn(&|stream| *stream == Stream::Tls("proxy".to_owned())) > 3, "{id}: TLS is counted");
        assert!(drawn(&|stream| *stream == Stream::Sdk) > 0, "{id}: the SDK is counted");
        assert!(drawn(&|stream| matches!(stream, Stream::Named(_))) > 0, "{id}: named streams are counted");
        assert!(kept.log.iter().any(|entry| !entry.evidence.said.is_empty()), "{id}: HTTP is kept");
    }
}
