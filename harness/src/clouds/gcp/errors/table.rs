//! The rows of the table of refusals, in groups: the key, who is allowed what, who calls, what stands in the request, how
//! the service fares, the token service, and what the fake itself cannot do.
//!
//! Invariant: of several rows with one code of Cloud KMS, or one of the token service, the first one is what a reader of
//! the code alone expects.

use super::{Answer, Detail, Fact, errors};
use crate::clouds::Evidence::{self, Documented, Inferred, Observed, Ours};

/// Seen in a public issue or page with the raw answer of the real service.
const ISSUES: &str = "raw answers in public issues";
/// The reference of the REST API, its guides, and the protocol buffers that Google publishes.
const REFERENCE: &str = "the Cloud KMS reference and guides";
/// The reference of errors of Cloud EKM: FAILED_PRECONDITION with two violations.
const EKM: &str = "the Cloud EKM error reference";
/// `google/api/error_reason.proto`.
const REASONS: &str = "google/api/error_reason.proto";
/// The table of error codes in "Using OAuth 2.0 for server to server applications".
const OAUTH: &str = "Google's guide to OAuth 2.0 for service accounts";
/// General knowledge of the services.
const QUOTED: &str = "widely quoted, no recording seen";
/// Nothing outside this fake.
const FAKE: &str = "this fake";

const fn answer(status: u16, code: &'static str, evidence: Evidence, source: &'static str) -> Option<Answer> {
    Some(Answer { status, code, evidence, source })
}

