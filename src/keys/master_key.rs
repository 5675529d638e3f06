//! The customer's key (CMK) that wraps a master key, in the document that MongoDB's drivers use for it.
//!
//! The fields are those of `masterKey` in MongoDB's client-side encryption specification, one shape for each provider.

use serde_json::{Value, json};

use super::document::Document;
use super::{Credentials, LayoutError, Provider, VaultKey, google_key, region, vault_key};

/// Which customer's key wraps a master key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MasterKey {
    /// A key of AWS KMS.
    ///
    /// It is asked for in its own region, wherever the credentials point: that of its ARN, else `region`. A multi-Region
    /// key (`mrk-`) is asked for in the region of the credentials, because its replicas open what any of them wrapped:
    /// when a region fails, the operator moves to another one by the metadata or by `-awsRegion`.
    Aws {
        /// The region in AWS' spelling. Counts where the key is not named by its ARN.
        region: String,
        /// The ARN, id or alias.
        key: String,
    },
    /// A key of Azure Key Vault.
    Azure {
        /// The vault's host name.
        key_vault_endpoint: String,
        /// The key's name.
        key_name: String,
        /// The key's version; the newest where absent.
        key_version: Option<String>,
    },
    /// A key of Google Cloud KMS.
    Gcp {
        /// The project.
        project_id: String,
        /// The location.
        location: String,
        /// The key ring.
        key_ring: String,
        /// The key.
        key_name: String,
        /// The version that new keys are wrapped with; the primary one where absent.
        key_version: Option<String>,
    },
    /// The local key file, which the credentials name.
    Local,
}

impl MasterKey {
    /// The provider of the key.
    pub fn provider(&self) -> Provider {
        match self {
            MasterKey::Aws { .. } => Provider::Aws,
            MasterKey::Azure { .. } => Provider::Azure,
            MasterKey::Gcp { .. } => Provider::Gcp,
            MasterKey::Local => Provider::Local,
        }
    }

    /// A key by the name that `--kms-key` and metadata files give it, or `None` where it cannot be one: for AWS the ARN,
    /// id or alias, with the region for the latter two; Azure's key identifier; Google's resource name. For `local` there
    /// is one key, whatever the name.
    pub(super) fn read(provider: Provider, name: &str, region: Option<String>) -> Option<MasterKey> {
        match provider {
            Provider::Aws => Some(MasterKey::Aws { region: region::of_arn(name).or(region)?, key: name.to_owned() }),
            Provider::Azure => VaultKey::read(name).map(|key| MasterKey::Azure {
                key_vault_endpoint: key.host,
                key_name: key.name,
                key_version: key.version,
            }),
            Provider::Gcp => google_key::read(name),
            Provider::Local => Some(MasterKey::Local),
        }
    }

