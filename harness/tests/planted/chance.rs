//! Chance planted where no seed owns it: every wrapper acts once, in the run in which the counter says so.
//!
//! The counter is shared between the runs of one test, as a static of a process would be.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmip_proxy::env::{Access, BoxFuture, BoxStream, Files, Listener, Network};
use turmoil::net::UdpSocket;

/// Counts runs: the first has a one.
pub(crate) type Runs = Arc<AtomicU64>;

/// Does something before each connection, in every run but the first.
pub(crate) fn before_connecting(inner: Arc<dyn Network>, runs: Runs, act: Act) -> Arc<dyn Network> {
    Arc::new(BeforeConnecting { inner, runs, act })
}

/// Reads the metadata of a key before the key, in every run but the first.
pub(crate) fn reads_metadata_first(inner: Arc<dyn Files>, runs: Runs) -> Arc<dyn Files> {
    Arc::new(ReadsMetadataFirst { inner, runs, ahead: Mutex::default() })
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Wait a little longer in each run.
    Wait,
    /// Wait for a drawn time, as a client does before it tries again, and draw one more time.
    Jitter,
    /// Send a message of which no event tells.
    Whisper,
    /// Draw something; the function says from where.
    Draw(fn()),
}

#[derive(Debug)]
struct BeforeConnecting {
    inner: Arc<dyn Network>,
    runs: Runs,
    act: Act,
}

impl Network for BeforeConnecting {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            let others = self.runs.load(Ordering::Relaxed) - 1;
            match self.act {
                Act::Jitter => {
                    if others > 0 {
                        fastrand::u64(..);
                    }
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..1_000))).await;
                }
                _ if others == 0 => {}
                Act::Wait => tokio::time::sleep(Duration::from_millis(others)).await,
                Act::Whisper => {
                    let socket = UdpSocket::bind("0.0.0.0:0").await?;
                    socket.send_to(b"psst", ("mongod", 9)).await?;
                }
                Act::Draw(draw) => draw(),
            }
            self.inner.connect(to).await
        })
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        self.inner.listen(at)
    }
}

#[derive(Debug)]
struct ReadsMetadataFirst {
    inner: Arc<dyn Files>,
    runs: Runs,
    ahead: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
}

impl Files for ReadsMetadataFirst {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.runs.load(Ordering::Relaxed) > 1 {
            let mut ahead = self.ahead.lock().expect("nothing panics while it holds the lock");
            if let Some(content) = ahead.remove(path) {
                return Ok(content);
            }
            if let Some(key) = path.to_str().and_then(|path| path.strip_suffix(".key.json")) {
                let metadata = PathBuf::from(format!("{key}.metadata"));
                if let Ok(content) = self.inner.read(&metadata) {
                    ahead.insert(metadata, content);
                }
            }
        }
        self.inner.read(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.inner.list(directory)
    }

    fn write(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        self.inner.write(path, content, access)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.inner.sync(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.inner.create_directory(path)
    }
}
