//! A connection to a KMIP server over mutual TLS: one message out, one message in.
//!
//! Invariant: an answer is read as far as it comes, up to a limit; its length is believed only as a bound.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kmip_proxy::env::Env;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tap;

/// The longest answer that is read.
const LONGEST: usize = 16 << 20;

/// The files of mutual TLS, and the name that the server's certificate must have.
#[derive(Clone, Debug)]
pub struct Credentials<'a> {
    /// PEM file of the authorities that the server's certificate must come from.
    pub authority: &'a Path,
    /// PEM file of the client's certificate chain.
    pub certificate: &'a Path,
    /// PEM file of its key; may be the same file.
    pub key: &'a Path,
}

/// The client's side of TLS.
pub fn tls(env: &Env, credentials: &Credentials<'_>) -> Result<Arc<ClientConfig>, String> {
    let Credentials { authority, certificate, key } = *credentials;
    tap::client_tls(env, &tap::Credentials { authority, own: Some((certificate, key)) })
}

/// Where a server listens, and how to speak to it.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name that its certificate must have.
    pub name: ServerName<'static>,
    /// The client's side of TLS.
    pub tls: Arc<ClientConfig>,
    /// How long one exchange may take.
    pub deadline: Duration,
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TlsStream<TcpStream>,
    deadline: Duration,
}

impl Connection {
    /// Connects, with the handshake.
    pub async fn open(address: &Address) -> Result<Self, String> {
        let connect = async {
            let stream = TcpStream::connect((address.host.as_str(), address.port))
                .await
                .map_err(|error| format!("cannot connect: {error}"))?;
            TlsConnector::from(address.tls.clone())
                .connect(address.name.clone(), stream)
                .await
                .map_err(|error| format!("no TLS: {error}"))
        };
        let stream = tokio::time::timeout(address.deadline, connect).await;
        let stream = stream.map_err(|_| format!("no connection within {:?}", address.deadline))??;
        Ok(Connection { stream, deadline: address.deadline })
    }

    /// Sends a message and returns the answer's bytes.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        let deadline = self.deadline;
        let answer = tokio::time::timeout(deadline, self.ask(request)).await;
        answer.unwrap_or_else(|_| Err(format!("no whole answer within {deadline:?}")))
    }

    async fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, String> {
        let sent = async {
            self.stream.write_all(request).await?;
            self.stream.flush().await
        };
        // A server that has hung up may have said why before: what it says is read even so.
        let sent: io::Result<()> = sent.await;
        let mut answer = Vec::new();
        self.read(&mut answer, 8).await.map_err(|error| match (sent, answer.len()) {
            (Err(before), _) => format!("the request could not be sent: {before}"),
            (Ok(()), 0) => format!("the server hung up without an answer{}", because(&error)),
            (Ok(()), count) => format!("the server hung up after {count} bytes{}", because(&error)),
        })?;
        if answer[..4] != [0x42, 0x00, 0x7B, 0x01] {
            return Err(format!("what came begins with {}, which is no answer of KMIP", crate::trace::hex(&answer)));
        }
        let length = u32::from_be_bytes([answer[4], answer[5], answer[6], answer[7]]) as usize;
        if length > LONGEST {
            return Err(format!("an answer that claims {length} bytes; more than {LONGEST} are not read"));
        }
        self.read(&mut answer, length).await.map_err(|error| {
            format!("the server hung up {} bytes into an answer of {}{}", answer.len(), length + 8, because(&error))
        })?;
        Ok(answer)
    }

    async fn read(&mut self, into: &mut Vec<u8>, more: usize) -> io::Result<()> {
        let until = into.len() + more;
        while into.len() < until {
            let left = u64::try_from(until - into.len()).unwrap_or(u64::MAX);
            if (&mut self.stream).take(left).read_buf(into).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// An error that says more than that the other side has closed.
fn because(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof && error.get_ref().is_none() {
        String::new()
    } else {
        format!(": {error}")
    }
}
