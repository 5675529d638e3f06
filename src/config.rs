//! The configuration: every setting, its default, and the optional file `kmip-proxy.toml`.
//!
//! Flags win over the file. Credentials are no part of the file: they come from flags, else from the metadata files of
//! the dbpath, else from the environment variables that `cli` reads (no other variable is read). The environment is last
//! because the documented procedure must not change in a shell that happens to hold a cloud's variables.
//!
//! Invariant: a [`Config`] is complete and consistent; what is wrong is said with file, line and field.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::keys::{AzureEnvironment, CredentialSource, MasterKey, Provider, normalise_region};
use crate::operator::LogFormat;

/// The file that is read from the working directory where `--config` is not given.
pub const DEFAULT_FILE: &str = "kmip-proxy.toml";
/// IANA's port for KMIP.
const KMIP_PORT: u16 = 5696;
/// mongod's own default.
const MONGOD_PORT: u16 = 27017;
/// Percona Server for MongoDB gives up after 5 s: the answer should arrive before.
const KMS_DEADLINE: Duration = Duration::from_secs(4);

/// Everything that the proxy is told at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose keys to open.
    pub cloud_provider: Provider,
    /// mongod's data directory.
    pub dbpath: PathBuf,
    /// The port to listen on; 0 lets the system choose.
    pub kmip_port: u16,
    /// The port that mongod is to run on: only for the commands that are shown.
    pub mongod_port: u16,
    /// The address to listen on.
    pub bind: IpAddr,
    /// Credentials from flags and from the environment.
    pub credentials: CredentialSource,
    /// The CMK that wraps new keys.
    pub kms_key: Option<String>,
    /// The KMS endpoints in order, as given; none means the provider's public one.
    pub kms_endpoints: Vec<String>,
    /// The endpoint of the token service, as given.
    pub token_endpoint: Option<String>,
    /// Whether KMS may be asked over private addresses only.
    pub require_private_networking: bool,
    /// Whether endpoints on loopback may be spoken to without TLS.
    pub allow_plain_http: bool,
    /// A PEM file with the authorities that cloud TLS trusts instead of the system's.
    pub cloud_ca: Option<PathBuf>,
    /// Whether Azure is asked for `unwrapkey` and `wrapkey` instead of `decrypt` and `encrypt`.
    pub azure_unwrap_key: bool,
    /// How long one request may take at the provider, all attempts together.
    pub kms_deadline: Duration,
    /// The server's certificate chain and key, PEM; generated where absent.
    pub tls: Option<TlsFiles>,
    /// The authority of client certificates, PEM; generated where absent.
    pub client_ca: Option<PathBuf>,
    /// How notices are printed.
    pub log_format: LogFormat,
}

/// A certificate that the operator brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Settings as they are given in one place: each may be absent. The field names are those of `kmip-proxy.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// `-cloudProvider`
    #[serde(default, deserialize_with = "parsed")]
    pub cloud_provider: Option<Provider>,
    /// `-dbpath`
    pub dbpath: Option<PathBuf>,
    /// `-kmipPort`
    pub kmip_port: Option<u16>,
    /// `-mongodPort`
    pub mongod_port: Option<u16>,
    /// `--bind`
    pub bind: Option<IpAddr>,
    /// `-awsRegion`
    #[serde(default, deserialize_with = "parsed")]
    pub aws_region: Option<Region>,
    /// `--role-arn`
    pub role_arn: Option<String>,
    /// `--external-id`
    pub external_id: Option<String>,
    /// `--azure-tenant-id`
    pub azure_tenant_id: Option<String>,
    /// `--azure-client-id`
    pub azure_client_id: Option<String>,
    /// `--azure-environment`
    #[serde(default, deserialize_with = "parsed")]
    pub azure_environment: Option<AzureEnvironment>,
    /// `--azure-unwrap-key`
    #[serde(default)]
    pub azure_unwrap_key: bool,
    /// `--gcp-service-account-key`
    pub gcp_service_account_key: Option<PathBuf>,
    /// `--local-key-file`
    pub local_key_file: Option<PathBuf>,
    /// `--kms-key`
    pub kms_key: Option<String>,
    /// `--kms-endpoint`, a list in the file
    #[serde(default)]
    pub kms_endpoint: Vec<String>,
    /// `--token-endpoint`
    pub token_endpoint: Option<String>,
    /// `--require-private-networking`
    #[serde(default)]
    pub require_private_networking: bool,
    /// `--allow-plain-http`
    #[serde(default)]
    pub allow_plain_http: bool,
    /// `--cloud-ca`
    pub cloud_ca: Option<PathBuf>,
    /// `--kms-deadline`
    #[serde(default, deserialize_with = "parsed")]
    pub kms_deadline: Option<Patience>,
    /// `--tls-cert`
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`
    pub tls_key: Option<PathBuf>,
    /// `--client-ca`
    pub client_ca: Option<PathBuf>,
    /// `--log-format`
    #[serde(default, deserialize_with = "parsed")]
    pub log_format: Option<LogFormat>,
    /// Not for the file.
    pub aws_access_key: Option<NotInFile>,
    /// Not for the file.
    pub aws_secret_access_key: Option<NotInFile>,
    /// Not for the file.
    pub aws_session_token: Option<NotInFile>,
    /// Not for the file.
    pub azure_client_secret: Option<NotInFile>,
}

/// The flags that are refused in the file.
const NOT_IN_FILE: [&str; 4] = ["aws-access-key", "aws-secret-access-key", "aws-session-token", "azure-client-secret"];

/// A credential in the configuration file: always an error.
#[derive(Debug)]
pub enum NotInFile {}

impl<'de> Deserialize<'de> for NotInFile {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("credentials do not belong in this file: pass flags or edit the metadata file"))
    }
}

/// A region of AWS, in AWS' spelling whichever it was given in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region(pub String);

impl FromStr for Region {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        normalise_region(text).map(Region).ok_or("expected a region such as us-east-1")
    }
}

/// A length of time, written `4s` or `1500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

