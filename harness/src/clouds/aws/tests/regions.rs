//! Two regions of one account: multi-Region keys work in both, others in one, and credentials everywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Bench, MASTER_KEY, Reply, member, now};
use crate::clouds::aws::lineage::DAY;
use crate::clouds::aws::{Fault, KeyState, Unchanged};
use crate::scenario::KeyChange;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

/// A bench with a key in both regions, and what its primary wrapped.
fn two_regions() -> (Bench, String) {
    let mut bench = Bench::new();
    bench.aws.add_multi_region_key("everywhere");
    bench.aws.add_region(WEST);
    let blob = bench.aws.encrypt_directly("everywhere", MASTER_KEY, &BTreeMap::new()).unwrap();
    (bench, STANDARD.encode(blob))
}

fn arn(bench: &Bench, region: &str) -> String {
    bench.aws.key_arn(region, "everywhere").unwrap().to_owned()
}

fn kms_in(bench: &mut Bench, region: &str, operation: &str, body: &Value) -> Reply {
    bench.client.region = region.to_owned();
    bench.kms(operation, body)
}

fn describe(bench: &mut Bench, region: &str) -> Value {
    let key = arn(bench, region);
    let reply = kms_in(bench, region, "DescribeKey", &json!({"KeyId": key}));
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(reply.status, 200, "{body}");
    body["KeyMetadata"].clone()
}

#[test]
fn a_replica_opens_what_the_primary_wrapped_and_names_itself() {
    let (mut bench, blob) = two_regions();
    for region in [EAST, WEST] {
        let key = arn(&bench, region);
        assert!(key.starts_with(&format!("arn:aws:kms:{region}:111122223333:key/mrk-")), "{key}");
        for body in [json!({"CiphertextBlob": blob}), json!({"CiphertextBlob": blob, "KeyId": key})] {
            let opened = kms_in(&mut bench, region, "Decrypt", &body);
            assert_eq!(member(&opened, "KeyId"), key);
            assert_eq!(member(&opened, "Plaintext"), STANDARD.encode(MASTER_KEY));
        }
    }
    let id = arn(&bench, WEST).rsplit('/').next().unwrap().to_owned();
    assert!(arn(&bench, EAST).ends_with(&id), "one id");
    let wrapped = kms_in(&mut bench, WEST, "Encrypt", &json!({"KeyId": id, "Plaintext": "AAAA"}));
    let back = kms_in(&mut bench, EAST, "Decrypt", &json!({"CiphertextBlob": member(&wrapped, "CiphertextBlob")}));
    assert_eq!(member(&back, "Plaintext"), "AAAA");
}

#[test]
fn both_tell_who_is_primary_and_who_replica() {
    let (mut bench, _) = two_regions();
    let (east, west) = (arn(&bench, EAST), arn(&bench, WEST));
    for (region, kind) in [(EAST, "PRIMARY"), (WEST, "REPLICA")] {
        let metadata = describe(&mut bench, region);
        assert_eq!(metadata["MultiRegion"], true);
        let expected = json!({
            "MultiRegionKeyType": kind,
            "PrimaryKey": {"Arn": east, "Region": EAST},
            "ReplicaKeys": [{"Arn": west, "Region": WEST}],
        });
        assert_eq!(metadata["MultiRegionConfiguration"], expected);
    }
    assert_eq!(bench.aws.region(), EAST);
    assert_eq!(bench.aws.regions().collect::<Vec<_>>(), [EAST, WEST]);
}

#[test]
fn a_key_of_one_region_is_unknown_in_the_other_in_three_ways() {
    let (mut bench, _) = two_regions();
    let (blob, key) = (bench.wrapped(), bench.key.clone());
    let id = key.rsplit('/').next().unwrap().to_owned();
    let text = |reply: Reply| {
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        format!("{}: {}", body["__type"].as_str().unwrap(), body["message"].as_str().unwrap())
    };
    let foreign = kms_in(&mut bench, WEST, "Decrypt", &json!({"CiphertextBlob": blob, "KeyId": key}));
    assert_eq!(text(foreign), "NotFoundException: Invalid arn us-east-1");
    let plain = kms_in(&mut bench, WEST, "Decrypt", &json!({"CiphertextBlob": blob, "KeyId": id}));
    let here = key.replace(EAST, WEST);
    assert_eq!(text(plain), format!("NotFoundException: Key '{here}' does not exist"));
    let silent = kms_in(&mut bench, WEST, "Decrypt", &json!({"CiphertextBlob": blob}));
    assert_eq!(
        text(silent),
        "AccessDeniedException: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
    );
}

