//! Percona Server for MongoDB 8.0 with `security.kmip`: what it does with its master key from start to exit.
//!
//! In order: it looks into its data files, decides which key it needs, makes or fetches it, opens the data with it,
//! and from then on asks periodically whether the key is still active. Dialogues are in [`dialogue`]; each is held
//! with one server after another, in rounds, without a pause, and from the first server on each time.
//!
//! Facts are from Percona Server's public sources and documentation; a comment says where something is inferred.
//!
//! Invariant: a database is only ever opened with a key that has proved to be its own.

mod dialogue;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use kmip_proxy::env::BoxFuture;
use kmip_proxy::keys::Secret;
use serde::Serialize;
use tokio::time::MissedTickBehavior;

use super::{Database, DatabaseError, Exit, Failure, Persona, Session, Settings, Stage, client_config};
use crate::trace::{ProcessState, What};
use dialogue::{Dialogue, KeyState, Read, ReadKey, SaveKey};

/// This persona.
pub(super) const PERSONA: Persona = Persona {
    name: "psmdb-8",
    description: "Percona Server for MongoDB 8.0, KMIP 1.0, keys made by the database and registered",
    evidence: "behaviour from Percona's public sources and documentation; bytes from libkmip, Percona's client \
               library, filled as Percona Server fills it; not captured from a running server",
    play,
};

/// `keyManagementFacilityType` in logs and errors.
const FACILITY: &str = "KMIP server";

const ABSENT_AT_START: &str =
    "Cannot start. Master encryption key is absent on the key management facility. Check configuration options.";
const NOT_ACTIVE: &str = "Master encryption key is not in the active state on the key management facility.";

/// The bytes of a new master key.
const KEY_LENGTH: usize = 32;

fn play(stage: Stage, settings: Settings, dbpath: PathBuf) -> BoxFuture<'static, Exit> {
    Box::pin(async move { Server { stage, settings, dbpath }.run().await })
}

/// The process.
struct Server {
    stage: Stage,
    settings: Settings,
    dbpath: PathBuf,
}

/// What a start leads to.
enum Start {
    /// The data is open; the identifier of its key.
    Open(String),
    /// The data is encrypted with a new key, and the process is done.
    Rotated,
}

/// Why the process does not start.
#[derive(Debug)]
enum Refusal {
    /// The configuration contradicts itself or the data files. No server is asked.
    Configuration(&'static str),
    /// The data files cannot be read or written.
    Files(DatabaseError),
    /// The key cannot be had, or not be used.
    Key { what: &'static str, reason: String, identifier: Option<String>, state: Option<String> },
}

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        Refusal::Files(error)
    }
}

impl Server {
    async fn run(&self) -> Exit {
        match self.start().await {
            Ok(Start::Open(identifier)) => {
                self.stage.record(What::Process { state: ProcessState::Ready, why: None });
                self.serve(&identifier).await
            }
            Ok(Start::Rotated) => {
                Exit { reason: "master key rotation completed".to_owned(), code: "MasterKeyRotationCompleted" }
            }
            Err(refusal) => self.refuse(&refusal),
        }
    }

    async fn start(&self) -> Result<Start, Refusal> {
        let stored = Database::read(self.stage.env.files.as_ref(), &self.dbpath)?;
        let wanted = self.settings.key_identifier.as_deref();
        match stored {
            None if self.settings.rotate_master_key => Err(Refusal::Configuration(
                "the master key cannot be rotated: the database is not configured with KMIP",
            )),
            None => self.first_start(wanted).await,
            Some(database) if self.settings.rotate_master_key => self.rotate(&database, wanted).await,
            Some(database) => {
                if wanted.is_some_and(|wanted| wanted != database.key_identifier) {
                    // The wording of this error was not seen.
                    return Err(Refusal::Configuration(
                        "the configured key identifier is not the one that the database is encrypted with",
                    ));
                }
                let key = self.read_key(&database.key_identifier, self.settings.activate_keys).await?;
                self.open(&database, &key)?;
                Ok(Start::Open(database.key_identifier))
            }
        }
    }

    async fn first_start(&self, wanted: Option<&str>) -> Result<Start, Refusal> {
        let Some(identifier) = wanted else { return Ok(Start::Open(self.make_key().await?)) };
        let key = self.read_key(identifier, self.settings.activate_keys).await?;
        self.adopt(identifier, &key)?;
        Ok(Start::Open(identifier.to_owned()))
    }