impl FromStr for Patience {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected a time from 1ms to 600s, such as 4s or 1500ms";
        let (digits, per_unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(digits), _) => (digits, 1),
            (None, Some(digits)) => (digits, 1000),
            (None, None) => return Err(expected),
        };
        let count: u32 = digits.parse().map_err(|_| expected)?;
        let milliseconds = u64::from(count) * per_unit;
        if (1..=600_000).contains(&milliseconds) {
            Ok(Patience(Duration::from_millis(milliseconds)))
        } else {
            Err(expected)
        }
    }
}

/// A configuration that does not serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: cannot read it: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        why: String,
    },
    /// The file is not what it should be.
    #[error("{}:{line}:{column}: {}{why}", path.display(), field.as_ref().map(|field| format!("field `{field}`: ")).unwrap_or_default())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in bytes.
        column: usize,
        /// The field.
        field: Option<String>,
        /// What is wrong.
        why: String,
    },
    /// A setting that must be given is absent.
    #[error("{flag} is missing: {what}")]
    Missing {
        /// The flag.
        flag: &'static str,
        /// What to give.
        what: &'static str,
    },
    /// The CMK is not named as its provider does.
    #[error("--kms-key: {0}")]
    KmsKey(&'static str),
    /// Two settings go together, and one is absent.
    #[error("{given} was given without {absent}: they go together")]
    Half {
        /// The one that is there.
        given: &'static str,
        /// The one that is not.
        absent: &'static str,
    },
}

