//! Bugs on the way in, from mongod: which connections are served, and how their bytes pass.

use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kmip_proxy::env::{BoxFuture, BoxStream, Listener, Network};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Does not hear good-byes.
pub(crate) fn overhears_good_byes(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Listens { inner, manner: Manner::OverhearsGoodByes })
}

/// Serves two connections, and never accepts a third one.
pub(crate) fn serves_two(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Listens { inner, manner: Manner::ServesTwo })
}

/// Closes the connection when the answer is due.
pub(crate) fn hangs_up(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Listens { inner, manner: Manner::HangsUp })
}

/// Keeps every answer for 4.7 s: longer than the deadline, not as long as mongod waits.
pub(crate) fn dawdles(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Listens { inner, manner: Manner::Dawdles })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    OverhearsGoodByes,
    ServesTwo,
    HangsUp,
    Dawdles,
}

#[derive(Debug)]
struct Listens {
    inner: Arc<dyn Network>,
    manner: Manner,
}

impl Network for Listens {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        self.inner.connect(to)
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let inner = self.inner.listen(at).await?;
            Ok(Box::new(Accepts { inner, manner: self.manner, accepted: 0 }) as Box<dyn Listener>)
        })
    }
}

struct Accepts {
    inner: Box<dyn Listener>,
    manner: Manner,
    accepted: u32,
}

impl Listener for Accepts {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            if self.manner == Manner::ServesTwo && self.accepted == 2 {
                std::future::pending::<()>().await;
            }
            let (stream, from) = self.inner.accept().await?;
            self.accepted += 1;
            let spoilt = Spoilt { stream, manner: self.manner, heard: false, bursts: 0, waits: None };
            Ok((Box::new(spoilt) as BoxStream, from))
        })
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.inner.local_address()
    }
}

/// A record that holds an encrypted alert and nothing else, in TLS 1.3: five bytes of header, two of alert, one of
/// type, sixteen of tag (RFC 8446 section 5.2).
const ALERT: usize = 5 + 2 + 1 + 16;

/// How late an answer is.
const LATE: Duration = Duration::from_millis(4700);

struct Spoilt {
    stream: BoxStream,
    manner: Manner,
    /// Whether something has come since the last burst.
    heard: bool,
    /// How often something was sent in return. The first burst is the handshake, every other one is an answer: the
    /// product sends no session tickets.
    bursts: u32,
    /// Until when the next answer is kept.
    waits: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for Spoilt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            let read = buffer.filled().len() - before;
            if self.manner != Manner::OverhearsGoodByes || read != ALERT {
                self.heard |= read > 0;
                return Poll::Ready(Ok(()));
            }
            buffer.set_filled(before);
        }
    }
}

impl AsyncWrite for Spoilt {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.heard) {
            self.bursts += 1;
            let late = self.manner == Manner::Dawdles && self.bursts > 1;
            self.waits = late.then(|| Box::pin(tokio::time::sleep(LATE)));
        }
        if self.manner == Manner::HangsUp && self.bursts > 1 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if let Some(waits) = &mut self.waits {
            ready!(waits.as_mut().poll(context));
            self.waits = None;
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
