//! What each of AWS' answers means, by hand from the service's models and from answers seen in the field.

use super::aws::{ARN, credentials, open, provider};
use super::world::{Act, World};
use crate::kms::{Class, KmsError};

async fn answer(status: u16, body: &str) -> KmsError {
    let world = World::new();
    open(&provider(&world, [Act::json(status, body)]), credentials(), ARN).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn every_code_of_kms_has_its_class() {
    let ambiguous = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
    let no_policy = "User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: kms:Decrypt on resource: k because no identity-based policy allows the kms:Decrypt action";
    let vpc = "User: u is not authorized to perform: kms:Decrypt on resource: k because no VPC endpoint policy allows the kms:Decrypt action";
    let expired =
        "Signature expired: 20261122T032201Z is now earlier than 20261122T032713Z (20261122T033213Z - 5 min.)";
    let early =
        "Signature not yet current: 20261122T034201Z is still later than 20261122T033713Z (20261122T033213Z + 5 min.)";
    let mismatch = "The request signature we calculated does not match the signature you provided.";
    let table = [
        (400, "DisabledException", "arn is disabled.", Class::KeyDisabled),
        (400, "KMSInvalidStateException", "arn is pending deletion.", Class::KeyPendingDeletion),
        (400, "KMSInvalidStateException", "arn is pending replica deletion.", Class::KeyPendingDeletion),
        (400, "KMSInvalidStateException", "arn is pending import.", Class::KeyUnusable),
        (400, "InvalidKeyUsageException", "arn key usage is SIGN_VERIFY which is not valid", Class::KeyUnusable),
        (400, "UnsupportedOperationException", "arn origin is EXTERNAL", Class::KeyUnusable),
        (400, "NotFoundException", "Key 'arn' does not exist", Class::KeyMissing),
        (400, "NotFoundException", "Invalid keyId 'x'", Class::KeyMissing),
        (400, "NotFoundException", "Alias arn is not found.", Class::KeyMissing),
        (400, "NotFoundException", "Invalid arn us-east-1", Class::WrongKeyOrRegion),
        (400, "InvalidArnException", "", Class::KeyMissing),
        (400, "IncorrectKeyException", "The key ID in the request does not identify a CMK", Class::WrongKeyOrRegion),
        (400, "InvalidCiphertextException", "", Class::CiphertextInvalid),
        (400, "AccessDeniedException", ambiguous, Class::AccessDenied),
        (400, "AccessDeniedException", no_policy, Class::AccessDenied),
        (400, "com.amazonaws.kms#AccessDeniedException", no_policy, Class::AccessDenied),
        (400, "AccessDeniedException", vpc, Class::EndpointPolicyDenied),
        (
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            Class::CredentialsExpired,
        ),
        (400, "UnrecognizedClientException", "The security token is invalid.", Class::CredentialsInvalid),
        (400, "InvalidSignatureException", mismatch, Class::CredentialsInvalid),
        (
            400,
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
            Class::CredentialsInvalid,
        ),
        (400, "IncompleteSignatureException", "", Class::CredentialsInvalid),
        (400, "InvalidSignatureException", expired, Class::ClockSkew),
        (400, "InvalidSignatureException", early, Class::ClockSkew),
        (400, "RequestExpired", "Request has expired.", Class::ClockSkew),
        (400, "RequestTimeTooSkewed", "", Class::ClockSkew),
        (400, "ThrottlingException", "Rate exceeded", Class::Throttled),
        (400, "LimitExceededException", "", Class::Throttled),
        (429, "WhateverException", "", Class::Throttled),
        (500, "KMSInternalException", "", Class::CloudInternal),
        (503, "DependencyTimeoutException", "", Class::CloudInternal),
        (400, "DependencyTimeoutException", "", Class::CloudInternal),
        (500, "KeyUnavailableException", "", Class::CloudInternal),
        (502, "WhateverException", "", Class::CloudInternal),
        (400, "ValidationException", "Value at 'ciphertextBlob' failed", Class::CiphertextInvalid),
        (400, "ValidationException", "Value at 'keyId' failed", Class::KeyMissing),
        (400, "ValidationException", "Value at 'plaintext' failed", Class::BadResponse),
        (400, "WhateverException", "", Class::BadResponse),
    ];
    for (status, code, message, class) in table {
        let body = match message {
            "" => format!(r#"{{"__type":"{code}"}}"#),
            _ => format!(r#"{{"__type":"{code}","message":"{message}"}}"#),
        };
        let error = answer(status, &body).await;
        assert_eq!(error.class, class, "{status} {code}: {message}");
        let plain = code.rsplit('#').next();
        assert_eq!((error.status, error.code.as_deref()), (Some(status), plain));
        assert_eq!(error.attempts[0].outcome, format!("{status} {}", plain.unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn every_code_of_sts_has_its_class() {
    let table = [
        (403, "ExpiredToken", "expired", Class::CredentialsExpired),
        (400, "ExpiredTokenException", "expired", Class::CredentialsExpired),
        (
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            Class::CredentialsInvalid,
        ),
        (403, "SignatureDoesNotMatch", "does not match", Class::CredentialsInvalid),
        (403, "SignatureDoesNotMatch", "Signature expired: x is now earlier than y", Class::ClockSkew),
        (403, "AccessDenied", "not authorized to perform: sts:AssumeRole", Class::RoleNotUsable),
        (
            403,
            "AccessDenied",
            "because no VPC endpoint policy allows the sts:AssumeRole action",
            Class::EndpointPolicyDenied,
        ),
        (400, "ValidationError", "arn is invalid", Class::RoleNotUsable),
        (403, "RegionDisabledException", "STS is not activated", Class::RoleNotUsable),
        (400, "MalformedPolicyDocument", "x", Class::RoleNotUsable),
        (400, "PackedPolicyTooLarge", "x", Class::RoleNotUsable),
        (400, "Throttling", "Rate exceeded", Class::Throttled),
        (500, "InternalFailure", "x", Class::CloudInternal),
        // KMS' word for a missing key means nothing here.
        (400, "NotFoundException", "x", Class::BadResponse),
    ];
    let role = crate::keys::AwsRole { arn: "arn:aws:iam::111122223333:role/r".to_owned(), external_id: None };
    for (status, code, message, class) in table {
        let world = World::new();
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        world.server("127.0.0.1:4567", [Act::text(status, "text/xml", &body)]);
        let credentials = crate::keys::AwsCredentials { role: Some(role.clone()), ..credentials() };
        let error = open(&provider(&world, [Act::Refuse]), credentials, ARN).await.unwrap_err();
        assert_eq!((error.class, error.code.as_deref()), (class, Some(code)), "{code}: {message}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_an_answer_of_aws_is_a_bad_response_and_is_not_quoted() {
    for (status, body) in [
        (200, "<html>Please log in to the wireless network</html>"),
        (200, "{\"Plaintext\": 3}"),
        (302, ""),
        (403, "<html>Blocked by wireless policy</html>"),
        (400, "{\"__type\":\"It is <b>wireless</b>\"}"),
    ] {
        let error = answer(status, body).await;
        assert_eq!(
            (error.class, error.status, error.code.as_deref()),
            (Class::BadResponse, Some(status), None),
            "{body}"
        );
        assert_eq!(error.detail.as_deref(), Some("not an answer of AWS"), "{body}");
    }
    let deep = format!("{{\"x\":{}", "[".repeat(60_000));
    for status in [200, 400] {
        assert_eq!(answer(status, &deep).await.class, Class::BadResponse);
    }
    assert_eq!(answer(503, "<html>busy</html>").await.class, Class::CloudInternal);
}

#[tokio::test(start_paused = true)]
async fn details_say_what_the_code_does_not() {
    let said = |code: &str, message: &str| format!(r#"{{"__type":"{code}","message":"{message}"}}"#);
    let texts = [
        answer(400, &said("InvalidSignatureException", "Signature expired: a is now earlier than b")).await,
        answer(400, &said("UnrecognizedClientException", "The security token included in the request is invalid."))
            .await,
        answer(
            400,
            &said("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist"),
        )
        .await,
        answer(400, &said("DisabledException", "two\\nlines\\tof   text")).await,
        answer(400, &said("DisabledException", &"long ".repeat(100))).await,
        answer(400, r#"{"__type":"InvalidCiphertextException"}"#).await,
    ];
    let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    AWS KMS: clock-skew (InvalidSignatureException): this machine's clock is 612 s behind that of AWS: Signature expired: a is now earlier than b
    AWS KMS: credentials-invalid (UnrecognizedClientException): access key AKIA...MPLE: The security token included in the request is invalid.
    AWS KMS: access-denied (AccessDeniedException): either the key does not exist in us-east-1, or these credentials may not use it: The ciphertext refers to a customer master key that does not exist
    AWS KMS: key-disabled (DisabledException): two lines of text
    AWS KMS: key-disabled (DisabledException): long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ...
    AWS KMS: ciphertext-invalid (InvalidCiphertextException)
    ");
}