    /// Takes a new key into use. The old one is read first, and need not be active for that.
    async fn rotate(&self, database: &Database, wanted: Option<&str>) -> Result<Start, Refusal> {
        if wanted == Some(&database.key_identifier) {
            return Err(Refusal::Configuration(
                "key identifier is equal to that the system is already configured with",
            ));
        }
        let old = self.read_key(&database.key_identifier, false).await?;
        self.open(database, &old)?;
        match wanted {
            Some(identifier) => {
                let key = self.read_key(identifier, self.settings.activate_keys).await?;
                self.adopt(identifier, &key)?;
            }
            None => {
                self.make_key().await?;
            }
        }
        Ok(Start::Rotated)
    }

    /// Fetches a key; `verify` asks for its state first.
    async fn read_key(&self, identifier: &str, verify: bool) -> Result<Secret, Refusal> {
        let failed = |reason: String, state: Option<String>| Refusal::Key {
            what: "key reading failed",
            reason,
            identifier: Some(identifier.to_owned()),
            state,
        };
        match self.hold(&ReadKey { identifier, verify }).await {
            Ok(Read::Key(key)) => {
                let text = "Master encryption key has been read from the key management facility.";
                self.log_key('I', 29115, text, identifier, None);
                Ok(key)
            }
            Ok(Read::Absent) => Err(failed(ABSENT_AT_START.to_owned(), None)),
            Ok(Read::NotActive(state)) => Err(failed(NOT_ACTIVE.to_owned(), Some(state))),
            Err(reason) => Err(failed(reason, None)),
        }
    }

    /// Makes a key, hands it to the servers and encrypts the data with it.
    async fn make_key(&self) -> Result<String, Refusal> {
        // "Key creation failed" is worded after its sister, "key reading failed".
        let failed = |reason| Refusal::Key { what: "key creation failed", reason, identifier: None, state: None };
        let mut bytes = vec![0; KEY_LENGTH];
        self.stage.env.crypto.random(&mut bytes).map_err(|error| failed(error.to_string()))?;
        self.stage.trace.secret("new master key", &bytes);
        let key = Secret::new(bytes);
        let saving = SaveKey { key: &key, activate: self.settings.activate_keys };
        let identifier = self.hold(&saving).await.map_err(failed)?;
        let text = "Master encryption key has been created on the key management facility";
        self.log_key('I', 29116, text, &identifier, None);
        Database::write(self.stage.env.files.as_ref(), &self.dbpath, &identifier, key.expose())?;
        let material = self.stage.trace.fingerprint(key.expose());
        self.stage.record(What::Made { key: identifier.clone(), material });
        Ok(identifier)
    }

    /// Opens the data with a key.
    fn open(&self, database: &Database, key: &Secret) -> Result<(), Refusal> {
        if !database.opens_with(key.expose()) {
            // The real server fails in its storage engine here, in words that were not seen.
            return Err(Refusal::Key {
                what: "opening the key database failed",
                reason: "the data was encrypted with another master key".to_owned(),
                identifier: Some(database.key_identifier.clone()),
                state: None,
            });
        }
        self.record_use(&database.key_identifier, key);
        Ok(())
    }

    /// Encrypts the data with a key that was fetched.
    fn adopt(&self, identifier: &str, key: &Secret) -> Result<(), Refusal> {
        Database::write(self.stage.env.files.as_ref(), &self.dbpath, identifier, key.expose())?;
        self.record_use(identifier, key);
        Ok(())
    }

    fn record_use(&self, identifier: &str, key: &Secret) {
        let material = self.stage.trace.fingerprint(key.expose());
        self.stage.record(What::Used { key: identifier.to_owned(), material });
    }

    /// Runs until the key is no longer fit for use, if that is watched at all.
    async fn serve(&self, identifier: &str) -> Exit {
        match self.settings.key_state_polling {
            Some(period) if self.settings.activate_keys && !period.is_zero() => self.poll(identifier, period).await,
            _ => std::future::pending().await,
        }
    }

