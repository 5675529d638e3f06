//! Who is given a token, to the second, and how long it is good for.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, EMAIL, NOW, Reply, now, signed};
use crate::clouds::gcp::Unchanged;
use crate::trace::What;

const SECOND: Duration = Duration::from_secs(1);

/// The error and its description, or `ok`.
fn outcome(reply: &Reply) -> String {
    let body = reply.json();
    match body["error"].as_str() {
        Some(error) => format!("{error}: {}", body["error_description"].as_str().unwrap()),
        None => "ok".to_owned(),
    }
}

fn ask_with(changes: &Value) -> String {
    let mut bench = Bench::new();
    let mut claims = bench.claims();
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    outcome(&bench.ask(&claims))
}

const SIGNATURE: &str = "invalid_grant: Invalid JWT Signature.";
const AUDIENCE: &str = "invalid_grant: Invalid JWT: Failed audience check.";
const TIMEFRAME: &str = "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.";

#[test]
fn a_token_opens_the_door_of_cloud_kms_for_an_hour() {
    let mut bench = Bench::new();
    let claims = bench.claims();
    let given = bench.ask(&claims);
    assert_eq!(given.json()["expires_in"], 3599);
    assert_eq!(given.member("token_type"), "Bearer");
    bench.token = Some(given.member("access_token"));
    let blob = bench.wrapped();
    for (after, status) in [(0, 200), (3599, 200), (3600, 401)] {
        bench.arrival.at = now() + SECOND * after;
        assert_eq!(bench.decrypt(&blob).status, status, "{after}");
    }
    bench.token = bench.token.map(|token| token + "x");
    assert_eq!(bench.decrypt(&blob).status, 401);
}

#[test]
fn an_assertion_that_openssl_signed_is_verified() {
    let mut bench = Bench::new();
    let assertion = include_str!("../../../../../fixtures/gcp/assertion.jwt").trim();
    assert_eq!(outcome(&bench.ask_with(assertion)), "ok");
    let (head, signature) = assertion.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    assert_eq!(outcome(&bench.ask_with(&format!("{head}.{flipped}{}", &signature[1..]))), SIGNATURE);
    bench.arrival.at = now() + SECOND * 300;
    assert_eq!(outcome(&bench.ask_with(assertion)), TIMEFRAME);
}

#[test]
fn assertions_are_judged_claim_by_claim() {
    let cases = [
        (json!({}), "ok"),
        (json!({"aud": "https://oauth2-lab.p.googleapis.com/token"}), AUDIENCE),
        (json!({"aud": null}), AUDIENCE),
        (
            json!({"iss": "nobody@kmiplab-project.iam.gserviceaccount.com"}),
            "invalid_grant: Invalid grant: account not found",
        ),
        (json!({"iat": null}), TIMEFRAME),
        (json!({"exp": NOW + 3600}), "ok"),
        (json!({"exp": NOW + 3601}), TIMEFRAME),
        (json!({"exp": NOW, "iat": NOW - 300}), TIMEFRAME),
        (json!({"exp": NOW + 1, "iat": NOW - 299}), "ok"),
        (json!({"iat": NOW + 300, "exp": NOW + 600}), "ok"),
        (json!({"iat": NOW + 301, "exp": NOW + 601}), TIMEFRAME),
        (json!({"sub": EMAIL}), "ok"),
        (
            json!({"sub": "somebody@example.com"}),
            "unauthorized_client: Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
        ),
        (json!({"scope": null}), "invalid_scope: Empty or missing scope not allowed."),
        (
            json!({"scope": "https://www.googleapis.com/auth/nothing"}),
            "invalid_scope: Invalid OAuth scope or ID token audience provided.",
        ),
        (json!({"scope": "https://www.googleapis.com/auth/cloud-platform"}), "ok"),
    ];
    for (changes, expected) in cases {
        assert_eq!(ask_with(&changes), expected, "{changes}");
    }
}

#[test]
fn only_a_key_that_the_account_has_signs_for_it() {
    let mut bench = Bench::new();
    let other = bench.gcp.add_account_key("other");
    let second = bench.gcp.add_account_key("atlas");
    let claims = bench.claims();
    let header = |kid: &str| json!({"alg": "RS256", "typ": "JWT", "kid": kid});
    let (first, own) = (bench.account.clone(), &second.private_key);
    for (kid, pem, expected) in [
        (&first.key_id, &first.private_key, "ok"),
        (&second.key_id, own, "ok"),
        (&first.key_id, own, SIGNATURE),
        (&other.key_id, &other.private_key, SIGNATURE),
        (&first.key_id, &other.private_key, SIGNATURE),
    ] {
        assert_eq!(outcome(&bench.ask_with(&signed(&header(kid), &claims, pem))), expected, "{kid}");
    }
    let unnamed = json!({"alg": "RS256"});
    assert_eq!(outcome(&bench.ask_with(&signed(&unnamed, &claims, own))), "ok", "all of its keys are tried");
    for header in [json!({"alg": "none"}), json!({"alg": "HS256"}), json!([])] {
        assert_eq!(outcome(&bench.ask_with(&signed(&header, &claims, own))), SIGNATURE, "{header}");
    }
    for nonsense in ["a.b", "a.b.c", "....", "%00"] {
        assert_eq!(outcome(&bench.ask_with(nonsense)), SIGNATURE, "{nonsense}");
    }
}

