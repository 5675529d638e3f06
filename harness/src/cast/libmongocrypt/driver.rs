//! One exchange of PyMongo on behalf of libmongocrypt: a connection, a request, its answer, and the end.
//!
//! In order: every address of the name is tried, then the handshake, the request, eight bytes of the answer and then the
//! rest. The connection is dropped without a good-bye. The driver gives connecting and each read 20 s; here the whole
//! exchange has `connectTimeoutMS`.
//!
//! Invariant: a failure of the network is put into the words of Python here and nowhere else.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use kmip_proxy::env::BoxStream;
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Trouble;
use crate::cast::{Settings, Stage, exchange, tls};
use crate::trace::What;
use crate::wire::{Answer, Item};

/// The longest value of an answer that libmongocrypt takes, in bytes.
const MAXIMUM_VALUE: u32 = 16 * 1024 * 1024;

/// Tag, type and length of the outermost item.
const PREFIX: usize = 8;

const TIMED_OUT: &str = "timed out";

/// Why there is no answer.
enum Failed {
    /// The network, in Python's words.
    Network(String),
    /// The answer, in libmongocrypt's words.
    Answer(&'static str),
}

impl Failed {
    fn text(&self) -> &str {
        match self {
            Failed::Network(text) => text,
            Failed::Answer(text) => text,
        }
    }
}

/// Sends a request to the first server and reads its answer, which may be a failure of the operation.
pub(super) async fn ask(
    stage: &Stage,
    settings: &Settings,
    config: &Arc<ClientConfig>,
    request: &Item,
) -> Result<Answer, Trouble> {
    let (host, port) = (settings.hosts().next().unwrap_or_default(), settings.port);
    let until = Instant::now() + settings.connect_timeout;
    let late = || Failed::Network(TIMED_OUT.to_owned());
    let trouble = |failed: Failed| match failed {
        Failed::Network(words) => {
            let cause = Some(format!("{host}:{port}: {words}"));
            Trouble { text: "KMS request failed due to network error".to_owned(), cause }
        }
        Failed::Answer(text) => Trouble::new(text),
    };
    let connected = timeout_at(until, connect(stage, host, port, config)).await;
    let mut stream = connected.unwrap_or_else(|_| Err(late())).map_err(trouble)?;
    let (exchange, bytes) = exchange::asked(stage, request);
    let began = stage.trace.now();
    let talked = timeout_at(until, talk(&mut stream, &bytes)).await.unwrap_or_else(|_| Err(late()));
    let bytes = talked.map_err(|failed| {
        stage.record(What::NoAnswer { exchange, why: failed.text().to_owned() });
        trouble(failed)
    })?;
    let after = stage.trace.now().saturating_sub(began);
    let answer = exchange::answered(stage, exchange, request, &bytes, after);
    // The client takes what it needs and looks no further; the laboratory looks once (invariant K6).
    let surplus = exchange::waiting(&mut stream).await.len();
    if surplus > 0 {
        exchange::surplus(stage, exchange, surplus);
    }
    // libmongocrypt's reader forgives more than the laboratory's: where the latter cannot read, this one still might.
    answer.ok_or_else(|| Trouble::new("Error getting KMIP response: KMIP parser does not have complete message"))
}

async fn connect(
    stage: &Stage,
    host: &str,
    port: u16,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<BoxStream>, Failed> {
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => {
            let found = stage.env.resolver.resolve(host).await;
            found.map_err(|error| Failed::Network(resolver_words(&error)))?
        }
    };
    let mut refused = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match stage.env.network.connect(SocketAddr::new(address, port)).await {
            Ok(stream) => {
                // A name that no certificate could carry can match none.
                let name = ServerName::try_from(host.to_owned()).map_err(|_| Failed::Network(mismatch(host)))?;
                let shaken = TlsConnector::from(config.clone()).connect(name, stream).await;
                return shaken.map_err(|error| Failed::Network(words(&error, host)));
            }
            Err(error) => refused = error,
        }
    }
    Err(Failed::Network(match refused.kind() {
        io::ErrorKind::NotFound => resolver_words(&refused),
        _ => words(&refused, host),
    }))
}

