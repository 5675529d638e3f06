//! Bugs around the network and the files.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use kmip_proxy::env::{Access, BoxFuture, BoxStream, Files, Listener, Network};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Connects to the public endpoint, whatever it is told.
pub(crate) fn detours(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Detours { inner })
}

/// Connects to a cloud once more, ten seconds after everything is said.
pub(crate) fn dwells(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Dwells { inner })
}

/// Does not hear good-byes.
pub(crate) fn overhears_good_byes(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(OverhearsGoodByes { inner })
}

/// Syncs files at once, and directories two seconds later.
pub(crate) fn syncs_names_late(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(SyncsNamesLate { inner })
}

/// Has no disk.
pub(crate) fn fails(_: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(Fails)
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
struct Dwells {
    inner: Arc<dyn Network>,
}

impl Network for Dwells {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        let inner = self.inner.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let _ = inner.connect(to).await;
        });
        self.inner.connect(to)
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        self.inner.listen(at)
    }
}

#[derive(Debug)]
struct OverhearsGoodByes {
    inner: Arc<dyn Network>,
}

impl Network for OverhearsGoodByes {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        self.inner.connect(to)
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move { Ok(Box::new(Overhearing(self.inner.listen(at).await?)) as Box<dyn Listener>) })
    }
}

struct Overhearing<T>(T);

impl Listener for Overhearing<Box<dyn Listener>> {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            let (stream, from) = self.0.accept().await?;
            Ok((Box::new(Overhearing(stream)) as BoxStream, from))
        })
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.local_address()
    }
}

/// A record that holds an encrypted alert and nothing else, in TLS 1.3: five bytes of header, two of alert, one of
/// type, sixteen of tag (RFC 8446 section 5.2).
const ALERT: usize = 5 + 2 + 1 + 16;

impl AsyncRead for Overhearing<BoxStream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            let polled = Pin::new(&mut self.0).poll_read(context, buffer);
            if polled.is_pending() || buffer.filled().len() - before != ALERT {
                return polled;
            }
            buffer.set_filled(before);
        }
    }
}

impl AsyncWrite for Overhearing<BoxStream> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Everything but `sync` goes through.
macro_rules! passes_on {
    () => {
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
    };
}

#[derive(Debug)]
struct NeverSyncs {
    inner: Arc<dyn Files>,
}

impl Files for NeverSyncs {
    passes_on!();

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct SyncsNamesLate {
    inner: Arc<dyn Files>,
}

impl Files for SyncsNamesLate {
    passes_on!();

    fn sync(&self, path: &Path) -> io::Result<()> {
        if self.inner.list(path).is_err() {
            return self.inner.sync(path);
        }
        let (inner, path) = (self.inner.clone(), path.to_owned());
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let _ = inner.sync(&path);
        });
        Ok(())
    }
}

#[derive(Debug)]
struct Fails;

impl Files for Fails {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::Error::other("no disk"))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Err(io::Error::other("no disk"))
    }

    fn write(&self, _: &Path, _: &[u8], _: Access) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }
}
