//! AWS KMS and STS: what goes out, what is made of the answers, and the sessions of roles.

use std::collections::BTreeMap;
use std::time::Duration;

use super::world::{Act, World};
use crate::keys::{AwsCredentials, AwsRole, Credentials, Secret, SecretText};
use crate::kms::{AwsKms, Call, Class, Kms, KmsError, Settings};

pub(super) const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Decrypt's answer: the plaintext is 32 times the byte 7.
pub(super) fn decrypted() -> Act {
    Act::json(
        200,
        &format!(
            r#"{{"EncryptionAlgorithm":"SYMMETRIC_DEFAULT","KeyId":"{ARN}","Plaintext":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}}"#
        ),
    )
}

pub(super) fn credentials() -> AwsCredentials {
    AwsCredentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: SecretText::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        session_token: Some(SecretText::new("IQoJb3JpZ2luX2VjEXAMPLE".to_owned())),
        region: "us-east-1".to_owned(),
        role: None,
    }
}

/// A provider with one plain endpoint, and the server behind it.
pub(super) fn provider(world: &World, acts: impl IntoIterator<Item = Act>) -> AwsKms {
    world.server("127.0.0.1:4566", acts);
    let settings = Settings {
        endpoints: vec!["http://kms.us-east-1.amazonaws.com,dial=127.0.0.1:4566".parse().unwrap()],
        token_endpoint: Some("http://sts.us-east-1.amazonaws.com,dial=127.0.0.1:4567".parse().unwrap()),
        allow_plain_http: true,
        ..Settings::default()
    };
    AwsKms::new(world.env(), settings)
}

pub(super) async fn open(kms: &AwsKms, credentials: AwsCredentials, cmk: &str) -> Result<Secret, KmsError> {
    let context = BTreeMap::new();
    let credentials = Credentials::Aws(credentials);
    let call = Call { key_id: "1", credentials: &credentials, cmk, region: None, context: &context };
    kms.unwrap(call, b"wrapped").await
}

