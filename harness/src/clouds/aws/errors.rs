//! Every refusal that the fake AWS can give, as one table: code and status by service, the text, and how well each is
//! known.
//!
//! Invariant: no code, status or text of an error stands anywhere else.

use crate::clouds::Evidence;

use super::Service;
pub use table::Error;

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

mod table;

impl Error {
    /// The row whose code this is at KMS; of several the first one in the table. `None` for a code that KMS never says.
    pub fn named(code: &str) -> Option<Error> {
        Error::ALL.iter().copied().find(|error| error.fact().kms.is_some_and(|answer| answer.code == code))
    }

    /// Whether this service ever answers so.
    pub fn is_known_to(self, service: Service) -> bool {
        let fact = self.fact();
        match service {
            Service::Kms => fact.kms.is_some(),
            Service::Sts => fact.sts.is_some(),
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
    fn a_code_leads_to_the_row_that_its_reader_expects() {
        let expected = [
            ("AccessDeniedException", Error::CiphertextKeyHidden),
            ("KMSInvalidStateException", Error::PendingDeletion),
            ("NotFoundException", Error::KeyNotFound),
            ("InvalidSignatureException", Error::SignatureMismatch),
            ("UnsupportedOperationException", Error::OriginInvalid),
            ("InvalidKeyUsageException", Error::KeyUsageInvalid),
            ("UnknownOperationException", Error::UnknownOperation),
        ];
        for (code, error) in expected {
            assert_eq!(Error::named(code), Some(error), "{code}");
        }
        for code in Error::ALL.iter().filter_map(|error| error.fact().kms).map(|answer| answer.code) {
            assert_eq!(Error::named(code).and_then(|error| error.fact().kms).map(|answer| answer.code), Some(code));
        }
        assert_eq!(Error::named("ExpiredToken"), None, "STS says so, and KMS does not");
        assert_eq!(Error::named("expiredtokenexception"), None);
    }

    /// What the model of the API names for the fake's operations, what all actions have in common, and what was seen
    /// besides.
    #[test]
    fn no_error_that_kms_is_known_to_give_is_missing() {
        let known = "DisabledException KMSInvalidStateException NotFoundException IncorrectKeyException \
            InvalidCiphertextException InvalidKeyUsageException ValidationException DryRunOperationException \
            LimitExceededException UnsupportedOperationException AccessDeniedException UnrecognizedClientException \
            ExpiredTokenException InvalidSignatureException MissingAuthenticationTokenException \
            IncompleteSignatureException RequestExpired ThrottlingException KMSInternalException \
            DependencyTimeoutException KeyUnavailableException InvalidGrantTokenException InvalidArnException \
            ConflictException InternalFailure ServiceUnavailable OptInRequired SerializationException";
        let missing: Vec<&str> = known.split_whitespace().filter(|code| Error::named(code).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn names_in_a_text_are_filled_in() {
        let refusal = Refusal::new(Error::SignatureExpired, &[("signed", "A"), ("limit", "B"), ("now", "C")]);
        assert_eq!(refusal.message.as_deref(), Some("Signature expired: A is now earlier than B (C - 5 min.)"));
    }
}
