//! What a provider wants to see before it opens a key.

use std::path::PathBuf;
use std::str::FromStr;

use super::{Provider, SecretText};

/// Credentials for one call, from flags or from a metadata file.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// For AWS KMS.
    Aws(AwsCredentials),
    /// For Azure Key Vault.
    Azure(AzureCredentials),
    /// For Google Cloud KMS.
    Gcp(GcpCredentials),
    /// For the local key file.
    Local(LocalCredentials),
}

impl Credentials {
    /// The provider that these are for.
    pub fn provider(&self) -> Provider {
        match self {
            Credentials::Aws(_) => Provider::Aws,
            Credentials::Azure(_) => Provider::Azure,
            Credentials::Gcp(_) => Provider::Gcp,
            Credentials::Local(_) => Provider::Local,
        }
    }
}

/// An IAM user's or a role session's keys.
#[derive(Clone, Debug)]
pub struct AwsCredentials {
    /// The access key id: not secret, yet shown only shortened.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretText,
    /// The session token of temporary credentials.
    pub session_token: Option<SecretText>,
    /// The region in AWS' spelling, such as `us-east-1`.
    pub region: String,
    /// A role to assume with these keys before KMS is called (`--role-arn`).
    pub role: Option<AwsRole>,
}

impl AwsCredentials {
    /// Whether these are temporary keys without the session token that belongs to them. AWS begins the ids of temporary
    /// keys, and of no others, with `ASIA` (AWS IAM User Guide, "Understanding unique ID prefixes").
    pub fn lack_their_token(&self) -> bool {
        self.access_key_id.starts_with("ASIA") && self.session_token.is_none()
    }
}

/// A role to assume through STS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwsRole {
    /// The role's ARN.
    pub arn: String,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
}

/// An application of Microsoft Entra ID with a client secret (the OAuth 2.0 client credentials grant, RFC 6749, 4.4).
#[derive(Clone, Debug)]
pub struct AzureCredentials {
    /// The directory that the application belongs to.
    pub tenant_id: String,
    /// The application's id, `appid` in Azure's messages.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: SecretText,
    /// Which of Azure's clouds.
    pub environment: AzureEnvironment,
}

/// Azure's clouds, which share nothing but the software. The spellings are those of `azureEnvironment` in the Atlas API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AzureEnvironment {
    /// `AZURE`: the public cloud.
    #[default]
    Public,
    /// `AZURE_CHINA`: the cloud that 21Vianet runs.
    China,
    /// `AZURE_GOVERNMENT`: the cloud of the US government.
    Government,
}

impl AzureEnvironment {
    /// All of them, as they are spelled in metadata and flags.
    pub const ALL: [AzureEnvironment; 3] =
        [AzureEnvironment::Public, AzureEnvironment::China, AzureEnvironment::Government];

    /// The spelling in the Atlas API.
    pub fn as_str(self) -> &'static str {
        match self {
            AzureEnvironment::Public => "AZURE",
            AzureEnvironment::China => "AZURE_CHINA",
            AzureEnvironment::Government => "AZURE_GOVERNMENT",
        }
    }
}

impl FromStr for AzureEnvironment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The Atlas API calls it AZURE_US_GOVERNMENT in its newer versions.
        let text = text.trim().to_ascii_uppercase().replace("AZURE_US_GOVERNMENT", "AZURE_GOVERNMENT");
        let found = AzureEnvironment::ALL.into_iter().find(|environment| environment.as_str() == text);
        found.ok_or("expected AZURE, AZURE_CHINA, or AZURE_GOVERNMENT")
    }
}

/// A service account of Google Cloud with a key of its own (the JSON that the console gives out as a key file).
#[derive(Clone, Debug)]
pub struct GcpCredentials {
    /// The service account, `NAME@PROJECT.iam.gserviceaccount.com`.
    pub client_email: String,
    /// The account's RSA key as PEM (PKCS #8), with which the assertion for a token is signed (RFC 7523).
    pub private_key: SecretText,
    /// The id of that key, where the file names it: Google then need not try all of the account's keys.
    pub private_key_id: Option<String>,
    /// Where tokens are given out, where the file names it: the audience of the assertion, too.
    pub token_uri: Option<String>,
}

/// The embedded default: a file of 32 random bytes wraps the master keys.
#[derive(Clone, Debug)]
pub struct LocalCredentials {
    /// The path of the file that holds the wrapping key, as 32 raw bytes or their base64 text.
    pub key_file: PathBuf,
}
