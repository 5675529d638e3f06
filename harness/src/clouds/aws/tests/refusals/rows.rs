//! What each row of the table of refusals looks like, written out from the sources and not from the table, and a call that
//! provokes it.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use super::*;
use crate::clouds::aws::{Denial, KeyState};
use crate::scenario::KeyChange;

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
const EXPIRED: &str =
    "Signature expired: 20261122T031201Z is now earlier than 20261122T031701Z (20261122T032201Z - 5 min.)";
const NOT_YET: &str =
    "Signature not yet current: 20261122T033201Z is still later than 20261122T032701Z (20261122T032201Z + 5 min.)";
const HIDDEN: &str = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
const UNSIGNED: &str = "'Host' must be a 'SignedHeader' in the AWS Authorization header.";
const FOREIGN_REGION: &str = "Credential should be scoped to a valid region, not 'eu-west-1'.";
const THROTTLED: &str = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
const INTERNAL: &str = "The request was rejected because an internal exception occurred. The request can be retried.";
const TIMEOUT: &str = "The system timed out while trying to fulfill the request. You can retry the request.";

/// Every row, with the services that know it.
pub(super) fn all() -> Vec<Row> {
    [signing(), failing(), keys(), access(), requests()].concat()
}

fn signing() -> Vec<Row> {
    let missing = Some("Request is missing Authentication Token");
    let incomplete = Some("Authorization header requires 'Signature' parameter.");
    let invalid = Some("The security token included in the request is invalid.");
    let stale = Some("The security token included in the request is expired");
    let region = Some(FOREIGN_REGION);
    vec![
        (Error::MissingAuthentication, Kms, 400, "MissingAuthenticationTokenException", missing, |b| {
            without(b, Kms, "authorization")
        }),
        (Error::MissingAuthentication, Sts, 403, "MissingAuthenticationToken", missing, |b| {
            without(b, Sts, "authorization")
        }),
        (Error::IncompleteSignature, Kms, 400, "IncompleteSignatureException", incomplete, |b| {
            authorized_by(b, Kms, "Signature=", "Sig=")
        }),
        (Error::IncompleteSignature, Sts, 400, "IncompleteSignature", incomplete, |b| {
            authorized_by(b, Sts, "Signature=", "Sig=")
        }),
        (Error::UnrecognizedClient, Kms, 400, "UnrecognizedClientException", invalid, |b| with_unknown_key(b, Kms)),
        (Error::UnrecognizedClient, Sts, 403, "InvalidClientTokenId", invalid, |b| with_unknown_key(b, Sts)),
        (Error::ExpiredToken, Kms, 400, "ExpiredTokenException", stale, |b| expired(b, Kms)),
        (Error::ExpiredToken, Sts, 403, "ExpiredToken", stale, |b| expired(b, Sts)),
        (Error::SignatureMismatch, Kms, 400, "InvalidSignatureException", Some(MISMATCH), |b| {
            with_wrong_secret(b, Kms)
        }),
        (Error::SignatureMismatch, Sts, 403, "SignatureDoesNotMatch", Some(MISMATCH), |b| with_wrong_secret(b, Sts)),
        (Error::SignatureExpired, Kms, 400, "InvalidSignatureException", Some(EXPIRED), |b| with_clock(b, Kms, -600)),
        (Error::SignatureExpired, Sts, 403, "SignatureDoesNotMatch", Some(EXPIRED), |b| with_clock(b, Sts, -600)),
        (Error::SignatureNotYetCurrent, Kms, 400, "InvalidSignatureException", Some(NOT_YET), |b| {
            with_clock(b, Kms, 600)
        }),
        (Error::SignatureNotYetCurrent, Sts, 403, "SignatureDoesNotMatch", Some(NOT_YET), |b| with_clock(b, Sts, 600)),
        (Error::CredentialScope, Kms, 400, "InvalidSignatureException", region, |b| {
            authorized_by(b, Kms, "/us-east-1/", "/eu-west-1/")
        }),
        (Error::CredentialScope, Sts, 403, "SignatureDoesNotMatch", region, |b| {
            authorized_by(b, Sts, "/us-east-1/", "/eu-west-1/")
        }),
        (Error::HeaderNotSigned, Kms, 400, "InvalidSignatureException", Some(UNSIGNED), |b| {
            authorized_by(b, Kms, "host;", "")
        }),
        (Error::HeaderNotSigned, Sts, 403, "SignatureDoesNotMatch", Some(UNSIGNED), |b| {
            authorized_by(b, Sts, "host;", "")
        }),
    ]
}

