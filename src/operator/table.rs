//! The one table: what each class of failure means to the client and to the operator.
//!
//! In the texts `{key}` is the identifier, `{provider}` the provider's name, `{file}` the name of the file concerned,
//! `{renew}` how to bring new credentials to where the old ones came from, and `{place}` and `{other}` what a CMK has
//! beside its name, as [`place`] has them.

use crate::keys::Provider;
use crate::kms::Class;

/// The KMIP Result Reasons that failures are answered with (KMIP 1.4 section 9.1.3.2.29, the same numbers in 1.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResultReason {
    /// A setting and the request do not go together.
    InvalidField,
    /// The material cannot be opened.
    CryptographicFailure,
    /// The key that guards it may not be used now.
    IllegalOperation,
    /// Somebody refused.
    PermissionDenied,
    /// Everything else, and everything that may pass by itself.
    GeneralFailure,
}

impl ResultReason {
    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            ResultReason::InvalidField => 0x07,
            ResultReason::CryptographicFailure => 0x0A,
            ResultReason::IllegalOperation => 0x0B,
            ResultReason::PermissionDenied => 0x0C,
            ResultReason::GeneralFailure => 0x100,
        }
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            ResultReason::InvalidField => "invalid-field",
            ResultReason::CryptographicFailure => "cryptographic-failure",
            ResultReason::IllegalOperation => "illegal-operation",
            ResultReason::PermissionDenied => "permission-denied",
            ResultReason::GeneralFailure => "general-failure",
        }
    }
}

/// Which file a class concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concerns {
    /// None.
    Nothing,
    /// The credentials: the metadata file, if they come from there.
    Credentials,
    /// The metadata file itself.
    Metadata,
    /// The wrapped key file.
    Key,
    /// Whichever file the error named.
    Either,
}

/// A class' row.
pub(super) struct Row {
    pub(super) reason: ResultReason,
    pub(super) concerns: Concerns,
    /// The permission to grant.
    pub(super) permission: Option<Permission>,
    /// The line for the client.
    pub(super) client: &'static str,
    /// The operator's headline.
    pub(super) headline: &'static str,
}

/// What somebody must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    /// To use the customer's key.
    UseKey,
    /// To come by this network path.
    NetworkPath,
}

