//! What the committed scenarios leave out, and why.
//!
//! Every committed scenario is played once; what happened in the runs is held against the tables of words that there
//! are: verbs, classes of failure, error codes, personas, and so on. A word that does not occur needs a line in [`GAPS`].
//!
//! Invariant: a gap is known, has a reason, and is a gap: a line whose word occurs, or is no word, fails.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kmip_proxy::kms::Class;
use kmiplab::campaign::FIRST_SEED;
use kmiplab::scenario::{
    Action, CredentialsKind, Database, ERROR_CODES, EndpointState, FileChange, GivenBy, KeyChange, Metadata,
    ObjectChange, Outcome, PERSONAS, REASONS, Scenario, Then, VERBS,
};
use kmiplab::trace::{Played, What};
use kmiplab::world::sim::{self, Planted};

/// What no committed scenario shows: the table, the word, and why that is all right.
const GAPS: &[(&str, &str, &str)] = &[
    ("operation", "Query", "No client of MongoDB asks what a server can do; the product's own tests ask."),
    ("operation", "DiscoverVersions", "No client of MongoDB negotiates its version; the product's own tests do."),
    (
        "result reason",
        "response-too-large",
        "No answer to a persona comes near the 8192 bytes that some of them accept.",
    ),
    (
        "result reason",
        "authentication-not-successful",
        "The proxy refuses strangers in the TLS handshake, before KMIP.",
    ),
    ("result reason", "invalid-message", "No persona sends a broken message; the product's own tests do."),
    ("result reason", "operation-not-supported", "No persona asks for an operation that the proxy does not have."),
    ("result reason", "missing-data", "No persona leaves out what an operation needs."),
    ("result reason", "feature-not-supported", "No persona asks for an undoable batch or a critical extension."),
    ("result reason", "operation-canceled-by-requester", "The proxy answers at once, so there is nothing to cancel."),
    ("result reason", "object-archived", "The proxy has no archive."),
    ("result reason", "index-out-of-bounds", "No persona names the instance of an attribute."),
    ("result reason", "application-namespace-not-supported", "No persona gives application specific information."),
    (
        "result reason",
        "key-format-type-not-supported",
        "Every persona takes its key in the format in which it was registered.",
    ),
    ("result reason", "key-compression-type-not-supported", "Keys of AES have no compression that could be refused."),
    ("change of a customer's key at a cloud", "connect at azure", "The keys of a vault live in the vault."),
    ("change of a customer's key at a cloud", "disconnect at azure", "The keys of a vault live in the vault."),
    (
        "change of a customer's key at a cloud",
        "connect at gcp",
        "Worlds have no keys in a key manager of the customer (Cloud EKM) yet.",
    ),
    (
        "change of a customer's key at a cloud",
        "disconnect at gcp",
        "Worlds have no keys in a key manager of the customer (Cloud EKM) yet.",
    ),
    ("class at a cloud", "clock-skew at azure", "Azure sees no time of the proxy's."),
    (
        "class at a cloud",
        "credentials-expired at gcp",
        "A key of a service account has no last day, and a token is renewed by itself.",
    ),
    ("class at a cloud", "key-pending-deletion at azure", "To a vault a deleted key is not there: `key-missing`."),
    (
        "class at a cloud",
        "key-unusable at azure",
        "Worlds bring no key into another state there: no key store is disconnected.",
    ),
    (
        "class at a cloud",
        "key-unusable at gcp",
        "Worlds bring no key into another state there: no key store is disconnected.",
    ),
    (
        "class at a cloud",
        "wrong-key-or-region at azure",
        "A vault cannot say which key made a ciphertext: `ciphertext-invalid`.",
    ),
    ("credentials at a cloud", "role at azure", "Nobody assumes a role there."),
    ("credentials at a cloud", "role at gcp", "Nobody assumes a role there."),
    ("credentials at a cloud", "session at gcp", "A key of a service account has no last day."),
    ("endpoint state at a cloud", "denying at azure", "Endpoints have no policies there."),
    ("endpoint state at a cloud", "denying at gcp", "Endpoints have no policies there."),
];

/// Operations of the proxy whose answers no file can expect: an administrator asks for the first two.
const OTHER_OPERATIONS: [&str; 4] = ["Revoke", "Destroy", "Query", "DiscoverVersions"];

/// Declares the words of an enum, with a function that no new variant can slip past.
macro_rules! words {
    ($list:ident, $name:ident of $Enum:ident: $($Variant:ident = $word:literal),+ $(,)?) => {
        const $list: &[&str] = &[$($word),+];

        fn $name(value: $Enum) -> &'static str {
            match value {
                $($Enum::$Variant => $word,)+
            }
        }
    };
}

