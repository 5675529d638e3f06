//! What a vault's answers mean: the good ones read, the others judged.
//!
//! An error says a code, and within it often an inner code that tells one misfortune from another. Where the inner code
//! is missing, words of the message decide.
//!
//! Invariant: no detail holds a credential, and none holds the body of a good answer.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::Task;
use crate::env::Clock;
use crate::keys::{Secret, SecretText, VaultKey};
use crate::kms::failover::Failure;
use crate::kms::rest::{Refusal, Reply, is_code, presentable};
use crate::kms::{Class, Description, Wrapped};

/// The codes of Key Vault with the HTTP status that they come with, the inner ones before the outer ("Azure Key Vault
/// REST API error codes"; the inner codes of 403 are in the troubleshooting pages of Azure's SDKs).
const CODES: &[(u16, &str, Class)] = &[
    (403, "KeyDisabled", Class::KeyDisabled),
    (403, "KeyNotYetValid", Class::KeyUnusable),
    (403, "KeyExpired", Class::KeyUnusable),
    (403, "KeyOperationForbidden", Class::AccessDenied),
    (403, "AccessDenied", Class::AccessDenied),
    (403, "ForbiddenByPolicy", Class::AccessDenied),
    (403, "ForbiddenByRbac", Class::AccessDenied),
    (403, "ForbiddenByFirewall", Class::EndpointPolicyDenied),
    (403, "ForbiddenByConnection", Class::EndpointPolicyDenied),
    (403, "Forbidden", Class::AccessDenied),
    (404, "KeyNotFound", Class::KeyMissing),
    (409, "ObjectIsDeletedButRecoverable", Class::KeyPendingDeletion),
    (409, "ObjectIsBeingDeleted", Class::KeyPendingDeletion),
    (409, "Conflict", Class::KeyUnusable),
    (400, "BadParameter", Class::CiphertextInvalid),
    (401, "Unauthorized", Class::CredentialsInvalid),
];

/// Words of a message that make a class mean something else.
const REFINEMENTS: &[(Class, &str, Class)] = &[
    (Class::AccessDenied, "on a disabled key", Class::KeyDisabled),
    (Class::AccessDenied, "on an expired key", Class::KeyUnusable),
    (Class::AccessDenied, "not yet valid", Class::KeyUnusable),
    (Class::AccessDenied, "Client address is not authorized", Class::EndpointPolicyDenied),
    (Class::AccessDenied, "Public network access is disabled", Class::EndpointPolicyDenied),
    (Class::KeyMissing, "deleted but recoverable", Class::KeyPendingDeletion),
    (Class::KeyUnusable, "deleted but recoverable", Class::KeyPendingDeletion),
    (Class::CiphertextInvalid, "incompatible", Class::KeyUnusable),
    (Class::CredentialsInvalid, "not yet valid", Class::ClockSkew),
    (Class::CredentialsInvalid, "expired", Class::CredentialsExpired),
];

/// The answer of encrypt, decrypt, wrapKey and unwrapKey.
#[derive(Deserialize)]
struct Done {
    kid: Option<String>,
    value: Option<SecretText>,
}

/// The key and the bytes of a good answer. Only the version may be another, where none was asked for.
fn done(reply: &Reply, asked: &VaultKey) -> Result<(VaultKey, Vec<u8>), Failure> {
    let done: Done = reply.expect()?;
    let kid = done.kid.ok_or_else(|| reply.senseless("no kid in the answer"))?;
    let kid = VaultKey::read(&kid).filter(|kid| is_of(kid, asked));
    let kid = kid.ok_or_else(|| reply.senseless("the answer is of another key"))?;
    let value = done.value.ok_or_else(|| reply.senseless("no value in the answer"))?;
    match URL_SAFE_NO_PAD.decode(value.expose()) {
        Ok(bytes) if !bytes.is_empty() => Ok((kid, bytes)),
        Ok(_) => Err(reply.senseless("the value in the answer is empty")),
        Err(_) => Err(reply.senseless("the value in the answer is not base64url")),
    }
}

/// Whether an answer's key is the one that was asked for. Names of keys differ in more than their case, versions not.
fn is_of(answered: &VaultKey, asked: &VaultKey) -> bool {
    answered.host == asked.host
        && answered.name.eq_ignore_ascii_case(&asked.name)
        && match (&answered.version, &asked.version) {
            (Some(answered), Some(asked)) => answered.eq_ignore_ascii_case(asked),
            (answered, None) => answered.is_some(),
            (None, Some(_)) => false,
        }
}

/// A wrapped key, with the version that will open it again.
pub(super) fn wrapped(reply: &Reply, asked: &VaultKey) -> Result<Wrapped, Failure> {
    let (kid, ciphertext) = done(reply, asked)?;
    Ok(Wrapped { ciphertext, key_version: kid.version })
}

/// An opened key.
pub(super) fn opened(reply: &Reply, asked: &VaultKey) -> Result<Secret, Failure> {
    done(reply, asked).map(|(_, plaintext)| Secret::new(plaintext))
}

/// The answer of GET.
#[derive(Deserialize)]
struct Bundle {
    key: Option<Key>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Key {
    kid: Option<String>,
    #[serde(default)]
    kty: String,
    #[serde(default)]
    key_ops: Vec<String>,
}

/// The attributes of a key; dates in seconds since 1970.
#[derive(Default, Deserialize)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<u64>,
    exp: Option<u64>,
}

/// What a key says of itself, before it is known what it is wanted for.
pub(super) struct Seen {
    key: Key,
    attributes: Attributes,
}

