//! Google Cloud KMS: what goes out, what is made of good answers, the tokens, and the checksums in both directions.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::world::{Act, World};
use crate::keys::{Credentials, GcpCredentials, LocalCredentials, Secret, SecretText};
use crate::kms::{Call, Class, GcpKms, Kms, KmsError, Settings};

pub(super) const KEY: &str = "projects/atlas-1/locations/europe-west3/keyRings/ring/cryptoKeys/master";
const PRIVATE_KEY: &str = include_str!("../../../fixtures/rsa/throw-away-2048.pem");
const SHORT_KEY: &str = include_str!("../../../fixtures/rsa/throw-away-1024.pem");
const PUBLIC_KEY: &[u8] = include_bytes!("../../../fixtures/rsa/throw-away-2048.public.der");

/// Decrypt's answer: the plaintext is 32 times the byte 7.
pub(super) fn decrypted() -> Act {
    opened_with("3596965425")
}

/// Decrypt's answer with this checksum; the right one is 3596965425, computed bit by bit outside this code.
fn opened_with(checksum: &str) -> Act {
    Act::text(
        200,
        "application/json; charset=UTF-8",
        &format!(
            r#"{{"plaintext":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","plaintextCrc32c":"{checksum}","usedPrimary":true,"protectionLevel":"SOFTWARE"}}"#
        ),
    )
}

/// Encrypt's answer: the ciphertext is `123456789`, whose checksum is in the catalogue of CRC algorithms.
fn encrypted() -> Value {
    json!({
        "name": format!("{KEY}/cryptoKeyVersions/3"),
        "ciphertext": "MTIzNDU2Nzg5",
        "ciphertextCrc32c": "3808858755",
        "verifiedPlaintextCrc32c": true,
        "verifiedAdditionalAuthenticatedDataCrc32c": true,
        "protectionLevel": "SOFTWARE",
    })
}

fn answer(body: &Value) -> Act {
    json_answer(200, body)
}

pub(super) fn json_answer(status: u16, body: &Value) -> Act {
    Act::text(status, "application/json; charset=UTF-8", &body.to_string())
}

/// A token of the token service, good for an hour.
pub(super) fn granted(number: u32) -> Act {
    answer(&json!({"access_token": format!("ya29.TOKEN{number}"), "expires_in": 3599, "token_type": "Bearer"}))
}

pub(super) fn credentials() -> GcpCredentials {
    GcpCredentials {
        client_email: "proxy@atlas-1.iam.gserviceaccount.com".to_owned(),
        private_key: SecretText::new(PRIVATE_KEY.to_owned()),
        private_key_id: Some("0123456789abcdef".to_owned()),
        token_uri: None,
    }
}

/// A provider with one plain endpoint, and the servers behind it and behind the token service.
pub(super) fn provider(world: &World, acts: impl IntoIterator<Item = Act>) -> GcpKms {
    world.server("127.0.0.1:4566", acts).server("127.0.0.1:4567", [granted(1), granted(2), granted(3)]);
    let settings = Settings {
        endpoints: vec!["http://cloudkms.googleapis.com,dial=127.0.0.1:4566".parse().unwrap()],
        token_endpoint: Some("http://oauth2.googleapis.com,dial=127.0.0.1:4567".parse().unwrap()),
        allow_plain_http: true,
        ..Settings::default()
    };
    GcpKms::new(world.env(), settings)
}

pub(super) async fn open(kms: &GcpKms, credentials: GcpCredentials, cmk: &str) -> Result<Secret, KmsError> {
    let (context, credentials) = (BTreeMap::new(), Credentials::Gcp(credentials));
    kms.unwrap(Call { key_id: "1", credentials: &credentials, cmk, region: None, context: &context }, b"wrapped").await
}

fn pairs() -> BTreeMap<String, String> {
    BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1 \"ü\"".to_owned())])
}

