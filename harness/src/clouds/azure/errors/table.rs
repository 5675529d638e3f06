//! The rows of the table of refusals. First Key Vault: who calls, from where, who is allowed what, the key, what stands in
//! the request, how the service fares, and what the fake itself cannot do. Then the token service in the same order.
//!
//! Invariant: of several rows with one name the first one is what a reader of the name alone expects.

use super::{Fact, Service};
use crate::clouds::Evidence::{self, Documented, Inferred, Observed, Ours};

/// Recordings of the real service that Microsoft keeps beside the tests of its SDKs.
const RECORDINGS: &str = "recordings of the Azure SDKs' tests";
/// Seen in a public issue or log with the raw answer of the real service.
const ISSUES: &str = "raw answers in public issues";
/// The guides to mistakes that come with the Azure SDKs.
const TROUBLESHOOTING: &str = "the troubleshooting guides of the Azure SDKs";
/// The documentation of Key Vault: keys, soft-delete, REST error codes, throttling.
const VAULT_DOCS: &str = "the documentation of Azure Key Vault";
/// The list of error codes of Microsoft Entra, and the reference of the client credentials grant.
const ENTRA_DOCS: &str = "the documentation of the Microsoft identity platform";
/// General knowledge of the services.
const QUOTED: &str = "widely quoted, no recording seen";
/// Nothing outside this fake.
const FAKE: &str = "this fake";

