//! What a tap tells, and to whom.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that happened at the tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The time since the tap was started, by the clock on the wall.
    pub at: Duration,
    /// The connection, counted from 1.
    pub connection: u64,
    /// What.
    pub what: Happened,
}

/// The kinds of events. Of each connection `Opened` or `Refused` comes first, and `Closed` last where it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Both handshakes are done.
    Opened(Opened),
    /// It never came to a connection.
    Refused {
        /// At whom it failed; [`Side::Tap`] where the tap's own files do not serve.
        by: Side,
        /// Why. An alert is told in the words of the standard.
        why: String,
    },
    /// A whole request, before its last byte is passed on.
    Request(Vec<u8>),
    /// A whole answer, before its last byte is passed on.
    Answer(Vec<u8>),
    /// From here on one side's bytes are no messages that can be told apart; they are passed on all the same.
    Unframed {
        /// Whose bytes.
        from: Side,
        /// What is wrong with them.
        why: String,
    },
    /// A side sends no more. The other one may go on.
    Ended {
        /// Which.
        by: Side,
        /// How.
        how: End,
        /// The bytes of a message that did not come to its end.
        left: usize,
    },
    /// It is over.
    Closed {
        /// Who ended first; [`Side::Tap`] where the tap was ended.
        by: Side,
        /// How many bytes the client sent.
        sent: u64,
        /// How many bytes the server sent.
        received: u64,
    },
}

/// What is known of a connection after the handshakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The client's address.
    pub from: SocketAddr,
    /// The client's side of the tap.
    pub client: Tls,
    /// The server's side of the tap.
    pub server: Tls,
}

/// What a handshake has come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The version, such as `TLS 1.3`.
    pub version: String,
    /// The cipher suite by its name in the register of IANA.
    pub cipher: String,
    /// Whose certificate was shown to the tap, if any.
    pub peer: Option<Peer>,
}

/// Whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// The subject, such as `CN=mongod,O=Example`.
    pub subject: String,
    /// The SHA-256 of the certificate in hexadecimal.
    pub sha256: String,
}

/// The ones who can do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The KMIP client.
    Client,
    /// The KMIP server.
    Server,
    /// The tap.
    Tap,
}

/// How a side ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// In good order.
    CloseNotify,
    /// With the end of the TCP connection, and without a good-bye.
    WithoutCloseNotify,
    /// With an error, in these words.
    Broken(String),
}

impl Side {
    /// The spelling in files and texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Client => "client",
            Side::Server => "server",
            Side::Tap => "tap",
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::CloseNotify => f.write_str("close_notify"),
            End::WithoutCloseNotify => f.write_str("the end of TCP without close_notify"),
            End::Broken(why) => f.write_str(why),
        }
    }
}

/// Who is told. Events of one connection come in order; a tap tells them one after the other, and waits for each.
pub trait Sink: Send + Sync {
    /// Takes an event.
    fn take(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Sink for F {
    fn take(&self, event: &Event) {
        self(event);
    }
}

/// Whoever waits for events at the other end of a channel.
#[derive(Debug)]
pub struct Channel(pub Sender<Event>);

impl Sink for Channel {
    fn take(&self, event: &Event) {
        // Nobody may be listening any more.
        let _ = self.0.send(event.clone());
    }
}

/// Several, in this order.
pub struct All(pub Vec<Arc<dyn Sink>>);

impl Sink for All {
    fn take(&self, event: &Event) {
        self.0.iter().for_each(|sink| sink.take(event));
    }
}