async fn wrap(kms: &GcpKms, context: &BTreeMap<String, String>) -> Result<Vec<u8>, KmsError> {
    let credentials = Credentials::Gcp(credentials());
    let call = Call { key_id: "1", credentials: &credentials, cmk: KEY, region: None, context };
    let wrapped = kms.wrap(call, &Secret::new(vec![9; 32])).await?;
    assert_eq!(wrapped.key_version, None, "the ciphertext says it by itself");
    Ok(wrapped.ciphertext)
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

fn token(request: &str) -> Option<&str> {
    request.lines().find_map(|line| line.strip_prefix("authorization: Bearer "))
}

fn outcomes(error: &KmsError) -> Vec<&str> {
    error.attempts.iter().map(|attempt| attempt.outcome.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn decrypt_gets_a_token_and_sends_the_key_the_context_and_their_checksums() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    let (context, credentials) = (pairs(), Credentials::Gcp(credentials()));
    let call = Call { key_id: "1", credentials: &credentials, cmk: KEY, region: None, context: &context };
    assert_eq!(kms.unwrap(call, b"123456789").await.unwrap().expose(), [7; 32]);
    // Where the version ends up is not this test's matter, and the assertion has a test of its own.
    let requests = world.state().requests.join("\n\n").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let (before, assertion) = requests.split_once("&assertion=").unwrap();
    let (assertion, after) = assertion.split_once('\n').unwrap();
    let shown = format!("{before}&assertion=({} characters)\n{after}", assertion.len()).replace('\r', "");
    insta::assert_snapshot!(shown, @r#"
    POST /token HTTP/1.1
    user-agent: kmip-proxy/VERSION
    content-type: application/x-www-form-urlencoded
    host: oauth2.googleapis.com
    connection: close
    content-length: 724

    grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=(649 characters)

    POST /v1/projects/atlas-1/locations/europe-west3/keyRings/ring/cryptoKeys/master:decrypt HTTP/1.1
    user-agent: kmip-proxy/VERSION
    content-type: application/json
    authorization: Bearer ya29.TOKEN1
    host: cloudkms.googleapis.com
    connection: close
    content-length: 175

    {"ciphertext":"MTIzNDU2Nzg5","ciphertextCrc32c":"3808858755","additionalAuthenticatedData":"eyJhIjoiMSBcIsO8XCIiLCJiIjoiMiJ9","additionalAuthenticatedDataCrc32c":"2111336083"}
    "#);
}

#[tokio::test(start_paused = true)]
async fn the_assertion_verifies_under_the_accounts_public_key_and_says_who_asks_for_what() {
    let assertion = async |credentials: GcpCredentials| {
        let world = World::new();
        open(&provider(&world, [decrypted()]), credentials, KEY).await.unwrap();
        let requests = &world.state().requests;
        body(&requests[0]).rsplit_once('=').unwrap().1.to_owned()
    };
    let first = assertion(credentials()).await;
    let (signed, signature) = first.rsplit_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC_KEY);
    assert!(key.verify(signed.as_bytes(), &decode(signature)).is_ok());
    assert!(key.verify(signed.to_lowercase().as_bytes(), &decode(signature)).is_err());

    let (header, claims) = signed.split_once('.').unwrap();
    let read = |text: &str| serde_json::from_slice::<Value>(&decode(text)).unwrap();
    assert_eq!(read(header), json!({"alg": "RS256", "typ": "JWT", "kid": "0123456789abcdef"}));
    let expected = json!({
        "iss": "proxy@atlas-1.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/cloudkms",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": 1_795_317_721,
        "exp": 1_795_321_321,
    });
    assert_eq!(read(claims), expected);

    assert_eq!(assertion(credentials()).await, first, "the same account at the same second");
    let uri = Some("https://tokens.example/v2/token".to_owned());
    let other = assertion(GcpCredentials { private_key_id: None, token_uri: uri, ..credentials() }).await;
    let mut parts = other.split('.');
    assert_eq!(read(parts.next().unwrap()), json!({"alg": "RS256", "typ": "JWT"}));
    assert_eq!(read(parts.next().unwrap())["aud"], "https://tokens.example/v2/token");
}

#[tokio::test(start_paused = true)]
async fn encrypt_sends_checksums_and_gives_the_ciphertext_back() {
    let world = World::new();
    let kms = provider(&world, [answer(&encrypted())]);
    assert_eq!(wrap(&kms, &pairs()).await.unwrap(), b"123456789");
    let request = world.state().requests[1].clone();
    assert!(request.starts_with(&format!("POST /v1/{KEY}:encrypt HTTP/1.1\r\n")), "{request}");
    // The data is {"a":"1 \"ü\"","b":"2"}; both checksums were computed bit by bit outside this code.
    let expected = json!({
        "plaintext": "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=",
        "plaintextCrc32c": "1871550215",
        "additionalAuthenticatedData": "eyJhIjoiMSBcIsO8XCIiLCJiIjoiMiJ9",
        "additionalAuthenticatedDataCrc32c": "2111336083",
    });
    assert_eq!(serde_json::from_str::<Value>(body(&request)).unwrap(), expected);

    wrap(&kms, &BTreeMap::new()).await.unwrap();
    let request = world.state().requests[2].clone();
    assert!(!request.contains("additionalAuthenticatedData"), "{request}");
}

#[tokio::test(start_paused = true)]
async fn what_was_damaged_on_its_way_back_is_asked_for_again_within_the_bound() {
    let damages = [opened_with("3596965424"), opened_with(""), answer(&json!({"plaintext": "BwcH"}))];
    for damaged in damages {
        let world = World::new();
        let opened = open(&provider(&world, [damaged.clone(), decrypted()]), credentials(), KEY).await.unwrap();
        assert_eq!((opened.expose(), world.state().requests.len()), (&[7; 32][..], 3), "{damaged:?}");

        let world = World::new();
        let error = open(&provider(&world, [damaged]), credentials(), KEY).await.unwrap_err();
        assert_eq!((error.class, error.status), (Class::BadResponse, Some(200)));
        assert_eq!(outcomes(&error), ["200, the checksum of the plaintext does not match"; 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrapped_key_counts_only_if_google_got_all_of_it_and_it_came_back_whole() {
    let damages = [
        ("ciphertextCrc32c", json!("3808858754"), "the checksum of the ciphertext does not match"),
        ("ciphertextCrc32c", json!(null), "the checksum of the ciphertext does not match"),
        ("ciphertext", json!("MTIzNDU2Nzg4"), "the checksum of the ciphertext does not match"),
        ("verifiedPlaintextCrc32c", json!(false), "Google did not get the plaintext as it was sent"),
        (
            "verifiedAdditionalAuthenticatedDataCrc32c",
            json!(false),
            "Google did not get the encryption context as it was sent",
        ),
    ];
    for (field, value, what) in damages {
        let mut damaged = encrypted();
        damaged[field] = value;
        let world = World::new();
        let kms = provider(&world, [answer(&damaged), answer(&encrypted())]);
        assert_eq!(wrap(&kms, &pairs()).await.unwrap(), b"123456789", "{field}");
        assert_eq!(world.state().requests.len(), 3, "{field}");

        let error = wrap(&provider(&World::new(), [answer(&damaged)]), &pairs()).await.unwrap_err();
        assert_eq!((error.class, outcomes(&error)), (Class::BadResponse, vec![format!("200, {what}").as_str(); 2]));
    }

    // ProtoJSON leaves out what is false, and nothing was sent that could have been verified.
    let mut without = encrypted();
    without.as_object_mut().unwrap().remove("verifiedAdditionalAuthenticatedDataCrc32c");
    assert!(wrap(&provider(&World::new(), [answer(&without)]), &BTreeMap::new()).await.is_ok());
    // Whoever reads ProtoJSON takes a number for a text, too.
    without["ciphertextCrc32c"] = json!(3_808_858_755_u32);
    assert!(wrap(&provider(&World::new(), [answer(&without)]), &BTreeMap::new()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_damaged_on_its_way_there_is_sent_again_within_the_bound() {
    let refusal = || {
        let message = "The checksum in field ciphertext_crc32c did not match the data in field ciphertext.";
        json_answer(400, &json!({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}))
    };
    let world = World::new();
    assert!(open(&provider(&world, [refusal(), decrypted()]), credentials(), KEY).await.is_ok());
    let error = open(&provider(&World::new(), [refusal()]), credentials(), KEY).await.unwrap_err();
    assert_eq!((error.class, outcomes(&error)), (Class::BadResponse, vec!["400 INVALID_ARGUMENT"; 2]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_lacks_what_it_must_have_or_is_of_another_key_is_final() {
    for body in [json!({}), json!({"plaintext": ""}), json!({"plaintext": "!", "plaintextCrc32c": "0"})] {
        let error = open(&provider(&World::new(), [answer(&body)]), credentials(), KEY).await.unwrap_err();
        assert_eq!((error.class, outcomes(&error)), (Class::BadResponse, vec!["200, no plaintext in the answer"]));
    }
    let other = KEY.replace("master", "other");
    for (field, value, what) in [
        ("name", json!(format!("{other}/cryptoKeyVersions/3")), "the answer is of another key"),
        ("name", json!(KEY), "the answer is of another key"),
        ("ciphertext", json!(""), "no ciphertext in the answer"),
    ] {
        let mut body = encrypted();
        body[field] = value;
        let error = wrap(&provider(&World::new(), [answer(&body)]), &pairs()).await.unwrap_err();
        assert_eq!((error.class, outcomes(&error)), (Class::BadResponse, vec![format!("200, {what}").as_str()]));
    }
}

#[tokio::test(start_paused = true)]
async fn describe_tells_the_state_of_the_primary_version() {
    let key = |name: &str, state: &str| {
        let primary = json!({"name": format!("{name}/cryptoKeyVersions/3"), "state": state});
        answer(&json!({"name": name, "purpose": "ENCRYPT_DECRYPT", "primary": primary}))
    };
    let none = answer(&json!({"name": KEY, "purpose": "ENCRYPT_DECRYPT"}));
    let other = key(&KEY.replace("master", "other"), "ENABLED");
    let world = World::new();
    let kms = provider(&world, [key(KEY, "ENABLED"), key(KEY, "DESTROY_SCHEDULED"), none, other]);
    let (context, credentials) = (BTreeMap::new(), Credentials::Gcp(credentials()));
    let call = Call { key_id: "1", credentials: &credentials, cmk: KEY, region: None, context: &context };
    for (state, usable) in [("ENABLED", true), ("DESTROY_SCHEDULED", false), ("without a primary version", false)] {
        let description = kms.describe(call).await.unwrap();
        assert_eq!((description.name.as_str(), description.state.as_str(), description.usable), (KEY, state, usable));
    }
    assert_eq!(kms.describe(call).await.unwrap_err().class, Class::BadResponse);
    let request = world.state().requests[1].clone();
    assert!(request.starts_with(&format!("GET /v1/{KEY} HTTP/1.1\r\n")) && body(&request).is_empty(), "{request}");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_and_again_a_minute_before_it_ends() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    open(&kms, credentials(), KEY).await.unwrap();
    world.pass(Duration::from_secs(3538));
    open(&kms, credentials(), KEY).await.unwrap();
    world.pass(Duration::from_secs(1));
    open(&kms, credentials(), KEY).await.unwrap();
    let state = world.state();
    let tokens: Vec<_> = state.requests.iter().map(|request| token(request)).collect();
    let (first, second) = (Some("ya29.TOKEN1"), Some("ya29.TOKEN2"));
    assert_eq!(tokens, [None, first, first, None, second]);
}

#[tokio::test(start_paused = true)]
async fn another_private_key_gets_a_token_of_its_own() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    open(&kms, credentials(), KEY).await.unwrap();
    let edited = GcpCredentials { private_key: SecretText::new("no key".to_owned()), ..credentials() };
    assert_eq!(open(&kms, edited, KEY).await.unwrap_err().class, Class::MetadataMalformed);
    open(&kms, credentials(), KEY).await.unwrap();
    assert_eq!(world.state().requests.iter().filter(|request| token(request).is_none()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_is_forgotten_and_fetched_once_more() {
    let expired = || {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_EXPIRED"}]);
        let error = json!({"code": 401, "message": "no", "status": "UNAUTHENTICATED", "details": details});
        json_answer(401, &json!({"error": error}))
    };
    let world = World::new();
    let kms = provider(&world, [decrypted(), expired(), decrypted(), expired()]);
    open(&kms, credentials(), KEY).await.unwrap();
    open(&kms, credentials(), KEY).await.unwrap();
    assert_eq!(token(&world.state().requests[4]), Some("ya29.TOKEN2"));
    let error = open(&kms, credentials(), KEY).await.unwrap_err();
    assert_eq!((error.class, error.code.as_deref()), (Class::CredentialsExpired, Some("ACCESS_TOKEN_EXPIRED")));
    assert_eq!(outcomes(&error), ["401 ACCESS_TOKEN_EXPIRED"; 2]);
    // Of the three calls: a token; the one at hand and a new one; the same, in vain. Each with its requests to the key.
    assert_eq!(world.state().requests.len(), (1 + 1) + (1 + 2) + (1 + 2));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_with_is_refused_before_anything_is_sent() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    let with_key = |pem: String| GcpCredentials { private_key: SecretText::new(pem), ..credentials() };
    let with_uri = |uri: &str| GcpCredentials { token_uri: Some(uri.to_owned()), ..credentials() };
    let bad = [
        with_key(String::new()),
        with_key(PRIVATE_KEY.replace("PRIVATE", "RSA PRIVATE")),
        with_key(PRIVATE_KEY.replacen("MII", "NII", 1)),
        with_key(SHORT_KEY.to_owned()),
        GcpCredentials { client_email: String::new(), ..credentials() },
        with_uri("oauth2.googleapis.com/token"),
        with_uri("private:https://oauth2.googleapis.com/token"),
        with_uri("https://oauth2.googleapis.com,dial=203.0.113.9/token"),
        with_uri("https://oauth2.googleapis.com/token?x=1"),
        with_uri("https://oauth2.googleapis.com/to ken"),
        with_uri("https:///token"),
    ];
    let mut said = Vec::new();
    for credentials in bad {
        let error = open(&kms, credentials, KEY).await.unwrap_err();
        assert_eq!(error.class, Class::MetadataMalformed, "{error}");
        said.push(error.detail.unwrap());
    }
    for cmk in ["master", "projects/p/locations/../keyRings/r/cryptoKeys/k", &format!("{KEY}:destroy"), ""] {
        let error = open(&kms, credentials(), cmk).await.unwrap_err();
        assert_eq!((error.class, error.cmk.as_str()), (Class::MetadataMalformed, cmk));
        said.push(error.detail.unwrap());
    }
    said.dedup();
    assert!(world.state().connections.is_empty());
    insta::assert_snapshot!(said.join("\n"), @r"
    private_key holds no key; expected PEM text that begins with -----BEGIN PRIVATE KEY----- (PKCS #8)
    private_key is not a whole RSA key of 2048 to 4096 bits
    client_email is empty
    token_uri is not of the form https://HOST/PATH, as https://oauth2.googleapis.com/token is
    the CMK's name is not projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY
    ");
}

#[tokio::test(start_paused = true)]
async fn a_private_key_counts_however_its_lines_are_broken() {
    let base64: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("--")).collect();
    let one_line = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
    for pem in [one_line, PRIVATE_KEY.replace('\n', "\r\n"), PRIVATE_KEY.trim_end().to_owned()] {
        let credentials = GcpCredentials { private_key: SecretText::new(pem), ..credentials() };
        open(&provider(&World::new(), [decrypted()]), credentials, KEY).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_for_another_provider_are_not_tried() {
    let (context, kms) = (BTreeMap::new(), provider(&World::new(), [decrypted()]));
    let credentials = Credentials::Local(LocalCredentials { key_file: "/key".into() });
    let call = Call { key_id: "1", credentials: &credentials, cmk: KEY, region: None, context: &context };
    assert_eq!(kms.unwrap(call, b"wrapped").await.unwrap_err().class, Class::ProviderMismatch);
}

#[tokio::test(start_paused = true)]
async fn without_settings_google_is_asked_by_its_public_names_or_by_the_credentials_token_uri() {
    for (uri, connected) in [(None, "203.0.113.8:443"), (Some("https://tokens.example:8443/t"), "203.0.113.7:8443")] {
        let world = World::new();
        world.name("oauth2.googleapis.com", &["203.0.113.8"]).name("tokens.example", &["203.0.113.7"]);
        let kms = GcpKms::new(world.env(), Settings::default());
        let credentials = GcpCredentials { token_uri: uri.map(str::to_owned), ..credentials() };
        let error = open(&kms, credentials, KEY).await.unwrap_err();
        assert_eq!(
            (error.class, &world.state().connections),
            (Class::EndpointUnreachable, &vec![connected.to_owned()])
        );
    }
    let world = World::new();
    world.name("cloudkms.googleapis.com", &["203.0.113.9"]).server("127.0.0.1:80", [granted(1)]);
    let token_endpoint = Some("http://localhost,dial=127.0.0.1".parse().unwrap());
    let settings = Settings { token_endpoint, allow_plain_http: true, ..Settings::default() };
    let error = open(&GcpKms::new(world.env(), settings), credentials(), KEY).await.unwrap_err();
    assert_eq!(error.attempts[0].endpoint, "https://cloudkms.googleapis.com");
    assert_eq!(world.state().connections, ["127.0.0.1:80", "203.0.113.9:443"]);
}
