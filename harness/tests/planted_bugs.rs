//! Each invariant catches the bug that was made for it, and the clean proxy passes the same table.
//!
//! A planted bug wraps one of the traits that the product is given, or rewrites bytes in a relay; the product itself is
//! never changed. A row names the invariant, the scenario in which the bug shows, and the bug.

mod planted;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kmip_proxy::env::Files;
use kmip_proxy::kms::Kms;
use kmiplab::checker;
use kmiplab::trace::{ProcessState, Trace, What};
use kmiplab::world::sim::{self, Planted, Rewrite, Wrapper};
use planted::{answers, key_services, networks};
use support::load;

const SEED: u64 = 0x5eed;

struct Row {
    invariant: &'static str,
    bug: &'static str,
    scenario: &'static str,
    plant: fn() -> Planted,
}

/// The scenario in which credentials fail first and are renewed later.
const RENEWED: &str = "expired-credentials/session-expires-while-mongod-is-down";

/// The scenario in which a key is made.
const FIRST_START: &str = "key-rotation/first-start-registers";

const TABLE: &[Row] = &[
    Row {
        invariant: "K1",
        bug: "one byte of the key material is flipped on the way",
        scenario: "key-rotation/cmk-material-rotates",
        plant: || rewriting(|message| vec![answers::flip_key_material(message)]),
    },
    Row {
        invariant: "K2",
        bug: "an opened key is kept and given out again",
        scenario: RENEWED,
        plant: || kms(key_services::remembers),
    },
    Row {
        invariant: "K3",
        bug: "a failure quotes the secret access key",
        scenario: RENEWED,
        plant: || kms(key_services::gossips),
    },
    Row {
        invariant: "K3",
        bug: "a key file holds the key as it is",
        scenario: FIRST_START,
        plant: || kms(key_services::shows),
    },
    Row {
        invariant: "K4",
        bug: "connections to a private endpoint go to the public one",
        scenario: "private-endpoint-failover/all-private-rejected-public-forbidden",
        plant: || Planted { network: Some(wrapper(networks::detours)), ..Planted::default() },
    },
    Row {
        invariant: "K5",
        bug: "every failure says ItemNotFound",
        scenario: RENEWED,
        plant: || rewriting(|message| vec![answers::with_reason(message, answers::ITEM_NOT_FOUND)]),
    },
    Row {
        invariant: "K6",
        bug: "answers of failure are swallowed",
        scenario: RENEWED,
        plant: || rewriting(|message| if answers::has_reason(message) { Vec::new() } else { vec![message.to_vec()] }),
    },
    Row {
        invariant: "K6",
        bug: "a good-bye is not answered",
        scenario: RENEWED,
        plant: || Planted { network: Some(wrapper(networks::overhears_good_byes)), ..Planted::default() },
    },
    Row {
        invariant: "K7",
        bug: "one failure is believed for ever",
        scenario: RENEWED,
        plant: || kms(key_services::sulks),
    },
    Row {
        invariant: "K7",
        bug: "nothing is ever answered, and so the database stays closed",
        scenario: "key-rotation/old-cmk-scheduled-for-deletion",
        plant: || rewriting(|_| Vec::new()),
    },
    Row {
        invariant: "K8",
        bug: "nothing is ever synced",
        scenario: FIRST_START,
        plant: || Planted { files: Some(wrapper(networks::never_syncs)), ..Planted::default() },
    },
    Row {
        invariant: "K8",
        bug: "names are synced after the answer",
        scenario: FIRST_START,
        plant: || Planted { files: Some(wrapper(networks::syncs_names_late)), ..Planted::default() },
    },
    Row {
        invariant: "K9",
        bug: "every failure is tried fifty times",
        scenario: RENEWED,
        plant: || kms(key_services::storms),
    },
    Row {
        invariant: "K9",
        bug: "the key service is called again when everything is said",
        scenario: RENEWED,
        plant: || Planted { network: Some(wrapper(networks::dwells)), ..Planted::default() },
    },
    Row {
        invariant: "K10",
        bug: "a KMIP 1.4 field stands in every answer",
        scenario: "key-rotation/cmk-material-rotates",
        plant: || rewriting(|message| vec![answers::with_server_correlation_value(message)]),
    },
];

