//! Everything that is known about one failure, whoever reported it.

use std::path::PathBuf;

use crate::keys::{
    CredentialOrigin, Credentials, KeyFiles, LayoutError, LayoutErrorKind, Provider, ResolvedCredentials,
};
use crate::kms::{Attempt, Class, KmsError};

/// A failure to open or wrap a key, as it is told.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The class.
    pub class: Class,
    /// The Unique Identifier of the key.
    pub key_id: String,
    /// The provider that was asked, or would have been.
    pub provider: Provider,
    /// The customer's key.
    pub cmk: Option<String>,
    /// The provider's own code.
    pub code: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What more is known.
    pub detail: Option<String>,
    /// The endpoints that were tried.
    pub attempts: Vec<Attempt>,
    /// The metadata file, where one plays a part.
    pub metadata_file: Option<PathBuf>,
    /// The key file, where one plays a part.
    pub key_file: Option<PathBuf>,
    /// The field that is wrong, for failures of files.
    pub field: Option<String>,
    /// Where the credentials came from, once they were found.
    pub origin: Option<CredentialOrigin>,
    /// Whether they are temporary keys without their session token.
    pub token_missing: bool,
    /// Whether nothing but their certificates kept the endpoints that were tried from being used.
    pub only_certificates: bool,
    /// The provider that the key belongs to, for [`Class::ProviderMismatch`].
    pub belongs_to: Option<Provider>,
}

impl Failure {
    /// A failure of which only the class is known.
    pub fn new(class: Class, key_id: &str, provider: Provider) -> Self {
        Failure {
            class,
            key_id: key_id.to_owned(),
            provider,
            cmk: None,
            code: None,
            status: None,
            detail: None,
            attempts: Vec::new(),
            metadata_file: None,
            key_file: None,
            field: None,
            origin: None,
            token_missing: false,
            only_certificates: false,
            belongs_to: None,
        }
    }

    /// A failure that a provider reported.
    pub fn of_kms(key_id: &str, error: &KmsError) -> Self {
        Failure {
            cmk: Some(error.cmk.clone()).filter(|cmk| !cmk.is_empty()),
            code: error.code.clone(),
            status: error.status,
            detail: error.detail.clone(),
            attempts: error.attempts.clone(),
            only_certificates: error.only_certificates,
            ..Failure::new(error.class, key_id, error.provider)
        }
    }

    /// A failure of a file.
    pub fn of_layout(key_id: &str, provider: Provider, error: &LayoutError) -> Self {
        let mut failure = Failure::new(class_of(error.kind), key_id, provider);
        let position = error.position.map(|(line, column)| format!("line {line}, column {column}: "));
        failure.detail = Some(format!("{}{}", position.unwrap_or_default(), error.why));
        failure.field = error.field.clone();
        match error.kind {
            LayoutErrorKind::KeyFileMissing | LayoutErrorKind::KeyFileMalformed => {
                failure.key_file = Some(error.path.clone());
            }
            LayoutErrorKind::MetadataMissing
            | LayoutErrorKind::MetadataMalformed
            | LayoutErrorKind::RoleNotUsable
            | LayoutErrorKind::FileUnavailable => failure.metadata_file = Some(error.path.clone()),
        }
        failure
    }

    /// Metadata stand without their key file ([`crate::keys::Found::MetadataWithoutKey`]).
    pub fn without_key_file(key_id: &str, provider: Provider, files: &KeyFiles) -> Self {
        let mut failure = Failure::new(Class::KeyFileMissing, key_id, provider);
        failure.detail = Some(format!("{} stands there, its wrapped key does not", files.metadata.display()));
        failure.key_file = Some(files.key.clone());
        failure
    }

    /// The key belongs to another provider ([`crate::keys::Found::OtherProvider`]).
    pub fn of_other_provider(key_id: &str, asked: Provider, belongs_to: Provider, path: PathBuf) -> Self {
        let mut failure = Failure::new(Class::ProviderMismatch, key_id, asked);
        failure.key_file = Some(path);
        failure.belongs_to = Some(belongs_to);
        failure
    }

    /// Whether STS was asked for the role and refused: then keys are at hand, and it is the role that cannot be used.
    pub(super) fn is_refused_role(&self) -> bool {
        self.class == Class::RoleNotUsable && self.status.is_some()
    }

    /// Names the files of the key; what an error named itself stays.
    #[must_use]
    pub fn with_files(mut self, files: Option<KeyFiles>) -> Self {
        if let Some(files) = files {
            self.metadata_file.get_or_insert(files.metadata);
            self.key_file.get_or_insert(files.key);
        }
        self
    }

    /// Names the credentials that were used: their metadata file, their origin, and what they lack.
    #[must_use]
    pub fn with_credentials(mut self, used: &ResolvedCredentials) -> Self {
        self.origin = Some(used.origin);
        self.metadata_file = Some(used.file.clone());
        self.token_missing = match &used.credentials {
            Credentials::Aws(keys) => keys.lack_their_token(),
            Credentials::Azure(_) | Credentials::Gcp(_) | Credentials::Local(_) => false,
        };
        self
    }
}

/// The class of a file's trouble.
pub fn class_of(kind: LayoutErrorKind) -> Class {
    match kind {
        LayoutErrorKind::MetadataMissing => Class::MetadataMissing,
        LayoutErrorKind::MetadataMalformed => Class::MetadataMalformed,
        LayoutErrorKind::RoleNotUsable => Class::RoleNotUsable,
        LayoutErrorKind::KeyFileMissing => Class::KeyFileMissing,
        LayoutErrorKind::KeyFileMalformed => Class::KeyFileMalformed,
        LayoutErrorKind::FileUnavailable => Class::FileUnavailable,
    }
}
