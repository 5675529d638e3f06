//! What Cloud KMS does when it is not refusing: opening, checksums, rotation, grants, and the same bytes for the same
//! seed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use serde_json::json;

use super::{Bench, DAY, EMAIL, KEY, KMS_HOST, MASTER_KEY, now, reply};
use crate::clouds::gcp::{Unchanged, VersionState};
use crate::clouds::{Action, Cloud};
use crate::scenario::KeyChange;
use crate::trace::What;

/// The check value of CRC-32C (RFC 3720, appendix B.4, has others): of the digits 1 to 9.
const DIGITS: (&[u8], u32) = (b"123456789", 0xe306_9283);

#[test]
fn what_encrypt_wraps_decrypt_opens_and_both_name_what_they_used() {
    let mut bench = Bench::new();
    let plaintext = STANDARD.encode(MASTER_KEY);
    let aad = STANDARD.encode("project one");
    let body = json!({"plaintext": plaintext, "additionalAuthenticatedData": aad});
    let wrapped = bench.post(&format!("{KEY}:encrypt"), &body);
    let blob = wrapped.member("ciphertext");
    assert!(blob.starts_with("CiQA"), "{blob}");
    assert_eq!(wrapped.member("name"), format!("{KEY}/cryptoKeyVersions/1"));
    assert_eq!(wrapped.member("protectionLevel"), "SOFTWARE");
    let body = json!({"ciphertext": blob, "additionalAuthenticatedData": aad});
    let opened = bench.post(&format!("{KEY}:decrypt"), &body);
    assert_eq!(opened.member("plaintext"), plaintext);
    assert_eq!(opened.json()["usedPrimary"], true);
    assert_eq!(opened.member("protectionLevel"), "SOFTWARE");
}

#[test]
fn answers_are_written_as_google_writes_them() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    let request = bench.request(&format!("/v1/{KEY}:decrypt"), Some(&json!({"ciphertext": blob})));
    let Action::Respond(response) = bench.handle(&request).action else { panic!("no answer") };
    insta::assert_debug_snapshot!("decrypt_answer", response);
    insta::assert_snapshot!("decrypt_body", String::from_utf8_lossy(response.body()));
    let encrypted = json!({"plaintext": "AAAA", "plaintextCrc32c": crc32c::crc32c(&[0, 0, 0]).to_string()});
    insta::assert_snapshot!("encrypt_body", bench.post(&format!("{KEY}:encrypt"), &encrypted).body);
    bench.gcp.enable_automatic_rotation("master", 90, now()).unwrap();
    bench.gcp.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    insta::assert_snapshot!("get_crypto_key", bench.get(KEY).body);
    insta::assert_snapshot!("decrypt_refused", bench.decrypt(&blob).body);
}

#[test]
fn checksums_are_those_of_castagnoli_as_decimal_strings() {
    let mut bench = Bench::new();
    let body = json!({
        "plaintext": STANDARD.encode(DIGITS.0),
        "plaintextCrc32c": DIGITS.1.to_string(),
        "additionalAuthenticatedDataCrc32c": "0",
    });
    let wrapped = bench.post(&format!("{KEY}:encrypt"), &body);
    assert_eq!(wrapped.json()["verifiedPlaintextCrc32c"], true);
    assert_eq!(wrapped.json()["verifiedAdditionalAuthenticatedDataCrc32c"], true);
    let body =
        json!({"ciphertext": wrapped.member("ciphertext"), "ciphertextCrc32c": wrapped.member("ciphertextCrc32c")});
    let opened = bench.post(&format!("{KEY}:decrypt"), &body);
    assert_eq!(opened.member("plaintextCrc32c"), "3808858755");
}

#[test]
fn without_checksums_nothing_is_said_to_be_verified() {
    let wrapped = Bench::new().encrypt(MASTER_KEY).json();
    assert!(wrapped.get("verifiedPlaintextCrc32c").is_none(), "{wrapped}");
    assert!(wrapped["ciphertextCrc32c"].is_string(), "{wrapped}");
}

