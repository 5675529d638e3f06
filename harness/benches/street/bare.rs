//! The bare world: turmoil, rustls, and two messages there and back.

use std::cell::Cell;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use kmip_proxy::env::Crypto as _;
use kmiplab::scenario::Scenario;
use kmiplab::trace::{Played, What};
use kmiplab::world::Entropy;
use kmiplab::world::sim::{self, SimCrypto};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose};
use rustls::client::Resumption;
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use turmoil::net::{TcpListener, TcpStream};

/// When the bare world begins, since the Unix epoch.
const EPOCH: Duration = Duration::from_secs(1_795_305_600);

const PORT: u16 = 5696;

/// The names of the proxy.
const KMIP_NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// What TLS 1.3 adds to a record: its header, the inner type, and the tag (RFC 8446 section 5.2).
const RECORD: usize = 5 + 1 + 16;

/// Lengths of the four messages, without TLS.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    kmip_request: usize,
    kmip_answer: usize,
    kms_request: usize,
    kms_answer: usize,
}

impl Sizes {
    /// As a street has them: mongod's from what it says, the key service's from the largest records.
    pub(crate) fn of(street: &Played) -> Self {
        let (mut kmip_request, mut kmip_answer, mut kms_request, mut kms_answer) = (0, 0, 0, 0);
        for event in &street.events {
            match event.what {
                What::Request { length, .. } => kmip_request = length,
                What::Answer { length, .. } => kmip_answer = length,
                What::Bytes { length, sent: true, .. } if event.host == "proxy" && length > kms_request => {
                    (kms_request, kms_answer) = (length, 0);
                }
                What::Bytes { length, sent: false, .. } if event.host == "proxy" => {
                    kms_answer = kms_answer.max(length);
                }
                _ => {}
            }
        }
        Sizes { kmip_request, kmip_answer, kms_request: kms_request - RECORD, kms_answer: kms_answer - RECORD }
    }
}

/// Where a run has the certificates of its KMIP side from.
#[derive(Clone, Copy)]
pub(crate) enum Certificates {
    /// It makes them: an authority, the server's, and the client's.
    Made,
    /// They were there before.
    Ready,
}

/// What all runs share.
pub(crate) struct Bare {
    sizes: Sizes,
    tick: Duration,
    latency: std::ops::Range<Duration>,
    kmip_server: Arc<ServerConfig>,
    kmip_client: Arc<ClientConfig>,
    kms_server: Arc<ServerConfig>,
    kms_client: Arc<ClientConfig>,
}

impl Bare {
    /// The world in which the street's scenario would play, without the street.
    pub(crate) fn new(street: &Scenario, sizes: Sizes) -> Self {
        sim::reseed(&Entropy::new(0));
        let (kmip_server, kmip_client) = tls(KMIP_NAMES, true);
        let name = "vpce-a-lab.kms.us-east-1.vpce.amazonaws.com";
        let (kms_server, kms_client) = tls(&[name, "kms"], false);
        let (tick, latency) = (street.world.tick, street.world.latency.clone());
        Bare { sizes, tick, latency, kmip_server, kmip_client, kms_server, kms_client }
    }

