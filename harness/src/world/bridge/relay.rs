//! Carries one connection of a real client to the proxy inside the simulation, and writes down what is said.
//!
//! In order: connect to the proxy and shake hands with it as the client itself would; then shake hands with the client,
//! under certificates that the product's own code has made; then pass messages on, one after the other. Where the proxy
//! is not reached, the client's connection is closed: its port cannot be closed for one alone.
//!
//! Invariant: a message is in the trace before it is passed on, and is passed on as it is.

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
use crate::cast::{self, Settings, Stage, exchange};
use crate::trace::{Fingerprint, What};
use crate::wire::message::Asked;
use crate::wire::names::*;
use crate::wire::{self, Answer, Item};

/// Hears what passes.
pub(super) trait Ear {
    /// A connection to the proxy stands. Comes to its number.
    fn connected(&self, at: Duration) -> usize;

    /// It is closed, by either side.
    fn closed(&self, connection: usize, at: Duration);

    /// A whole request, before it is passed on.
    fn request(&self, connection: usize, at: Duration, bytes: &[u8]);

    /// Its whole answer, before it is passed on.
    fn answer(&self, connection: usize, at: Duration, bytes: &[u8]);

    /// The client was given a key, or a data key was decrypted for it.
    fn given(&self, key: &str, material: &Fingerprint);

    /// The client has a key of its own kept, or a data key encrypted, under an identifier.
    fn made(&self, key: &str, material: &[u8], answer: &Answer);
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
    loop {
        // The proxy may close while nothing is asked; then so is the client's connection closed.
        let Some(request) = either(&mut client, &mut proxy).await? else { return Ok(()) };
        let asked = Asking::read(&request, stage);
        ear.request(connection, stage.trace.now(), &request);
        let began = stage.trace.now();
        let answer = async {
            proxy.write_all(&request).await?;
            proxy.flush().await?;
            message(&mut proxy).await
        };
        let answer = match while_there(client.get_mut().0, answer).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return asked.unanswered(stage, "the server hung up"),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return asked.unanswered(stage, "the client hung up");
            }
            Err(error) => return asked.unanswered(stage, &error.to_string()),
        };
        let after = stage.trace.now().saturating_sub(began);
        ear.answer(connection, stage.trace.now(), &answer);
        asked.answered(stage, &answer, after, ear);
        let surplus = exchange::waiting(&mut proxy).await.len();
        if surplus > 0 {
            asked.surplus(stage, surplus);
        }
        client.write_all(&answer).await?;
        client.flush().await?;
    }
}

/// A request that is under way.
struct Asking {
    /// Its number and what it says; nothing where it is no KMIP.
    read: Option<(u64, Item)>,
    /// The key, or data key, that the client hands over in it.
    handed: Option<Vec<u8>>,
}

impl Asking {
    fn read(bytes: &[u8], stage: &Stage) -> Self {
        let Ok(item) = wire::parse(bytes) else { return Asking { read: None, handed: None } };
        let handed = handed_over(&item);
        if let Some(secret) = &handed {
            stage.trace.secret("a key of the client", secret);
        }
        let exchange = exchange::sent(&stage.trace, &stage.host, Asked::read(&item), bytes);
        Asking { read: Some((exchange, item)), handed }
    }

    fn answered(&self, stage: &Stage, bytes: &[u8], after: Duration, ear: &impl Ear) {
        let Some((exchange, request)) = &self.read else { return };
        let answer = exchange::received(&stage.trace, &stage.host, *exchange, request, bytes, after);
        let Some(answer) = answer else { return };
        let operations = Asked::read(request).operations;
        for (item, operation) in answer.items.iter().zip(&operations) {
            let Some(key) = item.unique_identifier.as_deref().filter(|_| item.status == "Success") else { continue };
            if let Some(handed) = &self.handed {
                let material = stage.trace.fingerprint(handed);
                stage.trace.record(&stage.host, What::Made { key: key.to_owned(), material });
                ear.made(key, handed, &answer);
            }
            let decrypted = item.data.as_ref().filter(|_| operation == "Decrypt");
            if let Some(material) = item.key_material.as_ref().or(decrypted) {
                ear.given(key, &stage.trace.fingerprint(material));
            }
        }
    }

    fn unanswered(&self, stage: &Stage, why: &str) -> io::Result<()> {
        if let Some((exchange, _)) = self.read {
            stage.trace.record(&stage.host, What::NoAnswer { exchange, why: why.to_owned() });
        }
        Ok(())
    }

    fn surplus(&self, stage: &Stage, length: usize) {
        if let Some((exchange, _)) = self.read {
            exchange::unasked(&stage.trace, &stage.host, exchange, length);
        }
    }
}

/// What of its own a client hands over: key material to be kept, or data to be encrypted.
fn handed_over(request: &Item) -> Option<Vec<u8>> {
    let payload = request.descendant(&[BATCH_ITEM, REQUEST_PAYLOAD])?;
    let operation = Asked::read(request).operations.into_iter().next()?;
    let bytes = match operation.as_str() {
        "Register" => payload.children().iter().find_map(|item| item.descendant(&[KEY_BLOCK, KEY_VALUE, KEY_MATERIAL])),
        "Encrypt" => payload.child(DATA),
        _ => None,
    };
    bytes?.as_bytes().map(<[u8]>::to_vec)
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

    #[test]
    fn what_a_client_hands_over_is_found_in_captured_requests() {
        let fixture = |text: &str| {
            let digits = text.trim();
            let bytes: Vec<u8> =
                (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
            wire::parse(&bytes).unwrap()
        };
        let lines = include_str!("../../../../fixtures/kmip/dialogues/libmongocrypt.tsv").lines().skip(1);
        let requests: Vec<Item> = lines.map(|line| fixture(line.split('\t').nth(2).unwrap())).collect();
        let registered = handed_over(&requests[0]).unwrap();
        assert_eq!(registered.len(), 96);
        assert_eq!(handed_over(&requests[1]), None, "an Activate hands nothing over");
        let lines = include_str!("../../../../fixtures/kmip/dialogues/libmongocrypt-delegated.tsv").lines().skip(1);
        let encrypted = lines.map(|line| fixture(line.split('\t').nth(2).unwrap())).find_map(|item| handed_over(&item));
        assert_eq!(encrypted.map(|data| data.len()), Some(96));
    }
}