#[test]
fn every_planted_bug_is_caught_by_the_invariant_that_it_breaks() {
    for row in TABLE {
        let scenario = load(row.scenario);
        let played = sim::play(&scenario, SEED, &(row.plant)());
        let judgement = checker::judge(&scenario, &played);
        let caught = judgement.failures.iter().filter_map(|failure| failure.requirement.split_once(' '));
        assert!(
            caught.into_iter().any(|(id, _)| id == row.invariant),
            "{}, planted against {}, was not caught; broken were {:#?}",
            row.bug,
            row.invariant,
            judgement.failures,
        );
    }
}

#[test]
fn the_clean_proxy_passes_the_same_table() {
    for row in TABLE {
        let scenario = load(row.scenario);
        let played = sim::play(&scenario, SEED, &Planted::default());
        let judgement = checker::judge(&scenario, &played);
        assert!(judgement.passed(), "{}: {:#?}", row.scenario, judgement.failures);
        assert!(judgement.exercised[row.invariant] > 0, "{} does not exercise {}", row.scenario, row.invariant);
    }
}

#[test]
fn every_invariant_has_a_planted_bug() {
    for invariant in checker::INVARIANTS {
        let planted = TABLE.iter().any(|row| row.invariant == invariant.id);
        assert!(planted, "nobody has planted a bug against {}", invariant.id);
    }
}

#[test]
fn an_idle_relay_changes_nothing_that_an_invariant_sees() {
    // Otherwise the relay itself could be what the table catches.
    let scenario = load("key-rotation/cmk-material-rotates");
    let played = sim::play(&scenario, SEED, &rewriting(|message| vec![message.to_vec()]));
    let judgement = checker::judge(&scenario, &played);
    assert!(judgement.passed(), "{:#?}", judgement.failures);
}

#[test]
fn a_register_that_is_answered_not_found_is_caught_though_nothing_existed() {
    // No row of the table: where nothing goes wrong, nothing here could be taken for missing.
    let scenario = load(FIRST_START);
    let planted = Planted {
        kms: Some(wrapper(key_services::refuses)),
        ..rewriting(|message| vec![answers::with_reason(message, answers::ITEM_NOT_FOUND)])
    };
    let failures = checker::judge(&scenario, &sim::play(&scenario, SEED, &planted)).failures;
    assert!(failures.iter().any(|failure| failure.requirement.starts_with("K5")), "{failures:#?}");
}

#[test]
fn a_proxy_that_ended_by_itself_is_started_again_in_the_epilogue() {
    let first = AtomicBool::new(true);
    let breaks_once = move |files: Arc<dyn Files>, _: &Trace| {
        if first.swap(false, Ordering::Relaxed) { networks::fails(files) } else { files }
    };
    let scenario = load("key-rotation/cmk-material-rotates");
    let planted = Planted { files: Some(Arc::new(breaks_once)), ..Planted::default() };
    let played = sim::play(&scenario, SEED, &planted);
    let of_proxy = played.events.iter().filter(|event| event.host == "proxy");
    let states = of_proxy.filter_map(|event| match &event.what {
        What::Process { state, .. } => Some(*state),
        _ => None,
    });
    let expected = [ProcessState::Started, ProcessState::Exited, ProcessState::Started];
    assert_eq!(states.collect::<Vec<_>>(), expected);
    let failures = checker::judge(&scenario, &played).failures;
    assert!(!failures.iter().any(|failure| failure.requirement.starts_with("K7")), "{failures:#?}");
}

fn rewriting(rewrite: fn(&[u8]) -> Vec<Vec<u8>>) -> Planted {
    Planted { answers: Some(Arc::new(rewrite) as Rewrite), ..Planted::default() }
}

fn kms(wrap: fn(Arc<dyn Kms>) -> Arc<dyn Kms>) -> Planted {
    Planted { kms: Some(wrapper(wrap)), ..Planted::default() }
}

fn wrapper<T: ?Sized + 'static>(wrap: fn(Arc<T>) -> Arc<T>) -> Wrapper<T> {
    Arc::new(move |inner, _| wrap(inner))
}