fn failing() -> Vec<Row> {
    let throttled = Some("You have exceeded the rate at which you may call STS. Reduce the frequency of your calls.");
    let unavailable =
        Some("The request was rejected because the specified KMS key was not available. You can retry the request.");
    vec![
        (Error::Throttled, Kms, 400, "ThrottlingException", Some(THROTTLED), |b| struck(b, Kms, Fault::Throttle)),
        (Error::Throttled, Sts, 400, "Throttling", throttled, |b| struck(b, Sts, Fault::Throttle)),
        (Error::Internal, Kms, 500, "KMSInternalException", Some(INTERNAL), |b| struck(b, Kms, Fault::Internal)),
        (Error::Internal, Sts, 500, "InternalFailure", Some(INTERNAL), |b| struck(b, Sts, Fault::Internal)),
        (Error::DependencyTimeout, Kms, 503, "DependencyTimeoutException", Some(TIMEOUT), |b| {
            struck(b, Kms, Fault::Unavailable)
        }),
        (Error::DependencyTimeout, Sts, 503, "ServiceUnavailable", Some(TIMEOUT), |b| {
            struck(b, Sts, Fault::Unavailable)
        }),
        (Error::KeyUnavailable, Kms, 500, "KeyUnavailableException", unavailable, |b| {
            struck(b, Kms, Fault::KeyUnavailable)
        }),
        (
            Error::InternalFailure,
            Kms,
            500,
            "InternalFailure",
            Some("The request processing has failed because of an unknown error, exception or failure."),
            |b| struck(b, Kms, Fault::Answer(Error::InternalFailure)),
        ),
        (
            Error::ServiceUnavailable,
            Kms,
            503,
            "ServiceUnavailable",
            Some("The request has failed due to a temporary failure of the server."),
            |b| struck(b, Kms, Fault::Answer(Error::ServiceUnavailable)),
        ),
        (Error::RequestExpired, Kms, 400, "RequestExpired", Some("Request has expired."), |b| {
            struck(b, Kms, Fault::Answer(Error::RequestExpired))
        }),
        (
            Error::OptInRequired,
            Kms,
            403,
            "OptInRequired",
            Some("The AWS Access Key Id needs a subscription for the service"),
            |b| struck(b, Kms, Fault::Answer(Error::OptInRequired)),
        ),
        (
            Error::RegionDisabled,
            Sts,
            403,
            "RegionDisabledException",
            Some(
                "STS is not activated in this region for account:111122223333. Your account administrator can activate STS in this region using the IAM Console.",
            ),
            |b| struck(b, Sts, Fault::Answer(Error::RegionDisabled)),
        ),
    ]
}

