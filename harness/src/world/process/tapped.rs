//! The tap before the proxy, for clients that tell nothing by themselves.
//!
//! It is put up at the first start and stands for the length of a run. What the proxy keeps in its dbpath is read anew for
//! each connection, so that a proxy which makes other certificates is the same one to the client.
//!
//! Invariant: what a client says on the wire is recorded here, on mongod's host, and by nobody else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::database::MONGOD;
use super::proxy::KNOWN_PORT;
use super::record::Record;
use crate::cast::Settings;
use crate::tap::{self, Recorder, Shown, Tap, Upstream};

/// Where clients believe the proxy to be, in the names of a run.
const PROXY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), KNOWN_PORT);

/// A tap, if it stands yet.
#[derive(Debug)]
pub(crate) struct Tapped {
    authority: PathBuf,
    /// The port of the proxy, and the tap before it.
    tap: Option<(u16, Tap)>,
}

impl Tapped {
    /// A tap that will write down its authority there.
    pub(crate) fn new(authority: PathBuf) -> Self {
        Tapped { authority, tap: None }
    }

    /// Puts it before the proxy of these settings, unless it stands there. Comes to its port.
    pub(crate) fn port(&mut self, settings: &Settings, record: &Record) -> Result<u16, String> {
        if let Some((_, tap)) = self.tap.as_ref().filter(|(port, _)| *port == settings.port) {
            return Ok(tap.address().port());
        }
        let ca = settings.ca_file.clone().unwrap_or_default();
        let client = settings.client_certificate_file.clone();
        let tap = tap::Settings {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            shown: Shown::Made { authority: self.authority.clone() },
            client_authority: Some(ca.clone()),
            upstream: Upstream {
                host: Ipv4Addr::LOCALHOST.to_string(),
                port: settings.port,
                name: None,
                authority: ca,
                own: Some((client.clone(), client)),
            },
        };
        let sink = Recorder::new(record.trace().clone(), MONGOD, PROXY);
        let tap = Tap::start(tap, Arc::new(sink)).map_err(|error| format!("no tap before the proxy: {error}"))?;
        let port = tap.address().port();
        self.tap = Some((settings.port, tap));
        Ok(port)
    }

    /// The file of its authority, which is there once it stands.
    pub(crate) fn authority(&self) -> &Path {
        &self.authority
    }
}
