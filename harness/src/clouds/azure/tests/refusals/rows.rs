//! What each row of the table of refusals looks like, written out from the sources and not from the table, and a call that
//! provokes it.

use super::*;
use crate::clouds::azure::{Attributes, PermissionModel};
use crate::scenario::KeyChange;

const MISSING: &str = "A key with (name/id) nope was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182";
const MISSING_VERSION: &str = "A key with (name/id) master/0123456789abcdef0123456789abcdef was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182";
const DELETED: &str = "Key master is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged.";
const RBAC: &str = "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: <caller>\r\nAction: 'Microsoft.KeyVault/vaults/keys/decrypt/action'\r\nResource: '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/kmiplab/providers/microsoft.keyvault/vaults/kmiplab/keys/master'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: kmiplab;location=eastus\r\n";
const POLICY: &str = "The user, group or application '<caller>' does not have keys decrypt permission on key vault 'kmiplab;location=eastus'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287";
const CONNECTION: &str = "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: <caller>\r\nVault: kmiplab;location=eastus";
const FIREWALL: &str = "Client address is not authorized and caller is not a trusted service.\r\nClient address: 198.51.100.7\r\nCaller: <caller>\r\nVault: kmiplab;location=eastus";
const THROTTLED: &str =
    "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached";

/// Every row.
pub(super) fn all() -> Vec<Row> {
    [callers(), access(), keys(), requests(), failing(), token_service()].concat()
}

fn callers() -> Vec<Row> {
    let unauthorized = ("Unauthorized", "");
    vec![
        (Error::TokenMissing, 401, unauthorized, "AKV10000: Request is missing a Bearer or PoP token.", |b| {
            b.token = None;
            b.open()
        }),
        (Error::TokenExpired, 401, unauthorized, "[TokenExpired] Error validating token: 'S2S12086'.", |b| {
            b.token = Some(b.azure.add_token("atlas", now(), now()).unwrap());
            b.open()
        }),
        (
            Error::InvalidIssuer,
            401,
            unauthorized,
            "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/<tenant>/, found https://sts.windows.net/11111111-1111-4111-8111-111111111111/.",
            |b| struck(b, Error::InvalidIssuer),
        ),
        (
            Error::InvalidAudience,
            401,
            unauthorized,
            "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com.",
            |b| {
                let form = b.form().replace("vault.azure.net", "management.azure.com");
                b.token = Some(b.ask(&form).json()["access_token"].as_str().unwrap().to_owned());
                b.open()
            },
        ),
        (
            Error::SignatureUnknown,
            401,
            unauthorized,
            "AKV10046: Unable to resolve the key used for signature validation.",
            |b| {
                b.token = Some("no.token.atall".to_owned());
                b.open()
            },
        ),
    ]
}

fn access() -> Vec<Row> {
    vec![
        (Error::ForbiddenByConnection, 403, ("Forbidden", "ForbiddenByConnection"), CONNECTION, |b| {
            b.azure.set_public_network_access("kmiplab", false).unwrap();
            from_outside(b)
        }),
        (Error::ForbiddenByFirewall, 403, ("Forbidden", "ForbiddenByFirewall"), FIREWALL, |b| {
            b.azure.set_firewall("kmiplab", true).unwrap();
            from_outside(b)
        }),
        (Error::ForbiddenByRbac, 403, ("Forbidden", "ForbiddenByRbac"), RBAC, |b| {
            b.azure.deny("atlas", "Decrypt", "master");
            b.open()
        }),
        (Error::ForbiddenByPolicy, 403, ("Forbidden", "ForbiddenByPolicy"), POLICY, |b| {
            b.azure.set_permission_model("kmiplab", PermissionModel::AccessPolicies).unwrap();
            b.azure.deny("atlas", "*", "master");
            b.open()
        }),
        (Error::AccessDenied, 403, ("Forbidden", "AccessDenied"), POLICY, |b| struck(b, Error::AccessDenied)),
    ]
}

