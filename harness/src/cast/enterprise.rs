//! MongoDB Enterprise with `security.kmip`: what it does with its master key from start to exit, as far as its public
//! manual and tickets tell.
//!
//! In order: it looks into its data files, selects a server, has the server make a key or fetches the one from before,
//! opens the data with it, and from then on asks periodically whether the key is still active. The server is selected
//! at the start alone: the first that can be connected to is kept, and `connectRetries` are further rounds of that
//! selection.
//!
//! The program is closed. Assumed are the order of the operations, one connection for all of a start and one for each
//! poll, the timeout for each exchange, the first poll a period after the start, and every text but two log lines.
//!
//! Invariant: a database is only ever opened with a key that has proved to be its own.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use kmip_proxy::env::BoxFuture;
use kmip_proxy::keys::Secret;
use rustls::ClientConfig;

use super::requests::{self, Asking};
use super::{Database, DatabaseError, Exit, Failure, Patience, Session, Settings, Stage, client_config};
use crate::trace::{ProcessState, What};
use crate::wire::message::request;
use crate::wire::names::{OPERATION, value_name};
use crate::wire::{AnswerItem, Header, Item};

/// The state of a key that may be used.
const ACTIVE: &str = "Active";

const NOT_ACTIVE: &str = "the KMIP key is not active";

/// The protocol version of every request, major and minor.
type Version = (i32, i32);

/// Plays a server that speaks this version of KMIP.
pub(super) fn play(version: Version, stage: Stage, settings: Settings, dbpath: PathBuf) -> BoxFuture<'static, Exit> {
    Box::pin(async move { Server { version, stage, settings, dbpath }.run().await })
}

/// The process.
struct Server {
    version: Version,
    stage: Stage,
    settings: Settings,
    dbpath: PathBuf,
}

/// What a start leads to.
enum Start {
    /// The data is open; the identifier of its key, and the server that is asked from now on.
    Open(String, Selected),
    /// The data is encrypted with a new key, and the process is done.
    Rotated,
}

/// The server that was selected at the start.
struct Selected {
    host: String,
    config: Arc<ClientConfig>,
}

/// Why an operation failed.
enum Refused {
    /// The server has no such key.
    Absent,
    /// Anything else.
    Failed(String),
}

impl Server {
    async fn run(&self) -> Exit {
        match self.start().await {
            Ok(Start::Open(identifier, server)) => {
                self.stage.record(What::Process { state: ProcessState::Ready, why: None });
                self.serve(&identifier, &server).await
            }
            Ok(Start::Rotated) => Exit { reason: "master key rotation completed".to_owned(), code: "rotated" },
            Err(reason) => self.exit(reason, "start error"),
        }
    }

    async fn start(&self) -> Result<Start, String> {
        let stored = Database::read(self.stage.env.files.as_ref(), &self.dbpath).map_err(said)?;
        let wanted = self.settings.key_identifier.as_deref();
        let rotate = self.settings.rotate_master_key;
        match &stored {
            None if rotate => return Err("there is no master key to rotate".to_owned()),
            Some(_) if wanted.is_some() && !rotate => {
                return Err("a key identifier was given, but the data is encrypted already".to_owned());
            }
            _ => {}
        }
        let (server, mut session) = self.select().await?;
        let outcome = self.obtain(stored.as_ref(), wanted, &mut session).await;
        session.leave().await;
        let identifier = outcome?;
        Ok(if rotate { Start::Rotated } else { Start::Open(identifier, server) })
    }

    /// Opens the data, or encrypts it anew, with the key that the options call for.
    async fn obtain(
        &self,
        stored: Option<&Database>,
        wanted: Option<&str>,
        session: &mut Session<'_>,
    ) -> Result<String, String> {
        if let Some(database) = stored {
            let identifier = &database.key_identifier;
            // A key that is being replaced need not be active, as with Percona Server.
            let verify = self.settings.activate_keys && !self.settings.rotate_master_key;
            let key = self.fetch(session, identifier, verify).await?;
            if !database.opens_with(key.expose()) {
                return Err("the data was encrypted with another master key".to_owned());
            }
            self.record(identifier, &key, |key, material| What::Used { key, material });
            if !self.settings.rotate_master_key {
                self.tell_initialized(identifier);
                return Ok(identifier.clone());
            }
        }
        match wanted {
            Some(identifier) => {
                let key = self.fetch(session, identifier, self.settings.activate_keys).await?;
                self.encrypt(identifier, &key)?;
                self.record(identifier, &key, |key, material| What::Used { key, material });
                self.tell_initialized(identifier);
                Ok(identifier.to_owned())
            }
            None => self.create(session).await,
        }
    }

    /// Has the server make a key and encrypts the data with it.
    async fn create(&self, session: &mut Session<'_>) -> Result<String, String> {
        let created = self.ask(session, requests::create()).await.map_err(|refused| refused.at_start("new key"))?;
        let identifier = created.unique_identifier.ok_or("the KMIP server made a key and does not say which")?;
        self.stage.log('I', None, &format!("Created KMIP key with id: {identifier}"), &[]);
        if self.settings.activate_keys {
            let activated = self.ask(session, requests::activate(&identifier)).await;
            activated.map_err(|refused| refused.at_start(&identifier))?;
        }
        let key = self.fetch(session, &identifier, false).await?;
        // Before the data is encrypted: what a power cut leaves of it may need the key.
        self.record(&identifier, &key, |key, material| What::Made { key, material });
        self.encrypt(&identifier, &key)?;
        self.tell_initialized(&identifier);
        Ok(identifier)
    }

