//! Every refusal that the fake AWS can give, as one table: code and status by service, the text, and how well each is
//! known.
//!
//! Invariant: no code, status or text of an error stands anywhere else.

use crate::clouds::Evidence::{self, Documented, Inferred, Observed, Ours};

use super::Service;

/// What a service answers in one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The error code: `__type` in JSON, `Code` in XML.
    pub code: &'static str,
    /// How well status and code are known.
    pub evidence: Evidence,
    /// From where.
    pub source: &'static str,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// How KMS says it; `None` where KMS never does.
    pub kms: Option<Answer>,
    /// How STS says it; `None` where STS never does.
    pub sts: Option<Answer>,
    /// The text with `{names}` to fill in; `None` where the answer has no message member at all.
    pub text: Option<&'static str>,
    /// How well the text is known.
    pub evidence: Evidence,
}

/// A refusal: a row of the table with its names filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which row.
    pub error: Error,
    /// The text as it is sent.
    pub message: Option<String>,
}

impl Refusal {
    /// Fills a row's text: every `{name}` becomes its value.
    pub(super) fn new(error: Error, values: &[(&str, &str)]) -> Self {
        let message = error.fact().text.map(|text| {
            values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
        });
        Refusal { error, message }
    }

    /// Code and status as this service says them. A row that knows only the other service answers in its words.
    pub(super) fn answer(&self, service: Service) -> Answer {
        let fact = self.error.fact();
        let (own, other) = match service {
            Service::Kms => (fact.kms, fact.sts),
            Service::Sts => (fact.sts, fact.kms),
        };
        own.or(other).expect("every row of the table names a service: a test reads them all")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::new(error, &[])
    }
}

/// Recorded against the real service by LocalStack's validated snapshot tests.
const SNAPSHOTS: &str = "LocalStack's snapshot tests, recorded against AWS";
/// Seen in a public issue with the raw answer of the real service.
const ISSUES: &str = "raw answers in public issues";
/// The API models that AWS publishes with botocore.
const MODEL: &str = "botocore's service model";
/// The list of errors common to all actions, and the signing guide.
const GUIDE: &str = "the AWS documentation of common errors and of request signing";
/// General knowledge of the services.
const QUOTED: &str = "widely quoted, no recording seen";
/// Nothing outside this fake.
const FAKE: &str = "this fake";

const fn answer(status: u16, code: &'static str, evidence: Evidence, source: &'static str) -> Option<Answer> {
    Some(Answer { status, code, evidence, source })
}

/// Declares the rows once: name, what each service says, text.
macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident { kms: $kms:expr, sts: $sts:expr, text: $text:expr, $evidence:expr })+) => {
        /// The rows by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Error {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Error {
            /// Every row, in the order of the table.
            pub const ALL: &'static [Error] = &[$(Error::$name,)+];

            /// The row.
            pub fn fact(self) -> Fact {
                match self {
                    $(Error::$name => Fact { kms: $kms, sts: $sts, text: $text, evidence: $evidence },)+
                }
            }
        }
    };
}

