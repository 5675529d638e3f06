//! The KMIP listener: accepts, shakes hands, frames messages, and answers them one after the other.
//!
//! A connection goes through: TLS handshake with a client certificate; eight bytes of TTLV header; the rest of the
//! message, bounded; one answer; and again, until the client says close_notify, which is answered by closing at once
//! (a client of one exchange counts a lingering server as a failure, and tries again).
//!
//! Memory is bounded: so many connections at once ([`Limits::connections`]), each with at most [`SMALL`] bytes of its
//! requests, and so many bytes of longer messages for all of them together ([`Limits::large`]).
//!
//! Invariants: nothing is allocated from a declared length; while an answer is made, a client that hangs up cancels it,
//! and with it every call to a cloud; what was read and what is written is wiped afterwards, for both may hold a key.

mod arrived;
mod places;
#[cfg(test)]
mod tests;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::env::{BoxFuture, BoxStream, Env, Listener};

use arrived::Arrived;
use places::{Place, Places, Silence};

/// What the server bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at the same time. When one more comes, that whose client has kept the server waiting longest ends.
    pub connections: u32,
    /// The longest request, in bytes with its header. Requests of MongoDB's clients stay under 1 KiB.
    pub message: usize,
    /// How many bytes all requests that are longer than [`SMALL`] may have together, at least [`Limits::message`]; further
    /// ones wait to be read.
    pub large: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a connection may stay without a request: long, because clients hold sessions open between requests, and
    /// finite, because a peer that died without a word would hold its place for ever.
    pub idle: Duration,
    /// How long a request that has begun may take to arrive whole.
    pub arrival: Duration,
    /// How long writing an answer may take.
    pub departure: Duration,
    /// How long requests in flight may take to finish after a stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            // A process may usually open 1024 files, and a request at work opens one more: its way to the provider.
            connections: 480,
            message: 1024 * 1024,
            large: 8 * 1024 * 1024,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(60 * 60),
            arrival: Duration::from_secs(10),
            departure: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        }
    }
}

/// What a connection may keep in memory by itself, in bytes.
pub const SMALL: usize = 16 * 1024;

/// Makes the answer to one framed message.
pub trait Answer: Send + Sync {
    /// The answer's bytes, never empty, in memory that is wiped. Of a message beyond [`Limits::message`] only the eight
    /// bytes of the header are given, which no request fits into: the answer says so.
    ///
    /// `client` is the certificate that TLS has found good.
    fn answer<'a>(
        &'a self,
        client: Option<&'a CertificateDer<'static>>,
        message: &'a [u8],
    ) -> BoxFuture<'a, Zeroizing<Vec<u8>>>;
}

