//! What each row of the table of refusals looks like, written out from the sources and not from the table, and a call that
//! provokes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::scenario::KeyChange;

/// Every row, with the services that know it.
pub(super) fn all() -> Vec<Row> {
    [states(), requests(), access(), callers(), failing(), tokens(), doors()].concat()
}

fn states() -> Vec<Row> {
    let precondition = "FAILED_PRECONDITION";
    vec![
        (
            Error::VersionDisabled,
            Kms,
            400,
            precondition,
            "<key>/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.",
            &["KEY_DISABLED"],
            |b| {
                b.gcp.change_key("master", KeyChange::Disable, now()).unwrap();
                open(b)
            },
        ),
        (
            Error::VersionDestroyScheduled,
            Kms,
            400,
            precondition,
            "<key>/cryptoKeyVersions/1 is not enabled, current state is: DESTROY_SCHEDULED.",
            &["KEY_DESTROY_SCHEDULED"],
            |b| {
                b.gcp.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
                open(b)
            },
        ),
        (
            Error::VersionDestroyed,
            Kms,
            400,
            precondition,
            "<key>/cryptoKeyVersions/1 is not enabled, current state is: DESTROYED.",
            &["KEY_DESTROYED"],
            |b| open_in(b, VersionState::DestroyScheduled(now())),
        ),
        (
            Error::VersionPendingGeneration,
            Kms,
            400,
            precondition,
            "<key>/cryptoKeyVersions/1 is not enabled, current state is: PENDING_GENERATION.",
            &["KEY_PENDING_GENERATION"],
            |b| open_in(b, VersionState::PendingGeneration),
        ),
        (
            Error::VersionPendingImport,
            Kms,
            400,
            precondition,
            "<key>/cryptoKeyVersions/1 is not enabled, current state is: PENDING_IMPORT.",
            &["KEY_PENDING_IMPORT"],
            |b| open_in(b, VersionState::PendingImport),
        ),
        (
            Error::VersionImportFailed,
            Kms,
            400,
            precondition,
            "<key>/cryptoKeyVersions/1 is not enabled, current state is: IMPORT_FAILED.",
            &["KEY_IMPORT_FAILED"],
            |b| open_in(b, VersionState::ImportFailed),
        ),
        (
            Error::ExternalUnreachable,
            Kms,
            400,
            precondition,
            "The external key manager of projects/kmiplab-project/locations/europe-west3/keyRings/atlas/cryptoKeys/outside/cryptoKeyVersions/1 could not be reached.",
            &["KEY_ENABLED", "EXTERNAL_UNREACHABLE"],
            |b| {
                let name = b.gcp.add_external_key("outside");
                b.gcp.change_key("outside", KeyChange::Disconnect, now()).unwrap();
                b.post(&format!("{name}:encrypt"), &json!({"plaintext": "AAAA"}))
            },
        ),
    ]
}

fn requests() -> Vec<Row> {
    let invalid = "INVALID_ARGUMENT";
    vec![
        (Error::CiphertextInvalid, Kms, 400, invalid, "Decryption failed: the ciphertext is invalid.", &[], |b| {
            b.decrypt("AAAA")
        }),
        (
            Error::WrongKey,
            Kms,
            400,
            invalid,
            "Decryption failed: verify that 'name' refers to the correct CryptoKey.",
            &[],
            |b| {
                b.gcp.add_key("other");
                let blob = STANDARD.encode(b.gcp.encrypt_directly("other", b"material", b"").unwrap());
                b.decrypt(&blob)
            },
        ),
        (
            Error::Checksum,
            Kms,
            400,
            invalid,
            "The checksum in field plaintext_crc32c did not match the data in field plaintext.",
            &[],
            |b| b.post(&format!("{KEY}:encrypt"), &json!({"plaintext": "AAAA", "plaintextCrc32c": "0"})),
        ),
        (
            Error::InvalidValue,
            Kms,
            400,
            invalid,
            "Invalid value at 'ciphertext' (TYPE_BYTES), Base64 decoding failed.",
            &["ciphertext"],
            |b| b.decrypt("not base64!"),
        ),
        (
            Error::UnknownField,
            Kms,
            400,
            invalid,
            "Invalid JSON payload received. Unknown name \"cyphertext\": Cannot find field.",
            &["cyphertext"],
            |b| open_with(b, &json!({"cyphertext": "AAAA"})),
        ),
        (Error::InvalidJson, Kms, 400, invalid, "Invalid JSON payload received. Unexpected token.", &[], |b| {
            open_with(b, &json!("AAAA"))
        }),
        (Error::TooLong, Kms, 400, invalid, "The field plaintext has 65537 bytes, and may have 65536.", &[], |b| {
            b.encrypt(&[0; 65_537])
        }),
        (Error::NotFound, Kms, 404, "NOT_FOUND", "CryptoKeyVersion <key>/cryptoKeyVersions/2 not found.", &[], |b| {
            b.get(&format!("{KEY}/cryptoKeyVersions/2"))
        }),
    ]
}

