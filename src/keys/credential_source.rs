//! Where credentials come from: flags, the metadata file, the environment, in this order.
//!
//! Flags win field by field, as Atlas documents them ("required only if not in the file"). The session token and the
//! role follow the access key that they belong to, so that a stale one is never mixed in. The environment is asked
//! last and as a whole: a shell that happens to hold a cloud's variables must not override the documented file.
//! What each provider wants to see stands in a file of its own.
//!
//! Invariant: nothing here is ever written to disk.

mod aws;
mod azure;
mod gcp;
mod local;

use std::path::{Path, PathBuf};

use super::document::Document;
use super::{
    AzureEnvironment, Credentials, LayoutError, LayoutErrorKind, MasterKey, Provider, SecretText, google_key, vault_key,
};
use crate::env::Files;

/// Credentials given at start, by flags or by the environment. Every field may be absent.
#[derive(Clone, Debug, Default)]
pub struct FlagCredentials {
    /// The access key id.
    pub access_key_id: Option<String>,
    /// The secret access key.
    pub secret_access_key: Option<SecretText>,
    /// The session token.
    pub session_token: Option<SecretText>,
    /// The region, in either spelling.
    pub region: Option<String>,
    /// The ARN of a role to assume.
    pub role_arn: Option<String>,
    /// The external id for that role.
    pub external_id: Option<String>,
    /// The key file of the provider `local`.
    pub local_key_file: Option<PathBuf>,
    /// The directory of Microsoft Entra ID.
    pub azure_tenant_id: Option<String>,
    /// The application in that directory.
    pub azure_client_id: Option<String>,
    /// The application's secret.
    pub azure_client_secret: Option<SecretText>,
    /// Which of Azure's clouds.
    pub azure_environment: Option<AzureEnvironment>,
    /// The file with the key of a service account at Google. It is read whenever credentials are needed, so that a new
    /// key in it takes effect at once.
    pub gcp_key_file: Option<PathBuf>,
}

/// Everything outside the metadata files that may bring credentials.
#[derive(Clone, Debug, Default)]
pub struct CredentialSource {
    /// From flags and the configuration file: wins over metadata.
    pub flags: FlagCredentials,
    /// From the environment: fills what neither flags nor metadata say.
    pub environment: FlagCredentials,
}

/// Where the deciding part of the credentials came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialOrigin {
    /// Flags, or the configuration file.
    Flags,
    /// The metadata file.
    Metadata,
    /// Environment variables.
    Environment,
}

impl CredentialOrigin {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            CredentialOrigin::Flags => "from flags",
            CredentialOrigin::Metadata => "from the metadata file",
            CredentialOrigin::Environment => "from environment variables",
        }
    }
}

/// Credentials and where they came from, for messages.
#[derive(Clone, Debug)]
pub struct ResolvedCredentials {
    /// The credentials.
    pub credentials: Credentials,
    /// Where the access key, or the key file's path, came from.
    pub origin: CredentialOrigin,
    /// The metadata file that was read, or would have been.
    pub file: PathBuf,
}

/// A metadata file as it was found.
pub(super) struct Metadata<'c> {
    /// Where it is, or would be.
    pub(super) path: &'c Path,
    /// Its content; `None` where it does not stand.
    pub(super) content: Option<&'c [u8]>,
}

impl CredentialSource {
    /// Whether the flags say all that the provider needs, so that the metadata file does not matter.
    pub(super) fn suffices(&self, provider: Provider) -> bool {
        let flags = &self.flags;
        match provider {
            Provider::Aws => {
                flags.access_key_id.is_some() && flags.secret_access_key.is_some() && flags.region.is_some()
            }
            Provider::Local => flags.local_key_file.is_some(),
            // Without the environment the metadata file may still say that the vault is in another cloud.
            Provider::Azure => {
                flags.azure_tenant_id.is_some()
                    && flags.azure_client_id.is_some()
                    && flags.azure_client_secret.is_some()
                    && flags.azure_environment.is_some()
            }
            Provider::Gcp => flags.gcp_key_file.is_some(),
        }
    }

    /// Merges all sources. A relative path in the metadata file starts at the dbpath; `files` reads what flags and
    /// variables name.
    pub(super) fn resolve(
        &self,
        provider: Provider,
        metadata: &Metadata<'_>,
        dbpath: &Path,
        files: &dyn Files,
    ) -> Result<ResolvedCredentials, LayoutError> {
        match provider {
            Provider::Aws => aws::resolve(self, metadata),
            Provider::Local => local::resolve(self, metadata, dbpath),
            Provider::Azure => azure::resolve(self, metadata),
            Provider::Gcp => gcp::resolve(self, metadata, files),
        }
    }
}

/// The CMK that a metadata file names: `keyIdentifier` at Azure, `keyVersionResourceID` at Google, as in the Atlas API.
pub(super) fn named_key(provider: Provider, metadata: &Metadata<'_>) -> Result<Option<MasterKey>, LayoutError> {
    let (field, expected) = match provider {
        Provider::Azure => ("keyIdentifier", vault_key::EXPECTED),
        Provider::Gcp => ("keyVersionResourceID", google_key::EXPECTED),
        Provider::Aws | Provider::Local => return Ok(None),
    };
    let Some(content) = metadata.content else { return Ok(None) };
    let mut document = Document::parse(metadata.path, LayoutErrorKind::MetadataMalformed, content)?;
    match document.take_text(field)?.filter(|text| !text.trim().is_empty()) {
        None => Ok(None),
        Some(text) => MasterKey::read(provider, &text, None).map(Some).ok_or_else(|| document.error(field, expected)),
    }
}

/// Nothing proves who asks: neither flags, nor the file, nor the environment bring credentials.
fn nothing(metadata: &Metadata<'_>, field: &str, why: &str) -> LayoutError {
    if metadata.content.is_none() {
        let why = "it does not exist, and neither flags nor the environment bring credentials";
        return LayoutError::new(LayoutErrorKind::MetadataMissing, metadata.path, why);
    }
    let mut error = field_error(metadata, field, why);
    error.kind = LayoutErrorKind::RoleNotUsable;
    error
}

/// One thing is missing while the others are there.
fn half(metadata: &Metadata<'_>, field: &str, flag: &str) -> LayoutError {
    if metadata.content.is_none() {
        let why = format!("the file does not exist, and {flag} was not given");
        return LayoutError::new(LayoutErrorKind::MetadataMissing, metadata.path, why).at_field(field);
    }
    field_error(metadata, field, &format!("it is missing or empty, and {flag} was not given"))
}

fn field_error(metadata: &Metadata<'_>, field: &str, why: &str) -> LayoutError {
    let kind = LayoutErrorKind::MetadataMalformed;
    let document = metadata.content.and_then(|content| Document::parse(metadata.path, kind, content).ok());
    match document {
        Some(document) => document.error(field, why),
        None => LayoutError::new(kind, metadata.path, why).at_field(field),
    }
}