#[test]
fn a_revoked_key_brings_no_token_and_those_that_it_brought_live_on() {
    let mut bench = Bench::new();
    let claims = bench.claims();
    bench.token = Some(bench.ask(&claims).member("access_token"));
    let id = bench.account.key_id.clone();
    bench.gcp.revoke(&id).unwrap();
    assert_eq!(outcome(&bench.ask(&claims)), SIGNATURE);
    let blob = bench.wrapped();
    assert_eq!(bench.decrypt(&blob).status, 200);
    bench.gcp.expire_tokens("atlas", now()).unwrap();
    assert_eq!(bench.decrypt(&blob).status, 401);
    bench.account = bench.gcp.add_account_key("atlas");
    assert_eq!(outcome(&bench.ask(&claims)), "ok");
    let shown = format!("{}…{}", &id[..4], &id[36..]);
    assert_eq!(bench.gcp.revoke(&id), Err(Unchanged::NoSuchAccountKey(shown)));
}

#[test]
fn a_disabled_account_is_given_nothing_and_a_deleted_one_is_not_found() {
    let mut bench = Bench::new();
    let (claims, blob) = (bench.claims(), bench.wrapped());
    bench.gcp.set_account_disabled("atlas", true).unwrap();
    assert_eq!(outcome(&bench.ask(&claims)), "disabled_client: The OAuth client was disabled.");
    let refused = bench.decrypt(&blob).json();
    assert_eq!(refused["error"]["details"][0]["reason"], "ACCOUNT_STATE_INVALID");
    bench.gcp.set_account_disabled("atlas", false).unwrap();
    assert_eq!(bench.decrypt(&blob).status, 200);
    bench.gcp.remove_account("atlas").unwrap();
    assert_eq!(outcome(&bench.ask(&claims)), "invalid_grant: Invalid grant: account not found");
    assert_eq!(bench.decrypt(&blob).status, 401);
    let missing = bench.gcp.remove_account("atlas").unwrap_err();
    assert_eq!(missing.to_string(), "the fake Google Cloud has no service account `atlas`: issue a key for it first");
}

#[test]
fn the_file_of_a_key_is_what_the_console_gives_out() {
    let bench = Bench::new();
    let file: Value = serde_json::from_str(&bench.account.json).unwrap();
    assert_eq!(file["type"], "service_account");
    assert_eq!(file["client_email"], EMAIL);
    assert_eq!(file["token_uri"], "https://oauth2.googleapis.com/token");
    assert_eq!(file["private_key_id"].as_str().unwrap().len(), 40);
    assert_eq!(file["client_id"].as_str().unwrap().len(), 21);
    assert_eq!(file["private_key"], include_str!("../../../../../fixtures/gcp/service-account-1.pem"));
}

#[test]
fn no_private_key_and_no_token_stands_in_an_event() {
    let mut bench = Bench::new();
    let claims = bench.claims();
    let assertion = signed(&json!({"alg": "RS256", "kid": bench.account.key_id}), &claims, &bench.account.private_key);
    let form = format!("grant_type={}&assertion={assertion}", super::GRANT);
    let events = bench.handle(&super::form_request(&form)).events;
    let id = bench.account.key_id.clone();
    let call = What::Call {
        service: "oauth2".into(),
        operation: "Token".into(),
        cmk: None,
        principal: Some(format!("{EMAIL} (key {}…{})", &id[..4], &id[36..])),
        status: 200,
        code: None,
    };
    assert_eq!(events, [call]);
    let token = bench.ask(&claims).member("access_token");
    let line = bench.account.private_key.lines().nth(9).unwrap().to_owned();
    let quoted = Value::from(bench.account.json.clone()).to_string();
    for text in [token, bench.account.private_key.clone(), line, quoted] {
        let found = bench.trace.secrets_in(text.as_bytes());
        assert!(!found.is_empty(), "not known as a secret: {text}");
    }
    assert!(!format!("{:?}", bench.account).contains("PRIVATE"));
}