#[test]
fn a_checksum_that_does_not_match_is_refused_by_the_name_of_its_field() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    let aad = "additionalAuthenticatedDataCrc32c";
    for (verb, data, sum, field) in [
        ("decrypt", "ciphertext", "ciphertextCrc32c", "ciphertext"),
        ("encrypt", "plaintext", "plaintextCrc32c", "plaintext"),
        ("decrypt", "ciphertext", aad, "additional_authenticated_data"),
        ("encrypt", "plaintext", aad, "additional_authenticated_data"),
    ] {
        let reply = bench.post(&format!("{KEY}:{verb}"), &json!({data: blob, sum: "1"}));
        let text = format!("The checksum in field {field}_crc32c did not match the data in field {field}.");
        assert_eq!((reply.status, reply.message()), (400, text));
    }
}

#[test]
fn additional_data_have_to_be_exactly_the_same() {
    let mut bench = Bench::new();
    let blob = STANDARD.encode(bench.gcp.encrypt_directly("master", MASTER_KEY, b"one").unwrap());
    for other in ["", "One", "one "] {
        let body = json!({"ciphertext": blob, "additionalAuthenticatedData": STANDARD.encode(other)});
        let reply = bench.post(&format!("{KEY}:decrypt"), &body);
        assert_eq!(reply.message(), "Decryption failed: the ciphertext is invalid.", "{other}");
    }
    let body = json!({"ciphertext": blob, "additionalAuthenticatedData": STANDARD.encode("one")});
    assert_eq!(bench.post(&format!("{KEY}:decrypt"), &body).status, 200);
}

#[test]
fn base64_is_read_in_both_alphabets_and_without_padding() {
    let mut bench = Bench::new();
    let plaintext = [0xff, 0xef, 0xbe, 0x01];
    for text in [STANDARD.encode(plaintext), URL_SAFE.encode(plaintext), "_---AQ".to_owned()] {
        let text = text.trim_end_matches('=');
        let wrapped = bench.post(&format!("{KEY}:encrypt"), &json!({"plaintext": text}));
        assert!(wrapped.status == 200, "{text}: {}", wrapped.body);
    }
}

#[test]
fn one_flipped_bit_anywhere_in_a_ciphertext_makes_it_invalid() {
    let mut bench = Bench::new();
    let blob = STANDARD.decode(bench.wrapped()).unwrap();
    for index in 0..blob.len() {
        let mut damaged = blob.clone();
        damaged[index] ^= 1;
        let reply = bench.decrypt(&STANDARD.encode(damaged));
        assert_eq!(reply.message(), "Decryption failed: the ciphertext is invalid.", "byte {index}");
    }
    for length in 0..blob.len() {
        assert_eq!(bench.decrypt(&STANDARD.encode(&blob[..length])).status, 400, "{length}");
    }
}

#[test]
fn another_keys_ciphertext_is_told_from_a_damaged_one() {
    let mut bench = Bench::new();
    bench.gcp.add_key("other");
    bench.gcp.add_key_in("us-east1", "master");
    let other = STANDARD.encode(bench.gcp.encrypt_directly("other", MASTER_KEY, b"").unwrap());
    let elsewhere = STANDARD.encode(bench.gcp.encrypt_directly_in("us-east1", "master", MASTER_KEY, b"").unwrap());
    for blob in [other, elsewhere] {
        let message = bench.decrypt(&blob).message();
        assert_eq!(message, "Decryption failed: verify that 'name' refers to the correct CryptoKey.");
    }
}

#[test]
fn a_key_of_another_location_is_called_by_its_own_name() {
    let mut bench = Bench::new();
    let name = bench.gcp.add_key_in("us-east1", "master");
    assert_eq!(name, KEY.replace("europe-west3", "us-east1"));
    assert_eq!(bench.gcp.key_name("us-east1", "master"), Some(name.clone()));
    let blob = STANDARD.encode(bench.gcp.encrypt_directly_in("us-east1", "master", MASTER_KEY, b"").unwrap());
    assert_eq!(bench.post(&format!("{name}:decrypt"), &json!({"ciphertext": blob})).status, 200);
}

