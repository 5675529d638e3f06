//! The one event log of a run.
//!
//! Recording does three things in order: the event, unredacted, goes into the digest; secrets are searched in it, and a
//! secret found is a finding of invariant K3; what is stored is the redacted event.
//!
//! Invariant: nothing rewrites a trace after the run. Every judge and every report only reads it.

mod event;
mod evidence;
mod line;
mod merge;
mod peer;
mod played;
pub mod story;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::{digest, hmac};

pub use event::{Event, Fingerprint, ProcessState, What};
pub use evidence::{Blob, Entry, Evidence, Kept, Said, Stream};
pub use line::{Line, LineError};
pub use merge::InOrder;
pub use peer::{Lane, Peer, Tier};
pub use played::{Drawn, Played, Unseen, Written};

/// The handle through which everything in a run records. Cheap to clone.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Log>>);

struct Log {
    clock: Box<dyn Fn() -> Duration + Send>,
    events: Vec<Event>,
    ordinal: u64,
    keep_bytes: bool,
    digests: Digests,
    fingerprint_key: hmac::Key,
    secrets: Vec<Spellings>,
    /// Which beginnings the spellings of the secrets have.
    beginnings: Beginnings,
    /// The event that is being recorded, as JSON.
    written: Vec<u8>,
    exchanges: u64,
    connections: u64,
    /// Only where the run is compared with another.
    keeper: Option<Keeper>,
    /// Only where somebody outside follows the run while it goes on.
    listener: Option<Listener>,
}

type Listener = Box<dyn FnMut(&Event) + Send>;

/// Both digests of a log, as far as it goes.
struct Digests {
    chain: digest::Context,
    semantic: digest::Context,
    /// The event that is being added, as the chain has it.
    links: Vec<u8>,
}

