//! Bugs around the network and the files.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kmip_proxy::env::{Access, BoxFuture, BoxStream, Files, Listener, Network};

/// Connects to the public endpoint, whatever it is told.
pub(crate) fn detours(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Detours { inner })
}

/// Says that it has synced, and has not.
pub(crate) fn never_syncs(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(NeverSyncs { inner })
}

#[derive(Debug)]
struct Detours {
    inner: Arc<dyn Network>,
}

impl Network for Detours {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        // The address of the public endpoint where it is the third one of a world.
        self.inner.connect(SocketAddr::from(([203, 0, 113, 3], to.port())))
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        self.inner.listen(at)
    }
}

#[derive(Debug)]
struct NeverSyncs {
    inner: Arc<dyn Files>,
}

impl Files for NeverSyncs {
    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.inner.read(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.inner.list(directory)
    }

    fn write(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        self.inner.write(path, content, access)
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
