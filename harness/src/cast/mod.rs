//! The players on MongoDB's side: personas, each one client's dialect of KMIP with its own bytes and manners.
//!
//! A persona plays a database process from start to exit: it reads its data files ([`Database`]), asks the KMIP
//! servers for its key over real TLS ([`Session`]), and says whether the key it was given opens the data. It is never
//! called mongod: reports show its evidence.
//!
//! A new persona is one file and one line in [`PERSONAS`].
//!
//! Invariant: a persona reaches the outside through its [`Stage`] alone, and shares no code with the product's codec.

pub mod administrator;
mod database;
mod enterprise;
mod enterprise_1_2;
mod enterprise_legacy_1_0;
pub(crate) mod exchange;
mod libmongocrypt;
mod libmongocrypt_delegated;
mod libmongocrypt_plain;
pub(crate) mod overheard;
mod psmdb;
mod psmdb_7_soft;
mod psmdb_8;
mod psmdb_legacy_locate;
pub mod recorded;
mod requests;
mod session;
mod tls;

#[cfg(test)]
mod testing;

use std::path::PathBuf;
use std::time::Duration;

use kmip_proxy::env::{BoxFuture, Env};

use crate::trace::{Trace, What};

pub use database::{Database, DatabaseError};
pub use session::{Failure, Patience, Session};
pub use tls::client_config;

/// Every persona, in the order of documents.
pub const PERSONAS: &[Persona] = &[
    psmdb_8::PERSONA,
    psmdb_7_soft::PERSONA,
    psmdb_legacy_locate::PERSONA,
    enterprise_1_2::PERSONA,
    enterprise_legacy_1_0::PERSONA,
    libmongocrypt_plain::PERSONA,
    libmongocrypt_delegated::PERSONA,
];

/// A client that can be played.
#[derive(Clone, Copy, Debug)]
pub struct Persona {
    /// Its name in scenario files.
    pub name: &'static str,
    /// Which program it stands for.
    pub description: &'static str,
    /// How it is known that the program behaves so.
    pub evidence: &'static str,
    /// What a snapshot of its data needs from a KMIP server.
    pub held: Held,
    play: fn(Stage, Settings, PathBuf) -> BoxFuture<'static, Exit>,
}

/// What a KMIP server holds for a client whose data exist already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// An AES key of 256 bits, with which the data files are encrypted.
    AesKey,
    /// The base64 text of such a key, under a Name.
    NamedText(&'static str),
    /// 96 bytes of secret data, under which data keys were encrypted by the client.
    SecretData,
    /// An AES key that stays in the server, under which a data key was encrypted by the server.
    WrappingKey,
}

impl Persona {
    /// The persona of that name.
    pub fn find(name: &str) -> Option<&'static Persona> {
        PERSONAS.iter().find(|persona| persona.name == name)
    }

    /// Plays the process over the data files in `dbpath` until it ends by itself.
    ///
    /// It records that it is ready, what it logs and what it exchanges; that it was started, stopped, crashed or has
    /// exited is recorded by the world. The world ends it by dropping the future.
    pub fn play(&self, stage: Stage, settings: Settings, dbpath: PathBuf) -> BoxFuture<'static, Exit> {
        (self.play)(stage, settings, dbpath)
    }
}

/// Where a persona stands: its machine, and the log of the run.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The network, clock, files and randomness of the machine.
    pub env: Env,
    /// The log of the run.
    pub trace: Trace,
    /// The name of the process in the log, such as `mongod`.
    pub host: String,
}

impl Stage {
    /// Writes a log line of the process.
    pub fn log(&self, severity: char, id: Option<u32>, text: &str, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.record(What::Log { severity, id, text: text.to_owned(), attributes });
    }

    fn record(&self, what: What) {
        self.trace.record(&self.host, what);
    }
}

/// The options under `security.kmip`, as the database's configuration states them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `serverName`: host names with commas between them.
    pub server_name: String,
    /// `port`, the same for all servers.
    pub port: u16,
    /// `serverCAFile`: whom to trust besides the system's authorities.
    pub ca_file: Option<PathBuf>,
    /// `clientCertificateFile`: private key and certificates in one PEM file.
    pub client_certificate_file: PathBuf,
    /// `connectRetries`: rounds over all servers after the first.
    pub connect_retries: u32,
    /// `connectTimeoutMS`.
    pub connect_timeout: Duration,
    /// `activateKeys`: activate new keys, and use none that is not active.
    pub activate_keys: bool,
    /// `keyStatePollingSeconds`; `None` switches polling off.
    pub key_state_polling: Option<Duration>,
    /// `keyIdentifier`: the Unique Identifier of the key to use.
    pub key_identifier: Option<String>,
    /// `rotateMasterKey`: take a new key and end.
    pub rotate_master_key: bool,
}

impl Settings {
    /// The servers in order. Blanks around the commas stay part of the names, as in Percona Server.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.server_name.split(',')
    }
}

/// How a process ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The last words, in one line.
    pub reason: String,
    /// The exit code by its symbol: the numbers are not public.
    pub code: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_persona_is_found_by_its_name_and_states_its_evidence() {
        for persona in PERSONAS {
            assert_eq!(Persona::find(persona.name).map(|found| found.description), Some(persona.description));
            assert!(!persona.evidence.is_empty());
        }
        assert!(Persona::find("mongod").is_none());
    }
}
