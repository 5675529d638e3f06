//! The one event log of a run.
//!
//! Recording does three things in order: the event, unredacted, goes into the digest; secrets are searched in it, and a
//! secret found is a finding of invariant K3; what is stored is the redacted event.
//!
//! Invariant: nothing rewrites a trace after the run. Every judge and every report only reads it.

mod event;
mod played;
pub mod story;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::{digest, hmac};

pub use event::{Event, Fingerprint, ProcessState, What};
pub use played::{Drawn, Played, Written};

/// The handle through which everything in a run records. Cheap to clone.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Log>>);

struct Log {
    clock: Box<dyn Fn() -> Duration + Send>,
    events: Vec<Event>,
    ordinal: u64,
    keep_bytes: bool,
    chain: digest::Context,
    semantic: digest::Context,
    fingerprint_key: hmac::Key,
    secrets: Vec<Spellings>,
    exchanges: u64,
    connections: u64,
}

/// A secret in every spelling in which it could leak.
struct Spellings {
    name: String,
    texts: Vec<String>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({} events)", self.lock().events.len())
    }
}

impl Trace {
    /// An empty log. `clock` tells the time since the start of the run; `key` is the run's own fingerprint key.
    pub fn new(key: &[u8], clock: impl Fn() -> Duration + Send + 'static) -> Self {
        Trace(Arc::new(Mutex::new(Log {
            clock: Box::new(clock),
            events: Vec::new(),
            ordinal: 0,
            keep_bytes: true,
            chain: digest::Context::new(&digest::SHA256),
            semantic: digest::Context::new(&digest::SHA256),
            fingerprint_key: hmac::Key::new(hmac::HMAC_SHA256, key),
            secrets: Vec::new(),
            exchanges: 0,
            connections: 0,
        })))
    }

    /// Records that something happened on a host.
    pub fn record(&self, host: &str, what: What) {
        self.record_bytes(host, what, &[]);
    }

    /// Records with bytes that only the digest keeps.
    pub fn record_bytes(&self, host: &str, what: What, bytes: &[u8]) {
        self.lock().record(host, what, bytes);
    }

    /// Names a secret of this run. From now on it may stand in no text.
    pub fn secret(&self, name: &str, bytes: &[u8]) {
        self.lock().secrets.push(Spellings { name: name.to_owned(), texts: spellings(bytes) });
    }

