//! What Google's refusals mean.
//!
//! Cloud KMS refuses with `{"error":{"code":H,"message":M,"status":S,"details":[…]}}` (AIP-193, "Errors"), the token
//! service with `{"error":E,"error_description":D}` (RFC 6749, 5.2). The tables give the class of each reason, status
//! and state. One status stands for many misfortunes: what the details say counts first, then the words of the message.
//!
//! Invariant: no detail holds a credential or a token, and nothing here reads the body of a good answer.

use serde::Deserialize;
use serde_json::Value;

use crate::env::Clock;
use crate::keys::{GcpCredentials, SecretText};
use crate::kms::Class;
use crate::kms::failover::Failure;
use crate::kms::rest::{Refusal, Reply, is_code, presentable};

/// The class of a canonical status (`google.rpc.Code`) when nothing more is known.
const STATUSES: &[(&str, Class)] = &[
    ("UNAUTHENTICATED", Class::CredentialsInvalid),
    ("PERMISSION_DENIED", Class::AccessDenied),
    ("NOT_FOUND", Class::KeyMissing),
    ("FAILED_PRECONDITION", Class::KeyUnusable),
    ("INVALID_ARGUMENT", Class::BadResponse),
    ("RESOURCE_EXHAUSTED", Class::Throttled),
    ("ABORTED", Class::CloudInternal),
    ("UNKNOWN", Class::CloudInternal),
    ("INTERNAL", Class::CloudInternal),
    ("UNAVAILABLE", Class::CloudInternal),
    ("DEADLINE_EXCEEDED", Class::CloudInternal),
];

/// The class of a reason in the details (`google.rpc.ErrorInfo`), which then is the code in messages, too.
const REASONS: &[(&str, Class)] = &[
    ("ACCESS_TOKEN_EXPIRED", Class::CredentialsExpired),
    ("SECURITY_POLICY_VIOLATED", Class::EndpointPolicyDenied),
    ("SERVICE_DISABLED", Class::AccessDenied),
];

/// The class of a key version's state (Cloud KMS, "Key version states"). What is not here is not usable in another way.
const STATES: &[(&str, Class)] = &[
    ("DISABLED", Class::KeyDisabled),
    ("DESTROY_SCHEDULED", Class::KeyPendingDeletion),
    ("DESTROYED", Class::KeyMissing),
];

/// Words of a message that make a class mean something else.
const REFINEMENTS: &[(Class, &str, Class)] = &[
    (Class::AccessDenied, "prohibited by organization's policy", Class::EndpointPolicyDenied),
    (Class::AccessDenied, "vpcServiceControlsUniqueIdentifier", Class::EndpointPolicyDenied),
    // Older answers had this status for a project whose Cloud KMS is switched off.
    (Class::KeyUnusable, "API has not been used in project", Class::AccessDenied),
    (Class::BadResponse, "refers to the correct CryptoKey", Class::WrongKeyOrRegion),
    (Class::BadResponse, "ciphertext is invalid", Class::CiphertextInvalid),
];

/// The codes of the token service. `invalid_grant` is also what it says of a wrong time: see [`of_tokens`].
const TOKEN_CODES: &[(&str, Class)] = &[
    ("invalid_grant", Class::CredentialsInvalid),
    ("invalid_client", Class::CredentialsInvalid),
    ("unauthorized_client", Class::CredentialsInvalid),
    ("disabled_client", Class::CredentialsInvalid),
    ("deleted_client", Class::CredentialsInvalid),
    ("access_denied", Class::CredentialsInvalid),
    ("rate_limit_exceeded", Class::Throttled),
    ("internal_failure", Class::CloudInternal),
    ("server_error", Class::CloudInternal),
    ("temporarily_unavailable", Class::CloudInternal),
];

/// With what a call was made: what its refusals are told with, and without.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller<'a> {
    pub(super) credentials: &'a GcpCredentials,
    /// The token, or the assertion for it.
    pub(super) secret: &'a SecretText,
}

