//! Transcripts of the committed scenarios: how they read, that they do not depend on chance, and that bugs show in them.

mod planted;
mod support;

use std::collections::BTreeSet;

use kmiplab::scenario::Scenario;
use kmiplab::transcript::{Difference, Transcript};
use kmiplab::world::sim::{self, Planted};
use planted::BUGS;
use support::load;

const SEED: u64 = 0x5eed;

fn transcript(scenario: &Scenario, seed: u64, planted: &Planted) -> Transcript {
    Transcript::of(scenario, &sim::play(scenario, seed, planted))
}

fn clean(label: &str) -> Transcript {
    transcript(&load(label), SEED, &Planted::default())
}

/// One in which an endpoint fails over, one with polls, one with a rotation, one in which a first key is made, one that
/// somebody checks, one of an application.
const TELLING: [&str; 6] = [
    "private-endpoint-failover/a-rejected-b-takes-over",
    "key-rotation/revoked-under-polling",
    "key-rotation/master-key-rotates-while-proxy-serves",
    "private-endpoint-failover/mongod-retries-through-an-outage",
    "kms-outage/check-names-every-key-that-does-not-open",
    "other-clients/libmongocrypt-keeps-its-key-for-a-minute",
];

#[test]
fn transcripts_read_like_this() {
    for label in TELLING {
        let transcript = clean(label);
        let name = label.split('/').next_back().expect("a label has a name");
        insta::with_settings!({ snapshot_path => "transcripts", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, format!("{transcript}\n{}", transcript.digest()));
        });
    }
}

/// What chance may decide: the scenario, and why another seed rightly makes another story of it.
const DRAWN: [(&str, &str); 6] = [
    ("a-falls-silent-b-takes-over", "the phase: the cloud has answered before the endpoint falls silent, or has not"),
    ("delegated-while-an-endpoint-is-black-holed", "the phase"),
    ("endpoint-resets-in-mid-answer", "the phase: the cloud has answered before the connection is cut, or has not"),
    ("libmongocrypt-in-time-without-retries", "the phase"),
    ("power-cut-at-the-first-start", "the disk operation after which the power goes: the key is kept, or made again"),
    ("power-cut-in-a-rotation", "the disk operation: the old key is in use, or the new one"),
];

/// Where a drawn moment decides on which side of a line something falls, and the rule `border` is needed.
const BORDERS: [&str; 0] = [];

/// How many tests the scenarios of a family are dealt out to.
const PARTS: usize = 3;

/// Plays a part of the scenarios of a family with two seeds, each with the first of its providers.
fn two_seeds(family: &str, part: usize) {
    let all = support::all_cells();
    let own = all.iter().filter(|scenario| scenario.family == family);
    let own: Vec<_> = own.filter(|scenario| scenario.world.provider == scenario.providers[0]).collect();
    assert!(!own.is_empty(), "{family} is gone");
    for scenario in own.into_iter().skip(part).step_by(PARTS) {
        let [one, other] = [SEED, 0x5].map(|seed| transcript(scenario, seed, &Planted::default()));
        let told: Vec<_> = one.differences(&other).iter().map(ToString::to_string).collect();
        let drawn = DRAWN.iter().any(|(name, _)| *name == scenario.name);
        // An entry that excuses nothing is out of date.
        assert_eq!(!told.is_empty(), drawn, "{}: {told:#?}", scenario.label());
        let needed = drawn || BORDERS.contains(&scenario.name.as_str());
        assert_eq!(one.digest() != other.digest(), needed, "{}: the digests", scenario.label());
    }
}

/// Tests for each family.
macro_rules! a_story_does_not_depend_on_the_seed {
    ($($name:ident = $family:literal),+ $(,)?) => {
        const FAMILIES: &[&str] = &[$($family),+];

        $(mod $name {
            #[test]
            fn come_to_one_transcript_whatever_the_seed_first_part() {
                super::two_seeds($family, 0);
            }

            #[test]
            fn come_to_one_transcript_whatever_the_seed_second_part() {
                super::two_seeds($family, 1);
            }

            #[test]
            fn come_to_one_transcript_whatever_the_seed_third_part() {
                super::two_seeds($family, 2);
            }
        })+
    };
}