errors! {
    /// No Authorization header.
    MissingAuthentication {
        kms: answer(400, "MissingAuthenticationTokenException", Inferred, QUOTED),
        sts: answer(403, "MissingAuthenticationToken", Documented, GUIDE),
        text: Some("Request is missing Authentication Token"), Inferred
    }
    /// An Authorization header in which something is missing.
    IncompleteSignature {
        kms: answer(400, "IncompleteSignatureException", Inferred, QUOTED),
        sts: answer(400, "IncompleteSignature", Documented, GUIDE),
        text: Some("{reason}"), Inferred
    }
    /// An access key id that nobody has, or a token that does not belong to it.
    UnrecognizedClient {
        kms: answer(400, "UnrecognizedClientException", Observed, ISSUES),
        sts: answer(403, "InvalidClientTokenId", Documented, GUIDE),
        text: Some("The security token included in the request is invalid."), Observed
    }
    /// Temporary credentials after their time.
    ExpiredToken {
        kms: answer(400, "ExpiredTokenException", Inferred, QUOTED),
        sts: answer(403, "ExpiredToken", Inferred, QUOTED),
        text: Some("The security token included in the request is expired"), Inferred
    }
    /// The signature is not the one that this request and this secret make.
    SignatureMismatch {
        kms: answer(400, "InvalidSignatureException", Observed, ISSUES),
        sts: answer(403, "SignatureDoesNotMatch", Documented, GUIDE),
        text: Some("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."), Observed
    }
    /// The caller's clock is more than five minutes behind.
    SignatureExpired {
        kms: answer(400, "InvalidSignatureException", Observed, ISSUES),
        sts: answer(403, "SignatureDoesNotMatch", Documented, GUIDE),
        text: Some("Signature expired: {signed} is now earlier than {limit} ({now} - 5 min.)"), Observed
    }
    /// The caller's clock is more than five minutes ahead.
    SignatureNotYetCurrent {
        kms: answer(400, "InvalidSignatureException", Observed, ISSUES),
        sts: answer(403, "SignatureDoesNotMatch", Documented, GUIDE),
        text: Some("Signature not yet current: {signed} is still later than {limit} ({now} + 5 min.)"), Observed
    }
    /// The scope names another day, region, service or terminator than the request needs.
    CredentialScope {
        kms: answer(400, "InvalidSignatureException", Inferred, GUIDE),
        sts: answer(403, "SignatureDoesNotMatch", Documented, GUIDE),
        text: Some("{reason}"), Inferred
    }
    /// A header that has to be signed is not.
    HeaderNotSigned {
        kms: answer(400, "InvalidSignatureException", Inferred, GUIDE),
        sts: answer(403, "SignatureDoesNotMatch", Inferred, GUIDE),
        text: Some("'{header}' must be a 'SignedHeader' in the AWS Authorization header."), Inferred
    }
    /// Too many calls.
    Throttled {
        kms: answer(400, "ThrottlingException", Inferred, QUOTED),
        sts: answer(400, "Throttling", Inferred, QUOTED),
        text: Some("You have exceeded the rate at which you may call {service}. Reduce the frequency of your calls."), Inferred
    }
    /// The service failed by itself.
    Internal {
        kms: answer(500, "KMSInternalException", Documented, MODEL),
        sts: answer(500, "InternalFailure", Documented, GUIDE),
        text: Some("The request was rejected because an internal exception occurred. The request can be retried."), Inferred
    }
    /// The service waited in vain for another one.
    DependencyTimeout {
        kms: answer(503, "DependencyTimeoutException", Inferred, MODEL),
        sts: answer(503, "ServiceUnavailable", Documented, GUIDE),
        text: Some("The system timed out while trying to fulfill the request. You can retry the request."), Documented
    }
    /// The hardware that holds the key cannot be asked.
    KeyUnavailable {
        kms: answer(500, "KeyUnavailableException", Inferred, MODEL),
        sts: None,
        text: Some("The request was rejected because the specified KMS key was not available. You can retry the request."), Inferred
    }
    /// A body that is not JSON, or a member of another type.
    Serialization {
        kms: answer(400, "SerializationException", Inferred, QUOTED),
        sts: None,
        text: None, Inferred
    }
    /// A member that is missing, too short, too long or out of range.
    Validation {
        kms: answer(400, "ValidationException", Observed, SNAPSHOTS),
        sts: answer(400, "ValidationError", Observed, SNAPSHOTS),
        text: Some("1 validation error detected: {what}"), Observed
    }
    /// A role's ARN that is none.
    RoleArnInvalid {
        kms: None,
        sts: answer(400, "ValidationError", Observed, SNAPSHOTS),
        text: Some("{arn} is invalid"), Observed
    }
    /// A longer session than the role grants.
    DurationTooLong {
        kms: None,
        sts: answer(400, "ValidationError", Inferred, QUOTED),
        text: Some("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."), Inferred
    }
    /// The customer's key is disabled.
    Disabled {
        kms: answer(400, "DisabledException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("{arn} is disabled."), Observed
    }
    /// The customer's key is scheduled for deletion.
    PendingDeletion {
        kms: answer(400, "KMSInvalidStateException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("{arn} is pending deletion."), Inferred
    }
    /// The customer's key waits for its material.
    PendingImport {
        kms: answer(400, "KMSInvalidStateException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("{arn} is pending import."), Observed
    }
    /// The customer's key lives in a key store that is disconnected.
    StateUnavailable {
        kms: answer(400, "KMSInvalidStateException", Documented, MODEL),
        sts: None,
        text: Some("{arn} is unavailable."), Inferred
    }
    /// A well-formed name of a key that does not exist here.
    KeyNotFound {
        kms: answer(400, "NotFoundException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Key '{arn}' does not exist"), Observed
    }
    /// What stands in KeyId is neither an ARN nor an id nor an alias.
    KeyIdInvalid {
        kms: answer(400, "NotFoundException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Invalid keyId '{id}'"), Observed
    }
    /// An ARN of another region, or one that is damaged.
    ArnInvalid {
        kms: answer(400, "NotFoundException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Invalid arn {region}"), Observed
    }
    /// An alias that nobody made.
    AliasNotFound {
        kms: answer(400, "NotFoundException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Alias {arn} is not found."), Inferred
    }
    /// The ciphertext was made by another key than KeyId names.
    IncorrectKey {
        kms: answer(400, "IncorrectKeyException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("The key ID in the request does not identify a CMK that can perform this operation."), Observed
    }
    /// The ciphertext is damaged, or the encryption context is another one.
    InvalidCiphertext {
        kms: answer(400, "InvalidCiphertextException", Observed, SNAPSHOTS),
        sts: None,
        text: None, Observed
    }
    /// An algorithm of another kind of key.
    InvalidKeyUsage {
        kms: answer(400, "InvalidKeyUsageException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("Algorithm {algorithm} is incompatible with key spec SYMMETRIC_DEFAULT."), Inferred
    }
    /// Everything would have gone well, and nothing was done.
    DryRun {
        kms: answer(400, "DryRunOperationException", Observed, SNAPSHOTS),
        sts: None,
        text: Some("The request would have succeeded, but the DryRun option is set."), Observed
    }
    /// Decrypt without KeyId of a ciphertext whose key is not here, or not for this caller.
    CiphertextKeyHidden {
        kms: answer(400, "AccessDeniedException", Observed, ISSUES),
        sts: None,
        text: Some("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."), Observed
    }
    /// The caller's own policies do not allow it.
    DeniedByIdentity {
        kms: answer(400, "AccessDeniedException", Inferred, QUOTED),
        sts: answer(403, "AccessDenied", Inferred, QUOTED),
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} because no identity-based policy allows the {action} action"), Inferred
    }
    /// The key's own policy denies it.
    DeniedByKey {
        kms: answer(400, "AccessDeniedException", Inferred, QUOTED),
        sts: None,
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} with an explicit deny in a resource-based policy"), Inferred
    }
    /// The key belongs to an account that grants nothing to this one.
    DeniedByOtherAccount {
        kms: answer(400, "AccessDeniedException", Inferred, QUOTED),
        sts: None,
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} because no resource-based policy allows the {action} action"), Inferred
    }
    /// The policy of the private endpoint does not let it pass.
    DeniedByEndpoint {
        kms: answer(400, "AccessDeniedException", Inferred, QUOTED),
        sts: answer(403, "AccessDenied", Inferred, QUOTED),
        text: Some("User: {user} is not authorized to perform: {action} on resource: {arn} because no VPC endpoint policy allows the {action} action"), Inferred
    }
    /// A role that does not exist, does not trust the caller, or wants another external id: STS does not say which.
    AssumeRoleDenied {
        kms: None,
        sts: answer(403, "AccessDenied", Inferred, QUOTED),
        text: Some("User: {user} is not authorized to perform: sts:AssumeRole on resource: {arn}"), Inferred
    }
    /// An operation that the fake does not know.
    UnknownOperation {
        kms: answer(400, "UnknownOperationException", Inferred, QUOTED),
        sts: answer(400, "InvalidAction", Documented, GUIDE),
        text: Some("{operation} is not implemented by the fake"), Ours
    }
    /// A member that the fake does not know what to do with.
    NotImplemented {
        kms: answer(400, "UnsupportedOperationException", Ours, FAKE),
        sts: answer(400, "ValidationError", Ours, FAKE),
        text: Some("{what} is not implemented by the fake"), Ours
    }
    /// A path or a method at which no AWS service of this fake answers.
    UnknownRoute {
        kms: answer(404, "UnknownOperationException", Ours, FAKE),
        sts: None,
        text: Some("{route} is not implemented by the fake: it answers POST / only"), Ours
    }
    /// A Host that is none of the fake's, or one that leaves the service open.
    UnknownHost {
        kms: answer(421, "UnknownHost", Ours, FAKE),
        sts: None,
        text: Some("the fake AWS of {region} does not answer for Host `{host}`"), Ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_service_and_a_source() {
        for error in Error::ALL {
            let fact = error.fact();
            let answers: Vec<Answer> = [fact.kms, fact.sts].into_iter().flatten().collect();
            assert!(!answers.is_empty(), "{error:?}");
            assert!(answers.iter().all(|answer| !answer.source.is_empty() && answer.status >= 400), "{error:?}");
        }
    }

    #[test]
    fn what_the_fake_made_up_says_so_in_its_text() {
        for error in Error::ALL.iter().filter(|error| error.fact().evidence == Ours) {
            assert!(error.fact().text.is_some_and(|text| text.contains("the fake")), "{error:?}");
        }
    }

    #[test]
    fn names_in_a_text_are_filled_in() {
        let refusal = Refusal::new(Error::SignatureExpired, &[("signed", "A"), ("limit", "B"), ("now", "C")]);
        assert_eq!(refusal.message.as_deref(), Some("Signature expired: A is now earlier than B (C - 5 min.)"));
    }
}
