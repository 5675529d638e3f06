//! One HTTP/1.1 request over one connection to one endpoint.
//!
//! The name is looked up, every address is checked against the network rules, one is connected to, TLS shakes hands,
//! the request goes out, and the whole answer is read: each step within its limit, all within the attempt's deadline.
//!
//! Invariant: everything happens inside the caller's future, so that dropping it closes the connection at once.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::ServerName;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsConnector;

use super::Class;
use super::endpoints::{Endpoint, Settings, is_private};
use crate::env::{BoxStream, Env};

/// How many bytes of an answer's body are read; the largest real ones, key policies aside, stay under ten thousand.
pub const LARGEST_ANSWER: usize = 64 * 1024;

/// How many of a name's addresses are tried; all of them are checked.
pub const MOST_ADDRESSES: usize = 4;

/// A moment after which nobody waits any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// A deadline some time from now. The moment is read off a timer, because timers are what a simulation pauses.
    pub(super) fn after(time: Duration) -> Self {
        Deadline(sleep(time).deadline())
    }

    /// This deadline, or one some time from now, whichever comes first.
    pub(super) fn sooner(self, time: Duration) -> Self {
        Deadline(self.0.min(Deadline::after(time).0))
    }

    /// The deadline of the first of so many who share the time that is left.
    pub(super) fn share(self, among: usize) -> Self {
        self.sooner(self.left() / u32::try_from(among.max(1)).unwrap_or(u32::MAX))
    }

    /// The time that is left.
    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Deadline::after(Duration::ZERO).0)
    }

    /// Waits for a future, but not longer.
    pub(super) async fn limit<F: Future>(self, future: F) -> Option<F::Output> {
        timeout_at(self.0, future).await.ok()
    }
}

/// What every connection to a cloud needs.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) env: Env,
    pub(super) settings: Settings,
    /// Made at first use, because the system's authorities are more than a hundred files.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Transport {
    pub(super) fn new(env: Env, settings: Settings) -> Self {
        Transport { env, settings, tls: OnceLock::new() }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, TransportError> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let roots = match &self.settings.cloud_ca {
            Some(roots) => roots.clone(),
            None => self.env.roots.roots().map_err(|error| TransportError::Roots(error.to_string()))?,
        };
        let mut config = ClientConfig::builder_with_details(self.env.crypto.provider(), self.env.tls_time())
            .with_safe_default_protocol_versions()
            .map_err(|error| TransportError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // One request, one connection: what a resumed session saves is not worth a state between requests.
        config.resumption = Resumption::disabled();
        Ok(self.tls.get_or_init(|| Arc::new(config)).clone())
    }
}

/// The way to one endpoint, for one attempt.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) transport: Arc<Transport>,
    pub(super) endpoint: Endpoint,
    /// Whether only private addresses may be connected to.
    pub(super) only_private: bool,
    /// When this attempt ends.
    pub(super) deadline: Deadline,
}

impl Channel {
    /// Sends a request, of whose URI only the path counts, and reads the whole answer.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = self.addressed(request)?;
        let addresses = self.addresses().await?;
        self.check(&addresses)?;
        let mut stream = self.connect(&addresses).await?;
        if self.endpoint.tls {
            stream = self.handshake(stream).await?;
        }
        self.deadline.limit(exchange(stream, request)).await.ok_or(TransportError::AnswerTimeout)?
    }

    fn addressed(&self, request: Request<Bytes>) -> Result<Request<Full<Bytes>>, TransportError> {
        let (mut parts, body) = request.into_parts();
        parts.uri = parts.uri.path_and_query().map_or_else(|| Uri::from_static("/"), |path| Uri::from(path.clone()));
        let host = HeaderValue::try_from(self.endpoint.authority())
            .map_err(|_| TransportError::Io("the Host header cannot carry the endpoint's name".to_owned()))?;
        parts.headers.insert(HOST, host);
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        Ok(Request::from_parts(parts, Full::new(body)))
    }

    /// The limit of the next step before the request goes out.
    fn setup(&self) -> Deadline {
        self.deadline.sooner(self.transport.settings.connect_timeout)
    }

    async fn addresses(&self) -> Result<Vec<IpAddr>, TransportError> {
        if let Some(ip) = self.endpoint.dial.ip() {
            return Ok(vec![ip]);
        }
        let lookup = self.transport.env.resolver.resolve(&self.endpoint.dial.host);
        match self.setup().limit(lookup).await {
            Some(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                Err(TransportError::Dns(format!("name lookup failed: {}", one_line(&error))))
            }
            Some(_) => Err(TransportError::Dns("name not found".to_owned())),
            None => Err(TransportError::Dns("name lookup timed out".to_owned())),
        }
    }

    /// Checks all addresses, also those that would not be tried: a name that mixes both kinds is not to be trusted.
    fn check(&self, addresses: &[IpAddr]) -> Result<(), TransportError> {
        if self.only_private
            && let Some(public) = addresses.iter().find(|ip| !is_private(**ip))
        {
            return Err(TransportError::NotPrivate(*public));
        }
        if self.endpoint.tls {
            return Ok(());
        }
        if !self.transport.settings.allow_plain_http {
            return Err(TransportError::PlainHttp);
        }
        match addresses.iter().find(|ip| !ip.to_canonical().is_loopback()) {
            Some(abroad) => Err(TransportError::PlainHttpAbroad(*abroad)),
            None => Ok(()),
        }
    }

    /// Tries the addresses in order; they share the time for connecting equally, so that a black hole leaves some.
    async fn connect(&self, addresses: &[IpAddr]) -> Result<BoxStream, TransportError> {
        let limit = self.setup();
        let tried = addresses.len().min(MOST_ADDRESSES);
        let mut failure = TransportError::ConnectTimeout;
        for (position, ip) in addresses.iter().take(tried).enumerate() {
            let to = SocketAddr::new(*ip, self.endpoint.dial.port);
            match limit.share(tried - position).limit(self.transport.env.network.connect(to)).await {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => failure = TransportError::from_io(&error),
                None => failure = TransportError::ConnectTimeout,
            }
        }
        Err(failure)
    }

    async fn handshake(&self, stream: BoxStream) -> Result<BoxStream, TransportError> {
        let host = &self.endpoint.server.host;
        let name = ServerName::try_from(host.clone())
            .map_err(|_| TransportError::Tls(format!("`{host}` cannot be a certificate's name")))?;
        let connector = TlsConnector::from(self.transport.tls()?);
        match self.setup().limit(connector.connect(name, stream)).await {
            Some(Ok(stream)) => Ok(Box::new(stream)),
            Some(Err(error)) => Err(TransportError::from_tls(&error)),
            None => Err(TransportError::TlsTimeout),
        }
    }
}

