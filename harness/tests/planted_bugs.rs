//! Every planted bug is caught by what is named beside it, and the clean proxy passes the same table.
//!
//! A planted bug wraps one of the traits that the product is given, or rewrites bytes in a relay; the product itself is
//! never changed. All of them stand in `planted/bugs.rs`. A row here names a bug, the scenario in which it shows, and what
//! catches it. What nothing catches is in a table of its own, with the reason.

mod planted;
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kmip_proxy::env::Files;
use kmiplab::checker::{self, Failure};
use kmiplab::scenario::{Scenario, When};
use kmiplab::trace::{ProcessState, Trace, What};
use kmiplab::world::sim::{self, Planted};
use planted::{BUGS, Bug, answers, files, key_services};
use support::load;

const SEED: u64 = 0x5eed;

/// A bug by its name, the scenario in which it shows, and what catches it.
struct Row(&'static str, &'static str, Caught);

/// What catches a bug.
#[derive(Debug)]
enum Caught {
    /// An invariant, with a part of what it says.
    By(&'static str, &'static str),
    /// What the scenario expects of its line at this second, by the key.
    Then(u64, &'static str),
}

use Caught::{By, Then};

/// The scenario in which credentials fail first and are renewed later.
const RENEWED: &str = "expired-credentials/session-expires-while-mongod-is-down";

/// The scenario in which a key is made.
const FIRST_START: &str = "key-rotation/first-start-registers";

/// The scenario in which a key is revoked while mongod runs.
const REVOKED: &str = "key-rotation/revoked-under-polling";

/// The scenario in which mongod gets its key twice, and nothing goes wrong.
const TWO_STARTS: &str = "key-rotation/cmk-material-rotates";

/// The scenario in which two private endpoints stand before a public one.
const FORBIDDEN: &str = "private-endpoint-failover/all-private-rejected-public-forbidden";

/// The scenario in which every endpoint refuses.
const OUTAGE: &str = "private-endpoint-failover/heals-after-outage";

/// The scenario in which the second of two private endpoints takes over.
const TAKES_OVER: &str = "private-endpoint-failover/a-rejected-b-takes-over";

/// The scenario in which the session of a role runs out.
const ROLE: &str = "expired-credentials/role-assumed-through-sts";

/// The scenario in which a client looks for its key by name.
const BY_NAME: &str = "other-clients/legacy-finds-its-key-by-name";

const TABLE: &[Row] = &[
    Row("flips-a-byte", TWO_STARTS, By("K1", "returned another key's material")),
    Row("halves-the-key", TWO_STARTS, By("K1", "returned another key's material")),
    Row("misstates-the-length", TWO_STARTS, By("K6", "is malformed: a key of 256 bits whose length is stated as 128")),
    Row("calls-it-secret-data", TWO_STARTS, Then(12, "mongod")),
    Row("empties-the-payload", TWO_STARTS, By("K6", "does not say that it is of")),
    Row("gets-another-key", TWO_STARTS, By("K1", "was answered for another-key")),
    Row("answers-of-another-key", TWO_STARTS, By("K6", "is of another-key")),
    Row("always-active", "key-rotation/key-was-never-activated", Then(1, "mongod")),
    Row("never-active", TWO_STARTS, Then(1, "get")),
    Row("not-found", RENEWED, By("K5", "the answer was ItemNotFound")),
    Row("failure-is-success", RENEWED, By("K1", "succeeded without key material")),
    Row("silent", "key-rotation/old-cmk-scheduled-for-deletion", By("K7", "it got no answer")),
    Row("silent-on-failure", RENEWED, By("K6", "got 0 answers")),
    Row("twice", TWO_STARTS, By("K6", "got 2 answers")),
    Row("halves", TWO_STARTS, By("K6", "got no answer")),
    Row("one-behind", TWO_STARTS, By("K6", "is of the operation GetAttributes")),
    Row("without-operation", RENEWED, By("K6", "has no Operation")),
    Row("without-reason", RENEWED, By("K6", "has no ResultReason")),
    Row("without-message", RENEWED, By("K6", "has no ResultMessage, on which some clients crash")),
    Row("two-lines", RENEWED, By("K6", "not one ASCII line")),
    Row("too-long", RENEWED, By("K6", "of at most 256 bytes")),
    Row("not-ascii", RENEWED, By("K6", "not one ASCII line")),
    Row("chatters", TWO_STARTS, By("K6", "maximum message size is exceeded")),
    Row("miscounts", TWO_STARTS, By("K6", "batch count 2, but 1 batch items")),
    Row("own-version", TWO_STARTS, By("K6", "is in version 1.4 instead of 1.0")),
    Row("younger-field", TWO_STARTS, By("K10", "ServerCorrelationValue")),
    Row("without-time", TWO_STARTS, By("K6", "is malformed: no time stamp")),
    Row("overhears-good-byes", RENEWED, By("K6", "good-bye was not closed")),
    Row("serves-two", TWO_STARTS, Then(12, "get")),
    Row("keeps-region", "kms-outage/region-out-multi-region-key", Then(14, "get")),
    Row("hangs-up", TWO_STARTS, By("K6", "got no answer")),
    Row("dawdles", TWO_STARTS, By("K6", "the deadline is 4.500s")),
    Row("remembers", RENEWED, By("K2", "no provider had opened")),
    Row("mixes-up", "key-rotation/master-key-rotates-while-proxy-serves", By("K1", "returned another key's material")),
    Row("asks-twice", TWO_STARTS, By("K9", "opened or wrapped a key 2 times through public")),
    Row("works-ahead", TWO_STARTS, By("K9", "on no request's behalf")),
    Row("does-not-let-go", RENEWED, By("K9", "on no request's behalf")),
    Row(
        "outlives-its-client",
        "private-endpoint-failover/mongod-hangs-up-in-the-middle",
        By("K9", "on no request's behalf"),
    ),
    Row("sulks", RENEWED, By("K7", "still does not get its key")),
    Row("storms", RENEWED, By("K9", "the bound is")),
    Row("keeps-credentials", RENEWED, Then(52, "get")),
    Row("keeps-session", ROLE, Then(14, "get")),
    Row("wraps-nothing", FIRST_START, By("K8", "holds no such key")),
    Row("scrambles", FIRST_START, Then(12, "get")),
    Row("disabled-is-expired", "key-rotation/cmk-disabled-and-enabled-again", Then(12, "class")),
    Row("deleted-is-unreachable", "key-rotation/old-cmk-scheduled-for-deletion", Then(3, "message")),
    Row("unreachable-is-denied", OUTAGE, Then(4, "get")),
    Row("expired-is-invalid", RENEWED, Then(40, "class")),
    Row("tells-nobody", RENEWED, Then(40, "class")),
    Row("tells-no-key", RENEWED, Then(40, "operator")),
    Row("gossips", RENEWED, By("K3", "secret access key of")),
    Row("logs-the-token", RENEWED, By("K3", "session token of")),
    Row("blurts-out-the-key", RENEWED, By("K3", "the master key")),
    Row("shows", FIRST_START, By("K3", "new master key")),
    Row("drops-plaintext", TWO_STARTS, By("K3", "opened.tmp")),
    Row("writes-credentials", "expired-credentials/credentials-on-the-command-line", By("K3", "kmip-proxy.cache")),
    Row("detours", FORBIDDEN, By("K4", "the proxy connected to 203.0.113.3")),
    Row("loses-patience", FORBIDDEN, By("K4", "the proxy connected to 203.0.113.3")),
    Row("never-leaves-the-first", TAKES_OVER, Then(18, "get")),
    Row("wrong-end", TAKES_OVER, Then(1, "via")),
    Row("insists", OUTAGE, By("K9", "cost 10 connections, the bound is 4")),
    Row("dwells", RENEWED, By("K9", "on no request's behalf")),
    Row("public-resolver", TAKES_OVER, Then(1, "get")),
    Row("never-syncs", FIRST_START, By("K8", "before its file and its name were durable")),
    Row("syncs-names-late", FIRST_START, By("K8", "before its file and its name were durable")),
    Row("syncs-changes-late", REVOKED, By("K8", "the Revoke of")),
    Row("syncs-names-only", FIRST_START, By("K8", "is not whole: 0 bytes")),
    Row("writes-in-place", FIRST_START, By("K8", "before its file and its name were durable")),
    Row("writes-once", FIRST_START, Then(12, "get")),
    Row("overwrites", "key-rotation/master-key-rotates-while-proxy-serves", By("K8", "it is not on the disk")),
    Row("remembers-metadata", RENEWED, Then(52, "get")),
    Row("overlooks-keys", BY_NAME, By("K5", "a Locate found no key")),
    Row("tidies-up", FIRST_START, By("K8", "which is the operator's")),
    Row("stands-still", ROLE, Then(14, "get")),
    Row("local-time", TWO_STARTS, Then(1, "get")),
    Row("repeats-itself", "key-rotation/master-key-rotates-twice", By("K8", "was given out before")),
    Row("trusts-nobody", TWO_STARTS, Then(1, "get")),
];

/// Bugs that nothing catches, each with a scenario in which it could show, and why it does not. A row whose bug is
/// caught one day moves to the table above.
const NOT_CAUGHT: &[(&str, &str, &str)] = &[
    (
        "tells-no-step",
        RENEWED,
        "scenarios compare the first line of what the operator is told; the rest is in the product's own snapshots",
    ),
    (
        "remembers-addresses",
        "private-endpoint-failover/heals-after-outage",
        "no world gives a name another address while the proxy runs",
    ),
];

#[test]
fn every_planted_bug_is_caught_by_what_is_named_beside_it() {
    let mut missed = String::new();
    for Row(name, scenario, caught) in TABLE {
        let (bug, scenario) = (named(name), load(scenario));
        let failures = play(&scenario, bug).failures;
        if !failures.iter().any(|failure| is_caught(&scenario, failure, caught)) {
            let id = scenario.id();
            missed += &format!("{name} ({}), in {id}, was not caught: {caught:?}; broken were\n", bug.sentence);
            for failure in &failures {
                missed += &format!("    {}: {}; {}\n", failure.requirement, failure.expected, failure.observed);
            }
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[test]
fn what_nothing_catches_is_listed_with_the_reason() {
    for (name, scenario, why) in NOT_CAUGHT {
        let failures = play(&load(scenario), named(name)).failures;
        assert!(failures.is_empty(), "{name} is caught; its row ({why}) moves to the other table: {failures:#?}");
    }
}

#[test]
fn every_bug_has_one_row() {
    let rows = TABLE.iter().map(|Row(name, ..)| *name).chain(NOT_CAUGHT.iter().map(|(name, ..)| *name));
    let mut rows: Vec<_> = rows.collect();
    let mut bugs: Vec<_> = BUGS.iter().map(|bug| bug.name).collect();
    rows.sort_unstable();
    bugs.sort_unstable();
    assert_eq!(rows, bugs);
}

#[test]
fn the_clean_proxy_passes_the_same_table() {
    let scenarios: BTreeSet<&str> = TABLE.iter().map(|Row(_, scenario, _)| *scenario).collect();
    for id in scenarios {
        let scenario = load(id);
        let played = sim::play(&scenario, SEED, &Planted::default());
        let judgement = checker::judge(&scenario, &played);
        assert!(judgement.passed(), "{id}: {:#?}", judgement.failures);
        for Row(name, _, caught) in TABLE.iter().filter(|Row(_, scenario, _)| *scenario == id) {
            let By(invariant, _) = caught else { continue };
            assert!(judgement.exercised[invariant] > 0, "{id} does not exercise {invariant}, which catches {name}");
        }
    }
}

#[test]
fn every_invariant_has_a_planted_bug() {
    for invariant in checker::INVARIANTS {
        let planted = TABLE.iter().any(|Row(.., caught)| matches!(caught, By(id, _) if *id == invariant.id));
        assert!(planted, "nobody has planted a bug against {}", invariant.id);
    }
}

#[test]
fn an_idle_relay_changes_nothing_that_an_invariant_sees() {
    // Otherwise the relay itself could be what the table catches.
    let scenario = load(TWO_STARTS);
    let played = sim::play(&scenario, SEED, &answers::rewriting(|message| vec![message.to_vec()]));
    let judgement = checker::judge(&scenario, &played);
    assert!(judgement.passed(), "{:#?}", judgement.failures);
}

#[test]
fn a_register_that_is_answered_not_found_is_caught_though_nothing_existed() {
    // No row of the table: where nothing goes wrong, nothing here could be taken for missing.
    let scenario = load(FIRST_START);
    let planted = Planted {
        kms: Some(Arc::new(|inner, _| key_services::refuses(inner))),
        ..answers::editing(answers::not_found)
    };
    let failures = checker::judge(&scenario, &sim::play(&scenario, SEED, &planted)).failures;
    assert!(failures.iter().any(|failure| failure.requirement.starts_with("K5")), "{failures:#?}");
}

#[test]
fn a_proxy_that_ended_by_itself_is_started_again_in_the_epilogue() {
    let first = AtomicBool::new(true);
    let breaks_once = move |inner: Arc<dyn Files>, _: &Trace| {
        if first.swap(false, Ordering::Relaxed) { files::fails(inner) } else { inner }
    };
    let scenario = load(TWO_STARTS);
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

fn named(name: &str) -> &'static Bug {
    BUGS.iter().find(|bug| bug.name == name).unwrap_or_else(|| panic!("no bug is called {name}"))
}

fn play(scenario: &Scenario, bug: &Bug) -> checker::Judgement {
    checker::judge(scenario, &sim::play(scenario, SEED, &(bug.plant)()))
}

fn is_caught(scenario: &Scenario, failure: &Failure, caught: &Caught) -> bool {
    match caught {
        By(invariant, part) => {
            failure.requirement.split(' ').next() == Some(*invariant) && failure.observed.contains(part)
        }
        Then(second, key) => {
            let at = When::At(Duration::from_secs(*second));
            let event = scenario.timeline.iter().find(|event| event.at == at).expect("a line stands at that second");
            failure.requirement == format!("line {}: {}", event.line, event.text)
                && failure.expected.starts_with(beginning(key))
        }
    }
}

/// How the checker words what a key of `then` expects.
fn beginning(key: &str) -> &'static str {
    match key {
        "get" => "Get answers ",
        "register" => "Register answers ",
        "via" => "the key is opened through ",
        "class" => "the operator is told ",
        "message" => "ResultMessage `",
        "operator" => "the operator reads `",
        "log" => "mongod logs `",
        "mongod" => "mongod ",
        _ => panic!("no row has asked for `{key}` so far"),
    }
}
