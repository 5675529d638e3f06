//! What goes wrong on purpose, through the front door.

use std::time::Duration;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use super::{Bench, KEY, MASTER_KEY, Reply};
use crate::clouds::Action;
use crate::clouds::gcp::{Error, Fault, Service};
use crate::trace::What;

/// A call that would go well.
fn call(bench: &mut Bench, operation: &str) -> Reply {
    let blob = bench.wrapped();
    match operation {
        "Decrypt" => bench.decrypt(&blob),
        "Encrypt" => bench.encrypt(MASTER_KEY),
        "Token" => {
            let claims = bench.claims();
            bench.ask(&claims)
        }
        "GetCryptoKey" => bench.get(KEY),
        _ => bench.get(&format!("{KEY}/cryptoKeyVersions/1")),
    }
}

const KMS: [&str; 4] = ["Decrypt", "Encrypt", "GetCryptoKey", "GetCryptoKeyVersion"];

#[test]
fn every_row_can_be_given_to_every_operation_of_its_service() {
    for error in Error::ALL.iter().copied() {
        let fact = error.fact();
        let kms = KMS.map(|operation| (operation, fact.kms));
        for (operation, answer) in kms.into_iter().chain([("Token", fact.oauth)]) {
            let mut bench = Bench::new();
            bench.gcp.inject(Fault::Answer(error), None, Some(1));
            let reply = call(&mut bench, operation);
            assert_eq!(reply.status, answer.map_or(200, |answer| answer.status), "{operation} {error:?}");
            let open = ["{version}", "{field}", "{consumer}", "{resource}", "{permission}", "{what}", "{metric}"];
            assert!(!open.iter().any(|name| reply.body.contains(name)), "{operation} {error:?}: {}", reply.body);
            if answer.is_some() {
                assert_eq!(call(&mut bench, operation).status, 200, "{operation} {error:?}: once is once");
            }
        }
    }
}

#[test]
fn a_planned_answer_speaks_of_the_version_and_the_permission_of_the_call() {
    let mut bench = Bench::new();
    let old = bench.wrapped();
    bench.gcp.change_key("master", crate::scenario::KeyChange::Rotate, super::now()).unwrap();
    bench.gcp.inject(Fault::Answer(Error::VersionDestroyed), None, Some(2));
    let destroyed = |number| format!("{KEY}/cryptoKeyVersions/{number} is not enabled, current state is: DESTROYED.");
    assert_eq!(bench.decrypt(&old).message(), destroyed(1), "the version that made the ciphertext");
    assert_eq!(bench.encrypt(MASTER_KEY).message(), destroyed(2), "the primary version");
    bench.gcp.inject(Fault::Answer(Error::PermissionDenied), None, Some(1));
    let text = format!("Permission 'cloudkms.cryptoKeys.get' denied on resource '{KEY}' (or it may not exist).");
    assert_eq!(bench.get(KEY).message(), text);
}

#[test]
fn a_planned_answer_comes_after_the_token_and_opens_nothing() {
    let mut bench = Bench::new();
    bench.gcp.inject(Fault::Answer(Error::CiphertextInvalid), None, None);
    let blob = bench.wrapped();
    let request = bench.request(&format!("/v1/{KEY}:decrypt"), Some(&json!({"ciphertext": blob})));
    let handled = bench.handle(&request);
    let [What::Call { status: 400, code: Some(code), cmk: Some(cmk), .. }] = &handled.events[..] else {
        panic!("{:?}", handled.events);
    };
    assert_eq!((code.as_str(), cmk.as_str()), ("INVALID_ARGUMENT", KEY));
    bench.token = None;
    assert_eq!(bench.decrypt(&blob).status, 401);
}

#[test]
fn throttling_says_when_to_come_again_only_where_it_is_told_to() {
    for (fault, expected) in [(Fault::Throttle, None), (Fault::RetryAfter(Duration::from_secs(7)), Some("7"))] {
        let mut bench = Bench::new();
        bench.gcp.inject(fault, None, None);
        let request = bench.request(&format!("/v1/{KEY}"), None);
        let Action::Respond(response) = bench.handle(&request).action else { panic!("no answer") };
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap()), expected);
        assert_eq!(call(&mut bench, "Token").status, 429);
    }
}

#[test]
fn who_is_not_known_is_told_how_to_make_himself_known() {
    let mut bench = Bench::new();
    for (token, expected) in [(None, false), (Some("nonsense".to_owned()), true)] {
        bench.token = token;
        let request = bench.request(&format!("/v1/{KEY}"), None);
        let Action::Respond(response) = bench.handle(&request).action else { panic!("no answer") };
        let header = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(header.starts_with("Bearer realm="), "{header}");
        assert_eq!(header.contains("invalid_token"), expected, "{header}");
    }
}

