//! The relay before an endpoint: it ends TLS, hands requests on to the front, and treats connections as it is told to.
//!
//! Invariant: an order that was confirmed holds for every connection that comes after it, and for the next answer on
//! those that stand.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Shears, Then, Wire, break_off, cut, whole};
use super::certificates::Certificates;
use super::front::{End, Seal};
use super::journal::Journal;
use crate::world::conduct::{Conduct, Phase};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 128;

/// The longest body of a request, in bytes: far beyond what any of the services takes.
const LONGEST: usize = 1024 * 1024;

/// How long the relay rests when the system has no socket left for it.
const REST: Duration = Duration::from_millis(20);

/// What an endpoint is told.
pub(super) struct Order {
    /// Whether its port takes connections at all.
    pub(super) open: bool,
    /// How it treats them.
    pub(super) conduct: Conduct,
    /// Where the order is confirmed.
    pub(super) done: std::sync::mpsc::Sender<io::Result<()>>,
}

/// One endpoint of a cloud.
pub(super) struct Relay {
    /// The address by which it is known in traces.
    pub(super) known_as: SocketAddr,
    pub(super) service: &'static str,
    pub(super) private: bool,
    /// Nothing where it speaks plain HTTP.
    pub(super) certificates: Option<Certificates>,
    pub(super) front: SocketAddr,
    pub(super) seal: Seal,
    pub(super) journal: Journal,
    pub(super) conduct: Mutex<Conduct>,
}

impl Relay {
    /// Serves until nobody can give orders any more. All connections end with it.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut port = Port::Open(listener);
        let mut connections = JoinSet::new();
        loop {
            // An order comes before the connections that it is about.
            let next = poll_fn(|context| {
                if let Poll::Ready(order) = orders.poll_recv(context) {
                    return Poll::Ready(Next::Order(order));
                }
                while let Poll::Ready(Some(_)) = connections.poll_join_next(context) {}
                port.poll_accept(context).map(Next::Connection)
            });
            match next.await {
                Next::Order(None) => return,
                Next::Order(Some(Order { open, conduct, done })) => {
                    *self.conduct.lock().unwrap_or_else(PoisonError::into_inner) = conduct;
                    let turned;
                    (port, turned) = port.turn(open);
                    // Who has gone away in the meantime needs no confirmation.
                    let _ = done.send(turned);
                }
                Next::Connection(Ok(stream)) => {
                    let relay = self.clone();
                    connections.spawn(async move {
                        // A client that hangs up, or a cut that was asked for, ends this connection only.
                        let _ = relay.connection(stream).await;
                    });
                }
                Next::Connection(Err(_)) => tokio::time::sleep(REST).await,
            }
        }
    }

    fn conduct(&self) -> Conduct {
        *self.conduct.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self, stream: TcpStream) -> io::Result<()> {
        let _open = self.journal.open(self.known_as, self.service, self.private);
        stream.set_nodelay(true)?;
        let wire = Wire::new(stream);
        let shears = wire.shears();
        let conduct = self.conduct();
        match conduct {
            Conduct::Cut(Phase::BeforeHandshake) => {
                shears.cut_at_close();
                return Ok(());
            }
            Conduct::Silent(Phase::BeforeHandshake) => return silence(wire).await,
            _ => {}
        }
        let Some(certificates) = &self.certificates else { return self.speak(wire, &shears).await };
        let shown = match conduct {
            Conduct::ShowExpired => &certificates.expired,
            Conduct::ShowMisnamed => &certificates.misnamed,
            Conduct::Serve | Conduct::Cut(_) | Conduct::Silent(_) => &certificates.right,
        };
        let stream = TlsAcceptor::from(shown.clone()).accept(wire).await?;
        self.speak(stream, &shears).await
    }

    async fn speak(&self, stream: impl AsyncRead + AsyncWrite + Unpin, shears: &Shears) -> io::Result<()> {
        let service = service_fn(|request| self.answer(request, shears));
        http1::Builder::new()
            // The Date header is the cloud's to send, from its own clock.
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service)
            .await
            .map_err(io::Error::other)
    }

    async fn answer(&self, request: Request<Incoming>, shears: &Shears) -> io::Result<Response<Answer>> {
        match self.conduct() {
            Conduct::Cut(Phase::BeforeHandshake | Phase::AfterHandshake) => return Err(severed(shears)),
            Conduct::Silent(Phase::BeforeHandshake | Phase::AfterHandshake) => std::future::pending().await,
            _ => {}
        }
        let (head, body) = request.into_parts();
        let body = Limited::new(body, LONGEST).collect().await.map_err(io::Error::other)?.to_bytes();
        let mut response = self.hand_on(Request::from_parts(head, Full::new(body))).await?;
        let half = response.body().len() / 2;
        Ok(match (End::take_off(&mut response), self.conduct()) {
            (End::Hang, _) => std::future::pending().await,
            (End::Reset, _) => return Err(severed(shears)),
            (End::Cut(bytes), _) => break_off(response, bytes, Then::AboutToCut(shears.clone())),
            (End::Whole, Conduct::Cut(Phase::MidAnswer)) => break_off(response, half, Then::AboutToCut(shears.clone())),
            (End::Whole, Conduct::Silent(Phase::MidAnswer)) => break_off(response, half, Then::Silence),
            (End::Whole, _) => whole(response),
        })
    }

    /// Asks the front, on a connection of its own, so that one client's silence is nobody else's.
    async fn hand_on(&self, mut request: Request<Full<Bytes>>) -> io::Result<Response<Bytes>> {
        self.seal.put_on(&mut request);
        let stream = TcpStream::connect(self.front).await?;
        stream.set_nodelay(true)?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(io::Error::other)?;
        let exchange = async move {
            let (head, body) = sender.send_request(request).await?.into_parts();
            Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
        };
        // The connection ends when the exchange has dropped its sender.
        let (answer, _): (hyper::Result<_>, _) = tokio::join!(exchange, connection);
        answer.map_err(io::Error::other)
    }
}

