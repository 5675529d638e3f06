//! `kmipProxyStandalone`: reads the command line, opens the real world, and serves until told to stop.
//!
//! Invariant: no decisions are taken here; what can go wrong is a value with its own text and exit code.

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::Poll;
use std::time::SystemTime;

use kmip_proxy::cli::{self, CliError, Command, ImportCommand, StandardError, exit, verdict};
use kmip_proxy::config::Config;
use kmip_proxy::env::Env;
use kmip_proxy::keys::{self, CredentialSource, Import, ImportError, SnapshotLayout};
use kmip_proxy::kms;
use kmip_proxy::proxy::{self, StartError};
use tokio::sync::watch;

fn main() -> ExitCode {
    let env = Env::os();
    let environment = |name: &str| std::env::var(name).ok();
    let done = match cli::parse(std::env::args_os(), &environment, &*env.files) {
        Ok(Command::Serve(config)) => serve(*config, env),
        Ok(Command::Check(config)) => check(*config, env),
        Ok(Command::Import(command)) => import(command, &env),
        Err(CliError::Shown(text)) => {
            // Whoever asked for help and closed the pipe has seen enough.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            Ok(())
        }
        Err(error) => Err((error.exit_code(), error.to_string())),
    };
    match done {
        Ok(()) => ExitCode::from(exit::OK),
        Err((code, text)) => {
            let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
            ExitCode::from(code)
        }
    }
}

/// An exit code and what to say with it.
type Failed = (u8, String);

fn serve(mut config: Config, env: Env) -> Result<(), Failed> {
    // The commands that are shown must work from any directory.
    if let Ok(absolute) = std::path::absolute(&config.dbpath) {
        config.dbpath = absolute;
    }
    let operator = Arc::new(StandardError::new(config.log_format, env.clock.clone()));
    let settings = proxy::Settings::from_config(config, &env).map_err(failed)?;
    let kms = kms::for_provider(settings.cloud_provider, &env, &settings.kms);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(bug)?;
    runtime.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let mut signals = std::pin::pin!(async {
            let mut signals = Signals::new();
            signals.next().await;
            stop.send_replace(true);
            signals.next().await;
        });
        let mut served = std::pin::pin!(proxy::run(settings, env, kms, operator, stopped));
        std::future::poll_fn(|context| {
            if signals.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            served.as_mut().poll(context)
        })
        .await
        .map_err(failed)
    })
}

/// SIGTERM and SIGINT. The first stops the proxy in good order, the second ends it without waiting for requests in
/// flight.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    /// Those that can be listened to; the others keep doing what they do by default.
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Signals([SignalKind::terminate(), SignalKind::interrupt()].into_iter().flat_map(signal).collect())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let any = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if any { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Ctrl-C. The first stops the proxy in good order, the second ends it without waiting for requests in flight.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Signals
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// One line a key on standard output; why a key does not open stands on standard error.
fn check(config: Config, env: Env) -> Result<(), Failed> {
    let format = config.log_format;
    let operator = Arc::new(StandardError::new(format, env.clock.clone()));
    let settings = proxy::Settings::from_config(config, &env).map_err(failed)?;
    let kms = kms::for_provider(settings.cloud_provider, &env, &settings.kms);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(bug)?;
    let checked = runtime.block_on(proxy::check(settings, env, kms, operator)).map_err(failed)?;
    let mut out = std::io::stdout().lock();
    for key in &checked {
        let _ = out.write_all(verdict(key, format).as_bytes());
    }
    let closed = checked.iter().filter(|key| !key.opens).count();
    match (checked.len(), closed) {
        (0, _) => Err((exit::FILES, "error: there is no key to check".to_owned())),
        (_, 0) => Ok(()),
        (all, closed) => Err((exit::FILES, format!("error: {closed} of {all} keys do not open"))),
    }
}

fn import(command: ImportCommand, env: &Env) -> Result<(), Failed> {
    let unreadable = |error| {
        let path = command.wrapped.display();
        let expected = "--wrapped must name the file with the wrapped key, as bytes or base64";
        (exit::FILES, format!("error: cannot read `{path}`: {error}; {expected}"))
    };
    let wrapped = env.files.read(&command.wrapped).map_err(unreadable)?;
    let source = CredentialSource::default();
    let layout = SnapshotLayout::new(env.files.clone(), command.dbpath, command.provider, source);
    let import = Import {
        key_id: command.key_id,
        provider: command.provider,
        kms_key: command.kms_key,
        region: command.region,
        encryption_context: command.encryption_context,
        length_bits: command.length_bits,
        wrapped,
    };
    let now = env.clock.now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    keys::Layout::prepare(&layout).map_err(|error| failed(error.into()))?;
    let path = keys::import(&layout, import, i64::try_from(now).unwrap_or(i64::MAX)).map_err(|error| {
        let code = match &error {
            ImportError::NoKmsKey | ImportError::NoRegion | ImportError::NoVersion | ImportError::KmsKey(_) => {
                exit::USAGE
            }
            ImportError::Exists(_) | ImportError::Empty | ImportError::Layout(_) => exit::FILES,
            ImportError::Refused(_) => exit::BUG,
        };
        (code, format!("error: {error}"))
    })?;
    let _ = writeln!(std::io::stdout().lock(), "{}", path.display());
    Ok(())
}

fn failed(error: StartError) -> Failed {
    let code = match &error {
        StartError::Dbpath(_) | StartError::Served { .. } => exit::FILES,
        StartError::Tls(_) => exit::TLS_FILES,
        StartError::Endpoint(_) | StartError::Certificates(_) => exit::USAGE,
        StartError::PortTaken { .. } | StartError::Listen { .. } => exit::PORT_TAKEN,
    };
    (code, format!("error: {error}"))
}

fn bug(error: std::io::Error) -> Failed {
    (exit::BUG, format!("error: the runtime does not start: {error}"))
}
