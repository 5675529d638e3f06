//! What every operation answers in every state of a version, and how a key gets from one state to the other.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Bench, DAY, KEY, MASTER_KEY, Reply, now};
use crate::clouds::gcp::{Unchanged, VersionState};
use crate::scenario::KeyChange;

const STATES: [fn() -> VersionState; 7] = [
    || VersionState::PendingGeneration,
    || VersionState::Enabled,
    || VersionState::Disabled,
    || VersionState::DestroyScheduled(now() + DAY),
    || VersionState::Destroyed(now()),
    || VersionState::PendingImport,
    || VersionState::ImportFailed,
];

fn shown(reply: &Reply) -> String {
    if reply.status == 200 {
        return "ok".to_owned();
    }
    let error = &reply.json()["error"];
    let violation = &error["details"][0]["violations"][0];
    format!("{} {} {}", reply.status, error["status"].as_str().unwrap(), violation["type"].as_str().unwrap_or("-"))
}

#[test]
fn what_every_operation_answers_in_every_state() {
    let mut table = String::new();
    for state in STATES {
        let mut bench = Bench::new();
        let blob = bench.wrapped();
        bench.gcp.set_version_state("master", 1, state()).unwrap();
        let version = format!("{KEY}/cryptoKeyVersions/1");
        let described = bench.get(&version);
        assert_eq!(described.member("state"), state().as_str());
        let replies = [
            ("Decrypt", bench.decrypt(&blob)),
            ("Encrypt", bench.encrypt(MASTER_KEY)),
            ("Encrypt with version", bench.post(&format!("{version}:encrypt"), &json!({"plaintext": "AAAA"}))),
            ("GetCryptoKey", bench.get(KEY)),
        ];
        writeln!(table, "{}", state().as_str()).unwrap();
        for (operation, reply) in replies {
            writeln!(table, "  {operation:<24}{}", shown(&reply)).unwrap();
        }
        for time in ["generateTime", "destroyTime", "destroyEventTime"] {
            if let Some(value) = described.json().get(time) {
                writeln!(table, "  {time:<24}{value}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn disable_and_enable_concern_all_versions() {
    let mut bench = Bench::new();
    let old = bench.wrapped();
    bench.gcp.change_key("master", KeyChange::Rotate, now()).unwrap();
    let new = bench.wrapped();
    bench.gcp.change_key("master", KeyChange::Disable, now()).unwrap();
    for (blob, version) in [(&old, 1), (&new, 2)] {
        let text = format!("{KEY}/cryptoKeyVersions/{version} is not enabled, current state is: DISABLED.");
        assert_eq!(bench.decrypt(blob).message(), text);
    }
    bench.gcp.change_key("master", KeyChange::Enable, now()).unwrap();
    assert_eq!([&old, &new].map(|blob| bench.decrypt(blob).status), [200, 200]);
}

#[test]
fn a_version_by_itself_can_be_disabled_and_takes_only_its_own_ciphertexts_along() {
    let mut bench = Bench::new();
    let old = bench.wrapped();
    bench.gcp.change_key("master", KeyChange::Rotate, now()).unwrap();
    let new = bench.wrapped();
    bench.gcp.set_version_state("master", 1, VersionState::Disabled).unwrap();
    assert_eq!([&old, &new].map(|blob| bench.decrypt(blob).status), [400, 200]);
    assert_eq!(bench.encrypt(MASTER_KEY).status, 200);
}

#[test]
fn a_disabled_key_that_rotates_encrypts_again_and_does_not_open_what_it_wrapped() {
    let mut bench = Bench::new();
    let old = bench.wrapped();
    bench.gcp.change_key("master", KeyChange::Disable, now()).unwrap();
    assert_eq!(bench.encrypt(MASTER_KEY).status, 400);
    bench.gcp.change_key("master", KeyChange::Rotate, now()).unwrap();
    assert_eq!(bench.encrypt(MASTER_KEY).status, 200);
    assert!(bench.decrypt(&old).message().ends_with("DISABLED."));
}

#[test]
fn a_destruction_can_be_called_off_until_its_day_and_leaves_the_version_disabled() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    bench.gcp.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    assert!(bench.decrypt(&blob).message().ends_with("current state is: DESTROY_SCHEDULED."));
    assert_eq!(bench.get(KEY).json()["primary"]["destroyTime"], "2026-12-22T03:22:01Z");
    bench.gcp.change_key("master", KeyChange::CancelDeletion, now() + 30 * DAY - DAY).unwrap();
    assert!(bench.decrypt(&blob).message().ends_with("current state is: DISABLED."));
    bench.gcp.change_key("master", KeyChange::Enable, now()).unwrap();
    assert_eq!(bench.decrypt(&blob).status, 200);

    bench.gcp.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    let late = bench.gcp.change_key("master", KeyChange::CancelDeletion, now() + 30 * DAY);
    assert!(matches!(late, Err(Unchanged::WrongState { state: "DESTROYED", .. })), "{late:?}");
}

#[test]
fn a_version_is_destroyed_when_its_day_comes_without_anybody_doing_anything() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    bench.gcp.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    bench.arrival.at = now() + 30 * DAY;
    assert!(bench.decrypt(&blob).message().ends_with("current state is: DESTROYED."));
    let version = bench.get(&format!("{KEY}/cryptoKeyVersions/1"));
    assert_eq!(version.member("destroyEventTime"), "2026-12-22T03:22:01Z");
}

#[test]
fn an_external_key_works_while_its_key_manager_can_be_reached() {
    let mut bench = Bench::new();
    let name = bench.gcp.add_external_key("outside");
    let blob = STANDARD.encode(bench.gcp.encrypt_directly("outside", MASTER_KEY, b"").unwrap());
    let body = json!({"ciphertext": blob});
    assert_eq!(bench.post(&format!("{name}:decrypt"), &body).member("protectionLevel"), "EXTERNAL");
    bench.gcp.change_key("outside", KeyChange::Disconnect, now()).unwrap();
    let refused = bench.post(&format!("{name}:decrypt"), &body);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["details"][0]["violations"].as_array().unwrap().len(), 2);
    assert_eq!(bench.get(&name).status, 200, "what Google knows it still tells");
    bench.gcp.change_key("outside", KeyChange::Connect, now()).unwrap();
    assert_eq!(bench.post(&format!("{name}:decrypt"), &body).status, 200);
}
