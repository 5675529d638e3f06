//! `kmipProxyStandalone`: reads the command line, opens the real world, and serves until told to stop.
//!
//! Invariant: no logic; what can go wrong is a value with its own text and exit code.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use kmip_proxy::cli::{self, CliError, Command, StandardError, exit};
use kmip_proxy::config::Config;
use kmip_proxy::env::Env;
use kmip_proxy::proxy::{self, Settings, StartError};
use kmip_proxy::{keys, kms};
use tokio::sync::watch;

fn main() -> ExitCode {
    let env = Env::os();
    let environment = |name: &str| std::env::var(name).ok();
    let code = match cli::parse(std::env::args_os(), &environment, &*env.files) {
        Ok(Command::Serve(config)) => serve(*config, env),
        Ok(Command::Import(import)) => cli::import(import, &env),
        Err(error) => {
            match &error {
                CliError::Shown(text) => drop(std::io::stdout().lock().write_all(text.as_bytes())),
                _ => say(&error.to_string()),
            }
            error.exit_code()
        }
    };
    ExitCode::from(code)
}