words!(KINDS, kind of CredentialsKind: User = "user", Session = "session", Role = "role");
words!(PLACES, place of GivenBy: Metadata = "metadata", Flags = "flags");
words!(CONTENTS, content of Metadata:
    Current = "current", Outdated = "outdated", RoleId = "role-id", WithoutToken = "without-token", Absent = "absent",
);
words!(OUTCOMES, outcome of Outcome: Opens = "opens", StaysClosed = "stays-closed");
words!(KEY_CHANGES, key_change of KeyChange:
    Disable = "disable", Enable = "enable", Rotate = "rotate", ScheduleDeletion = "schedule-deletion",
    CancelDeletion = "cancel-deletion", Deny = "deny", Allow = "allow", Restrict = "restrict",
    Disconnect = "disconnect", Connect = "connect",
);
words!(FILE_CHANGES, file_change of FileChange:
    Remove = "remove", Damage = "damage", Forbid = "forbid", Restore = "restore",
);
words!(OBJECT_CHANGES, object_change of ObjectChange:
    Revoke = "revoke", Compromise = "compromise", Destroy = "destroy",
);

/// The providers that are clouds.
const CLOUDS: &[&str] = &["aws", "azure", "gcp"];

/// A proxy for one provider with the snapshot of another, in every direction.
const MISMATCHES: &[&str] = &[
    "aws proxy, azure snapshot",
    "aws proxy, gcp snapshot",
    "azure proxy, aws snapshot",
    "azure proxy, gcp snapshot",
    "gcp proxy, aws snapshot",
    "gcp proxy, azure snapshot",
];

/// Words by the table that they stand in.
type Words = BTreeMap<&'static str, BTreeSet<String>>;

#[test]
fn every_word_occurs_in_a_committed_scenario_or_is_a_gap_with_a_reason() {
    let scenarios = support::all_cells();
    let complaints = complaints(&table(&scenarios), &seen(&scenarios), GAPS);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn what_is_missing_covered_unknown_or_without_a_reason_is_told() {
    let words = |words: &[&str]| BTreeMap::from([("verb", words.iter().map(|word| (*word).to_owned()).collect())]);
    let (table, seen) = (words(&["start", "stop", "crash"]), words(&["start"]));
    let reason = "Nobody asks for it yet.";
    let told = |gaps: &[(&'static str, &'static str, &'static str)]| complaints(&table, &seen, gaps).join("\n");
    assert_eq!(told(&[("verb", "stop", reason), ("verb", "crash", reason)]), "");
    insta::assert_snapshot!(told(&[("verb", "start", reason), ("verb", "crash", ""), ("verb", "crush", reason)]), @r"
    missing: verb `stop`: write a scenario, or a line in GAPS with the reason
    covered: verb `start`: remove it from the list
    unexplained: verb `crash`: say why in a sentence
    unknown: verb `crush`: remove it from the list
    ");
}

/// Every word that there is.
fn table(scenarios: &[Scenario]) -> Words {
    let families: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.family.as_str()).collect();
    let families: Vec<&str> = families.into_iter().collect();
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    let mut operations = own(&Then::OPERATIONS);
    operations.extend(own(&OTHER_OPERATIONS));
    Words::from([
        ("verb", own(VERBS)),
        ("class", Class::ALL.iter().map(|class| class.code().to_owned()).collect()),
        ("error code", own(ERROR_CODES)),
        ("endpoint state", own(EndpointState::NAMES)),
        ("operation", operations),
        ("result reason", own(REASONS)),
        ("persona", own(PERSONAS)),
        ("persona in a family", pairs(PERSONAS, "in", &families)),
        ("credentials", pairs(KINDS, "by", PLACES)),
        ("content of the metadata", own(CONTENTS)),
        ("change of a customer's key", own(KEY_CHANGES)),
        ("change of a file", own(FILE_CHANGES)),
        ("change of the master key", own(OBJECT_CHANGES)),
        ("outcome in a family", pairs(OUTCOMES, "in", &families)),
        ("class at a cloud", pairs(&Class::ALL.iter().map(|class| class.code()).collect::<Vec<_>>(), "at", CLOUDS)),
        ("endpoint state at a cloud", pairs(EndpointState::NAMES, "at", CLOUDS)),
        ("change of a customer's key at a cloud", pairs(KEY_CHANGES, "at", CLOUDS)),
        ("credentials at a cloud", pairs(KINDS, "at", CLOUDS)),
        ("cloud in a family", pairs(CLOUDS, "in", &families)),
        ("mismatch", MISMATCHES.iter().map(|word| (*word).to_owned()).collect()),
    ])
}

fn pairs(left: &[&str], between: &str, right: &[&str]) -> BTreeSet<String> {
    left.iter().flat_map(|left| right.iter().map(move |right| format!("{left} {between} {right}"))).collect()
}

/// Every word that occurs when the scenarios are played, on all cores.
fn seen(scenarios: &[Scenario]) -> Words {
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(Words::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = sim::play(scenario, FIRST_SEED, &Planted::default());
                    let mut seen = seen.lock().expect("no worker panics while it holds the words");
                    for (table, word) in declared(scenario).into_iter().chain(happened(scenario, &played)) {
                        seen.entry(table).or_default().insert(word);
                    }
                }
            });
        }
    });
    seen.into_inner().expect("no worker panics while it holds the words")
}