impl Settings {
    /// Reads the content of a configuration file; the path is for messages.
    pub fn from_toml(path: &Path, content: &[u8]) -> Result<Settings, ConfigError> {
        let malformed = |offset: usize, field, why: &str| {
            let before = content.get(..offset).unwrap_or(content);
            let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
            ConfigError::Malformed {
                path: path.to_owned(),
                line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
                column: before.len() - line_start + 1,
                field,
                why: why.trim_end().replace('\n', "; "),
            }
        };
        let text = std::str::from_utf8(content)
            .map_err(|error| malformed(error.valid_up_to(), None, "it is not UTF-8 text"))?;
        toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let field = field_at(text, offset);
            match unknown_key(error.message()) {
                Some(why) => malformed(offset, field, &why),
                None => malformed(offset, field, error.message()),
            }
        })
    }

    /// The configuration, with what these settings leave open taken from others, and defaults for the rest.
    pub fn complete(self, other: Settings, credentials: CredentialSource) -> Result<Config, ConfigError> {
        let mut credentials = credentials;
        let flags = &mut credentials.flags;
        flags.region = self.aws_region.or(other.aws_region).map(|Region(region)| region);
        flags.role_arn = self.role_arn.or(other.role_arn);
        flags.external_id = self.external_id.or(other.external_id);
        flags.azure_tenant_id = self.azure_tenant_id.or(other.azure_tenant_id);
        flags.azure_client_id = self.azure_client_id.or(other.azure_client_id);
        flags.azure_environment = self.azure_environment.or(other.azure_environment);
        flags.gcp_key_file = self.gcp_service_account_key.or(other.gcp_service_account_key);
        flags.local_key_file = self.local_key_file.or(other.local_key_file);
        let tls = match (self.tls_cert.or(other.tls_cert), self.tls_key.or(other.tls_key)) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (Some(_), None) => return Err(ConfigError::Half { given: "--tls-cert", absent: "--tls-key" }),
            (None, Some(_)) => return Err(ConfigError::Half { given: "--tls-key", absent: "--tls-cert" }),
            (None, None) => None,
        };
        let cloud_provider = self
            .cloud_provider
            .or(other.cloud_provider)
            .ok_or(ConfigError::Missing { flag: "-cloudProvider", what: "say aws, azure, gcp, or local" })?;
        let kms_key = self.kms_key.or(other.kms_key);
        if let Some(mistake) = kms_key.as_deref().and_then(|key| MasterKey::mistake(cloud_provider, key)) {
            return Err(ConfigError::KmsKey(mistake));
        }
        Ok(Config {
            cloud_provider,
            dbpath: self
                .dbpath
                .or(other.dbpath)
                .ok_or(ConfigError::Missing { flag: "-dbpath", what: "name mongod's data directory" })?,
            kmip_port: self.kmip_port.or(other.kmip_port).unwrap_or(KMIP_PORT),
            mongod_port: self.mongod_port.or(other.mongod_port).unwrap_or(MONGOD_PORT),
            bind: self.bind.or(other.bind).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            credentials,
            kms_key,
            kms_endpoints: if self.kms_endpoint.is_empty() { other.kms_endpoint } else { self.kms_endpoint },
            token_endpoint: self.token_endpoint.or(other.token_endpoint),
            require_private_networking: self.require_private_networking || other.require_private_networking,
            allow_plain_http: self.allow_plain_http || other.allow_plain_http,
            cloud_ca: self.cloud_ca.or(other.cloud_ca),
            azure_unwrap_key: self.azure_unwrap_key || other.azure_unwrap_key,
            kms_deadline: self.kms_deadline.or(other.kms_deadline).map_or(KMS_DEADLINE, |Patience(time)| time),
            tls,
            client_ca: self.client_ca.or(other.client_ca),
            log_format: self.log_format.or(other.log_format).unwrap_or_default(),
        })
    }
}

/// What to say of an unknown key, if this message of serde's is about one: the nearest of the keys that it lists.
fn unknown_key(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field `")?.split('`').step_by(2);
    let unknown = quoted.next()?.to_ascii_lowercase();
    let known = quoted.filter(|key| !key.is_empty() && !NOT_IN_FILE.contains(key));
    let nearest = known.map(|key| (distance(&unknown, key), key)).min();
    Some(match nearest {
        Some((slips, key)) if slips <= unknown.len() / 3 => format!("there is no such key; did you mean `{key}`?"),
        _ => "there is no such key: the keys are the flags that --help lists, without the dashes in front".to_owned(),
    })
}

