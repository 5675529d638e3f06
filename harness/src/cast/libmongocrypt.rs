//! An application with client-side encryption, over a MongoDB driver with libmongocrypt: what its two personas share.
//!
//! In order: it looks into its key vault, makes a data key there if there is none, or opens the one that is there, and
//! serves. A data key that was opened stays in a cache for a minute; whenever the application needs it after that, it is
//! opened again. What making and opening means is the persona's [`Manner`].
//!
//! `keyStatePollingSeconds` stands for how often the application needs its key: no client of this kind asks for states.
//! `connectRetries` and `activateKeys` mean nothing to it: it retries nothing and activates every key that it makes.
//!
//! Facts are from libmongocrypt's and PyMongo's public sources; a comment says where something is inferred.
//!
//! Invariant: every exchange has a connection of its own, to the first server, and a failure is never tried again.

mod driver;
pub(super) mod messages;

use std::future::{Future, pending};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kmip_proxy::keys::Secret;
use rustls::ClientConfig;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Database, DatabaseError, Exit, Settings, Stage, client_config};
use crate::trace::{ProcessState, What};
use crate::wire::{Answer, Item};

/// How long libmongocrypt keeps a data key that it has opened.
const CACHED: Duration = Duration::from_secs(60);

/// The bytes of a data key, and of a key that libmongocrypt itself encrypts data keys with.
pub(super) const KEY_LENGTH: usize = 96;

/// How a persona makes and opens data keys.
pub(super) trait Manner: Sync {
    /// Puts a data key into the vault, under the master key of that identifier or else under a new one. `opened` is what
    /// the vault's key opened under the old master key, where one is replaced.
    fn make(
        &self,
        application: &Application,
        identifier: Option<&str>,
        opened: Option<Secret>,
    ) -> impl Future<Output = Result<Database, Trouble>> + Send;

    /// Fetches what opens the vault.
    fn open(&self, application: &Application, vault: &Database)
    -> impl Future<Output = Result<Secret, Trouble>> + Send;
}

/// Why the application does not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// In libmongocrypt's words.
    text: String,
    /// In the driver's words, where the network failed.
    cause: Option<String>,
}

impl Trouble {
    /// Trouble in libmongocrypt's words.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Trouble { text: text.into(), cause: None }
    }
}

impl From<DatabaseError> for Trouble {
    fn from(error: DatabaseError) -> Self {
        Trouble::new(error.to_string())
    }
}

/// The process.
pub(super) struct Application {
    pub(super) stage: Stage,
    settings: Settings,
    dbpath: PathBuf,
    config: Arc<ClientConfig>,
}

/// What a start leads to.
enum Start {
    /// It serves with this vault, whose key was opened then, if it is in the cache at all.
    Serves(Database, Option<Instant>),
    /// The vault's data key is wrapped under another master key, and the process is done.
    Rewrapped,
    /// There was none.
    NothingToRewrap,
}

/// Plays an application until it ends by itself.
pub(super) async fn play(manner: impl Manner, stage: Stage, settings: Settings, dbpath: PathBuf) -> Exit {
    let config = match client_config(&stage.env, &settings) {
        Ok(config) => config,
        // The words for a damaged file are those of Percona's client: PyMongo's were not seen.
        Err(text) => return refuse(&stage, &Trouble::new(text)),
    };
    let application = Application { stage, settings, dbpath, config };
    let exit = |reason: &str, code| Exit { reason: reason.to_owned(), code };
    match application.start(&manner).await {
        Ok(Start::Serves(vault, opened)) => {
            application.stage.record(What::Process { state: ProcessState::Ready, why: None });
            application.serve(&manner, &vault, opened).await
        }
        Ok(Start::Rewrapped) => exit("the data key is wrapped under another master key", "rewrapped"),
        Ok(Start::NothingToRewrap) => exit("the key vault holds no data key", "nothing to rewrap"),
        Err(trouble) => refuse(&application.stage, &trouble),
    }
}

