//! Who may do what from where: IAM, VPC Service Controls, the API of the project, and scopes.

use serde_json::json;

use super::{Bench, KEY, MASTER_KEY, now};
use crate::scenario::KeyChange;

const DECRYPT: &str = "cloudkms.cryptoKeyVersions.useToDecrypt";

/// The status of Decrypt, Encrypt, GetCryptoKey and GetCryptoKeyVersion.
fn statuses(bench: &mut Bench) -> [u16; 4] {
    let blob = bench.wrapped();
    [
        bench.decrypt(&blob).status,
        bench.encrypt(MASTER_KEY).status,
        bench.get(KEY).status,
        bench.get(&format!("{KEY}/cryptoKeyVersions/1")).status,
    ]
}

#[test]
fn a_permission_that_is_taken_away_takes_its_operation_along() {
    for (permission, expected) in [
        (DECRYPT, [403, 200, 200, 200]),
        ("cloudkms.cryptoKeyVersions.useToEncrypt", [200, 403, 200, 200]),
        ("cloudkms.cryptoKeys.get", [200, 200, 403, 200]),
        ("cloudkms.cryptoKeyVersions.get", [200, 200, 200, 403]),
        ("cloudkms.*", [403, 403, 403, 403]),
        ("storage.*", [200, 200, 200, 200]),
    ] {
        let mut bench = Bench::new();
        bench.gcp.deny("atlas", permission, "master");
        assert_eq!(statuses(&mut bench), expected, "{permission}");
        bench.gcp.allow("atlas", permission, "master");
        assert_eq!(statuses(&mut bench), [200; 4], "{permission}");
    }
}

#[test]
fn a_denial_concerns_its_account_and_its_key_alone() {
    let mut bench = Bench::new();
    bench.gcp.add_key("other");
    bench.gcp.deny("somebody", "cloudkms.*", "*");
    bench.gcp.deny("atlas", "cloudkms.*", "other");
    assert_eq!(statuses(&mut bench), [200; 4]);
    bench.gcp.change_key("master", KeyChange::Deny, now()).unwrap();
    assert_eq!(statuses(&mut bench), [403; 4]);
    bench.gcp.change_key("master", KeyChange::Allow, now()).unwrap();
    assert_eq!(statuses(&mut bench), [200; 4]);
}

#[test]
fn a_denied_key_cannot_be_told_from_one_that_does_not_exist() {
    let mut bench = Bench::new();
    bench.gcp.deny("atlas", DECRYPT, "master");
    let blob = bench.wrapped();
    let denied = bench.decrypt(&blob);
    let text = format!("Permission '{DECRYPT}' denied on resource '{KEY}' (or it may not exist).");
    assert_eq!((denied.status, denied.message()), (403, text));
    for other in [
        KEY.replace("master", "mister"),
        KEY.replace("kmiplab-project", "other-project"),
        KEY.replace("/atlas/", "/other/"),
        KEY.replace("europe-west3", "global"),
    ] {
        let missing = bench.post(&format!("{other}:decrypt"), &json!({"ciphertext": blob}));
        assert_eq!(missing.body, denied.body.replace(KEY, &other));
    }
}

#[test]
fn a_restricted_key_is_for_those_who_come_through_a_private_endpoint() {
    let mut bench = Bench::new();
    bench.gcp.change_key("master", KeyChange::Restrict, now()).unwrap();
    assert_eq!(statuses(&mut bench), [200; 4]);
    bench.arrival.private = false;
    assert_eq!(statuses(&mut bench), [403; 4]);
    let first = bench.get(KEY);
    let uid = first.json()["error"]["details"][1]["metadata"]["uid"].as_str().unwrap().to_owned();
    assert_eq!(uid.len(), 54);
    let text = format!("Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: {uid}");
    assert_eq!(first.message(), text);
    assert_ne!(bench.get(KEY).message(), text, "every violation has an identifier of its own");
    bench.gcp.change_key("master", KeyChange::Allow, now()).unwrap();
    assert_eq!(statuses(&mut bench), [200; 4]);
}

#[test]
fn an_endpoint_that_is_shut_out_refuses_and_the_others_do_not() {
    let mut bench = Bench::new();
    bench.gcp.set_endpoint_policy("psc-a", false);
    assert_eq!(statuses(&mut bench), [403; 4]);
    assert!(bench.get(KEY).message().contains("vpcServiceControlsUniqueIdentifier"));
    bench.arrival.via = "psc-b".to_owned();
    assert_eq!(statuses(&mut bench), [200; 4]);
    bench.arrival.via = "psc-a".to_owned();
    bench.gcp.set_endpoint_policy("psc-a", true);
    assert_eq!(statuses(&mut bench), [200; 4]);
}

#[test]
fn a_project_that_does_not_use_the_service_is_told_where_to_switch_it_on() {
    let mut bench = Bench::new();
    bench.gcp.set_api_enabled(false);
    assert_eq!(statuses(&mut bench), [403; 4]);
    let claims = bench.claims();
    assert_eq!(bench.ask(&claims).status, 200, "tokens are another service's");
    bench.gcp.set_api_enabled(true);
    assert_eq!(statuses(&mut bench), [200; 4]);
}

#[test]
fn a_token_for_another_service_is_refused() {
    let mut bench = Bench::new();
    let mut claims = bench.claims();
    claims["scope"] = json!("https://www.googleapis.com/auth/devstorage.read_only");
    bench.token = Some(bench.ask(&claims).member("access_token"));
    assert_eq!(statuses(&mut bench), [403; 4]);
    claims["scope"] = json!("https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/cloudkms");
    bench.token = Some(bench.ask(&claims).member("access_token"));
    assert_eq!(statuses(&mut bench), [200; 4]);
}
