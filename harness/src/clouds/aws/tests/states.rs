//! What every operation answers in every state of a key, at one glance.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Bench, MASTER_KEY, Reply, now};
use crate::clouds::aws::lineage::DAY;
use crate::clouds::aws::{KeyState, operations};

/// A state, and what it is called here.
type State = (&'static str, fn() -> KeyState);

const STATES: [State; 9] = [
    ("Creating", || KeyState::Creating),
    ("Enabled", || KeyState::Enabled),
    ("Disabled", || KeyState::Disabled),
    ("PendingDeletion", || KeyState::PendingDeletion(now() + DAY)),
    ("PendingReplicaDeletion", || KeyState::PendingReplicaDeletion(DAY * 7)),
    ("PendingImport", || KeyState::PendingImport),
    ("Unavailable", || KeyState::Unavailable),
    ("Updating", || KeyState::Updating),
    ("gone", || KeyState::PendingDeletion(now())),
];

/// A bench whose key is the primary of one replica, as every state is possible for one.
fn bench(state: KeyState) -> (Bench, String) {
    let mut bench = Bench::new();
    bench.aws.add_region("us-west-2");
    bench.key = bench.aws.add_multi_region_key("everywhere");
    let blob = bench.aws.encrypt_directly("everywhere", MASTER_KEY, &BTreeMap::new()).unwrap();
    bench.aws.set_key_state("everywhere", state).unwrap();
    (bench, STANDARD.encode(blob))
}

fn call(bench: &mut Bench, operation: &str, blob: &str) -> Reply {
    let key = bench.key.clone();
    let body = match operation {
        "Decrypt" => json!({"KeyId": key, "CiphertextBlob": blob}),
        "Decrypt without KeyId" => json!({"CiphertextBlob": blob}),
        "Encrypt" => json!({"KeyId": key, "Plaintext": "AAAA"}),
        "CreateAlias" => json!({"AliasName": "alias/mine", "TargetKeyId": key}),
        _ => json!({"KeyId": key}),
    };
    bench.kms(operation.split(' ').next().unwrap(), &body)
}

/// The code, and the end of the text, which is what differs between rows of one code.
fn shown(reply: &Reply) -> String {
    if reply.status == 200 {
        return "ok".to_owned();
    }
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let text = body["message"].as_str().unwrap_or_default();
    let code = body["__type"].as_str().unwrap().trim_end_matches("Exception");
    let end = text.rsplit_once(" is ").map_or("", |(_, end)| end).trim_end_matches('.');
    match code {
        "KMSInvalidState" => format!("{code}: {end}"),
        _ => code.to_owned(),
    }
}

#[test]
fn what_every_operation_answers_in_every_state() {
    let mut table = String::new();
    let more = ["Decrypt without KeyId"];
    for operation in operations::names().chain(more) {
        writeln!(table, "{operation}").unwrap();
        for (name, state) in STATES {
            let (mut bench, blob) = bench(state());
            let reply = call(&mut bench, operation, &blob);
            writeln!(table, "  {name:<24}{}", shown(&reply)).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn describe_key_tells_the_state_and_what_belongs_to_it() {
    let mut table = String::new();
    for (name, state) in STATES.into_iter().filter(|(name, _)| *name != "gone") {
        let (mut bench, blob) = bench(state());
        let reply = call(&mut bench, "DescribeKey", &blob);
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        let metadata = &body["KeyMetadata"];
        assert_eq!(metadata["KeyState"], name);
        let material = if metadata["CurrentKeyMaterialId"].is_string() { "named" } else { "not named" };
        write!(table, "{name:<24}Enabled {}, Origin {}, material {material}", metadata["Enabled"], metadata["Origin"])
            .unwrap();
        for more in ["DeletionDate", "PendingDeletionWindowInDays"] {
            if let Some(value) = metadata.get(more) {
                write!(table, ", {more} {value}").unwrap();
            }
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_is_done_to_an_unavailable_key_leaves_it_unavailable() {
    let (mut bench, blob) = bench(KeyState::Unavailable);
    assert_eq!(call(&mut bench, "EnableKey", &blob).status, 200);
    assert!(call(&mut bench, "Decrypt", &blob).body.contains("is unavailable."));
}

#[test]
fn a_key_can_be_disabled_enabled_scheduled_and_kept_by_calls() {
    let (mut bench, blob) = bench(KeyState::Enabled);
    let key = bench.key.clone();
    let disabled = call(&mut bench, "DisableKey", &blob);
    assert_eq!((disabled.status, disabled.body.as_str()), (200, ""));
    assert!(call(&mut bench, "Decrypt", &blob).body.contains("DisabledException"));
    assert_eq!(call(&mut bench, "EnableKey", &blob).status, 200);
    assert_eq!(call(&mut bench, "Decrypt", &blob).status, 200);

    bench.key = bench.aws.add_key("other");
    let body = json!({"KeyId": bench.key, "PendingWindowInDays": 7});
    let scheduled = bench.kms("ScheduleKeyDeletion", &body);
    let date = 1_795_317_721.0 + 7.0 * 86_400.0;
    let expected =
        json!({"KeyId": bench.key, "KeyState": "PendingDeletion", "PendingWindowInDays": 7, "DeletionDate": date});
    assert_eq!(serde_json::from_str::<Value>(&scheduled.body).unwrap(), expected);
    let kept = call(&mut bench, "CancelKeyDeletion", &blob);
    assert_eq!(kept.body, json!({"KeyId": bench.key}).to_string());
    assert!(call(&mut bench, "Encrypt", &blob).body.contains("DisabledException"), "kept, and disabled");
    assert_ne!(bench.key, key);

    for (days, bound) in [(6, "greater than or equal to 7"), (31, "less than or equal to 30")] {
        let refused = bench.kms("ScheduleKeyDeletion", &json!({"KeyId": key, "PendingWindowInDays": days}));
        assert!(refused.body.contains("ValidationException") && refused.body.contains(bound), "{}", refused.body);
    }
}
