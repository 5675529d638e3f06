//! One connection through the tap, from its first byte to its end.
//!
//! Invariant: whatever comes from either side, the other one is treated as it would have been without the tap.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use kmip_proxy::env::Env;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Over;
use super::event::{End, Event, Happened, Opened, Side, Sink};
use super::framing::{Framer, Piece};
use super::line::{self, Wire};
use super::names;
use super::settings::{Own, Settings, Upstream};

/// How long the first byte, the connection to the server, and each handshake may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is read at once: a record of TLS.
const PIECE: usize = 16 << 10;

/// What all connections of a tap share.
pub(super) struct Relay {
    env: Env,
    settings: Settings,
    own: Option<Own>,
    sink: Arc<dyn Sink>,
    began: Instant,
    connections: AtomicU64,
}

/// One connection, and whom to tell of it.
struct Call<'a> {
    relay: &'a Relay,
    connection: u64,
}

/// A connection that never was: at whom it failed, and why.
struct Refused(Side, String);

/// How one direction ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// By itself: the other one may go on.
    Over,
    /// With the whole connection.
    AllOver,
}

impl Relay {
    pub(super) fn new(env: Env, settings: Settings, own: Option<Own>, sink: Arc<dyn Sink>) -> Self {
        Relay { env, settings, own, sink, began: Instant::now(), connections: AtomicU64::new(0) }
    }

    /// Passes on one connection until both sides have ended, or the tap does.
    pub(super) async fn run(self: Arc<Self>, stream: TcpStream, from: SocketAddr, mut over: Over) {
        let call = Call { relay: &self, connection: self.connections.fetch_add(1, Ordering::Relaxed) + 1 };
        let opened = match over.or(call.open(stream, from)).await {
            Some(Ok(opened)) => opened,
            Some(Err(Refused(by, why))) => return call.tell(Happened::Refused { by, why }),
            None => {
                return call.tell(Happened::Refused { by: Side::Tap, why: "the tap was ended".to_owned() });
            }
        };
        let (client, server) = opened;
        let counts = [AtomicU64::new(0), AtomicU64::new(0)];
        let by = over.or(call.both_ways(&client, &server, &counts)).await;
        if by.is_none() {
            // Nobody is to take the tap's end for a fault of the other side.
            for wire in [&client, &server] {
                let _ = tokio::time::timeout(super::FAREWELL / 2, wire.say_good_bye()).await;
            }
        }
        // Before it is told: whoever waits for this event finds nothing open.
        drop((client, server));
        let [sent, received] = counts.map(AtomicU64::into_inner);
        call.tell(Happened::Closed { by: by.unwrap_or(Side::Tap), sent, received });
    }
}

