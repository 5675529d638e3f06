//! One KMIP session of a client: a connection, one or more exchanges, and the close.
//!
//! The order is resolve, connect, handshake, exchange, perhaps further exchanges, close_notify, and for clients that do
//! so the wait for the peer's. How long a client waits is its [`Patience`]: the timer that is armed at the beginning
//! covers everything up to the answer of the first exchange, and the close if no second exchange follows.
//!
//! Invariant: every request that leaves is in the trace before it leaves, and its answer, or why there was none,
//! before anyone acts on it.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use kmip_proxy::env::BoxStream;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls::{self, TIMED_OUT};
use super::{Stage, exchange};
use crate::trace::What;
use crate::wire::{Answer, Item};

/// The longest value of an answer that the client takes, in bytes.
const MAXIMUM_VALUE: usize = 8192;

/// Tag, type and length of the outermost item.
const PREFIX: usize = 8;

/// How long a server may take to close a connection that the client has said good-bye to: a round trip, and no work.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Why a session failed, in the client's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

/// How long a client waits in one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the look-up of the name to the answer of the first exchange; `None` is for ever.
    pub first: Option<Duration>,
    /// For each exchange after the first, and for the close after it; `None` is for ever.
    pub later: Option<Duration>,
}

impl From<Duration> for Patience {
    /// Percona Server's patience. Before a second exchange its client re-arms its timer in a way that switches it off
    /// (observed), so that from there on a silent server holds it for ever.
    fn from(timeout: Duration) -> Self {
        Patience { first: Some(timeout), later: None }
    }
}

/// An open session.
pub struct Session<'a> {
    stage: &'a Stage,
    stream: TlsStream<BoxStream>,
    /// Bytes that came before they were asked for.
    early: Vec<u8>,
    timer: Timer,
    /// What the timer is set to before each exchange but the first.
    later: Option<Duration>,
    /// The number of the last exchange in the trace.
    exchange: Option<u64>,
}

/// The timer of a session; `None` while it is switched off.
type Timer = Option<Pin<Box<Sleep>>>;

impl<'a> Session<'a> {
    /// Opens a session with a server. A connect timeout alone is Percona Server's patience.
    pub async fn open(
        stage: &'a Stage,
        host: &str,
        port: u16,
        config: &Arc<ClientConfig>,
        patience: impl Into<Patience>,
    ) -> Result<Self, Failure> {
        let Patience { first, later } = patience.into();
        let mut timer = armed(first);
        let stream = limited(&mut timer, connect(stage, host, port, config)).await?;
        Ok(Session { stage, stream, early: Vec::new(), timer, later, exchange: None })
    }

    /// Sends a request and reads its answer, which may be a failure of the operation.
    pub async fn exchange(&mut self, request: &Item) -> Result<Answer, Failure> {
        if self.exchange.is_some() {
            self.timer = armed(self.later);
            self.notice_early_bytes().await;
        }
        let trace = &self.stage.trace;
        let (exchange, bytes) = exchange::asked(self.stage, request);
        self.exchange = Some(exchange);
        let began = trace.now();
        let talk = talk(&mut self.stream, &mut self.early, &bytes);
        match limited(&mut self.timer, talk).await {
            Ok(bytes) => {
                let after = trace.now().saturating_sub(began);
                let answer = exchange::answered(self.stage, exchange, request, &bytes, after);
                answer.ok_or_else(|| Failure("malformed response".to_owned()))
            }
            Err(failure) => {
                self.stage.record(What::NoAnswer { exchange, why: failure.0.clone() });
                Err(failure)
            }
        }
    }