fn keys() -> Vec<Row> {
    vec![
        (
            Error::KeyDisabled,
            403,
            ("Forbidden", "KeyDisabled"),
            "Operation decrypt is not allowed on a disabled key.",
            |b| {
                b.azure.change_key("master", KeyChange::Disable, now()).unwrap();
                b.open()
            },
        ),
        (
            Error::KeyNotYetValid,
            403,
            ("Forbidden", "KeyNotYetValid"),
            "Operation wrapKey is not allowed on a key that is not yet valid.",
            |b| {
                let later = Attributes { not_before: Some(now() + super::super::SECOND), ..Attributes::default() };
                b.azure.set_attributes("master", None, later, now()).unwrap();
                b.vault(Method::POST, "/keys/master//wrapkey", &crypt_body(MASTER_KEY))
            },
        ),
        (
            Error::KeyExpired,
            403,
            ("Forbidden", "KeyExpired"),
            "Operation encrypt is not allowed on an expired key.",
            |b| {
                let over = Attributes { expires: Some(now()), ..Attributes::default() };
                b.azure.set_attributes("master", None, over, now()).unwrap();
                b.vault(Method::POST, "/keys/master//encrypt", &crypt_body(MASTER_KEY))
            },
        ),
        (
            Error::KeyOperationForbidden,
            403,
            ("Forbidden", "KeyOperationForbidden"),
            "Operation decrypt is not permitted on this key.",
            |b| {
                b.azure.set_key_operations("master", &["encrypt"], now()).unwrap();
                b.open()
            },
        ),
        (Error::KeyNotFound, 404, ("KeyNotFound", ""), MISSING, |b| b.get("/keys/nope")),
        (Error::KeyNotFound, 404, ("KeyNotFound", ""), MISSING_VERSION, |b| {
            b.get("/keys/master/0123456789abcdef0123456789abcdef")
        }),
        (Error::DeletedKeyNotFound, 404, ("KeyNotFound", ""), "Deleted Key not found: master", |b| {
            b.get("/deletedkeys/master")
        }),
        (Error::KeyDeleted, 409, ("Conflict", "ObjectIsDeletedButRecoverable"), DELETED, |b| {
            b.azure.change_key("master", KeyChange::ScheduleDeletion, now()).unwrap();
            b.vault(Method::POST, "/keys/master/create", r#"{"kty":"RSA"}"#)
        }),
        (
            Error::KeyBeingRecovered,
            409,
            ("Conflict", "ObjectIsBeingRecovered"),
            "Key master is currently being recovered and cannot be re-created; retry later.",
            |b| {
                b.azure.inject_into("CreateKey", Fault::Answer(Error::KeyBeingRecovered), None, None);
                b.vault(Method::POST, "/keys/master/create", r#"{"kty":"RSA"}"#)
            },
        ),
    ]
}

fn requests() -> Vec<Row> {
    let bad = ("BadParameter", "");
    vec![
        (Error::ParameterIncorrect, 400, bad, "The parameter is incorrect.", |b| decrypt(b, &crypt_body(&[7; 255]))),
        (Error::PaddingInvalid, 400, bad, "Error occurred while decoding OAEP padding.", |b| {
            decrypt(b, &crypt_body(&[7; 256]))
        }),
        (
            Error::ValueNotBase64Url,
            400,
            bad,
            "Content of 'value' is not base64url.\r\nProperty 'value' is required.\r\n",
            |b| decrypt(b, r#"{"alg":"RSA-OAEP-256","value":"+/=="}"#),
        ),
        (Error::PropertyRequired, 400, bad, "Property 'alg' is required.\r\n", |b| decrypt(b, r#"{"value":""}"#)),
        (Error::PropertyInvalid, 400, bad, "Property 'alg' has invalid value\r\n", |b| {
            decrypt(b, r#"{"alg":"ROT13","value":""}"#)
        }),
        (Error::BodyUnreadable, 400, bad, "The request body is not a valid JSON object.", |b| decrypt(b, "")),
        (Error::ApiVersionMissing, 400, bad, "api-version must be specified", |b| {
            let mut request = b.vault_request(Method::GET, "/keys/master", "");
            *request.uri_mut() = "/keys/master?api-version=".parse().unwrap();
            b.send(&request)
        }),
        (Error::NotImplemented, 400, ("NotImplemented", ""), "RSA1_5 is not implemented by the fake", |b| {
            decrypt(b, r#"{"alg":"RSA1_5","value":""}"#)
        }),
        (Error::UnknownRoute, 404, ("UnknownRoute", ""), "GET /secrets/master is not implemented by the fake", |b| {
            b.get("/secrets/master")
        }),
        (
            Error::UnknownHost,
            421,
            ("UnknownHost", ""),
            "the fake Azure does not answer for Host `nope.vault.azure.net`",
            |b| {
                let request = Request::get("/keys/master?api-version=7.4").header("host", "nope.vault.azure.net");
                b.send(&request.body(Bytes::new()).unwrap())
            },
        ),
    ]
}

fn failing() -> Vec<Row> {
    let busy = "temporarily_unavailable";
    vec![
        (Error::Throttled, 429, ("Throttled", ""), THROTTLED, |b| struck(b, Error::Throttled)),
        (Error::Internal, 500, ("InternalError", ""), "An internal error occurred.", |b| struck(b, Error::Internal)),
        (Error::Unavailable, 503, ("ServiceUnavailable", ""), "The service is unavailable.", |b| {
            struck(b, Error::Unavailable)
        }),
        (Error::EntraThrottled, 429, (busy, "90055"), "There are too many incoming requests. Try again later.", |b| {
            struck(b, Error::EntraThrottled)
        }),
        (
            Error::EntraInternal,
            500,
            (busy, "90006"),
            "The service is temporarily unavailable. Please retry later.",
            |b| struck(b, Error::EntraInternal),
        ),
        (Error::EntraUnavailable, 503, (busy, "90033"), "A transient error has occurred. Please try again.", |b| {
            struck(b, Error::EntraUnavailable)
        }),
    ]
}

fn token_service() -> Vec<Row> {
    vec![
        (
            Error::TenantNotFound,
            400,
            ("invalid_request", "90002"),
            "Tenant '00000000-0000-4000-8000-000000000000' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
            |b| {
                let request = b.token_request("00000000-0000-4000-8000-000000000000", &b.form());
                b.send(&request)
            },
        ),
        (
            Error::TenantInvalid,
            400,
            ("invalid_request", "900023"),
            "Specified tenant identifier 'my-tenant' is neither a valid DNS name, nor a valid external domain.",
            |b| {
                let request = b.token_request("my-tenant", &b.form());
                b.send(&request)
            },
        ),
        (
            Error::ApplicationNotFound,
            400,
            ("unauthorized_client", "700016"),
            "Application with identifier '00000000-0000-4000-8000-000000000000' was not found in the directory '<tenant>'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
            |b| {
                let client_id = b.application.client_id.clone();
                asked_with(b, &client_id, "00000000-0000-4000-8000-000000000000")
            },
        ),
        (
            Error::SecretInvalid,
            401,
            ("invalid_client", "7000215"),
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '<client>'.",
            |b| asked_with(b, "&client_secret=", "&client_secret=x"),
        ),
        (
            Error::SecretExpired,
            401,
            ("invalid_client", "7000222"),
            "The provided client secret keys for app '<client>' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.",
            |b| {
                let id = b.application.secret_id.clone();
                b.azure.expire(&id, now()).unwrap();
                b.ask_well()
            },
        ),
        (
            Error::SecretMissing,
            401,
            ("invalid_client", "7000216"),
            "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
            |b| asked_with(b, "&client_secret=", "&another="),
        ),
        (
            Error::ParameterMissing,
            400,
            ("invalid_request", "900144"),
            "The request body must contain the following parameter: 'scope'.",
            |b| asked_with(b, "&scope=", "&another="),
        ),
        (
            Error::ParameterMissing,
            400,
            ("invalid_request", "900144"),
            "The request body must contain the following parameter: 'client_id'.",
            |b| asked_with(b, "client_id=", "another="),
        ),
        (
            Error::ParameterMissing,
            400,
            ("invalid_request", "900144"),
            "The request body must contain the following parameter: 'grant_type'.",
            |b| b.ask(""),
        ),
        (
            Error::GrantUnsupported,
            400,
            ("unsupported_grant_type", "70003"),
            "The app requested an unsupported grant type 'password'.",
            |b| asked_with(b, "client_credentials", "password"),
        ),
        (
            Error::ScopeInvalid,
            400,
            ("invalid_scope", "1002012"),
            "The provided value for scope https://vault.azure.net is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
            |b| asked_with(b, "%2F.default", ""),
        ),
        (
            Error::ResourceNotFound,
            400,
            ("invalid_resource", "500011"),
            "The resource principal named https://kmiplab.vault.azure.net was not found in the tenant named <tenant>. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.",
            |b| asked_with(b, "vault.azure.net", "kmiplab.vault.azure.net"),
        ),
    ]
}