/// What a refusal of Cloud KMS was.
pub(super) fn of_kms(reply: &Reply, caller: Caller<'_>) -> Failure {
    let fault = reply.read::<Envelope>().map(|envelope| envelope.error);
    let Some((fault, status)) = fault.as_ref().and_then(|fault| Some((fault, fault.status()?))) else {
        return foreign(reply, "not an answer of Cloud KMS");
    };
    let reason = fault.reason();
    let (code, class) = known(REASONS, reason).or_else(|| known(STATUSES, Some(status))).unwrap_or_else(|| {
        let class = by_number(reply.status).unwrap_or(Class::BadResponse);
        (status, class)
    });
    let state = (class == Class::KeyUnusable).then(|| fault.state()).flatten();
    let refined = || REFINEMENTS.iter().find(|(from, words, _)| *from == class && fault.message.contains(words));
    let class = match state {
        Some(state) => known(STATES, Some(state)).map_or(class, |(_, class)| class),
        None => refined().map_or(class, |(_, _, to)| *to),
    };
    let said = presentable(&fault.message, &[caller.secret]);
    let more = match class {
        Class::CredentialsExpired | Class::CredentialsInvalid => Some(account(caller.credentials)),
        Class::AccessDenied if fault.message.contains("it may not exist") => {
            Some(format!("either the key does not exist, or the {} may not use it", account(caller.credentials)))
        }
        Class::AccessDenied if code == "SERVICE_DISABLED" || fault.message.contains("has not been used in project") => {
            Some("the Cloud KMS API is switched off in the project".to_owned())
        }
        Class::KeyMissing if state.is_some() => Some("the key version has been destroyed".to_owned()),
        _ => None,
    };
    let refusal = Refusal { code: Some(code.to_owned()), detail: joined(more, said), ..Refusal::of(class) };
    // Google has compared the checksums that came with the request.
    if class == Class::BadResponse && fault.message.contains("checksum") {
        return reply.refusal(refusal).damaged();
    }
    reply.refusal(refusal)
}

/// What a refusal of the token service was.
pub(super) fn of_tokens(reply: &Reply, caller: Caller<'_>, clock: &dyn Clock) -> Failure {
    let fault = reply.read::<TokenFault>().filter(|fault| is_code(&fault.error));
    let Some(fault) = fault else {
        return foreign(reply, "not an answer of Google's token service");
    };
    let class = known(TOKEN_CODES, Some(&fault.error)).map(|(_, class)| class).or_else(|| by_number(reply.status));
    let class = match class {
        // "Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values".
        Some(Class::CredentialsInvalid) if fault.description.contains("reasonable timeframe") => Class::ClockSkew,
        Some(class) => class,
        None => Class::BadResponse,
    };
    let said = presentable(&fault.description, &[caller.secret]);
    let more = if class == Class::ClockSkew { reply.skew(clock, "Google") } else { None };
    reply.refusal(Refusal { code: Some(fault.error), detail: joined(more, said), ..Refusal::of(class) })
}

/// An answer that is not Google's: what its number says is still worth another attempt.
fn foreign(reply: &Reply, what: &str) -> Failure {
    let class = by_number(reply.status).unwrap_or(Class::BadResponse);
    reply.refusal(Refusal { detail: Some(what.to_owned()), genuine: false, ..Refusal::of(class) })
}

/// The class of an HTTP status that says by itself what to do.
fn by_number(status: u16) -> Option<Class> {
    match status {
        429 => Some(Class::Throttled),
        408 | 500.. => Some(Class::CloudInternal),
        _ => None,
    }
}

fn known<'a>(table: &[(&str, Class)], word: Option<&'a str>) -> Option<(&'a str, Class)> {
    let word = word?;
    table.iter().find(|(known, _)| *known == word).map(|(_, class)| (word, *class))
}

/// Who asked, for messages.
pub(super) fn account(credentials: &GcpCredentials) -> String {
    format!("service account {}", credentials.client_email)
}

fn joined(more: Option<String>, said: Option<String>) -> Option<String> {
    match (more, said) {
        (Some(more), Some(said)) => Some(format!("{more}: {said}")),
        (more, said) => more.or(said),
    }
}

/// A refusal of Cloud KMS.
#[derive(Deserialize)]
struct Envelope {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    status: String,
    #[serde(default)]
    message: String,
    /// Of many kinds, of which two are looked at.
    #[serde(default)]
    details: Vec<Value>,
}

impl Fault {
    fn status(&self) -> Option<&str> {
        is_code(&self.status).then_some(self.status.as_str())
    }

    /// The reason in an `ErrorInfo`.
    fn reason(&self) -> Option<&str> {
        self.details.iter().find_map(|detail| detail.get("reason")?.as_str())
    }

    /// The state of the key version: in the message, or as the type of a violation in a `PreconditionFailure`.
    fn state(&self) -> Option<&str> {
        if let Some((_, rest)) = self.message.split_once("current state is: ") {
            return rest.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().filter(|state| !state.is_empty());
        }
        let mut violations = self.details.iter().filter_map(|detail| detail.get("violations")?.as_array()).flatten();
        violations.find_map(|violation| violation.get("type")?.as_str()?.strip_prefix("KEY_"))
    }
}

/// A refusal of the token service.
#[derive(Deserialize)]
struct TokenFault {
    error: String,
    #[serde(default, rename = "error_description")]
    description: String,
}
