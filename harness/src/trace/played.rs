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
    /// How many connections to a key service one request may cost.
    pub attempts_most: usize,
    /// The error of the simulation itself, where it could not be played to its end.
    pub broke: Option<String>,
}

/// Something that the seed drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// What was drawn, such as `when line 12 fires`.
    pub what: String,
    /// The value, such as `31.250s`.
    pub value: String,
}