impl Call<'_> {
    fn tell(&self, what: Happened) {
        let event = Event { at: self.relay.began.elapsed(), connection: self.connection, what };
        self.relay.sink.take(&event);
    }

    /// Both handshakes, the server's first.
    async fn open(&self, client: TcpStream, from: SocketAddr) -> Result<(Wire, Wire), Refused> {
        let Relay { env, settings, own, .. } = self.relay;
        // Exchanges are small, and somebody waits for each.
        let _ = client.set_nodelay(true);
        // TLS clients speak first. Whoever only looks whether somebody listens is no business of the server.
        match limited(client.peek(&mut [0])).await {
            Ok(0) => return Err(Refused(Side::Client, "it went without a word".to_owned())),
            Ok(_) => {}
            Err(error) => return Err(Refused(Side::Client, names::words(&error))),
        }
        let server = match reach(&settings.upstream, env).await {
            Ok(server) => server,
            Err(refused) => {
                // As a server does at whose port nobody listens, or that goes in the middle of a handshake.
                line::reset(&client);
                return Err(refused);
            }
        };
        let shown = settings.tls(env, own.as_ref()).map_err(|why| Refused(Side::Tap, why))?;
        let client = limited(TlsAcceptor::from(shown).accept(client)).await;
        let client = match client {
            Ok(client) => Wire::new(client),
            Err(error) => {
                let _ = server.say_good_bye().await;
                return Err(Refused(Side::Client, names::words(&error)));
            }
        };
        self.tell(Happened::Opened(Opened { from, client: client.handshake(), server: server.handshake() }));
        Ok((client, server))
    }

    /// Passes on in both directions; comes to who ended first.
    async fn both_ways(&self, client: &Wire, server: &Wire, counts: &[AtomicU64; 2]) -> Side {
        let first = OnceLock::new();
        let mut there = pin!(self.pass_on(Side::Client, client, server, &counts[0], &first));
        let mut back = pin!(self.pass_on(Side::Server, server, client, &counts[1], &first));
        let mut open = [true, true];
        poll_fn(|context| {
            // Both share the task, and each is asked whenever the task wakes.
            let mut all_over = false;
            if open[0]
                && let Poll::Ready(end) = there.as_mut().poll(context)
            {
                open[0] = false;
                all_over |= end == Direction::AllOver;
            }
            if open[1]
                && let Poll::Ready(end) = back.as_mut().poll(context)
            {
                open[1] = false;
                all_over |= end == Direction::AllOver;
            }
            if all_over || open == [false, false] { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // Where neither has ended, both were gone when something was passed on to them.
        first.get().copied().unwrap_or(Side::Server)
    }

    /// Passes one side's bytes on to the other, and its end.
    async fn pass_on(
        &self,
        from: Side,
        source: &Wire,
        to: &Wire,
        count: &AtomicU64,
        first: &OnceLock<Side>,
    ) -> Direction {
        let mut framer = Framer::default();
        let mut buffer = vec![0; PIECE];
        let how = loop {
            let bytes = match source.read(&mut buffer).await {
                Ok(0) => break End::CloseNotify,
                Ok(length) => &buffer[..length],
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break End::WithoutCloseNotify,
                Err(error) => break End::Broken(names::words(&error)),
            };
            count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            for piece in framer.take(bytes) {
                self.tell(match piece {
                    Piece::Message(message) if from == Side::Client => Happened::Request(message),
                    Piece::Message(message) => Happened::Answer(message),
                    Piece::Unframed(why) => Happened::Unframed { from, why },
                });
            }
            if to.write(bytes).await.is_err() {
                // The other side is gone; how it went its own direction tells.
                return Direction::Over;
            }
        };
        first.get_or_init(|| from);
        self.tell(Happened::Ended { by: from, how: how.clone(), left: framer.left() });
        // The other side may be gone already, and then nobody misses these words.
        match how {
            End::CloseNotify => {
                let _ = to.say_good_bye().await;
                if source.read_to_the_end_of_tcp().await.is_ok() {
                    let _ = to.end().await;
                    return Direction::Over;
                }
                to.reset();
            }
            End::WithoutCloseNotify => {
                let _ = to.end().await;
                return Direction::Over;
            }
            // An alert ends a connection for both, but is no reset.
            End::Broken(why) if why.starts_with("TLS") => drop(to.end().await),
            End::Broken(_) => to.reset(),
        }
        Direction::AllOver
    }
}

/// A connection to the server.
async fn reach(upstream: &Upstream, env: &Env) -> Result<Wire, Refused> {
    let own = |why| Refused(Side::Tap, why);
    let (tls, name) = (upstream.tls(env).map_err(own)?, upstream.server_name().map_err(own)?);
    let failed = |what: &str, error: &io::Error| Refused(Side::Server, format!("{what}{}", names::words(error)));
    let stream = limited(TcpStream::connect((upstream.host.as_str(), upstream.port))).await;
    let stream = stream.map_err(|error| failed("cannot connect: ", &error))?;
    let _ = stream.set_nodelay(true);
    let server = limited(TlsConnector::from(tls).connect(name, stream)).await;
    Ok(Wire::new(server.map_err(|error| failed("", &error))?))
}

/// Whether the server can be reached, within a time; the reason why not.
pub(super) async fn try_to_reach(upstream: &Upstream, env: &Env, within: Duration) -> Result<(), String> {
    match tokio::time::timeout(within, reach(upstream, env)).await {
        Ok(Ok(server)) => {
            let _ = server.say_good_bye().await;
            Ok(())
        }
        Ok(Err(Refused(_, why))) => Err(why),
        Err(_) => Err(format!("no connection within {} s", within.as_secs())),
    }
}

/// Runs a step for as long as a tap waits.
async fn limited<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("nothing within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, step).await.unwrap_or_else(|_| Err(late()))
}
