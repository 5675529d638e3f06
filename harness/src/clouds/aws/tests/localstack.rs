//! The account as LocalStack serves one: who may call, in which region, and how that changes where signatures count.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{Client, Reply, now, reply};
use crate::clouds::aws::{IssuedCredentials, LocalStack};
use crate::clouds::{Arrival, Cloud};
use crate::trace::Trace;

fn localstack(strict: bool) -> LocalStack {
    let trace = Trace::new(b"fingerprint key", || Duration::ZERO);
    LocalStack::new("us-east-1", [7; 32], now(), trace, strict)
}

fn client(id: &str, secret: &str, region: &str) -> Client {
    let credentials =
        IssuedCredentials { access_key_id: id.to_owned(), secret_access_key: secret.to_owned(), session_token: None };
    Client { credentials, at: now(), region: region.to_owned() }
}

fn send(cloud: &mut LocalStack, mut request: Request<Bytes>, host: &str) -> Reply {
    request.headers_mut().insert("host", host.parse().unwrap());
    let arrival = Arrival { at: now(), via: "public".to_owned(), private: false };
    reply(cloud.handle(&arrival, &request).action)
}

fn made_in(cloud: &mut LocalStack, region: &str, host: &str) -> String {
    let made = send(cloud, client("test", "wrong", region).kms("CreateKey", "{}"), host);
    let body: Value = serde_json::from_str(&made.body).unwrap();
    body["KeyMetadata"]["Arn"].as_str().unwrap_or(&made.body).to_owned()
}

#[test]
fn the_scope_of_the_signature_chooses_the_region_whatever_the_host_is_called() {
    let mut cloud = localstack(false);
    for host in ["127.0.0.1:4566", "localhost:4566", "localhost.localstack.cloud:4566", "fake-aws", "[::1]:4566"] {
        for region in ["eu-west-1", "us-gov-east-1", "us-east-1"] {
            let arn = made_in(&mut cloud, region, host);
            assert!(arn.starts_with(&format!("arn:aws:kms:{region}:000000000000:key/")), "{host}: {arn}");
        }
    }
    let host = "kms.eu-west-1.amazonaws.com";
    assert!(made_in(&mut cloud, "eu-west-1", host).starts_with("arn:aws:kms:eu-west-1:"));
    for nonsense in ["", "elsewhere", "us-east-11", "../../etc-1", "US-EAST-1"] {
        let arn = made_in(&mut cloud, nonsense, "127.0.0.1");
        assert!(arn.starts_with("arn:aws:kms:us-east-1:"), "`{nonsense}` is no region: {arn}");
    }
}

#[test]
fn a_key_of_one_region_is_not_in_another() {
    let mut cloud = localstack(false);
    let arn = made_in(&mut cloud, "eu-west-1", "127.0.0.1");
    let ask = |region: &str| client("test", "test", region).kms("DescribeKey", &json!({"KeyId": arn}).to_string());
    assert_eq!(send(&mut cloud, ask("eu-west-1"), "127.0.0.1").status, 200);
    assert!(send(&mut cloud, ask("eu-west-2"), "127.0.0.1").body.contains("NotFoundException"));
}

#[test]
fn anybody_may_call_and_a_call_without_a_signature_is_the_accounts_own() {
    let mut cloud = localstack(false);
    let mut unsigned = client("test", "test", "us-east-1").kms("ListKeys", "{}");
    unsigned.headers_mut().remove("authorization");
    assert_eq!(send(&mut cloud, unsigned, "127.0.0.1").status, 200);
    let whose = client("AKIAIOSFODNN7EXAMPLE", "?", "us-east-1").sts("Action=GetCallerIdentity&Version=2011-06-15");
    let root = send(&mut cloud, whose, "127.0.0.1").body;
    assert!(root.contains("<Arn>arn:aws:iam::000000000000:root</Arn>"), "{root}");
    assert!(root.contains("<Account>000000000000</Account>"), "{root}");
}

#[test]
fn strict_verifies_the_signature_of_test_and_knows_nobody_else_and_no_other_region() {
    let mut cloud = localstack(true);
    let mut ask = |id: &str, secret: &str, region: &str| {
        let mut signed = client(id, secret, region);
        signed.at = now();
        let mut request = signed.kms("ListKeys", "{}");
        request.headers_mut().insert("host", "127.0.0.1".parse().unwrap());
        request.headers_mut().remove("authorization");
        signed.sign(&mut request, "kms");
        send(&mut cloud, request, "127.0.0.1")
    };
    assert_eq!(ask("test", "test", "us-east-1").status, 200);
    assert!(ask("test", "wrong", "us-east-1").body.contains("InvalidSignatureException"));
    assert!(ask("somebody", "test", "us-east-1").body.contains("UnrecognizedClientException"));
    assert!(ask("test", "test", "eu-west-1").body.contains("scoped to a valid region, not 'eu-west-1'"));
}