/// The row of a class.
pub(super) fn row(class: Class) -> Row {
    use Concerns::{Credentials, Either, Key, Metadata, Nothing};
    use ResultReason::{CryptographicFailure, GeneralFailure, IllegalOperation, InvalidField, PermissionDenied};

    let (reason, concerns, client, headline) = match class {
        Class::CredentialsExpired => (
            PermissionDenied,
            Credentials,
            "{provider}: the credentials for key {key} have expired; {renew}",
            "the credentials for key {key} have expired",
        ),
        Class::CredentialsInvalid => (
            PermissionDenied,
            Credentials,
            "{provider} does not accept the credentials for key {key}; {renew}",
            "{provider} does not accept the credentials for key {key}",
        ),
        Class::RoleNotUsable => (
            PermissionDenied,
            Credentials,
            "{provider}: no usable credentials for key {key}; {renew}",
            "there are no usable credentials for key {key}",
        ),
        Class::ClockSkew => (
            GeneralFailure,
            Nothing,
            "{provider} refuses the time of the proxy for key {key}; correct the clock of its machine",
            "this machine's clock differs too much from that of {provider}",
        ),
        Class::AccessDenied => (
            PermissionDenied,
            Nothing,
            "{provider}: the credentials may not use the CMK of key {key}; grant the permission to use it",
            "the credentials may not use the CMK of key {key}",
        ),
        Class::EndpointPolicyDenied => (
            PermissionDenied,
            Nothing,
            "{provider} refuses the network path for key {key}; check the policy of the endpoint",
            "{provider} refuses the network path, not the credentials",
        ),
        Class::KeyDisabled => (
            IllegalOperation,
            Nothing,
            "{provider}: the CMK of key {key} is disabled; enable it",
            "the CMK of key {key} is disabled",
        ),
        Class::KeyPendingDeletion => (
            IllegalOperation,
            Nothing,
            "{provider}: the CMK of key {key} is scheduled for deletion; cancel that, or the key is lost with it",
            "the CMK of key {key} is scheduled for deletion",
        ),
        Class::KeyUnusable => (
            IllegalOperation,
            Nothing,
            "{provider}: the CMK of key {key} is in a state in which it opens nothing; check its state",
            "the CMK of key {key} is in a state in which it opens nothing",
        ),
        Class::KeyMissing => (
            CryptographicFailure,
            Key,
            "{provider}: the CMK of key {key} is missing or may not be seen; check key, account, and {place}",
            "the CMK of key {key} does not exist there, or may not be seen",
        ),
        Class::WrongKeyOrRegion => (
            CryptographicFailure,
            Key,
            "{provider}: the CMK in use did not wrap key {key}; check CMK and {place} in {file}",
            "key {key} was wrapped by another CMK, or {other}",
        ),
        Class::CiphertextInvalid => (
            CryptographicFailure,
            Key,
            "{provider} cannot open key {key}: its wrapped key is damaged; restore {file}",
            "the wrapped key {key} is damaged, or belongs to other metadata",
        ),
        Class::ProviderMismatch => (
            InvalidField,
            Key,
            "key {key} does not belong to {provider}; {renew}",
            "key {key} does not belong to {provider}",
        ),
        Class::Throttled => (
            GeneralFailure,
            Nothing,
            "{provider} refused the request for key {key} and asks for fewer; try again later",
            "{provider} asks to be asked less often",
        ),
        Class::CloudInternal => (
            GeneralFailure,
            Nothing,
            "{provider} failed by itself in the request for key {key}; try again later",
            "{provider} failed by itself",
        ),
        Class::EndpointUnreachable => (
            GeneralFailure,
            Nothing,
            "{provider} cannot be reached for key {key}; check the network and the endpoints",
            "no endpoint of {provider} could be reached",
        ),
        Class::NetworkNotPrivate => (
            GeneralFailure,
            Nothing,
            "no private way for key {key}: --require-private-networking is set, and no --kms-endpoint of {provider} is private",
            "--require-private-networking is set, and no --kms-endpoint of {provider} is private",
        ),
        Class::BadResponse => (
            GeneralFailure,
            Nothing,
            "{provider} gave an answer for key {key} that makes no sense; check the endpoints",
            "an answer came for {provider} that makes no sense",
        ),
        Class::DeadlineExceeded => (
            GeneralFailure,
            Nothing,
            "{provider} did not answer in time for key {key}; try again, or raise --kms-deadline",
            "{provider} did not answer within the deadline",
        ),
        Class::MetadataMissing => (
            GeneralFailure,
            Metadata,
            "no credentials for key {key}; restore {file} or pass flags",
            "the credentials metadata of key {key} are missing",
        ),
        Class::MetadataMalformed => (
            GeneralFailure,
            Metadata,
            "the credentials metadata of key {key} cannot be used; correct {file}",
            "the credentials metadata of key {key} are not what they should be",
        ),
        Class::KeyFileMissing => (
            GeneralFailure,
            Key,
            "the wrapped key {key} is missing on disk; restore {file}",
            "the wrapped key file of key {key} is missing",
        ),
        Class::KeyFileMalformed => (
            GeneralFailure,
            Key,
            "the wrapped key file of key {key} cannot be used; restore {file}",
            "the wrapped key file of key {key} is not what it should be",
        ),
        Class::FileUnavailable => (
            GeneralFailure,
            Either,
            "a file of key {key} cannot be read or written: {file}; check its permissions and the room on its disk",
            "a file of key {key} cannot be read or written",
        ),
    };
    let permission = match class {
        Class::AccessDenied => Some(Permission::UseKey),
        Class::EndpointPolicyDenied => Some(Permission::NetworkPath),
        _ => None,
    };
    Row { reason, concerns, permission, client, headline }
}

/// What to edit in the file that a class concerns.
pub(super) fn fields(class: Class, provider: Provider) -> &'static str {
    match (class, provider) {
        (Class::CredentialsExpired | Class::CredentialsInvalid, Provider::Aws) => {
            "accessKeyId, secretAccessKey, sessionToken"
        }
        (Class::CredentialsExpired, Provider::Azure) => "secret",
        (Class::CredentialsInvalid, Provider::Azure) => "tenantID, clientID, secret, azureEnvironment",
        (Class::CredentialsExpired | Class::CredentialsInvalid, Provider::Gcp) => "serviceAccountKey",
        (Class::WrongKeyOrRegion | Class::KeyMissing, Provider::Aws) => "masterKey.key, masterKey.region",
        (Class::WrongKeyOrRegion | Class::KeyMissing, Provider::Azure) => {
            "masterKey.keyVaultEndpoint, masterKey.keyName, masterKey.keyVersion"
        }
        (Class::WrongKeyOrRegion | Class::KeyMissing, Provider::Gcp) => {
            "masterKey.projectId, masterKey.location, masterKey.keyRing, masterKey.keyName"
        }
        (Class::CiphertextInvalid, Provider::Aws | Provider::Gcp) => "keyMaterial, encryptionContext",
        (Class::CiphertextInvalid, Provider::Azure) => "keyMaterial, masterKey.keyVersion",
        _ => "",
    }
}

/// What a CMK has beside its name, and where else a key may have been wrapped.
pub(super) fn place(provider: Provider) -> (&'static str, &'static str) {
    match provider {
        Provider::Aws | Provider::Local => ("region", "in another region"),
        Provider::Azure => ("version", "by another version of it"),
        Provider::Gcp => ("location", "in another location"),
    }
}
