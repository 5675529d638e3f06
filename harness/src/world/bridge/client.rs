//! What every real client on mongod's host has in common: the door, the pace, its certificates, and what was said.
//!
//! Invariant: a start that is over leaves no connection, and its client no way in.

use std::cell::{Cell, RefCell};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmip_proxy::env::Env;
use kmip_proxy::tls;
use rustls::ServerConfig;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::gateway::{Gateway, Input, Pipe};
use super::halt::{Halt, Halted};
use super::pace::{OnTheWall, Pace, Pulse};
use super::recording::Recording;
use super::relay;
use crate::cast::{Settings, Stage, overheard};
use crate::trace::Fingerprint;

/// The step of a bridged simulation. A real client notices nothing below that.
pub(super) const TICK: Duration = Duration::from_millis(1);

/// What lives as long as the cell.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) gateway: Gateway,
    pub(super) pulse: Pulse,
    pub(super) recording: Recording,
    pace: RefCell<Pace<OnTheWall>>,
    /// kmipCA.pem and kmipClient.pem, for the real client.
    certificates: TempDir,
    /// Why nothing can be said of the product.
    pub(super) halted: Halted,
    interrupted: Arc<AtomicBool>,
    /// Whether the process is being cut off, not told to stop.
    pub(super) cut_off: Cell<bool>,
}

impl Client {
    /// For one cell. `interrupted` is set when the user wants it all to end.
    pub(super) fn new(interrupted: &Arc<AtomicBool>) -> Result<Self, String> {
        let pulse = Pulse::default();
        let folder = tempfile::Builder::new().prefix("kmiplab-bridge-").tempdir();
        Ok(Client {
            gateway: Gateway::open(None, &pulse)?,
            pace: RefCell::new(Pace::new(pulse.clone(), OnTheWall::new(), TICK)),
            pulse,
            recording: Recording::default(),
            certificates: folder.map_err(|error| format!("cannot make a folder for certificates: {error}"))?,
            halted: Halted::default(),
            interrupted: interrupted.clone(),
            cut_off: Cell::new(false),
        })
    }

    /// The folder of the certificates.
    pub(super) fn certificates(&self) -> &Path {
        self.certificates.path()
    }

    /// Waits before a step; an error ends the run.
    pub(super) fn wait(&self) -> Result<(), String> {
        if self.interrupted.load(Ordering::Relaxed) {
            self.halted.say(Halt::Interrupted);
        } else if self.halted.said().is_none()
            && let Err(why) = self.pace.borrow_mut().wait()
        {
            self.halted.say(Halt::Inconclusive(why));
        }
        match self.halted.said() {
            Some(halt) => Err(format!("{halt:?}")),
            None => Ok(()),
        }
    }

    /// Begins a start: new certificates, as the proxy makes them, and the door leads here.
    pub(super) fn begin<T: Send + 'static>(&self, stage: &Stage, settings: &Settings) -> Result<Start<'_, T>, String> {
        // The real client checks them by the clock on the wall, so that the outside of these is the real one.
        let server = tls::generate(&Env::os(), self.certificates.path(), Ipv4Addr::LOCALHOST.into());
        let server = server.map_err(|error| format!("the gateway's certificates: {error}"))?;
        let (send, inbox) = unbounded_channel();
        let to = send.clone();
        self.gateway.lead_to(Some(Box::new(move |pipe| {
            // A start that is over takes no more; then the connection is closed.
            let _ = to.send(Input::Connection(pipe));
        })));
        self.cut_off.set(false);
        self.recording.start(stage.trace.now());
        Ok(Start {
            client: self,
            number: self.pulse.begin(),
            stage: stage.clone(),
            settings: settings.clone(),
            server,
            send,
            inbox,
            connections: JoinSet::new(),
            ear: Ear { recording: self.recording.clone(), heard: Arc::default() },
        })
    }
}

/// One start of a client.
pub(super) struct Start<'a, T> {
    client: &'a Client,
    /// Which start it is.
    number: u64,
    pub(super) stage: Stage,
    settings: Settings,
    server: Arc<ServerConfig>,
    send: UnboundedSender<Input<T>>,
    inbox: UnboundedReceiver<Input<T>>,
    connections: JoinSet<()>,
    ear: Ear,
}

impl<T: Send + 'static> Start<'_, T> {
    /// What a thread calls that hears the client's process.
    pub(super) fn hearing(&self) -> impl FnMut(T) + Send + use<T> {
        let (send, pulse, number) = (self.send.clone(), self.client.pulse.clone(), self.number);
        move |said| {
            pulse.said(number);
            // Whoever is no more hears nothing.
            let _ = send.send(Input::Said(said));
        }
    }

    /// Carries connections until the process says something.
    pub(super) async fn next(&mut self) -> Option<T> {
        loop {
            match self.inbox.recv().await? {
                Input::Connection(pipe) => self.carry(pipe),
                Input::Said(said) => {
                    self.client.pulse.heard(self.number);
                    return Some(said);
                }
            }
        }
    }

    fn carry(&mut self, pipe: Pipe) {
        let (server, stage, settings, ear) =
            (self.server.clone(), self.stage.clone(), self.settings.clone(), self.ear.clone());
        let halted = self.client.halted.clone();
        self.connections.spawn_local(async move {
            // A connection that breaks ends itself and nothing else.
            let carry = async { Ok(relay::carry(pipe, server, &stage, &settings, &ear).await) };
            let _ = halted.heed(carry).await;
        });
    }

    /// What the client was given, or made, since this was asked last.
    pub(super) fn heard(&self) -> Heard {
        std::mem::take(&mut *self.ear.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends all connections.
    pub(super) fn hang_up(&mut self) {
        self.connections.abort_all();
    }
}

impl<T> Drop for Start<'_, T> {
    fn drop(&mut self) {
        self.client.gateway.lead_to(None);
        self.client.pulse.nobody();
    }
}

/// What passed on the connections of a start.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Keys, and decrypted data keys, with the identifiers under which the client was given them.
    pub(super) given: Vec<(String, Fingerprint)>,
    /// What the client handed over itself: the identifier, its bytes, and what the server made of them.
    pub(super) made: Vec<Made>,
}

/// Something of its own that a client handed over.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) key: String,
    pub(super) material: Vec<u8>,
    pub(super) iv: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

#[derive(Clone)]
struct Ear {
    recording: Recording,
    heard: Arc<Mutex<Heard>>,
}

impl Ear {
    fn keep(&self, keep: impl FnOnce(&mut Heard)) {
        keep(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl relay::Ear for Ear {
    fn connected(&self, at: Duration) -> usize {
        self.recording.connected(at)
    }

    fn closed(&self, connection: usize, at: Duration) {
        self.recording.closed(connection, at);
    }

    fn request(&self, connection: usize, at: Duration, bytes: &[u8]) {
        self.recording.request(connection, at, bytes);
    }

    fn answer(&self, connection: usize, at: Duration, bytes: &[u8]) {
        self.recording.answer(connection, at, bytes);
    }

    fn given(&self, key: &str, material: &Fingerprint) {
        self.keep(|heard| heard.given.push((key.to_owned(), material.clone())));
    }

    fn made(&self, made: &overheard::Made<'_>) {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.clone().unwrap_or_default();
        let (iv, ciphertext) = (bytes(&made.answered.iv), bytes(&made.answered.data));
        if !ciphertext.is_empty() {
            self.recording.hide(&ciphertext);
        }
        let (key, material) = (made.key.to_owned(), made.material.to_vec());
        self.keep(|heard| heard.made.push(Made { key, material, iv, ciphertext }));
    }
}
