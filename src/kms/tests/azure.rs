//! Azure Key Vault and Entra ID: what goes out, what is made of the answers, and how long a token is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use super::failover::timed;
use super::world::{Act, World};
use crate::keys::{AzureCredentials, AzureEnvironment, Credentials, Secret, SecretText};
use crate::kms::{AzureKms, Call, Class, Description, Kms, KmsError, Settings, Wrapped};

/// Only the last digits tell these two versions apart.
const VERSION: &str = "78deebed173b48e48f55abf87ed4cf71";
const KEY: &str = "https://v.vault.azure.net/keys/k";
const VAULT: &str = "127.0.0.1:4566";
const LOGIN: &str = "127.0.0.1:4567";

fn cmk() -> String {
    format!("{KEY}/{VERSION}")
}

/// The answer of decrypt as libmongocrypt's tests have recorded it, with our key: 32 times the byte 7.
fn opened() -> Act {
    let body = format!(r#"{{"kid":"{KEY}/{VERSION}","value":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}}"#);
    let length = body.len();
    Act::Raw(
        format!(
            "HTTP/1.1 200 OK\r\nCache-Control: no-cache\r\nPragma: no-cache\r\nContent-Length: {length}\r\n\
             Content-Type: application/json; charset=utf-8\r\nExpires: -1\r\nx-ms-keyvault-region: eastus\r\n\
             x-ms-request-id: 2ba4a3de-2a7d-4c65-b8c5-c5bd8b6b3f8b\r\nx-ms-keyvault-service-version: 1.9.1054.1\r\n\
             X-Content-Type-Options: nosniff\r\n\r\n{body}"
        )
        .into_bytes(),
    )
}

fn granted(token: &str, seconds: u32) -> Act {
    Act::json(
        200,
        &format!(
            r#"{{"token_type":"Bearer","expires_in":{seconds},"ext_expires_in":{seconds},"access_token":"{token}"}}"#
        ),
    )
}

fn refused(status: u16, code: &str, inner: &str, message: &str) -> Act {
    Act::json(
        status,
        &format!(r#"{{"error":{{"code":"{code}","message":"{message}","innererror":{{"code":"{inner}"}}}}}}"#),
    )
}

fn credentials() -> AzureCredentials {
    AzureCredentials {
        tenant_id: "tenant-1".to_owned(),
        client_id: "client-1".to_owned(),
        client_secret: SecretText::new("hunter2~+/ =".to_owned()),
        environment: AzureEnvironment::Public,
    }
}

fn settings() -> Settings {
    Settings {
        endpoints: vec![format!("http://v.vault.azure.net,dial={VAULT}").parse().unwrap()],
        token_endpoint: Some(format!("http://login.microsoftonline.com,dial={LOGIN}").parse().unwrap()),
        allow_plain_http: true,
        ..Settings::default()
    }
}

/// A provider with one plain endpoint, the vault behind it, and a token service that always gives a token.
fn provider(world: &World, acts: impl IntoIterator<Item = Act>) -> AzureKms {
    world.server(VAULT, acts).server(LOGIN, [granted("token-1", 3599)]);
    AzureKms::new(world.env(), settings())
}

async fn with_call<T>(
    cmk: &str,
    credentials: AzureCredentials,
    ask: impl AsyncFnOnce(Call<'_>) -> Result<T, KmsError>,
) -> Result<T, KmsError> {
    let (context, credentials) = (BTreeMap::new(), Credentials::Azure(credentials));
    ask(Call { key_id: "1", credentials: &credentials, cmk, region: None, context: &context }).await
}

async fn open(kms: &AzureKms) -> Result<Secret, KmsError> {
    with_call(&cmk(), credentials(), async |call| kms.unwrap(call, b"wrapped").await).await
}

async fn wrap(kms: &AzureKms, cmk: &str) -> Result<Wrapped, KmsError> {
    let plaintext = Secret::new(vec![7; 32]);
    with_call(cmk, credentials(), async |call| kms.wrap(call, &plaintext).await).await
}

async fn describe(kms: &AzureKms) -> Result<Description, KmsError> {
    with_call(&cmk(), credentials(), async |call| kms.describe(call).await).await
}

/// How often the token service and the vault were connected to.
fn asked(world: &World) -> (usize, usize) {
    let count = |at: &str| world.state().connections.iter().filter(|to| *to == at).count();
    (count(LOGIN), count(VAULT))
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_and_the_version_that_wrapped_the_key_is_asked_to_decrypt() {
    let world = World::new();
    let kms = provider(&world, [opened()]);
    assert_eq!(open(&kms).await.unwrap().expose(), [7; 32]);
    let requests = world.state().requests.join("\n\n").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!(requests.replace('\r', ""), @r#"
    POST /tenant-1/oauth2/v2.0/token HTTP/1.1
    user-agent: kmip-proxy/VERSION
    content-type: application/x-www-form-urlencoded
    host: login.microsoftonline.com
    connection: close
    content-length: 130

    client_id=client-1&client_secret=hunter2~%2B%2F%20%3D&grant_type=client_credentials&scope=https%3A%2F%2Fvault.azure.net%2F.default

    POST /keys/k/78deebed173b48e48f55abf87ed4cf71/decrypt?api-version=7.4 HTTP/1.1
    user-agent: kmip-proxy/VERSION
    content-type: application/json
    authorization: Bearer token-1
    host: v.vault.azure.net
    connection: close
    content-length: 43

    {"alg":"RSA-OAEP-256","value":"d3JhcHBlZA"}
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_wrap_asks_the_newest_version_and_gives_back_which_one_that_was() {
    let world = World::new();
    let answer = format!(r#"{{"kid":"{KEY}/{VERSION}","value":"d3JhcHBlZA"}}"#);
    let kms = provider(&world, [Act::json(200, &answer)]);
    let wrapped = wrap(&kms, KEY).await.unwrap();
    assert_eq!(wrapped, Wrapped { ciphertext: b"wrapped".to_vec(), key_version: Some(VERSION.to_owned()) });
    let request = world.state().requests[1].clone();
    assert!(request.starts_with("POST /keys/k//encrypt?api-version=7.4 HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with(r#"{"alg":"RSA-OAEP-256","value":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}"#));

    // Without the version nobody could open it again.
    let world = World::new();
    let kms = provider(&world, [Act::json(200, &format!(r#"{{"kid":"{KEY}","value":"d3JhcHBlZA"}}"#))]);
    assert_eq!(wrap(&kms, KEY).await.unwrap_err().class, Class::BadResponse);
}

#[tokio::test(start_paused = true)]
async fn the_setting_for_unwrap_key_changes_the_verbs_alone() {
    let world = World::new();
    world.server(VAULT, [opened()]).server(LOGIN, [granted("token-1", 3599)]);
    let kms = AzureKms::new(world.env(), Settings { azure_unwrap_key: true, ..settings() });
    open(&kms).await.unwrap();
    wrap(&kms, &cmk()).await.unwrap();
    let requests = world.state().requests.clone();
    assert!(requests[1].starts_with(&format!("POST /keys/k/{VERSION}/unwrapkey?api-version=7.4 ")));
    assert!(requests[2].starts_with(&format!("POST /keys/k/{VERSION}/wrapkey?api-version=7.4 ")));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_key_or_without_a_key_is_no_answer() {
    let value = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    for (kid, value) in [
        ("https://v.vault.azure.net/keys/other/78deebed173b48e48f55abf87ed4cf71", value),
        ("https://w.vault.azure.net/keys/k/78deebed173b48e48f55abf87ed4cf71", value),
        ("https://v.vault.azure.net/keys/k/78deebed173b48e48f55abf87ed4cf72", value),
        ("https://v.vault.azure.net/keys/k", value),
        ("", value),
        ("https://v.vault.azure.net/keys/k/78deebed173b48e48f55abf87ed4cf71", ""),
        ("https://v.vault.azure.net/keys/k/78deebed173b48e48f55abf87ed4cf71", "not+base64url="),
    ] {
        let world = World::new();
        let body = format!(r#"{{"kid":"{kid}","value":"{value}"}}"#);
        let kms = provider(&world, [Act::json(200, &body)]);
        let error = open(&kms).await.unwrap_err();
        assert_eq!((error.class, error.status), (Class::BadResponse, Some(200)), "{body}");
        assert!(!format!("{error:?}").contains("BwcH"), "the body of a good answer is not repeated: {error:?}");
    }
    for body in [r#"{"value":"BwcH"}"#, r#"{"kid":"https://v.vault.azure.net/keys/k/1"}"#, "{}", "[]", "null"] {
        let world = World::new();
        let kms = provider(&world, [Act::json(200, body)]);
        assert_eq!(open(&kms).await.unwrap_err().class, Class::BadResponse, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_in_another_case_are_the_same_key() {
    let world = World::new();
    let kid = format!("https://V.vault.azure.net/keys/K/{}", VERSION.to_uppercase());
    let kms = provider(&world, [Act::json(200, &format!(r#"{{"kid":"{kid}","value":"Bwc"}}"#))]);
    assert_eq!(open(&kms).await.unwrap().expose(), [7, 7]);
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_the_vault_has_its_class() {
    let disabled = "Operation decrypt is not allowed on a disabled key.";
    let firewall = r"Client address is not authorized and caller is not a trusted service.\r\nClient address: 1.2.3.4";
    let rows = [
        (401, "Unauthorized", "", "AKV10000: Request is missing a Bearer or PoP token.", Class::CredentialsInvalid),
        (401, "Unauthorized", "", "AKV10032: Invalid issuer.", Class::CredentialsInvalid),
        (401, "Unauthorized", "", "AKV10022: Invalid audience.", Class::CredentialsInvalid),
        (401, "Unauthorized", "", "The token is expired.", Class::CredentialsExpired),
        (401, "Unauthorized", "", "The token is not yet valid.", Class::ClockSkew),
        (403, "Forbidden", "KeyDisabled", disabled, Class::KeyDisabled),
        (403, "Forbidden", "", disabled, Class::KeyDisabled),
        (403, "Forbidden", "KeyNotYetValid", "x", Class::KeyUnusable),
        (403, "Forbidden", "KeyExpired", "x", Class::KeyUnusable),
        (403, "Forbidden", "", "Operation decrypt is not allowed on an expired key.", Class::KeyUnusable),
        (403, "Forbidden", "KeyOperationForbidden", "x", Class::AccessDenied),
        (403, "Forbidden", "AccessDenied", "x", Class::AccessDenied),
        (403, "Forbidden", "ForbiddenByPolicy", "x", Class::AccessDenied),
        (403, "Forbidden", "ForbiddenByRbac", "x", Class::AccessDenied),
        (403, "Forbidden", "SomethingNew", "x", Class::AccessDenied),
        (403, "SomethingNew", "", "x", Class::AccessDenied),
        (403, "Forbidden", "ForbiddenByFirewall", firewall, Class::EndpointPolicyDenied),
        (403, "Forbidden", "", firewall, Class::EndpointPolicyDenied),
        (403, "Forbidden", "ForbiddenByConnection", "x", Class::EndpointPolicyDenied),
        (403, "Forbidden", "", "Public network access is disabled and so on", Class::EndpointPolicyDenied),
        (404, "KeyNotFound", "", "A key with (name/id) k/1 was not found in this key vault.", Class::KeyMissing),
        (409, "Conflict", "ObjectIsDeletedButRecoverable", "x", Class::KeyPendingDeletion),
        (409, "Conflict", "ObjectIsBeingDeleted", "x", Class::KeyPendingDeletion),
        (409, "Conflict", "", "Key k is currently in a deleted but recoverable state", Class::KeyPendingDeletion),
        (409, "Conflict", "ObjectIsBeingRecovered", "x", Class::KeyUnusable),
        (400, "BadParameter", "", "The parameter is incorrect.", Class::CiphertextInvalid),
        (400, "BadParameter", "", "Key and signing algorithm are incompatible", Class::KeyUnusable),
        (400, "SomethingNew", "", "x", Class::BadResponse),
        (408, "Timeout", "", "x", Class::CloudInternal),
        (429, "Throttled", "", "Request was not processed because too many requests were received.", Class::Throttled),
        (500, "InternalError", "", "x", Class::CloudInternal),
        (502, "BadGateway", "", "x", Class::CloudInternal),
        (503, "ServiceUnavailable", "", "x", Class::CloudInternal),
        (504, "GatewayTimeout", "", "x", Class::CloudInternal),
    ];
    for (status, code, inner, message, class) in rows {
        let both = refused(status, code, inner, message);
        let Act::Raw(bytes) = &both else { unreachable!() };
        let other =
            Act::Raw(String::from_utf8(bytes.clone()).unwrap().replace("innererror", "innerError").into_bytes());
        for act in [both, other] {
            let world = World::new();
            let kms = provider(&world, [act]);
            let error = open(&kms).await.unwrap_err();
            assert_eq!((error.class, error.status), (class, Some(status)), "{code} {inner} {message}: {error}");
            let told = if inner.is_empty() { code } else { inner };
            assert_eq!(error.code.as_deref(), Some(told), "{message}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_parameter_means_what_was_asked() {
    let bad = || refused(400, "BadParameter", "", "The parameter is incorrect.");
    let world = World::new();
    let kms = provider(&world, [bad()]);
    let error = open(&kms).await.unwrap_err();
    assert!(error.detail.unwrap().starts_with("the wrapped key is damaged, or another version of the CMK"));
    let error = with_call(KEY, credentials(), async |call| kms.unwrap(call, b"wrapped").await).await.unwrap_err();
    assert_eq!(error.class, Class::WrongKeyOrRegion, "no version is named, so the newest one was asked");
    assert_eq!(wrap(&kms, KEY).await.unwrap_err().class, Class::KeyUnusable, "nothing is damaged yet");
}

#[tokio::test(start_paused = true)]
async fn who_answers_in_azures_place_is_not_believed() {
    for (status, kind, body) in [
        (200, "text/html", "<html>sign in</html>"),
        (301, "text/html", "<html>moved</html>"),
        (401, "text/html", "<html>sign in</html>"),
        (403, "text/html", "<html>blocked by your company</html>"),
        (404, "application/json", r#"{"message":"no such page"}"#),
        (400, "application/json", r#"{"error":{"code":"<b>","message":"x"}}"#),
    ] {
        let world = World::new();
        world.server(VAULT, [Act::text(status, kind, body)]).server("127.0.0.2:80", [opened()]);
        world.server(LOGIN, [granted("token-1", 3599)]);
        let mut two = settings();
        two.endpoints.push("http://v.vault.azure.net,dial=127.0.0.2".parse().unwrap());
        let kms = AzureKms::new(world.env(), two);
        open(&kms).await.unwrap_or_else(|error| panic!("the other endpoint is asked: {body}: {error}"));

        let world = World::new();
        let kms = provider(&world, [Act::text(status, kind, body)]);
        let error = open(&kms).await.unwrap_err();
        assert_eq!((error.class, asked(&world)), (Class::BadResponse, (1, 1)), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_the_token_service_has_its_class() {
    let rows = [
        (401, "invalid_client", 7_000_222, Class::CredentialsExpired),
        (401, "invalid_client", 7_000_215, Class::CredentialsInvalid),
        (400, "unauthorized_client", 700_016, Class::CredentialsInvalid),
        (400, "invalid_request", 90_002, Class::CredentialsInvalid),
        (401, "invalid_client", 700_024, Class::ClockSkew),
        (400, "invalid_grant", 53_003, Class::AccessDenied),
        (400, "invalid_client", 1, Class::CredentialsInvalid),
        (429, "temporarily_unavailable", 1, Class::Throttled),
        (503, "temporarily_unavailable", 1, Class::CloudInternal),
        (500, "server_error", 1, Class::CloudInternal),
        (400, "something_new", 1, Class::BadResponse),
    ];
    for (status, word, number, class) in rows {
        let whole = format!(
            r#"{{"error":"{word}","error_description":"AADSTS{number}: what is wrong. Trace ID: 1","error_codes":[{number}],"error_uri":"https://login.microsoftonline.com/error?code={number}"}}"#
        );
        let without_number = format!(r#"{{"error":"{word}","error_description":"AADSTS{number}: what is wrong."}}"#);
        for body in [whole, without_number] {
            let world = World::new();
            let kms = provider(&world, [opened()]);
            world.server(LOGIN, [Act::json(status, &body)]);
            let error = open(&kms).await.unwrap_err();
            assert_eq!((error.class, error.status), (class, Some(status)), "{body}");
            assert_eq!(error.code, Some(format!("AADSTS{number}")));
            let detail = error.detail.unwrap();
            let place = "getting a token for the application client-1 from login.microsoftonline.com: ";
            assert!(detail.starts_with(place), "{detail}");
            assert_eq!(detail.contains("this machine's clock is 612 s behind"), class == Class::ClockSkew, "{detail}");
            assert_eq!(asked(&world).1, 0, "the vault was not asked");
        }
    }
    for (status, body, class) in [
        (200, "<html>", Class::BadResponse),
        (200, "{}", Class::BadResponse),
        (200, r#"{"access_token":""}"#, Class::BadResponse),
        (200, r#"{"access_token":"a b"}"#, Class::BadResponse),
        (200, r#"{"access_token":"t","token_type":"mac"}"#, Class::BadResponse),
        (200, r#"{"access_token":"t","expires_in":"soon"}"#, Class::BadResponse),
        (403, "<html>", Class::BadResponse),
        (502, "<html>", Class::CloudInternal),
        (429, "", Class::Throttled),
    ] {
        let world = World::new();
        let kms = provider(&world, [opened()]);
        world.server(LOGIN, [Act::json(status, body)]);
        assert_eq!(open(&kms).await.unwrap_err().class, class, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_until_shortly_before_it_expires() {
    let world = World::new();
    let kms = provider(&world, [opened()]);
    world.server(LOGIN, [granted("token-1", 3600), granted("token-2", 3600)]);
    open(&kms).await.unwrap();
    world.pass(Duration::from_secs(3539));
    open(&kms).await.unwrap();
    assert_eq!(asked(&world), (1, 2));
    world.pass(Duration::from_secs(1));
    open(&kms).await.unwrap();
    assert_eq!(asked(&world), (2, 3));
    let bearers: Vec<bool> =
        world.state().requests.iter().map(|request| request.contains("authorization: Bearer token-1\r\n")).collect();
    assert_eq!(bearers, [false, true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_used_only_with_the_secret_that_it_was_got_with() {
    let world = World::new();
    let kms = provider(&world, [opened()]);
    open(&kms).await.unwrap();
    let other = AzureCredentials { client_secret: SecretText::new("other".to_owned()), ..credentials() };
    with_call(&cmk(), other, async |call| kms.unwrap(call, b"wrapped").await).await.unwrap();
    assert_eq!(asked(&world), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_kept_token_that_the_vault_refuses_is_given_up_and_the_call_made_once_more() {
    let expired = || {
        Act::Raw(
            b"HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer authorization=\"https://login.microsoftonline.com/t\", \
              resource=\"https://vault.azure.net\", error=\"invalid_token\", error_description=\"The token expired\"\r\n\
              content-length: 0\r\n\r\n"
                .to_vec(),
        )
    };
    let world = World::new();
    let kms = provider(&world, [opened(), expired(), opened(), expired()]);
    open(&kms).await.unwrap();
    open(&kms).await.unwrap();
    assert_eq!(asked(&world), (2, 3), "one more token, and one more call");

    // Refused again: told so, with both attempts, and not tried for ever.
    let error = open(&kms).await.unwrap_err();
    assert_eq!((error.class, error.attempts.len()), (Class::CredentialsExpired, 2));
    assert_eq!(asked(&world), (3, 5));
    // A token that was refused when it was new is not kept.
    open(&kms).await.unwrap_err();
    assert_eq!(asked(&world), (4, 6), "a new token that is refused is no reason to fetch another");
}

fn throttled(seconds: &str) -> Act {
    Act::Raw(format!("HTTP/1.1 429 X\r\nRetry-After: {seconds}\r\ncontent-length: 0\r\n\r\n").into_bytes())
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_vault_asks_for_is_waited_for_within_the_deadline() {
    let world = World::new();
    let kms = provider(&world, [throttled("2"), opened()]);
    let (opened_at, took) = timed(open(&kms)).await;
    opened_at.unwrap();
    assert_eq!(took.as_millis(), 2000);

    // No wait, or none that can be read: the usual one.
    for nothing in ["0", "Sun, 22 Nov 2026 03:32:13 GMT", "-1"] {
        let world = World::new();
        let kms = provider(&world, [throttled(nothing), opened()]);
        let (result, took) = timed(open(&kms)).await;
        result.unwrap();
        assert_eq!(took.as_millis(), 200, "{nothing}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_told_and_not_waited_for() {
    let world = World::new();
    let kms = provider(&world, [throttled("30"), opened()]);
    let (result, took) = timed(open(&kms)).await;
    let error = result.unwrap_err();
    assert_eq!((error.class, took), (Class::Throttled, Duration::ZERO));
    let detail = error.detail.unwrap();
    assert!(detail.starts_with("it asks to wait 30 s, which is longer than the request may take"), "{detail}");
    assert_eq!(asked(&world), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failing_vault_is_asked_again_and_the_deadline_covers_token_and_call() {
    let busy = || refused(503, "ServiceUnavailable", "", "x");
    let world = World::new();
    let kms = provider(&world, [busy(), opened()]);
    open(&kms).await.unwrap();
    assert_eq!(asked(&world), (1, 2));

    let world = World::new();
    let kms = provider(&world, [Act::Silent]);
    world.server(LOGIN, [Act::Slow(Duration::from_secs(3), Box::new(granted("token-1", 3599)))]);
    let (result, took) = timed(open(&kms)).await;
    assert_eq!((result.unwrap_err().class, took), (Class::DeadlineExceeded, Duration::from_secs(4)));

    let world = World::new();
    let kms = provider(&world, [opened()]);
    world.server(LOGIN, [Act::Silent]);
    let (result, took) = timed(open(&kms)).await;
    assert_eq!((result.unwrap_err().class, took), (Class::DeadlineExceeded, Duration::from_secs(4)));
    assert_eq!(asked(&world), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn without_endpoints_the_vault_of_the_key_is_dialed_and_an_unknown_one_is_no_missing_key() {
    let world = World::new();
    world.name("v.vault.azure.net", &["203.0.113.9"]).server(LOGIN, [granted("token-1", 3599)]);
    let kms = AzureKms::new(world.env(), Settings { endpoints: Vec::new(), ..settings() });
    assert_eq!(open(&kms).await.unwrap_err().class, Class::EndpointUnreachable);
    assert_eq!(world.state().connections, [LOGIN, "203.0.113.9:443"]);

    let world = World::new();
    world.server(LOGIN, [granted("token-1", 3599)]);
    let kms = AzureKms::new(world.env(), Settings { endpoints: Vec::new(), ..settings() });
    let error = open(&kms).await.unwrap_err();
    assert_eq!(error.class, Class::EndpointUnreachable);
    assert!(error.detail.unwrap().contains("name not found"));
}

#[tokio::test(start_paused = true)]
async fn a_private_endpoint_keeps_the_name_of_its_vault_and_serves_no_other() {
    let world = World::new();
    world.server("127.0.0.5:80", [opened()]).server(LOGIN, [granted("token-1", 3599)]);
    let two = |require_private_networking| Settings {
        endpoints: vec![
            "private:http://other.vault.azure.net,dial=127.0.0.6".parse().unwrap(),
            "private:http://v.vault.azure.net,dial=127.0.0.5".parse().unwrap(),
        ],
        require_private_networking,
        ..settings()
    };
    let kms = AzureKms::new(world.env(), two(true));
    open(&kms).await.unwrap();
    assert_eq!(world.state().connections, [LOGIN, "127.0.0.5:80"], "the endpoint of the other vault is not asked");
    assert!(world.state().requests[1].contains("host: v.vault.azure.net\r\n"));

    let other = format!("https://third.vault.azure.net/keys/k/{VERSION}");
    let error = with_call(&other, credentials(), async |call| kms.unwrap(call, b"wrapped").await).await.unwrap_err();
    assert_eq!(error.class, Class::NetworkNotPrivate, "the third vault has no private endpoint");
}

#[tokio::test(start_paused = true)]
async fn names_that_could_lead_a_token_astray_are_refused_before_anything_is_sent() {
    let china = AzureCredentials { environment: AzureEnvironment::China, ..credentials() };
    let tenant = |text: &str| AzureCredentials { tenant_id: text.to_owned(), ..credentials() };
    let client = AzureCredentials { client_id: "a&b=c".to_owned(), ..credentials() };
    let secret = AzureCredentials { client_secret: SecretText::new(String::new()), ..credentials() };
    for (cmk, credentials) in [
        ("https://evil.example/keys/k/1", credentials()),
        ("https://v.vault.azure.net.evil.example/keys/k/1", credentials()),
        ("https://evilvault.azure.net/keys/k/1", credentials()),
        ("https://a.b.vault.azure.net/keys/k/1", credentials()),
        ("https://v.vault.azure.net/keys/../1", credentials()),
        ("https://v.vault.azure.net/keys/k/1?x", credentials()),
        ("k", credentials()),
        (&cmk(), china),
        (&cmk(), tenant("")),
        (&cmk(), tenant("../common")),
        (&cmk(), tenant("t/oauth2")),
        (&cmk(), client),
        (&cmk(), secret),
    ] {
        let world = World::new();
        let kms = provider(&world, [opened()]);
        let shown = format!("{cmk} {credentials:?}");
        let error = with_call(cmk, credentials, async |call| kms.unwrap(call, b"wrapped").await).await.unwrap_err();
        assert_eq!((error.class, asked(&world)), (Class::MetadataMalformed, (0, 0)), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_cloud_has_its_own_hosts_and_scope() {
    for (environment, vault, login) in [
        (AzureEnvironment::Public, "vault.azure.net", "login.microsoftonline.com"),
        (AzureEnvironment::China, "vault.azure.cn", "login.chinacloudapi.cn"),
        (AzureEnvironment::Government, "vault.usgovcloudapi.net", "login.microsoftonline.us"),
    ] {
        let world = World::new();
        world.name(login, &["203.0.113.8"]);
        let kms = AzureKms::new(world.env(), Settings { token_endpoint: None, ..settings() });
        let credentials = || AzureCredentials { environment, ..credentials() };
        let cmk = format!("https://v.{vault}/keys/k/1");
        with_call(&cmk, credentials(), async |call| kms.unwrap(call, b"wrapped").await).await.unwrap_err();
        assert_eq!(world.state().connections, ["203.0.113.8:443"], "{login}");

        let world = World::new();
        let kms = provider(&world, [opened()]);
        with_call(&cmk, credentials(), async |call| kms.unwrap(call, b"wrapped").await).await.ok();
        let scope = format!("scope=https%3A%2F%2F{vault}%2F.default");
        assert!(world.state().requests[0].ends_with(&scope), "{scope}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_tells_whether_it_can_open_now() {
    let bundle = |attributes: &str, operations: &str, kind: &str| {
        let key = format!(r#"{{"kid":"{KEY}/{VERSION}","kty":"{kind}","key_ops":[{operations}],"n":"AQ","e":"AQAB"}}"#);
        Act::json(200, &format!(r#"{{"key":{key},"attributes":{{{attributes}}}}}"#))
    };
    let (now, all) = (super::world::START, r#""encrypt","decrypt","wrapKey""#);
    for (act, state, usable) in [
        (bundle(r#""enabled":true"#, all, "RSA"), "Enabled", true),
        (bundle(r#""enabled":true"#, all, "RSA-HSM"), "Enabled", true),
        (bundle(r#""enabled":false"#, all, "RSA"), "Disabled", false),
        (bundle(&format!(r#""enabled":true,"nbf":{}"#, now + 1), all, "RSA"), "NotYetValid", false),
        (bundle(&format!(r#""enabled":true,"nbf":{now},"exp":{}"#, now + 1), all, "RSA"), "Enabled", true),
        (bundle(&format!(r#""enabled":true,"exp":{now}"#), all, "RSA"), "Expired", false),
        (bundle(r#""enabled":true"#, r#""encrypt""#, "RSA"), "Enabled, and its key_ops lack decrypt", false),
        (bundle(r#""enabled":true"#, all, "EC"), "Enabled, and no RSA key", false),
    ] {
        let world = World::new();
        let kms = provider(&world, [act]);
        let expected = Description { name: cmk(), state: state.to_owned(), usable };
        assert_eq!(describe(&kms).await.unwrap(), expected);
        let request = world.state().requests[1].clone();
        assert!(request.starts_with(&format!("GET /keys/k/{VERSION}?api-version=7.4 HTTP/1.1\r\n")), "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_error_repeats_a_secret_or_a_token() {
    let world = World::new();
    let echo = "you sent Bearer token-1\u{1b} and hunter2~+/ =";
    let kms = provider(&world, [refused(403, "Forbidden", "AccessDenied", &echo.replace('\u{1b}', "\\u001b"))]);
    let error = open(&kms).await.unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("you sent Bearer (secret) and (secret)"));
    assert!(!format!("{error:?}").contains("token-1"), "{error:?}");
}