    /// Says good-bye and waits until the server does, too. A bare end of the connection is accepted.
    ///
    /// A server that takes its time is recorded after half a second, while the client waits on, if need be for ever.
    pub async fn close(mut self) -> Result<(), Failure> {
        let (stage, exchange) = (self.stage, self.exchange.unwrap_or_default());
        let not_closed = |why: String| stage.record(What::NotClosed { exchange, why });
        let stream = &mut self.stream;
        let farewell = limited(&mut self.timer, async {
            // Not `shutdown`: that would end the connection's sending half as well, which this client does not do.
            stream.get_mut().1.send_close_notify();
            match stream.flush().await {
                // A peer that has gone already takes the last words of a TCP connection without complaint.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(said(error)),
                _ => {}
            }
            let mut buffer = [0; 256];
            match stream.read(&mut buffer).await {
                Ok(length) => Ok(length),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                Err(error) => Err(said(error)),
            }
        });
        let surplus = {
            let mut farewell = pin!(farewell);
            match tokio::time::timeout(AT_ONCE, farewell.as_mut()).await {
                Ok(outcome) => outcome.inspect_err(|Failure(why)| not_closed(why.clone()))?,
                Err(_) => {
                    not_closed(format!("still open after {} ms", AT_ONCE.as_millis()));
                    farewell.await?
                }
            }
        };
        let surplus = surplus + self.early.len();
        if surplus > 0 {
            self.record_surplus(surplus);
            // OpenSSL's reason 291; that Asio passes it on is inferred.
            return Err(Failure("application data after close notify (SSL routines) [asio.ssl:167772451]".to_owned()));
        }
        Ok(())
    }

    /// Says good-bye and does not wait for the server to do so.
    pub async fn leave(mut self) {
        self.stream.get_mut().1.send_close_notify();
        // Whether the server is still there to hear it is of no interest to the client.
        let _ = self.stream.flush().await;
    }

    /// Looks once, without waiting, whether the server has sent more than its answer (invariant K6). The client does
    /// not look: it takes such bytes for the beginning of the next answer, and so does this session.
    async fn notice_early_bytes(&mut self) {
        let early = exchange::waiting(&mut self.stream).await;
        if !early.is_empty() {
            self.record_surplus(early.len());
            self.early.extend(early);
        }
    }

    fn record_surplus(&self, length: usize) {
        exchange::surplus(self.stage, self.exchange.unwrap_or_default(), length);
    }
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session(exchange {:?})", self.exchange)
    }
}

fn armed(timeout: Option<Duration>) -> Timer {
    timeout.map(|timeout| Box::pin(tokio::time::sleep(timeout)))
}

async fn connect(
    stage: &Stage,
    host: &str,
    port: u16,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<BoxStream>, Failure> {
    let address = match host.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => {
            let found = stage.env.resolver.resolve(host).await;
            let found = found.map_err(|error| Failure(tls::resolver_words(&error)))?;
            // Only the first address is tried: no second chance over another one.
            found.first().copied().ok_or_else(|| Failure(tls::resolver_words(&io::ErrorKind::NotFound.into())))?
        }
    };
    let stream = stage.env.network.connect(SocketAddr::new(address, port)).await.map_err(said)?;
    // A name that no certificate could carry can match none.
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Failure(tls::VERIFY_FAILED.to_owned()))?;
    TlsConnector::from(config.clone()).connect(name, stream).await.map_err(said)
}

/// Writes a request and reads the bytes of one answer.
async fn talk(stream: &mut TlsStream<BoxStream>, early: &mut Vec<u8>, request: &[u8]) -> Result<Vec<u8>, Failure> {
    stream.write_all(request).await.map_err(said)?;
    stream.flush().await.map_err(said)?;
    let mut prefix = [0; PREFIX];
    fill(stream, early, &mut prefix).await?;
    let [.., a, b, c, d] = prefix;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > MAXIMUM_VALUE {
        return Err(Failure("maximum message size is exceeded".to_owned()));
    }
    let mut answer = prefix.to_vec();
    answer.resize(PREFIX + length, 0);
    fill(stream, early, &mut answer[PREFIX..]).await?;
    Ok(answer)
}

/// Fills a buffer, from what came early first.
async fn fill(stream: &mut TlsStream<BoxStream>, early: &mut Vec<u8>, buffer: &mut [u8]) -> Result<(), Failure> {
    let ready = early.len().min(buffer.len());
    let (from_early, rest) = buffer.split_at_mut(ready);
    from_early.copy_from_slice(&early[..ready]);
    early.drain(..ready);
    stream.read_exact(rest).await.map(|_| ()).map_err(said)
}

fn said(error: io::Error) -> Failure {
    Failure(tls::words(&error))
}

/// Runs a step for as long as the timer allows.
async fn limited<T>(timer: &mut Timer, step: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut step = pin!(step);
    poll_fn(|context| {
        // The step goes first, so that an answer that comes with the timer still counts.
        if let Poll::Ready(outcome) = step.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        let rang = timer.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready());
        if rang { Poll::Ready(Err(Failure(TIMED_OUT.to_owned()))) } else { Poll::Pending }
    })
    .await
}

#[cfg(test)]
mod tests;
