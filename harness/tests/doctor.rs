//! The doctor names the source of chance that was planted, and calls healthy what is.
//!
//! Every test plants one thing through the seams of a world, in every run but the first, and lets the determinism check
//! play: the diagnosis must name that thing.

#[path = "planted/chance.rs"]
mod chance;
mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chance::{Act, Runs};
use kmip_proxy::env::{Crypto as _, Files, Network};
use kmiplab::campaign::determinism::{self, Outcome, Way};
use kmiplab::doctor::{Diagnosis, Kind};
use kmiplab::scenario::Scenario;
use kmiplab::trace::{Stream, Trace, What};
use kmiplab::world::sim::{self, Planted, Rewrite, SimCrypto, Wrapper};
use support::load;

const SEED: u64 = 0x5eed;

/// The ways that need no program of their own.
const WAYS: [Way<'static>; 3] = [Way::Again, Way::AfterAnother, Way::AnotherThread];

/// The number of the proxy's random streams.
const PROXY: usize = 1;

/// A scenario in which the proxy opens a key through a cloud.
const OPENS: &str = "key-rotation/cmk-material-rotates";

fn check(scenario: &Scenario, ways: &[Way<'_>], plant: impl Fn(&Runs) -> Planted + Sync) -> Outcome {
    let runs = Runs::default();
    let play = |scenario: &Scenario, seed: u64| {
        runs.fetch_add(1, Ordering::Relaxed);
        sim::play_kept(scenario, seed, &plant(&runs))
    };
    determinism::check(scenario, SEED, ways, &play).expect("no other process is needed")
}

fn diagnosis(scenario: &Scenario, plant: impl Fn(&Runs) -> Planted + Sync) -> Diagnosis {
    match check(scenario, &[Way::Again], plant) {
        Outcome::Differs(divergence) => {
            // For whoever reads a failure, or wants to see what it looks like.
            println!("{divergence}");
            divergence.diagnosis
        }
        Outcome::Deterministic(digest) => panic!("nothing differs: {digest}"),
    }
}

fn network(runs: &Runs, act: Act) -> Planted {
    let runs = runs.clone();
    let wrap: Wrapper<dyn Network> =
        Arc::new(move |inner, _: &Trace| chance::before_connecting(inner, runs.clone(), act));
    Planted { network: Some(wrap), ..Planted::default() }
}

fn drawing(draw: fn()) -> Diagnosis {
    diagnosis(&load(OPENS), |runs| network(runs, Act::Draw(draw)))
}

fn draw_random() {
    SimCrypto::new(PROXY).random(&mut [0; 8]).expect("a stream does not end");
}

/// Asserts that one stream, and no other, was drawn from once more.
fn assert_drawn_once_more(diagnosis: &Diagnosis, stream: &Stream) {
    let [draws] = diagnosis.draws.as_slice() else { panic!("{:#?}", diagnosis.draws) };
    assert_eq!((&draws.stream, draws.times[1]), (stream, draws.times[0] + 1));
}

#[test]
fn healthy_scenarios_have_one_digest_in_every_way_of_playing_them() {
    for id in [OPENS, "expired-credentials/role-assumed-through-sts"] {
        let scenario = load(id);
        let digest = sim::play(&scenario, SEED, &Planted::default()).digest;
        assert_eq!(check(&scenario, &WAYS, |_| Planted::default()), Outcome::Deterministic(digest), "{id}");
    }
}

#[test]
fn a_host_that_no_seed_decides_is_named_with_its_own_code() {
    let found = diagnosis(&support::canary("nondeterministic-host"), |_| Planted::default());
    assert_eq!((found.kind, found.subject.as_str()), (Kind::OwnCode, "saboteur"));
    assert_eq!(found.fields.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["text"]);
    assert_eq!(found.draws, []);
    assert_eq!(found.before.len(), 4);
}

#[test]
fn a_delay_that_grows_from_run_to_run_is_a_timer() {
    let found = diagnosis(&load(OPENS), |runs| network(runs, Act::Wait));
    assert_eq!((found.kind, found.host.as_str()), (Kind::Moment, "proxy"));
    assert_eq!(found.fields.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["at"]);
    assert!(matches!(found.one.map(|event| event.what), Some(What::Connect { .. })), "the wait comes before it");
}

#[test]
fn a_message_that_no_event_tells_of_is_found_in_the_ledger_of_the_network() {
    let found = diagnosis(&load(OPENS), |runs| network(runs, Act::Whisper));
    assert_eq!(found.kind, Kind::LatencyDraws);
    assert_drawn_once_more(&found, &Stream::Latency);
}

#[test]
fn two_files_that_are_read_in_another_order_are_a_matter_of_order() {
    let found = diagnosis(&load(OPENS), |runs| {
        let runs = runs.clone();
        let wrap: Wrapper<dyn Files> =
            Arc::new(move |inner, _: &Trace| chance::reads_metadata_first(inner, runs.clone()));
        Planted { files: Some(wrap), ..Planted::default() }
    });
    assert_eq!((found.kind, found.subject.as_str()), (Kind::Order, "proxy"));
    for event in [found.one, found.other] {
        assert!(matches!(event.map(|event| event.what), Some(What::File { .. })));
    }
}

#[test]
fn one_more_draw_is_found_in_the_ledger_of_the_stream_that_it_came_from() {
    let proxy = || "proxy".to_owned();
    let tls = drawing(|| {
        let filled = SimCrypto::new(PROXY).provider().secure_random.fill(&mut [0; 32]);
        assert!(filled.is_ok(), "a stream does not end");
    });
    assert_eq!((tls.kind, tls.subject.as_str()), (Kind::TlsDraws, "proxy"));
    assert_drawn_once_more(&tls, &Stream::Tls(proxy()));
    let (_, bytes) = tls.bytes.as_ref().expect("its ClientHello is another");
    assert!(bytes.offset > 0 && !bytes.rows.is_empty());
    assert!(tls.to_string().contains("ClientHello, field `"), "{tls}");
    assert!(tls.to_string().contains("likely source: the TLS randomness of host `proxy`\n"), "{tls}");

    let random = drawing(draw_random);
    assert_eq!(random.kind, Kind::ByteDraws);
    assert_drawn_once_more(&random, &Stream::Bytes(proxy()));

    let key = drawing(|| {
        SimCrypto::new(PROXY).new_certificate_key().expect("any seed makes a key");
    });
    assert_eq!(key.kind, Kind::CertificateDraws);
    assert_drawn_once_more(&key, &Stream::CertificateKeys(proxy()));
}

#[test]
fn jitter_that_was_drawn_once_more_is_found_in_the_ledger_of_the_generator_and_not_taken_for_a_timer() {
    let found = diagnosis(&load(OPENS), |runs| network(runs, Act::Jitter));
    assert_eq!(found.kind, Kind::SdkDraws);
    assert_drawn_once_more(&found, &Stream::Sdk);
    assert_eq!(found.fields[0].name, "at");
}

#[test]
fn a_byte_that_changes_inside_an_answer_of_the_key_service_is_found_in_its_plaintext() {
    let found = diagnosis(&load(OPENS), |runs| {
        let (runs, answers) = (runs.clone(), AtomicU64::new(0));
        // White space behind JSON means nothing, so that only the byte can show.
        let rewrite: Rewrite = Arc::new(move |body| {
            let first = answers.fetch_add(1, Ordering::Relaxed) == 0;
            let ending = if first && runs.load(Ordering::Relaxed) > 1 { b"\n" } else { b" " };
            vec![[body, ending].concat()]
        });
        Planted { kms_answers: Some(rewrite), ..Planted::default() }
    });
    assert_eq!(found.kind, Kind::Content);
    assert_eq!(found.fields, [], "the events are equal");
    let spoken = found.spoken.as_ref().expect("the answer was kept");
    assert_eq!((spoken.protocol, spoken.beginning.as_str()), ("HTTP", "HTTP/1.1 200 OK"));
    assert_eq!(spoken.bytes.offset + 1, spoken.bytes.lengths[0], "the last byte");
    assert_eq!(found.subject, spoken.host);
    assert_eq!(found.draws, []);
}

#[test]
fn a_byte_that_changes_in_an_answer_of_the_proxy_is_found_by_the_path_of_its_item() {
    // UniqueIdentifier in an answer, a Text String (KMIP 1.4 section 3.1).
    const UNIQUE_IDENTIFIER: [u8; 4] = [0x42, 0x00, 0x94, 0x07];
    let found = diagnosis(&load(OPENS), |runs| {
        let runs = runs.clone();
        let rewrite: Rewrite = Arc::new(move |message| {
            let mut message = message.to_vec();
            let at = message.windows(4).position(|window| window == UNIQUE_IDENTIFIER);
            if let Some(at) = at.filter(|_| runs.load(Ordering::Relaxed) > 1) {
                message[at + 8] = b'?';
            }
            vec![message]
        });
        Planted { answers: Some(rewrite), ..Planted::default() }
    });
    assert_eq!(found.kind, Kind::Identifier);
    let spoken = found.spoken.as_ref().expect("the answer was kept");
    assert_eq!((spoken.protocol, spoken.host.as_str()), ("KMIP", "mongod"));
    assert!(spoken.fields[0].name.ends_with("/UniqueIdentifier"), "{:?}", spoken.fields);
}

#[test]
fn this_program_plays_in_another_process_and_hands_over_its_evidence() {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_kmiplab"));
    std::env::set_current_dir(support::root()).expect("the repository is there");
    let scenario = load(OPENS);
    let digest = sim::play(&scenario, SEED, &Planted::default()).digest;
    let ways = [Way::AnotherProcess(&program)];
    assert_eq!(check(&scenario, &ways, |_| Planted::default()), Outcome::Deterministic(digest));
    // What is planted here is not planted there.
    let differs = check(&scenario, &ways, |_| network(&Arc::new(AtomicU64::new(2)), Act::Draw(draw_random)));
    let Outcome::Differs(divergence) = differs else { panic!("{differs:?}") };
    assert_eq!(divergence.diagnosis.kind, Kind::ByteDraws);
    assert_eq!(divergence.between, "a run in another process");
}
