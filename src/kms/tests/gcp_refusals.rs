//! What each of Google's refusals means, how long it is waited for, and to whom a call turns next.
//!
//! The texts are Google's own where one has been published; the others are written after those.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::gcp::{KEY, credentials, decrypted, granted, json_answer, open, provider};
use super::world::{Act, World};
use crate::kms::{Class, GcpKms, KmsError, Settings};

/// A refusal of Cloud KMS.
fn refusal(status: u16, code: &str, message: &str, details: &Value) -> Act {
    let error = json!({"code": status, "message": message, "status": code, "details": details});
    json_answer(status, &json!({"error": error}))
}

fn reason(reason: &str) -> Value {
    json!([
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": "x", "url": "https://x"}]},
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"},
    ])
}

fn violation(kind: &str) -> Value {
    let violation = json!({"type": kind, "subject": format!("{KEY}/cryptoKeyVersions/1"), "description": "x"});
    json!([{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [violation]}])
}

/// The same answer with a Retry-After.
fn later(act: Act, seconds: &str) -> Act {
    let Act::Raw(bytes) = act else { panic!("only answers have headers") };
    let text = String::from_utf8(bytes).unwrap();
    Act::Raw(text.replacen("\r\n", &format!("\r\nretry-after: {seconds}\r\n"), 1).into_bytes())
}

async fn answer(act: Act) -> KmsError {
    open(&provider(&World::new(), [act]), credentials(), KEY).await.unwrap_err()
}