/// Why no answer came, in the words that the operator reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The name has no address.
    #[error("{0}")]
    Dns(String),
    /// An address, among those of the name, is not private.
    #[error("not connected: {0} is not a private address")]
    NotPrivate(IpAddr),
    /// Plain http is not allowed at all.
    #[error("not connected: plain http is not allowed")]
    PlainHttp,
    /// Plain http is not allowed to this address.
    #[error("not connected: plain http is for loopback alone, and {0} is elsewhere")]
    PlainHttpAbroad(IpAddr),
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// No answer to the connection attempt.
    #[error("connect timed out")]
    ConnectTimeout,
    /// No answer to the TLS handshake.
    #[error("TLS handshake timed out")]
    TlsTimeout,
    /// The TLS handshake failed.
    #[error("TLS: {0}")]
    Tls(String),
    /// The certificate is not accepted.
    #[error("TLS: {0}")]
    Certificate(String),
    /// The trusted authorities could not be read.
    #[error("the trusted certificate authorities could not be read: {0}")]
    Roots(String),
    /// The connection was cut before the whole answer had come.
    #[error("connection reset")]
    Reset,
    /// The request went out, and no whole answer came in time.
    #[error("answer timed out")]
    AnswerTimeout,
    /// The answer is longer than [`LARGEST_ANSWER`].
    #[error("answer too large")]
    TooLarge,
    /// The answer is not HTTP.
    #[error("answer is not HTTP")]
    Garbage,
    /// Another failure of the operating system.
    #[error("connection failed: {0}")]
    Io(String),
}

impl TransportError {
    /// The class of a call that ended so.
    pub fn class(&self) -> Class {
        match self {
            TransportError::NotPrivate(_) => Class::NetworkNotPrivate,
            TransportError::Roots(_) => Class::FileUnavailable,
            TransportError::AnswerTimeout => Class::DeadlineExceeded,
            TransportError::TooLarge | TransportError::Garbage => Class::BadResponse,
            TransportError::Dns(_)
            | TransportError::PlainHttp
            | TransportError::PlainHttpAbroad(_)
            | TransportError::Refused
            | TransportError::ConnectTimeout
            | TransportError::TlsTimeout
            | TransportError::Tls(_)
            | TransportError::Certificate(_)
            | TransportError::Reset
            | TransportError::Io(_) => Class::EndpointUnreachable,
        }
    }

    fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => TransportError::Refused,
            io::ErrorKind::TimedOut => TransportError::ConnectTimeout,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => TransportError::Reset,
            _ => TransportError::Io(one_line(error)),
        }
    }

    fn from_tls(error: &io::Error) -> Self {
        let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
            return TransportError::from_io(error);
        };
        let rustls::Error::InvalidCertificate(certificate) = error else {
            return TransportError::Tls(one_line(error));
        };
        TransportError::Certificate(match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate expired".to_owned(),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "certificate not valid yet".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "certificate is for another name".to_owned()
            }
            // A bad signature is what an authority of the same name with another key leaves behind.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "certificate from an unknown authority".to_owned()
            }
            other => format!("certificate not accepted: {}", one_line(other)),
        })
    }

    fn from_hyper(error: &hyper::Error) -> Self {
        if error.is_parse() {
            return TransportError::Garbage;
        }
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return TransportError::Reset;
        }
        match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            Some(error) => TransportError::from_tls(error),
            None => TransportError::Io(one_line(error)),
        }
    }
}

/// Sends the request and reads the answer, while driving the connection that carries both.
async fn exchange(stream: BoxStream, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, TransportError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(LARGEST_ANSWER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| TransportError::from_hyper(&error))?;
    let answer = async move {
        let response = sender.send_request(request).await.map_err(|error| TransportError::from_hyper(&error))?;
        let (parts, body) = response.into_parts();
        match Limited::new(body, LARGEST_ANSWER).collect().await {
            Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(TransportError::TooLarge),
            Err(error) => Err(match error.downcast_ref::<hyper::Error>() {
                Some(error) => TransportError::from_hyper(error),
                None => TransportError::Io("the answer could not be read".to_owned()),
            }),
        }
    };
    let mut answer = pin!(answer);
    let mut connection = pin!(connection);
    let mut connected = true;
    std::future::poll_fn(|context| {
        // The connection wakes this task when it has something for the answer. Once it has ended, the answer is asked
        // one last time: it either has everything by then or fails.
        loop {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            if !connected || connection.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            connected = false;
        }
    })
    .await
}

/// An error's text without line breaks.
fn one_line(error: &impl ToString) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