errors! {
    /// The version that made the ciphertext, or that would encrypt, is disabled.
    VersionDisabled {
        kms: answer(400, "FAILED_PRECONDITION", Observed, ISSUES), oauth: None,
        text: "{version} is not enabled, current state is: DISABLED.", Detail::Precondition("KEY_DISABLED"), Observed
    }
    /// The version is about to be destroyed.
    VersionDestroyScheduled {
        kms: answer(400, "FAILED_PRECONDITION", Observed, ISSUES), oauth: None,
        text: "{version} is not enabled, current state is: DESTROY_SCHEDULED.", Detail::Precondition("KEY_DESTROY_SCHEDULED"), Observed
    }
    /// The version's material is gone. The type of the violation is by analogy.
    VersionDestroyed {
        kms: answer(400, "FAILED_PRECONDITION", Observed, ISSUES), oauth: None,
        text: "{version} is not enabled, current state is: DESTROYED.", Detail::Precondition("KEY_DESTROYED"), Inferred
    }
    /// The version's material is still being made.
    VersionPendingGeneration {
        kms: answer(400, "FAILED_PRECONDITION", Documented, REFERENCE), oauth: None,
        text: "{version} is not enabled, current state is: PENDING_GENERATION.", Detail::Precondition("KEY_PENDING_GENERATION"), Inferred
    }
    /// The version waits for the material that the customer brings.
    VersionPendingImport {
        kms: answer(400, "FAILED_PRECONDITION", Documented, REFERENCE), oauth: None,
        text: "{version} is not enabled, current state is: PENDING_IMPORT.", Detail::Precondition("KEY_PENDING_IMPORT"), Inferred
    }
    /// The material that the customer brought could not be taken.
    VersionImportFailed {
        kms: answer(400, "FAILED_PRECONDITION", Documented, REFERENCE), oauth: None,
        text: "{version} is not enabled, current state is: IMPORT_FAILED.", Detail::Precondition("KEY_IMPORT_FAILED"), Inferred
    }
    /// The customer's own key manager cannot be reached. That there are two violations is documented, their words are not
    /// known here.
    ExternalUnreachable {
        kms: answer(400, "FAILED_PRECONDITION", Documented, EKM), oauth: None,
        text: "The external key manager of {version} could not be reached.", Detail::External("EXTERNAL_UNREACHABLE"), Inferred
    }
    /// The ciphertext is damaged, or the additional authenticated data are others.
    CiphertextInvalid {
        kms: answer(400, "INVALID_ARGUMENT", Observed, ISSUES), oauth: None,
        text: "Decryption failed: the ciphertext is invalid.", Detail::Nothing, Observed
    }
    /// The ciphertext was made by another key than the path names.
    WrongKey {
        kms: answer(400, "INVALID_ARGUMENT", Observed, ISSUES), oauth: None,
        text: "Decryption failed: verify that 'name' refers to the correct CryptoKey.", Detail::Nothing, Observed
    }
    /// A checksum in the request is not that of its data.
    Checksum {
        kms: answer(400, "INVALID_ARGUMENT", Documented, REFERENCE), oauth: None,
        text: "The checksum in field {field}_crc32c did not match the data in field {field}.", Detail::Nothing, Documented
    }
    /// A field holds what its type cannot.
    InvalidValue {
        kms: answer(400, "INVALID_ARGUMENT", Inferred, QUOTED), oauth: None,
        text: "Invalid value at '{field}' ({type}), {reason}", Detail::BadRequest, Inferred
    }
    /// A field that the request does not have.
    UnknownField {
        kms: answer(400, "INVALID_ARGUMENT", Inferred, QUOTED), oauth: None,
        text: "Invalid JSON payload received. Unknown name \"{field}\": Cannot find field.", Detail::BadRequest, Inferred
    }
    /// A body that is not JSON.
    InvalidJson {
        kms: answer(400, "INVALID_ARGUMENT", Inferred, QUOTED), oauth: None,
        text: "Invalid JSON payload received. Unexpected token.", Detail::Nothing, Inferred
    }
    /// More bytes than a field may hold: 64 KiB (REST reference, `encrypt`).
    TooLong {
        kms: answer(400, "INVALID_ARGUMENT", Documented, REFERENCE), oauth: None,
        text: "The field {field} has {length} bytes, and may have 65536.", Detail::Nothing, Inferred
    }
    /// A version that the key does not have.
    NotFound {
        kms: answer(404, "NOT_FOUND", Inferred, QUOTED), oauth: None,
        text: "CryptoKeyVersion {version} not found.", Detail::Nothing, Inferred
    }
    /// The account may not, or there is no such key.
    PermissionDenied {
        kms: answer(403, "PERMISSION_DENIED", Observed, ISSUES), oauth: None,
        text: "Permission '{permission}' denied on resource '{resource}' (or it may not exist).", Detail::Nothing, Observed
    }
    /// The project does not use the service.
    ServiceDisabled {
        kms: answer(403, "PERMISSION_DENIED", Observed, ISSUES), oauth: None,
        text: "Cloud Key Management Service (KMS) API has not been used in project {consumer} before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/cloudkms.googleapis.com/overview?project={consumer} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.", Detail::Disabled, Observed
    }
    /// A perimeter of VPC Service Controls lies between the caller and the key. Recorded at another service.
    PolicyViolated {
        kms: answer(403, "PERMISSION_DENIED", Observed, ISSUES), oauth: None,
        text: "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: {identifier}", Detail::Perimeter, Observed
    }
    /// Nobody pays for the project.
    BillingDisabled {
        kms: answer(403, "PERMISSION_DENIED", Inferred, REASONS), oauth: None,
        text: "This API method requires billing to be enabled. Please enable billing on project #{consumer} by visiting https://console.developers.google.com/billing/enable?project={consumer} then retry. If you enabled billing for this project recently, wait a few minutes for the action to propagate to our systems and retry.", Detail::Info("BILLING_DISABLED"), Inferred
    }
    /// The access token is for something else.
    ScopeInsufficient {
        kms: answer(403, "PERMISSION_DENIED", Inferred, REASONS), oauth: None,
        text: "Request had insufficient authentication scopes.", Detail::Info("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), Inferred
    }
    /// An access token after its time.
    TokenExpired {
        kms: answer(401, "UNAUTHENTICATED", Observed, ISSUES), oauth: None,
        text: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.", Detail::Info("ACCESS_TOKEN_EXPIRED"), Inferred
    }
    /// An access token that nobody gave out.
    TokenInvalid {
        kms: answer(401, "UNAUTHENTICATED", Observed, ISSUES), oauth: None,
        text: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.", Detail::Info("ACCESS_TOKEN_TYPE_UNSUPPORTED"), Inferred
    }
    /// The account was disabled or deleted after the token had been given out.
    AccountInvalid {
        kms: answer(401, "UNAUTHENTICATED", Inferred, REASONS), oauth: None,
        text: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.", Detail::Info("ACCOUNT_STATE_INVALID"), Inferred
    }
    /// No Authorization header, or one of another scheme.
    TokenMissing {
        kms: answer(401, "UNAUTHENTICATED", Observed, ISSUES), oauth: None,
        text: "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.", Detail::Info("CREDENTIALS_MISSING"), Observed
    }
    /// Too many calls. The text was seen for write requests.
    Throttled {
        kms: answer(429, "RESOURCE_EXHAUSTED", Observed, ISSUES),
        oauth: answer(429, "rate_limit_exceeded", Inferred, QUOTED),
        text: "Quota exceeded for quota metric '{metric}' and limit '{metric} per minute' of service '{service}' for consumer 'project_number:{consumer}'.", Detail::Info("RATE_LIMIT_EXCEEDED"), Observed
    }
    /// The service failed by itself.
    Internal {
        kms: answer(500, "INTERNAL", Documented, REFERENCE),
        oauth: answer(500, "internal_failure", Inferred, QUOTED),
        text: "Internal error encountered.", Detail::Nothing, Inferred
    }
    /// The service cannot be reached behind its door.
    Unavailable {
        kms: answer(503, "UNAVAILABLE", Documented, REFERENCE),
        oauth: answer(503, "temporarily_unavailable", Inferred, QUOTED),
        text: "The service is currently unavailable.", Detail::Nothing, Inferred
    }
    /// The service took too long by its own measure.
    DeadlineExceeded {
        kms: answer(504, "DEADLINE_EXCEEDED", Documented, REFERENCE), oauth: None,
        text: "Deadline expired before operation could complete.", Detail::Nothing, Inferred
    }
    /// Somebody else changed the key at the same moment.
    Aborted {
        kms: answer(409, "ABORTED", Documented, REFERENCE), oauth: None,
        text: "The operation was aborted.", Detail::Nothing, Inferred
    }
    /// The assertion is not signed with a key that the account has, or cannot be read.
    SignatureInvalid {
        kms: None, oauth: answer(400, "invalid_grant", Documented, OAUTH),
        text: "Invalid JWT Signature.", Detail::Nothing, Documented
    }
    /// There is no such service account.
    AccountNotFound {
        kms: None, oauth: answer(400, "invalid_grant", Observed, ISSUES),
        text: "Invalid grant: account not found", Detail::Nothing, Observed
    }
    /// The token service has not heard of the account's keys (yet). Seen to come and go.
    NoVerifier {
        kms: None, oauth: answer(400, "invalid_grant", Observed, ISSUES),
        text: "Invalid JWT: No valid verifier found for issuer.", Detail::Nothing, Observed
    }
    /// The assertion is for somebody else.
    AudienceInvalid {
        kms: None, oauth: answer(400, "invalid_grant", Observed, ISSUES),
        text: "Invalid JWT: Failed audience check.", Detail::Nothing, Observed
    }
    /// The assertion is not valid now, or for too long: clocks differ.
    TimeframeInvalid {
        kms: None, oauth: answer(400, "invalid_grant", Observed, ISSUES),
        text: "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.", Detail::Nothing, Observed
    }
    /// The key, or the account to which it belongs, is disabled.
    AccountDisabled {
        kms: None, oauth: answer(401, "disabled_client", Inferred, OAUTH),
        text: "The OAuth client was disabled.", Detail::Nothing, Documented
    }
    /// The assertion speaks for somebody else, and nobody has allowed that.
    Unauthorized {
        kms: None, oauth: answer(401, "unauthorized_client", Inferred, OAUTH),
        text: "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.", Detail::Nothing, Documented
    }
    /// A scope that there is not.
    ScopeInvalid {
        kms: None, oauth: answer(400, "invalid_scope", Documented, OAUTH),
        text: "Invalid OAuth scope or ID token audience provided.", Detail::Nothing, Documented
    }
    /// No scope at all.
    ScopeMissing {
        kms: None, oauth: answer(400, "invalid_scope", Inferred, QUOTED),
        text: "Empty or missing scope not allowed.", Detail::Nothing, Inferred
    }
    /// Another grant than that of an assertion.
    GrantUnsupported {
        kms: None, oauth: answer(400, "unsupported_grant_type", Inferred, QUOTED),
        text: "Invalid grant_type: {grant}", Detail::Nothing, Inferred
    }
    /// A parameter that is missing.
    ParameterMissing {
        kms: None, oauth: answer(400, "invalid_request", Inferred, QUOTED),
        text: "Missing required parameter: {field}", Detail::Nothing, Inferred
    }
    /// A path that no service has. Google's front end answers with a page; this is a shorter one.
    UnknownPath {
        kms: answer(404, "NOT_FOUND", Observed, ISSUES), oauth: answer(404, "NOT_FOUND", Inferred, QUOTED),
        text: "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n<p><b>404.</b> <ins>That\u{2019}s an error.</ins>\n<p>The requested URL <code>{path}</code> was not found on this server. <ins>That\u{2019}s all we know.</ins>\n", Detail::Page, Observed
    }
    /// A method of the API that the fake does not have.
    NotImplemented {
        kms: answer(501, "UNIMPLEMENTED", Ours, FAKE), oauth: None,
        text: "{what} is not a part of the fake Google Cloud.", Detail::Nothing, Ours
    }
    /// A Host that is not Google's.
    UnknownHost {
        kms: answer(421, "UNKNOWN_HOST", Ours, FAKE), oauth: answer(421, "UNKNOWN_HOST", Ours, FAKE),
        text: "the fake Google Cloud does not answer for the host '{host}': it is cloudkms.googleapis.com, oauth2.googleapis.com, and their names of Private Service Connect.", Detail::Nothing, Ours
    }
}
