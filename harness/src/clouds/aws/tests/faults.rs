//! Planned answers: every row of the table, given to every operation that the proxy calls.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Bench, Reply};
use crate::clouds::Action;
use crate::clouds::aws::{Error, Fault, Service};
use crate::trace::What;

/// A call that would go well.
fn call(bench: &mut Bench, operation: &str) -> Reply {
    let (key, blob) = (bench.key.clone(), bench.wrapped());
    let body = match operation {
        "Decrypt" => json!({"KeyId": key, "CiphertextBlob": blob}),
        "Encrypt" => json!({"KeyId": key, "Plaintext": "AAAA"}),
        _ => json!({"KeyId": key}),
    };
    bench.kms(operation, &body)
}

#[test]
fn every_row_that_kms_knows_can_be_given_to_decrypt_encrypt_and_describe_key() {
    let mut given = BTreeSet::new();
    for operation in ["Decrypt", "Encrypt", "DescribeKey"] {
        for (error, answer) in Error::ALL.iter().filter_map(|error| Some((*error, error.fact().kms?))) {
            let mut bench = Bench::new();
            bench.aws.inject(Fault::Answer(error), None, Some(1));
            let reply = call(&mut bench, operation);
            let body: Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!((reply.status, &body["__type"]), (answer.status, &json!(answer.code)), "{operation} {error:?}");
            let message = body["message"].as_str();
            assert_eq!(message.is_some(), error.fact().text.is_some(), "{operation} {error:?}");
            assert!(!reply.body[1..].contains('{'), "a name was left open: {operation} {error:?}: {}", reply.body);
            assert_eq!(call(&mut bench, operation).status, 200, "{operation} {error:?}: once is once");
            given.insert(error);
        }
    }
    assert!(given.len() > 45, "{}", given.len());
}

#[test]
fn a_planned_answer_speaks_of_the_key_and_the_caller_of_the_call() {
    let mut bench = Bench::new();
    bench.aws.inject(Fault::Answer(Error::ForbiddenByKey), None, Some(1));
    let reply = call(&mut bench, "Decrypt");
    let text = format!(
        "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: kms:Decrypt on resource: {} with an explicit deny in a resource-based policy",
        bench.key
    );
    assert!(reply.body.contains(&text), "{}", reply.body);

    // Without KeyId it is the ciphertext that names the key.
    bench.aws.inject(Fault::Answer(Error::PendingDeletion), None, Some(1));
    let blob = bench.wrapped();
    let reply = bench.decrypt(&blob);
    assert!(reply.body.contains(&format!("{} is pending deletion.", bench.key)), "{}", reply.body);
}

#[test]
fn clocks_that_are_said_to_differ_differ_by_more_than_five_minutes() {
    let expected = [
        (
            Error::SignatureExpired,
            "Signature expired: 20261122T032201Z is now earlier than 20261122T032701Z (20261122T033201Z - 5 min.)",
        ),
        (
            Error::SignatureNotYetCurrent,
            "Signature not yet current: 20261122T032201Z is still later than 20261122T031701Z (20261122T031201Z + 5 min.)",
        ),
    ];
    for (error, text) in expected {
        let mut bench = Bench::new();
        bench.aws.inject(Fault::Answer(error), None, None);
        let reply = call(&mut bench, "DescribeKey");
        assert!(reply.body.contains(text), "{}", reply.body);
    }
}

#[test]
fn a_planned_answer_comes_after_the_signature_and_opens_nothing() {
    let mut bench = Bench::new();
    bench.aws.inject(Fault::Answer(Error::InvalidCiphertext), None, None);
    let blob = bench.wrapped();
    let request = bench.client.kms("Decrypt", &json!({"CiphertextBlob": blob}).to_string());
    let handled = bench.handle(&request);
    let [What::Call { status: 400, code: Some(code), cmk: Some(cmk), .. }] = &handled.events[..] else {
        panic!("{:?}", handled.events);
    };
    assert_eq!((code.as_str(), cmk), ("InvalidCiphertextException", &bench.key));
    assert!(matches!(handled.action, Action::Respond(_)));
    bench.client.credentials.secret_access_key = "wrong".into();
    assert!(bench.decrypt(&blob).body.contains("InvalidSignatureException"));
}

#[test]
fn every_fault_of_the_list_of_names_can_be_planned_and_strikes() {
    for name in Fault::names() {
        let mut bench = Bench::new();
        bench.aws.inject(Fault::from_name(name).unwrap(), None, Some(1));
        let request = bench.client.kms("DescribeKey", &json!({"KeyId": bench.key}).to_string());
        let struck = bench.handle(&request);
        let well = bench.handle(&request);
        assert_ne!(format!("{:?}", struck.action), format!("{:?}", well.action), "{name}");
        assert!(matches!(well.action, Action::Respond(response) if response.status() == 200), "{name}");
    }
}

#[test]
fn a_fault_can_be_limited_to_one_operation() {
    let mut bench = Bench::new();
    bench.aws.inject_into("Encrypt", Fault::Answer(Error::DeniedByIdentity), None, None);
    assert_eq!(call(&mut bench, "Decrypt").status, 200);
    assert_eq!(call(&mut bench, "DescribeKey").status, 200);
    assert!(call(&mut bench, "Encrypt").body.contains("kms:Encrypt action"));
    bench.aws.clear_faults(None);
    bench.aws.inject_into("AssumeRole", Fault::Reset, None, None);
    assert_eq!(bench.sts("Action=GetCallerIdentity").status, 200);
    let assume = bench.client.sts("Action=AssumeRole");
    assert!(matches!(bench.handle(&assume).action, Action::Reset));
}

#[test]
fn a_row_that_only_sts_knows_leaves_kms_alone_and_the_other_way_round() {
    for error in Error::ALL.iter().copied() {
        let mut bench = Bench::new();
        bench.aws.inject(Fault::Answer(error), None, None);
        let refused = [call(&mut bench, "DescribeKey"), bench.sts("Action=GetCallerIdentity")].map(|r| r.status >= 400);
        assert_eq!(refused, [error.is_known_to(Service::Kms), error.is_known_to(Service::Sts)], "{error:?}");
    }
}