pub(super) fn described(reply: &Reply, asked: &VaultKey) -> Result<(Description, Seen), Failure> {
    let bundle: Bundle = reply.expect()?;
    let key = bundle.key.ok_or_else(|| reply.senseless("no key in the answer"))?;
    let name = key.kid.clone().ok_or_else(|| reply.senseless("no kid in the answer"))?;
    if !VaultKey::read(&name).is_some_and(|kid| is_of(&kid, asked)) {
        return Err(reply.senseless("the answer is of another key"));
    }
    let description = Description { name, state: "Enabled".to_owned(), usable: true };
    Ok((description, Seen { key, attributes: bundle.attributes }))
}

impl Seen {
    /// Puts what stands against opening keys into the description; the first of it counts.
    pub(super) fn tell(&self, description: &mut Description, operation: &str, clock: &dyn Clock) {
        let now = clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let Attributes { enabled, nbf, exp } = self.attributes;
        let against = if enabled == Some(false) {
            Some("Disabled".to_owned())
        } else if nbf.is_some_and(|from| now < from) {
            Some("NotYetValid".to_owned())
        } else if exp.is_some_and(|until| now >= until) {
            Some("Expired".to_owned())
        } else if !self.key.kty.to_ascii_uppercase().starts_with("RSA") {
            Some("Enabled, and no RSA key".to_owned())
        } else if !self.key.key_ops.iter().any(|allowed| allowed.eq_ignore_ascii_case(operation)) {
            Some(format!("Enabled, and its key_ops lack {operation}"))
        } else {
            None
        };
        if let Some(against) = against {
            (description.state, description.usable) = (against, false);
        }
    }
}

/// An error of Key Vault.
#[derive(Deserialize)]
struct Said {
    error: Outer,
}

#[derive(Deserialize)]
struct Outer {
    code: String,
    #[serde(default)]
    message: String,
    /// Seen in both spellings.
    #[serde(alias = "innerError")]
    innererror: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    code: Option<String>,
}

/// Judges the errors of one call.
pub(super) struct Judge<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) token: &'a SecretText,
    pub(super) secret: &'a SecretText,
}

impl Judge<'_> {
    /// What a refusal of the vault was.
    pub(super) fn refusal(&self, reply: &Reply, task: Task<'_>, key: &VaultKey) -> Failure {
        let said: Option<Said> = reply.read().filter(|said: &Said| is_code(&said.error.code));
        // A vault challenges whoever comes with a token that it does not take (RFC 6750, 3).
        let challenge = reply.header("www-authenticate").filter(|text| text.starts_with("Bearer ")).unwrap_or_default();
        let genuine = said.is_some() || (reply.status == 401 && !challenge.is_empty());
        let (codes, message) = match said {
            Some(Said { error }) => {
                let inner = error.innererror.and_then(|inner| inner.code).filter(|code| is_code(code));
                (inner.into_iter().chain([error.code]).collect(), error.message)
            }
            None => (Vec::new(), String::new()),
        };
        let class = class(reply.status, &codes, &format!("{message} {challenge}"), genuine);
        let (class, meant) = read_for(class, task, key);
        let said = presentable(&message, &[self.token, self.secret]);
        let more = match class {
            Some(Class::ClockSkew) => reply.skew(self.clock, "Azure"),
            None if !genuine => Some("not an answer of Azure Key Vault".to_owned()),
            _ => meant.map(str::to_owned),
        };
        let detail = match (more, said) {
            (Some(more), Some(said)) => Some(format!("{more}: {said}")),
            (more, said) => more.or(said),
        };
        let class = class.unwrap_or(Class::BadResponse);
        reply.refusal(Refusal { class, code: codes.into_iter().next(), detail, genuine })
    }
}

/// The class of an error; none if nothing of it is known.
fn class(status: u16, codes: &[String], message: &str, genuine: bool) -> Option<Class> {
    match status {
        429 => return Some(Class::Throttled),
        408 | 500.. => return Some(Class::CloudInternal),
        _ if !genuine => return None,
        _ => {}
    }
    let of = |code: &String| CODES.iter().find(|(at, known, _)| *at == status && known == code);
    let class = match (codes.iter().find_map(of), status) {
        (Some((_, _, class)), _) => *class,
        (None, 401) => Class::CredentialsInvalid,
        (None, 403) => Class::AccessDenied,
        (None, 404) => Class::KeyMissing,
        (None, _) => return None,
    };
    let refined = REFINEMENTS.iter().find(|(from, words, _)| *from == class && message.contains(words));
    Some(refined.map_or(class, |(_, _, to)| *to))
}

/// What a class means for what was asked. Azure says no more of a ciphertext that it cannot open than that the
/// parameter is bad, whether it is damaged or was made by another version of the key.
fn read_for(class: Option<Class>, task: Task<'_>, key: &VaultKey) -> (Option<Class>, Option<&'static str>) {
    match (class, task, &key.version) {
        (Some(Class::CiphertextInvalid), Task::Unwrap(_), Some(_)) => (
            Some(Class::CiphertextInvalid),
            Some("the wrapped key is damaged, or another version of the CMK has wrapped it"),
        ),
        (Some(Class::CiphertextInvalid), Task::Unwrap(_), None) => (
            Some(Class::WrongKeyOrRegion),
            Some("no keyVersion is named, and the newest version of the CMK cannot open the wrapped key"),
        ),
        (Some(Class::CiphertextInvalid), _, _) => {
            (Some(Class::KeyUnusable), Some("the CMK does not take what it is to wrap"))
        }
        (class, _, _) => (class, None),
    }
}
