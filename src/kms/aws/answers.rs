//! What AWS' error codes mean.
//!
//! The tables give the class of each code; where AWS uses one code for several misfortunes, its message decides, in
//! [`class`]. The codes are matched as text: most of them the SDK has no type for.
//!
//! Invariant: no detail holds a credential, and none holds the body of a successful answer.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::env::Clock;
use crate::keys::AwsCredentials;
use crate::kms::Class;
use crate::kms::failover::{Answer, Failure};
use crate::kms::http::TransportError;

/// How long a detail may be; AWS' messages name ARNs and are long.
const LONGEST_DETAIL: usize = 400;

/// Which service answered: the same fault has other names at STS, and the same name can be another fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// Key Management Service.
    Kms,
    /// Security Token Service.
    Sts,
}

/// Codes that mean the same wherever they come from.
const COMMON: &[(&str, Class)] = &[
    ("ExpiredTokenException", Class::CredentialsExpired),
    ("ExpiredToken", Class::CredentialsExpired),
    ("UnrecognizedClientException", Class::CredentialsInvalid),
    ("InvalidClientTokenId", Class::CredentialsInvalid),
    ("InvalidSignatureException", Class::CredentialsInvalid),
    ("SignatureDoesNotMatch", Class::CredentialsInvalid),
    ("MissingAuthenticationTokenException", Class::CredentialsInvalid),
    ("MissingAuthenticationToken", Class::CredentialsInvalid),
    ("IncompleteSignatureException", Class::CredentialsInvalid),
    ("IncompleteSignature", Class::CredentialsInvalid),
    ("RequestExpired", Class::ClockSkew),
    ("RequestTimeTooSkewed", Class::ClockSkew),
    ("Throttling", Class::Throttled),
    ("ThrottlingException", Class::Throttled),
    ("ThrottledException", Class::Throttled),
    ("RequestThrottled", Class::Throttled),
    ("RequestThrottledException", Class::Throttled),
    ("RequestLimitExceeded", Class::Throttled),
    ("TooManyRequestsException", Class::Throttled),
    ("LimitExceededException", Class::Throttled),
    ("SlowDown", Class::Throttled),
];

/// Codes of KMS.
const KMS: &[(&str, Class)] = &[
    ("AccessDeniedException", Class::AccessDenied),
    ("DisabledException", Class::KeyDisabled),
    ("KMSInvalidStateException", Class::KeyUnusable),
    ("InvalidKeyUsageException", Class::KeyUnusable),
    ("UnsupportedOperationException", Class::KeyUnusable),
    ("NotFoundException", Class::KeyMissing),
    ("InvalidArnException", Class::KeyMissing),
    ("IncorrectKeyException", Class::WrongKeyOrRegion),
    ("InvalidCiphertextException", Class::CiphertextInvalid),
    ("KMSInternalException", Class::CloudInternal),
    ("DependencyTimeoutException", Class::CloudInternal),
    ("KeyUnavailableException", Class::CloudInternal),
    ("ValidationException", Class::BadResponse),
];

/// Codes of STS: whatever AssumeRole refuses, the role cannot be used.
const STS: &[(&str, Class)] = &[
    ("AccessDenied", Class::RoleNotUsable),
    ("AccessDeniedException", Class::RoleNotUsable),
    ("ValidationError", Class::RoleNotUsable),
    ("RegionDisabledException", Class::RoleNotUsable),
    ("MalformedPolicyDocument", Class::RoleNotUsable),
    ("PackedPolicyTooLarge", Class::RoleNotUsable),
];

/// Words of a message that make a code mean something else.
const REFINEMENTS: &[(Class, &str, Class)] = &[
    (Class::CredentialsInvalid, "Signature expired", Class::ClockSkew),
    (Class::CredentialsInvalid, "Signature not yet current", Class::ClockSkew),
    (Class::AccessDenied, "VPC endpoint policy", Class::EndpointPolicyDenied),
    (Class::RoleNotUsable, "VPC endpoint policy", Class::EndpointPolicyDenied),
    (Class::KeyUnusable, "pending deletion", Class::KeyPendingDeletion),
    (Class::KeyUnusable, "pending replica deletion", Class::KeyPendingDeletion),
    (Class::KeyMissing, "Invalid arn", Class::WrongKeyOrRegion),
    (Class::BadResponse, "'ciphertextBlob'", Class::CiphertextInvalid),
    (Class::BadResponse, "'keyId'", Class::KeyMissing),
];

/// The class of an error answer; none if the code is not one that is known.
fn class(service: Service, status: u16, code: Option<&str>, message: &str) -> Option<Class> {
    let own = match service {
        Service::Kms => KMS,
        Service::Sts => STS,
    };
    let known = code.and_then(|code| COMMON.iter().chain(own).find(|(known, _)| *known == code));
    match known {
        Some((_, class)) => Some(
            REFINEMENTS
                .iter()
                .find(|(from, words, _)| from == class && message.contains(words))
                .map_or(*class, |(_, _, to)| *to),
        ),
        None if status >= 500 => Some(Class::CloudInternal),
        None if status == 429 => Some(Class::Throttled),
        None => None,
    }
}