/// What a relay has to do next.
enum Next {
    /// Nobody gives orders any more where there is none.
    Order(Option<Order>),
    Connection(io::Result<TcpStream>),
}

/// The port of an endpoint.
enum Port {
    Open(TcpListener),
    /// Nobody listens, so that connections are refused. The address stays taken, for nobody else to slip in.
    Shut(TcpSocket),
    /// The address was lost to somebody else.
    Lost(SocketAddr),
}

impl Port {
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        match self {
            // Whoever waits here waits for an order, too, and is woken by that.
            Port::Shut(_) | Port::Lost(_) => Poll::Pending,
            Port::Open(listener) => listener.poll_accept(context).map_ok(|(stream, _)| stream),
        }
    }

    /// Opens or shuts it. What could not be done leaves it shut.
    fn turn(self, open: bool) -> (Self, io::Result<()>) {
        match (self, open) {
            (Port::Open(listener), false) => match listener.local_addr() {
                Ok(address) => {
                    drop(listener);
                    taken(address)
                }
                Err(error) => (Port::Open(listener), Err(error)),
            },
            (Port::Shut(socket), true) => match socket.local_addr() {
                Ok(address) => opened(socket, address),
                Err(error) => (Port::Shut(socket), Err(error)),
            },
            (Port::Lost(address), true) => match bound(address) {
                Ok(socket) => opened(socket, address),
                Err(error) => (Port::Lost(address), Err(error)),
            },
            (port, _) => (port, Ok(())),
        }
    }
}

fn opened(socket: TcpSocket, address: SocketAddr) -> (Port, io::Result<()>) {
    match socket.listen(BACKLOG) {
        Ok(listener) => (Port::Open(listener), Ok(())),
        Err(error) => (Port::Lost(address), Err(error)),
    }
}

fn taken(address: SocketAddr) -> (Port, io::Result<()>) {
    match bound(address) {
        Ok(socket) => (Port::Shut(socket), Ok(())),
        Err(_) => (Port::Lost(address), Ok(())),
    }
}

/// A socket at an address, at which nobody listens yet.
pub(super) fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections that have just ended must not keep their port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A socket at an address, at which connections are taken.
pub(super) fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    bound(address)?.listen(BACKLOG)
}

fn severed(shears: &Shears) -> io::Error {
    shears.cut_at_close();
    cut()
}

/// Keeps a connection open and says nothing, until the peer gives up.
async fn silence(mut wire: Wire) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while wire.read(&mut ignored).await? > 0 {}
    Ok(())
}
