//! The command line: Atlas' flags and ours, in every spelling that people are used to.
//!
//! `spelling.rs` turns the arguments into GNU's spelling, clap reads them, `kmip-proxy.toml` and the environment fill
//! what they leave open. `exit.rs` lists the exit codes, `standard_error.rs` prints notices.
//!
//! Invariant: no decision about keys or clouds is taken here.

pub mod exit;
mod flags;
mod spelling;
mod standard_error;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};

use crate::config::{Config, ConfigError, DEFAULT_FILE, Region, Settings};
use crate::env::Files;
use crate::keys::{CredentialSource, FlagCredentials, Provider, SecretText};

pub use standard_error::StandardError;
pub use verdict::verdict;

/// Access key ids have 16 characters at least, secrets more.
const LONGEST_WORD_TO_REPEAT: usize = 16;

/// What the program is asked to do.
#[derive(Debug)]
pub enum Command {
    /// To serve keys.
    Serve(Box<Config>),
    /// To open every key once, without serving.
    Check(Box<Config>),
    /// To make a key file from a wrapped key.
    Import(ImportCommand),
}

/// `kmipProxyStandalone import`.
#[derive(Debug)]
pub struct ImportCommand {
    /// Who wrapped the key.
    pub provider: Provider,
    /// mongod's data directory.
    pub dbpath: PathBuf,
    /// The Unique Identifier that mongod asks for.
    pub key_id: String,
    /// The file with the wrapped key.
    pub wrapped: PathBuf,
    /// The CMK that wrapped it.
    pub kms_key: Option<String>,
    /// The CMK's region.
    pub region: Option<String>,
    /// The length of the unwrapped key in bits.
    pub length_bits: u32,
    /// The encryption context.
    pub encryption_context: BTreeMap<String, String>,
}

/// Why there is nothing to do.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Help or the version was asked for: print it to standard output.
    #[error("{0}")]
    Shown(String),
    /// The arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// The settings do not go together, or the configuration file does not serve.
    #[error("error: {0}\n\nFor more information, try '--help'.\n")]
    Config(#[from] ConfigError),
}

impl CliError {
    /// The exit code for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Shown(_) => exit::OK,
            CliError::Usage(_) | CliError::Config(_) => exit::USAGE,
        }
    }
}

/// Reads the command line (the program's name first), the environment (by name), and the configuration file.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &dyn Fn(&str) -> Option<String>,
    files: &dyn Files,
) -> Result<Command, CliError> {
    let program = flags::Program::try_parse_from(spelling::normalise(arguments)).map_err(|error| {
        let text = without_stray_secrets(&error);
        if error.use_stderr() { CliError::Usage(text) } else { CliError::Shown(text) }
    })?;
    match program.command {
        Some(flags::Subcommand::Import(import)) => Ok(Command::Import(import.into_command()?)),
        command => {
            let (flags, checks) = match command {
                Some(flags::Subcommand::Check(flags)) => (*flags, true),
                _ => (program.flags, false),
            };
            let file = read_file(flags.config.as_deref(), files)?;
            let environment = from_environment(environment)?;
            let (settings, flags) = flags.split();
            let config = settings.complete(file, CredentialSource { flags, environment })?;
            Ok(if checks { Command::Check(Box::new(config)) } else { Command::Serve(Box::new(config)) })
        }
    }
}

/// clap's text, except that a long word in the wrong place is not repeated: it may be a secret whose flag was forgotten or
/// taken for another.
fn without_stray_secrets(error: &clap::Error) -> String {
    let mut text = error.render().to_string();
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidSubcommand, ContextKind::InvalidValue] {
        if let Some(ContextValue::String(word)) = error.get(kind)
            && !word.starts_with('-')
            && word.len() >= LONGEST_WORD_TO_REPEAT
        {
            text = text.replace(word.as_str(), "...");
        }
    }
    text
}

/// The settings of the named file, or of the default one where that stands.
fn read_file(named: Option<&Path>, files: &dyn Files) -> Result<Settings, ConfigError> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match files.read(path) {
        Ok(content) => Settings::from_toml(path, &content),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(error) => Err(ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() }),
    }
}

/// The variables that are read, by the names that the clouds' own tools use; an empty one counts as absent.
fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Result<FlagCredentials, CliError> {
    let given = |name| variable(name).filter(|value| !value.is_empty());
    let region = given("AWS_REGION")
        .map(|region| region.parse())
        .transpose()
        .map_err(|why: &str| CliError::Usage(format!("error: environment variable AWS_REGION: {why}\n")))?;
    Ok(FlagCredentials {
        access_key_id: given("AWS_ACCESS_KEY_ID"),
        secret_access_key: given("AWS_SECRET_ACCESS_KEY").map(SecretText::new),
        session_token: given("AWS_SESSION_TOKEN").map(SecretText::new),
        region: region.map(|Region(region)| region),
        azure_tenant_id: given("AZURE_TENANT_ID"),
        azure_client_id: given("AZURE_CLIENT_ID"),
        azure_client_secret: given("AZURE_CLIENT_SECRET").map(SecretText::new),
        gcp_key_file: given("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from),
        ..FlagCredentials::default()
    })
}
