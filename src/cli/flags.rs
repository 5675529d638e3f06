//! The flags as clap reads them. Their order is that of the help.
//!
//! No `Debug` here: the structure holds secrets as plain text until it is split.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser};

use crate::config::{ConfigError, Patience, Region, Settings};
use crate::keys::{AzureEnvironment, FlagCredentials, Provider, SecretText};
use crate::operator::LogFormat;

use super::{ImportCommand, exit};

/// Why the metadata file is the better place for them stands right above the flags.
const AWS_CREDENTIALS: &str = "AWS credentials (other users of this machine can see flags)";

const AZURE_CREDENTIALS: &str = "Azure credentials (other users of this machine can see flags)";
const GOOGLE_CREDENTIALS: &str = "Google credentials";

/// A KMIP proxy for MongoDB: opens the master keys of encrypted data files through your cloud KMS
#[derive(Parser)]
#[command(
    name = "kmipProxyStandalone",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = after_help()
)]
pub(super) struct Program {
    #[command(flatten)]
    pub(super) flags: Flags,
    #[command(subcommand)]
    pub(super) command: Option<Subcommand>,
}

#[derive(clap::Subcommand)]
pub(super) enum Subcommand {
    /// Make a key file in the dbpath from a wrapped key obtained elsewhere
    Import(ImportFlags),
    /// Open every key of the dbpath once, tell which ones open, and serve nothing
    Check(Box<Flags>),
}

#[derive(Args)]
pub(super) struct Flags {
    /// Whose keys to open: aws, azure, gcp, or local (a key file, no cloud)
    #[arg(long, value_name = "PROVIDER", help_heading = "Snapshot")]
    cloud_provider: Option<Provider>,
    /// mongod's data directory, with its folder cloudProviderCredentials
    #[arg(long, alias = "db-path", value_name = "DIR", help_heading = "Snapshot")]
    dbpath: Option<PathBuf>,
    /// The port to serve KMIP on [default: 5696]
    #[arg(long, value_name = "PORT", help_heading = "Snapshot")]
    kmip_port: Option<u16>,
    /// The port that mongod will run on, for the commands shown at start [default: 27017]
    #[arg(long, value_name = "PORT", help_heading = "Snapshot")]
    mongod_port: Option<u16>,

    /// Access key id, if not in the metadata file
    #[arg(long, value_name = "ID", help_heading = AWS_CREDENTIALS)]
    aws_access_key: Option<String>,
    /// Secret access key, if not in the metadata file
    #[arg(long, value_name = "SECRET", help_heading = AWS_CREDENTIALS)]
    aws_secret_access_key: Option<String>,
    /// Session token of temporary credentials
    #[arg(long, value_name = "TOKEN", help_heading = AWS_CREDENTIALS)]
    aws_session_token: Option<String>,
    /// Region of the CMK, if not in the metadata file
    #[arg(long, value_name = "REGION", help_heading = AWS_CREDENTIALS)]
    aws_region: Option<Region>,
    /// Role to assume with these credentials before KMS is asked
    #[arg(long, value_name = "ARN", help_heading = AWS_CREDENTIALS)]
    role_arn: Option<String>,
    /// External id that the role's trust policy asks for
    #[arg(long, value_name = "ID", help_heading = AWS_CREDENTIALS)]
    external_id: Option<String>,

    /// Id or domain of the directory (tenant), if not in the metadata file
    #[arg(long, value_name = "ID", help_heading = AZURE_CREDENTIALS)]
    azure_tenant_id: Option<String>,
    /// Id of the application, if not in the metadata file
    #[arg(long, value_name = "ID", help_heading = AZURE_CREDENTIALS)]
    azure_client_id: Option<String>,
    /// Client secret of the application, if not in the metadata file
    #[arg(long, value_name = "SECRET", help_heading = AZURE_CREDENTIALS)]
    azure_client_secret: Option<String>,
    /// AZURE, AZURE_CHINA, or AZURE_GOVERNMENT, if not in the metadata file [default: AZURE]
    #[arg(long, value_name = "CLOUD", help_heading = AZURE_CREDENTIALS)]
    azure_environment: Option<AzureEnvironment>,

    /// JSON file with the key of a service account, if not in the metadata file
    #[arg(long, value_name = "FILE", help_heading = GOOGLE_CREDENTIALS)]
    gcp_service_account_key: Option<PathBuf>,

    /// CMK that wraps new keys [default: that of the newest key file, else of the metadata file]
    #[arg(long, value_name = "CMK", help_heading = "Key management service")]
    kms_key: Option<String>,
    /// KMS endpoint to try; repeat for more, in order
    #[arg(long, value_name = "ENDPOINT", help_heading = "Key management service")]
    kms_endpoint: Vec<String>,
    /// Endpoint of the token service: AWS STS, Microsoft Entra ID, or Google's OAuth 2.0
    #[arg(long, alias = "sts-endpoint", value_name = "ENDPOINT", help_heading = "Key management service")]
    token_endpoint: Option<String>,
    /// Ask KMS over private endpoints only
    #[arg(long, help_heading = "Key management service")]
    require_private_networking: bool,
    /// Speak plain HTTP to endpoints on loopback
    #[arg(long, help_heading = "Key management service")]
    allow_plain_http: bool,
    /// PEM file of the authorities that cloud TLS trusts [default: the system's]
    #[arg(long, value_name = "FILE", help_heading = "Key management service")]
    cloud_ca: Option<PathBuf>,
    /// Use the permissions unwrapKey and wrapKey of Azure, not decrypt and encrypt
    #[arg(long, help_heading = "Key management service")]
    azure_unwrap_key: bool,
    /// Longest time for one request, such as 4s or 1500ms [default: 4s]
    #[arg(long, value_name = "TIME", help_heading = "Key management service")]
    kms_deadline: Option<Patience>,
    /// Key file of the provider local
    #[arg(long, value_name = "FILE", help_heading = "Key management service")]
    local_key_file: Option<PathBuf>,

    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", help_heading = "KMIP server")]
    bind: Option<IpAddr>,
    /// Server certificate chain, PEM [default: generated into the dbpath]
    #[arg(long, value_name = "FILE", help_heading = "KMIP server")]
    tls_cert: Option<PathBuf>,
    /// Private key of the server certificate, PEM
    #[arg(long, value_name = "FILE", help_heading = "KMIP server")]
    tls_key: Option<PathBuf>,
    /// Authority of client certificates, PEM [default: generated into the dbpath]
    #[arg(long, value_name = "FILE", help_heading = "KMIP server")]
    client_ca: Option<PathBuf>,