#[test]
fn a_rotation_makes_a_new_primary_and_old_ciphertexts_stay_readable() {
    let mut bench = Bench::new();
    let old = bench.wrapped();
    bench.gcp.change_key("master", KeyChange::Rotate, now()).unwrap();
    assert_eq!(bench.gcp.primary_version("master"), Some(format!("{KEY}/cryptoKeyVersions/2")));
    let new = bench.encrypt(MASTER_KEY);
    assert_eq!(new.member("name"), format!("{KEY}/cryptoKeyVersions/2"));
    let (old, new) = (bench.decrypt(&old), bench.decrypt(&new.member("ciphertext")));
    assert_eq!(old.member("plaintext"), new.member("plaintext"));
    assert!(old.json().get("usedPrimary").is_none(), "false is left out: {}", old.body);
    assert_eq!(new.json()["usedPrimary"], true);
}

#[test]
fn a_version_can_be_named_to_encrypt_and_not_to_decrypt() {
    let mut bench = Bench::new();
    bench.gcp.change_key("master", KeyChange::Rotate, now()).unwrap();
    let first = format!("{KEY}/cryptoKeyVersions/1");
    let wrapped = bench.post(&format!("{first}:encrypt"), &json!({"plaintext": "AAAA"}));
    assert_eq!(wrapped.member("name"), first);
    let blob = wrapped.member("ciphertext");
    let refused = bench.post(&format!("{first}:decrypt"), &json!({"ciphertext": blob}));
    assert_eq!(refused.status, 404);
    assert!(refused.body.starts_with("<!DOCTYPE html>"), "Google's front end answers, in HTML: {}", refused.body);
    assert_eq!(bench.decrypt(&blob).member("plaintext"), "AAAA");
}

#[test]
fn a_key_rotates_by_itself_as_time_passes() {
    let mut bench = Bench::new();
    let old = bench.wrapped();
    bench.gcp.enable_automatic_rotation("master", 90, now()).unwrap();
    assert_eq!(bench.get(KEY).member("nextRotationTime"), "2027-02-20T03:22:01Z");
    bench.arrival.at = now() + 90 * DAY - Duration::from_secs(1);
    assert_eq!(bench.get(KEY).json()["primary"]["name"], format!("{KEY}/cryptoKeyVersions/1"));
    bench.arrival.at = now() + 180 * DAY;
    let described = bench.get(KEY);
    assert_eq!(described.json()["primary"]["name"], format!("{KEY}/cryptoKeyVersions/3"));
    assert_eq!(described.json()["primary"]["createTime"], "2027-05-21T03:22:01Z", "when it was due");
    assert_eq!(described.member("rotationPeriod"), "7776000s");
    assert_eq!(bench.gcp.versions("master", now() + 270 * DAY), Ok(4));
    assert_eq!(bench.decrypt(&old).status, 200);
    let none = bench.gcp.enable_automatic_rotation("master", 0, now()).unwrap_err();
    assert_eq!(none.to_string(), "Google does not rotate the key `master`: rotationPeriod must be at least 24 hours");
}

#[test]
fn an_opened_key_is_a_grant_before_its_call_and_nothing_else_is() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    let request = bench.request(&format!("/v1/{KEY}:decrypt"), Some(&json!({"ciphertext": blob})));
    let events = bench.handle(&request).events;
    let material = bench.trace.fingerprint(MASTER_KEY);
    let call = What::Call {
        service: "cloud-kms".into(),
        operation: "Decrypt".into(),
        cmk: Some(KEY.into()),
        principal: Some(EMAIL.into()),
        status: 200,
        code: None,
    };
    assert_eq!(events, [What::Grant { provider: "gcp".into(), cmk: KEY.into(), material }, call]);

    bench.gcp.set_version_state("master", 1, VersionState::Disabled).unwrap();
    let events = bench.handle(&request).events;
    let [What::Call { status: 400, code: Some(code), cmk: Some(_), .. }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(code, "FAILED_PRECONDITION");
}