    /// The names of the secrets that stand in a file, in any spelling, or as bare bytes.
    pub(crate) fn secrets_in(&self, content: &[u8]) -> Vec<String> {
        let (text, digits) = (String::from_utf8_lossy(content), hex(content));
        let log = self.lock();
        let standing = log.secrets.iter().filter(|secret| {
            // Bare bytes are found by their hexadecimal digits, which are one of the spellings.
            secret.texts.iter().any(|spelling| text.contains(spelling.as_str()) || digits.contains(spelling.as_str()))
        });
        let mut names: Vec<_> = standing.map(|secret| secret.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The fingerprint of key material.
    pub fn fingerprint(&self, material: &[u8]) -> Fingerprint {
        let tag = hmac::sign(&self.lock().fingerprint_key, material);
        Fingerprint(hex(&tag.as_ref()[..16]))
    }

    /// The number of the next KMIP exchange.
    pub fn next_exchange(&self) -> u64 {
        let mut log = self.lock();
        log.exchanges += 1;
        log.exchanges
    }

    /// The number of the next connection.
    pub fn next_connection(&self) -> u64 {
        let mut log = self.lock();
        log.connections += 1;
        log.connections
    }

    /// The time since the start of the run.
    pub fn now(&self) -> Duration {
        (self.lock().clock)()
    }

    /// Everything recorded so far.
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// The digest over every byte and every event so far, with their times: `sha256:<64 hex>`.
    pub fn digest(&self) -> String {
        format!("sha256:{}", hex(self.lock().chain.clone().finish().as_ref()))
    }

    /// The digest over operations and outcomes only, without times and bytes: what baselines keep.
    pub fn semantic_digest(&self) -> String {
        format!("sha256:{}", hex(self.lock().semantic.clone().finish().as_ref()))
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        // A panic while recording ends the run anyway; the log up to there is still worth reading.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn record(&mut self, host: &str, what: What, bytes: &[u8]) {
        let at = (self.clock)();
        let written = serde_json::to_string(&what).expect("an event is plain data");
        for part in [&at.as_nanos().to_be_bytes()[..], host.as_bytes(), written.as_bytes(), bytes] {
            self.chain.update(&(part.len() as u64).to_be_bytes());
            self.chain.update(part);
        }
        if what.is_semantic() {
            for part in [host, &what.meaning()] {
                self.semantic.update(&(part.len() as u64).to_be_bytes());
                self.semantic.update(part.as_bytes());
            }
        }
        let (what, leaked) = self.redact(what, &written);
        self.push(at, host, what);
        for name in leaked {
            let text = format!("{host} wrote the secret `{name}`");
            let finding = What::Finding { invariant: "K3".to_owned(), text };
            self.push(at, "lab", finding);
        }
    }

    fn push(&mut self, at: Duration, host: &str, what: What) {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        if self.keep_bytes || !matches!(what, What::Bytes { .. }) {
            self.events.push(Event { at, ordinal, host: host.to_owned(), what });
        }
    }

    fn redact(&self, what: What, written: &str) -> (What, Vec<String>) {
        let mut clean = written.to_owned();
        let mut leaked = Vec::new();
        for secret in &self.secrets {
            for text in &secret.texts {
                if clean.contains(text.as_str()) {
                    clean = clean.replace(text.as_str(), &format!("<{}>", secret.name));
                    leaked.push(secret.name.clone());
                }
            }
        }
        leaked.dedup();
        if leaked.is_empty() {
            return (what, leaked);
        }
        let what = serde_json::from_str(&clean).expect("a redacted text keeps the shape of the event");
        (what, leaked)
    }
}

impl What {
    /// Whether the event belongs to the meaning of a run: who asked what, and what came of it.
    fn is_semantic(&self) -> bool {
        matches!(
            self,
            What::Action { .. }
                | What::Process { .. }
                | What::Request { .. }
                | What::Answer { .. }
                | What::NoAnswer { .. }
                | What::NotClosed { .. }
                | What::Used { .. }
                | What::Call { .. }
                | What::Operator { .. }
        )
    }

    /// The event without what time and chance put into it.
    fn meaning(&self) -> String {
        match self {
            What::Answer { operation, status, reason, .. } => format!("answer {operation:?} {status} {reason:?}"),
            What::Request { operations, version, .. } => format!("request {operations:?} {version}"),
            What::Call { service, operation, status, code, .. } => {
                format!("call {service} {operation} {status} {code:?}")
            }
            What::Operator { class, .. } => format!("operator {class:?}"),
            What::Process { state, .. } => format!("process {state:?}"),
            What::Action { line, .. } => format!("action {line}"),
            What::NoAnswer { .. } => "no answer".to_owned(),
            What::NotClosed { .. } => "not closed".to_owned(),
            What::Used { .. } => "used".to_owned(),
            _ => String::new(),
        }
    }
}

/// Raw, hex in both cases, both alphabets of base64 with and without padding, and numbers as `{:?}` prints bytes. Short
/// secrets are not searched: they would be found everywhere.
fn spellings(bytes: &[u8]) -> Vec<String> {
    if bytes.len() < 8 {
        return Vec::new();
    }
    let lower = hex(bytes);
    let mut texts = vec![lower.to_uppercase(), lower];
    // Padded ones first: what remains of them would look like padding that nobody wrote.
    texts.extend([STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|base64| base64.encode(bytes)));
    texts.push(bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", "));
    if let Ok(text) = std::str::from_utf8(bytes) {
        // As it stands in a JSON string.
        let quoted = serde_json::to_string(text).expect("a string is plain data");
        texts.push(quoted[1..quoted.len() - 1].to_owned());
    }
    texts
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string succeeds");
        text
    })
}

#[cfg(test)]
mod tests;
