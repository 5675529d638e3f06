//! A run that is over: the log, and what the world alone knows of it.
//!
//! Invariant: this is all that a judge or a report may look at; neither can reach into a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Event, Fingerprint};

/// One run, over: all that a judge may look at.
#[derive(Clone, Debug)]
pub struct Played {
    /// The seed.
    pub seed: u64,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    /// `sha256:…` over every byte and time.
    pub digest: String,
    /// `sha256:…` over operations and outcomes.
    pub semantic_digest: String,
    /// How much simulated time passed.
    pub simulated: Duration,
    /// What the seed drew, in the order in which it was needed.
    pub drawn: Vec<Drawn>,
    /// When each line of the timeline fired, in the order of the file.
    pub fired: Vec<Duration>,
    /// When the lab began to heal everything, and mongod was started once more.
    pub epilogue: Duration,
    /// The master keys that existed before the run.
    pub existing: BTreeMap<String, Fingerprint>,
    /// The machine's files as a power cut at the end would leave them.
    pub disk: BTreeMap<PathBuf, Vec<u8>>,
    /// What programs wrote to the machine's files, in order, whether or not it is still there. The lab's own files, and
    /// what the operator edits, are not among them.
    pub written: Vec<Written>,
    /// The error of the simulation itself, where it could not be played to its end.
    pub broke: Option<String>,
}

/// A content that a program wrote to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The program's host.
    pub host: String,
    /// The file, under the name that it had while it was written.
    pub path: PathBuf,
    /// The names of the run's secrets that stand in the content. The content itself is not kept.
    pub secrets: Vec<String>,
}

/// Something that the seed drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// What was drawn, such as `when line 12 fires`.
    pub what: String,
    /// The value, such as `31.250s`.
    pub value: String,
}
