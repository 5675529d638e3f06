//! How Percona Server ends when it cannot have its key: the last log line, and the exit.
//!
//! A start that fails logs a chain of errors. A crash logs what the operating system's signal makes it log, and asks
//! nobody any more.
//!
//! Invariant: a process that ends by itself has said why in its log.

use std::path::Path;

use serde::Serialize;

use super::FACILITY;
use crate::cast::{DatabaseError, Exit, Stage};

/// Why the process does not start.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The configuration contradicts itself or the data files. No server is asked.
    Configuration(&'static str),
    /// The data files cannot be read or written.
    Files(DatabaseError),
    /// The key cannot be had, or not be used.
    Key { what: &'static str, reason: String, identifier: Option<String>, state: Option<String> },
    /// An answer brought the process down, and why.
    Crash(String),
}

/// Why a dialogue came to nothing.
#[derive(Debug)]
pub(super) enum Ended {
    /// No server could be brought to it.
    InVain(String),
    /// An answer brought the process down, and why.
    Crashed(String),
}

impl Ended {
    /// The refusal that it leads to, `failed` making one of a reason.
    pub(super) fn refusal(self, failed: impl Fn(String) -> Refusal) -> Refusal {
        match self {
            Ended::InVain(reason) => failed(reason),
            Ended::Crashed(why) => Refusal::Crash(why),
        }
    }
}

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        Refusal::Files(error)
    }
}

impl Refusal {
    /// Logs why the process does not start, and ends it.
    pub(super) fn exit(&self, stage: &Stage, dbpath: &Path) -> Exit {
        let (error, reason) = match self {
            Refusal::Crash(why) => return crash(stage, why),
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
                    directory: dbpath.join("key.db").display().to_string(),
                };
                (json(&chain), format!("{what}: {reason}"))
            }
        };
        // The chain is that of Percona's unit tests; the id of the line that carries it was not seen.
        stage.log('F', None, "Data-at-Rest Encryption Error", &[("error", &error)]);
        Exit { reason, code: "start error" }
    }
}

/// Ends the process as a read through a null pointer does.
///
/// That the signal is logged is how MongoDB's servers do it; the line itself was not seen.
pub(super) fn crash(stage: &Stage, why: &str) -> Exit {
    stage.log('F', None, "Got signal: 11 (Segmentation fault).", &[]);
    Exit { reason: format!("crashed: {why}"), code: "SIGSEGV" }
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

/// A key's identifier as logs and errors show it.
#[derive(Serialize)]
pub(super) struct KeyIdentifier<'a> {
    #[serde(rename = "kmipKeyIdentifier")]
    pub(super) identifier: &'a str,
}

/// A value as logs and errors print it.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts are plain data")
}
