//! Where credentials come from: flags, the metadata file, the environment, in this order.
//!
//! Flags win field by field, as Atlas documents them ("required only if not in the file"). The session token and the
//! role follow the access key that they belong to, so that a stale one is never mixed in. The environment is asked
//! last and as a whole: a shell that happens to hold AWS variables must not override the documented file.
//!
//! Invariant: nothing here is ever written to disk.

use std::path::{Path, PathBuf};

use super::document::Document;
use super::{
    AwsCredentials, AwsRole, Credentials, LayoutError, LayoutErrorKind, LocalCredentials, Provider, SecretText, region,
};

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
            Provider::Azure | Provider::Gcp => false,
        }
    }

    /// Merges all sources. A relative path in the metadata file starts at the dbpath.
    pub(super) fn resolve(
        &self,
        provider: Provider,
        metadata: &Metadata<'_>,
        dbpath: &Path,
    ) -> Result<ResolvedCredentials, LayoutError> {
        match provider {
            Provider::Aws => self.resolve_aws(metadata),
            Provider::Local => self.resolve_local(metadata, dbpath),
            Provider::Azure | Provider::Gcp => Err(LayoutError::new(
                LayoutErrorKind::ProviderUnsupported,
                metadata.path,
                format!("this version has no client for {}, so it cannot use the file", provider.title()),
            )),
        }
    }

    fn resolve_aws(&self, metadata: &Metadata<'_>) -> Result<ResolvedCredentials, LayoutError> {
        let file = AwsMetadata::read(metadata)?;
        let (flags, environment) = (&self.flags, &self.environment);
        let keys_by_flag = flags.access_key_id.is_some() || flags.secret_access_key.is_some();
        let access_key_id = flags.access_key_id.clone().or_else(|| file.access_key_id.clone());
        let secret_access_key = flags.secret_access_key.clone().or_else(|| file.secret_access_key.clone());

        let region = [&flags.region, &file.region, &environment.region].into_iter().flatten().next();
        let (access_key_id, secret_access_key, session_token, origin) = match (access_key_id, secret_access_key) {
            (Some(id), Some(secret)) if keys_by_flag => {
                (id, secret, flags.session_token.clone(), CredentialOrigin::Flags)
            }
            (Some(id), Some(secret)) => {
                let token = flags.session_token.clone().or_else(|| file.session_token.clone());
                (id, secret, token, CredentialOrigin::Metadata)
            }
            (None, None) => match (&environment.access_key_id, &environment.secret_access_key) {
                (Some(id), Some(secret)) => {
                    let token = flags.session_token.clone().or_else(|| environment.session_token.clone());
                    (id.clone(), secret.clone(), token, CredentialOrigin::Environment)
                }
                _ => return Err(without_keys(metadata, file.role_id.is_some())),
            },
            (None, Some(_)) => return Err(half(metadata, "accessKeyId", "-awsAccessKey")),
            (Some(_), None) => return Err(half(metadata, "secretAccessKey", "-awsSecretAccessKey")),
        };
        let region = region.ok_or_else(|| half(metadata, "region", "-awsRegion"))?;
        let region = region::normalise(region).ok_or_else(|| field_error(metadata, "region", region::EXPECTED))?;
        let role = match (&flags.role_arn, origin) {
            (Some(arn), _) => Some((arn, flags.external_id.as_ref())),
            (None, CredentialOrigin::Metadata) => {
                file.role_arn.as_ref().map(|arn| (arn, flags.external_id.as_ref().or(file.external_id.as_ref())))
            }
            (None, CredentialOrigin::Flags | CredentialOrigin::Environment) => None,
        };
        let role = role.map(|(arn, external_id)| AwsRole { arn: arn.clone(), external_id: external_id.cloned() });
        let credentials = AwsCredentials { access_key_id, secret_access_key, session_token, region, role };
        Ok(ResolvedCredentials { credentials: Credentials::Aws(credentials), origin, file: metadata.path.to_owned() })
    }

    fn resolve_local(&self, metadata: &Metadata<'_>, dbpath: &Path) -> Result<ResolvedCredentials, LayoutError> {
        let (key_file, origin) = match (&self.flags.local_key_file, metadata.content) {
            (Some(key_file), _) => (key_file.clone(), CredentialOrigin::Flags),
            (None, Some(content)) => {
                let mut document = Document::parse(metadata.path, LayoutErrorKind::MetadataMalformed, content)?;
                (dbpath.join(document.text("keyFile")?), CredentialOrigin::Metadata)
            }
            (None, None) => {
                return Err(LayoutError::new(
                    LayoutErrorKind::MetadataMissing,
                    metadata.path,
                    "it does not exist, and --local-key-file was not given",
                ));
            }
        };
        Ok(ResolvedCredentials {
            credentials: Credentials::Local(LocalCredentials { key_file }),
            origin,
            file: metadata.path.to_owned(),
        })
    }
}

/// The AWS fields of a metadata file; an empty text counts as absent, as Atlas writes them.
#[derive(Default)]
struct AwsMetadata {
    access_key_id: Option<String>,
    secret_access_key: Option<SecretText>,
    session_token: Option<SecretText>,
    region: Option<String>,
    role_id: Option<String>,
    role_arn: Option<String>,
    external_id: Option<String>,
}

impl AwsMetadata {
    fn read(metadata: &Metadata<'_>) -> Result<Self, LayoutError> {
        let Some(content) = metadata.content else { return Ok(AwsMetadata::default()) };
        let mut document = Document::parse(metadata.path, LayoutErrorKind::MetadataMalformed, content)?;
        let mut text = |field| Ok(document.take_text(field)?.filter(|text| !text.trim().is_empty()));
        Ok(AwsMetadata {
            access_key_id: text("accessKeyId")?,
            secret_access_key: text("secretAccessKey")?.map(SecretText::new),
            session_token: text("sessionToken")?.map(SecretText::new),
            region: text("region")?,
            role_id: text("roleId")?,
            role_arn: text("roleArn")?,
            external_id: text("externalId")?,
        })
    }
}

/// Neither key is given anywhere.
fn without_keys(metadata: &Metadata<'_>, role_is_named: bool) -> LayoutError {
    if metadata.content.is_none() {
        let why = "it does not exist, and neither flags nor the environment bring credentials";
        return LayoutError::new(LayoutErrorKind::MetadataMissing, metadata.path, why);
    }
    let mut error = if role_is_named {
        field_error(metadata, "roleId", "it names a role, which only Atlas can assume, and the file holds no keys")
    } else {
        field_error(metadata, "accessKeyId", "it is missing or empty, and so is secretAccessKey")
    };
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