fn keys() -> Vec<Row> {
    let algorithm = Some("Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT.");
    let other_key = Some("The key ID in the request does not identify a CMK that can perform this operation.");
    let unknown =
        Some("Key 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000' does not exist");
    vec![
        (Error::Disabled, Kms, 400, "DisabledException", Some("<key> is disabled."), |b| {
            b.aws.change_key("master", KeyChange::Disable, now()).unwrap();
            open(b)
        }),
        (Error::PendingDeletion, Kms, 400, "KMSInvalidStateException", Some("<key> is pending deletion."), |b| {
            b.aws.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
            open(b)
        }),
        (Error::PendingImport, Kms, 400, "KMSInvalidStateException", Some("<key> is pending import."), |b| {
            open_in(b, KeyState::PendingImport)
        }),
        (Error::StateUnavailable, Kms, 400, "KMSInvalidStateException", Some("<key> is unavailable."), |b| {
            open_in(b, KeyState::Unavailable)
        }),
        (Error::Creating, Kms, 400, "KMSInvalidStateException", Some("<key> is creating."), |b| {
            open_in(b, KeyState::Creating)
        }),
        (Error::Updating, Kms, 400, "KMSInvalidStateException", Some("<key> is updating."), |b| {
            b.aws.set_key_state("master", KeyState::Updating).unwrap();
            on_key(b, "DisableKey")
        }),
        (
            Error::PendingReplicaDeletion,
            Kms,
            400,
            "KMSInvalidStateException",
            Some("<key> is pending replica deletion."),
            |b| open_in(b, KeyState::PendingReplicaDeletion(Duration::from_secs(7 * 86_400))),
        ),
        (
            Error::NotPendingDeletion,
            Kms,
            400,
            "KMSInvalidStateException",
            Some("<key> is not pending deletion."),
            |b| on_key(b, "CancelKeyDeletion"),
        ),
        (
            Error::OriginInvalid,
            Kms,
            400,
            "UnsupportedOperationException",
            Some("<key> origin is EXTERNAL which is not valid for this operation."),
            |b| {
                b.aws.set_key_state("master", KeyState::PendingImport).unwrap();
                on_key(b, "EnableKeyRotation")
            },
        ),
        (
            Error::NotPrimary,
            Kms,
            400,
            "UnsupportedOperationException",
            Some("<key> is not a multi-region primary key."),
            |b| {
                b.aws.add_multi_region_key("everywhere");
                b.aws.add_region("us-west-2");
                b.key = b.aws.key_arn("us-west-2", "everywhere").unwrap().to_owned();
                b.client.region = "us-west-2".into();
                on_key(b, "RotateKeyOnDemand")
            },
        ),
        (
            Error::RotationsExhausted,
            Kms,
            400,
            "LimitExceededException",
            Some(
                "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: <key>",
            ),
            |b| {
                (0..25).for_each(|_| b.aws.change_key("master", KeyChange::Rotate, now()).unwrap());
                on_key(b, "RotateKeyOnDemand")
            },
        ),
        (
            Error::RotationConflict,
            Kms,
            400,
            "ConflictException",
            Some(
                "The request was rejected because an automatic rotation of this key is currently in progress or scheduled to begin within the next 20 minutes.",
            ),
            |b| {
                let soon = now() - Duration::from_secs(90 * 86_400 - 20 * 60);
                b.aws.enable_automatic_rotation("master", 90, soon).unwrap();
                on_key(b, "RotateKeyOnDemand")
            },
        ),
        (
            Error::KeyUsageInvalid,
            Kms,
            400,
            "InvalidKeyUsageException",
            Some("<key> key usage is SIGN_VERIFY which is not valid for DescribeKey."),
            |b| struck(b, Kms, Fault::Answer(Error::KeyUsageInvalid)),
        ),
        (
            Error::InvalidGrantToken,
            Kms,
            400,
            "InvalidGrantTokenException",
            Some("The request was rejected because the specified grant token is not valid."),
            |b| {
                let key = b.key.clone();
                b.kms("DescribeKey", &json!({"KeyId": key, "GrantTokens": ["token"]}))
            },
        ),
        (
            Error::ArnRefused,
            Kms,
            400,
            "InvalidArnException",
            Some("The request was rejected because a specified ARN, or an ARN in a key policy, is not valid."),
            |b| struck(b, Kms, Fault::Answer(Error::ArnRefused)),
        ),
        (Error::KeyNotFound, Kms, 400, "NotFoundException", unknown, |b| describe_id(b, UNUSED)),
        (Error::KeyIdInvalid, Kms, 400, "NotFoundException", Some("Invalid keyId 'fake-key-id'"), |b| {
            describe_id(b, "fake-key-id")
        }),
        (Error::ArnInvalid, Kms, 400, "NotFoundException", Some("Invalid arn eu-west-1"), |b| {
            let foreign = b.key.replace("us-east-1", "eu-west-1");
            describe_id(b, &foreign)
        }),
        (
            Error::AliasNotFound,
            Kms,
            400,
            "NotFoundException",
            Some("Alias arn:aws:kms:us-east-1:111122223333:alias/nope is not found."),
            |b| describe_id(b, "alias/nope"),
        ),
        (
            Error::AliasExists,
            Kms,
            400,
            "AlreadyExistsException",
            Some("An alias with the name arn:aws:kms:us-east-1:111122223333:alias/mine already exists"),
            |b| {
                b.aws.add_alias("mine", "master").unwrap();
                let body = json!({"AliasName": "alias/mine", "TargetKeyId": b.key});
                b.kms("CreateAlias", &body)
            },
        ),
        (Error::IncorrectKey, Kms, 400, "IncorrectKeyException", other_key, |b| {
            let (blob, other) = (b.wrapped(), b.aws.add_key("other"));
            b.kms("Decrypt", &json!({"CiphertextBlob": blob, "KeyId": other}))
        }),
        (Error::InvalidCiphertext, Kms, 400, "InvalidCiphertextException", None, |b| b.decrypt("Z2FyYmFnZQ==")),
        (Error::CiphertextKeyHidden, Kms, 400, "AccessDeniedException", Some(HIDDEN), |b| {
            let blob = Bench::seeded([7; 32], "eu-west-1").wrapped();
            b.decrypt(&blob)
        }),
        (Error::AlgorithmInvalid, Kms, 400, "InvalidKeyUsageException", algorithm, |b| {
            let (blob, rsa) = (b.wrapped(), "RSAES_OAEP_SHA_256");
            b.kms("Decrypt", &json!({"CiphertextBlob": blob, "EncryptionAlgorithm": rsa}))
        }),
        (
            Error::DryRun,
            Kms,
            400,
            "DryRunOperationException",
            Some("The request would have succeeded, but the DryRun option is set."),
            |b| {
                let blob = b.wrapped();
                b.kms("Decrypt", &json!({"CiphertextBlob": blob, "DryRun": true}))
            },
        ),
    ]
}

