//! A world in memory: names, addresses with scripted servers behind them, files, a clock, and countable randomness.
#![expect(clippy::disallowed_methods, reason = "the servers of the tests are tasks; no Env is at hand to spawn them")]

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use rustls::crypto::CryptoProvider;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use crate::env::{
    Access, BoxFuture, BoxStream, Clock, Crypto, Env, Files, Listener, Network, Resolver, Roots, Spawn, Stream,
};

/// 2026-11-22T03:22:01Z, the moment at which every test starts.
pub(crate) const START: u64 = 1_795_317_721;

/// What a server does with one connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Refuses it.
    Refuse,
    /// Never lets it come about.
    BlackHole,
    /// Accepts, reads the request, and stays silent until the client goes.
    Silent,
    /// Accepts, reads the request, and closes.
    Close,
    /// Answers with these bytes, then closes.
    Raw(Vec<u8>),
    /// Answers after a while.
    Slow(Duration, Box<Act>),
}

impl Act {
    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Act::text(status, "application/x-amz-json-1.1", body)
    }

    /// An answer of some type.
    pub(crate) fn text(status: u16, kind: &str, body: &str) -> Self {
        let date = "Sun, 22 Nov 2026 03:32:13 GMT";
        let length = body.len();
        Act::Raw(
            format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ndate: {date}\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .into_bytes(),
        )
    }
}

#[derive(Debug, Default)]
pub(crate) struct State {
    names: BTreeMap<String, Vec<IpAddr>>,
    servers: BTreeMap<SocketAddr, VecDeque<Act>>,
    tls: Option<Arc<ServerConfig>>,
    roots: Option<Arc<RootCertStore>>,
    /// Where connections went, in order.
    pub(crate) connections: Vec<String>,
    /// The requests as they arrived, in order.
    pub(crate) requests: Vec<String>,
    /// How many silent connections the client has closed.
    pub(crate) hung_up: usize,
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    later: Duration,
    random: u8,
}

/// The world; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct World(Arc<Mutex<State>>);

impl World {
    pub(crate) fn new() -> Self {
        World::default()
    }

    pub(crate) fn env(&self) -> Env {
        let world = Arc::new(self.clone());
        Env {
            network: world.clone(),
            resolver: world.clone(),
            clock: world.clone(),
            files: world.clone(),
            crypto: world.clone(),
            roots: world.clone(),
            spawn: world,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Gives a name addresses.
    pub(crate) fn name(&self, name: &str, addresses: &[&str]) -> &Self {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.state().names.insert(name.to_owned(), addresses);
        self
    }

    /// Puts a server at an address: one act a connection, the last one again and again.
    pub(crate) fn server(&self, at: &str, acts: impl IntoIterator<Item = Act>) -> &Self {
        self.state().servers.insert(at.parse().unwrap(), acts.into_iter().collect());
        self
    }

    /// Lets all servers speak TLS, and the client trust these authorities.
    pub(crate) fn tls(&self, server: Arc<ServerConfig>, roots: Arc<RootCertStore>) -> &Self {
        let mut state = self.state();
        state.tls = Some(server);
        state.roots = Some(roots);
        drop(state);
        self
    }

    /// Moves the wall clock.
    pub(crate) fn pass(&self, time: Duration) {
        self.state().later += time;
    }

    fn act(&self, at: SocketAddr) -> Act {
        let mut state = self.state();
        state.connections.push(at.to_string());
        match state.servers.get_mut(&at) {
            None => Act::Refuse,
            Some(acts) if acts.len() > 1 => acts.pop_front().unwrap(),
            Some(acts) => acts.front().unwrap().clone(),
        }
    }

    async fn serve(self, mut stream: Box<dyn Stream>, act: Act) {
        let tls = self.state().tls.clone();
        if let Some(config) = tls {
            match TlsAcceptor::from(config).accept(stream).await {
                Ok(accepted) => stream = Box::new(accepted),
                Err(_) => return,
            }
        }
        let mut request = Vec::new();
        while !is_whole(&request) {
            if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                return;
            }
        }
        self.state().requests.push(String::from_utf8(request).unwrap());
        let act = match act {
            Act::Slow(time, act) => {
                tokio::time::sleep(time).await;
                *act
            }
            act => act,
        };
        match act {
            Act::Raw(answer) => {
                // The client may have gone by now, as it may in the field.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
            Act::Silent => {
                while stream.read_buf(&mut Vec::with_capacity(64)).await.unwrap_or(0) > 0 {}
                self.state().hung_up += 1;
            }
            _ => {}
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(request) else { return false };
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    body.len() >= length.parse().unwrap()
}

impl Network for World {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            let act = self.act(to);
            match act {
                Act::Refuse => return Err(io::ErrorKind::ConnectionRefused.into()),
                Act::BlackHole => pending().await,
                _ => {}
            }
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            tokio::spawn(self.clone().serve(Box::new(theirs), act));
            Ok(Box::new(ours) as BoxStream)
        })
    }

    fn listen(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}

impl Resolver for World {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { self.state().names.get(host).cloned().ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

impl Clock for World {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(START) + self.state().later
    }
}

impl Files for World {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.state().files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.state().files.keys().cloned().collect())
    }

    fn write(&self, path: &Path, content: &[u8], _: Access) -> io::Result<()> {
        self.state().files.insert(path.to_owned(), content.to_vec());
        Ok(())
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().files.remove(path).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl Crypto for World {
    fn provider(&self) -> Arc<CryptoProvider> {
        Arc::new(rustls::crypto::ring::default_provider())
    }

    fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        for byte in buffer {
            state.random = state.random.wrapping_add(1);
            *byte = state.random;
        }
        Ok(())
    }
}

impl Roots for World {
    fn roots(&self) -> io::Result<Arc<RootCertStore>> {
        self.state().roots.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Spawn for World {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}
