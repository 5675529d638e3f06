//! Where the cloud is, and one exchange with it: HTTP/1.1 on a connection of its own.
//!
//! Invariant: whoever asks has an answer or a reason within [`PATIENCE`].

use std::fmt;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long an answer may take: these clouds are on this machine, or close to it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer, in bytes: far beyond what KMS ever says.
const LONGEST: usize = 1024 * 1024;

/// What belongs to a connection, and not to what is said on it.
const HOP_BY_HOP: [header::HeaderName; 4] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::TE, header::UPGRADE];

/// Where a cloud is that somebody else runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| format!("`{text}` {why}: write it as http://127.0.0.1:4566");
        let uri: Uri = text.parse().map_err(|_| wrong("is no URL"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(wrong(
                    "is https, and this version speaks plain HTTP alone to a cloud that somebody else runs (the proxy \
                     is given TLS all the same, by the laboratory)",
                ));
            }
            _ => return Err(wrong("is no URL that begins with http://")),
        }
        let plain = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().filter(|authority| plain && !authority.as_str().contains('@'));
        let authority = authority.ok_or_else(|| wrong("has more in it than a host and a port"))?;
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        Ok(Address { host: host.to_owned(), port: authority.port_u16().unwrap_or(80) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority())
    }
}

impl Address {
    /// Host and port as a Host header has them.
    pub(super) fn authority(&self) -> String {
        let Address { host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Asks, and comes to the answer or to why there is none.
    pub(super) fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        // Whoever asks may stand in a runtime, in which nobody may wait.
        thread::scope(|scope| {
            let asking = thread::Builder::new().name("foreign-cloud".to_owned());
            let asking = asking.spawn_scoped(scope, || self.ask_here(request)).map_err(|error| error.to_string())?;
            asking.join().unwrap_or_else(|_| Err("asking it has panicked: a bug of the laboratory".to_owned()))
        })
    }

    fn ask_here(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let answer = runtime
            .map_err(|error| error.to_string())?
            .block_on(async { tokio::time::timeout(PATIENCE, self.exchange(request)).await });
        answer.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        HOP_BY_HOP.iter().for_each(|name| drop(request.headers_mut().remove(name)));
        let connected = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = connected.map_err(|error| error.to_string())?;
        let told = |error: hyper::Error| format!("it does not speak HTTP: {error}");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
        let exchange = async move {
            let (mut head, body) = sender.send_request(request.map(Full::new)).await.map_err(told)?.into_parts();
            let body = Limited::new(body, LONGEST).collect().await.map_err(|error| error.to_string())?.to_bytes();
            HOP_BY_HOP.iter().for_each(|name| drop(head.headers.remove(name)));
            head.headers.remove(header::CONTENT_LENGTH);
            Ok(Response::from_parts(head, body))
        };
        // The connection ends when the exchange has dropped its sender.
        let (answer, _): (Result<_, String>, _) = tokio::join!(exchange, connection);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_of_plain_http() {
        let read = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(read("http://127.0.0.1:4566").as_deref(), Ok("http://127.0.0.1:4566"));
        assert_eq!(read("http://localstack:4566/").as_deref(), Ok("http://localstack:4566"));
        assert_eq!(read("http://[::1]:4566").as_deref(), Ok("http://[::1]:4566"));
        assert_eq!(read("http://moto").as_deref(), Ok("http://moto:80"));
        for (wrong, why) in [
            ("https://127.0.0.1:4566", "is https, and this version speaks plain HTTP alone"),
            ("127.0.0.1:4566", "is no URL"),
            ("ftp://127.0.0.1", "is no URL that begins with http://"),
            ("http://me:secret@127.0.0.1", "has more in it than a host and a port"),
            ("http://127.0.0.1/kms", "has more in it than a host and a port"),
            ("http://", "is no URL"),
        ] {
            let told = read(wrong).unwrap_err();
            assert!(told.starts_with(&format!("`{wrong}` {why}")), "{told}");
        }
    }
}
