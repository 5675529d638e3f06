//! Bugs on the way out, to the clouds: where is connected to, how often, and for how long after.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmip_proxy::env::{BoxFuture, BoxStream, Listener, Network, Resolver};

use super::key_services::lock;

/// The address of the public endpoint where it is the third one of a world.
const PUBLIC: [u8; 4] = [203, 0, 113, 3];
/// The addresses of the first and the second endpoint where those are private.
const FIRST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 1, 10));
const SECOND: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 2, 10));

type Connected<'a> = BoxFuture<'a, io::Result<BoxStream>>;

/// A network that connects in its own way, and listens as it should.
trait Connects: std::fmt::Debug + Send + Sync {
    fn inner(&self) -> &Arc<dyn Network>;
    fn connect(&self, to: SocketAddr) -> Connected<'_>;
}

/// The bug as the product is given it.
#[derive(Debug)]
struct Spoilt<B>(B);

impl<B: Connects> Network for Spoilt<B> {
    fn connect(&self, to: SocketAddr) -> Connected<'_> {
        self.0.connect(to)
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        self.0.inner().listen(at)
    }
}

/// Connects to the public endpoint, whatever it is told.
pub(crate) fn detours(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Spoilt(Redirects { inner, to: |_, to| SocketAddr::from((PUBLIC, to.port())), first: Mutex::default() }))
}

/// Connects to where it connected first, whatever it is told.
pub(crate) fn never_leaves_the_first(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Spoilt(Redirects { inner, to: |first, _| first, first: Mutex::default() }))
}

/// Takes the first endpoint for the second, and the other way round.
pub(crate) fn begins_at_the_wrong_end(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    let to = |_, to: SocketAddr| match to.ip() {
        FIRST => SocketAddr::new(SECOND, to.port()),
        SECOND => SocketAddr::new(FIRST, to.port()),
        _ => to,
    };
    Arc::new(Spoilt(Redirects { inner, to, first: Mutex::default() }))
}

#[derive(Debug)]
struct Redirects {
    inner: Arc<dyn Network>,
    /// From the first address ever and the one that is meant to the one that is connected to.
    to: fn(SocketAddr, SocketAddr) -> SocketAddr,
    first: Mutex<Option<SocketAddr>>,
}

impl Connects for Redirects {
    fn inner(&self) -> &Arc<dyn Network> {
        &self.inner
    }

    fn connect(&self, to: SocketAddr) -> Connected<'_> {
        let first = *lock(&self.first).get_or_insert(to);
        self.inner.connect((self.to)(first, to))
    }
}

/// Takes the public endpoint where a private one has not answered after half a second.
pub(crate) fn loses_patience(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Spoilt(LosesPatience { inner }))
}

#[derive(Debug)]
struct LosesPatience {
    inner: Arc<dyn Network>,
}

impl Connects for LosesPatience {
    fn inner(&self) -> &Arc<dyn Network> {
        &self.inner
    }

    fn connect(&self, to: SocketAddr) -> Connected<'_> {
        Box::pin(async move {
            match tokio::time::timeout(Duration::from_millis(500), self.inner.connect(to)).await {
                Ok(connected) => connected,
                Err(_) => self.inner.connect(SocketAddr::from((PUBLIC, to.port()))).await,
            }
        })
    }
}

/// Goes back to an endpoint that refuses until it has refused five times.
pub(crate) fn insists(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Spoilt(Insists { inner }))
}

#[derive(Debug)]
struct Insists {
    inner: Arc<dyn Network>,
}

impl Connects for Insists {
    fn inner(&self) -> &Arc<dyn Network> {
        &self.inner
    }

    fn connect(&self, to: SocketAddr) -> Connected<'_> {
        Box::pin(async move {
            let mut last = self.inner.connect(to).await;
            for _ in 0..4 {
                if last.is_ok() {
                    break;
                }
                last = self.inner.connect(to).await;
            }
            last
        })
    }
}

/// Connects to a cloud once more, ten seconds after everything is said.
pub(crate) fn dwells(inner: Arc<dyn Network>) -> Arc<dyn Network> {
    Arc::new(Spoilt(Dwells { inner }))
}

#[derive(Debug)]
struct Dwells {
    inner: Arc<dyn Network>,
}

impl Connects for Dwells {
    fn inner(&self) -> &Arc<dyn Network> {
        &self.inner
    }

    fn connect(&self, to: SocketAddr) -> Connected<'_> {
        let inner = self.inner.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let _ = inner.connect(to).await;
        });
        self.inner.connect(to)
    }
}

/// Looks every name up where private addresses are not known.
pub(crate) fn asks_a_public_resolver(inner: Arc<dyn Resolver>) -> Arc<dyn Resolver> {
    Arc::new(Looks { inner, known: None })
}

/// Looks every name up once, and believes the answer for ever.
pub(crate) fn remembers_addresses(inner: Arc<dyn Resolver>) -> Arc<dyn Resolver> {
    Arc::new(Looks { inner, known: Some(Mutex::default()) })
}

type Known = std::collections::BTreeMap<String, Vec<IpAddr>>;

#[derive(Debug)]
struct Looks {
    inner: Arc<dyn Resolver>,
    /// What is believed; none where it is the public address for every name.
    known: Option<Mutex<Known>>,
}

impl Resolver for Looks {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let Some(known) = &self.known else { return Ok(vec![IpAddr::from(PUBLIC)]) };
            let before = lock(known).get(host).cloned();
            if let Some(addresses) = before {
                return Ok(addresses);
            }
            let addresses = self.inner.resolve(host).await?;
            lock(known).insert(host.to_owned(), addresses.clone());
            Ok(addresses)
        })
    }
}