/// Status, code, inner code, name.
type Codes = (u16, &'static str, Option<&'static str>, &'static str);

const fn key_vault(
    codes: Codes,
    evidence: Evidence,
    source: &'static str,
    text: &'static str,
    wording: Evidence,
) -> Fact {
    let (status, code, inner, name) = codes;
    Fact { service: Service::KeyVault, status, code, inner, name, evidence, source, text, wording }
}

const fn forbidden(
    inner: &'static str,
    evidence: Evidence,
    source: &'static str,
    text: &'static str,
    wording: Evidence,
) -> Fact {
    key_vault((403, "Forbidden", Some(inner), inner), evidence, source, text, wording)
}

const fn bad_parameter(evidence: Evidence, source: &'static str, text: &'static str, wording: Evidence) -> Fact {
    key_vault((400, "BadParameter", None, "BadParameter"), evidence, source, text, wording)
}

const fn entra(
    status: u16,
    code: &'static str,
    name: &'static str,
    evidence: Evidence,
    source: &'static str,
    text: &'static str,
    wording: Evidence,
) -> Fact {
    Fact { service: Service::Entra, status, code, inner: None, name, evidence, source, text, wording }
}

errors! {
    /// No Authorization header, or none with a bearer token: the first request of every SDK.
    TokenMissing { key_vault((401, "Unauthorized", None, "AKV10000"), Observed, RECORDINGS,
        "AKV10000: Request is missing a Bearer or PoP token.", Observed) }
    /// A token whose time is over, or has not come.
    TokenExpired { key_vault((401, "Unauthorized", None, "TokenExpired"), Inferred, QUOTED,
        "[TokenExpired] Error validating token: 'S2S12086'.", Inferred) }
    /// A token of another tenant.
    InvalidIssuer { key_vault((401, "Unauthorized", None, "AKV10032"), Documented, TROUBLESHOOTING,
        "AKV10032: Invalid issuer. Expected one of {expected}, found {found}.", Documented) }
    /// A token for another resource.
    InvalidAudience { key_vault((401, "Unauthorized", None, "AKV10022"), Observed, ISSUES,
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: {found}.", Observed) }
    /// A token that no known key has signed, that was changed, or that is no token at all. That all of them are told in
    /// these words is inferred.
    SignatureUnknown { key_vault((401, "Unauthorized", None, "AKV10046"), Observed, ISSUES,
        "AKV10046: Unable to resolve the key used for signature validation.", Inferred) }
    /// Public network access is disabled, and the call does not come through an approved private link.
    ForbiddenByConnection { forbidden("ForbiddenByConnection", Observed, ISSUES,
        "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: {caller}\r\nVault: {vault};location={region}", Observed) }
    /// The firewall does not know the address.
    ForbiddenByFirewall { forbidden("ForbiddenByFirewall", Observed, ISSUES,
        "Client address is not authorized and caller is not a trusted service.\r\nClient address: {address}\r\nCaller: {caller}\r\nVault: {vault};location={region}", Observed) }
    /// No role assignment allows it.
    ForbiddenByRbac { forbidden("ForbiddenByRbac", Observed, ISSUES,
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: {caller}\r\nAction: '{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {vault};location={region}\r\n", Observed) }
    /// No access policy allows it.
    ForbiddenByPolicy { forbidden("ForbiddenByPolicy", Observed, ISSUES,
        "The user, group or application '{caller}' does not have keys {permission} permission on key vault '{vault};location={region}'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287", Observed) }
    /// No access policy allows it, by the inner code of earlier years. [`Error::ForbiddenByPolicy`] is what is said now.
    AccessDenied { forbidden("AccessDenied", Observed, ISSUES,
        "The user, group or application '{caller}' does not have keys {permission} permission on key vault '{vault};location={region}'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287", Observed) }
    /// A version that is disabled does not decrypt or unwrap; it encrypts and wraps all the same.
    KeyDisabled { forbidden("KeyDisabled", Observed, ISSUES,
        "Operation {operation} is not allowed on a disabled key.", Observed) }
    /// A version before its time does not encrypt or wrap. It decrypts and unwraps (documentation of keys, "date-time
    /// controlled operations").
    KeyNotYetValid { forbidden("KeyNotYetValid", Inferred, VAULT_DOCS,
        "Operation {operation} is not allowed on a key that is not yet valid.", Inferred) }
    /// A version after its time does not encrypt or wrap. It decrypts and unwraps.
    KeyExpired { forbidden("KeyExpired", Inferred, VAULT_DOCS,
        "Operation {operation} is not allowed on an expired key.", Inferred) }
    /// `key_ops` does not list it.
    KeyOperationForbidden { forbidden("KeyOperationForbidden", Observed, ISSUES,
        "Operation {operation} is not permitted on this key.", Observed) }
    /// No such key, no such version, or a deleted key: the service does not say which.
    KeyNotFound { key_vault((404, "KeyNotFound", None, "KeyNotFound"), Observed, ISSUES,
        "A key with (name/id) {id} was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182", Observed) }
    /// No such key among the deleted ones.
    DeletedKeyNotFound { key_vault((404, "KeyNotFound", None, "KeyNotFound"), Inferred, QUOTED,
        "Deleted Key not found: {id}", Inferred) }
    /// The name belongs to a deleted key.
    KeyDeleted { key_vault((409, "Conflict", Some("ObjectIsDeletedButRecoverable"), "ObjectIsDeletedButRecoverable"), Observed, ISSUES,
        "Key {id} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged.", Observed) }
    /// The name belongs to a key that is on its way back. The fake recovers at once, so this is only ever planned.
    KeyBeingRecovered { key_vault((409, "Conflict", Some("ObjectIsBeingRecovered"), "ObjectIsBeingRecovered"), Observed, ISSUES,
        "Key {id} is currently being recovered and cannot be re-created; retry later.", Inferred) }
    /// A ciphertext or a plaintext of a length that the key cannot work with.
    ParameterIncorrect { bad_parameter(Inferred, QUOTED, "The parameter is incorrect.", Inferred) }
    /// A ciphertext of the right length that this version did not make, or that was changed.
    PaddingInvalid { bad_parameter(Observed, ISSUES, "Error occurred while decoding OAEP padding.", Observed) }
    /// `value` in standard base64, say.
    ValueNotBase64Url { bad_parameter(Observed, ISSUES,
        "Content of '{what}' is not base64url.\r\nProperty '{what}' is required.\r\n", Observed) }
    /// A property that is missing.
    PropertyRequired { bad_parameter(Observed, ISSUES, "Property '{what}' is required.\r\n", Observed) }
    /// A property with a value of another type, or one that nobody knows.
    PropertyInvalid { bad_parameter(Inferred, QUOTED, "Property '{what}' has invalid value\r\n", Inferred) }
    /// A body that is not a JSON object.
    BodyUnreadable { bad_parameter(Inferred, QUOTED, "The request body is not a valid JSON object.", Inferred) }
    /// No `api-version` in the query.
    ApiVersionMissing { bad_parameter(Inferred, QUOTED, "api-version must be specified", Inferred) }
    /// Too many calls.
    Throttled { key_vault((429, "Throttled", None, "Throttled"), Documented, VAULT_DOCS,
        "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached", Observed) }
    /// The service failed by itself.
    Internal { key_vault((500, "InternalError", None, "InternalError"), Inferred, VAULT_DOCS,
        "An internal error occurred.", Inferred) }
    /// The service cannot be reached by what stands before it.
    Unavailable { key_vault((503, "ServiceUnavailable", None, "ServiceUnavailable"), Inferred, VAULT_DOCS,
        "The service is unavailable.", Inferred) }
    /// A value that the real service knows, and the fake does not.
    NotImplemented { key_vault((400, "NotImplemented", None, "NotImplemented"), Ours, FAKE,
        "{what} is not implemented by the fake", Ours) }
    /// A path or a method at which nothing of this fake answers.
    UnknownRoute { key_vault((404, "UnknownRoute", None, "UnknownRoute"), Ours, FAKE,
        "{route} is not implemented by the fake", Ours) }
    /// A Host that is none of the fake's. The real one would not be found by DNS.
    UnknownHost { key_vault((421, "UnknownHost", None, "UnknownHost"), Ours, FAKE,
        "the fake Azure does not answer for Host `{host}`", Ours) }

    /// No such tenant.
    TenantNotFound { entra(400, "invalid_request", "AADSTS90002", Observed, ISSUES,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", Observed) }
    /// What stands where the tenant belongs is neither an id nor a domain.
    TenantInvalid { entra(400, "invalid_request", "AADSTS900023", Documented, ENTRA_DOCS,
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.", Inferred) }
    /// No such application in this tenant.
    ApplicationNotFound { entra(400, "unauthorized_client", "AADSTS700016", Observed, ISSUES,
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", Observed) }
    /// A secret that the application never had, or has no more.
    SecretInvalid { entra(401, "invalid_client", "AADSTS7000215", Observed, ISSUES,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'.", Observed) }
    /// A secret whose time is over.
    SecretExpired { entra(401, "invalid_client", "AADSTS7000222", Observed, ISSUES,
        "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.", Observed) }
    /// Neither a secret nor a certificate.
    SecretMissing { entra(401, "invalid_client", "AADSTS7000216", Inferred, ISSUES,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.", Observed) }
    /// A field of the form that is missing.
    ParameterMissing { entra(400, "invalid_request", "AADSTS900144", Observed, ISSUES,
        "The request body must contain the following parameter: '{what}'.", Observed) }
    /// A grant that the token service does not know. The fake knows `client_credentials` alone.
    GrantUnsupported { entra(400, "unsupported_grant_type", "AADSTS70003", Documented, ENTRA_DOCS,
        "The app requested an unsupported grant type '{what}'.", Inferred) }
    /// A scope without `/.default`, or several of them.
    ScopeInvalid { entra(400, "invalid_scope", "AADSTS1002012", Observed, ISSUES,
        "The provided value for scope {what} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", Observed) }
    /// A scope of a resource that this tenant does not know.
    ResourceNotFound { entra(400, "invalid_resource", "AADSTS500011", Observed, ISSUES,
        "The resource principal named {what} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", Observed) }
    /// Too many requests of this tenant.
    EntraThrottled { entra(429, "temporarily_unavailable", "AADSTS90055", Inferred, ENTRA_DOCS,
        "There are too many incoming requests. Try again later.", Inferred) }
    /// The token service failed by itself.
    EntraInternal { entra(500, "temporarily_unavailable", "AADSTS90006", Inferred, ENTRA_DOCS,
        "The service is temporarily unavailable. Please retry later.", Inferred) }
    /// The token service cannot be reached by what stands before it.
    EntraUnavailable { entra(503, "temporarily_unavailable", "AADSTS90033", Inferred, ENTRA_DOCS,
        "A transient error has occurred. Please try again.", Inferred) }
}
