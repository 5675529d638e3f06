//! One TLS connection of the two, for one direction that reads and another one that writes.
//!
//! A good-bye (close_notify), the end of TCP, and a reset are three things, and each is passed on as what it is: clients
//! tell them apart.
//!
//! Invariant: no lock is held while anything is waited for. Both directions belong to one task.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use super::event::Tls;
use super::names;

/// A connection with its handshake done.
pub(super) struct Wire(Mutex<TlsStream<TcpStream>>);

impl Wire {
    pub(super) fn new(stream: impl Into<TlsStream<TcpStream>>) -> Self {
        Wire(Mutex::new(stream.into()))
    }

    /// What the handshake has come to.
    pub(super) fn handshake(&self) -> Tls {
        names::handshake(self.lock().get_ref().1)
    }

    /// Reads what has come; nothing after a close_notify, and an error where TCP ends without one.
    pub(super) async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        poll_fn(|context| {
            let mut buffer = ReadBuf::new(into);
            ready!(Pin::new(&mut *self.lock()).poll_read(context, &mut buffer))?;
            Poll::Ready(Ok(buffer.filled().len()))
        })
        .await
    }

    /// Waits for the end of TCP. What comes until then means nothing any more.
    pub(super) async fn read_to_the_end_of_tcp(&self) -> io::Result<()> {
        poll_fn(|context| {
            loop {
                let mut space = [0; 512];
                let mut buffer = ReadBuf::new(&mut space);
                let mut stream = self.lock();
                ready!(Pin::new(&mut *stream.get_mut().0).poll_read(context, &mut buffer))?;
                if buffer.filled().is_empty() {
                    return Poll::Ready(Ok(()));
                }
            }
        })
        .await
    }

    /// Writes everything, and sees to it that it leaves.
    pub(super) async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        poll_fn(|context| {
            while !bytes.is_empty() {
                let written = ready!(Pin::new(&mut *self.lock()).poll_write(context, bytes))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                bytes = &bytes[written..];
            }
            Pin::new(&mut *self.lock()).poll_flush(context)
        })
        .await
    }

    /// Sends a close_notify, and not the end of TCP.
    pub(super) async fn say_good_bye(&self) -> io::Result<()> {
        self.lock().get_mut().1.send_close_notify();
        poll_fn(|context| Pin::new(&mut *self.lock()).poll_flush(context)).await
    }

    /// Sends the end of TCP.
    pub(super) async fn end(&self) -> io::Result<()> {
        poll_fn(|context| Pin::new(&mut *self.lock().get_mut().0).poll_shutdown(context)).await
    }

    /// Has the connection be reset when it is dropped.
    pub(super) fn reset(&self) {
        reset(self.lock().get_ref().0);
    }

    fn lock(&self) -> MutexGuard<'_, TlsStream<TcpStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has a connection be reset when it is dropped.
pub(super) fn reset(stream: &TcpStream) {
    // Where the system cannot, the connection ends in the ordinary way.
    let _ = stream.set_zero_linger();
}
