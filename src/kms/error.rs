//! The classes of failure: one word for the same misfortune at every provider.

use std::fmt;

use crate::keys::Provider;

/// A failure to wrap, open or describe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsError {
    /// The class, which decides the KMIP answer and the operator's message.
    pub class: Class,
    /// Who failed.
    pub provider: Provider,
    /// The customer's key that was asked for.
    pub cmk: String,
    /// The provider's own code, such as `ExpiredTokenException`.
    pub code: Option<String>,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// What more is known, in one line without secrets.
    pub detail: Option<String>,
    /// Every endpoint that was tried, in order.
    pub attempts: Vec<Attempt>,
    /// Whether it was the certificate of each endpoint that was tried, and nothing else, that kept it from being used.
    pub only_certificates: bool,
}

impl KmsError {
    /// A failure without an answer of the provider.
    pub fn new(class: Class, provider: Provider, cmk: &str) -> Self {
        KmsError {
            class,
            provider,
            cmk: cmk.to_owned(),
            code: None,
            status: None,
            detail: None,
            attempts: Vec::new(),
            only_certificates: false,
        }
    }

    /// Adds what more is known.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl fmt::Display for KmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider.title(), self.class.code())?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for KmsError {}

/// One endpoint that was tried, and how that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The endpoint as the configuration names it.
    pub endpoint: String,
    /// How it ended, such as `connect timed out` or `400 ExpiredTokenException`.
    pub outcome: String,
}

/// Declares the classes once: name, code and meaning.
macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// What went wrong, in one word for all providers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Class {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Class {
            /// Every class, in the order of the documents.
            pub const ALL: &'static [Class] = &[$(Class::$name,)+];

            /// The stable spelling in reports, scenario files and JSON logs.
            pub fn code(self) -> &'static str {
                match self {
                    $(Class::$name => $code,)+
                }
            }

            /// What the class means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Class::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

classes! {
    /// The credentials were good once and have expired.
    CredentialsExpired = "credentials-expired",
    /// The provider does not accept the credentials.
    CredentialsInvalid = "credentials-invalid",
    /// No usable credentials are at hand: the metadata names a role, or nothing.
    RoleNotUsable = "role-not-usable",
    /// This machine's clock and the provider's differ too much.
    ClockSkew = "clock-skew",
    /// The credentials are good, but may not use this key.
    AccessDenied = "access-denied",
    /// The provider refuses the network path, not the person.
    EndpointPolicyDenied = "endpoint-policy-denied",
    /// The customer's key is disabled.
    KeyDisabled = "key-disabled",
    /// The customer's key is scheduled for deletion.
    KeyPendingDeletion = "key-pending-deletion",
    /// The customer's key is in another state in which it opens nothing.
    KeyUnusable = "key-unusable",
    /// The customer's key does not exist where it was looked for, or may not be seen.
    KeyMissing = "key-missing",
    /// The wrapped key was made by another key, or in another region.
    WrongKeyOrRegion = "wrong-key-or-region",
    /// The wrapped key is damaged or belongs to other metadata.
    CiphertextInvalid = "ciphertext-invalid",
    /// The wrapped key belongs to another provider than the one that was asked.
    ProviderMismatch = "provider-mismatch",
    /// The provider asks to be asked less often.
    Throttled = "throttled",
    /// The provider failed by itself.
    CloudInternal = "cloud-internal",
    /// No endpoint could be reached.
    EndpointUnreachable = "endpoint-unreachable",
    /// Private networking is required and no endpoint is private.
    NetworkNotPrivate = "network-not-private",
    /// An answer came that makes no sense.
    BadResponse = "bad-response",
    /// The deadline of the request passed before the provider answered.
    DeadlineExceeded = "deadline-exceeded",
    /// A credentials metadata file is missing.
    MetadataMissing = "metadata-missing",
    /// A credentials metadata file is not what it should be.
    MetadataMalformed = "metadata-malformed",
    /// A metadata file stands without its wrapped key file.
    KeyFileMissing = "key-file-missing",
    /// A wrapped key file is not what it should be.
    KeyFileMalformed = "key-file-malformed",
    /// A file could not be read or written.
    FileUnavailable = "file-unavailable",
}