/// What collects the evidence of a run.
struct Keeper {
    /// Hands over what was drawn since it was last asked.
    drawn: Box<dyn FnMut() -> Vec<(Stream, u64)> + Send>,
    /// What was said since the last event.
    said: Vec<Said>,
    evidence: Vec<Evidence>,
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
            digests: Digests::default(),
            fingerprint_key: hmac::Key::new(hmac::HMAC_SHA256, key),
            secrets: Vec::new(),
            beginnings: Beginnings::default(),
            written: Vec::new(),
            exchanges: 0,
            connections: 0,
            keeper: None,
            listener: None,
        })))
    }

    /// Records that something happened on a host.
    pub fn record(&self, host: &str, what: What) {
        self.record_bytes(host, what, &[]);
    }

    /// Records with bytes that only the digest keeps.
    pub fn record_bytes(&self, host: &str, what: What, bytes: &[u8]) {
        let mut log = self.lock();
        let at = (log.clock)();
        log.record(at, host, what, bytes);
    }

    /// Records what somebody else saw happen on a host, `at` this time since the start of the run. Several recorders of
    /// one run do not take turns, so that such a log ends with [`Trace::take_in_order`].
    pub fn record_at(&self, at: Duration, host: &str, what: What) {
        self.lock().record(at, host, what, &[]);
    }

    /// From now on tells a listener of every event as it is kept, without secrets, at the moment it is recorded. It is
    /// called while the log is locked, so that it may not record; no digest knows of it.
    pub fn listen(&self, listener: impl FnMut(&Event) + Send + 'static) {
        self.lock().listener = Some(Box::new(listener));
    }

    /// Names a secret of this run. From now on it may stand in no text. The name by which it was known first stays.
    pub fn secret(&self, name: &str, bytes: &[u8]) {
        let texts = spellings(bytes);
        let mut log = self.lock();
        if log.secrets.iter().any(|known| known.texts == texts) {
            return;
        }
        for text in &texts {
            log.beginnings.add(text.as_bytes());
        }
        log.secrets.push(Spellings { name: name.to_owned(), texts });
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

    /// From now on keeps evidence beside every event. `drawn` hands over what was drawn since it was last asked.
    pub(crate) fn keep(&self, drawn: impl FnMut() -> Vec<(Stream, u64)> + Send + 'static) {
        self.lock().keeper = Some(Keeper { drawn: Box::new(drawn), said: Vec::new(), evidence: Vec::new() });
    }

    /// Keeps what a host said or was told in plaintext; where no evidence is kept, nobody asks what it was.
    pub(crate) fn overhear(&self, host: &str, said: impl FnOnce() -> Vec<u8>) {
        let mut log = self.lock();
        if log.keeper.is_none() {
            return;
        }
        let bytes = log.strike_out(&said());
        if let Some(keeper) = &mut log.keeper {
            keeper.said.push(Said { host: host.to_owned(), bytes });
        }
    }

    /// Takes the evidence out: one piece for each event so far, none where none was kept.
    pub(crate) fn take_evidence(&self) -> Vec<Evidence> {
        self.lock().keeper.take().map(|keeper| keeper.evidence).unwrap_or_default()
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

    /// Takes everything out: the end of a run.
    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.lock().events)
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().events.len()
    }

    /// Whether such an event was recorded after the first `seen`.
    pub(crate) fn any_since(&self, seen: usize, wanted: impl FnMut(&Event) -> bool) -> bool {
        self.lock().events.iter().skip(seen).any(wanted)
    }

    /// The digest over every byte and every event so far, with their times: `sha256:<64 hex>`.
    pub fn digest(&self) -> String {
        self.lock().digests.chain()
    }

    /// The digest over operations and outcomes only, without times and bytes: what baselines keep.
    pub fn semantic_digest(&self) -> String {
        self.lock().digests.semantic()
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        // A panic while recording ends the run anyway; the log up to there is still worth reading.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn record(&mut self, at: Duration, host: &str, what: What, bytes: &[u8]) {
        let mut written = std::mem::take(&mut self.written);
        self.digests.add(at, host, &what, &mut written, bytes);
        let (what, leaked) = self.redact(what, &written);
        self.written = written;
        self.keep(bytes);
        self.push(at, host, what);
        for name in leaked {
            let text = format!("{host} wrote the secret `{name}`");
            let finding = What::Finding { invariant: "K3".to_owned(), text };
            self.keep(&[]);
            self.push(at, "lab", finding);
        }
    }

    fn push(&mut self, at: Duration, host: &str, what: What) {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        if self.keep_bytes || !matches!(what, What::Bytes { .. }) {
            let event = Event { at, ordinal, host: host.to_owned(), what };
            if let Some(listener) = &mut self.listener {
                listener(&event);
            }
            self.events.push(event);
        }
    }

    /// Keeps the evidence of the event that is recorded now.
    fn keep(&mut self, bytes: &[u8]) {
        if self.keeper.is_none() {
            return;
        }
        let bytes = self.strike_out(bytes);
        if let Some(keeper) = &mut self.keeper {
            let (drawn, said) = ((keeper.drawn)(), std::mem::take(&mut keeper.said));
            keeper.evidence.push(Evidence { bytes, drawn, said });
        }
    }

    /// The bytes without the secrets in them, in any spelling, or as bare bytes.
    fn strike_out(&self, bytes: &[u8]) -> Blob {
        let mut shown = bytes.to_vec();
        let digits = hex(bytes);
        for spelling in self.secrets.iter().flat_map(|secret| &secret.texts) {
            // Bare bytes are found by their hexadecimal digits, which are one of the spellings.
            for (start, _) in digits.match_indices(spelling.as_str()).filter(|(start, _)| start % 2 == 0) {
                shown[start / 2..(start + spelling.len()) / 2].fill(b'*');
            }
        }
        if self.beginnings.any_in(bytes) {
            for spelling in self.secrets.iter().flat_map(|secret| &secret.texts) {
                for start in 0..bytes.len() {
                    if bytes[start..].starts_with(spelling.as_bytes()) {
                        shown[start..start + spelling.len()].fill(b'*');
                    }
                }
            }
        }
        let struck = (shown != bytes).then(|| hex(digest::digest(&digest::SHA256, bytes).as_ref()));
        Blob { shown, struck }
    }

    fn redact(&self, what: What, written: &[u8]) -> (What, Vec<String>) {
        if !self.beginnings.any_in(written) {
            return (what, Vec::new());
        }
        let mut clean = std::str::from_utf8(written).expect("JSON is text").to_owned();
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

impl Digests {
    /// Adds an event, and leaves it in `written` as JSON.
    fn add(&mut self, at: Duration, host: &str, what: &What, written: &mut Vec<u8>, bytes: &[u8]) {
        written.clear();
        serde_json::to_writer(&mut *written, what).expect("an event is plain data");
        // One update of the chain an event, each part after its length.
        self.links.clear();
        for part in [&at.as_nanos().to_be_bytes()[..], host.as_bytes(), written, bytes] {
            self.links.extend_from_slice(&(part.len() as u64).to_be_bytes());
            self.links.extend_from_slice(part);
        }
        self.chain.update(&self.links);
        if what.is_semantic() {
            for part in [host, &what.meaning()] {
                self.semantic.update(&(part.len() as u64).to_be_bytes());
                self.semantic.update(part.as_bytes());
            }
        }
    }

    fn chain(&self) -> String {
        spelled(&self.chain)
    }

    fn semantic(&self) -> String {
        spelled(&self.semantic)
    }
}

impl Default for Digests {
    fn default() -> Self {
        let empty = || digest::Context::new(&digest::SHA256);
        Digests { chain: empty(), semantic: empty(), links: Vec::new() }
    }
}

/// A digest as reports spell it.
fn spelled(digest: &digest::Context) -> String {
    format!("sha256:{}", hex(digest.clone().finish().as_ref()))
}

/// The first bytes of everything that is searched, as a filter: almost every text is found free of secrets in one pass.
///
/// Every occurrence of a spelling begins with the spelling's first bytes, so that the filter passes by no secret; where
/// it stops in vain, the search itself decides.
struct Beginnings([u64; 1 << (Beginnings::BITS - 6)]);

impl Beginnings {
    /// How many bytes are looked at: no spelling is shorter.
    const LENGTH: usize = 4;

    /// How many bits of their hash are kept.
    const BITS: u32 = 14;

    fn add(&mut self, spelling: &[u8]) {
        let first = spelling.first_chunk().expect("short secrets are not searched");
        let (word, bit) = Self::place(*first);
        self.0[word] |= bit;
    }

    fn any_in(&self, text: &[u8]) -> bool {
        text.windows(Self::LENGTH).any(|window| {
            let (word, bit) = Self::place(window.try_into().expect("a window has its length"));
            self.0[word] & bit != 0
        })
    }

    /// Where the bit of these bytes stands. Multiplication by an odd number near 2^32 times the golden ratio spreads
    /// texts that differ in a letter.
    fn place(bytes: [u8; Beginnings::LENGTH]) -> (usize, u64) {
        let hash = u32::from_le_bytes(bytes).wrapping_mul(0x9e37_79b1) >> (32 - Self::BITS);
        ((hash >> 6) as usize, 1 << (hash & 63))
    }
}

impl Default for Beginnings {
    fn default() -> Self {
        Beginnings([0; 1 << (Beginnings::BITS - 6)])
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

/// Raw, hex in both cases, hex byte by byte as `{:02x?}`, dumps and OpenSSL print it, both alphabets of base64 with and
/// without padding, also amid other text, and numbers as `{:?}` prints bytes. Short secrets are not searched: they would be found everywhere.
pub(crate) fn spellings(bytes: &[u8]) -> Vec<String> {
    if bytes.len() < 8 {
        return Vec::new();
    }
    let lower = hex(bytes);
    let digits: Vec<String> = bytes.iter().map(|byte| hex(&[*byte])).collect();
    let mut texts = vec![lower.to_uppercase(), lower];
    texts.extend([", ", " ", ":"].map(|between| digits.join(between)));
    // Padded ones first: what remains of them would look like padding that nobody wrote.
    texts.extend([STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|base64| base64.encode(bytes)));
    texts.push(bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", "));
    if let Ok(text) = std::str::from_utf8(bytes) {
        // As it stands in a JSON string.
        let quoted = serde_json::to_string(text).expect("a string is plain data");
        texts.push(quoted[1..quoted.len() - 1].to_owned());
    }
    // Last, because they are parts of the others.
    for base64 in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        texts.extend((0..3).map(|before| amid(bytes, before, |bytes| base64.encode(bytes))));
    }
    texts
}

/// What stands in the base64 text of something longer that has the bytes in it, `before` bytes from a multiple of three:
/// all digits to which the neighbours add nothing, as in the header of a password after its user name.
fn amid(bytes: &[u8], before: usize, encode: impl Fn(&[u8]) -> String) -> String {
    let mut text = encode(&[&vec![0; before], bytes].concat());
    if !(before + bytes.len()).is_multiple_of(3) {
        text.pop();
    }
    text.split_off((before * 8).div_ceil(6))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests;
