//! An answer's body that may break off, and a socket that can be cut.
//!
//! Invariant: what is to arrive before a cut has left before it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A body that may break off.
pub(super) struct Answer {
    bytes: Option<Bytes>,
    then: Then,
}

/// What comes after the bytes of a body.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// It is whole.
    Whole,
    /// The connection is about to be cut; what was sent leaves first.
    AboutToCut(Shears),
    /// The connection is cut.
    Cut,
    /// Nothing, for ever.
    Silence,
}

/// A whole answer.
pub(super) fn whole(response: Response<Bytes>) -> Response<Answer> {
    response.map(|bytes| Answer { bytes: Some(bytes), then: Then::Whole })
}

/// An answer whose head speaks of a whole body, of which only so many bytes come.
pub(super) fn break_off(response: Response<Bytes>, after_bytes: usize, then: Then) -> Response<Answer> {
    let whole = response.body().len();
    let mut response = response.map(|bytes| Answer { bytes: Some(bytes.slice(..after_bytes.min(whole))), then });
    response.headers_mut().insert(CONTENT_LENGTH, whole.into());
    response
}

/// The error with which a service gives a connection up.
pub(super) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the endpoint cuts the connection")
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &self.then {
            Then::Whole => Poll::Ready(None),
            Then::Silence => Poll::Pending,
            Then::AboutToCut(shears) => {
                // A body that has nothing now lets the server send what it holds.
                shears.cut_at_close();
                self.then = Then::Cut;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Then::Cut => Poll::Ready(Some(Err(cut()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.bytes, &self.then) {
            (Some(bytes), Then::Whole) => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

/// Cuts a connection: its close becomes a reset.
#[derive(Clone, Debug, Default)]
pub(super) struct Shears(Arc<AtomicBool>);

impl Shears {
    /// From now on whoever closes the connection cuts it.
    pub(super) fn cut_at_close(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection that can be cut.
pub(super) struct Wire {
    stream: TcpStream,
    shears: Shears,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Wire { stream, shears: Shears::default() }
    }

    pub(super) fn shears(&self) -> Shears {
        self.shears.clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.shears.0.load(Ordering::Relaxed) {
            // Without lingering a close sends RST, and no FIN. Where that cannot be had, the peer sees a plain close.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.shears.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
