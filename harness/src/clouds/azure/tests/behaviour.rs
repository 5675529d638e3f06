//! Answers byte for byte, what the trace is told, and that a seed decides everything.

use http::Method;
use serde_json::json;

use super::{Bench, MASTER_KEY, crypt_body, now, path, value};
use crate::clouds::Action;
use crate::clouds::azure::Fault;
use crate::trace::What;

#[test]
fn decrypt_answers_as_in_a_recording() {
    let mut bench = Bench::new();
    let (kid, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    let request = bench.vault_request(Method::POST, &format!("{}/decrypt", path(&kid)), &crypt_body(&blob));
    insta::assert_debug_snapshot!(bench.respond(&request));
}

#[test]
fn a_request_without_a_token_is_told_where_to_get_one() {
    let mut bench = Bench::new();
    bench.token = None;
    let mut request = bench.vault_request(Method::POST, &format!("{}/decrypt", path(&bench.kid)), "");
    request.headers_mut().insert("x-ms-client-request-id", "f5c638a6-7df5-41bd-bcdd-42129164780b".parse().unwrap());
    insta::assert_debug_snapshot!(bench.respond(&request));
}

#[test]
fn the_token_service_answers_and_refuses_as_documented() {
    let mut bench = Bench::new();
    let form = bench.form();
    let tenant = bench.application.tenant_id.clone();
    let mut given = bench.respond(&bench.token_request(&tenant, &form));
    let body = String::from_utf8(given.body().to_vec()).unwrap();
    let (head, token) = body.split_once("\"access_token\":\"").unwrap();
    assert!(token.len() > 1000, "as long as a real one: {}", token.len());
    *given.body_mut() = head.to_owned().into();
    insta::assert_debug_snapshot!("token", given);
    bench.azure.expire(&bench.application.secret_id.clone(), now()).unwrap();
    let refused = bench.respond(&bench.token_request(&tenant, &form));
    insta::assert_debug_snapshot!("token_refused", refused);
}

#[test]
fn get_key_tells_version_operations_and_attributes() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    let answer = bench.get(path(&kid));
    let mut told = answer.json();
    let modulus = told["key"]["n"].take();
    assert_eq!(modulus.as_str().unwrap().len(), 342, "256 bytes");
    let created = 1_795_317_721 - 86_400;
    assert_eq!(
        told,
        json!({
            "key": {
                "kid": kid, "kty": "RSA", "e": "AQAB", "n": null,
                "key_ops": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
            },
            "attributes": {
                "enabled": true, "created": created, "updated": created, "exportable": false,
                "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
            },
            "tags": {},
        })
    );
}

#[test]
fn a_grant_stands_before_its_call_and_names_the_version() {
    let mut bench = Bench::new();
    let (kid, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    for (verb, name) in [("decrypt", "Decrypt"), ("unwrapkey", "UnwrapKey")] {
        let request = bench.vault_request(Method::POST, &format!("{}/{verb}", path(&kid)), &crypt_body(&blob));
        let appid = &bench.application.client_id;
        let call = What::Call {
            service: "key-vault".into(),
            operation: name.into(),
            cmk: Some(kid.clone()),
            principal: Some(format!("atlas (appid={appid})")),
            status: 200,
            code: None,
        };
        let material = bench.trace.fingerprint(MASTER_KEY);
        let grant = What::Grant { provider: "azure".into(), cmk: kid.clone(), material };
        assert_eq!(bench.handle(&request).events, [grant, call]);
    }
}

#[test]
fn what_opens_nothing_grants_nothing_and_a_cut_answer_grants() {
    let mut bench = Bench::new();
    let (kid, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    let decrypt = bench.vault_request(Method::POST, &format!("{}/decrypt", path(&kid)), &crypt_body(&blob));
    bench.azure.inject_into("Decrypt", Fault::Cut { after_bytes: 20 }, None, Some(1));
    let cut = bench.handle(&decrypt);
    assert!(matches!(&cut.action, Action::Cut { after_bytes: 20, .. }), "{:?}", cut.action);
    let [What::Grant { .. }, What::Call { status: 0, code: Some(code), .. }] = &cut.events[..] else {
        panic!("{:?}", cut.events);
    };
    assert_eq!(code, "answer cut short");
    for verb in ["encrypt", "wrapkey"] {
        let request = bench.vault_request(Method::POST, &format!("{}/{verb}", path(&kid)), &crypt_body(b"text"));
        assert_eq!(bench.handle(&request).events.len(), 1, "{verb}");
    }
    let token = bench.token_request(&bench.application.tenant_id, &bench.form());
    let [What::Call { service, operation, status: 200, code: None, cmk: None, .. }] = &bench.handle(&token).events[..]
    else {
        panic!("a token alone opens nothing");
    };
    assert_eq!((service.as_str(), operation.as_str()), ("entra", "Token"));
}

#[test]
fn secrets_and_tokens_are_told_to_the_trace() {
    let mut bench = Bench::new();
    let given = bench.ask_well().json();
    let token = given["access_token"].as_str().unwrap();
    for (secret, name) in [
        (bench.application.client_secret.as_str(), "client secret of atlas"),
        (bench.token.as_deref().unwrap(), "access token of atlas"),
        (token, "access token of atlas"),
    ] {
        let found = bench.trace.secrets_in(format!("here it is: {secret}").as_bytes());
        assert!(found.iter().any(|found| found == name), "{found:?}");
    }
    assert!(!format!("{:?}", bench.application).contains(&bench.application.client_secret));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let run = |seed: [u8; 32]| {
        let mut bench = Bench::seeded(seed);
        let (kid, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
        let token = bench.ask_well();
        let sealed = bench.crypt("encrypt", &kid, MASTER_KEY);
        let opened = bench.crypt("decrypt", &kid, &blob);
        (kid, blob, token, sealed, opened, bench.application.client_secret.clone())
    };
    assert_eq!(run([1; 32]), run([1; 32]));
    let (first, other) = (run([1; 32]), run([2; 32]));
    assert_ne!(first.0, other.0);
    assert_ne!(first.1, other.1);
    assert_ne!((first.2, first.5), (other.2, other.5));
}

#[test]
fn what_others_do_leaves_the_bytes_of_a_key_alone() {
    let (mut alone, mut busy) = (Bench::new(), Bench::new());
    busy.azure.add_key("another");
    busy.azure.add_application("somebody else");
    busy.azure.add_vault("elsewhere");
    let kid = alone.kid.clone();
    assert_eq!(busy.kid, kid);
    assert_eq!(alone.get(path(&kid)).json()["key"]["n"], busy.get(path(&kid)).json()["key"]["n"]);
    let blob = value(&alone.crypt("wrapkey", &kid, MASTER_KEY));
    assert_eq!(value(&busy.crypt("unwrapkey", &kid, &blob)), MASTER_KEY);
}

#[test]
fn two_wraps_of_the_same_text_differ_and_are_as_long_as_the_modulus() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    let blobs = [0, 1].map(|_| value(&bench.crypt("encrypt", &kid, MASTER_KEY)));
    assert_ne!(blobs[0], blobs[1]);
    assert!(blobs.iter().all(|blob| blob.len() == 256));
}