/// How many letters have to be added, left out, or replaced to make one word of another.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut left = index + 1;
        let mut diagonal = std::mem::replace(&mut row[0], left);
        for (above, wanted) in row.iter_mut().skip(1).zip(other.chars()) {
            left = (diagonal + usize::from(letter != wanted)).min(left + 1).min(*above + 1);
            diagonal = std::mem::replace(above, left);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The key of the line that an offset lies in.
fn field_at(text: &str, offset: usize) -> Option<String> {
    let start = text.get(..offset)?.rfind('\n').map_or(0, |newline| newline + 1);
    let (name, _) = text.get(start..)?.lines().next()?.split_once('=')?;
    Some(name.trim().to_owned())
}

fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(deserializer)?.parse().map(Some).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, ConfigError> {
        Settings::from_toml(Path::new("kmip-proxy.toml"), text.as_bytes())
    }

    #[test]
    fn every_mistake_in_the_file_is_told_with_its_place() {
        let mistakes = [
            "cloud-provider = \"oracle\"",
            "# a comment\nkmip-port = \"5696\"",
            "kmip-port = 70000",
            "kms-deadline = \"4 parsecs\"",
            "bind = \"localhost\"",
            "aws-secret-access-key = \"hunter2\"",
            "azure-client-secret = \"hunter2\"",
            "azure-environment = \"AZURE_MOON\"",
            "log-format = \"xml\"",
            "aws-region = \"us-east-1.evil.example\"",
            "kmip-port =",
        ];
        let mut shown = String::new();
        for mistake in mistakes {
            let error = read(mistake).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
            shown.push_str(&error);
            shown.push('\n');
        }
        insta::assert_snapshot!(shown);
        let unknown = read("dbpath = \"/data\"\nkmip-prot = 1\n").unwrap_err().to_string();
        let expected = "kmip-proxy.toml:2:1: field `kmip-prot`: there is no such key; did you mean `kmip-port`?";
        assert_eq!(unknown, expected);
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest_one_and_never_a_credential() {
        let suggested = |key: &str| {
            let told = read(&format!("{key} = 1")).unwrap_err().to_string();
            told.split_once("did you mean `").map(|(_, rest)| rest.trim_end_matches("`?").to_owned())
        };
        assert_eq!(suggested("kmipPort").as_deref(), Some("kmip-port"));
        assert_eq!(suggested("kms_endpoints").as_deref(), Some("kms-endpoint"));
        assert_eq!(suggested("cloudprovider").as_deref(), Some("cloud-provider"));
        assert_eq!(suggested("aws-acces-key"), None);
        assert_eq!(suggested("colour"), None);
        let told = read("colour = 1").unwrap_err().to_string();
        assert!(told.ends_with("the flags that --help lists, without the dashes in front"), "{told}");
    }

    #[test]
    fn the_example_of_the_readme_is_a_configuration_and_its_table_names_every_key() {
        let readme = include_str!("../README.md");
        let section = readme.split_once("### Configuration file").unwrap().1.split_once("## ").unwrap().0;
        let example = section.split_once("```toml").unwrap().1.split_once("```").unwrap().0;
        let config = Settings::default().complete(read(example).unwrap(), CredentialSource::default()).unwrap();
        assert_eq!((config.kms_endpoints.len(), config.kms_deadline), (2, Duration::from_secs(3)));
        let serde_says = toml::from_str::<Settings>("colour = 1").unwrap_err();
        let keys: Vec<&str> = serde_says.message().split('`').skip(3).step_by(2).collect();
        assert!(keys.len() > 20, "{keys:?}");
        for key in keys.iter().filter(|key| !NOT_IN_FILE.contains(key)) {
            assert!(section.contains(&format!("`{key}`")), "{key}");
        }
    }

    #[test]
    fn flags_win_over_the_file_and_defaults_fill_the_rest() {
        let file = "cloud-provider = \"aws\"\ndbpath = \"/from/file\"\nkmip-port = 1\nkms-deadline = \"1500ms\"\n\
                    kms-endpoint = [\"a\", \"b\"]\nallow-plain-http = true\n";
        let flags = Settings { dbpath: Some("/from/flag".into()), ..Settings::default() };
        let config = flags.complete(read(file).unwrap(), CredentialSource::default()).unwrap();
        assert_eq!(config.dbpath, Path::new("/from/flag"));
        assert_eq!((config.kmip_port, config.mongod_port), (1, 27017));
        assert_eq!(config.kms_deadline, Duration::from_millis(1500));
        assert_eq!(config.kms_endpoints, ["a", "b"]);
        assert_eq!(config.bind, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(config.allow_plain_http && !config.require_private_networking);
    }

    #[test]
    fn what_must_be_given_is_asked_for_by_its_flag() {
        let complete = |settings: Settings| {
            settings.complete(Settings::default(), CredentialSource::default()).unwrap_err().to_string()
        };
        assert_eq!(complete(Settings::default()), "-cloudProvider is missing: say aws, azure, gcp, or local");
        let provider = || Settings { cloud_provider: Some(Provider::Aws), ..Settings::default() };
        assert_eq!(complete(provider()), "-dbpath is missing: name mongod's data directory");
        let half = Settings { tls_key: Some("k.pem".into()), ..provider() };
        assert_eq!(complete(half), "--tls-key was given without --tls-cert: they go together");
    }

    #[test]
    fn times_have_units_and_limits() {
        assert_eq!("4s".parse(), Ok(Patience(Duration::from_secs(4))));
        assert_eq!("1500ms".parse(), Ok(Patience(Duration::from_millis(1500))));
        for text in ["", "4", "s", "0s", "-1s", "1.5s", "601s", "99999999999s", "4294967295s", "4 s", "4m"] {
            assert!(text.parse::<Patience>().is_err(), "{text}");
        }
    }
}
