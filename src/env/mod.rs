//! The only door to the outside, in seven parts.
//!
//! Everything the proxy needs from the world comes through an [`Env`]: [`Network`], [`Resolver`], [`Clock`],
//! [`Files`], [`Crypto`], [`Roots`] and [`Spawn`]. [`Env::os`] grants them from the operating system; the laboratory
//! grants them from a simulation. The proxy cannot tell which one it was given.
//!
//! Invariant: no other file of this crate opens a socket, asks a clock, touches a file, draws a random byte or
//! spawns a task. `clippy.toml` lists the doors that are closed, and `src/env/os.rs` is the one place that opens them.
//! Timers are not in the list: they are tokio's, which a simulation pauses by itself.

mod os;

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::CryptoProvider;
use rustls::{RootCertStore, time_provider::TimeProvider};
use rustls_pki_types::UnixTime;
use tokio::io::{AsyncRead, AsyncWrite};

/// A boxed future that may move between threads, as `tokio::spawn` asks.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connected byte stream whose kind does not matter.
pub type BoxStream = Box<dyn Stream>;

/// Everything that the proxy may ask of the world. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Env {
    /// Connects and listens.
    pub network: Arc<dyn Network>,
    /// Turns names into addresses.
    pub resolver: Arc<dyn Resolver>,
    /// Tells the wall time.
    pub clock: Arc<dyn Clock>,
    /// Reads and writes files.
    pub files: Arc<dyn Files>,
    /// Makes random bytes and certificate keys, and speaks TLS.
    pub crypto: Arc<dyn Crypto>,
    /// Names whom cloud TLS trusts.
    pub roots: Arc<dyn Roots>,
    /// Runs tasks.
    pub spawn: Arc<dyn Spawn>,
}

impl Env {
    /// The real world: sockets, files and the clock of the operating system.
    pub fn os() -> Self {
        os::env()
    }

    /// The clock in the shape that rustls asks for.
    pub fn tls_time(&self) -> Arc<dyn TimeProvider> {
        Arc::new(TlsTime(self.clock.clone()))
    }
}

/// Connections out and in, TCP only.
pub trait Network: Debug + Send + Sync {
    /// Connects to one address. Errors are the operating system's; the caller sets the deadline.
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>>;

    /// Listens at one address; port 0 lets the system choose.
    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>>;
}

/// A listening socket.
pub trait Listener: Send {
    /// Waits for the next connection.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, SocketAddr)>>;

    /// The address that it listens at.
    fn local_address(&self) -> io::Result<SocketAddr>;
}

/// Names to addresses.
pub trait Resolver: Debug + Send + Sync {
    /// The addresses of a host name, in the order in which to try them, never empty: a name without an address is
    /// an error of kind `NotFound`.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// Wall time. Only for dates that the outside sees: timers are tokio's.
pub trait Clock: Debug + Send + Sync {
    /// The wall time now.
    fn now(&self) -> SystemTime;
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever the umask allows.
    Everyone,
    /// The owner alone (mode 0600).
    Owner,
}

/// A state of a file. Two stamps of one path are equal where its content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The file system that the name leads to.
    pub device: u64,
    /// The file in it.
    pub file: u64,
    /// When it last changed, by the file system's clock.
    pub changed: Duration,
    /// Its length in bytes.
    pub length: u64,
}

/// Files, small enough to be read and written whole (a few kilobytes), hence without futures.
///
/// The parts of a durable write are separate on purpose, so that a simulation can crash between them:
/// see [`Files::replace`].
pub trait Files: Debug + Send + Sync {
    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// What tells this state of a file from any other without reading it. None where that cannot be told: there is no such
    /// file, it may not be read, the system keeps nothing of the kind, or it was changed so recently that one more change
    /// might not show. Whoever asks before reading may keep what was read for as long as the answer stays the same.
    fn stamp(&self, _: &Path) -> Option<Stamp> {
        None
    }

    /// Keeps a file for this process alone until what is returned is dropped; it is made where it does not stand. An error
    /// of kind `WouldBlock` says that another process has it. Where there are no other processes, there is nothing to do.
    fn lock(&self, _: &Path) -> io::Result<Box<dyn Send>> {
        Ok(Box::new(()))
    }

    /// The paths of all entries in a directory, sorted: files, directories, and links, also those that lead nowhere.
    /// Nothing is looked at more closely, because what cannot be looked at would then seem absent.
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;

    /// Creates or truncates a file and writes it. Not durable until [`Files::sync`].
    fn write(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()>;

    /// Makes a file's content, or a directory's entries, survive a crash.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Renames within a directory, replacing the target in one step. Not durable until the directory is synced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory and its parents; no error where it stands already.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Replaces a file so that after a crash at any point it is the old one or the new one, whole, and that once this
    /// has returned it is the new one: write beside it, sync, rename, sync the directory.
    fn replace(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        let beside = beside(path);
        self.write(&beside, content, access)?;
        self.sync(&beside)?;
        self.rename(&beside, path)?;
        self.sync(directory)
    }
}

/// Where [`Files::replace`] writes before it renames. A crash may leave such a file behind; nobody reads it.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Randomness and TLS.
pub trait Crypto: Debug + Send + Sync {
    /// What rustls computes with.
    fn provider(&self) -> Arc<CryptoProvider>;

    /// A fresh key pair for a certificate.
    fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error>;

    /// Fills a buffer with random bytes fit for keys.
    fn random(&self, buffer: &mut [u8]) -> io::Result<()>;
}

/// The certificate authorities that TLS to the clouds trusts.
pub trait Roots: Debug + Send + Sync {
    /// The authorities; an error says which file could not be read.
    fn roots(&self) -> io::Result<Arc<RootCertStore>>;
}

/// Background tasks.
pub trait Spawn: Debug + Send + Sync {
    /// Runs a task until it ends; nobody waits for it.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Lets rustls read the proxy's clock.
#[derive(Debug)]
struct TlsTime(Arc<dyn Clock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since = self.0.now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(UnixTime::since_unix_epoch(since))
    }
}