#[tokio::test(start_paused = true)]
async fn decrypt_sends_the_key_the_context_and_our_own_headers() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    let context = BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1 \"ü\"".to_owned())]);
    let credentials = Credentials::Aws(credentials());
    let call = Call { key_id: "1", credentials: &credentials, cmk: ARN, region: None, context: &context };
    let opened = kms.unwrap(call, b"wrapped").await.unwrap();
    assert_eq!(opened.expose(), [7; 32]);
    // Where the version ends up is not this test's matter.
    let request = world.state().requests.concat().replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let (signed, signature) = request.split_once("Signature=").unwrap();
    assert!(signature.as_bytes()[..64].iter().all(u8::is_ascii_hexdigit));
    insta::assert_snapshot!(format!("{signed}Signature=(64 digits){}", &signature[64..]).replace('\r', ""), @r#"
    POST / HTTP/1.1
    content-type: application/x-amz-json-1.1
    x-amz-target: TrentService.Decrypt
    content-length: 164
    user-agent: kmip-proxy/VERSION
    x-amz-user-agent: kmip-proxy/VERSION
    x-amz-date: 20261122T032201Z
    authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/us-east-1/kms/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target;x-amz-user-agent, Signature=(64 digits)
    x-amz-security-token: IQoJb3JpZ2luX2VjEXAMPLE
    amz-sdk-request: attempt=1; max=1
    amz-sdk-invocation-id: 01020304-0506-4708-890a-0b0c0d0e0f10
    host: kms.us-east-1.amazonaws.com
    connection: close

    {"CiphertextBlob":"d3JhcHBlZA==","EncryptionContext":{"a":"1 \"ü\"","b":"2"},"KeyId":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_asked_for_in_its_own_region_and_a_role_is_assumed_in_that_of_the_credentials() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    world.server("127.0.0.1:4567", [assumed(1, "2026-11-22T04:22:01Z")]);
    let (context, credentials) = (BTreeMap::new(), Credentials::Aws(with_role()));
    let call = Call { key_id: "1", credentials: &credentials, cmk: ARN, region: Some("eu-west-1"), context: &context };
    kms.unwrap(call, b"wrapped").await.unwrap();
    let scopes = |scope: &str| world.state().requests.iter().map(|request| request.contains(scope)).collect::<Vec<_>>();
    assert_eq!(scopes("/20261122/us-east-1/sts/aws4_request"), [true, false]);
    assert_eq!(scopes("/20261122/eu-west-1/kms/aws4_request"), [false, true]);

    // Without an endpoint in the settings, the public one of that region is dialed.
    let world = World::new();
    world.name("kms.eu-west-1.amazonaws.com", &["203.0.113.9"]);
    let kms = AwsKms::new(world.env(), Settings::default());
    let credentials = Credentials::Aws(super::aws::credentials());
    let error = kms.unwrap(Call { credentials: &credentials, ..call }, b"wrapped").await.unwrap_err();
    assert_eq!(error.class, Class::EndpointUnreachable);
    assert_eq!(world.state().connections, ["203.0.113.9:443"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_call_gives_the_same_bytes_however_many_pairs_the_context_has() {
    let context: BTreeMap<String, String> = (0..40).map(|n| (format!("name {n}"), format!("value {n}"))).collect();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let world = World::new();
        let kms = provider(&world, [decrypted()]);
        let credentials = Credentials::Aws(credentials());
        let call = Call { key_id: "1", credentials: &credentials, cmk: ARN, region: None, context: &context };
        kms.unwrap(call, b"wrapped").await.unwrap();
        seen.push(world.state().requests.concat());
    }
    assert!(seen[0].contains("name 39"));
    assert!(seen.iter().all(|request| *request == seen[0]));
}

#[tokio::test(start_paused = true)]
async fn encrypt_gives_the_ciphertext_back() {
    let world = World::new();
    let answer =
        format!(r#"{{"CiphertextBlob":"AQICAHg=","EncryptionAlgorithm":"SYMMETRIC_DEFAULT","KeyId":"{ARN}"}}"#);
    let kms = provider(&world, [Act::json(200, &answer), Act::json(200, "{}")]);
    let context = BTreeMap::from([("project".to_owned(), "5196d3628d022db4cbc26d9e".to_owned())]);
    let credentials = Credentials::Aws(credentials());
    let call = Call { key_id: "1", credentials: &credentials, cmk: ARN, region: None, context: &context };
    let plaintext = Secret::new(vec![9; 32]);
    assert_eq!(kms.wrap(call, &plaintext).await.unwrap().ciphertext, [1, 2, 2, 0, 0x78]);
    let body = world.state().requests[0].split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(
        body,
        format!(
            r#"{{"EncryptionContext":{{"project":"5196d3628d022db4cbc26d9e"}},"KeyId":"{ARN}","Plaintext":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk="}}"#
        )
    );
    assert_eq!(kms.wrap(call, &plaintext).await.unwrap_err().class, Class::BadResponse);
}

#[tokio::test(start_paused = true)]
async fn describe_tells_the_state_of_the_key() {
    let answer = |enabled: bool, state: &str| {
        Act::json(
            200,
            &format!(
                r#"{{"KeyMetadata":{{"Arn":"{ARN}","KeyId":"1234abcd","Enabled":{enabled},"KeyState":"{state}"}}}}"#
            ),
        )
    };
    let kms =
        provider(&World::new(), [answer(true, "Enabled"), answer(false, "PendingDeletion"), Act::json(200, "{}")]);
    let (context, credentials) = (BTreeMap::new(), Credentials::Aws(credentials()));
    let call = Call { key_id: "1", credentials: &credentials, cmk: "alias/x", region: None, context: &context };
    let enabled = kms.describe(call).await.unwrap();
    assert_eq!((enabled.name.as_str(), enabled.state.as_str(), enabled.usable), (ARN, "Enabled", true));
    let pending = kms.describe(call).await.unwrap();
    assert_eq!((pending.state.as_str(), pending.usable), ("PendingDeletion", false));
    assert_eq!(kms.describe(call).await.unwrap_err().class, Class::BadResponse);
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_only_with_a_plaintext_and_the_key_that_was_asked_for() {
    let world = World::new();
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    for (cmk, opens) in [
        (ARN, true),
        (id, true),
        ("alias/master", true),
        ("arn:aws:kms:us-east-1:111122223333:alias/master", true),
        ("arn:aws:kms:us-east-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab", false),
        ("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", false),
        ("34cd-56ef-1234567890ab", false),
    ] {
        let result = open(&provider(&world, [decrypted()]), credentials(), cmk).await;
        assert_eq!(result.map_err(|error| error.class).err(), (!opens).then_some(Class::BadResponse), "{cmk}");
    }
    for body in [
        r#"{"Plaintext":"Bwc="}"#,
        &format!(r#"{{"KeyId":"{ARN}"}}"#),
        &format!(r#"{{"KeyId":"{ARN}","Plaintext":""}}"#),
    ] {
        let error = open(&provider(&world, [Act::json(200, body)]), credentials(), ARN).await.unwrap_err();
        assert_eq!((error.class, error.status), (Class::BadResponse, Some(200)), "{body}");
        assert_eq!(error.attempts.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_no_header_carries_are_refused_before_anything_is_sent() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    let bad = [
        AwsCredentials { access_key_id: "AKIA\r\nX-Evil: 1".to_owned(), ..credentials() },
        AwsCredentials { access_key_id: String::new(), ..credentials() },
        AwsCredentials { secret_access_key: SecretText::new(String::new()), ..credentials() },
        AwsCredentials { session_token: Some(SecretText::new("a\nb".to_owned())), ..credentials() },
    ];
    for credentials in bad {
        assert_eq!(open(&kms, credentials, ARN).await.unwrap_err().class, Class::MetadataMalformed);
    }
    let elsewhere = AwsCredentials { region: "us-east-1/evil".to_owned(), ..credentials() };
    let kms = AwsKms::new(world.env(), Settings::default());
    assert_eq!(open(&kms, elsewhere, ARN).await.unwrap_err().class, Class::MetadataMalformed);
    assert!(world.state().connections.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_quotes_the_request_gives_no_credential_away() {
    let world = World::new();
    let message = "The request signature we calculated does not match. Canonical String:\\n'POST\\n/\\nx-amz-security-token:IQoJb3JpZ2luX2VjEXAMPLE\\nCredential=AKIAIOSFODNN7EXAMPLE/20261122'";
    let body = format!(r#"{{"__type":"InvalidSignatureException","message":"{message}"}}"#);
    let error = open(&provider(&world, [Act::json(400, &body)]), credentials(), ARN).await.unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"AWS KMS: credentials-invalid (InvalidSignatureException): access key AKIA...MPLE: The request signature we calculated does not match. Canonical String: 'POST / x-amz-security-token:(secret) Credential=AKIA...MPLE/20261122'");
}

fn assumed(number: u32, expires: &str) -> Act {
    Act::text(
        200,
        "text/xml",
        &format!(
            r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIASESSION{number}</AccessKeyId><SecretAccessKey>session secret</SecretAccessKey><SessionToken>TOKEN{number}</SessionToken><Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"#
        ),
    )
}

fn with_role() -> AwsCredentials {
    let role =
        AwsRole { arn: "arn:aws:iam::111122223333:role/atlas-kms".to_owned(), external_id: Some("x1".to_owned()) };
    AwsCredentials { role: Some(role), ..credentials() }
}

fn token(request: &str) -> &str {
    request.lines().find_map(|line| line.strip_prefix("x-amz-security-token: ")).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_once_and_again_a_minute_before_its_session_ends() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    world.server("127.0.0.1:4567", [assumed(1, "2026-11-22T04:22:01Z"), assumed(2, "2026-11-22T05:22:01Z")]);
    open(&kms, with_role(), ARN).await.unwrap();
    world.pass(Duration::from_secs(3539));
    open(&kms, with_role(), ARN).await.unwrap();
    world.pass(Duration::from_secs(1));
    open(&kms, with_role(), ARN).await.unwrap();
    let state = world.state();
    let tokens: Vec<&str> = state.requests.iter().map(|request| token(request)).collect();
    assert_eq!(tokens, ["IQoJb3JpZ2luX2VjEXAMPLE", "TOKEN1", "TOKEN1", "IQoJb3JpZ2luX2VjEXAMPLE", "TOKEN2"]);
    assert!(state.requests[0].ends_with(
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fatlas-kms&RoleSessionName=kmip-proxy&DurationSeconds=3600&ExternalId=x1"
    ));
    assert!(state.requests[0].contains("x-amz-user-agent: kmip-proxy/"));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_expired_early_is_renewed_once() {
    let expired = || {
        Act::json(
            400,
            r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#,
        )
    };
    let world = World::new();
    let kms = provider(&world, [expired(), decrypted(), expired()]);
    world.server("127.0.0.1:4567", [assumed(1, "2026-11-22T04:22:01Z"), assumed(2, "2026-11-22T04:22:01Z")]);
    open(&kms, with_role(), ARN).await.unwrap();
    assert_eq!(token(&world.state().requests[3]), "TOKEN2");
    let error = open(&kms, with_role(), ARN).await.unwrap_err();
    assert_eq!(error.class, Class::CredentialsExpired);
    let outcomes: Vec<String> = error.attempts.into_iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, ["400 ExpiredTokenException", "400 ExpiredTokenException"]);
    // Of the two calls: a session and a renewal, then the session at hand and a renewal, each with its request to KMS.
    assert_eq!(world.state().requests.len(), 4 + 3);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_be_assumed_is_reported_as_the_roles_fault() {
    let world = World::new();
    let kms = provider(&world, [decrypted()]);
    let refusal = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::111122223333:user/u is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
    world.server("127.0.0.1:4567", [Act::text(403, "text/xml", refusal)]);
    let error = open(&kms, with_role(), ARN).await.unwrap_err();
    assert_eq!(
        (error.class, error.code.as_deref(), error.status),
        (Class::RoleNotUsable, Some("AccessDenied"), Some(403))
    );
    insta::assert_snapshot!(error.to_string(), @"AWS KMS: role-not-usable (AccessDenied): assuming the role arn:aws:iam::111122223333:role/atlas-kms through STS: User: arn:aws:iam::111122223333:user/u is not authorized to perform: sts:AssumeRole");
    assert_eq!(error.attempts[0].endpoint, "http://sts.us-east-1.amazonaws.com,dial=127.0.0.1:4567");
}