/// What a file says of its world.
fn declared(scenario: &Scenario) -> Vec<(&'static str, String)> {
    let world = &scenario.world;
    let (persona, family) = (&world.mongod.persona, &scenario.family);
    let credentials = &world.credentials;
    let cloud = world.provider;
    let mut mismatch = Vec::new();
    if world.proxy.cloud_provider != cloud && world.mongod.database == Database::Snapshot {
        mismatch.push(("mismatch", format!("{} proxy, {cloud} snapshot", world.proxy.cloud_provider)));
    }
    let mut words = vec![
        ("persona", persona.clone()),
        ("persona in a family", format!("{persona} in {family}")),
        ("credentials", format!("{} by {}", kind(credentials.kind), place(credentials.given_by))),
        ("content of the metadata", content(credentials.metadata).to_owned()),
        ("outcome in a family", format!("{} in {family}", outcome(scenario.outcome))),
        ("endpoint state", EndpointState::Available.name().to_owned()),
        ("endpoint state at a cloud", format!("{} at {cloud}", EndpointState::Available.name())),
        ("credentials at a cloud", format!("{} at {cloud}", kind(credentials.kind))),
        ("cloud in a family", format!("{cloud} in {family}")),
    ];
    words.extend(mismatch);
    words
}

/// What came of it.
fn happened(scenario: &Scenario, played: &Played) -> Vec<(&'static str, String)> {
    let (mut words, cloud) = (Vec::new(), scenario.world.provider);
    for event in scenario.timeline.iter().take(played.fired.len()) {
        words.push(("verb", event.verb.to_owned()));
        let at = |table: &'static str, word: &str| (table, format!("{word} at {cloud}"));
        words.extend(match &event.action {
            Action::Endpoint { state, .. } => Some(at("endpoint state at a cloud", state.name())),
            Action::Key { change, .. } => Some(at("change of a customer's key at a cloud", key_change(*change))),
            _ => None,
        });
        words.extend(match &event.action {
            Action::Endpoint { state, .. } => Some(("endpoint state", state.name().to_owned())),
            Action::Key { change, .. } => Some(("change of a customer's key", key_change(*change).to_owned())),
            Action::File { change, .. } => Some(("change of a file", file_change(*change).to_owned())),
            Action::Object(change) => Some(("change of the master key", object_change(*change).to_owned())),
            _ => None,
        });
    }
    for event in &played.events {
        match &event.what {
            What::Operator { class: Some(class), .. } => {
                words.push(("class", class.clone()));
                words.push(("class at a cloud", format!("{class} at {cloud}")));
            }
            What::Call { service, code: Some(code), .. } if service == "kms" => {
                words.push(("error code", code.clone()))
            }
            What::Answer { operation, reason, .. } => {
                words.extend(operation.clone().map(|operation| ("operation", operation)));
                words.extend(reason.clone().map(|reason| ("result reason", reason)));
            }
            _ => {}
        }
    }
    words
}

/// What is wrong between what there is, what occurs, and what is said to be left out; a line each.
fn complaints(table: &Words, seen: &Words, gaps: &[(&'static str, &'static str, &'static str)]) -> Vec<String> {
    let holds = |words: &Words, name: &str, word: &str| words.get(name).is_some_and(|words| words.contains(word));
    let mut complaints = Vec::new();
    for (name, words) in table {
        for word in words {
            let excused = gaps.iter().any(|(of, gap, _)| of == name && gap == word);
            if !excused && !holds(seen, name, word) {
                complaints
                    .push(format!("missing: {name} `{word}`: write a scenario, or a line in GAPS with the reason"));
            }
        }
    }
    for (name, word, reason) in gaps {
        if !holds(table, name, word) {
            complaints.push(format!("unknown: {name} `{word}`: remove it from the list"));
        } else if holds(seen, name, word) {
            complaints.push(format!("covered: {name} `{word}`: remove it from the list"));
        } else if !reason.ends_with('.') {
            complaints.push(format!("unexplained: {name} `{word}`: say why in a sentence"));
        }
    }
    complaints
}
