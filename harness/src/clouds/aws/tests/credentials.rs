//! Who is let in, to the second: users, sessions, assumed roles, and clocks.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, now};
use crate::clouds::aws::{Fault, Holder, IssuedCredentials, Unchanged};

const SECOND: Duration = Duration::from_secs(1);
const ASSUME: &str = "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/opener&RoleSessionName=proxy";

/// The code that DescribeKey answers, or `ok`.
fn code(bench: &mut Bench) -> String {
    let key = bench.key.clone();
    let reply = bench.kms("DescribeKey", &json!({"KeyId": key}));
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    body["__type"].as_str().unwrap_or("ok").to_owned()
}

/// The code that AssumeRole answers, or `ok` with what it gave.
fn assumed(bench: &mut Bench) -> (String, Option<IssuedCredentials>) {
    let reply = bench.sts(ASSUME);
    let between = |tag: &str| {
        let (_, rest) = reply.body.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0.to_owned())
    };
    let issued = between("AccessKeyId").map(|access_key_id| IssuedCredentials {
        access_key_id,
        secret_access_key: between("SecretAccessKey").unwrap(),
        session_token: between("SessionToken"),
    });
    (between("Code").unwrap_or_else(|| "ok".to_owned()), issued)
}

#[test]
fn a_session_without_its_token_with_another_or_with_a_users_key_is_unrecognized() {
    let mut bench = Bench::new();
    let session = bench.aws.add_session(Holder::User("atlas"), None);
    let other = bench.aws.add_session(Holder::User("atlas"), None);
    bench.client.credentials = session.clone();
    assert_eq!(code(&mut bench), "ok");
    for token in [None, other.session_token.clone(), Some(String::new())] {
        bench.client.credentials.session_token = token;
        assert_eq!(code(&mut bench), "UnrecognizedClientException");
    }
    bench.client.credentials = IssuedCredentials { session_token: session.session_token, ..bench.user.clone() };
    assert_eq!(code(&mut bench), "UnrecognizedClientException", "a user's key has no token");
}

#[test]
fn a_token_expires_at_its_second() {
    let mut bench = Bench::new();
    bench.client.credentials = bench.aws.add_session(Holder::User("atlas"), Some(now() + SECOND * 60));
    let just_before = now() + SECOND * 60 - Duration::from_nanos(1);
    for (at, expected) in [(now(), "ok"), (just_before, "ok"), (now() + SECOND * 60, "ExpiredTokenException")] {
        (bench.arrival.at, bench.client.at) = (at, at);
        assert_eq!(code(&mut bench), expected, "{at:?}");
    }
    assert_eq!(assumed(&mut bench).0, "ExpiredToken", "STS says the same in its own words");
}

#[test]
fn a_wrong_secret_comes_before_nothing_but_an_unknown_key_and_an_expired_token() {
    let mut bench = Bench::new();
    bench.client.credentials = bench.aws.add_session(Holder::User("atlas"), Some(now()));
    bench.client.credentials.secret_access_key = "wrong".into();
    assert_eq!(code(&mut bench), "ExpiredTokenException");
    bench.client.credentials = IssuedCredentials { secret_access_key: "wrong".into(), ..bench.user.clone() };
    assert_eq!(code(&mut bench), "InvalidSignatureException");
    assert_eq!(assumed(&mut bench).0, "SignatureDoesNotMatch");
    bench.client.credentials.access_key_id = "AKIAIOSFODNN7EXAMPLE".into();
    assert_eq!(code(&mut bench), "UnrecognizedClientException");
    assert_eq!(assumed(&mut bench).0, "InvalidClientTokenId");
}

#[test]
fn clocks_may_differ_by_five_minutes_and_not_by_a_second_more() {
    for (seconds, ahead, kms, sts) in [
        (300, false, "ok", "ok"),
        (300, true, "ok", "ok"),
        (301, false, "InvalidSignatureException", "SignatureDoesNotMatch"),
        (301, true, "InvalidSignatureException", "SignatureDoesNotMatch"),
    ] {
        let mut bench = Bench::new();
        bench.aws.add_role("opener", &["atlas"], None);
        let apart = SECOND * seconds;
        bench.client.at = if ahead { now() + apart } else { now() - apart };
        assert_eq!((code(&mut bench).as_str(), assumed(&mut bench).0.as_str()), (kms, sts), "{seconds} {ahead}");
    }
}

#[test]
fn a_role_whose_trust_is_withdrawn_cannot_be_assumed_anew_and_its_sessions_go_on() {
    let mut bench = Bench::new();
    bench.aws.add_role("opener", &["atlas"], None);
    let (_, first) = assumed(&mut bench);
    bench.aws.set_role_trust("opener", &["somebody else"], None).unwrap();
    assert_eq!(assumed(&mut bench).0, "AccessDenied");
    bench.client.credentials = first.unwrap();
    assert_eq!(code(&mut bench), "ok");
    bench.client.credentials = bench.user.clone();
    bench.aws.set_role_trust("opener", &["atlas"], Some("shared")).unwrap();
    assert_eq!(assumed(&mut bench).0, "AccessDenied", "now it wants an external id");
    let missing = bench.aws.set_role_trust("nobody", &["*"], None).unwrap_err();
    assert_eq!(missing.to_string(), "the fake AWS has no role named `nobody`: add it first");
}

#[test]
fn a_role_that_is_deleted_takes_its_sessions_along_and_nobody_elses() {
    let mut bench = Bench::new();
    bench.aws.add_role("opener", &["atlas"], None);
    let (_, session) = assumed(&mut bench);
    let other = bench.aws.add_session(Holder::Role("opener-too"), None);
    bench.aws.remove_role("opener").unwrap();
    assert_eq!(assumed(&mut bench).0, "AccessDenied");
    bench.client.credentials = session.unwrap();
    assert_eq!(code(&mut bench), "UnrecognizedClientException");
    bench.client.credentials = other;
    assert_eq!(code(&mut bench), "ok");
    assert_eq!(bench.aws.remove_role("opener"), Err(Unchanged::NoSuchRole("opener".into())));
}

#[test]
fn a_role_whose_policy_is_withdrawn_is_denied_by_the_name_of_its_session() {
    let mut bench = Bench::new();
    bench.aws.add_role("opener", &["atlas"], None);
    bench.client.credentials = assumed(&mut bench).1.unwrap();
    bench.aws.deny("opener", "kms:*", "*");
    let key = bench.key.clone();
    let denied = bench.kms("DescribeKey", &json!({"KeyId": key}));
    let user =
        "User: arn:aws:sts::111122223333:assumed-role/opener/proxy is not authorized to perform: kms:DescribeKey";
    assert!(denied.body.contains(user), "{}", denied.body);
    bench.client.credentials = bench.user.clone();
    assert_eq!(code(&mut bench), "ok", "the user is somebody else");
}

#[test]
fn a_refreshed_role_outlives_its_first_session() {
    let mut bench = Bench::new();
    bench.aws.add_role("opener", &["atlas"], None);
    bench.client.credentials = assumed(&mut bench).1.unwrap();
    (bench.arrival.at, bench.client.at) = (now() + SECOND * 3600, now() + SECOND * 3600);
    assert_eq!(code(&mut bench), "ExpiredTokenException");
    bench.client.credentials = bench.user.clone();
    bench.aws.inject_into("AssumeRole", Fault::Throttle, None, Some(1));
    assert_eq!(assumed(&mut bench).0, "Throttling");
    bench.client.credentials = assumed(&mut bench).1.unwrap();
    assert_eq!(code(&mut bench), "ok");
}