a_story_does_not_depend_on_the_seed! {
    damaged_snapshots = "damaged-snapshots",
    expired_credentials = "expired-credentials",
    key_rotations = "key-rotation",
    kms_outages = "kms-outage",
    mismatched_providers = "mismatched-providers",
    other_clients = "other-clients",
    private_endpoints = "private-endpoint-failover",
}

#[test]
fn every_family_is_played_with_two_seeds() {
    let families: BTreeSet<String> = support::all().into_iter().map(|found| found.family).collect();
    assert_eq!(families.iter().map(String::as_str).collect::<Vec<_>>(), FAMILIES);
}

/// Bugs, the scenario in which each shows, and how its transcript differs from the clean proxy's.
const BUGS_THAT_SHOW: [(&str, &str, &str); 12] = [
    (
        "flips-a-byte",
        "mismatched-providers/local-key-file",
        "mongod: Get of key 1: ok, the same key / Get of key 1: ok, another key",
    ),
    (
        "not-found",
        "expired-credentials/user-keys-revoked",
        "mongod: Get of key 1: permission-denied / Get of key 1: item-not-found",
    ),
    (
        "failure-is-success",
        "expired-credentials/user-keys-revoked",
        "mongod: Get of key 1: permission-denied / Get of key 1: ok",
    ),
    (
        "silent",
        "mismatched-providers/local-key-file",
        "mongod: GetAttributes of key 1: ok, Active / GetAttributes of key 1: no answer",
    ),
    (
        "twice",
        "mismatched-providers/local-key-file",
        "mongod: Get of key 1: ok, the same key / Get of key 1: ok, Active",
    ),
    (
        "never-active",
        "mismatched-providers/local-key-file",
        "mongod: GetAttributes of key 1: ok, Active / GetAttributes of key 1: ok, Pre-Active",
    ),
    (
        "keeps-credentials",
        "expired-credentials/session-expires-while-mongod-is-down",
        "public: kms Decrypt: ok / kms Decrypt: ExpiredTokenException",
    ),
    (
        "disabled-is-expired",
        "key-rotation/cmk-disabled-and-enabled-again",
        "proxy: tells key-disabled / tells credentials-expired",
    ),
    ("tells-nobody", "expired-credentials/user-keys-revoked", "proxy: tells credentials-invalid / nothing more"),
    (
        "never-leaves-the-first",
        "private-endpoint-failover/a-rejected-b-takes-over",
        "private-b: kms Decrypt: ok / nothing more",
    ),
    ("wrong-end", "private-endpoint-failover/the-third-endpoint-answers", "private-b: nothing more / kms Decrypt: ok"),
    (
        "remembers",
        "key-rotation/cmk-disabled-and-enabled-again",
        "mongod: Get of key 1: illegal-operation / Get of key 1: ok, the same key",
    ),
];

/// Bugs that a transcript leaves to the invariants: what is said is the same, in other words or more often.
const BUGS_THAT_DO_NOT: [(&str, &str); 2] = [
    ("two-lines", "expired-credentials/user-keys-revoked"),
    ("asks-twice", "key-rotation/master-key-rotates-while-proxy-serves"),
];

fn with_bug(name: &str, label: &str) -> Vec<String> {
    let bug = BUGS.iter().find(|bug| bug.name == name).unwrap_or_else(|| panic!("{name} is no bug"));
    let scenario = load(label);
    let clean = transcript(&scenario, SEED, &Planted::default());
    let differences = clean.differences(&transcript(&scenario, SEED, &(bug.plant)()));
    differences.iter().map(Difference::line).collect()
}

#[test]
fn a_planted_bug_is_a_difference_and_the_first_one_says_what_it_does() {
    for (name, label, first) in BUGS_THAT_SHOW {
        assert_eq!(with_bug(name, label).first().map(String::as_str), Some(first), "{name}");
    }
    for (name, label) in BUGS_THAT_DO_NOT {
        assert_eq!(with_bug(name, label), Vec::<String>::new(), "{name}");
    }
}
