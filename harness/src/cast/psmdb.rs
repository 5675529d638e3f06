//! Percona Server for MongoDB with `security.kmip`, since it registers raw keys by Unique Identifier: what it does with
//! its master key from start to exit.
//!
//! In order: it looks into its data files, decides which key it needs, makes or fetches it, opens the data with it,
//! and from then on asks periodically whether the key is still active. Dialogues are in [`dialogue`]; each is held
//! with one server after another, in rounds, without a pause, and from the first server on each time. Releases differ
//! in a [`Dialect`].
//!
//! Facts are from Percona Server's public sources and documentation; a comment says where something is inferred.
//!
//! Invariant: a database is only ever opened with a key that has proved to be its own.

mod dialogue;
mod refusal;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use kmip_proxy::env::BoxFuture;
use kmip_proxy::keys::Secret;
use tokio::time::MissedTickBehavior;

use super::{Database, Exit, Failure, Session, Settings, Stage, client_config};
use crate::trace::{ProcessState, What};
use dialogue::{ACTIVE, Dialogue, KeyState, PRE_ACTIVE, Read, ReadKey, SaveKey, Trouble};
use refusal::{Ended, KeyIdentifier, Refusal, json};

/// In what releases differ.
#[derive(Debug)]
pub(super) struct Dialect {
    /// Whether a key that was never activated is used, with a warning, where active keys are asked for.
    pub(super) tolerates_pre_active: bool,
}

/// `keyManagementFacilityType` in logs and errors.
const FACILITY: &str = "KMIP server";

const ABSENT_AT_START: &str =
    "Cannot start. Master encryption key is absent on the key management facility. Check configuration options.";
const NOT_ACTIVE: &str = "Master encryption key is not in the active state on the key management facility.";
const TOLERATED: &str = "Data-at-rest encryption was initialized with a pre-active master key. Since version 8.0.0, an \
                         active key will be required. Please either activate the master encryption keys manually, do a \
                         key rotation, or disable the `security.kmip.activateKeys` option (the latter is not \
                         recommended though)";

/// The bytes of a new master key.
const KEY_LENGTH: usize = 32;

/// Plays a release that speaks the dialect.
pub(super) fn play(
    dialect: &'static Dialect,
    stage: Stage,
    settings: Settings,
    dbpath: PathBuf,
) -> BoxFuture<'static, Exit> {
    Box::pin(async move { Server { dialect, stage, settings, dbpath }.run().await })
}

/// The process.
struct Server {
    dialect: &'static Dialect,
    stage: Stage,
    settings: Settings,
    dbpath: PathBuf,
}

/// What a start leads to.
enum Start {
    /// The data is open with this key.
    Open(InUse),
    /// The data is encrypted with a new key, and the process is done.
    Rotated,
}

/// A key in use.
struct InUse {
    identifier: String,
    /// Whether its state is watched, where the settings want that: not if it was not active to begin with.
    watched: bool,
}