/// Serves until `stop` turns true (or its sender is gone), then lets requests in flight finish.
pub async fn serve(
    env: &Env,
    mut listener: Box<dyn Listener>,
    tls: Arc<ServerConfig>,
    limits: Limits,
    answer: Arc<dyn Answer>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Places::new(limits.connections);
    let connection = Connection {
        tls: TlsAcceptor::from(tls),
        limits,
        large: Semaphore::new(limits.large.min(Semaphore::MAX_PERMITS)),
        answer,
        stop: stop.clone(),
    };
    let connection = Arc::new(connection);
    loop {
        let next = async {
            match listener.accept().await {
                Ok((stream, _)) => Ok((stream, places.take().await)),
                Err(error) => Err(error),
            }
        };
        let Some(accepted) = unless_stopped(&mut stop, next).await else { break };
        match accepted {
            Ok((stream, place)) => {
                let connection = connection.clone();
                env.spawn.spawn(Box::pin(async move {
                    // Whatever goes wrong on one connection ends that connection, and nothing else.
                    let _ = connection.run(stream, place).await;
                }));
            }
            // Out of file descriptors, or a connection reset before it was accepted: the listener itself is fine.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    let _ = timeout(limits.drain, places.all_free()).await;
}

struct Connection {
    tls: TlsAcceptor,
    limits: Limits,
    /// A permit for each byte of the messages that are longer than [`SMALL`].
    large: Semaphore,
    answer: Arc<dyn Answer>,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn run(&self, stream: BoxStream, place: Place) -> io::Result<()> {
        let mut stop = self.stop.clone();
        // Who has not shaken hands yet has asked nothing, and holds no stop up.
        let shaking = place.silently(Silence::Handshake, timeout(self.limits.handshake, self.tls.accept(stream)));
        let Some(Some(shaken)) = unless_stopped(&mut stop, shaking).await else { return Ok(()) };
        let mut stream = shaken??;
        let client = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned();
        let mut arrived = Arrived::default();
        loop {
            let begins = place.silently(Silence::Request, timeout(self.limits.idle, arrived.fill(&mut stream, 1)));
            let begun = match unless_stopped(&mut stop, begins).await {
                Some(Some(Ok(begun))) => begun?,
                // The place is needed: the client is told so if that takes no time.
                Some(None) => return timeout(Duration::ZERO, stream.shutdown()).await?,
                None | Some(Some(Err(_))) => break,
            };
            if !begun {
                break;
            }
            let arrival = self.message(&mut stream, &mut arrived);
            let Some(arrival) = place.silently(Silence::Request, timeout(self.limits.arrival, arrival)).await else {
                return Ok(());
            };
            let Some((framed, _share)) = arrival?? else { break };
            let message = arrived.take(framed.given());
            let answer = self.answer.answer(client.as_ref(), &message);
            let Some(answer) = unless_closed(&mut stream, &mut arrived, SMALL, answer).await else { return Ok(()) };
            let departure = timeout(self.limits.departure, async {
                stream.write_all(&answer).await?;
                stream.flush().await
            });
            let Some(departure) = place.silently(Silence::Answer, departure).await else { return Ok(()) };
            departure??;
            if framed == Framed::TooLong {
                break;
            }
        }
        let farewell = timeout(self.limits.departure, stream.shutdown());
        place.silently(Silence::Request, farewell).await.unwrap_or(Ok(Ok(())))?
    }

    /// Reads until a whole message has arrived; `None` where what arrives is not KMIP (not a Request Message: there is
    /// nobody to answer to) or the client hangs up.
    /// With a long one comes its share of the memory for those.
    async fn message<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        arrived: &mut Arrived,
    ) -> io::Result<Option<(Framed, Option<SemaphorePermit<'_>>)>> {
        if !arrived.fill(stream, HEADER).await? {
            return Ok(None);
        }
        let Some(length) = declared(arrived.bytes()) else { return Ok(None) };
        if length > self.limits.message {
            return Ok(Some((Framed::TooLong, None)));
        }
        let mut share: Option<SemaphorePermit<'_>> = None;
        let mut room = length.min(SMALL);
        // Room is made for what arrives, not for what was announced: who only announces takes nobody's share.
        while arrived.fill(stream, room).await? {
            if room == length {
                return Ok(Some((Framed::Whole(length), share)));
            }
            let more = SMALL.min(length - room);
            let permit = self.large.acquire_many(u32::try_from(more).unwrap_or(u32::MAX)).await;
            let permit = permit.expect("the semaphore is never closed");
            match &mut share {
                Some(share) => share.merge(permit),
                None => share = Some(permit),
            }
            room += more;
        }
        Ok(None)
    }
}

/// What stands at the beginning of what has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framed {
    /// A message of so many bytes.
    Whole(usize),
    /// The header of a message that is longer than we take.
    TooLong,
}

impl Framed {
    /// How many bytes are given to be answered.
    fn given(self) -> usize {
        match self {
            Framed::Whole(length) => length,
            Framed::TooLong => HEADER,
        }
    }
}

/// A TTLV header: tag, type and length (KMIP 1.4 section 9.1.1).
const HEADER: usize = 8;

/// Tag 420078 Request Message (KMIP 1.4 section 9.1.3.1) with type 01 Structure.
const REQUEST_MESSAGE: u32 = 0x4200_7801;

/// The length of a message, with its header, as that declares it; `None` if it is not a Request Message.
fn declared(bytes: &[u8]) -> Option<usize> {
    let (tag, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*rest.first_chunk::<4>()?);
    let length = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(HEADER);
    (u32::from_be_bytes(*tag) == REQUEST_MESSAGE).then_some(length)
}

/// Waits for the work, unless the server is told to stop first.
async fn unless_stopped<T>(stop: &mut watch::Receiver<bool>, work: impl Future<Output = T>) -> Option<T> {
    let mut stopped = pin!(stop.wait_for(|stop| *stop));
    let mut work = pin!(work);
    poll_fn(|context| match stopped.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(None),
        Poll::Pending => work.as_mut().poll(context).map(Some),
    })
    .await
}

/// Waits for the answer, unless the client hangs up first. What else arrives meanwhile is the next request: it is kept,
/// up to `most` bytes.
async fn unless_closed<S: AsyncRead + Unpin, T>(
    stream: &mut S,
    arrived: &mut Arrived,
    most: usize,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(answer) = work.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        while arrived.bytes().len() < most {
            match arrived.poll_some(stream, context) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        Poll::Pending
    })
    .await
}
