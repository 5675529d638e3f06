//! What a run keeps beside its log for whoever compares it with another: bytes, plaintext, and how often it drew.
//!
//! An ordinary run keeps none of it. Where it is asked for ([`super::Trace::keep`]), every event gets a piece of
//! evidence of its own, made when the event is recorded, after its digest.
//!
//! Invariant: evidence is no part of any digest, and secrets are struck out of it as they are of events.

use serde::{Deserialize, Serialize};

use super::{Event, Played};

/// A run that is over, with its evidence: all that a comparison may look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// `sha256:…` over every byte and time.
    pub digest: String,
    /// Every event with its evidence, in order.
    pub log: Vec<Entry>,
}

/// An event with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The event, as the log has it.
    pub event: Event,
    /// What was kept beside it.
    pub evidence: Evidence,
}

/// What is kept beside one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The bytes that the event itself only counts.
    pub bytes: Blob,
    /// Which streams were drawn from since the event before, and how often.
    pub drawn: Vec<(Stream, u64)>,
    /// What was said in plaintext since the event before, where the lab stands at an end of the encryption.
    pub said: Vec<Said>,
}

/// Something that a host said or was told inside an encrypted connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The host that stands at the lab's end.
    pub host: String,
    /// The message as HTTP/1.1 spells it.
    pub bytes: Blob,
}

/// Bytes in which secrets are struck out, each of their bytes a `*`, so that offsets stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// The bytes.
    pub shown: Vec<u8>,
    /// The SHA-256 of what they were, where something was struck out.
    pub struck: Option<String>,
}

/// A source of chance that counts how often it is drawn from: first those whose draws bring about others'.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// A stream of the seed's, by its name.
    Named(String),
    /// The keys of certificates that a host makes.
    CertificateKeys(String),
    /// Random bytes that a host asks for: identifiers, serial numbers, nonces.
    Bytes(String),
    /// The generator from which the AWS SDK draws invocation ids and the jitter of its retries.
    Sdk,
    /// What TLS draws on a host: hello randoms, session ids, key shares.
    Tls(String),
    /// The simulated network: a latency for each message.
    Latency,
}

impl Kept {
    /// Puts a run and its evidence together. What was recorded after the run was over is left out, as in the run.
    pub(crate) fn new(played: Played, evidence: Vec<Evidence>) -> Self {
        let log = played.events.into_iter().zip(evidence).map(|(event, evidence)| Entry { event, evidence });
        Kept { log: log.collect(), digest: played.digest }
    }

    /// A line of JSON for each event, and the digest on a line of its own: [`Kept::read`] reads them in another process.
    pub fn lines(&self) -> String {
        let entries = self.log.iter().map(|entry| serde_json::to_string(entry).expect("an entry is plain data"));
        entries.chain([format!("digest {}", self.digest)]).map(|line| line + "\n").collect()
    }

    /// Reads what [`Kept::lines`] wrote; the error says which line is none of them.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut log = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some(digest) = line.strip_prefix("digest ") {
                return Ok(Kept { digest: digest.to_owned(), log });
            }
            log.push(serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))?);
        }
        Err("its output ends before the digest".to_owned())
    }
}

impl Blob {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stream::Named(name) => write!(f, "the seed's stream `{name}`"),
            Stream::Tls(host) => write!(f, "the TLS randomness of host `{host}`"),
            Stream::CertificateKeys(host) => write!(f, "the stream of certificate keys of host `{host}`"),
            Stream::Bytes(host) => write!(f, "the stream of random bytes of host `{host}`"),
            Stream::Latency => f.write_str("the latency of the simulated network"),
            Stream::Sdk => f.write_str("the generator of the AWS SDK (fastrand)"),
        }
    }
}
