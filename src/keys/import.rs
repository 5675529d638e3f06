//! Makes a key file from a wrapped key that was obtained elsewhere.
//!
//! Atlas does not publish where its snapshots keep wrapped keys: whoever has one brings it here by
//! `kmipProxyStandalone import`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{
    Event, Found, Layout, LayoutError, ManagedObject, MasterKey, ObjectType, Provider, Refused, WrappedKey, region,
};

/// Cryptographic Algorithm AES (KMIP 1.4 section 9.1.3.2.13).
const AES: u32 = 3;
/// Cryptographic Usage Mask Encrypt and Decrypt (KMIP 1.4 section 9.1.3.3.1).
const ENCRYPT_AND_DECRYPT: u32 = 4 | 8;

/// What a key file is made from.
#[derive(Clone, Debug)]
pub struct Import {
    /// The Unique Identifier that mongod asks for.
    pub key_id: String,
    /// Who wrapped the key.
    pub provider: Provider,
    /// The CMK; not needed for `local`.
    pub kms_key: Option<String>,
    /// The CMK's region, where the CMK is not named by its ARN.
    pub region: Option<String>,
    /// The encryption context that the key was wrapped with.
    pub encryption_context: BTreeMap<String, String>,
    /// The length of the unwrapped key in bits.
    pub length_bits: u32,
    /// The content of the file with the wrapped key: raw bytes, or their base64 text.
    pub wrapped: Vec<u8>,
}

/// Why a key file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is something under the identifier already.
    #[error("the key {0} exists already: remove its key file first if it is to be replaced")]
    Exists(String),
    /// There is nothing in the file.
    #[error("the wrapped key is empty")]
    Empty,
    /// The CMK is not named.
    #[error("--kms-key is missing: name the CMK that wrapped the key")]
    NoKmsKey,
    /// The region is not known.
    #[error("the region of the CMK is unknown: give --kms-key as an ARN, or -awsRegion")]
    NoRegion,
    /// The CMK is not named as its provider does.
    #[error("--kms-key: {0}")]
    KmsKey(&'static str),
    /// The version is not named.
    #[error("--kms-key names no version: a wrapped key of Azure does not say which version of the CMK opens it")]
    NoVersion,
    /// The identifier or the files do not serve.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A new key that cannot be activated: cannot happen, but is no reason to crash.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Stores the key as an Active AES key for Encrypt and Decrypt, and returns the path of its file.
pub fn import(layout: &dyn Layout, import: Import, now: i64) -> Result<PathBuf, ImportError> {
    match layout.find(&import.key_id)? {
        // Metadata that wait for their key are just what an import is for.
        Found::NeverExisted | Found::MetadataWithoutKey { .. } => {}
        Found::Present(_) | Found::OtherProvider { .. } => return Err(ImportError::Exists(import.key_id)),
    }
    let master_key = match import.provider {
        Provider::Aws => {
            let key = import.kms_key.ok_or(ImportError::NoKmsKey)?;
            let given = import.region.as_deref().and_then(region::normalise);
            MasterKey::read(Provider::Aws, &key, given).ok_or(ImportError::NoRegion)?
        }
        Provider::Local => MasterKey::Local,
        provider @ (Provider::Azure | Provider::Gcp) => {
            let key = import.kms_key.ok_or(ImportError::NoKmsKey)?;
            if let Some(mistake) = MasterKey::mistake(provider, &key) {
                return Err(ImportError::KmsKey(mistake));
            }
            let key = MasterKey::read(provider, &key, None).ok_or(ImportError::NoKmsKey)?;
            match key {
                MasterKey::Azure { key_version: None, .. } => return Err(ImportError::NoVersion),
                key => key,
            }
        }
    };
    let wrapped = bytes_of(import.wrapped);
    if wrapped.is_empty() {
        return Err(ImportError::Empty);
    }
    let mut object = ManagedObject::new(import.key_id, ObjectType::SymmetricKey, now);
    object.algorithm = Some(AES);
    object.length_bits = Some(import.length_bits);
    object.usage_mask = ENCRYPT_AND_DECRYPT;
    object.apply(Event::Activate, now)?;
    let key = WrappedKey {
        object,
        master_key,
        encryption_context: import.encryption_context,
        credentials_of: None,
        wrapped: Some(wrapped),
    };
    Ok(layout.store(&key)?)
}

/// The command lines of AWS and Azure print a ciphertext as base64, Azure's interface as base64url; other tools write
/// the bytes.
fn bytes_of(content: Vec<u8>) -> Vec<u8> {
    let text: Vec<u8> = content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(&text).or_else(|_| URL_SAFE_NO_PAD.decode(&text)).unwrap_or(content)
}