#[test]
fn names_of_keys_are_those_of_a_region() {
    let (mut bench, _) = two_regions();
    let west = bench.aws.add_key_in(WEST, "master");
    assert_ne!(west.rsplit('/').next(), bench.key.rsplit('/').next());
    let blob = bench.aws.encrypt_directly_in(WEST, "master", MASTER_KEY, &BTreeMap::new()).unwrap();
    let body = json!({"CiphertextBlob": STANDARD.encode(blob)});
    assert_eq!(member(&kms_in(&mut bench, WEST, "Decrypt", &body), "KeyId"), west);
    assert_eq!(kms_in(&mut bench, EAST, "Decrypt", &body).status, 400);
    let missing = bench.aws.change_key_in("eu-west-1", "master", KeyChange::Disable, now());
    assert!(matches!(missing, Err(Unchanged::NoSuchKey { region, .. }) if region == "eu-west-1"));
}

#[test]
fn primary_and_replica_are_disabled_each_by_itself() {
    let (mut bench, blob) = two_regions();
    let body = json!({"CiphertextBlob": blob});
    let statuses = |bench: &mut Bench| [EAST, WEST].map(|region| kms_in(bench, region, "Decrypt", &body).status);
    bench.aws.change_key("everywhere", KeyChange::Disable, now()).unwrap();
    assert_eq!(statuses(&mut bench), [400, 200]);
    bench.aws.change_key_in(WEST, "everywhere", KeyChange::Disable, now()).unwrap();
    bench.aws.change_key("everywhere", KeyChange::Enable, now()).unwrap();
    assert_eq!(statuses(&mut bench), [200, 400]);
}