fn access() -> Vec<Row> {
    let denied = "PERMISSION_DENIED";
    vec![
        (
            Error::PermissionDenied,
            Kms,
            403,
            denied,
            "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource '<key>' (or it may not exist).",
            &[],
            |b| {
                b.gcp.deny("atlas", "cloudkms.cryptoKeyVersions.useToDecrypt", "master");
                open(b)
            },
        ),
        (
            Error::ServiceDisabled,
            Kms,
            403,
            denied,
            "Cloud Key Management Service (KMS) API has not been used in project 123456789012 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/cloudkms.googleapis.com/overview?project=123456789012 then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.",
            &["SERVICE_DISABLED", "help"],
            |b| {
                b.gcp.set_api_enabled(false);
                open(b)
            },
        ),
        (
            Error::PolicyViolated,
            Kms,
            403,
            denied,
            "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: hCZ_FIRST",
            &["VPC_SERVICE_CONTROLS", "SECURITY_POLICY_VIOLATED"],
            |b| {
                b.gcp.set_endpoint_policy("psc-a", false);
                let mut reply = open(b);
                let uid = reply.json()["error"]["details"][1]["metadata"]["uid"].as_str().unwrap().to_owned();
                reply.body = reply.body.replace(&uid, "hCZ_FIRST");
                reply
            },
        ),
        (
            Error::BillingDisabled,
            Kms,
            403,
            denied,
            "This API method requires billing to be enabled. Please enable billing on project #123456789012 by visiting https://console.developers.google.com/billing/enable?project=123456789012 then retry. If you enabled billing for this project recently, wait a few minutes for the action to propagate to our systems and retry.",
            &["BILLING_DISABLED"],
            |b| struck(b, Fault::Answer(Error::BillingDisabled)),
        ),
    ]
}

fn callers() -> Vec<Row> {
    let unknown = "UNAUTHENTICATED";
    let refused = "Request had invalid authentication credentials. <auth>";
    vec![
        (
            Error::TokenMissing,
            Kms,
            401,
            unknown,
            "Request is missing required authentication credential. <auth>",
            &["CREDENTIALS_MISSING"],
            |b| {
                b.token = None;
                open(b)
            },
        ),
        (Error::TokenInvalid, Kms, 401, unknown, refused, &["ACCESS_TOKEN_TYPE_UNSUPPORTED"], |b| {
            b.token = Some("nonsense".to_owned());
            open(b)
        }),
        (Error::TokenExpired, Kms, 401, unknown, refused, &["ACCESS_TOKEN_EXPIRED"], |b| {
            b.token = Some(b.gcp.add_token("atlas", Some(now())));
            open(b)
        }),
        (Error::AccountInvalid, Kms, 401, unknown, refused, &["ACCOUNT_STATE_INVALID"], |b| {
            b.gcp.set_account_disabled("atlas", true).unwrap();
            open(b)
        }),
        (
            Error::ScopeInsufficient,
            Kms,
            403,
            "PERMISSION_DENIED",
            "Request had insufficient authentication scopes.",
            &["ACCESS_TOKEN_SCOPE_INSUFFICIENT"],
            |b| {
                let scope = json!("https://www.googleapis.com/auth/devstorage.read_only");
                b.token = Some(ask_but(b, "scope", scope).member("access_token"));
                open(b)
            },
        ),
    ]
}