fn access() -> Vec<Row> {
    vec![
        (
            Error::DeniedByIdentity,
            Kms,
            400,
            "AccessDeniedException",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: kms:Decrypt on resource: <key> because no identity-based policy allows the kms:Decrypt action",
            ),
            |b| {
                b.aws.deny("atlas", "kms:Decrypt", "master");
                open(b)
            },
        ),
        (
            Error::ForbiddenByKey,
            Kms,
            400,
            "AccessDeniedException",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: kms:Decrypt on resource: <key> with an explicit deny in a resource-based policy",
            ),
            |b| {
                b.aws.set_private_only("master", true);
                b.arrival.private = false;
                open(b)
            },
        ),
        (
            Error::NotAllowedByKey,
            Kms,
            400,
            "AccessDeniedException",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: kms:DescribeKey on resource: arn:aws:kms:us-east-1:999999999999:key/00000000-0000-4000-8000-000000000000 because no resource-based policy allows the kms:DescribeKey action",
            ),
            |b| describe_id(b, &format!("arn:aws:kms:us-east-1:999999999999:key/{UNUSED}")),
        ),
        (
            Error::DeniedByEndpoint,
            Kms,
            400,
            "AccessDeniedException",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: kms:Decrypt on resource: <key> because no VPC endpoint policy allows the kms:Decrypt action",
            ),
            |b| {
                b.aws.set_endpoint_policy("vpce-a", false);
                open(b)
            },
        ),
        (
            Error::DeniedByIdentity,
            Sts,
            403,
            "AccessDenied",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/opener because no identity-based policy allows the sts:AssumeRole action",
            ),
            |b| {
                b.aws.deny("atlas", "sts:AssumeRole", "opener");
                assume(b, "&ExternalId=shared")
            },
        ),
        (
            Error::DeniedByEndpoint,
            Sts,
            403,
            "AccessDenied",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/opener because no VPC endpoint policy allows the sts:AssumeRole action",
            ),
            |b| {
                b.aws.set_endpoint_policy("vpce-a", false);
                assume(b, "&ExternalId=shared")
            },
        ),
        (
            Error::ForbiddenByIdentity,
            Kms,
            400,
            "AccessDeniedException",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: kms:Decrypt on resource: <key> with an explicit deny in an identity-based policy",
            ),
            |b| {
                b.aws.deny_by(Denial::by_identity("atlas", "kms:Decrypt", "*").explicit());
                open(b)
            },
        ),
        (
            Error::ForbiddenByIdentity,
            Sts,
            403,
            "AccessDenied",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/opener with an explicit deny in an identity-based policy",
            ),
            |b| {
                b.aws.deny_by(Denial::by_identity("atlas", "sts:AssumeRole", "*").explicit());
                assume(b, "&ExternalId=shared")
            },
        ),
        (
            Error::ForbiddenByEndpoint,
            Kms,
            400,
            "AccessDeniedException",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: kms:Decrypt on resource: <key> with an explicit deny in a VPC endpoint policy",
            ),
            |b| {
                b.aws.deny_by(Denial::by_endpoint("vpce-a", "kms:Decrypt").explicit());
                open(b)
            },
        ),
        (
            Error::ForbiddenByEndpoint,
            Sts,
            403,
            "AccessDenied",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/opener with an explicit deny in a VPC endpoint policy",
            ),
            |b| {
                b.aws.deny_by(Denial::by_endpoint("vpce-a", "sts:AssumeRole").explicit());
                assume(b, "&ExternalId=shared")
            },
        ),
        (
            Error::AssumeRoleDenied,
            Sts,
            403,
            "AccessDenied",
            Some(
                "User: arn:aws:iam::111122223333:user/atlas is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/opener",
            ),
            |b| assume(b, "&ExternalId=another"),
        ),
    ]
}

