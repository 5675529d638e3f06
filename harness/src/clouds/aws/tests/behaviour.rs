//! What KMS does when it is not refusing: opening, rotation, states, grants, faults, and the same bytes for the same
//! seed.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use proptest::prelude::*;
use serde_json::json;

use super::{Bench, MASTER_KEY, Reply, member, now, reply};
use crate::clouds::aws::{Fault, KeyState, Unchanged};
use crate::clouds::{Action, Cloud};
use crate::scenario::KeyChange;
use crate::trace::What;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn what_encrypt_wraps_decrypt_opens_and_names_its_key_and_material() {
    let mut bench = Bench::new();
    let (key, plaintext) = (bench.key.clone(), STANDARD.encode(MASTER_KEY));
    let context = json!({"project": "one"});
    let wrapped = bench.kms("Encrypt", &json!({"KeyId": key, "Plaintext": plaintext, "EncryptionContext": context}));
    let blob = member(&wrapped, "CiphertextBlob");
    assert!(blob.starts_with("AQICAH"), "{blob}");
    assert_eq!(member(&wrapped, "KeyId"), key);
    let opened = bench.kms("Decrypt", &json!({"CiphertextBlob": blob, "EncryptionContext": context}));
    assert_eq!(member(&opened, "Plaintext"), plaintext);
    assert_eq!(member(&opened, "KeyId"), key);
    assert_eq!(member(&opened, "EncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
    assert_eq!(member(&opened, "KeyMaterialId").len(), 64);
}

#[test]
fn answers_are_written_as_kms_writes_them() {
    let mut bench = Bench::new();
    let (key, blob) = (bench.key.clone(), bench.wrapped());
    let request = bench.client.kms("Decrypt", &json!({"CiphertextBlob": blob, "KeyId": key}).to_string());
    let Action::Respond(response) = bench.handle(&request).action else { panic!("no answer") };
    insta::assert_debug_snapshot!("decrypt_answer", response);
    bench.aws.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    let described = bench.kms("DescribeKey", &json!({"KeyId": key}));
    insta::assert_snapshot!("describe_key_pending_deletion", described.body);
}

#[test]
fn the_encryption_context_has_to_be_exactly_the_same() {
    let mut bench = Bench::new();
    let context = BTreeMap::from([("project".to_owned(), "one".to_owned())]);
    let blob = STANDARD.encode(bench.aws.encrypt_directly("master", MASTER_KEY, &context).unwrap());
    let others = [json!({}), json!({"project": "One"}), json!({"projec": "tone"}), json!({"project": "one", "a": "b"})];
    for other in others {
        let reply = bench.kms("Decrypt", &json!({"CiphertextBlob": blob, "EncryptionContext": other}));
        assert_eq!(reply.body, r#"{"__type":"InvalidCiphertextException"}"#, "{other}");
    }
    let same = bench.kms("Decrypt", &json!({"CiphertextBlob": blob, "EncryptionContext": {"project": "one"}}));
    assert_eq!(same.status, 200);
}

#[test]
fn one_flipped_bit_anywhere_in_a_ciphertext_makes_it_invalid() {
    let mut bench = Bench::new();
    let (blob, key) = (STANDARD.decode(bench.wrapped()).unwrap(), bench.key.clone());
    for index in 0..blob.len() {
        let mut damaged = blob.clone();
        damaged[index] ^= 1;
        let damaged = STANDARD.encode(damaged);
        let invalid = Reply { status: 400, body: r#"{"__type":"InvalidCiphertextException"}"#.to_owned() };
        assert_eq!(bench.decrypt(&damaged), invalid, "byte {index} without KeyId");
        assert_eq!(bench.kms("Decrypt", &json!({"CiphertextBlob": damaged, "KeyId": key})), invalid, "byte {index}");
    }
}

#[test]
fn a_truncated_ciphertext_is_invalid_at_every_length() {
    let mut bench = Bench::new();
    let blob = STANDARD.decode(bench.wrapped()).unwrap();
    for length in 1..blob.len() {
        assert_eq!(bench.decrypt(&STANDARD.encode(&blob[..length])).status, 400, "{length}");
    }
}

#[test]
fn a_rotation_leaves_old_ciphertexts_readable_and_names_their_old_material() {
    let mut bench = Bench::new();
    let (old, key) = (bench.wrapped(), bench.key.clone());
    let before = member(&bench.decrypt(&old), "KeyMaterialId");
    bench.aws.change_key("master", KeyChange::Rotate, now()).unwrap();
    let new = bench.wrapped();
    let described = bench.kms("DescribeKey", &json!({"KeyId": key})).body;
    let after = member(&bench.decrypt(&new), "KeyMaterialId");
    assert_eq!(member(&bench.decrypt(&old), "KeyMaterialId"), before);
    assert_ne!(before, after);
    assert!(described.contains(&format!("\"CurrentKeyMaterialId\":\"{after}\"")), "{described}");
    assert_eq!(bench.aws.add_key("master"), key, "the ARN stays");
}

#[test]
fn a_deletion_can_be_cancelled_until_its_day_and_leaves_the_key_disabled() {
    let mut bench = Bench::new();
    let (blob, key) = (bench.wrapped(), bench.key.clone());
    bench.aws.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    assert!(bench.decrypt(&blob).body.contains("is pending deletion."));
    bench.aws.change_key("master", KeyChange::CancelDeletion, now() + DAY).unwrap();
    assert!(bench.decrypt(&blob).body.contains("DisabledException"));
    bench.aws.change_key("master", KeyChange::Enable, now()).unwrap();
    assert_eq!(bench.decrypt(&blob).status, 200);

    bench.aws.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    (bench.arrival.at, bench.client.at) = (now() + 30 * DAY, now() + 30 * DAY);
    assert!(bench.decrypt(&blob).body.contains("AccessDeniedException"), "without KeyId it is hidden");
    let with_id = bench.kms("Decrypt", &json!({"CiphertextBlob": blob, "KeyId": key}));
    assert!(with_id.body.contains("does not exist"), "{}", with_id.body);
    let late = bench.aws.change_key("master", KeyChange::CancelDeletion, now() + 30 * DAY);
    assert!(matches!(late, Err(Unchanged::WrongState { .. })));
}

#[test]
fn changes_that_aws_refuses_leave_the_key_as_it_is() {
    let mut bench = Bench::new();
    bench.aws.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
    for change in [KeyChange::Enable, KeyChange::Disable, KeyChange::Rotate, KeyChange::ScheduleDeletion] {
        let refused = bench.aws.change_key("master", change, now());
        assert!(matches!(refused, Err(Unchanged::WrongState { .. })), "{change:?}: {refused:?}");
    }
    let error = bench.aws.change_key("mister", KeyChange::Enable, now()).unwrap_err();
    assert_eq!(error.to_string(), "the fake AWS of us-east-1 has no key named `mister`: add it to the world's keys");
}

#[test]
fn a_key_is_found_by_its_arn_its_id_and_its_aliases() {
    let mut bench = Bench::new();
    bench.aws.add_alias("atlas", "master").unwrap();
    let key = bench.key.clone();
    let id = key.rsplit('/').next().unwrap().to_owned();
    for name in [key.clone(), id, "alias/atlas".into(), "arn:aws:kms:us-east-1:111122223333:alias/atlas".into()] {
        let described = bench.kms("DescribeKey", &json!({"KeyId": name}));
        assert!(described.body.contains(&key), "{name}: {}", described.body);
    }
}

#[test]
fn a_multi_region_key_opens_in_every_region_and_an_ordinary_one_does_not() {
    let (mut east, mut west) = (Bench::new(), Bench::seeded([7; 32], "us-west-2"));
    east.aws.add_multi_region_key("everywhere");
    let replica = west.aws.add_multi_region_key("everywhere");
    let blob = STANDARD.encode(east.aws.encrypt_directly("everywhere", MASTER_KEY, &BTreeMap::new()).unwrap());
    assert_eq!(member(&west.decrypt(&blob), "KeyId"), replica);
    assert!(replica.starts_with("arn:aws:kms:us-west-2:111122223333:key/mrk-"), "{replica}");
    let ordinary = east.wrapped();
    assert!(west.decrypt(&ordinary).body.contains("does not exist in this region"));
}

#[test]
fn a_denied_caller_without_key_id_learns_nothing_of_the_key() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    bench.aws.deny("atlas", "kms:*", "*");
    let denied = bench.decrypt(&blob);
    let elsewhere = Bench::seeded([7; 32], "eu-west-1").wrapped();
    assert_eq!(denied, bench.decrypt(&elsewhere));
    bench.aws.allow("atlas", "kms:*", "*");
    assert_eq!(bench.decrypt(&blob).status, 200);
}

#[test]
fn an_opened_key_is_a_grant_before_its_call_and_nothing_else_is() {
    let mut bench = Bench::new();
    let (blob, key) = (bench.wrapped(), bench.key.clone());
    let request = bench.client.kms("Decrypt", &json!({"CiphertextBlob": blob}).to_string());
    let events = bench.handle(&request).events;
    let material = bench.trace.fingerprint(MASTER_KEY);
    let short = format!("{}…{}", &bench.user.access_key_id[..4], &bench.user.access_key_id[16..]);
    let call = What::Call {
        service: "kms".into(),
        operation: "Decrypt".into(),
        cmk: Some(key.clone()),
        principal: Some(format!("arn:aws:iam::111122223333:user/atlas ({short})")),
        status: 200,
        code: None,
    };
    assert_eq!(events, [What::Grant { provider: "aws".into(), cmk: key, material }, call]);

    bench.aws.set_key_state("master", KeyState::Disabled).unwrap();
    let events = bench.handle(&request).events;
    let [What::Call { status: 400, code: Some(code), cmk: Some(_), .. }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(code, "DisabledException");
}

#[test]
fn no_secret_and_no_whole_access_key_id_stands_in_an_event() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    let request = bench.client.kms("Decrypt", &json!({"CiphertextBlob": blob}).to_string());
    let events = format!("{:?}", bench.handle(&request).events);
    for secret in [&bench.user.access_key_id, &bench.user.secret_access_key, &STANDARD.encode(MASTER_KEY)] {
        assert!(!events.contains(secret.as_str()), "{events}");
    }
    let leaked = What::Log { severity: 'I', id: None, text: bench.user.secret_access_key.clone(), attributes: vec![] };
    bench.trace.record("proxy", leaked);
    let finding = bench.trace.events().pop().unwrap().what;
    assert!(matches!(&finding, What::Finding { invariant, .. } if invariant == "K3"), "{finding:?}");
}

#[test]
fn faults_withhold_the_answer_in_the_way_that_was_planned() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    let request = bench.client.kms("Decrypt", &json!({"CiphertextBlob": blob}).to_string());
    let status_and_code = |events: &[What]| match events.last() {
        Some(What::Call { status, code, operation, .. }) => {
            assert_eq!(operation, "Decrypt");
            (*status, code.clone().unwrap_or_default())
        }
        other => panic!("{other:?}"),
    };

    bench.aws.inject(Fault::Hang, Some("vpce-a"), Some(1));
    let hung = bench.handle(&request);
    assert!(matches!(hung.action, Action::Hang));
    assert_eq!((status_and_code(&hung.events), hung.events.len()), ((0, "no answer".into()), 1));

    bench.aws.inject(Fault::Reset, None, Some(1));
    let reset = bench.handle(&request);
    assert!(matches!(reset.action, Action::Reset));
    assert_eq!(status_and_code(&reset.events), (0, "connection reset".into()));

    bench.aws.inject(Fault::Cut { after_bytes: 100_000 }, None, Some(1));
    let cut = bench.handle(&request);
    let Action::Cut { response, after_bytes } = cut.action else { panic!("{:?}", cut.action) };
    assert_eq!(after_bytes, response.body().len() - 1, "something is always missing");
    assert!(matches!(cut.events[0], What::Grant { .. }), "the work was done");
    assert_eq!(status_and_code(&cut.events), (0, "answer cut short".into()));

    bench.aws.inject(Fault::Garbage, None, Some(1));
    let garbage = bench.handle(&request);
    assert_eq!(status_and_code(&garbage.events).0, 0);
    assert!(reply(garbage.action).body.starts_with("<!doctype html>"));

    bench.aws.inject(Fault::Slow(Duration::from_secs(3)), None, Some(1));
    let Action::Delay(delay, then) = bench.handle(&request).action else { panic!("not delayed") };
    assert_eq!((delay, reply(*then).status), (Duration::from_secs(3), 200));
    assert_eq!(bench.send(&request).status, 200, "and all is well again");
}

#[test]
fn throttling_comes_after_the_signature_and_for_as_many_calls_as_planned() {
    let mut bench = Bench::new();
    let blob = bench.wrapped();
    bench.aws.inject(Fault::Throttle, Some("vpce-a"), Some(2));
    let codes: Vec<u16> = (0..3).map(|_| bench.decrypt(&blob).status).collect();
    assert_eq!(codes, [400, 400, 200]);
    bench.aws.inject(Fault::Throttle, None, None);
    bench.client.credentials.secret_access_key = "wrong".into();
    assert!(bench.decrypt(&blob).body.contains("InvalidSignatureException"));
}

#[test]
fn hosts_of_private_endpoints_and_loopback_lead_to_the_service() {
    let mut bench = Bench::new();
    let hosts = [
        ("vpce-0a1b-2c3d.kms.us-east-1.vpce.amazonaws.com", 200),
        ("KMS.us-east-1.amazonaws.com:443", 200),
        ("127.0.0.1:4566", 200),
        ("[::1]:4566", 200),
        ("localhost", 200),
        ("kms.eu-west-1.amazonaws.com", 421),
        ("vpce-0a1b.kms.eu-west-1.vpce.amazonaws.com", 421),
        ("sts.us-east-1.amazonaws.com", 403),
        ("", 421),
    ];
    for (host, status) in hosts {
        let body = json!({"KeyId": bench.key}).to_string();
        let mut request = bench.client.kms("DescribeKey", &body);
        request.headers_mut().remove("authorization");
        request.headers_mut().insert("host", host.parse().unwrap());
        bench.client.sign(&mut request, "kms");
        let reply = bench.send(&request);
        assert_eq!(reply.status, status, "{host}: {}", reply.body);
    }
}

/// Everything that a run of some length gives out.
fn session_of_calls(seed: [u8; 32]) -> String {
    let mut bench = Bench::seeded(seed, "us-east-1");
    bench.aws.add_role("opener", &["*"], None);
    let mut log = format!("{} {:?}", bench.key, bench.user.secret_access_key);
    for round in 0..3 {
        let blob = bench.wrapped();
        for request in [
            bench.client.kms("Decrypt", &json!({"CiphertextBlob": blob}).to_string()),
            bench.client.kms("DescribeKey", &json!({"KeyId": bench.key}).to_string()),
            bench.client.sts("Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/opener&RoleSessionName=proxy"),
            bench.client.kms("Nonsense", "{}"),
        ] {
            let handled = bench.handle(&request);
            log += &format!("{round} {blob} {:?} {:?}\n", handled.action, handled.events);
        }
        bench.aws.change_key("master", KeyChange::Rotate, now()).unwrap();
    }
    log
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(session_of_calls([1; 32]), session_of_calls([1; 32]));
    assert_ne!(session_of_calls([1; 32]), session_of_calls([2; 32]));
}

#[test]
fn a_key_does_not_depend_on_what_was_added_before_it() {
    let mut bench = Bench::new();
    bench.aws.add_key("another");
    bench.aws.add_user("another");
    assert_eq!(bench.aws.add_key("late"), Bench::new().aws.add_key("late"));
}

#[test]
fn the_fake_can_be_handed_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let boxed: Box<dyn Cloud> = Box::new(Bench::new().aws);
    is_send(&boxed);
}

proptest! {
    #[test]
    fn whatever_arrives_is_answered(
        target in "[ -~]{0,40}",
        authorization in "(AWS4-HMAC-SHA256 )?[ -~]{0,80}",
        date in "[0-9TZ]{0,20}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bench = Bench::new();
        let request = Request::post("/")
            .header("host", "127.0.0.1")
            .header("x-amz-target", target)
            .header("authorization", authorization)
            .header("x-amz-date", date)
            .body(Bytes::from(body.clone()))
            .unwrap();
        prop_assert!(bench.send(&request).status >= 400);
        let mut signed = Request::post("/").header("host", "127.0.0.1").header("x-amz-target", "TrentService.Decrypt");
        signed.headers_mut().unwrap().insert("content-type", "text/plain".parse().unwrap());
        let mut signed = signed.body(Bytes::from(body)).unwrap();
        for service in ["kms", "sts"] {
            bench.client.sign(&mut signed, service);
            prop_assert!(bench.send(&signed).status >= 400);
        }
    }
}
