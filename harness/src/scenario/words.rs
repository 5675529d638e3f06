//! The words that scenario files choose from: every list, once.

use kmip_proxy::keys::Provider;
use kmip_proxy::kms::Class;

use super::model::{
    CredentialsKind, Database, Expected, GivenBy, KeptFile, Metadata, ObjectChange, Outcome, Process, Running,
};
use super::text::Vocabulary;

/// The clients that can be played as mongod. Their dialects live in the cast.
pub const PERSONAS: &[&str] = &[
    "psmdb-8",
    "psmdb-7-soft",
    "psmdb-legacy-locate",
    "enterprise-1.2",
    "enterprise-legacy-1.0",
    "libmongocrypt-plain",
    "libmongocrypt-delegated",
];

/// The Result Reasons of KMIP 1.0 to 1.4 that this laboratory can expect (KMIP 1.4, 9.1.3.2.29), in kebab case.
pub const REASONS: &[&str] = &[
    "item-not-found",
    "response-too-large",
    "authentication-not-successful",
    "invalid-message",
    "operation-not-supported",
    "missing-data",
    "invalid-field",
    "feature-not-supported",
    "operation-canceled-by-requester",
    "cryptographic-failure",
    "illegal-operation",
    "permission-denied",
    "object-archived",
    "index-out-of-bounds",
    "application-namespace-not-supported",
    "key-format-type-not-supported",
    "key-compression-type-not-supported",
    "general-failure",
];

/// The error codes with which an endpoint of AWS KMS can be made to answer every call. What each one means to a caller
/// is written down with the fake AWS, from the documents of the real one.
pub const ERROR_CODES: &[&str] = &[
    "AccessDeniedException",
    "DependencyTimeoutException",
    "DisabledException",
    "DryRunOperationException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "IncorrectKeyException",
    "InternalFailure",
    "InvalidArnException",
    "InvalidCiphertextException",
    "InvalidGrantTokenException",
    "InvalidKeyUsageException",
    "InvalidSignatureException",
    "KMSInternalException",
    "KMSInvalidStateException",
    "KeyUnavailableException",
    "LimitExceededException",
    "MissingAuthenticationTokenException",
    "NotFoundException",
    "OptInRequired",
    "RequestExpired",
    "SerializationException",
    "ServiceUnavailable",
    "ThrottlingException",
    "UnrecognizedClientException",
    "UnsupportedOperationException",
    "ValidationException",
];

/// Declares a vocabulary: what its words are called, and each word with its meaning.
macro_rules! vocabulary {
    ($Meaning:ty, $noun:literal: $($word:literal = $meaning:expr),+ $(,)?) => {
        impl Vocabulary for $Meaning {
            const NOUN: &'static str = $noun;

            fn words() -> Vec<(&'static str, Self)> {
                vec![$(($word, $meaning)),+]
            }
        }
    };
}

vocabulary!(Outcome, "outcome": "opens" = Outcome::Opens, "stays-closed" = Outcome::StaysClosed);
vocabulary!(Process, "process": "mongod" = Process::Mongod, "proxy" = Process::Proxy);
vocabulary!(Victim, "process or machine":
    "mongod" = Victim::Process(Process::Mongod),
    "proxy" = Victim::Process(Process::Proxy),
    "machine" = Victim::Machine,
);
vocabulary!(Database, "database": "snapshot" = Database::Snapshot, "empty" = Database::Empty);
vocabulary!(GivenBy, "place for credentials": "metadata" = GivenBy::Metadata, "flags" = GivenBy::Flags);
vocabulary!(Metadata, "content of a metadata file":
    "current" = Metadata::Current,
    "outdated" = Metadata::Outdated,
    "role-id" = Metadata::RoleId,
    "without-token" = Metadata::WithoutToken,
    "absent" = Metadata::Absent,
);
vocabulary!(KeptFile, "file":
    "metadata" = KeptFile::Metadata,
    "key-file" = KeptFile::KeyFile,
    "wrapped-key" = KeptFile::WrappedKey,
);
vocabulary!(Running, "state of mongod": "running" = Running::Running, "exited" = Running::Exited);
vocabulary!(CredentialsKind, "kind of credentials":
    "user" = CredentialsKind::User,
    "session" = CredentialsKind::Session,
    "role" = CredentialsKind::Role,
);

