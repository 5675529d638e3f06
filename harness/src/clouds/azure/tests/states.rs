//! What every operation answers in every state of a key, at one glance; deletion and what becomes of it.

use std::fmt::Write as _;

use http::Method;
use serde_json::json;

use super::{Bench, DAY, MASTER_KEY, Reply, SECOND, crypt_body, now, path, value};
use crate::clouds::azure::{Attributes, Unchanged, operations};
use crate::scenario::KeyChange;

/// A state, and how a key gets there.
type State = (&'static str, fn(&mut Bench));

const STATES: [State; 7] = [
    ("enabled", |_| {}),
    ("disabled", |bench| change(bench, KeyChange::Disable)),
    ("not yet valid", |bench| attributes(bench, Attributes { not_before: Some(now() + SECOND), ..Default::default() })),
    ("expired", |bench| attributes(bench, Attributes { expires: Some(now()), ..Default::default() })),
    ("without operations", |bench| bench.azure.set_key_operations("master", &[], now()).unwrap()),
    ("deleted", |bench| change(bench, KeyChange::ScheduleDeletion)),
    ("purged", |bench| {
        change(bench, KeyChange::ScheduleDeletion);
        bench.azure.purge_key("master", now()).unwrap();
    }),
];

fn change(bench: &mut Bench, change: KeyChange) {
    bench.azure.change_key("master", change, now()).unwrap();
}

fn attributes(bench: &mut Bench, attributes: Attributes) {
    bench.azure.set_attributes("master", None, attributes, now()).unwrap();
}

fn call(bench: &mut Bench, operation: &str, blob: &[u8]) -> Reply {
    let (kid, key) = (bench.kid.clone(), "/keys/master");
    match operation {
        "CreateKey" => bench.vault(Method::POST, &format!("{key}/create"), r#"{"kty":"RSA"}"#),
        "Decrypt" => bench.crypt("decrypt", &kid, blob),
        "Encrypt" => bench.crypt("encrypt", &kid, MASTER_KEY),
        "UnwrapKey" => bench.crypt("unwrapkey", &kid, blob),
        "WrapKey" => bench.crypt("wrapkey", &kid, MASTER_KEY),
        "DeleteKey" => bench.vault(Method::DELETE, key, ""),
        "GetKey" => bench.get(path(&kid)),
        "UpdateKey" => bench.vault(Method::PATCH, path(&kid), "{}"),
        "GetDeletedKey" => bench.get("/deletedkeys/master"),
        "PurgeDeletedKey" => bench.vault(Method::DELETE, "/deletedkeys/master", ""),
        "RecoverDeletedKey" => bench.vault(Method::POST, "/deletedkeys/master/recover", ""),
        other => panic!("{other} has no request here"),
    }
}

#[test]
fn what_every_operation_answers_in_every_state() {
    let mut table = String::new();
    for operation in operations::names() {
        writeln!(table, "{operation}").unwrap();
        for (name, state) in STATES {
            let mut bench = Bench::new();
            let (_, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
            state(&mut bench);
            let reply = call(&mut bench, operation, &blob);
            writeln!(table, "  {name:<20}{} {}", reply.status, reply.code()).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_disabled_version_still_wraps_and_what_it_wrapped_opens_when_it_is_enabled() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    change(&mut bench, KeyChange::Disable);
    let blob = value(&bench.crypt("wrapkey", &kid, MASTER_KEY));
    assert_eq!(bench.crypt("unwrapkey", &kid, &blob).code(), "KeyDisabled");
    assert_eq!(bench.get(path(&kid)).json()["attributes"]["enabled"], false);
    change(&mut bench, KeyChange::Enable);
    assert_eq!(value(&bench.crypt("unwrapkey", &kid, &blob)), MASTER_KEY);
}

#[test]
fn disabling_a_key_disables_all_of_its_versions_and_updating_one_only_that() {
    let mut bench = Bench::new();
    let old = bench.kid.clone();
    let (_, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    change(&mut bench, KeyChange::Rotate);
    change(&mut bench, KeyChange::Disable);
    assert_eq!(bench.crypt("decrypt", &old, &blob).code(), "KeyDisabled");
    assert_eq!(bench.open().code(), "KeyDisabled");
    let enabled = bench.vault(Method::PATCH, path(&old), r#"{"attributes":{"enabled":true}}"#);
    assert_eq!(enabled.json()["attributes"]["updated"], 1_795_317_721);
    assert_eq!(value(&bench.crypt("decrypt", &old, &blob)), MASTER_KEY);
    assert_eq!(bench.open().code(), "KeyDisabled", "the new version stays disabled");
}

#[test]
fn a_deleted_key_comes_back_with_all_of_its_versions_as_they_were() {
    let mut bench = Bench::new();
    let (old, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    change(&mut bench, KeyChange::Rotate);
    change(&mut bench, KeyChange::ScheduleDeletion);
    let told = bench.get("/deletedkeys/master").json();
    assert_eq!(told["recoveryId"], "https://kmiplab.vault.azure.net/deletedkeys/master");
    assert_eq!(told["scheduledPurgeDate"], json!(1_795_317_721_u64 + 90 * 86_400));
    assert_eq!(bench.crypt("decrypt", &old, &blob).code(), "KeyNotFound");
    change(&mut bench, KeyChange::CancelDeletion);
    assert_eq!(value(&bench.crypt("decrypt", &old, &blob)), MASTER_KEY);
    assert_eq!(bench.azure.generations("master"), Ok(2));
}

#[test]
fn a_deleted_key_can_be_recovered_until_its_90_days_are_over() {
    for (at, status) in [(now() + DAY * 90 - SECOND, 200), (now() + DAY * 90, 404)] {
        let mut bench = Bench::new();
        let (kid, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
        assert_eq!(bench.vault(Method::DELETE, "/keys/master", "").status, 200);
        bench.at(at);
        let recovered = bench.vault(Method::POST, "/deletedkeys/master/recover", "");
        assert_eq!(recovered.status, status, "{}", recovered.body);
        assert_eq!(bench.crypt("decrypt", &kid, &blob).status, status, "it comes back enabled");
    }
    let mut bench = Bench::new();
    change(&mut bench, KeyChange::ScheduleDeletion);
    let late = bench.azure.change_key("master", KeyChange::CancelDeletion, now() + DAY * 90);
    assert_eq!(late, Err(Unchanged::NoSuchKey { vault: "kmiplab".into(), name: "master".into() }));
}

#[test]
fn a_key_made_anew_after_a_purge_opens_nothing_of_the_old_one() {
    let mut bench = Bench::new();
    let (old, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    change(&mut bench, KeyChange::ScheduleDeletion);
    let purged = bench.vault(Method::DELETE, "/deletedkeys/master", "");
    assert_eq!((purged.status, purged.body.as_str()), (204, ""));
    let new = bench.azure.add_key("master");
    assert_ne!(new, old);
    assert_eq!(bench.crypt("decrypt", &new, &blob).code(), "BadParameter");
}

#[test]
fn what_an_owner_states_is_told_and_a_mistake_changes_nothing() {
    let mut bench = Bench::new();
    let body = r#"{"kty":"RSA","key_size":2048,"key_ops":["unwrapKey","decrypt"],"attributes":{"exp":1795317722}}"#;
    let made = bench.vault(Method::POST, "/keys/new/create", body).json();
    assert_eq!(made["key"]["key_ops"], json!(["decrypt", "unwrapKey"]));
    assert_eq!(made["attributes"]["exp"], 1_795_317_722);
    for mistake in [r#"{"attributes":{"enabled":1}}"#, r#"{"attributes":{"exp":-1}}"#, r#"{"key_ops":["fly"]}"#] {
        assert_eq!(bench.vault(Method::PATCH, "/keys/new", mistake).code(), "BadParameter", "{mistake}");
        assert_eq!(bench.get("/keys/new").json(), made, "{mistake}");
        let body = mistake.replacen('{', r#"{"kty":"RSA","#, 1);
        assert_eq!(bench.vault(Method::POST, "/keys/never/create", &body).code(), "BadParameter", "{mistake}");
        assert_eq!(bench.get("/keys/never").code(), "KeyNotFound", "{mistake}");
    }
}

#[test]
fn what_key_vault_would_refuse_a_world_is_refused_with_the_reason() {
    let mut bench = Bench::new();
    let mut told = |change| bench.azure.change_key("master", change, now()).unwrap_err().to_string();
    let connected = "the keys of a vault live in the vault, and in no key store that could be disconnected from it";
    assert_eq!(told(KeyChange::Disconnect), format!("Azure does not disconnect the key `master`: {connected}"));
    assert_eq!(told(KeyChange::Connect), format!("Azure does not connect the key `master`: {connected}"));
    assert_eq!(
        told(KeyChange::CancelDeletion),
        "the key `master` is not deleted, and Key Vault does not recover such a key"
    );
    change(&mut bench, KeyChange::ScheduleDeletion);
    for refused in [KeyChange::Disable, KeyChange::Enable, KeyChange::Rotate, KeyChange::ScheduleDeletion] {
        let unchanged = bench.azure.change_key("master", refused, now());
        assert!(matches!(unchanged, Err(Unchanged::WrongState { state: "deleted", .. })), "{refused:?}: {unchanged:?}");
    }
    let missing = bench.azure.change_key("nope", KeyChange::Deny, now()).unwrap_err();
    assert_eq!(missing.to_string(), "the vault kmiplab has no key named `nope`: add it to the world's keys");
    let long = bench.azure.encrypt_directly("master", &[0; 191]).unwrap_err();
    assert!(long.to_string().contains("at most 190 bytes"), "{long}");
}

#[test]
fn nbf_and_exp_are_asked_for_to_the_second_and_only_by_what_wraps() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    let (from, until) = (now() + SECOND * 10, now() + SECOND * 20);
    attributes(&mut bench, Attributes { enabled: true, not_before: Some(from), expires: Some(until) });
    let (_, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    for (seconds, expected) in [(9, "KeyNotYetValid"), (10, "ok"), (19, "ok"), (20, "KeyExpired")] {
        bench.at(now() + SECOND * seconds);
        let wrapped = bench.vault(Method::POST, &format!("{}/encrypt", path(&kid)), &crypt_body(MASTER_KEY));
        assert_eq!(wrapped.code(), expected, "{seconds}");
        assert_eq!(value(&bench.crypt("decrypt", &kid, &blob)), MASTER_KEY, "{seconds}");
    }
}
