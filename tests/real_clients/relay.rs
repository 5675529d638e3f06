//! A relay between a client and the proxy that ends TLS on both sides and keeps what is said in between.
//!
//! The relay's certificates are made as the proxy makes its own, so that a client notices no difference.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use kmip_proxy::env::Env;
use kmip_proxy::tls;
use rustls::{ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::client::{Client, message};
use super::dialogue::Exchange;
use super::process::{Dbpath, PATIENCE, Proxy};

/// A relay at work. It serves until the test is over.
pub(super) struct Relay {
    folder: TempDir,
    pub(super) port: u16,
    kept: Arc<Mutex<Vec<Exchange>>>,
}

impl Relay {
    /// A relay before a proxy, with a connection to it for each of the client.
    pub(super) fn before(dbpath: &Dbpath, proxy: &Proxy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = tls::generate(&Env::os(), folder.path(), Ipv4Addr::LOCALHOST.into()).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let relay = Relay { folder, port, kept: kept.clone() };
        let (towards, behind) = (dbpath.path().to_owned(), proxy.port);
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let client = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
                let (towards, kept) = (towards.clone(), kept.clone());
                std::thread::spawn(move || {
                    pass_on(client, connection + 1, Client::at(Client::config_from(&towards), behind), &kept)
                });
            }
        });
        relay
    }

    /// Where a client finds the certificates to use.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What was said so far.
    pub(super) fn kept(&self) -> Vec<Exchange> {
        self.kept.lock().unwrap().clone()
    }
}

/// Passes requests and answers on until the client is gone.
fn pass_on(
    mut client: StreamOwned<ServerConnection, TcpStream>,
    connection: usize,
    mut proxy: Client,
    kept: &Mutex<Vec<Exchange>>,
) {
    while let Ok(request) = message(&mut client) {
        let Ok(answer) = proxy.exchange(&request) else { return };
        let mut kept = kept.lock().unwrap();
        let name = format!("{:02}", kept.len() + 1);
        // Kept before it is passed on: when the client has ended, everything is there.
        kept.push(Exchange { name, connection, request, answer: answer.clone() });
        drop(kept);
        if client.write_all(&answer).and_then(|()| client.flush()).is_err() {
            return;
        }
    }
}