fn failing() -> Vec<Row> {
    let internal = "Internal error encountered.";
    let unavailable = "The service is currently unavailable.";
    vec![
        (
            Error::Throttled,
            Kms,
            429,
            "RESOURCE_EXHAUSTED",
            "Quota exceeded for quota metric 'Cryptographic requests' and limit 'Cryptographic requests per minute' of service 'cloudkms.googleapis.com' for consumer 'project_number:123456789012'.",
            &["RATE_LIMIT_EXCEEDED"],
            |b| struck(b, Fault::Throttle),
        ),
        (
            Error::Throttled,
            Oauth,
            429,
            "rate_limit_exceeded",
            "Quota exceeded for quota metric 'Token requests' and limit 'Token requests per minute' of service 'oauth2.googleapis.com' for consumer 'project_number:123456789012'.",
            &[],
            |b| ask_struck(b, Fault::Throttle),
        ),
        (Error::Internal, Kms, 500, "INTERNAL", internal, &[], |b| struck(b, Fault::Internal)),
        (Error::Internal, Oauth, 500, "internal_failure", internal, &[], |b| ask_struck(b, Fault::Internal)),
        (Error::Unavailable, Kms, 503, "UNAVAILABLE", unavailable, &[], |b| struck(b, Fault::Unavailable)),
        (Error::Unavailable, Oauth, 503, "temporarily_unavailable", unavailable, &[], |b| {
            ask_struck(b, Fault::Unavailable)
        }),
        (
            Error::DeadlineExceeded,
            Kms,
            504,
            "DEADLINE_EXCEEDED",
            "Deadline expired before operation could complete.",
            &[],
            |b| struck(b, Fault::Answer(Error::DeadlineExceeded)),
        ),
        (Error::Aborted, Kms, 409, "ABORTED", "The operation was aborted.", &[], |b| {
            struck(b, Fault::Answer(Error::Aborted))
        }),
    ]
}

fn tokens() -> Vec<Row> {
    let grant = "invalid_grant";
    vec![
        (Error::SignatureInvalid, Oauth, 400, grant, "Invalid JWT Signature.", &[], |b| {
            let id = b.account.key_id.clone();
            b.gcp.revoke(&id).unwrap();
            ask(b)
        }),
        (Error::AccountNotFound, Oauth, 400, grant, "Invalid grant: account not found", &[], |b| {
            b.gcp.remove_account("atlas").unwrap();
            ask(b)
        }),
        (Error::NoVerifier, Oauth, 400, grant, "Invalid JWT: No valid verifier found for issuer.", &[], |b| {
            ask_struck(b, Fault::Answer(Error::NoVerifier))
        }),
        (Error::AudienceInvalid, Oauth, 400, grant, "Invalid JWT: Failed audience check.", &[], |b| {
            ask_but(b, "aud", json!("https://www.googleapis.com/oauth2/v4/token"))
        }),
        (
            Error::TimeframeInvalid,
            Oauth,
            400,
            grant,
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
            &[],
            |b| {
                let claims = b.claims();
                b.arrival.at += super::super::DAY;
                b.ask(&claims)
            },
        ),
        (Error::AccountDisabled, Oauth, 401, "disabled_client", "The OAuth client was disabled.", &[], |b| {
            b.gcp.set_account_disabled("atlas", true).unwrap();
            ask(b)
        }),
        (
            Error::Unauthorized,
            Oauth,
            401,
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
            &[],
            |b| ask_but(b, "sub", json!("somebody@example.com")),
        ),
        (
            Error::ScopeInvalid,
            Oauth,
            400,
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
            &[],
            |b| ask_but(b, "scope", json!("cloudkms")),
        ),
        (Error::ScopeMissing, Oauth, 400, "invalid_scope", "Empty or missing scope not allowed.", &[], |b| {
            ask_but(b, "scope", json!(""))
        }),
        (Error::GrantUnsupported, Oauth, 400, "unsupported_grant_type", "Invalid grant_type: password", &[], |b| {
            b.post_form("grant_type=password")
        }),
        (Error::ParameterMissing, Oauth, 400, "invalid_request", "Missing required parameter: grant_type", &[], |b| {
            b.post_form("assertion=a.b.c")
        }),
    ]
}

fn doors() -> Vec<Row> {
    let host = "the fake Google Cloud does not answer for the host 'example.com': it is cloudkms.googleapis.com, oauth2.googleapis.com, and their names of Private Service Connect.";
    vec![
        (Error::UnknownPath, Kms, 404, "NOT_FOUND", "<code>/v2/projects/p</code>", &[], |b| {
            let request = b.request("/v2/projects/p", None);
            b.send(&request)
        }),
        (Error::UnknownPath, Oauth, 404, "NOT_FOUND", "<code>/tokens</code>", &[], |b| {
            let mut request = form_request("");
            *request.uri_mut() = http::Uri::from_static("/tokens");
            b.send(&request)
        }),
        (
            Error::NotImplemented,
            Kms,
            501,
            "UNIMPLEMENTED",
            "POST /v1/<key>:asymmetricSign is not a part of the fake Google Cloud.",
            &[],
            |b| b.post(&format!("{KEY}:asymmetricSign"), &json!({})),
        ),
        (Error::UnknownHost, Kms, 421, "UNKNOWN_HOST", host, &[], |b| {
            let request = b.request(&format!("/v1/{KEY}"), None);
            at_host(b, request)
        }),
        (Error::UnknownHost, Oauth, 421, "UNKNOWN_HOST", host, &[], |b| at_host(b, form_request(""))),
    ]
}
