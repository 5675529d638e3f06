//! Keys and aliases that callers make, and the lists of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Bench, member, now};
use crate::scenario::KeyChange;

fn body(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_key_that_a_caller_makes_works_like_any_other_and_is_as_young_as_it_is() {
    let mut bench = Bench::new();
    let made = body(&bench.kms("CreateKey", &json!({"Description": "mine", "Tags": []})).body);
    let metadata = &made["KeyMetadata"];
    assert_eq!(metadata["Description"], "mine");
    assert_eq!(metadata["CreationDate"], 1_795_317_721.0);
    assert_eq!((&metadata["KeyState"], &metadata["MultiRegion"]), (&json!("Enabled"), &json!(false)));
    let described = body(&bench.kms("DescribeKey", &json!({"KeyId": metadata["Arn"]})).body);
    assert_eq!(described, made);
    let wrapped = bench.kms("Encrypt", &json!({"KeyId": metadata["KeyId"], "Plaintext": "AAAA"}));
    let opened = bench.decrypt(&member(&wrapped, "CiphertextBlob"));
    assert_eq!(member(&opened, "KeyId"), metadata["Arn"].as_str().unwrap());
    let old = body(&bench.kms("DescribeKey", &json!({"KeyId": bench.key})).body);
    assert_eq!(old["KeyMetadata"]["CreationDate"], 1_795_317_721.0 - 86_400.0, "the others are as old as the account");
}

#[test]
fn what_is_handed_over_to_be_wrapped_may_stand_in_no_text_even_if_it_is_refused() {
    let mut bench = Bench::new();
    for (key, material) in [("alias/nobody", [7; 32]), (&bench.key.clone(), [9; 32])] {
        let plaintext = STANDARD.encode(material);
        bench.kms("Encrypt", &json!({"KeyId": key, "Plaintext": plaintext}));
        assert_eq!(bench.trace.secrets_in(plaintext.as_bytes()), ["a key that the cloud wraps"], "{key}");
    }
}

#[test]
fn every_key_is_new_and_the_same_in_the_next_run() {
    let [first, again] = [(); 2].map(|()| {
        let mut bench = Bench::new();
        [(); 2].map(|()| body(&bench.kms("CreateKey", &json!({})).body)["KeyMetadata"]["KeyId"].clone())
    });
    assert_ne!(first[0], first[1]);
    assert_eq!(first, again);
}

#[test]
fn a_multi_region_key_is_primary_where_it_was_made_and_opens_in_the_other_region() {
    let mut bench = Bench::new();
    bench.aws.add_region("us-west-2");
    let made = body(&bench.kms("CreateKey", &json!({"MultiRegion": true})).body)["KeyMetadata"].clone();
    assert_eq!(made["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY");
    assert_eq!(made["MultiRegionConfiguration"]["ReplicaKeys"].as_array().map(Vec::len), Some(1));
    let wrapped = bench.kms("Encrypt", &json!({"KeyId": made["KeyId"], "Plaintext": "AAAA"}));
    bench.client.region = "us-west-2".to_owned();
    let opened = bench.kms("Decrypt", &json!({"CiphertextBlob": member(&wrapped, "CiphertextBlob")}));
    assert_eq!(member(&opened, "Plaintext"), "AAAA");
    let refused = bench.kms("CreateKey", &json!({"MultiRegion": true}));
    assert!(refused.body.contains("is not implemented by the fake"), "{}", refused.body);
}

#[test]
fn what_would_make_another_kind_of_key_is_refused_by_name() {
    let mut bench = Bench::new();
    let wanted = [
        (json!({"KeyUsage": "SIGN_VERIFY"}), "KeyUsage SIGN_VERIFY"),
        (json!({"KeySpec": "RSA_2048"}), "KeySpec RSA_2048"),
        (json!({"CustomerMasterKeySpec": "RSA_2048"}), "CustomerMasterKeySpec RSA_2048"),
        (json!({"Origin": "EXTERNAL"}), "Origin EXTERNAL"),
        (json!({"Policy": "{}"}), "Policy"),
        (json!({"CustomKeyStoreId": "cks-1"}), "CustomKeyStoreId"),
    ];
    for (members, what) in wanted {
        let refused = bench.kms("CreateKey", &members);
        assert!(refused.body.contains(&format!("{what} is not implemented by the fake")), "{}", refused.body);
    }
    let listed = body(&bench.kms("ListKeys", &json!({})).body);
    assert_eq!(listed["Keys"].as_array().map(Vec::len), Some(1), "none was made");
    bench.aws.deny("atlas", "kms:CreateKey", "*");
    assert!(bench.kms("CreateKey", &json!({})).body.contains("not authorized to perform: kms:CreateKey"));
}

#[test]
fn an_alias_leads_to_its_key_and_none_may_look_like_those_of_aws() {
    let mut bench = Bench::new();
    let named = bench.kms("CreateAlias", &json!({"AliasName": "alias/a/b_c-1", "TargetKeyId": bench.key}));
    assert_eq!((named.status, named.body.as_str()), (200, ""));
    let wrapped = bench.kms("Encrypt", &json!({"KeyId": "alias/a/b_c-1", "Plaintext": "AAAA"}));
    assert_eq!(member(&wrapped, "KeyId"), bench.key);
    for name in ["mine", "alias/", "alias/aws/mine", "alias/a b", ""] {
        let refused = bench.kms("CreateAlias", &json!({"AliasName": name, "TargetKeyId": bench.key}));
        assert!(refused.body.contains("ValidationException"), "{name}: {}", refused.body);
    }
    let all = body(&bench.kms("ListAliases", &json!({})).body);
    let id = bench.key.rsplit('/').next().unwrap();
    let expected = json!([{
        "AliasName": "alias/a/b_c-1",
        "AliasArn": "arn:aws:kms:us-east-1:111122223333:alias/a/b_c-1",
        "TargetKeyId": id,
    }]);
    assert_eq!(all["Aliases"], expected);
    let other = bench.aws.add_key("other");
    let none = body(&bench.kms("ListAliases", &json!({"KeyId": other})).body);
    assert_eq!(none["Aliases"], json!([]));
}

#[test]
fn keys_are_listed_page_by_page_each_once_and_without_those_that_are_gone() {
    let mut bench = Bench::new();
    let mut expected: Vec<String> = (0..4).map(|number| bench.aws.add_key(&format!("key-{number}"))).collect();
    bench.aws.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    bench.arrival.at = now() + std::time::Duration::from_secs(31 * 86_400);
    bench.client.at = bench.arrival.at;
    let (mut found, mut marker) = (Vec::new(), Value::Null);
    loop {
        let page = body(&bench.kms("ListKeys", &json!({"Limit": 3, "Marker": marker})).body);
        let keys = page["Keys"].as_array().unwrap();
        assert!(keys.len() <= 3);
        found.extend(keys.iter().map(|key| key["KeyArn"].as_str().unwrap().to_owned()));
        marker = page["NextMarker"].clone();
        assert_eq!(page["Truncated"], json!(!marker.is_null()));
        if marker.is_null() {
            break;
        }
    }
    expected.sort();
    assert_eq!(found, expected);
    let refused = bench.kms("ListKeys", &json!({"Limit": 1001}));
    assert!(refused.body.contains("less than or equal to 1000"), "{}", refused.body);
}