async fn token_answer(act: Act) -> KmsError {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    world.server("127.0.0.1:4567", [act]);
    open(&kms, credentials(), KEY).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_cloud_kms_has_its_class() {
    let version = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    let state = |state: &str| format!("{version} is not enabled, current state is: {state}.");
    let credentials = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.";
    let may_not = format!("Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource '{KEY}'");
    let maybe = format!("{may_not} (or it may not exist).");
    let unused = "Cloud Key Management Service (KMS) API has not been used in project 1 before or it is disabled.";
    let perimeter = "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x";
    let wrong_key = "Decryption failed: verify that 'name' refers to the correct CryptoKey.";
    let nothing = || json!([]);
    let table = [
        (401, "UNAUTHENTICATED", credentials, reason("ACCESS_TOKEN_EXPIRED"), Class::CredentialsExpired),
        (401, "UNAUTHENTICATED", credentials, reason("ACCESS_TOKEN_TYPE_UNSUPPORTED"), Class::CredentialsInvalid),
        (401, "UNAUTHENTICATED", credentials, nothing(), Class::CredentialsInvalid),
        (403, "PERMISSION_DENIED", &maybe, nothing(), Class::AccessDenied),
        (403, "PERMISSION_DENIED", &may_not, reason("IAM_PERMISSION_DENIED"), Class::AccessDenied),
        (403, "PERMISSION_DENIED", unused, reason("SERVICE_DISABLED"), Class::AccessDenied),
        (403, "PERMISSION_DENIED", unused, nothing(), Class::AccessDenied),
        (400, "FAILED_PRECONDITION", unused, nothing(), Class::AccessDenied),
        (403, "PERMISSION_DENIED", perimeter, reason("SECURITY_POLICY_VIOLATED"), Class::EndpointPolicyDenied),
        (403, "PERMISSION_DENIED", perimeter, nothing(), Class::EndpointPolicyDenied),
        (403, "PERMISSION_DENIED", "x", reason("SECURITY_POLICY_VIOLATED"), Class::EndpointPolicyDenied),
        (400, "FAILED_PRECONDITION", &state("DISABLED"), nothing(), Class::KeyDisabled),
        (400, "FAILED_PRECONDITION", &state("DISABLED"), violation("KEY_DISABLED"), Class::KeyDisabled),
        (400, "FAILED_PRECONDITION", "in other words", violation("KEY_DISABLED"), Class::KeyDisabled),
        (400, "FAILED_PRECONDITION", &state("DESTROY_SCHEDULED"), nothing(), Class::KeyPendingDeletion),
        (400, "FAILED_PRECONDITION", "x", violation("KEY_DESTROY_SCHEDULED"), Class::KeyPendingDeletion),
        (400, "FAILED_PRECONDITION", &state("DESTROYED"), nothing(), Class::KeyMissing),
        (400, "FAILED_PRECONDITION", "x", violation("KEY_DESTROYED"), Class::KeyMissing),
        (400, "FAILED_PRECONDITION", &state("PENDING_GENERATION"), nothing(), Class::KeyUnusable),
        (400, "FAILED_PRECONDITION", &state("PENDING_IMPORT"), nothing(), Class::KeyUnusable),
        (400, "FAILED_PRECONDITION", &state("PENDING_EXTERNAL_DESTRUCTION"), nothing(), Class::KeyUnusable),
        (400, "FAILED_PRECONDITION", &state("IMPORT_FAILED"), nothing(), Class::KeyUnusable),
        (400, "FAILED_PRECONDITION", &state("GENERATION_FAILED"), nothing(), Class::KeyUnusable),
        (400, "FAILED_PRECONDITION", "the key has another purpose", nothing(), Class::KeyUnusable),
        (400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.", nothing(), Class::CiphertextInvalid),
        (400, "INVALID_ARGUMENT", wrong_key, nothing(), Class::WrongKeyOrRegion),
        (400, "INVALID_ARGUMENT", "Request contains an invalid argument.", nothing(), Class::BadResponse),
        (404, "NOT_FOUND", "CryptoKey projects/x not found.", nothing(), Class::KeyMissing),
        (429, "RESOURCE_EXHAUSTED", "Quota exceeded", reason("RATE_LIMIT_EXCEEDED"), Class::Throttled),
        (500, "INTERNAL", "x", nothing(), Class::CloudInternal),
        (500, "UNKNOWN", "x", nothing(), Class::CloudInternal),
        (503, "UNAVAILABLE", "The service is currently unavailable.", nothing(), Class::CloudInternal),
        (504, "DEADLINE_EXCEEDED", "x", nothing(), Class::CloudInternal),
        (409, "ABORTED", "x", nothing(), Class::CloudInternal),
        (408, "WHATEVER", "x", nothing(), Class::CloudInternal),
        (502, "WHATEVER", "x", nothing(), Class::CloudInternal),
        (418, "WHATEVER", "x", nothing(), Class::BadResponse),
    ];
    let reasons = ["ACCESS_TOKEN_EXPIRED", "SERVICE_DISABLED", "SECURITY_POLICY_VIOLATED"];
    for (status, code, message, details, class) in table {
        let reason = details.pointer("/1/reason").and_then(Value::as_str).filter(|reason| reasons.contains(reason));
        let error = answer(refusal(status, code, message, &details)).await;
        assert_eq!(error.class, class, "{status} {code}: {message} {details}");
        let code = reason.unwrap_or(code);
        assert_eq!((error.status, error.code.as_deref()), (Some(status), Some(code)));
        assert_eq!(error.attempts[0].outcome, format!("{status} {code}"));
    }
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_the_token_service_has_its_class() {
    let skewed = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.";
    let table = [
        (400, "invalid_grant", "Invalid JWT Signature.", Class::CredentialsInvalid),
        (400, "invalid_grant", "Invalid grant: account not found", Class::CredentialsInvalid),
        (400, "invalid_grant", skewed, Class::ClockSkew),
        (401, "invalid_client", "The OAuth client was not found.", Class::CredentialsInvalid),
        (401, "unauthorized_client", "Client is unauthorized to retrieve access tokens", Class::CredentialsInvalid),
        (401, "disabled_client", "The OAuth client was disabled.", Class::CredentialsInvalid),
        (400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.", Class::BadResponse),
        (400, "invalid_request", "Missing required parameter", Class::BadResponse),
        (403, "rate_limit_exceeded", "", Class::Throttled),
        (429, "whatever", "", Class::Throttled),
        (500, "internal_failure", "", Class::CloudInternal),
        (503, "whatever", "", Class::CloudInternal),
    ];
    for (status, code, message, class) in table {
        let body = match message {
            "" => json!({"error": code}),
            _ => json!({"error": code, "error_description": message}),
        };
        let error = token_answer(json_answer(status, &body)).await;
        assert_eq!((error.class, error.code.as_deref()), (class, Some(code)), "{code}: {message}");
        assert_eq!(error.attempts[0].endpoint, "http://oauth2.googleapis.com,dial=127.0.0.1:4567");
    }
    // The words about the time of an assertion mean nothing in another code.
    let error = token_answer(json_answer(400, &json!({"error": "invalid_scope", "error_description": skewed}))).await;
    assert_eq!(error.class, Class::BadResponse);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_an_answer_of_google_is_a_bad_response_and_is_not_quoted() {
    let page = "<html>Please log in to the wireless network</html>";
    let deep = format!("{{\"x\":{}", "[".repeat(60_000));
    for status in [200, 302, 400, 401, 403, 404] {
        for body in
            [page, "", "null", "[]", "{\"error\":3}", "{\"error\":{\"status\":\"It is <b>wireless</b>\"}}", &deep]
        {
            for error in [
                answer(Act::text(status, "text/html", body)).await,
                token_answer(Act::text(status, "text/html", body)).await,
            ] {
                let told = error.to_string();
                assert_eq!((error.class, error.code), (Class::BadResponse, None), "{status} {body:.80}");
                assert!(!told.contains("wireless") && told.len() < 300, "{told}");
            }
        }
    }
    assert_eq!(answer(Act::text(503, "text/html", page)).await.class, Class::CloudInternal);
    assert_eq!(answer(Act::text(429, "text/html", page)).await.class, Class::Throttled);
    assert_eq!(token_answer(Act::text(502, "text/html", page)).await.class, Class::CloudInternal);
    assert_eq!(answer(Act::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())).await.class, Class::BadResponse);
    for body in [json!({}), json!({"access_token": ""}), json!({"access_token": "a\nb"}), json!({"access_token": 3})] {
        assert_eq!(token_answer(json_answer(200, &body)).await.class, Class::BadResponse, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn details_say_what_the_code_does_not() {
    let message = format!("Permission 'x' denied on resource '{KEY}' (or it may not exist).");
    let unused = "Cloud Key Management Service (KMS) API has not been used in project 1 before or it is disabled.";
    let destroyed = "k/cryptoKeyVersions/1 is not enabled, current state is: DESTROYED.";
    let grant = |message: &str| json_answer(400, &json!({"error": "invalid_grant", "error_description": message}));
    let texts = [
        answer(refusal(401, "UNAUTHENTICATED", "no", &reason("ACCESS_TOKEN_EXPIRED"))).await,
        answer(refusal(403, "PERMISSION_DENIED", &message, &json!([]))).await,
        answer(refusal(403, "PERMISSION_DENIED", unused, &reason("SERVICE_DISABLED"))).await,
        answer(refusal(400, "FAILED_PRECONDITION", destroyed, &json!([]))).await,
        answer(refusal(400, "FAILED_PRECONDITION", "two\nlines\tof   text", &json!([]))).await,
        token_answer(grant("Invalid JWT Signature.")).await,
        token_answer(grant("Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")).await,
    ];
    let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    Google Cloud KMS: credentials-expired (ACCESS_TOKEN_EXPIRED): service account proxy@atlas-1.iam.gserviceaccount.com: no
    Google Cloud KMS: access-denied (PERMISSION_DENIED): either the key does not exist, or the service account proxy@atlas-1.iam.gserviceaccount.com may not use it: Permission 'x' denied on resource 'projects/atlas-1/locations/europe-west3/keyRings/ring/cryptoKeys/master' (or it may not exist).
    Google Cloud KMS: access-denied (SERVICE_DISABLED): the Cloud KMS API is switched off in the project: Cloud Key Management Service (KMS) API has not been used in project 1 before or it is disabled.
    Google Cloud KMS: key-missing (FAILED_PRECONDITION): the key version has been destroyed: k/cryptoKeyVersions/1 is not enabled, current state is: DESTROYED.
    Google Cloud KMS: key-unusable (FAILED_PRECONDITION): two lines of text
    Google Cloud KMS: credentials-invalid (invalid_grant): getting a token for the service account proxy@atlas-1.iam.gserviceaccount.com from oauth2.googleapis.com: Invalid JWT Signature.
    Google Cloud KMS: clock-skew (invalid_grant): getting a token for the service account proxy@atlas-1.iam.gserviceaccount.com from oauth2.googleapis.com: this machine's clock is 612 s behind that of Google: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.
    ");
}

#[tokio::test(start_paused = true)]
async fn neither_token_nor_assertion_nor_private_key_is_ever_told() {
    let error = answer(refusal(401, "UNAUTHENTICATED", "What is ya29.TOKEN1, please?", &json!([]))).await;
    insta::assert_snapshot!(error.to_string(), @"Google Cloud KMS: credentials-invalid (UNAUTHENTICATED): service account proxy@atlas-1.iam.gserviceaccount.com: What is (secret), please?");

    // An echo of the assertion: the clock of this world stands still, so that it is known beforehand.
    let world = World::new();
    open(&provider(&world, [decrypted()]), credentials(), KEY).await.unwrap();
    let assertion = world.state().requests[0].rsplit_once("assertion=").unwrap().1.to_owned();
    let echo = json!({"error": "invalid_grant", "error_description": format!("Bad assertion {assertion}")});
    let error = token_answer(json_answer(400, &echo)).await;
    assert!(error.detail.unwrap().ends_with(": Bad assertion (secret)"));

    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    open(&kms, credentials(), KEY).await.unwrap();
    // The world, which is a part of the provider here, has seen everything; what the provider keeps stands after it.
    let kept = format!("{kms:?}").rsplit_once("tokens: ").unwrap().1.to_owned();
    assert!(kept.contains("proxy@atlas-1") && !kept.contains("TOKEN1") && !kept.contains("BEGIN"), "{kept}");
}

/// How long a future takes on the paused clock.
#[expect(clippy::disallowed_methods, reason = "the test's own stop watch")]
async fn timed<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let output = future.await;
    (output, Instant::now() - start)
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_for_as_long_as_google_asks() {
    let busy = || refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded", &json!([]));
    for (act, wait) in [(busy(), 200), (later(busy(), "2"), 2000), (later(busy(), "soon"), 200)] {
        let kms = provider(&World::new(), [act.clone(), decrypted()]);
        let (opened, time) = timed(open(&kms, credentials(), KEY)).await;
        assert!(opened.is_ok());
        assert_eq!(time, Duration::from_millis(wait), "{act:?}");
    }

    let kms = provider(&World::new(), [later(busy(), "60"), decrypted()]);
    let (opened, time) = timed(open(&kms, credentials(), KEY)).await;
    let error = opened.unwrap_err();
    assert_eq!((error.class, error.attempts.len(), time), (Class::Throttled, 1, Duration::ZERO));
    insta::assert_snapshot!(error.to_string(), @"Google Cloud KMS: throttled (RESOURCE_EXHAUSTED): it asks to wait 60 s, which is longer than the request may take: Quota exceeded");

    // The token service, too.
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    let busy = json_answer(429, &json!({"error": "rate_limit_exceeded"}));
    world.server("127.0.0.1:4567", [later(busy, "1"), granted(1)]);
    let (opened, time) = timed(open(&kms, credentials(), KEY)).await;
    assert_eq!((opened.is_ok(), time), (true, Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn token_and_key_share_one_deadline() {
    let slow = |milliseconds, act| Act::Slow(Duration::from_millis(milliseconds), Box::new(act));
    for (token, key, opens) in [(2000, 1900, true), (2000, 2100, false), (4100, 0, false)] {
        let world = World::new();
        let kms = provider(&world, [slow(key, decrypted())]);
        world.server("127.0.0.1:4567", [slow(token, granted(1))]);
        let (opened, time) = timed(open(&kms, credentials(), KEY)).await;
        let expected = (!opens).then_some(Class::DeadlineExceeded);
        assert_eq!(opened.err().map(|error| error.class), expected, "{token} {key}");
        assert!(time <= Duration::from_millis(4005), "{time:?}");
    }
}

/// Two Private Service Connect endpoints, at 127.0.0.1 and 127.0.0.2, and Google's public name, at 127.0.0.3.
fn endpoints(world: &World) -> GcpKms {
    world.server("127.0.0.9:80", [granted(1)]);
    let endpoints = [
        "private:http://cloudkms-atlas.p.googleapis.com,dial=127.0.0.1",
        "private:http://cloudkms.googleapis.com,dial=127.0.0.2",
        "http://cloudkms.googleapis.com,dial=127.0.0.3",
    ];
    let settings = Settings {
        endpoints: endpoints.map(|endpoint| endpoint.parse().unwrap()).into(),
        token_endpoint: Some("http://oauth2.googleapis.com,dial=127.0.0.9".parse().unwrap()),
        allow_plain_http: true,
        ..Settings::default()
    };
    GcpKms::new(world.env(), settings)
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_leads_to_the_next_endpoint_under_that_endpoints_name() {
    let world = World::new();
    world
        .server("127.0.0.1:80", [refusal(503, "UNAVAILABLE", "x", &json!([]))])
        .server("127.0.0.2:80", [Act::Close])
        .server("127.0.0.3:80", [decrypted()]);
    open(&endpoints(&world), credentials(), KEY).await.unwrap();
    let state = world.state();
    assert_eq!(state.connections, ["127.0.0.9:80", "127.0.0.1:80", "127.0.0.2:80", "127.0.0.3:80"]);
    let hosts: Vec<&str> = state
        .requests
        .iter()
        .filter_map(|request| request.lines().find_map(|line| line.strip_prefix("host: ")))
        .collect();
    let (private, public) = ("cloudkms-atlas.p.googleapis.com", "cloudkms.googleapis.com");
    assert_eq!(hosts, ["oauth2.googleapis.com", private, public, public]);
}

#[tokio::test(start_paused = true)]
async fn a_service_perimeter_leads_to_other_private_endpoints_alone() {
    let perimeter = || refusal(403, "PERMISSION_DENIED", "x", &reason("SECURITY_POLICY_VIOLATED"));
    let world = World::new();
    world.server("127.0.0.1:80", [perimeter()]).server("127.0.0.2:80", [perimeter()]);
    world.server("127.0.0.3:80", [decrypted()]);
    let error = open(&endpoints(&world), credentials(), KEY).await.unwrap_err();
    assert_eq!(error.class, Class::EndpointPolicyDenied);
    let outcomes: Vec<&str> = error.attempts.iter().map(|attempt| attempt.outcome.as_str()).collect();
    let refused = "403 SECURITY_POLICY_VIOLATED";
    assert_eq!(outcomes, [refused, refused, "not tried: it is public"]);
}

#[tokio::test(start_paused = true)]
async fn with_private_networking_required_a_private_endpoint_must_have_a_private_address() {
    let name = "cloudkms-atlas.p.googleapis.com";
    for (address, class) in [("203.0.113.9", Class::NetworkNotPrivate), ("10.0.0.5", Class::EndpointUnreachable)] {
        let world = World::new();
        world.name(name, &[address]).server("127.0.0.9:80", [granted(1)]);
        let settings = Settings {
            endpoints: vec![format!("private:https://{name}").parse().unwrap()],
            token_endpoint: Some("http://oauth2.googleapis.com,dial=127.0.0.9".parse().unwrap()),
            allow_plain_http: true,
            require_private_networking: true,
            ..Settings::default()
        };
        let error = open(&GcpKms::new(world.env(), settings), credentials(), KEY).await.unwrap_err();
        assert_eq!(error.class, class, "{error}");
        let asked = usize::from(class == Class::EndpointUnreachable);
        assert_eq!(world.state().connections.len(), 1 + asked);
    }
}