    /// One run, from building the world to dropping it: the simulated time, and the bytes that the clients saw.
    pub(crate) fn play(&self, seed: u64, certificates: Certificates) -> (Duration, usize) {
        let entropy = Entropy::new(seed);
        sim::reseed(&entropy);
        let (kmip_server, kmip_client) = match certificates {
            Certificates::Made => tls(KMIP_NAMES, true),
            Certificates::Ready => (self.kmip_server.clone(), self.kmip_client.clone()),
        };
        let mut sim = turmoil::Builder::new()
            .rng_seed(entropy.number("network"))
            .epoch(SystemTime::UNIX_EPOCH + EPOCH)
            .tick_duration(self.tick)
            .min_message_latency(self.latency.start)
            .max_message_latency(self.latency.end)
            .simulation_duration(Duration::MAX)
            .build();
        let carried = Rc::new(Cell::new(0));
        let over = Rc::new(Cell::new(false));
        let sizes = self.sizes;

        let kms_server = self.kms_server.clone();
        sim.host("vpce-a", move || {
            let kms_server = kms_server.clone();
            async move {
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
                let (stream, _) = listener.accept().await?;
                let mut stream = TlsAcceptor::from(kms_server).accept(stream).await?;
                receive(&mut stream, sizes.kms_request).await?;
                send(&mut stream, sizes.kms_answer).await?;
                // The client may be gone before it could be heard.
                let _ = close(&mut stream).await;
                std::future::pending().await
            }
        });

        let (kms_client, count) = (self.kms_client.clone(), carried.clone());
        sim.host("proxy", move || {
            let (kmip_server, kms_client, count) = (kmip_server.clone(), kms_client.clone(), count.clone());
            async move {
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
                let (stream, _) = listener.accept().await?;
                let mut mongod = TlsAcceptor::from(kmip_server).accept(stream).await?;
                receive(&mut mongod, sizes.kmip_request).await?;
                let stream = Counted { stream: TcpStream::connect(("vpce-a", PORT)).await?, count };
                let name = ServerName::try_from("kms").expect("a name");
                let mut kms = TlsConnector::from(kms_client).connect(name, stream).await?;
                send(&mut kms, sizes.kms_request).await?;
                receive(&mut kms, sizes.kms_answer).await?;
                closed(&mut kms).await?;
                drop(kms);
                send(&mut mongod, sizes.kmip_answer).await?;
                let _ = closed(&mut mongod).await;
                std::future::pending().await
            }
        });

        let (count, done) = (carried.clone(), over.clone());
        sim.host("mongod", move || {
            let (kmip_client, count, done) = (kmip_client.clone(), count.clone(), done.clone());
            async move {
                let stream = Counted { stream: TcpStream::connect(("proxy", PORT)).await?, count };
                let name = ServerName::try_from("127.0.0.1").expect("an address");
                let mut proxy = TlsConnector::from(kmip_client).connect(name, stream).await?;
                send(&mut proxy, sizes.kmip_request).await?;
                receive(&mut proxy, sizes.kmip_answer).await?;
                close(&mut proxy).await?;
                done.set(true);
                std::future::pending().await
            }
        });

        while !over.get() {
            sim.step().expect("nothing fails in a bare world");
        }
        (sim.elapsed(), carried.get())
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), length: usize) -> io::Result<()> {
    stream.write_all(&vec![0; length]).await?;
    stream.flush().await
}

async fn receive(stream: &mut (impl AsyncRead + Unpin), length: usize) -> io::Result<()> {
    stream.read_exact(&mut vec![0; length]).await.map(drop)
}

/// Says close_notify and waits for the other side's.
async fn close(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.shutdown().await?;
    stream.read(&mut [0; 1]).await.map(drop)
}

/// Waits for the other side's close_notify and answers it.
async fn closed(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.read(&mut [0; 1]).await.map(drop)?;
    stream.shutdown().await
}

/// An authority, a certificate of the server, and for mutual TLS one of the client, all Ed25519.
fn tls(names: &[&str], mutual: bool) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let (server_crypto, client_crypto) = (SimCrypto::new(1), SimCrypto::new(0));
    let key = || server_crypto.new_certificate_key().expect("a key from a seed");
    let now = OffsetDateTime::UNIX_EPOCH + EPOCH;
    let params = |names: &[&str], usage: Option<ExtendedKeyUsagePurpose>| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = now - Duration::from_hours(1);
        params.not_after = now + Duration::from_hours(24 * 825);
        params.serial_number = Some([0x40; 16].to_vec().into());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = mutual;
        params.extended_key_usages = usage.into_iter().collect();
        params
    };
    let authority_key = key();
    let mut authority_params = params(&[], None);
    authority_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority_params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = authority_params.self_signed(&authority_key).expect("an authority");
    let issuer = Issuer::from_params(&authority_params, &authority_key);
    let signed = |names: &[&str], usage| -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = key();
        let certificate = params(names, Some(usage)).signed_by(&key, &issuer).expect("a certificate");
        (vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    };
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("an authority");
    let roots = Arc::new(roots);

    let builder = ServerConfig::builder_with_details(server_crypto.provider(), Arc::new(Fixed))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let (chain, key) = signed(names, ExtendedKeyUsagePurpose::ServerAuth);
    let builder = if mutual {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), server_crypto.provider());
        builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let mut server = builder.with_single_cert(chain, key).expect("a server");
    server.send_tls13_tickets = 0;

    let builder = ClientConfig::builder_with_details(client_crypto.provider(), Arc::new(Fixed))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut client = if mutual {
        let (chain, key) = signed(&[], ExtendedKeyUsagePurpose::ClientAuth);
        builder.with_client_auth_cert(chain, key).expect("a client")
    } else {
        builder.with_no_client_auth()
    };
    client.resumption = Resumption::disabled();
    (Arc::new(server), Arc::new(client))
}

/// A clock that stands.
#[derive(Debug)]
struct Fixed;

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(EPOCH))
    }
}

/// Counts what passes.
struct Counted {
    stream: TcpStream,
    count: Rc<Cell<usize>>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = space.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, space);
        self.count.update(|count| count + space.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.count.update(|count| count + written);
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