    /// Configuration file [default: kmip-proxy.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// How notices are printed: text or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

impl Flags {
    /// The settings, and the credentials apart from them.
    pub(super) fn split(self) -> (Settings, FlagCredentials) {
        let credentials = FlagCredentials {
            access_key_id: given(self.aws_access_key),
            secret_access_key: given(self.aws_secret_access_key).map(SecretText::new),
            session_token: given(self.aws_session_token).map(SecretText::new),
            azure_client_secret: given(self.azure_client_secret).map(SecretText::new),
            ..FlagCredentials::default()
        };
        let settings = Settings {
            cloud_provider: self.cloud_provider,
            dbpath: self.dbpath,
            kmip_port: self.kmip_port,
            mongod_port: self.mongod_port,
            bind: self.bind,
            aws_region: self.aws_region,
            role_arn: given(self.role_arn),
            external_id: given(self.external_id),
            azure_tenant_id: given(self.azure_tenant_id),
            azure_client_id: given(self.azure_client_id),
            azure_environment: self.azure_environment,
            azure_unwrap_key: self.azure_unwrap_key,
            gcp_service_account_key: self.gcp_service_account_key.filter(|path| !path.as_os_str().is_empty()),
            local_key_file: self.local_key_file,
            kms_key: given(self.kms_key),
            kms_endpoint: self.kms_endpoint,
            token_endpoint: self.token_endpoint,
            require_private_networking: self.require_private_networking,
            allow_plain_http: self.allow_plain_http,
            cloud_ca: self.cloud_ca,
            kms_deadline: self.kms_deadline,
            tls_cert: self.tls_cert,
            tls_key: self.tls_key,
            client_ca: self.client_ca,
            log_format: self.log_format,
            aws_access_key: None,
            aws_secret_access_key: None,
            aws_session_token: None,
            azure_client_secret: None,
        };
        (settings, credentials)
    }
}

#[derive(Args)]
pub(super) struct ImportFlags {
    /// Who wrapped the key: aws, azure, gcp, or local
    #[arg(long, value_name = "PROVIDER")]
    cloud_provider: Option<Provider>,
    /// mongod's data directory
    #[arg(long, alias = "db-path", value_name = "DIR")]
    dbpath: Option<PathBuf>,
    /// The identifier that mongod asks for
    #[arg(long, value_name = "ID")]
    key_id: String,
    /// File with the wrapped key, as bytes or base64
    #[arg(long, value_name = "FILE")]
    wrapped: PathBuf,
    /// CMK that wrapped the key; at Azure with its version
    #[arg(long, value_name = "CMK")]
    kms_key: Option<String>,
    /// Region of the CMK, where it is not named by its ARN
    #[arg(long, value_name = "REGION")]
    aws_region: Option<Region>,
    /// Length of the unwrapped key in bits
    #[arg(long, value_name = "BITS", default_value_t = 256)]
    key_length: u32,
    /// One pair of the encryption context; repeat for more
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    encryption_context: Vec<(String, String)>,
}

impl ImportFlags {
    pub(super) fn into_command(self) -> Result<ImportCommand, ConfigError> {
        Ok(ImportCommand {
            provider: self
                .cloud_provider
                .ok_or(ConfigError::Missing { flag: "-cloudProvider", what: "say aws, azure, gcp, or local" })?,
            dbpath: self
                .dbpath
                .ok_or(ConfigError::Missing { flag: "-dbpath", what: "name mongod's data directory" })?,
            key_id: self.key_id,
            wrapped: self.wrapped,
            kms_key: given(self.kms_key),
            region: self.aws_region.map(|Region(region)| region),
            length_bits: self.key_length,
            encryption_context: self.encryption_context.into_iter().collect::<BTreeMap<_, _>>(),
        })
    }
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// An empty text is what a shell makes of a variable that is not set: it counts as absent.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn after_help() -> String {
    let mut text =
        "Example: kmipProxyStandalone -cloudProvider aws -dbpath /data/db -kmipPort 5696 -mongodPort 27017\n\
                    Flags may be written in the manner of Atlas too: -kmipPort is --kmip-port.\n\n\
                    Configuration file: TOML, with the long flags above as keys, without the dashes in front:\n\
                    kmip-port = 5696. Flags win over it; --kms-endpoint is a list there, switches are true or\n\
                    false, and it takes no access keys, secrets, or tokens.\n\n\
                    Environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION;\n\
                    AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET; and GOOGLE_APPLICATION_CREDENTIALS are\n\
                    used where neither flags nor the metadata file bring credentials.\n\nExit codes:\n"
            .to_owned();
    for (code, meaning) in exit::TABLE {
        text.push_str(&format!("  {code:>2}  {meaning}\n"));
    }
    text.trim_end().to_owned()
}
