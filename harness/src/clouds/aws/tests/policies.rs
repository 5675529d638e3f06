//! Which policy's refusal is told, alone and where several refuse.

use serde_json::{Value, json};

use super::{Bench, Reply};
use crate::clouds::aws::{Aws, Denial};

/// A way to be denied, and the end of its text.
type Way = (fn(&mut Aws), &'static str);

/// Every one, in the order in which they are told where several refuse.
const WAYS: [Way; 7] = [
    (
        |aws| aws.deny_by(Denial::by_endpoint("vpce-a", "*").explicit()),
        "with an explicit deny in a VPC endpoint policy",
    ),
    (
        |aws| aws.deny_by(Denial::by_identity("atlas", "kms:Decrypt", "master").explicit()),
        "with an explicit deny in an identity-based policy",
    ),
    (
        |aws| aws.deny_by(Denial::by_key("master", "*", "kms:Decrypt").explicit()),
        "with an explicit deny in a resource-based policy",
    ),
    (|aws| aws.set_private_only("master", true), "with an explicit deny in a resource-based policy"),
    (|aws| aws.set_endpoint_policy("vpce-a", false), "because no VPC endpoint policy allows the kms:Decrypt action"),
    (|aws| aws.deny("atlas", "kms:*", "*"), "because no identity-based policy allows the kms:Decrypt action"),
    (
        |aws| aws.deny_by(Denial::by_key("master", "atlas", "*")),
        "because no resource-based policy allows the kms:Decrypt action",
    ),
];

fn open(bench: &mut Bench) -> Reply {
    let (blob, key) = (bench.wrapped(), bench.key.clone());
    bench.kms("Decrypt", &json!({"CiphertextBlob": blob, "KeyId": key}))
}

/// The end of the text of a refusal.
fn reason(reply: &Reply) -> String {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((reply.status, &body["__type"]), (400, &json!("AccessDeniedException")));
    let text = body["message"].as_str().unwrap();
    let end = text.find(" with an ").or(text.find(" because ")).unwrap();
    text[end + 1..].to_owned()
}

/// A call that does not come through a private endpoint, so that a private key refuses it.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.arrival.private = false;
    bench
}

#[test]
fn each_policy_refuses_in_words_of_its_own() {
    for (deny, text) in WAYS {
        let mut bench = bench();
        assert_eq!(open(&mut bench).status, 200);
        deny(&mut bench.aws);
        assert_eq!(reason(&open(&mut bench)), text);
    }
}

#[test]
fn where_several_refuse_what_is_explicit_comes_first_and_then_the_way_of_the_call() {
    for (first, (deny, text)) in WAYS.iter().enumerate() {
        let mut bench = bench();
        WAYS[first + 1..].iter().for_each(|(weaker, _)| weaker(&mut bench.aws));
        deny(&mut bench.aws);
        assert_eq!(reason(&open(&mut bench)), *text);
    }
}

#[test]
fn a_denial_concerns_its_principal_its_action_its_key_and_its_endpoint_only() {
    let others = [
        Denial::by_identity("somebody", "kms:Decrypt", "master"),
        Denial::by_identity("atlas", "kms:Encrypt", "master"),
        Denial::by_identity("atlas", "sts:*", "*"),
        Denial::by_identity("atlas", "kms:Decrypt", "other"),
        Denial::by_key("master", "somebody", "*"),
        Denial::by_key("other", "*", "*"),
        Denial::by_endpoint("vpce-b", "*"),
        Denial::by_endpoint("vpce-a", "kms:Encrypt"),
    ];
    let mut bench = bench();
    bench.aws.set_private_only("other", true);
    for denial in others {
        bench.aws.deny_by(denial.clone());
        bench.aws.deny_by(denial.explicit());
    }
    assert_eq!(open(&mut bench).status, 200);
}

#[test]
fn withdrawing_takes_back_exactly_what_was_stated() {
    let mut bench = bench();
    let denial = Denial::by_key("master", "*", "kms:Decrypt");
    bench.aws.deny_by(denial.clone());
    bench.aws.withdraw(denial.clone().explicit());
    assert_eq!(open(&mut bench).status, 400);
    bench.aws.withdraw(denial);
    assert_eq!(open(&mut bench).status, 200);
}

#[test]
fn a_private_key_opens_through_a_private_endpoint() {
    let mut bench = bench();
    bench.aws.set_private_only("master", true);
    assert_eq!(open(&mut bench).status, 400);
    bench.arrival.private = true;
    assert_eq!(open(&mut bench).status, 200);
}

/// The missing permission of the caller is the one that AWS hides behind the ciphertext; other policies speak.
#[test]
fn without_key_id_only_what_the_callers_own_policies_lack_is_hidden() {
    for (deny, text) in WAYS {
        let mut bench = bench();
        let blob = bench.wrapped();
        deny(&mut bench.aws);
        let reply = bench.decrypt(&blob);
        assert_eq!(reply.body.contains("The ciphertext refers to"), text.contains("no identity-based"), "{text}");
    }
}

#[test]
fn access_is_judged_before_the_state_of_the_key() {
    let mut bench = bench();
    let key = bench.key.clone();
    assert_eq!(bench.kms("DisableKey", &json!({"KeyId": key})).status, 200);
    assert!(open(&mut bench).body.contains("DisabledException"));
    bench.aws.deny("atlas", "kms:Decrypt", "master");
    assert!(open(&mut bench).body.contains("AccessDeniedException"));
}
