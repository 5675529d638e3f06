//! Carries one connection of a real client to the proxy inside the simulation, and writes down what is said.
//!
//! In order: connect to the proxy and shake hands with it as the client itself would; then shake hands with the client,
//! under certificates that the product's own code has made; then pass messages on, one after the other. Where the proxy
//! is not reached, the client's connection is closed: its port cannot be closed for one alone.
//!
//! Invariant: a message is in the trace before it is passed on, and is passed on as it is.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use kmip_proxy::env::BoxStream;
use rustls::ServerConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::gateway::Pipe;
use crate::cast::overheard::{Made, Overheard};
use crate::cast::{self, Settings, Stage, exchange};
use crate::trace::{Fingerprint, What};

/// Hears what passes.
pub(super) trait Ear {
    /// A connection to the proxy stands. Comes to its number.
    fn connected(&self, at: Duration) -> usize;

    /// It is closed, by either side.
    fn closed(&self, connection: usize, at: Duration);

    /// A whole request, before it is passed on, whatever comes of it.
    fn request(&self, connection: usize, at: Duration, bytes: &[u8]);

    /// Its whole answer, before it is passed on.
    fn answer(&self, connection: usize, at: Duration, bytes: &[u8]);

    /// The client was given a key, or a data key was decrypted for it.
    fn given(&self, key: &str, material: &Fingerprint);

    /// The client has a key of its own kept, or a data key encrypted, under an identifier.
    fn made(&self, made: &Made<'_>);
}

/// Carries a connection until one side ends it.
pub(super) async fn carry(
    mut client: Pipe,
    server: Arc<ServerConfig>,
    stage: &Stage,
    settings: &Settings,
    ear: &impl Ear,
) -> io::Result<()> {
    let config = cast::client_config(&stage.env, settings).map_err(io::Error::other)?;
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
    let name = ServerName::from(to.ip());
    let proxy = async {
        let stream = stage.env.network.connect(to).await?;
        TlsConnector::from(config).connect(name, stream).await
    };
    // A client that does not wait for this to come about is gone.
    let proxy = while_there(&mut client, proxy).await?;
    let connection = ear.connected(stage.trace.now());
    let passed = pass(client, server, proxy, stage, connection, ear).await;
    ear.closed(connection, stage.trace.now());
    passed
}

async fn pass(
    client: Pipe,
    server: Arc<ServerConfig>,
    mut proxy: TlsStream<BoxStream>,
    stage: &Stage,
    connection: usize,
    ear: &impl Ear,
) -> io::Result<()> {
    let mut client = TlsAcceptor::from(server).accept(client).await?;
    let (trace, host) = (&stage.trace, stage.host.as_str());
    let mut created = BTreeSet::new();
    loop {
        // The proxy may close while nothing is asked; then so is the client's connection closed.
        let Some(request) = either(&mut client, &mut proxy).await? else { return Ok(()) };
        let asked = Overheard::sent(trace, host, &request);
        let began = trace.now();
        ear.request(connection, began, &request);
        let answer = async {
            proxy.write_all(&request).await?;
            proxy.flush().await?;
            message(&mut proxy).await
        };
        let unanswered = |why: String| {
            trace.record(host, What::NoAnswer { exchange: asked.exchange, why });
            Ok(())
        };
        let answer = match while_there(client.get_mut().0, answer).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return unanswered("the server hung up".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return unanswered("the client hung up".to_owned());
            }
            Err(error) => return unanswered(error.to_string()),
        };
        ear.answer(connection, trace.now(), &answer);
        let after = trace.now().saturating_sub(began);
        if let Some(read) = asked.received(trace, host, &answer, after, &mut created) {
            asked.made(&read).for_each(|made| ear.made(&made));
            asked.given(&read).for_each(|(key, material)| ear.given(key, &trace.fingerprint(material)));
        }
        let surplus = exchange::waiting(&mut proxy).await.len();
        if surplus > 0 {
            exchange::unasked(trace, host, asked.exchange, surplus);
        }
        client.write_all(&answer).await?;
        client.flush().await?;
    }
}

/// The longest message that is passed on.
const LONGEST: usize = 16 * 1024 * 1024;

/// The bytes of one message; nothing where the connection ends before one begins.
pub(super) async fn message(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; 8];
    let mut read = 0;
    while read < head.len() {
        match from.read(&mut head[read..]).await {
            Ok(0) if read == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => read += length,
            // Drivers hang up without a good-bye.
            Err(error) if read == 0 && error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let [.., a, b, c, d] = head;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > LONGEST {
        return Err(io::Error::other(format!("a message of {length} bytes")));
    }
    let mut message = head.to_vec();
    let rest = from.take(length as u64).read_to_end(&mut message).await?;
    if rest < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(message)) }
}

/// The client's next message; nothing where either side ends.
async fn either<A, B>(client: &mut A, proxy: &mut B) -> io::Result<Option<Vec<u8>>>
where
    A: AsyncRead + Unpin,
    B: AsyncRead + Unpin,
{
    let mut next = Box::pin(message(client));
    poll_fn(|context| {
        if let Poll::Ready(message) = next.as_mut().poll(context) {
            return Poll::Ready(message);
        }
        let mut space = [0; 1];
        // A byte that nobody asked for was told of after the answer before it.
        Pin::new(&mut *proxy).poll_read(context, &mut ReadBuf::new(&mut space)).map(|_| Ok(None))
    })
    .await
}

/// Does something for as long as a client does not hang up; `Interrupted` where it does.
async fn while_there<T>(client: &mut Pipe, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let mut work = Box::pin(work);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(done);
        }
        client.poll_gone(context).map(|()| Err(io::ErrorKind::Interrupted.into()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_is_read_whole_and_a_connection_may_end_between_two() {
        let whole = [&[0x42, 0, 0x78, 1, 0, 0, 0, 8][..], &[7; 8]].concat();
        let twice = whole.repeat(2);
        let mut from = &twice[..];
        assert_eq!(message(&mut from).await.unwrap(), Some(whole.clone()));
        assert_eq!(message(&mut from).await.unwrap(), Some(whole.clone()));
        assert_eq!(message(&mut from).await.unwrap(), None);
        for end in 1..whole.len() {
            let error = message(&mut &whole[..end]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "after {end} bytes");
        }
        let endless = [0x42, 0, 0x78, 1, 0xff, 0xff, 0xff, 0xf8];
        assert!(message(&mut &endless[..]).await.unwrap_err().to_string().contains("a message of 4294967288 bytes"));
    }
}
