//! The server over streams in memory, with real TLS and a clock that only moves when nobody has anything to do.

mod connections;
mod exchanges;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Mutex;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivateKeyDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A certificate folder as the proxy writes it.
struct Certificates {
    folder: TempDir,
    server: Arc<ServerConfig>,
}

impl Certificates {
    fn new(bound_to: IpAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = tls::generate(&Env::os(), folder.path(), bound_to).unwrap();
        Certificates { folder, server }
    }

    /// A client that trusts this authority, with or without the certificate of this folder.
    fn client(&self, with_certificate: bool) -> ClientConfig {
        self.client_that_trusts(&self.folder.path().join(tls::CA_FILE), with_certificate)
    }

    fn client_that_trusts(&self, authorities: &Path, with_certificate: bool) -> ClientConfig {
        let env = Env::os();
        let mut roots = RootCertStore::empty();
        for authority in tls::certificates(&env, authorities).unwrap() {
            roots.add(authority).unwrap();
        }
        let config = ClientConfig::builder_with_details(env.crypto.provider(), env.tls_time())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        if !with_certificate {
            return config.with_no_client_auth();
        }
        let path = self.folder.path().join(tls::CLIENT_FILE);
        let key = PrivateKeyDer::from_pem_slice(&env.files.read(&path).unwrap()).unwrap();
        config.with_client_auth_cert(tls::certificates(&env, &path).unwrap(), key).unwrap()
    }
}

/// A server that runs.
struct Bench {
    certificates: Certificates,
    scribe: Arc<Scribe>,
    door: mpsc::UnboundedSender<BoxStream>,
    stop: watch::Sender<bool>,
    ended: mpsc::Receiver<()>,
}

impl Bench {
    fn new() -> Self {
        Bench::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let certificates = Certificates::new(LOOPBACK);
        let scribe = Arc::new(Scribe::default());
        let (door, queue) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = mpsc::channel(1);
        let (tls, answer) = (certificates.server.clone(), scribe.clone());
        let env = Env::os();
        let spawner = env.spawn.clone();
        spawner.spawn(Box::pin(async move {
            serve(&env, Box::new(Queue(queue)), tls, limits, answer, stopped).await;
            drop(end);
        }));
        Bench { certificates, scribe, door, stop, ended }
    }

    /// A raw connection.
    fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        self.door.send(Box::new(theirs)).unwrap();
        ours
    }

    /// A client as mongod is one.
    async fn client(&self) -> TlsStream<DuplexStream> {
        handshake(self.certificates.client(true), "127.0.0.1", self.connect()).await.unwrap()
    }

    /// Waits until the server has ended.
    async fn ended(&mut self) {
        assert_eq!(self.ended.recv().await, None);
    }
}

async fn handshake(config: ClientConfig, name: &str, stream: DuplexStream) -> io::Result<TlsStream<DuplexStream>> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// A listener whose connections come out of a channel.
struct Queue(mpsc::UnboundedReceiver<BoxStream>);

impl Listener for Queue {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, SocketAddr)>> {
        Box::pin(async {
            let stream = self.0.recv().await.ok_or(io::ErrorKind::ConnectionAborted)?;
            Ok((stream, SocketAddr::new(LOOPBACK, 1)))
        })
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::new(LOOPBACK, 5696))
    }
}

/// Answers each message with `<message>` in angle brackets, at once or when it is let.
#[derive(Default)]
struct Scribe {
    messages: Mutex<Vec<Vec<u8>>>,
    cancelled: Arc<Mutex<usize>>,
    /// Where it waits before it answers, if it shall wait.
    gate: Mutex<Option<Arc<Semaphore>>>,
}

impl Scribe {
    /// Lets answers wait until the semaphore has a permit for each.
    fn hold(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.gate.lock().unwrap() = Some(gate.clone());
        gate
    }

    fn asked(&self) -> usize {
        self.messages.lock().unwrap().len()
    }

    /// Waits until it was asked so often.
    async fn until_asked(&self, times: usize) {
        until(|| self.asked() == times).await;
    }

    async fn until_cancelled(&self, times: usize) {
        until(|| *self.cancelled.lock().unwrap() == times).await;
    }
}

impl Answer for Scribe {
    fn answer<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Zeroizing<Vec<u8>>> {
        Box::pin(async move {
            self.messages.lock().unwrap().push(message.to_vec());
            let unfinished = Unfinished(Some(self.cancelled.clone()));
            let gate = self.gate.lock().unwrap().clone();
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            unfinished.finish();
            Zeroizing::new([b"<", message, b">"].concat())
        })
    }
}

/// Counts answers that were dropped before they were made.
struct Unfinished(Option<Arc<Mutex<usize>>>);

impl Unfinished {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(cancelled) = &self.0 {
            *cancelled.lock().unwrap() += 1;
        }
    }
}

/// A framed message: the header of a Request Message, and a body of one byte again and again.
fn message(body: u8, length: u32) -> Vec<u8> {
    let mut message = [0x42, 0x00, 0x78, 0x01].to_vec();
    message.extend_from_slice(&length.to_be_bytes());
    message.resize(HEADER + length as usize, body);
    message
}

fn answer_to(message: &[u8]) -> Vec<u8> {
    [b"<", message, b">"].concat()
}

/// The next bytes, as many as are expected.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// All bytes until the server closes in good order: with TLS, that takes a close_notify.
async fn rest<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn send(client: &mut TlsStream<DuplexStream>, bytes: &[u8]) {
    client.write_all(bytes).await.unwrap();
    client.flush().await.unwrap();
}

/// Sends a short message, and reads its answer, which takes no time.
async fn ask(client: &mut TlsStream<DuplexStream>) -> Vec<u8> {
    send(client, &message(1, 8)).await;
    at_once(read(client, 18)).await
}

/// Lets every other task do what it can without time passing.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Lets the other tasks work until something is so.
async fn until(mut so: impl FnMut() -> bool) {
    for _ in 0..100 {
        if so() {
            return;
        }
        settle().await;
    }
    panic!("the other tasks do not bring it about");
}

/// Waits for the work, which must be done without any time passing.
async fn at_once<T>(work: impl Future<Output = T>) -> T {
    timeout(Duration::from_millis(1), work).await.expect("it takes no time")
}
