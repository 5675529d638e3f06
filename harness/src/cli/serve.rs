//! `kmiplab serve`: a fake cloud on a port, for other people's tests.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use kmip_proxy::keys::Provider;

use super::{exit, print, say};
use crate::report::Seed;
use crate::trace::What;
use crate::world::loopback::{Alone, AloneError, Journal, LoopbackError, Wanted};

/// Which cloud, and where.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Whose services
    #[arg(value_name = "CLOUD")]
    cloud: CloudName,
    /// The port; 0 lets the system choose [default: aws 4566 (LocalStack's), azure 4567, gcp 4568]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Speak TLS, and write the authority of the certificate into this folder, as ca.pem; `none` for plain HTTP
    #[arg(long, value_name = "DIR", default_value = "none")]
    tls: Tls,
    /// Where the keys are, in the cloud's spelling [default: us-east-1, eastus, us-east1]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// What keys and credentials are drawn from: the same seed, the same keys
    #[arg(long, value_name = "SEED", default_value = "0x1")]
    seed: Seed,
    /// A key of the customer's; repeat for more
    #[arg(long, value_name = "NAME", default_value = "cmk-1")]
    key: Vec<String>,
    /// aws: verify signatures, as AWS does and LocalStack does not
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CloudName {
    /// KMS and STS, as LocalStack has them
    Aws,
    /// Key Vault and Microsoft Entra ID
    Azure,
    /// Cloud KMS and OAuth 2.0
    Gcp,
}

impl CloudName {
    fn provider(self) -> Provider {
        match self {
            CloudName::Aws => Provider::Aws,
            CloudName::Azure => Provider::Azure,
            CloudName::Gcp => Provider::Gcp,
        }
    }

    fn port(self) -> u16 {
        match self {
            CloudName::Aws => 4566,
            CloudName::Azure => 4567,
            CloudName::Gcp => 4568,
        }
    }
}

/// `none`, or a folder.
#[derive(Clone, Debug)]
struct Tls(Option<PathBuf>);

impl FromStr for Tls {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Tls((text != "none").then(|| text.into())))
    }
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    match attempt(arguments) {
        Ok(()) => exit::AS_EXPECTED,
        Err(error) => {
            say(&format!("error: {error}{}", hint(&error)));
            exit::USAGE
        }
    }
}

fn attempt(arguments: &Arguments) -> Result<(), AloneError> {
    let start = |error| AloneError::Loopback(LoopbackError::Start(error));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(start)?;
    // Before anybody can know that there is something to end.
    let ended = runtime.block_on(async { Ended::watch() }).map_err(start)?;
    let wanted = Wanted {
        provider: arguments.cloud.provider(),
        at: SocketAddr::new(arguments.bind, arguments.port.unwrap_or(arguments.cloud.port())),
        tls: arguments.tls.0.clone(),
        region: arguments.region.clone(),
        seed: arguments.seed.0,
        keys: arguments.key.clone(),
        strict: arguments.strict,
    };
    let alone = Alone::start(&wanted, Journal::watched(|_, what| tell(what)))?;
    print(alone.card());
    runtime.block_on(ended.wait());
    Ok(())
}

/// One line for each call.
fn tell(what: &What) {
    if let What::Call { service, operation, cmk, principal, status, code } = what {
        let mut line = format!("{service} {operation} {status}");
        for more in [code, cmk].into_iter().flatten() {
            line.push_str(&format!(" {more}"));
        }
        if let Some(principal) = principal {
            line.push_str(&format!(" by {principal}"));
        }
        say(&line);
    }
}

fn hint(error: &AloneError) -> &'static str {
    match error {
        AloneError::Loopback(LoopbackError::Listen { why, .. }) if why.kind() == io::ErrorKind::AddrInUse => {
            "\n\nhint: --port chooses another port; --port 0 lets the system choose"
        }
        AloneError::Loopback(LoopbackError::Listen { why, .. }) if why.kind() == io::ErrorKind::PermissionDenied => {
            "\n\nhint: ports below 1024 are root's; --port chooses another one"
        }
        AloneError::Loopback(LoopbackError::Listen { .. }) => "\n\nhint: --bind takes an address of this machine",
        AloneError::Write { .. } => "\n\nhint: --tls takes a folder that can be written to",
        _ => "",
    }
}

/// The signals that end the program.
struct Ended {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Ended {
    fn watch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Ended { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(mut self) {
        std::future::poll_fn(|context| {
            let ended = self.terminate.poll_recv(context).is_ready() || self.interrupt.poll_recv(context).is_ready();
            if ended { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

#[cfg(not(unix))]
impl Ended {
    fn watch() -> io::Result<Self> {
        Ok(Ended {})
    }

    async fn wait(self) {
        // Where Ctrl-C cannot be waited for, the system ends the program by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