    /// What is wrong with a CMK's name, if it is none of the provider's: for whoever reads it before it is needed.
    pub fn mistake(provider: Provider, name: &str) -> Option<&'static str> {
        match provider {
            Provider::Azure => VaultKey::read(name).is_none().then_some(vault_key::EXPECTED),
            Provider::Gcp => google_key::read(name).is_none().then_some(google_key::EXPECTED),
            // An alias may be anything.
            Provider::Aws | Provider::Local => None,
        }
    }

    /// The same key in the version that has wrapped something; as it is where a provider's ciphertexts name it.
    #[must_use]
    pub fn of_version(mut self, version: Option<String>) -> Self {
        if let (MasterKey::Azure { key_version, .. }, Some(version)) = (&mut self, version) {
            *key_version = Some(version);
        }
        self
    }

    /// The name by which calls and messages know the key: the ARN, id or alias; Azure's key identifier; Google's
    /// resource name; for `local` just that word.
    pub fn name(&self) -> String {
        match self {
            MasterKey::Aws { key, .. } => key.clone(),
            MasterKey::Azure { key_vault_endpoint, key_name, key_version } => {
                let version = key_version.as_deref().map(|version| format!("/{version}")).unwrap_or_default();
                format!("https://{key_vault_endpoint}/keys/{key_name}{version}")
            }
            MasterKey::Gcp { project_id, location, key_ring, key_name, .. } => {
                format!("projects/{project_id}/locations/{location}/keyRings/{key_ring}/cryptoKeys/{key_name}")
            }
            MasterKey::Local => "local".to_owned(),
        }
    }

    /// The name that a KMS call carries: for `local` the path of the key file, for a multi-Region key of AWS the ARN of
    /// the replica that is asked, otherwise [`MasterKey::name`].
    pub fn cmk(&self, credentials: &Credentials) -> String {
        match (credentials, self) {
            (Credentials::Local(local), _) => local.key_file.display().to_string(),
            (Credentials::Aws(aws), MasterKey::Aws { key, .. }) if region::is_multi_region(key) => {
                region::arn_in(key, &aws.region)
            }
            (Credentials::Aws(_) | Credentials::Azure(_) | Credentials::Gcp(_), _) => self.name(),
        }
    }

    /// The region in which to ask for the key, as [`MasterKey::Aws`] explains; `None` where the provider has none.
    pub fn region(&self, credentials: &Credentials) -> Option<String> {
        match (credentials, self) {
            (Credentials::Aws(aws), MasterKey::Aws { key, .. }) if region::is_multi_region(key) => {
                Some(aws.region.clone())
            }
            (_, MasterKey::Aws { key, region }) => Some(region::of_arn(key).unwrap_or_else(|| region.clone())),
            _ => None,
        }
    }

    /// The document for a key file.
    pub(super) fn to_json(&self) -> Value {
        let mut document = match self {
            MasterKey::Aws { region, key } => json!({"region": region, "key": key}),
            MasterKey::Azure { key_vault_endpoint, key_name, key_version } => {
                json!({"keyVaultEndpoint": key_vault_endpoint, "keyName": key_name, "keyVersion": key_version})
            }
            MasterKey::Gcp { project_id, location, key_ring, key_name, key_version } => json!({
                "projectId": project_id, "location": location, "keyRing": key_ring, "keyName": key_name,
                "keyVersion": key_version,
            }),
            MasterKey::Local => json!({}),
        };
        document["provider"] = self.provider().as_str().into();
        document
    }

    /// Reads the document of a key file.
    pub(super) fn from_document(mut document: Document<'_>) -> Result<MasterKey, LayoutError> {
        let provider: Provider = document
            .text("provider")?
            .parse()
            .map_err(|_| document.error("provider", "expected aws, azure, gcp, or local"))?;
        let key = match provider {
            Provider::Aws => MasterKey::Aws {
                region: region::normalise(&document.text("region")?)
                    .ok_or_else(|| document.error("region", region::EXPECTED))?,
                key: document.text("key")?,
            },
            Provider::Azure => MasterKey::Azure {
                key_vault_endpoint: {
                    // Drivers may write the port.
                    let host = document.text("keyVaultEndpoint")?.to_ascii_lowercase();
                    let host = host.strip_suffix(":443").unwrap_or(&host).to_owned();
                    checked(
                        &document,
                        "keyVaultEndpoint",
                        host,
                        vault_key::is_host,
                        "a host such as VAULT.vault.azure.net",
                    )?
                },
                key_name: part(&mut document, "keyName", vault_key::is_name, NAME)?,
                key_version: version(&mut document, vault_key::is_version)?,
            },
            Provider::Gcp => MasterKey::Gcp {
                project_id: part(&mut document, "projectId", google_key::is_part, NAME)?,
                location: part(&mut document, "location", google_key::is_part, NAME)?,
                key_ring: part(&mut document, "keyRing", google_key::is_part, NAME)?,
                key_name: part(&mut document, "keyName", google_key::is_part, NAME)?,
                key_version: version(&mut document, google_key::is_part)?,
            },
            Provider::Local => MasterKey::Local,
        };
        document.nothing_else()?;
        Ok(key)
    }
}

/// What the parts of names are made of, for messages.
const NAME: &str = "a name of letters, digits, and hyphens";

/// A part of a key's name, which becomes part of a host or a path.
fn part(document: &mut Document<'_>, field: &str, fits: fn(&str) -> bool, what: &str) -> Result<String, LayoutError> {
    let text = document.text(field)?;
    checked(document, field, text, fits, what)
}

/// The version, where one is named; an empty one counts as absent.
fn version(document: &mut Document<'_>, fits: fn(&str) -> bool) -> Result<Option<String>, LayoutError> {
    let version = document.take_text("keyVersion")?.filter(|text| !text.is_empty());
    version.map(|text| checked(document, "keyVersion", text, fits, "a version of letters and digits")).transpose()
}

fn checked(
    document: &Document<'_>,
    field: &str,
    text: String,
    fits: fn(&str) -> bool,
    what: &str,
) -> Result<String, LayoutError> {
    if fits(&text) { Ok(text) } else { Err(document.error(field, &format!("expected {what}"))) }
}