/// Judges the answers to one request.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    pub(super) service: Service,
    pub(super) credentials: AwsCredentials,
    pub(super) clock: Arc<dyn Clock>,
}

impl Judge {
    /// What an error of the SDK was.
    pub(super) fn failure<E>(&self, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata,
    {
        match error {
            SdkError::ServiceError(_) | SdkError::ResponseError(_) => self.refusal(error),
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().and_then(|error| error.source()?.downcast_ref());
                Failure::Transport(
                    cause.cloned().unwrap_or_else(|| TransportError::Io("the request was not sent".to_owned())),
                )
            }
            SdkError::TimeoutError(_) => Failure::Transport(TransportError::AnswerTimeout),
            // Nothing left this machine. The SDK's own words may quote what could not be serialised: not repeated.
            _ => Failure::Answer(Answer {
                class: Class::MetadataMalformed,
                code: None,
                status: None,
                detail: Some("no request could be made of these credentials and this key".to_owned()),
                genuine: true,
                retry_after: None,
            }),
        }
    }

    /// An answer that arrived and was understood, but lacks what it must have.
    pub(super) fn senseless(&self, what: &str) -> Failure {
        Failure::Answer(Answer {
            class: Class::BadResponse,
            code: None,
            status: Some(200),
            detail: Some(what.to_owned()),
            genuine: true,
            retry_after: None,
        })
    }

    fn refusal<E: ProvideErrorMetadata>(&self, error: &SdkError<E, HttpResponse>) -> Failure {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        let metadata = error.as_service_error();
        let code = metadata.and_then(ProvideErrorMetadata::code).filter(|code| is_code(code));
        let message = metadata.and_then(ProvideErrorMetadata::message).unwrap_or_default();
        let class = class(self.service, status, code, message);
        let detail = match class {
            Some(class) => self.detail(class, message, error.raw_response()),
            None if code.is_some() => self.presentable(message),
            None => Some("not an answer of AWS".to_owned()),
        };
        Failure::Answer(Answer {
            class: class.unwrap_or(Class::BadResponse),
            code: code.map(str::to_owned),
            status: Some(status),
            detail,
            genuine: code.is_some(),
            retry_after: None,
        })
    }

    fn detail(&self, class: Class, message: &str, response: Option<&HttpResponse>) -> Option<String> {
        let said = self.presentable(message);
        let more = match class {
            Class::ClockSkew => response.and_then(|response| self.skew(response)),
            Class::CredentialsExpired | Class::CredentialsInvalid => {
                Some(format!("access key {}", shortened(&self.credentials.access_key_id)))
            }
            // KMS says this where it will not tell whether the key exists.
            Class::AccessDenied if message.contains("does not exist") => Some(format!(
                "either the key does not exist in {}, or these credentials may not use it",
                self.credentials.region
            )),
            _ => None,
        };
        match (more, said) {
            (Some(more), Some(said)) => Some(format!("{more}: {said}")),
            (more, said) => more.or(said),
        }
    }

    /// How far the two clocks are apart, by the answer's Date header.
    fn skew(&self, response: &HttpResponse) -> Option<String> {
        let date = std::str::from_utf8(response.headers().get_bytes("date")?).ok()?;
        let theirs = SystemTime::try_from(DateTime::from_str(date, Format::HttpDate).ok()?).ok()?;
        let ours = self.clock.now();
        let seconds = |difference: Duration| difference.as_secs();
        Some(match theirs.duration_since(ours) {
            Ok(behind) => format!("this machine's clock is {} s behind that of AWS", seconds(behind)),
            Err(ahead) => format!("this machine's clock is {} s ahead of that of AWS", seconds(ahead.duration())),
        })
    }

    /// A message in one printable line. A complaint about a signature may quote the request that was signed, and with
    /// it the credentials: they are taken out first.
    fn presentable(&self, message: &str) -> Option<String> {
        let mut text = message.replace(&self.credentials.access_key_id, &shortened(&self.credentials.access_key_id));
        let token = self.credentials.session_token.as_ref();
        for secret in [Some(&self.credentials.secret_access_key), token].into_iter().flatten() {
            if !secret.expose().is_empty() {
                text = text.replace(secret.expose(), "(secret)");
            }
        }
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = match text.char_indices().nth(LONGEST_DETAIL) {
            Some((end, _)) => format!("{}...", text.split_at(end).0),
            None => text,
        };
        (!text.is_empty()).then_some(text)
    }
}

/// Whether a code could be one: who answers in AWS' place may write anything there.
fn is_code(code: &str) -> bool {
    (1..=80).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

/// An access key id for messages: its ends, which tell it from others, without the whole.
pub(super) fn shortened(access_key_id: &str) -> String {
    let (head, tail) =
        (access_key_id.get(..4), access_key_id.len().checked_sub(4).and_then(|at| access_key_id.get(at..)));
    match (head, tail) {
        (Some(head), Some(tail)) if access_key_id.len() > 8 => format!("{head}...{tail}"),
        _ => "...".to_owned(),
    }
}