/// Writes a request and reads the bytes of one answer.
async fn talk(stream: &mut TlsStream<BoxStream>, request: &[u8]) -> Result<Vec<u8>, Failed> {
    // The name was checked in the handshake.
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Failed::Network("KMS connection closed".to_owned()),
        _ => Failed::Network(words(&error, "")),
    };
    stream.write_all(request).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let mut prefix = [0; PREFIX];
    stream.read_exact(&mut prefix).await.map_err(failed)?;
    let [.., a, b, c, d] = prefix;
    let length = u32::from_be_bytes([a, b, c, d]);
    if length > MAXIMUM_VALUE {
        return Err(Failed::Answer("KMS KMIP response too large"));
    }
    let mut answer = prefix.to_vec();
    let read = stream.take(u64::from(length)).read_to_end(&mut answer).await.map_err(failed)?;
    if read < length as usize {
        return Err(failed(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(answer)
}

/// What Python says of a failed connection, handshake, read or write.
fn words(error: &io::Error, host: &str) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(error)) => return certificate_words(error, host),
        Some(rustls::Error::AlertReceived(alert)) => {
            return tls::alert_words(*alert).map_or_else(|| error.to_string(), str::to_owned);
        }
        _ => {}
    }
    let text = match error.kind() {
        io::ErrorKind::ConnectionRefused => "[Errno 111] Connection refused",
        io::ErrorKind::ConnectionReset => "[Errno 104] Connection reset by peer",
        io::ErrorKind::BrokenPipe => "[Errno 32] Broken pipe",
        io::ErrorKind::NetworkUnreachable => "[Errno 101] Network is unreachable",
        io::ErrorKind::HostUnreachable => "[Errno 113] No route to host",
        io::ErrorKind::TimedOut => TIMED_OUT,
        io::ErrorKind::UnexpectedEof => "EOF occurred in violation of protocol",
        _ => return error.to_string(),
    };
    text.to_owned()
}

fn certificate_words(error: &CertificateError, host: &str) -> String {
    let text = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "certificate is not yet valid",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => return mismatch(host),
        CertificateError::UnknownIssuer => "unable to get local issuer certificate",
        _ => "unspecified certificate verification error",
    };
    verify_failed(text)
}

fn mismatch(host: &str) -> String {
    let what = if host.parse::<IpAddr>().is_ok() { "IP address" } else { "Hostname" };
    verify_failed(&format!("{what} mismatch, certificate is not valid for '{host}'."))
}

fn verify_failed(text: &str) -> String {
    format!("certificate verify failed: {text}")
}

/// What Python says of a name without address. That any other failure of the resolver is a temporary one is inferred.
fn resolver_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "[Errno -2] Name or service not known".to_owned(),
        _ => "[Errno -3] Temporary failure in name resolution".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::*;

    #[test]
    fn failures_are_said_in_the_words_of_python() {
        let tls = |error| words(&io::Error::new(io::ErrorKind::InvalidData, error), "kmip-a");
        let expired = tls(rustls::Error::InvalidCertificate(CertificateError::Expired));
        assert_eq!(expired, "certificate verify failed: certificate has expired");
        assert_eq!(tls(rustls::Error::AlertReceived(AlertDescription::UnknownCA)), "tlsv1 alert unknown ca");
        assert_eq!(words(&io::ErrorKind::ConnectionRefused.into(), ""), "[Errno 111] Connection refused");
        assert_eq!(words(&io::ErrorKind::UnexpectedEof.into(), ""), "EOF occurred in violation of protocol");
        assert_eq!(resolver_words(&io::ErrorKind::NotFound.into()), "[Errno -2] Name or service not known");
        let wrong = "certificate verify failed: IP address mismatch, certificate is not valid for '127.0.0.1'.";
        assert_eq!(mismatch("127.0.0.1"), wrong);
    }
}
