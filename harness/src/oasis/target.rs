//! Who is asked: a server at an address, or the proxy, started anew for each case.
//!
//! Invariant: a program that was started here is ended here, and its directory is gone with it.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use kmip_proxy::env::{Access, Env};
use rustls_pki_types::ServerName;
use tempfile::TempDir;

use super::connection::{self, Address, Credentials};

/// The line with which the proxy says where it listens.
const LISTENING: &str = "listening for KMIP on ";
/// How long the proxy may take to start, on a machine with other work.
const START: Duration = Duration::from_secs(60);
/// The wrapping key of the proxy's provider `local`: what it protects is gone with the case.
const WRAPPING_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

/// Who is asked.
#[derive(Clone, Debug)]
pub enum Target {
    /// A server that somebody else has started; all cases share it.
    Server(Address),
    /// The program `kmipProxyStandalone`, started anew for each case, and how long one exchange may take.
    Proxy(PathBuf, Duration),
}

/// Somebody to talk to.
#[derive(Debug)]
pub struct Running {
    /// Where.
    pub address: Address,
    /// What was started for it, kept alive.
    _proxy: Option<Proxy>,
}

impl Target {
    /// Whether all cases share one server.
    pub fn is_shared(&self) -> bool {
        matches!(self, Target::Server(_))
    }

    /// What it is called in reports.
    pub fn name(&self) -> String {
        match self {
            Target::Server(address) => format!("{}:{}", address.host, address.port),
            Target::Proxy(..) => "kmipProxyStandalone, provider local, one for each case".to_owned(),
        }
    }

    /// The server for the next case.
    pub fn start(&self, env: &Env) -> Result<Running, String> {
        match self {
            Target::Server(address) => Ok(Running { address: address.clone(), _proxy: None }),
            Target::Proxy(program, deadline) => Proxy::start(env, program, *deadline),
        }
    }
}

/// The proxy at work in a directory of its own.
#[derive(Debug)]
struct Proxy {
    child: Child,
    _dbpath: TempDir,
}

impl Proxy {
    fn start(env: &Env, program: &Path, deadline: Duration) -> Result<Running, String> {
        let dbpath = prepare(env).map_err(|error| format!("no directory for the proxy: {error}"))?;
        let mut command = Command::new(program);
        command.current_dir(dbpath.path()).arg("-dbpath").arg(dbpath.path());
        command.args(["-cloudProvider", "local", "-kmipPort", "0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start `{}`: {error}", program.display()))?;
        let stderr = child.stderr.take();
        let proxy = Proxy { child, _dbpath: dbpath };
        let (send, lines) = channel();
        // Reads to the end, so that the proxy never waits for somebody to read what it says.
        std::thread::spawn(move || {
            for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines()).map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let mut said = Vec::new();
        let port = loop {
            match lines.recv_timeout(START) {
                Ok(line) => match line.split_once(LISTENING).and_then(|(_, at)| at.trim().rsplit_once(':')) {
                    Some((_, port)) => break port.parse().map_err(|_| format!("no port in `{line}`"))?,
                    None => said.push(line),
                },
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("it did not start in time: {}", said.join(" | ")));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(format!("it did not start: {}", said.join(" | "))),
            }
        };
        let own = proxy._dbpath.path().join("kmipClient.pem");
        let authority = proxy._dbpath.path().join("kmipCA.pem");
        let credentials = Credentials { authority: &authority, certificate: &own, key: &own };
        let host = "127.0.0.1";
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        let tls = connection::tls(env, &credentials)?;
        let address = Address { host: host.to_owned(), port, name, tls, deadline };
        Ok(Running { address, _proxy: Some(proxy) })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A dbpath for the provider `local`: a wrapping key, and the metadata that name it.
fn prepare(env: &Env) -> io::Result<TempDir> {
    let dbpath = TempDir::new()?;
    let folder = dbpath.path().join("cloudProviderCredentials");
    env.files.create_directory(&folder)?;
    env.files.write(&dbpath.path().join("local.key"), WRAPPING_KEY.as_bytes(), Access::Owner)?;
    let metadata = folder.join("first.local.metadata");
    env.files.write(&metadata, br#"{"keyFile": "local.key"}"#, Access::Owner)?;
    Ok(dbpath)
}
