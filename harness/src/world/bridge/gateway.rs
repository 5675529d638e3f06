//! The door between loopback and the simulation: a real listener, and threads that carry bytes.
//!
//! In order: a thread accepts; each connection gets one thread for each direction; what arrives is handed to whoever
//! plays the client's process at the moment, as a [`Pipe`] that reads and writes like any connection. Where no process
//! is played, a connection is closed at once.
//!
//! Invariant: when the gateway is dropped, its port is closed and no connection stands.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::pace::Pulse;

/// What reaches the one who plays the client's process.
#[derive(Debug)]
pub(super) enum Input<T> {
    /// A connection of the client.
    Connection(Pipe),
    /// Something that its process said.
    Said(T),
}

/// To whom a connection goes.
type Taker = Box<dyn Fn(Pipe) + Send>;

/// A listener on loopback.
#[derive(Debug)]
pub(super) struct Gateway {
    at: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    pulse: Pulse,
    over: AtomicBool,
    taker: Mutex<Option<Taker>>,
    /// Everything that is open, so that it can be closed.
    open: Mutex<Vec<TcpStream>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("pulse", &self.pulse).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Opens a port that is free, or the one that is asked for.
    pub(super) fn open(port: Option<u16>, pulse: &Pulse) -> Result<Self, String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
        let listener = listener.map_err(|error| match port {
            Some(port) => format!("port {port} on loopback: {error}"),
            None => format!("no port is free on loopback: {error}"),
        })?;
        let at = listener.local_addr().map_err(|error| error.to_string())?;
        let shared = Arc::new(Shared {
            pulse: pulse.clone(),
            over: AtomicBool::new(false),
            taker: Mutex::new(None),
            open: Mutex::new(Vec::new()),
        });
        let accepting = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.over.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(stream) = stream {
                    // Who is turned away sees his connection closed.
                    let _ = accepting.take(stream);
                }
            }
        });
        Ok(Gateway { at, shared })
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.at.port()
    }

    /// From now on connections go to this one; before and after that they are closed at once.
    pub(super) fn lead_to(&self, taker: Option<Taker>) {
        *self.shared.taker.lock().unwrap_or_else(PoisonError::into_inner) = taker;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        // Wakes the one who accepts, who then lets the port go.
        let _ = TcpStream::connect(self.at);
        for stream in self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn take(&self, stream: TcpStream) -> io::Result<()> {
        let taker = self.taker.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(taker) = taker.as_ref() else { return Ok(()) };
        stream.set_nodelay(true)?;
        let (reads, writes, kept) = (stream.try_clone()?, stream.try_clone()?, stream.try_clone()?);
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            // What has no peer any more is closed on both sides.
            open.retain(|stream| stream.peer_addr().is_ok());
            open.push(kept);
        }
        let (arrived, incoming) = unbounded_channel();
        let (outgoing, leaving) = unbounded_channel();
        self.pulse.connected(true);
        taker(Pipe { incoming, outgoing, rest: VecDeque::new(), pulse: self.pulse.clone() });
        thread::spawn(move || read(reads, &arrived));
        thread::spawn(move || write(writes, leaving));
        Ok(())
    }
}

fn read(mut from: TcpStream, arrived: &UnboundedSender<Vec<u8>>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if arrived.send(buffer[..length].to_vec()).is_err() {
            return;
        }
    }
}

fn write(mut to: TcpStream, mut leaving: UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = leaving.blocking_recv() {
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    // The simulated side is gone: so is the connection.
    let _ = to.shutdown(Shutdown::Both);
}

/// A real connection, as the simulation reads and writes it. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Pipe {
    incoming: UnboundedReceiver<Vec<u8>>,
    outgoing: UnboundedSender<Vec<u8>>,
    rest: VecDeque<u8>,
    pulse: Pulse,
}

impl Pipe {
    /// Ready when the client has hung up. What it has sent by then stays to be read.
    pub(super) fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(bytes) = ready!(self.incoming.poll_recv(context)) {
            self.rest.extend(bytes);
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(self.incoming.poll_recv(context)) {
                Some(bytes) => self.rest.extend(bytes),
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = buffer.remaining().min(self.rest.len());
        let bytes: Vec<u8> = self.rest.drain(..length).collect();
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = self.outgoing.send(bytes.to_vec());
        Poll::Ready(sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever shuts down drops it next.
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.pulse.connected(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::mpsc::unbounded_channel;

    #[test]
    fn a_port_that_is_taken_is_an_error_that_names_it_and_is_free_after_its_gateway() {
        let pulse = Pulse::default();
        let gateway = Gateway::open(None, &pulse).unwrap();
        let port = gateway.port();
        let error = Gateway::open(Some(port), &pulse).unwrap_err();
        assert!(error.starts_with(&format!("port {port} on loopback: ")), "{error}");
        let client = TcpStream::connect(gateway.at).unwrap();
        drop(gateway);
        // Nobody took the connection, so that it is closed; its port is let go by a thread of its own.
        assert_eq!((&client).read(&mut [0; 1]).unwrap_or(0), 0);
        let mut tries = std::iter::repeat_with(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port))).take(100_000);
        assert!(tries.any(|tried| tried.is_err()), "somebody still listens");
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_and_either_side_may_hang_up() {
        let pulse = Pulse::default();
        let gateway = Gateway::open(None, &pulse).unwrap();
        let (send, mut taken) = unbounded_channel();
        gateway.lead_to(Some(Box::new(move |pipe| drop(send.send(pipe)))));
        let mut client = TcpStream::connect(gateway.at).unwrap();
        let mut pipe = taken.recv().await.unwrap();
        client.write_all(b"asked").unwrap();
        let mut read = [0; 5];
        pipe.read_exact(&mut read).await.unwrap();
        pipe.write_all(b"answered").await.unwrap();
        let mut answered = [0; 8];
        client.read_exact(&mut answered).unwrap();
        assert_eq!((&read, &answered), (b"asked", b"answered"));
        // What was sent before the end is there after it.
        client.write_all(b"more").unwrap();
        drop(client);
        std::future::poll_fn(|context| pipe.poll_gone(context)).await;
        let mut rest = Vec::new();
        pipe.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"more");

        let mut other = TcpStream::connect(gateway.at).unwrap();
        drop(taken.recv().await.unwrap());
        assert_eq!(other.read(&mut [0; 1]).unwrap_or(0), 0, "the simulated side hung up");
    }
}