    /// Fetches a key; `verify` asks for its state first.
    async fn fetch(&self, session: &mut Session<'_>, identifier: &str, verify: bool) -> Result<Secret, String> {
        if verify {
            let answer = self.ask(session, requests::get_state(identifier)).await;
            let state = answer.map_err(|refused| refused.at_start(identifier))?.state;
            if state.as_deref() != Some(ACTIVE) {
                return Err(format!("{NOT_ACTIVE}: {identifier} is {}", state.as_deref().unwrap_or("without state")));
            }
        }
        let answer = self.ask(session, requests::get(identifier)).await;
        let answer = answer.map_err(|refused| refused.at_start(identifier))?;
        let raw = answer.key_format.as_deref() == Some("Raw") && !answer.wrapped;
        let key = answer.key_material.filter(|_| raw);
        key.map(Secret::new).ok_or_else(|| format!("the KMIP server's answer holds no raw key {identifier}"))
    }

    /// Selects the first server that can be connected to, in rounds.
    async fn select(&self) -> Result<(Selected, Session<'_>), String> {
        let config = client_config(&self.stage.env, &self.settings)?;
        let mut last = String::new();
        for _ in 0..=self.settings.connect_retries {
            for host in self.settings.hosts() {
                let server = Selected { host: host.to_owned(), config: config.clone() };
                match self.open(&server).await {
                    Ok(session) => return Ok((server, session)),
                    Err(Failure(why)) => last = format!("{host}:{}: {why}", self.settings.port),
                }
                self.stage.log('W', None, "Failed to connect to KMIP server", &[("error", &last)]);
            }
        }
        Err(format!("no KMIP server can be connected to, the last was {last}"))
    }

    async fn open(&self, server: &Selected) -> Result<Session<'_>, Failure> {
        let timeout = Some(self.settings.connect_timeout);
        let patience = Patience { first: timeout, later: timeout };
        Session::open(&self.stage, &server.host, self.settings.port, &server.config, patience).await
    }

    /// Asks for one operation and takes nothing but its success.
    async fn ask(&self, session: &mut Session<'_>, asking: Asking) -> Result<AnswerItem, Refused> {
        let operation = value_name(OPERATION, asking.0);
        let answer = session.exchange(&message(self.version, asking)).await;
        let mut answer = answer.map_err(|Failure(why)| Refused::Failed(format!("KMIP {operation} failed: {why}")))?;
        let strange = || Refused::Failed(format!("the KMIP server's answer is none to {operation}"));
        let item = answer.items.pop().filter(|_| answer.items.is_empty()).ok_or_else(strange)?;
        let reason = item.reason.as_deref().unwrap_or("no reason");
        match item.status.as_str() {
            "Success" if item.operation.as_deref() == Some(operation.as_str()) => Ok(item),
            "Success" => Err(strange()),
            _ if reason == "item-not-found" => Err(Refused::Absent),
            _ => {
                let message = item.message.as_deref().unwrap_or("no message");
                Err(Refused::Failed(format!("KMIP {operation} failed: {reason}: {message}")))
            }
        }
    }

    /// Runs until the key is no longer fit for use, if that is watched at all. A server that cannot be asked is no
    /// reason to stop, and no other one is asked.
    async fn serve(&self, identifier: &str, server: &Selected) -> Exit {
        let period = match self.settings.key_state_polling {
            Some(period) if self.settings.activate_keys && !period.is_zero() => period,
            _ => std::future::pending().await,
        };
        loop {
            tokio::time::sleep(period).await;
            match self.poll(identifier, server).await {
                Ok(Some(state)) if state == ACTIVE => {}
                Ok(state) => {
                    let state = state.unwrap_or_else(|| "without state".to_owned());
                    return self.exit(format!("{NOT_ACTIVE}: {identifier} is {state}"), "key not active");
                }
                Err(Refused::Absent) => {
                    return self.exit(format!("{NOT_ACTIVE}: {identifier} does not exist"), "key not active");
                }
                Err(Refused::Failed(why)) => {
                    self.stage.log('W', None, "The state of the KMIP key could not be read", &[("error", &why)]);
                }
            }
        }
    }

    /// Asks once for the state of a key.
    async fn poll(&self, identifier: &str, server: &Selected) -> Result<Option<String>, Refused> {
        let session = self.open(server).await;
        let mut session = session.map_err(|Failure(why)| Refused::Failed(why))?;
        let answer = self.ask(&mut session, requests::get_state(identifier)).await;
        session.leave().await;
        Ok(answer?.state)
    }

    fn encrypt(&self, identifier: &str, key: &Secret) -> Result<(), String> {
        Database::write(self.stage.env.files.as_ref(), &self.dbpath, identifier, key.expose()).map_err(said)?;
        Ok(())
    }

    fn record(&self, identifier: &str, key: &Secret, what: impl Fn(String, crate::trace::Fingerprint) -> What) {
        self.stage.record(what(identifier.to_owned(), self.stage.trace.fingerprint(key.expose())));
    }

    fn tell_initialized(&self, identifier: &str) {
        let text = format!("Encryption key manager initialized using master key with id: {identifier}");
        self.stage.log('I', None, &text, &[]);
    }

    /// Logs why the process ends, in the lab's words, and ends it.
    fn exit(&self, reason: String, code: &'static str) -> Exit {
        self.stage.log('F', None, "Encryption at rest ends the process", &[("error", &reason)]);
        Exit { reason, code }
    }
}

impl Refused {
    fn at_start(self, identifier: &str) -> String {
        match self {
            Refused::Absent => format!("the KMIP key {identifier} does not exist"),
            Refused::Failed(why) => why,
        }
    }
}

fn message(version: Version, asking: Asking) -> Item {
    request(&Header { version, maximum_response_size: None, time_stamp: None }, &[asking])
}

fn said(error: DatabaseError) -> String {
    error.to_string()
}
