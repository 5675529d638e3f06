//! A run that is over: the log, and what the world alone knows of it.
//!
//! Invariant: this is all that a judge or a report may look at; neither can reach into a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Event, Fingerprint, Lane, Peer};

/// One run, over: all that a judge may look at.
#[derive(Clone, Debug)]
pub struct Played {
    /// Where it was played.
    pub lane: Lane,
    /// Who stood where mongod stands.
    pub peer: Peer,
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
    /// What this world does not see, so that no judge takes its absence for a fault. Empty in a simulation.
    pub unseen: &'static [Unseen],
    /// The cloud, where somebody else runs it: where it is, and what it says it is. Nothing for the laboratory's own.
    pub cloud: Option<String>,
    /// The error of the simulation itself, where it could not be played to its end.
    pub broke: Option<String>,
}

/// Something that happens in a world without its log telling of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// What programs do to files while they run: only what lies there in the end is seen.
    Files,
    /// Which program of the machine has made a connection: endpoints see that one is made.
    Callers,
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
