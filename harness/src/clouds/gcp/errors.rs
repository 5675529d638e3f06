//! Every refusal that the fake Google Cloud can give, as one table: status and code by service, the text, what stands in
//! `details`, and how well each is known.
//!
//! Invariant: no code, status or text of an error stands anywhere else.

mod details;
mod table;

use serde_json::Value;

use super::route::Service;
use super::version_state::VersionState;
use crate::clouds::Evidence;
pub use details::Detail;
pub use table::Error;

/// What a service answers in one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `error.status` of Cloud KMS (google.rpc.Code), or `error` of the token service.
    pub code: &'static str,
    /// How well status and code are known.
    pub evidence: Evidence,
    /// From where.
    pub source: &'static str,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// How Cloud KMS says it; `None` where it never does.
    pub kms: Option<Answer>,
    /// How the token service says it; `None` where it never does.
    pub oauth: Option<Answer>,
    /// The text with `{names}` to fill in.
    pub text: &'static str,
    /// What Cloud KMS adds for machines.
    pub detail: Detail,
    /// How well text and details are known.
    pub evidence: Evidence,
}

/// A refusal: a row of the table with its names filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which row.
    pub error: Error,
    /// The text as it is sent.
    pub message: String,
    /// `details` as they are sent by Cloud KMS.
    pub details: Vec<Value>,
}

impl Refusal {
    /// Fills a row in: every `{name}` becomes its value.
    pub(super) fn new(error: Error, values: &[(&str, &str)]) -> Self {
        let fact = error.fact();
        let message =
            values.iter().fold(fact.text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
        let details = fact.detail.filled(&message, values);
        Refusal { error, message, details }
    }

    /// Code and status as this service says them. A row that knows only the other service answers in its words.
    pub(super) fn answer(&self, service: Service) -> Answer {
        let fact = self.error.fact();
        let (own, other) = match service {
            Service::Kms => (fact.kms, fact.oauth),
            Service::Oauth => (fact.oauth, fact.kms),
        };
        own.or(other).expect("every row of the table names a service: a test reads them all")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::new(error, &[])
    }
}

/// Declares the rows once: name, what each service says, text, details.
macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident { kms: $kms:expr, oauth: $oauth:expr, text: $text:expr, $detail:expr, $evidence:expr })+) => {
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
                    $(Error::$name => Fact { kms: $kms, oauth: $oauth, text: $text, detail: $detail, evidence: $evidence },)+
                }
            }
        }
    };
}
use errors;

impl Error {
    /// The row with that code of Cloud KMS, that reason in its details, or that code of the token service; of several
    /// the first one in the table.
    pub fn named(code: &str) -> Option<Error> {
        let first = |is: &dyn Fn(Fact) -> bool| Error::ALL.iter().copied().find(|error| is(error.fact()));
        first(&|fact| fact.kms.is_some_and(|answer| answer.code == code))
            .or_else(|| first(&|fact| fact.detail.reason() == Some(code)))
            .or_else(|| first(&|fact| fact.oauth.is_some_and(|answer| answer.code == code)))
    }

    /// Whether this service ever answers so.
    pub fn is_known_to(self, service: Service) -> bool {
        let fact = self.fact();
        match service {
            Service::Kms => fact.kms.is_some(),
            Service::Oauth => fact.oauth.is_some(),
        }
    }

    /// What the use of a version in that state is answered, where it is not enabled.
    pub(super) fn of_state(state: VersionState) -> Error {
        match state {
            VersionState::PendingGeneration => Error::VersionPendingGeneration,
            VersionState::Enabled | VersionState::Disabled => Error::VersionDisabled,
            VersionState::DestroyScheduled(_) => Error::VersionDestroyScheduled,
            VersionState::Destroyed(_) => Error::VersionDestroyed,
            VersionState::PendingImport => Error::VersionPendingImport,
            VersionState::ImportFailed => Error::VersionImportFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::Evidence::Ours;

    #[test]
    fn every_row_names_a_service_and_a_source() {
        for error in Error::ALL {
            let fact = error.fact();
            let answers: Vec<Answer> = [fact.kms, fact.oauth].into_iter().flatten().collect();
            assert!(!answers.is_empty(), "{error:?}");
            assert!(answers.iter().all(|answer| !answer.source.is_empty() && answer.status >= 400), "{error:?}");
        }
    }

    #[test]
    fn what_the_fake_made_up_says_so_in_its_text() {
        for error in Error::ALL.iter().filter(|error| error.fact().evidence == Ours) {
            assert!(error.fact().text.contains("the fake"), "{error:?}");
        }
    }

    #[test]
    fn a_code_leads_to_the_row_that_its_reader_expects() {
        let expected = [
            ("FAILED_PRECONDITION", Error::VersionDisabled),
            ("INVALID_ARGUMENT", Error::CiphertextInvalid),
            ("NOT_FOUND", Error::NotFound),
            ("PERMISSION_DENIED", Error::PermissionDenied),
            ("UNAUTHENTICATED", Error::TokenExpired),
            ("RESOURCE_EXHAUSTED", Error::Throttled),
            ("KEY_DESTROYED", Error::VersionDestroyed),
            ("SERVICE_DISABLED", Error::ServiceDisabled),
            ("SECURITY_POLICY_VIOLATED", Error::PolicyViolated),
            ("invalid_grant", Error::SignatureInvalid),
            ("invalid_scope", Error::ScopeInvalid),
        ];
        for (code, error) in expected {
            assert_eq!(Error::named(code), Some(error), "{code}");
        }
        assert_eq!(Error::named("permission_denied"), None);
    }

    /// The canonical codes of google.rpc.Code that a call of these four operations may meet.
    #[test]
    fn no_code_that_kms_is_known_to_give_is_missing() {
        let known = "INVALID_ARGUMENT FAILED_PRECONDITION UNAUTHENTICATED PERMISSION_DENIED NOT_FOUND \
            RESOURCE_EXHAUSTED INTERNAL UNAVAILABLE DEADLINE_EXCEEDED ABORTED";
        let missing: Vec<&str> = known.split_whitespace().filter(|code| Error::named(code).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn names_in_a_text_are_filled_in() {
        let refusal = Refusal::new(Error::Checksum, &[("field", "ciphertext")]);
        let text = "The checksum in field ciphertext_crc32c did not match the data in field ciphertext.";
        assert_eq!(refusal.message, text);
    }
}
