//! Who guards a master key.

use std::fmt;
use std::str::FromStr;

/// The provider whose key wraps a master key. The spelling is that of `-cloudProvider` and of the file suffixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// AWS Key Management Service.
    Aws,
    /// Azure Key Vault.
    Azure,
    /// Google Cloud KMS.
    Gcp,
    /// A key file on this machine: no cloud.
    Local,
}

impl Provider {
    /// Every provider, in the order of documents and menus.
    pub const ALL: [Provider; 4] = [Provider::Aws, Provider::Azure, Provider::Gcp, Provider::Local];

    /// The spelling in flags and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Aws => "aws",
            Provider::Azure => "azure",
            Provider::Gcp => "gcp",
            Provider::Local => "local",
        }
    }

    /// The name that people use.
    pub fn title(self) -> &'static str {
        match self {
            Provider::Aws => "AWS KMS",
            Provider::Azure => "Azure Key Vault",
            Provider::Gcp => "Google Cloud KMS",
            Provider::Local => "the local key file",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Provider::ALL
            .into_iter()
            .find(|provider| provider.as_str() == text)
            .ok_or_else(|| UnknownProvider(text.to_owned()))
    }
}

/// A provider's name that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown provider `{0}`: expected aws, azure, gcp, or local")]
pub struct UnknownProvider(pub String);