#[test]
fn changes_that_google_refuses_leave_the_key_as_it_is() {
    let mut bench = Bench::new();
    let refused = bench.gcp.change_key("master", KeyChange::CancelDeletion, now()).unwrap_err();
    let text = "the primary version of the key `master` is ENABLED, and Google does not restore such a key";
    assert_eq!(refused.to_string(), text);
    bench.gcp.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    for change in [KeyChange::Enable, KeyChange::Disable, KeyChange::ScheduleDeletion] {
        let refused = bench.gcp.change_key("master", change, now());
        assert!(matches!(refused, Err(Unchanged::WrongState { .. })), "{change:?}: {refused:?}");
    }
    let software = bench.gcp.change_key("master", KeyChange::Disconnect, now()).unwrap_err();
    assert!(software.to_string().contains("its protection level is SOFTWARE"), "{software}");
    let missing = bench.gcp.change_key("mister", KeyChange::Enable, now()).unwrap_err();
    let text = "the fake Google Cloud has no key named `mister` in europe-west3: add it to the world's keys";
    assert_eq!(missing.to_string(), text);
    let missing = bench.gcp.set_version_state("master", 9, VersionState::Enabled).unwrap_err();
    assert_eq!(missing.to_string(), "the key `master` has no version 9");
}

#[test]
fn the_names_of_private_service_connect_lead_to_both_services() {
    let mut bench = Bench::new();
    for (host, status) in [
        ("cloudkms-lab.p.googleapis.com", 200),
        ("CLOUDKMS.googleapis.com:443", 200),
        ("127.0.0.1:8443", 200),
        ("cloudkms.googleapis.com.example.com", 421),
        ("cloudkms-.p.googleapis.com", 421),
        ("storage.googleapis.com", 421),
    ] {
        let mut request = bench.request(&format!("/v1/{KEY}"), None);
        request.headers_mut().insert("host", host.parse().unwrap());
        assert_eq!(bench.send(&request).status, status, "{host}");
    }
    let mut request = super::form_request("grant_type=other");
    request.headers_mut().insert("host", "oauth2-lab.p.googleapis.com".parse().unwrap());
    assert!(bench.send(&request).body.contains("unsupported_grant_type"));
}

/// One story, as bytes.
fn story(seed: [u8; 32]) -> String {
    let mut bench = Bench::seeded(seed);
    let mut told = format!("{} {}\n", bench.account.json, bench.token.clone().unwrap());
    let claims = bench.claims();
    told += &bench.ask(&claims).body;
    let wrapped = bench.encrypt(MASTER_KEY);
    told += &wrapped.body;
    bench.gcp.change_key("master", KeyChange::Rotate, now()).unwrap();
    let request =
        bench.request(&format!("/v1/{KEY}:decrypt"), Some(&json!({"ciphertext": wrapped.member("ciphertext")})));
    told += &format!("{:?}\n", bench.handle(&request));
    bench.gcp.set_private_only("master", true);
    bench.arrival.private = false;
    told + &bench.get(KEY).body
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(story([1; 32]), story([1; 32]));
    assert_ne!(story([1; 32]), story([2; 32]));
}

#[test]
fn a_key_more_leaves_the_bytes_of_the_others_as_they_were() {
    let (mut alone, mut together) = (Bench::new(), Bench::new());
    together.gcp.add_key("another");
    together.gcp.add_account_key("somebody");
    assert_eq!(alone.wrapped(), together.wrapped());
    assert_eq!(alone.gcp.add_account_key("atlas").key_id, together.gcp.add_account_key("atlas").key_id);
}

proptest! {
    #[test]
    fn whatever_arrives_is_answered(
        path in "/[ -~]{0,80}",
        body in prop::collection::vec(any::<u8>(), 0..200),
        host in prop_oneof![Just(KMS_HOST), Just(super::OAUTH_HOST)],
        verb in prop_oneof![Just("decrypt"), Just("encrypt")],
        known in any::<bool>(),
    ) {
        let mut bench = Bench::new();
        let path = if known { format!("/v1/{KEY}:{verb}") } else { path };
        let Ok(request) = http::Request::post(path)
            .header("host", host)
            .header("authorization", format!("Bearer {}", bench.token.clone().unwrap_or_default()))
            .body(bytes::Bytes::from(body))
        else {
            return Ok(());
        };
        let handled = bench.gcp.handle(&bench.arrival, &request);
        let told = matches!(handled.events.last(), Some(What::Call { .. }));
        prop_assert!(told);
        prop_assert!(reply(handled.action).status >= 200);
    }
}