    /// Polls at once and then a period after each poll began. Inferred: MongoDB's periodic runner works so.
    async fn poll(&self, identifier: &str, period: Duration) -> Exit {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let text = match self.hold(&KeyState { identifier }).await {
                Ok(Some(state)) if state == dialogue::ACTIVE => continue,
                Ok(Some(state)) => {
                    self.log_key('E', 29122, NOT_ACTIVE, identifier, Some(&state));
                    NOT_ACTIVE
                }
                Ok(None) => {
                    let text = "Master encryption key is absent on the key management facility.";
                    self.log_key('E', 29121, text, identifier, None);
                    text
                }
                Err(error) => {
                    // Nobody could be asked: that alone is no reason to stop.
                    let text = "Data-at-Rest Encryption Error";
                    self.stage.log('E', Some(29123), text, &[("error", &error)]);
                    continue;
                }
            };
            return Exit { reason: text.to_owned(), code: "EXIT_PERCONA_DATA_AT_REST_ENCRYPTION_ERROR" };
        }
    }

    /// Holds a dialogue with one server after another, in rounds, until it succeeds.
    async fn hold<D: Dialogue>(&self, dialogue: &D) -> Result<D::Outcome, String> {
        let failed = |reason: &str| format!("{}{reason}", D::FAILED);
        // The files are loaded outside the rounds: a damaged one is not retried.
        let config = client_config(&self.stage.env, &self.settings).map_err(|error| failed(&error))?;
        for remaining in (0..=self.settings.connect_retries).rev() {
            for host in self.settings.hosts() {
                let Settings { port, connect_timeout, .. } = self.settings;
                let session = async {
                    let mut session = Session::open(&self.stage, host, port, &config, connect_timeout).await?;
                    let outcome = dialogue.hold(&mut session, &self.stage.env).await?;
                    session.close().await?;
                    Ok(outcome)
                };
                match session.await {
                    Ok(outcome) => return Ok(outcome),
                    Err(Failure(reason)) => {
                        let server = format!("{host}:{port}");
                        let attributes = [("serverHost", server.as_str()), ("reason", reason.as_str())];
                        self.stage.log('W', Some(29117), "KMIP session failed", &attributes);
                    }
                }
            }
            if remaining > 0 {
                let text = "KMIP sessions failed for all the server hosts. Trying each host again.";
                // The attribute is spelled so.
                self.stage.log('W', Some(29118), text, &[("remainingAttempCount", &remaining.to_string())]);
            }
        }
        Err(failed("KMIP sessions failed for all the server hosts. No more remaining attempts."))
    }

    fn log_key(&self, severity: char, id: u32, text: &str, identifier: &str, state: Option<&str>) {
        let identifier = json(&KeyIdentifier { identifier });
        let mut attributes = vec![("keyManagementFacilityType", FACILITY), ("keyIdentifier", &identifier)];
        attributes.extend(state.map(|state| ("keyState", state)));
        self.stage.log(severity, Some(id), text, &attributes);
    }

    /// Logs why the process does not start, and ends it.
    fn refuse(&self, refusal: &Refusal) -> Exit {
        let (error, reason) = match refusal {
            Refusal::Configuration(text) => ((*text).to_owned(), (*text).to_owned()),
            Refusal::Files(error) => (error.to_string(), error.to_string()),
            Refusal::Key { what, reason, identifier, state } => {
                let chain = StartError {
                    what: "Can't create encryption key database",
                    reason: KeyError {
                        what,
                        reason,
                        facility: FACILITY,
                        identifier: identifier.as_deref().map(|identifier| KeyIdentifier { identifier }),
                        state: state.as_deref(),
                    },
                    directory: self.dbpath.join("key.db").display().to_string(),
                };
                (json(&chain), format!("{what}: {reason}"))
            }
        };
        // The chain is that of Percona's unit tests; the id of the line that carries it was not seen.
        self.stage.log('F', None, "Data-at-Rest Encryption Error", &[("error", &error)]);
        Exit { reason, code: "start error" }
    }
}

/// The error chain of a failed start, in the order in which it is printed.
#[derive(Serialize)]
struct StartError<'a> {
    what: &'a str,
    reason: KeyError<'a>,
    #[serde(rename = "encryptionKeyDatabaseDirectory")]
    directory: String,
}

#[derive(Serialize)]
struct KeyError<'a> {
    what: &'a str,
    reason: &'a str,
    #[serde(rename = "keyManagementFacilityType")]
    facility: &'a str,
    #[serde(rename = "keyIdentifier", skip_serializing_if = "Option::is_none")]
    identifier: Option<KeyIdentifier<'a>>,
    #[serde(rename = "keyState", skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
}

#[derive(Serialize)]
struct KeyIdentifier<'a> {
    #[serde(rename = "kmipKeyIdentifier")]
    identifier: &'a str,
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts are plain data")
}
