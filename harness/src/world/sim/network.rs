//! The simulated network as the product sees it: addresses of the documentation on top, turmoil's hosts beneath.
//!
//! A [`Map`] says what stands at which address. Programs name the addresses that they would name anywhere (127.0.0.1,
//! a private endpoint, the public one), and the map leads them to a simulated host. Every attempt and every byte is
//! recorded on the side that connects.
//!
//! Invariant: a connection that is not in the trace did not happen.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use kmip_proxy::env::{BoxFuture, BoxStream, Listener, Network, Resolver};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::{TcpListener, TcpStream};

use crate::trace::{Trace, What};

/// What stands at an address.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The simulated host.
    pub(crate) host: String,
    /// `kmip`, `kms` or `tokens`.
    pub(crate) service: &'static str,
    /// Whether the world declares the address private.
    pub(crate) private: bool,
}

/// Addresses and names of one world.
#[derive(Debug, Default)]
pub(crate) struct Map {
    places: BTreeMap<IpAddr, Place>,
    ports: BTreeMap<SocketAddr, Place>,
    names: BTreeMap<String, IpAddr>,
    /// Names that DNS does not know at the moment.
    hidden: Mutex<BTreeSet<String>>,
}

impl Map {
    /// Puts a host at an address, under a name if DNS has one for it.
    pub(crate) fn add(&mut self, name: Option<&str>, address: IpAddr, place: Place) {
        self.names.extend(name.map(|name| (name.to_owned(), address)));
        self.places.insert(address, place);
    }

    /// Puts another host at one port of an address.
    pub(crate) fn add_port(&mut self, at: SocketAddr, place: Place) {
        self.ports.insert(at, place);
    }

    /// From now on DNS does not know a name, or knows it again.
    pub(crate) fn hide(&self, name: &str, hidden: bool) {
        let mut names = self.hidden();
        if hidden {
            names.insert(name.to_owned());
        } else {
            names.remove(name);
        }
    }

    fn resolve(&self, name: &str) -> Option<IpAddr> {
        if self.hidden().contains(name) { None } else { self.names.get(name).copied() }
    }

    fn hidden(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.hidden.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, at: SocketAddr) -> Option<&Place> {
        self.ports.get(&at).or_else(|| self.places.get(&at.ip()))
    }
}

/// One host's network and name service.
#[derive(Clone, Debug)]
pub(crate) struct SimNetwork {
    host: String,
    map: Arc<Map>,
    trace: Trace,
}

impl SimNetwork {
    pub(crate) fn new(host: &str, map: Arc<Map>, trace: &Trace) -> Self {
        SimNetwork { host: host.to_owned(), map, trace: trace.clone() }
    }
}

impl Network for SimNetwork {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            let connection = self.trace.next_connection();
            let place = self.map.place(to);
            let attempt = |error: Option<String>| What::Connect {
                connection,
                to: to.to_string(),
                service: place.map_or("nowhere", |place| place.service).to_owned(),
                private: place.is_some_and(|place| place.private),
                error,
            };
            self.trace.record(&self.host, attempt(None));
            let connected = match place {
                Some(place) => TcpStream::connect((place.host.as_str(), to.port())).await,
                None => Err(io::Error::new(io::ErrorKind::HostUnreachable, "No route to host")),
            };
            match connected {
                Ok(stream) => {
                    let tap = Tap { stream, host: self.host.clone(), connection, trace: self.trace.clone() };
                    Ok(Box::new(tap) as BoxStream)
                }
                Err(error) => {
                    self.trace.record(&self.host, attempt(Some(error.to_string())));
                    Err(error)
                }
            }
        })
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            // The loopback of the machine is a simulated link, so the host listens on its own address.
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, at.port())).await?;
            Ok(Box::new(SimListener { listener, at }) as Box<dyn Listener>)
        })
    }
}

impl Resolver for SimNetwork {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = self.map.resolve(host);
            let answer = found.map(|address| vec![address.to_string()]).ok_or_else(|| "no such name".to_owned());
            self.trace.record(&self.host, What::Resolve { name: host.to_owned(), answer });
            found
                .map(|address| vec![address])
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "Name or service not known"))
        })
    }
}

struct SimListener {
    listener: TcpListener,
    at: SocketAddr,
}

impl Listener for SimListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async move {
            let (stream, from) = self.listener.accept().await?;
            Ok((Box::new(stream) as BoxStream, from))
        })
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.at)
    }
}

/// Records what passes.
struct Tap {
    stream: TcpStream,
    host: String,
    connection: u64,
    trace: Trace,
}

impl Tap {
    fn note(&self, sent: bool, bytes: &[u8]) {
        let what = What::Bytes { connection: self.connection, sent, length: bytes.len() };
        self.trace.record_bytes(&self.host, what, bytes);
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(polled, Poll::Ready(Ok(()))) {
            self.note(false, &buffer.filled()[before..]);
        }
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = &polled {
            self.note(true, &bytes[..*written]);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.trace.record(&self.host, What::Close { connection: self.connection });
    }
}