fn requests() -> Vec<Row> {
    vec![
        (Error::Serialization, Kms, 400, "SerializationException", None, |b| {
            let request = b.client.kms("Decrypt", "{not json");
            b.send(&request)
        }),
        (
            Error::Validation,
            Kms,
            400,
            "ValidationException",
            Some(
                "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
            ),
            |b| {
                let (key, long) = (b.key.clone(), "AAAA".repeat(4098 / 3));
                b.kms("Encrypt", &json!({"KeyId": key, "Plaintext": long}))
            },
        ),
        (
            Error::Validation,
            Sts,
            400,
            "ValidationError",
            Some(
                "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
            ),
            |b| assume(b, "&ExternalId=shared&DurationSeconds=60"),
        ),
        (Error::RoleArnInvalid, Sts, 400, "ValidationError", Some("atlas-kms-is-no-arn-at-all is invalid"), |b| {
            b.sts("Action=AssumeRole&RoleArn=atlas-kms-is-no-arn-at-all&RoleSessionName=proxy")
        }),
        (
            Error::DurationTooLong,
            Sts,
            400,
            "ValidationError",
            Some("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
            |b| assume(b, "&ExternalId=shared&DurationSeconds=7200"),
        ),
        (
            Error::UnknownOperation,
            Kms,
            400,
            "UnknownOperationException",
            Some("ReEncrypt is not implemented by the fake"),
            |b| b.kms("ReEncrypt", &json!({})),
        ),
        (
            Error::UnknownOperation,
            Sts,
            400,
            "InvalidAction",
            Some("GetSessionToken is not implemented by the fake"),
            |b| b.sts("Action=GetSessionToken"),
        ),
        (
            Error::NotImplemented,
            Kms,
            400,
            "UnsupportedOperationException",
            Some("Recipient is not implemented by the fake"),
            |b| b.kms("Decrypt", &json!({"Recipient": {}})),
        ),
        (Error::NotImplemented, Sts, 400, "ValidationError", Some("Policy is not implemented by the fake"), |b| {
            assume(b, "&Policy=%7B%7D")
        }),
        (
            Error::UnknownRoute,
            Kms,
            404,
            "UnknownOperationException",
            Some("GET /_localstack/health is not implemented by the fake: it answers POST / only"),
            |b| b.send(&Request::get("/_localstack/health").body(Bytes::new()).unwrap()),
        ),
        (
            Error::UnknownHost,
            Kms,
            421,
            "UnknownHost",
            Some("the fake AWS of us-east-1 does not answer for Host `s3.us-east-1.amazonaws.com`"),
            |b| {
                let request = Request::post("/").header("host", "s3.us-east-1.amazonaws.com");
                b.send(&request.body(Bytes::new()).unwrap())
            },
        ),
    ]
}