impl Application {
    async fn start(&self, manner: &impl Manner) -> Result<Start, Trouble> {
        let stored = Database::read(self.stage.env.files.as_ref(), &self.dbpath)?;
        let wanted = self.settings.key_identifier.as_deref();
        match (stored, self.settings.rotate_master_key) {
            (None, true) => Ok(Start::NothingToRewrap),
            // What was just made is not in the cache: that is filled by opening only.
            (None, false) => Ok(Start::Serves(manner.make(self, wanted, None).await?, None)),
            (Some(vault), false) => {
                self.open(manner, &vault).await?;
                Ok(Start::Serves(vault, Some(Instant::now())))
            }
            (Some(vault), true) => {
                let opened = self.open(manner, &vault).await?;
                manner.make(self, wanted, Some(opened)).await?;
                Ok(Start::Rewrapped)
            }
        }
    }

    /// Needs the key once a period, and asks for it where the cache does not have it any more. The application outlives
    /// a failure: whoever needed the key is told.
    async fn serve(&self, manner: &impl Manner, vault: &Database, mut opened: Option<Instant>) -> ! {
        let Some(period) = self.settings.key_state_polling else { pending().await };
        let mut needs = tokio::time::interval_at(Instant::now() + period, period);
        needs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            needs.tick().await;
            if opened.is_some_and(|at| at.elapsed() <= CACHED) {
                continue;
            }
            opened = match self.open(manner, vault).await {
                Ok(_) => Some(Instant::now()),
                Err(trouble) => {
                    log(&self.stage, &trouble);
                    None
                }
            };
        }
    }

    async fn open(&self, manner: &impl Manner, vault: &Database) -> Result<Secret, Trouble> {
        let key = manner.open(self, vault).await?;
        if !vault.opens_with(key.expose()) {
            // What libmongocrypt says of data that was encrypted with another key. The wording is inferred.
            return Err(Trouble::new("HMAC validation failure"));
        }
        self.used(&vault.key_identifier, &key);
        Ok(key)
    }

    /// Records that a key is used.
    pub(super) fn used(&self, identifier: &str, key: &Secret) {
        let material = self.stage.trace.fingerprint(key.expose());
        self.stage.record(What::Used { key: identifier.to_owned(), material });
    }

    /// Records that from now on an identifier means this key.
    pub(super) fn made(&self, identifier: &str, key: &Secret) {
        let material = self.stage.trace.fingerprint(key.expose());
        self.stage.record(What::Made { key: identifier.to_owned(), material });
    }

    /// Draws a new key.
    pub(super) fn draw(&self, name: &str) -> Result<Secret, Trouble> {
        let mut bytes = vec![0; KEY_LENGTH];
        self.stage.env.crypto.random(&mut bytes).map_err(|error| Trouble::new(error.to_string()))?;
        self.stage.trace.secret(name, &bytes);
        Ok(Secret::new(bytes))
    }

    /// Puts a key into the vault: what opens it, and what the server made of that, where it does.
    pub(super) fn keep(&self, identifier: &str, key: &Secret, wrapped: Option<&[u8]>) -> Result<Database, Trouble> {
        let (files, dbpath) = (self.stage.env.files.as_ref(), &self.dbpath);
        Ok(match wrapped {
            Some(wrapped) => Database::write_wrapped(files, dbpath, identifier, key.expose(), wrapped)?,
            None => Database::write(files, dbpath, identifier, key.expose())?,
        })
    }

    /// Asks the first server, over a connection of its own.
    pub(super) async fn ask(&self, request: &Item) -> Result<Answer, Trouble> {
        driver::ask(&self.stage, &self.settings, &self.config, request).await
    }
}

fn log(stage: &Stage, trouble: &Trouble) {
    let cause = trouble.cause.as_deref().map(|cause| ("cause", cause));
    stage.log('E', None, &trouble.text, cause.as_slice());
}

/// Logs why the application cannot begin, and ends it.
fn refuse(stage: &Stage, trouble: &Trouble) -> Exit {
    log(stage, trouble);
    let reason = match &trouble.cause {
        Some(cause) => format!("{}: {cause}", trouble.text),
        None => trouble.text.clone(),
    };
    Exit { reason, code: "EncryptionError" }
}