#[test]
fn a_primary_waits_for_its_replica_to_be_gone_before_it_waits_for_itself() {
    let (mut bench, blob) = two_regions();
    let key = arn(&bench, EAST);
    let scheduled = kms_in(&mut bench, EAST, "ScheduleKeyDeletion", &json!({"KeyId": key, "PendingWindowInDays": 7}));
    let expected = json!({"KeyId": key, "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 7});
    assert_eq!(serde_json::from_str::<Value>(&scheduled.body).unwrap(), expected, "and no date");
    let body = json!({"CiphertextBlob": blob});
    assert!(kms_in(&mut bench, EAST, "Decrypt", &body).body.contains("is pending replica deletion."));
    assert_eq!(kms_in(&mut bench, WEST, "Decrypt", &body).status, 200, "the replica works on");

    let at = |bench: &mut Bench, days: u32| {
        (bench.arrival.at, bench.client.at) = (now() + DAY * days, now() + DAY * days);
        describe(bench, EAST)
    };
    let later = at(&mut bench, 1000);
    assert_eq!(
        (&later["KeyState"], &later["PendingDeletionWindowInDays"]),
        (&json!("PendingReplicaDeletion"), &json!(7))
    );
    bench.aws.change_key_in(WEST, "everywhere", KeyChange::ScheduleDeletion, now() + DAY * 1000).unwrap();
    assert_eq!(at(&mut bench, 1029)["KeyState"], "PendingReplicaDeletion");
    let alone = at(&mut bench, 1033);
    assert_eq!(alone["KeyState"], "PendingDeletion");
    assert_eq!(alone["DeletionDate"], 1_795_317_721.0 + 1037.0 * 86_400.0, "the 30 days of the replica, and its own 7");
    assert_eq!(alone["MultiRegionConfiguration"]["ReplicaKeys"], json!([]));
    (bench.arrival.at, bench.client.at) = (now() + DAY * 1037, now() + DAY * 1037);
    assert!(kms_in(&mut bench, EAST, "DescribeKey", &json!({"KeyId": key})).body.contains("does not exist"));
}

#[test]
fn a_replica_that_is_gone_leaves_the_primary_working() {
    let (mut bench, blob) = two_regions();
    bench.aws.set_key_state_in(WEST, "everywhere", KeyState::PendingDeletion(now())).unwrap();
    let body = json!({"CiphertextBlob": blob});
    assert_eq!(kms_in(&mut bench, EAST, "Decrypt", &body).status, 200);
    assert!(kms_in(&mut bench, WEST, "Decrypt", &body).body.contains("AccessDeniedException"), "hidden, as ever");
}

#[test]
fn material_is_rotated_at_the_primary_for_both() {
    let (mut bench, _) = two_regions();
    let refused = bench.aws.change_key_in(WEST, "everywhere", KeyChange::Rotate, now());
    assert!(matches!(refused, Err(Unchanged::Refused { .. })), "{refused:?}");
    bench.aws.enable_automatic_rotation("everywhere", 90, now()).unwrap();
    let before = describe(&mut bench, WEST)["CurrentKeyMaterialId"].clone();
    (bench.arrival.at, bench.client.at) = (now() + DAY * 90, now() + DAY * 90);
    let [east, west] = [EAST, WEST].map(|region| describe(&mut bench, region)["CurrentKeyMaterialId"].clone());
    assert_eq!(east, west);
    assert_ne!(west, before);
}

#[test]
fn time_does_not_rotate_a_family_whose_primary_is_disabled() {
    let (mut bench, _) = two_regions();
    bench.aws.enable_automatic_rotation("everywhere", 90, now()).unwrap();
    bench.aws.change_key("everywhere", KeyChange::Disable, now()).unwrap();
    assert_eq!(describe(&mut bench, WEST)["KeyState"], "Enabled");
    assert_eq!(bench.aws.generations("everywhere", now() + DAY * 90), Ok(1));
}

#[test]
fn a_key_has_its_replicas_whichever_came_first_the_key_or_the_region() {
    let (bench, _) = two_regions();
    let mut other = Bench::new();
    other.aws.add_region(WEST);
    other.aws.add_multi_region_key("everywhere");
    assert_eq!(arn(&other, WEST), arn(&bench, WEST));
}

#[test]
fn the_host_chooses_the_region_and_the_signature_has_to_name_it() {
    let (mut bench, blob) = two_regions();
    let body = json!({"CiphertextBlob": blob}).to_string();
    let mut ask = |host: &str, signed_for: &str| {
        bench.client.region = signed_for.to_owned();
        let mut request = bench.client.kms("Decrypt", &body);
        request.headers_mut().remove("authorization");
        request.headers_mut().insert("host", host.parse().unwrap());
        bench.client.sign(&mut request, "kms");
        bench.send(&request)
    };
    for region in [EAST, WEST] {
        let hosts = [format!("kms.{region}.amazonaws.com"), format!("vpce-a-lab.kms.{region}.vpce.amazonaws.com")];
        for host in hosts.iter().map(String::as_str).chain(["127.0.0.1:4566"]) {
            let opened = member(&ask(host, region), "KeyId");
            assert!(opened.starts_with(&format!("arn:aws:kms:{region}:")), "{host}: {opened}");
        }
    }
    let crossed = ask("kms.us-west-2.amazonaws.com", EAST);
    assert!(
        crossed.body.contains("Credential should be scoped to a valid region, not 'us-east-1'."),
        "{}",
        crossed.body
    );
    let neither = ask("kms.eu-west-1.amazonaws.com", "eu-west-1");
    assert!(neither.body.contains("the fake AWS of us-east-1 and us-west-2 does not answer"), "{}", neither.body);
}

#[test]
fn the_global_name_of_sts_is_signed_for_us_east_1_whatever_the_region() {
    let mut bench = Bench::seeded([7; 32], "eu-west-1");
    let mut ask = |signed_for: &str| {
        bench.client.region = signed_for.to_owned();
        let mut request = bench.client.sts("Action=GetCallerIdentity");
        request.headers_mut().remove("authorization");
        request.headers_mut().insert("host", "sts.amazonaws.com".parse().unwrap());
        bench.client.sign(&mut request, "sts");
        bench.send(&request).status
    };
    assert_eq!([ask(EAST), ask("eu-west-1")], [200, 403]);
}

#[test]
fn credentials_policies_and_faults_are_those_of_the_account() {
    let (mut bench, blob) = two_regions();
    let body = json!({"CiphertextBlob": blob});
    bench.aws.deny("atlas", "kms:Decrypt", "everywhere");
    let key = arn(&bench, WEST);
    let denied = kms_in(&mut bench, WEST, "Decrypt", &json!({"CiphertextBlob": blob, "KeyId": key}));
    assert!(denied.body.contains(&format!("on resource: {key}")), "{}", denied.body);
    bench.aws.allow("atlas", "kms:Decrypt", "everywhere");
    bench.aws.inject(Fault::Throttle, None, Some(1));
    assert!(kms_in(&mut bench, WEST, "Decrypt", &body).body.contains("ThrottlingException"));
    assert_eq!(kms_in(&mut bench, WEST, "Decrypt", &body).status, 200);
    bench.aws.revoke(&bench.user.access_key_id).unwrap();
    for region in [EAST, WEST] {
        assert!(kms_in(&mut bench, region, "Decrypt", &body).body.contains("UnrecognizedClientException"));
    }
}

#[test]
fn another_region_changes_nothing_in_the_bytes_of_the_first() {
    let mut alone = Bench::new();
    let (mut both, _) = two_regions();
    let blob = both.aws.encrypt_directly_in(WEST, "everywhere", MASTER_KEY, &BTreeMap::new()).unwrap();
    assert!(!blob.is_empty());
    alone.aws.add_multi_region_key("everywhere");
    // `two_regions` has wrapped once at home.
    alone.aws.encrypt_directly("everywhere", MASTER_KEY, &BTreeMap::new()).unwrap();
    both.aws.add_user("another");
    assert_eq!(alone.wrapped(), both.wrapped());
    let later = now() + Duration::from_secs(1);
    (alone.client.at, both.client.at) = (later, later);
    let request = alone.client.kms("DescribeKey", &json!({"KeyId": alone.key}).to_string());
    let answers = [&mut alone, &mut both].map(|bench| format!("{:?}", bench.handle(&request)));
    assert_eq!(answers[0], answers[1]);
}