/// What `crash` is done to.
pub(super) enum Victim {
    /// One process is cut off.
    Process(Process),
    /// Both are, and the disk forgets what was not synced.
    Machine,
}

/// The state of the wrapped key's KMIP object.
pub(super) struct KeyState {
    pub(super) active: bool,
}

vocabulary!(KeyState, "key state": "active" = KeyState { active: true }, "pre-active" = KeyState { active: false });

/// What `expire` and `renew` are done to.
pub(super) struct TheCredentials;

vocabulary!(TheCredentials, "thing": "credentials" = TheCredentials);

/// What `revoke` and `destroy` are done to.
pub(super) struct TheMasterKey;

vocabulary!(TheMasterKey, "KMIP object": "master-key" = TheMasterKey);

/// Why a key is revoked.
pub(super) struct RevocationReason(pub(super) ObjectChange);

vocabulary!(RevocationReason, "reason to revoke a key":
    "cessation-of-operation" = RevocationReason(ObjectChange::Revoke),
    "key-compromise" = RevocationReason(ObjectChange::Compromise),
);

/// What `check` is done to.
pub(super) struct TheDbpath;

vocabulary!(TheDbpath, "thing to check": "dbpath" = TheDbpath);

/// What `fill` and `free` are done to.
pub(super) struct TheDisk;

vocabulary!(TheDisk, "thing": "disk" = TheDisk);

/// An error code of AWS KMS.
pub(super) struct ErrorCode(pub(super) &'static str);

impl Vocabulary for ErrorCode {
    const NOUN: &'static str = "error code of AWS KMS";

    fn words() -> Vec<(&'static str, Self)> {
        ERROR_CODES.iter().map(|code| (*code, ErrorCode(code))).collect()
    }
}

impl Vocabulary for Provider {
    const NOUN: &'static str = "provider";

    fn words() -> Vec<(&'static str, Self)> {
        Provider::ALL.into_iter().map(|provider| (provider.as_str(), provider)).collect()
    }
}

/// A provider by its name, or the one with which the file is played.
pub(super) struct NamedProvider(Option<Provider>);

/// The word for that one, as in texts.
pub(super) const OWN_PROVIDER: &str = "{provider}";

impl NamedProvider {
    /// Which it is in a cell.
    pub(super) fn of(self, cell: Provider) -> Provider {
        self.0.unwrap_or(cell)
    }
}

impl Vocabulary for NamedProvider {
    const NOUN: &'static str = "provider";

    fn words() -> Vec<(&'static str, Self)> {
        let named = Provider::words().into_iter().map(|(word, provider)| (word, NamedProvider(Some(provider))));
        named.chain([(OWN_PROVIDER, NamedProvider(None))]).collect()
    }
}

/// A client that can be played as mongod, by name.
pub(super) struct Persona(pub(super) &'static str);

impl Vocabulary for Persona {
    const NOUN: &'static str = "persona";

    fn words() -> Vec<(&'static str, Self)> {
        PERSONAS.iter().map(|name| (*name, Persona(name))).collect()
    }
}

impl Vocabulary for Class {
    const NOUN: &'static str = "class of failure";

    fn words() -> Vec<(&'static str, Self)> {
        Class::ALL.iter().map(|class| (class.code(), *class)).collect()
    }
}

impl Vocabulary for Expected {
    const NOUN: &'static str = "answer";

    fn words() -> Vec<(&'static str, Self)> {
        let mut words = vec![("ok", Expected::Ok), ("no-answer", Expected::NoAnswer)];
        words.extend(REASONS.iter().map(|reason| (*reason, Expected::Reason((*reason).to_owned()))));
        words
    }
}