#[test]
fn a_wrong_checksum_stands_beside_right_data() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    let well = bench.decrypt(&blob);
    bench.gcp.inject(Fault::WrongChecksum, None, Some(2));
    let spoilt = bench.decrypt(&blob);
    assert_eq!(spoilt.member("plaintext"), well.member("plaintext"));
    assert_ne!(spoilt.member("plaintextCrc32c"), well.member("plaintextCrc32c"));
    let wrapped = bench.encrypt(MASTER_KEY);
    let body =
        json!({"ciphertext": wrapped.member("ciphertext"), "ciphertextCrc32c": wrapped.member("ciphertextCrc32c")});
    assert_eq!(bench.post(&format!("{KEY}:decrypt"), &body).status, 400, "the service itself would not take it");
    assert_eq!(bench.decrypt(&blob), well);
}

#[test]
fn a_request_whose_checksums_were_lost_is_answered_as_unverified() {
    let mut bench = Bench::new();
    let body = json!({"plaintext": "", "plaintextCrc32c": "0"});
    bench.gcp.inject(Fault::Unverified, None, Some(1));
    let verified =
        [0, 1].map(|_| bench.post(&format!("{KEY}:encrypt"), &body).json().get("verifiedPlaintextCrc32c").cloned());
    assert_eq!(verified, [None, Some(json!(true))]);
}

#[test]
fn every_fault_of_the_list_of_names_can_be_planned_and_strikes() {
    for name in Fault::names() {
        let mut bench = Bench::new();
        bench.gcp.inject(Fault::from_name(name).unwrap(), None, Some(1));
        let body = json!({"plaintext": "AAAA", "plaintextCrc32c": crc32c::crc32c(&[0; 3])});
        let request = bench.request(&format!("/v1/{KEY}:encrypt"), Some(&body));
        let shape = |action: &Action| match action {
            Action::Respond(response) => {
                let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap_or_default();
                let right = body["ciphertext"].as_str().map(|blob| {
                    use base64::Engine as _;
                    let blob = base64::engine::general_purpose::STANDARD.decode(blob).unwrap();
                    body["ciphertextCrc32c"] == json!(crc32c::crc32c(&blob).to_string())
                });
                format!("{} {right:?} {}", response.status(), body["verifiedPlaintextCrc32c"])
            }
            Action::Delay(..) => "later".to_owned(),
            Action::Hang => "never".to_owned(),
            Action::Reset => "gone".to_owned(),
            Action::Cut { after_bytes, .. } => format!("cut after {after_bytes}"),
        };
        let struck = shape(&bench.handle(&request).action);
        let well = shape(&bench.handle(&request).action);
        assert_eq!(well, "200 OK Some(true) true", "{name}");
        assert_ne!(struck, well, "{name}");
    }
}

#[test]
fn an_answer_that_is_cut_has_opened_the_key_and_counts_as_none() {
    let mut bench = Bench::new();
    bench.gcp.inject(Fault::Cut { after_bytes: 100_000 }, None, Some(1));
    let blob = bench.wrapped();
    let request = bench.request(&format!("/v1/{KEY}:decrypt"), Some(&json!({"ciphertext": blob})));
    let handled = bench.handle(&request);
    let Action::Cut { response, after_bytes } = handled.action else { panic!("{:?}", handled.action) };
    assert_eq!(after_bytes, response.body().len() - 1, "never the whole");
    let [What::Grant { .. }, What::Call { status: 0, code: Some(code), .. }] = &handled.events[..] else {
        panic!("{:?}", handled.events);
    };
    assert_eq!(code, "answer cut short");
}

#[test]
fn a_fault_can_be_limited_to_one_operation_and_to_one_endpoint() {
    let mut bench = Bench::new();
    bench.gcp.inject_into("Encrypt", Fault::Internal, None, None);
    bench.gcp.inject(Fault::Unavailable, Some("psc-b"), None);
    assert_eq!(call(&mut bench, "Decrypt").status, 200);
    assert_eq!(call(&mut bench, "Encrypt").status, 500);
    bench.arrival.via = "psc-b".to_owned();
    assert_eq!(call(&mut bench, "Decrypt").status, 503);
    bench.gcp.clear_faults(Some("psc-b"));
    assert_eq!(call(&mut bench, "Decrypt").status, 200);
    bench.gcp.inject_into("Token", Fault::Reset, None, None);
    assert_eq!(call(&mut bench, "GetCryptoKey").status, 200);
    let form = super::form_request("grant_type=any");
    assert!(matches!(bench.handle(&form).action, Action::Reset));
}

#[test]
fn a_row_that_only_one_service_knows_leaves_the_other_alone() {
    for error in Error::ALL.iter().copied() {
        let mut bench = Bench::new();
        bench.gcp.inject(Fault::Answer(error), None, None);
        let refused = ["GetCryptoKey", "Token"].map(|operation| call(&mut bench, operation).status >= 400);
        assert_eq!(refused, [error.is_known_to(Service::Kms), error.is_known_to(Service::Oauth)], "{error:?}");
    }
}