impl Server {
    async fn run(&self) -> Exit {
        match self.start().await {
            Ok(Start::Open(key)) => {
                self.stage.record(What::Process { state: ProcessState::Ready, why: None });
                self.serve(&key).await
            }
            Ok(Start::Rotated) => {
                Exit { reason: "master key rotation completed".to_owned(), code: "MasterKeyRotationCompleted" }
            }
            Err(refusal) => refusal.exit(&self.stage, &self.dbpath),
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
                let (key, watched) = self.read_key(&database.key_identifier, self.settings.activate_keys).await?;
                self.open(&database, &key)?;
                Ok(Start::Open(InUse { identifier: database.key_identifier, watched }))
            }
        }
    }

    async fn first_start(&self, wanted: Option<&str>) -> Result<Start, Refusal> {
        let Some(identifier) = wanted else {
            let identifier = self.make_key().await?;
            return Ok(Start::Open(InUse { identifier, watched: true }));
        };
        let (key, watched) = self.read_key(identifier, self.settings.activate_keys).await?;
        self.adopt(identifier, &key)?;
        Ok(Start::Open(InUse { identifier: identifier.to_owned(), watched }))
    }

    /// Takes a new key into use. The old one is read first, and need not be active for that.
    async fn rotate(&self, database: &Database, wanted: Option<&str>) -> Result<Start, Refusal> {
        if wanted == Some(&database.key_identifier) {
            return Err(Refusal::Configuration(
                "key identifier is equal to that the system is already configured with",
            ));
        }
        let (old, _) = self.read_key(&database.key_identifier, false).await?;
        self.open(database, &old)?;
        match wanted {
            Some(identifier) => {
                let (key, _) = self.read_key(identifier, self.settings.activate_keys).await?;
                self.adopt(identifier, &key)?;
            }
            None => {
                self.make_key().await?;
            }
        }
        Ok(Start::Rotated)
    }

    /// Fetches a key; `verify` asks for its state first. Comes to the key and whether it is to be watched.
    async fn read_key(&self, identifier: &str, verify: bool) -> Result<(Secret, bool), Refusal> {
        let failed = |reason: String, state: Option<String>| Refusal::Key {
            what: "key reading failed",
            reason,
            identifier: Some(identifier.to_owned()),
            state,
        };
        let reading = ReadKey { identifier, verify, dialect: self.dialect };
        match self.hold(&reading).await.map_err(|ended| ended.refusal(|reason| failed(reason, None)))? {
            Read::Key(key, state) => {
                let text = "Master encryption key has been read from the key management facility.";
                self.log_key('I', 29115, text, identifier, None);
                let pre_active = state.as_deref() == Some(PRE_ACTIVE);
                if pre_active {
                    self.log_key('W', 29124, TOLERATED, identifier, state.as_deref());
                }
                Ok((key, !pre_active))
            }
            Read::Absent => Err(failed(ABSENT_AT_START.to_owned(), None)),
            Read::NotActive(state) => Err(failed(NOT_ACTIVE.to_owned(), Some(state))),
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
        let identifier = self.hold(&saving).await.map_err(|ended| ended.refusal(failed))?;
        let text = "Master encryption key has been created on the key management facility";
        self.log_key('I', 29116, text, &identifier, None);
        // Before the write: what a power cut leaves of it may need the key.
        let material = self.stage.trace.fingerprint(key.expose());
        self.stage.record(What::Made { key: identifier.clone(), material });
        Database::write(self.stage.env.files.as_ref(), &self.dbpath, &identifier, key.expose())?;
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
    async fn serve(&self, key: &InUse) -> Exit {
        match self.settings.key_state_polling {
            Some(period) if self.settings.activate_keys && key.watched && !period.is_zero() => {
                self.poll(&key.identifier, period).await
            }
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
                Ok(Some(state)) if state == ACTIVE => continue,
                Ok(Some(state)) => {
                    self.log_key('E', 29122, NOT_ACTIVE, identifier, Some(&state));
                    NOT_ACTIVE
                }
                Ok(None) => {
                    let text = "Master encryption key is absent on the key management facility.";
                    self.log_key('E', 29121, text, identifier, None);
                    text
                }
                Err(Ended::Crashed(why)) => return refusal::crash(&self.stage, &why),
                Err(Ended::InVain(error)) => {
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
    async fn hold<D: Dialogue>(&self, dialogue: &D) -> Result<D::Outcome, Ended> {
        let failed = |reason: &str| Ended::InVain(format!("{}{reason}", D::FAILED));
        // The files are loaded outside the rounds: a damaged one is not retried.
        let config = client_config(&self.stage.env, &self.settings).map_err(|error| failed(&error))?;
        for remaining in (0..=self.settings.connect_retries).rev() {
            for host in self.settings.hosts() {
                let Settings { port, connect_timeout, .. } = self.settings;
                let session = async {
                    let mut session = Session::open(&self.stage, host, port, &config, connect_timeout).await?;
                    let outcome = dialogue.hold(&mut session, &self.stage.env).await?;
                    session.close().await?;
                    Ok::<_, Trouble>(outcome)
                };
                match session.await {
                    Ok(outcome) => return Ok(outcome),
                    // Nothing in the process is left to try another server.
                    Err(Trouble::Crashed(why)) => return Err(Ended::Crashed(why)),
                    Err(Trouble::Failed(Failure(reason))) => {
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
}
