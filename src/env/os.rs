//! The real world: tokio's sockets, the system's resolver, clock, files, randomness and trusted roots.
//!
//! The one file of this crate in which the closed doors of `clippy.toml` stand open.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is the door that the list points to")]

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ring::rand::{SecureRandom, SystemRandom};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use tokio::net::{TcpListener, TcpStream};

use super::{
    Access, BoxFuture, BoxStream, Clock, Crypto, Env, Files, Listener, Network, Resolver, Roots, Spawn, Stamp,
};

pub(super) fn env() -> Env {
    let os = Arc::new(Os { random: SystemRandom::new() });
    Env {
        network: os.clone(),
        resolver: os.clone(),
        clock: os.clone(),
        files: os.clone(),
        crypto: os.clone(),
        roots: os.clone(),
        spawn: os,
    }
}

#[derive(Debug)]
struct Os {
    random: SystemRandom,
}

/// The longest file that is read, in bytes. Bundles of authorities are the longest real ones, with some 200 KB.
const LONGEST: u64 = 4 * 1024 * 1024;

/// File systems count time in steps, some of one or two seconds: a file that changed within this time may change once
/// more and keep its stamp.
#[cfg(unix)]
const RACY: Duration = Duration::from_secs(3);

impl Network for Os {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            let stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxStream)
        })
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move { Ok(Box::new(TcpListener::bind(at).await?) as Box<dyn Listener>) })
    }
}

impl Listener for TcpListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            let (stream, from) = TcpListener::accept(self).await?;
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as BoxStream, from))
        })
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

impl Resolver for Os {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in tokio::net::lookup_host((host, 0)).await? {
                if !addresses.contains(&address.ip()) {
                    addresses.push(address.ip());
                }
            }
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
            }
            Ok(addresses)
        })
    }
}

impl Clock for Os {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl Files for Os {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        use std::io::Read as _;
        // Before it is opened: a pipe that nobody writes to would hold up whoever opens it.
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if metadata.len() > LONGEST {
            return Err(io::Error::other(format!("it is longer than {LONGEST} bytes")));
        }
        // Room for all of it at once: a buffer that grows leaves unwiped copies of what may be a secret.
        let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 64);
        fs::File::open(path)?.take(LONGEST).read_to_end(&mut content)?;
        Ok(content)
    }

    #[cfg(unix)]
    fn stamp(&self, path: &Path) -> Option<Stamp> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::metadata(path).ok()?;
        // The time of the last change of content, owner or mode, which no program can set back (stat(2), st_ctime).
        let seconds = u64::try_from(metadata.ctime()).ok()?;
        let changed = Duration::new(seconds, u32::try_from(metadata.ctime_nsec()).ok()?);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let settled = now.checked_sub(changed)? > RACY;
        settled.then_some(Stamp { device: metadata.dev(), file: metadata.ino(), changed, length: metadata.len() })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send>> {
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(fs::TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            // A file system without locks is no reason to keep a database closed.
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Box::new(file)),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory)? {
            paths.push(entry?.path());
        }
        paths.sort();
        Ok(paths)
    }

    fn write(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        use std::io::Write as _;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        if access == Access::Owner {
            use std::os::unix::fs::OpenOptionsExt as _;
            // The mode counts only for a new file, and an old one may stand open to others: start anew.
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            options.mode(0o600);
        }
        options.open(path)?.write_all(content)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }
}

impl Crypto for Os {
    fn provider(&self) -> Arc<CryptoProvider> {
        Arc::new(rustls::crypto::ring::default_provider())
    }

    fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        self.random.fill(buffer).map_err(|_| io::Error::other("the system's random source failed"))
    }
}

impl Roots for Os {
    fn roots(&self) -> io::Result<Arc<RootCertStore>> {
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        // One damaged file among the system's hundred must not keep the database closed.
        store.add_parsable_certificates(found.certs);
        match found.errors.into_iter().next() {
            Some(error) if store.is_empty() => Err(io::Error::other(error)),
            _ => Ok(Arc::new(store)),
        }
    }
}

impl Spawn for Os {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}
