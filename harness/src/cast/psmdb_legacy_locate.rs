//! The first releases of Percona Server for MongoDB with KMIP (4.4, 5.0): a key is found by its name, not by its Unique
//! Identifier.
//!
//! In order: it looks into its data files, locates its key by name and gets the first one found; for an empty database
//! it registers a new key if there is none. The key is base64 text of 44 bytes, and that text is what the data is
//! encrypted with. It asks for no state, activates nothing, polls nothing, and knows one server.
//!
//! Its client library tells no failure from absence: whatever goes wrong with a Locate, "no such key" is what comes of
//! it. That such a start ends where there is data is inferred. Unlike the played one, the real client does not verify
//! the server's certificate. Messages are in [`messages`].
//!
//! Invariant: a database is only ever opened with a key that has proved to be its own.

mod messages;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kmip_proxy::env::BoxFuture;
use kmip_proxy::keys::Secret;

use super::{Database, DatabaseError, Exit, Failure, Held, Patience, Persona, Session, Settings, Stage, client_config};
use crate::trace::{ProcessState, What};

/// This persona.
pub(super) const PERSONA: Persona = Persona {
    name: "psmdb-legacy-locate",
    description: "the first Percona Server 4.4 and 5.0 with KMIP: keys of base64 text, located by name",
    evidence: "behaviour from Percona's public sources; bytes from kmippp over libkmip (Percona-Lab 85a789a), the C++ \
               client library of those releases; not captured from a running server",
    held: Held::NamedText(NAME),
    play,
};

/// The name of the key where the settings give none. Those releases demanded one.
const NAME: &str = "mongodb-master-key";

/// The bytes that the text of a master key stands for.
const KEY_LENGTH: usize = 32;

/// A connection without time limits: those releases had no option for one.
const FOR_EVER: Patience = Patience { first: None, later: None };

fn play(stage: Stage, settings: Settings, dbpath: PathBuf) -> BoxFuture<'static, Exit> {
    Box::pin(async move { Server { stage, settings, dbpath }.run().await })
}

/// The process.
struct Server {
    stage: Stage,
    settings: Settings,
    dbpath: PathBuf,
}

/// A key that the server keeps.
struct Found {
    identifier: String,
    /// The base64 text.
    key: Secret,
}

impl Server {
    async fn run(&self) -> Exit {
        if self.settings.rotate_master_key {
            // As MongoDB's servers answer any option that they do not know.
            let text = "Error parsing command line: unrecognised option '--kmipRotateMasterKey'";
            self.stage.log('F', None, text, &[]);
            return Exit { reason: text.to_owned(), code: "bad option" };
        }
        match self.start().await {
            Ok(()) => {
                self.stage.record(What::Process { state: ProcessState::Ready, why: None });
                std::future::pending().await
            }
            Err(reason) => {
                // As later releases word it.
                self.stage.log('E', Some(29038), "Exception in EncryptionKeyDB::init", &[("e", &reason)]);
                Exit { reason, code: "start error" }
            }
        }
    }

    async fn start(&self) -> Result<(), String> {
        let said = |error: DatabaseError| error.to_string();
        let files = self.stage.env.files.as_ref();
        let stored = Database::read(files, &self.dbpath).map_err(said)?;
        let found = self.read_key().await?;
        match (stored, found) {
            (Some(database), Some(found)) => {
                if !database.opens_with(found.key.expose()) {
                    return Err("the data was encrypted with another master key".to_owned());
                }
                self.record_use(&found);
                Ok(())
            }
            // The wording was not seen.
            (Some(_), None) => Err(format!("the master key `{}` is absent on the KMIP server", self.name())),
            (None, Some(found)) => {
                let bytes = STANDARD.decode(found.key.expose()).unwrap_or_default();
                if bytes.len() != KEY_LENGTH {
                    return Err(format!("the master key `{}` is no base64 text of {KEY_LENGTH} bytes", self.name()));
                }
                Database::write(files, &self.dbpath, self.name(), found.key.expose()).map_err(said)?;
                self.record_use(&found);
                Ok(())
            }
            (None, None) => self.make_key().await,
        }
    }

    /// Locates the key and gets it, in one session. Any failure but that to connect is no different from absence.
    async fn read_key(&self) -> Result<Option<Found>, String> {
        let mut session = self.open().await?;
        let found = self.locate_and_get(&mut session).await.unwrap_or_default();
        session.leave().await;
        Ok(found)
    }

    async fn locate_and_get(&self, session: &mut Session<'_>) -> Result<Option<Found>, Failure> {
        let mut identifiers: Vec<String> = Vec::new();
        loop {
            let offset = i32::try_from(identifiers.len()).expect("no server keeps billions of keys of one name");
            let answer = session.exchange(&messages::locate(self.name(), offset, self.seconds())).await?;
            let Some(page) = messages::page(&answer) else { return Ok(None) };
            let nothing_more = page.identifiers.is_empty();
            identifiers.extend(page.identifiers);
            // Without a count it asks until a page is empty. With one it asks until it has as many, if need be for ever.
            let complete = match page.located {
                Some(located) => identifiers.len() >= located,
                None => nothing_more,
            };
            if complete {
                break;
            }
        }
        let Some(identifier) = identifiers.into_iter().next() else { return Ok(None) };
        let answer = session.exchange(&messages::get(&identifier, self.seconds())).await?;
        Ok(messages::key(answer).map(|key| Found { identifier, key }))
    }

    /// Makes a key and registers it, in a session of its own.
    async fn make_key(&self) -> Result<(), String> {
        let mut bytes = [0; KEY_LENGTH];
        self.stage.env.crypto.random(&mut bytes).map_err(|error| error.to_string())?;
        self.stage.trace.secret("new master key", &bytes);
        let text = STANDARD.encode(bytes);
        self.stage.trace.secret("text of the new master key", text.as_bytes());
        let key = Secret::new(text.into_bytes());
        let mut session = self.open().await?;
        let answer = session.exchange(&messages::register(self.name(), key.expose(), self.seconds())).await;
        session.leave().await;
        let Some(identifier) = answer.ok().and_then(messages::registered) else {
            let text = "Couldn't save encryption key on KMIP server.";
            self.stage.log('E', Some(29046), text, &[]);
            return Err(text.to_owned());
        };
        // Before the write: what a power cut leaves of it may need the key.
        let material = self.stage.trace.fingerprint(key.expose());
        self.stage.record(What::Made { key: identifier, material });
        Database::write(self.stage.env.files.as_ref(), &self.dbpath, self.name(), key.expose())
            .map_err(|error| error.to_string())
            .map(drop)
    }

    /// Opens a session. The server's name is not split: those releases knew one server, and tried it once.
    async fn open(&self) -> Result<Session<'_>, String> {
        let config = client_config(&self.stage.env, &self.settings)?;
        let Settings { server_name, port, .. } = &self.settings;
        let session = Session::open(&self.stage, server_name, *port, &config, FOR_EVER).await;
        // What follows the colon was worded by OpenSSL alone; these are the words of later releases.
        session.map_err(|Failure(why)| format!("Failed to connect to '{server_name}:{port}': {why}"))
    }

    fn record_use(&self, found: &Found) {
        let material = self.stage.trace.fingerprint(found.key.expose());
        self.stage.record(What::Used { key: found.identifier.clone(), material });
    }

    fn name(&self) -> &str {
        self.settings.key_identifier.as_deref().unwrap_or(NAME)
    }

    /// The wall clock, for time stamps.
    fn seconds(&self) -> i64 {
        let since = self.stage.env.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }
}
