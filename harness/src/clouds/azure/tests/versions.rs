//! Versions of a key and how requests name them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::json;

use super::{Bench, MASTER_KEY, crypt_body, now, path, value};
use crate::scenario::KeyChange;

#[test]
fn a_new_version_does_not_open_what_the_old_one_wrapped_and_the_old_one_still_does() {
    let mut bench = Bench::new();
    let (old, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    bench.azure.change_key("master", KeyChange::Rotate, now()).unwrap();
    let new = bench.azure.key_id("kmiplab", "master").unwrap().to_owned();
    assert_ne!(old, new);
    assert_eq!(bench.azure.generations("master"), Ok(2));
    let refused = bench.crypt("decrypt", &new, &blob);
    assert_eq!((refused.status, refused.code().as_str()), (400, "BadParameter"));
    let opened = bench.crypt("decrypt", &old, &blob);
    assert_eq!(value(&opened), MASTER_KEY);
    assert_eq!(opened.json()["kid"], old);
    assert_eq!(bench.azure.encrypt_directly("master", MASTER_KEY).unwrap().0, new);
}

#[test]
fn without_a_version_the_newest_answers_and_names_itself() {
    let mut bench = Bench::new();
    bench.azure.change_key("master", KeyChange::Rotate, now()).unwrap();
    let new = bench.azure.key_id("kmiplab", "master").unwrap().to_owned();
    for path in ["/keys/master//wrapkey", "/keys/master/wrapkey"] {
        let wrapped = bench.vault(Method::POST, path, &crypt_body(MASTER_KEY));
        assert_eq!(wrapped.json()["kid"], new, "{path}");
        let unwrap = path.replace("wrapkey", "unwrapkey");
        let unwrapped = bench.vault(Method::POST, &unwrap, &crypt_body(&value(&wrapped)));
        assert_eq!(value(&unwrapped), MASTER_KEY, "{path}");
    }
    for path in ["/keys/master", "/keys/master/"] {
        assert_eq!(bench.get(path).json()["key"]["kid"], new, "{path}");
    }
    let old = bench.kid.clone();
    assert_eq!(bench.get(path(&old)).json()["key"]["kid"], old);
}

#[test]
fn verbs_collections_names_and_versions_are_case_insensitive() {
    let mut bench = Bench::new();
    let (kid, blob) = bench.azure.encrypt_directly("master", MASTER_KEY).unwrap();
    let version = kid.rsplit_once('/').unwrap().1.to_ascii_uppercase();
    for path in [
        format!("/keys/master/{version}/unwrapKey"),
        format!("/KEYS/Master/{version}/UNWRAPKEY"),
        format!("/keys/MASTER/{version}/Decrypt"),
    ] {
        let opened = bench.vault(Method::POST, &path, &crypt_body(&blob));
        assert_eq!(value(&opened), MASTER_KEY, "{path}");
        assert_eq!(opened.json()["kid"], kid, "{path}");
    }
}

#[test]
fn wrapping_and_encrypting_make_the_same_of_an_rsa_key() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    let wrapped = value(&bench.crypt("wrapkey", &kid, MASTER_KEY));
    assert_eq!(value(&bench.crypt("decrypt", &kid, &wrapped)), MASTER_KEY);
    let encrypted = value(&bench.crypt("encrypt", &kid, MASTER_KEY));
    assert_eq!(value(&bench.crypt("unwrapkey", &kid, &encrypted)), MASTER_KEY);
}

#[test]
fn a_plaintext_may_have_190_bytes_and_none_more() {
    let mut bench = Bench::new();
    let kid = bench.kid.clone();
    let longest = [5; 190];
    let blob = value(&bench.crypt("encrypt", &kid, &longest));
    assert_eq!(value(&bench.crypt("decrypt", &kid, &blob)), longest);
    let refused = bench.crypt("encrypt", &kid, &[5; 191]);
    assert_eq!((refused.status, refused.code().as_str()), (400, "BadParameter"));
    let body = json!({"alg": "RSA-OAEP", "value": URL_SAFE_NO_PAD.encode([5; 191])}).to_string();
    let other = bench.vault(Method::POST, &format!("{}/encrypt", path(&kid)), &body);
    assert_eq!(other.status, 200, "SHA-1 leaves more room: {}", other.body);
    let unwrapped = bench.crypt("decrypt", &kid, &value(&other));
    assert_eq!(unwrapped.code(), "BadParameter", "another padding");
}

#[test]
fn keys_of_one_name_in_two_vaults_are_two() {
    let mut bench = Bench::new();
    let other = bench.azure.add_key_in("other", "master");
    assert!(other.starts_with("https://other.vault.azure.net/keys/master/"), "{other}");
    let (kid, blob) = bench.azure.encrypt_directly_in("other", "master", MASTER_KEY).unwrap();
    assert_eq!(kid, other);
    let request = |bench: &Bench, host: &str| {
        let verb = format!("/keys/master/{}/decrypt", kid.rsplit_once('/').unwrap().1);
        let mut request = bench.vault_request(Method::POST, &verb, &crypt_body(&blob));
        request.headers_mut().insert("host", host.parse().unwrap());
        request
    };
    let elsewhere = request(&bench, "Other.vault.azure.net:443");
    assert_eq!(value(&bench.send(&elsewhere)), MASTER_KEY);
    let here = request(&bench, "kmiplab.vault.azure.net");
    assert_eq!(bench.send(&here).code(), "KeyNotFound");
    let nowhere = request(&bench, "third.vault.azure.net");
    assert_eq!(bench.send(&nowhere).status, 421, "the real one would not be found by DNS");
}
