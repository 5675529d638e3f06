//! PyKMIP's client through the whole life of a key, in every version of KMIP that both know.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::process::Dbpath;
use super::surroundings::Python;

/// Steps that are refused in a version of KMIP that does not have their operation, with its first minor version: Discover
/// Versions (KMIP 1.1 section 4.26), Encrypt and Decrypt (KMIP 1.2 sections 4.29 and 4.30).
const YOUNGER: [(&str, u32); 5] = [
    ("discover versions", 1),
    ("encrypt", 2),
    ("encrypt, iv drawn", 2),
    ("encrypt, pre-active", 2),
    ("encrypt, revoked", 2),
];

/// What PyKMIP's client cannot read where a server tells every attribute, which is no fault of the server: attributes that
/// it has no type for, and a Digest without a Key Format Type (which KMIP 1.0 section 3.12 does not have).
const CHOKES_ON: [&str; 2] =
    ["Exception: No value type for RANDOM_NUMBER_GENERATOR", "error: unpack requires a buffer of 4 bytes"];

/// What a step comes to: what it gives, or why it is refused.
fn expected(step: &str, minor: u32) -> Value {
    match (step, YOUNGER.iter().any(|(name, since)| *name == step && minor < *since)) {
        // PyKMIP's client looks into the payload of the refusal, which has none (KMIP 1.0 section 7.2: only successes do).
        ("discover versions", true) => {
            return json!({"client": "AttributeError: 'NoneType' object has no attribute 'protocol_versions'"});
        }
        (_, true) => return json!({"refused": "OPERATION_NOT_SUPPORTED"}),
        _ => {}
    }
    match step {
        "discover versions" => json!({"gave": ["1.4", "1.3", "1.2", "1.1", "1.0"]}),
        "get" => json!({"gave": ["SymmetricKey", 32]}),
        "get, revoked" => json!({"gave": 32}),
        "get, registered" | "locate by name" | "locate by type" | "decrypt" | "decrypt, iv drawn" => {
            json!({"gave": true})
        }
        "get attribute list" | "modify attribute" | "delete attribute" => json!({"gave": true}),
        "register" | "register secret data" => json!({"gave": true}),
        "get, secret data" => json!({"gave": ["SecretData", true]}),
        // 96 bytes and a block of padding (PKCS #5).
        "encrypt" => json!({"gave": 112}),
        "encrypt, iv drawn" => json!({"gave": 16}),
        "get attributes, pre-active" => json!({"gave": {"State": "PRE_ACTIVE"}}),
        "get attributes, revoked" => json!({"gave": {"State": "DEACTIVATED"}}),
        "get attributes, compromised" => json!({"gave": {"State": "COMPROMISED"}}),
        "locate none" | "locate, all destroyed" => json!({"gave": []}),
        "activate" | "revoke" | "revoke, compromised" | "destroy" | "destroy, compromised" | "destroy, pre-active" => {
            json!({"gave": null})
        }
        // KMIP 1.4 sections 11.20 and 11.22, and the state machine in section 3.22.
        "activate again" | "encrypt, pre-active" | "encrypt, revoked" | "destroy, active" => {
            json!({"refused": "PERMISSION_DENIED"})
        }
        "get, destroyed" | "get, unknown" => json!({"refused": "ITEM_NOT_FOUND"}),
        other => panic!("a step of which nothing is expected: {other}"),
    }
}

/// Plays the script in one version, against a proxy of its own.
fn lives(minor: u32) {
    let Some(python) = Python::at_hand() else { return };
    let dbpath = Dbpath::local();
    let proxy = dbpath.serve("local");
    let folder = dbpath.path().to_str().unwrap();
    let mut seen = BTreeMap::new();
    for line in python.run("pykmip_client", &[&proxy.port.to_string(), folder, &format!("1.{minor}")]) {
        let mut line = line.as_object().unwrap().clone();
        let step = line.remove("step").unwrap().as_str().unwrap().to_owned();
        line.remove("message");
        assert_eq!(seen.insert(step, Value::Object(line)), None);
    }

    // The first few say more than a table can.
    let query = seen.remove("query").unwrap();
    let operations = query["gave"]["operations"].as_array().unwrap();
    for operation in ["CREATE", "REGISTER", "LOCATE", "GET", "GET_ATTRIBUTES", "ACTIVATE", "REVOKE", "DESTROY", "QUERY"]
    {
        assert!(operations.contains(&json!(operation)), "{operation}: {query}");
    }
    for (operation, since) in [("DISCOVER_VERSIONS", 1), ("ENCRYPT", 2), ("DECRYPT", 2)] {
        assert_eq!(operations.contains(&json!(operation)), minor >= since, "{operation}: {query}");
    }
    for kind in ["SYMMETRIC_KEY", "SECRET_DATA"] {
        assert!(query["gave"]["objects"].as_array().unwrap().contains(&json!(kind)), "{query}");
    }
    let created = seen.remove("create").unwrap();
    let told = seen.remove("get attributes").unwrap();
    for (name, value) in [
        ("Unique Identifier", created["gave"].clone()),
        ("Name", json!("the-key")),
        ("Object Type", json!("SYMMETRIC_KEY")),
        ("Cryptographic Algorithm", json!("AES")),
        ("Cryptographic Length", json!(256)),
        ("Cryptographic Usage Mask", json!(12)),
        ("State", json!("ACTIVE")),
    ] {
        assert_eq!(told["gave"][name], value, "{told}");
    }
    for date in ["Initial Date", "Activation Date", "Last Change Date"] {
        assert!(told["gave"][date].is_u64(), "{date}: {told}");
    }

    let all = seen.remove("get attributes, all").unwrap();
    match all["client"].as_str() {
        Some(fault) => assert!(CHOKES_ON.contains(&fault), "{fault}"),
        None => assert_eq!(all["gave"]["State"], json!("ACTIVE"), "{all}"),
    }

    let steps = if minor < 2 { 31 } else { 33 };
    assert_eq!(seen.len(), steps, "a step was left out: {:?}", seen.keys());
    let wrong: Vec<_> = seen.iter().filter(|(step, came)| **came != expected(step, minor)).collect();
    assert!(wrong.is_empty(), "KMIP 1.{minor}: {wrong:#?}");
}

#[test]
fn pykmip_lives_through_kmip_1_0() {
    lives(0);
}

#[test]
fn pykmip_lives_through_kmip_1_1() {
    lives(1);
}

#[test]
fn pykmip_lives_through_kmip_1_2() {
    lives(2);
}

#[test]
fn pykmip_lives_through_kmip_1_3() {
    lives(3);
}

#[test]
fn pykmip_lives_through_kmip_1_4() {
    lives(4);
}
