//! AssumeRole from the first call to the expiry of what it gave.

use std::time::Duration;

use serde_json::json;

use super::{Bench, Reply, now};
use crate::clouds::aws::{Holder, IssuedCredentials, Unchanged};

fn assume(bench: &mut Bench, external_id: &str, seconds: u32) -> Reply {
    bench.sts(&format!(
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fopener&RoleSessionName=kmip-proxy&ExternalId={external_id}&DurationSeconds={seconds}"
    ))
}

fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("<{tag}>")).unwrap_or_else(|| panic!("no {tag} in {text}"));
    rest.split_once(&format!("</{tag}>")).unwrap().0
}

fn credentials(reply: &Reply) -> IssuedCredentials {
    assert_eq!(reply.status, 200, "{}", reply.body);
    IssuedCredentials {
        access_key_id: between(&reply.body, "AccessKeyId").to_owned(),
        secret_access_key: between(&reply.body, "SecretAccessKey").to_owned(),
        session_token: Some(between(&reply.body, "SessionToken").to_owned()),
    }
}

#[test]
fn an_assumed_role_opens_keys_until_its_session_expires() {
    let mut bench = Bench::new();
    bench.aws.add_role("opener", &["atlas"], Some("shared"));
    bench.aws.deny("atlas", "kms:*", "*");
    let blob = bench.wrapped();
    assert_eq!(bench.decrypt(&blob).status, 400, "the user itself may do nothing but assume the role");
    bench.client.credentials = credentials(&assume(&mut bench, "shared", 900));
    assert_eq!(bench.decrypt(&blob).status, 200);
    for (later, status) in [(899, 200), (900, 400)] {
        bench.arrival.at = now() + Duration::from_secs(later);
        bench.client.at = bench.arrival.at;
        let reply = bench.decrypt(&blob);
        assert_eq!(reply.status, status, "{}", reply.body);
    }
    assert!(bench.decrypt(&blob).body.contains("ExpiredTokenException"));
}

#[test]
fn the_answer_is_written_as_sts_writes_it() {
    let mut bench = Bench::new();
    bench.aws.add_role("opener", &["arn:aws:iam::111122223333:user/atlas"], None);
    insta::assert_snapshot!("assume_role", assume(&mut bench, "ignored", 3600).body);
    insta::assert_snapshot!("get_caller_identity", bench.sts("Action=GetCallerIdentity&Version=2011-06-15").body);
}

#[test]
fn every_session_has_credentials_of_its_own() {
    let mut bench = Bench::new();
    bench.aws.add_role("opener", &["*"], None);
    let first = credentials(&assume(&mut bench, "", 900));
    let second = credentials(&assume(&mut bench, "", 900));
    assert_ne!(first, second);
    assert!(first.access_key_id.starts_with("ASIA") && first.access_key_id.len() == 20);
}

#[test]
fn a_missing_role_and_an_untrusting_one_refuse_in_the_same_words() {
    let mut bench = Bench::new();
    let missing = between(&assume(&mut bench, "shared", 900).body, "Message").to_owned();
    bench.aws.add_role("opener", &["somebody else"], Some("shared"));
    let untrusting = assume(&mut bench, "shared", 900);
    assert_eq!(between(&untrusting.body, "Message"), missing);
    assert_eq!(untrusting.status, 403);
}

#[test]
fn what_the_caller_wrote_comes_back_escaped() {
    let mut bench = Bench::new();
    let reply = bench.sts("Action=%3Cscript%3E+%26");
    assert_eq!(between(&reply.body, "Message"), "&lt;script&gt; &amp; is not implemented by the fake");
}

#[test]
fn temporary_credentials_expire_and_a_users_keys_do_not() {
    let mut bench = Bench::new();
    let session = bench.aws.add_session(Holder::Role("opener"), None);
    bench.client.credentials = session.clone();
    let key = bench.key.clone();
    let describe = |bench: &mut Bench| bench.kms("DescribeKey", &json!({"KeyId": key}));
    assert_eq!(describe(&mut bench).status, 200);
    bench.aws.expire(&session.access_key_id, now()).unwrap();
    assert!(describe(&mut bench).body.contains("ExpiredTokenException"));
    let user = bench.user.access_key_id.clone();
    assert!(matches!(bench.aws.expire(&user, now()), Err(Unchanged::NoSuchSession(shown)) if !user.contains(&shown)));
}
