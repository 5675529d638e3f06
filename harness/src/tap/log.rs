//! The sink that writes what passes into a file, as [`super::recording`] describes it.
//!
//! Secrets are taken out unless the file was opened to keep them; see [`super::redact`].
//!
//! Invariant: a line is written in one piece, and after one that could not be written comes none.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kmip_proxy::env::Env;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::event::{Event, Happened, Opened, Sink};
use super::recording::{Entry, FORMAT, Header, Line, Message, Outcome, Secrets};
use super::redact::Redactor;
use super::settings::Settings;
use crate::trace::hex;
use crate::wire::message::Asked;
use crate::wire::{Answer, parse, text, text_with_secrets};

/// What the header of a file says that holds secrets.
const WARNING: &str = "THIS FILE HOLDS KEYS IN CLEAR TEXT. Whoever reads it can open the data. Do not pass it on.";

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be made.
    #[error("cannot write `{file}`: {why}", file = file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        why: io::Error,
    },
    /// There is a file of that name, which is never overwritten.
    #[error("`{file}` is there already, and a recording is never overwritten", file = file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
}

/// How much was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Connections that were opened.
    pub connections: u64,
    /// Connections that never came to be.
    pub refused: u64,
    /// Requests.
    pub requests: u64,
    /// Answers to them.
    pub answers: u64,
    /// How often each operation was asked for.
    pub operations: BTreeMap<String, u64>,
}

/// Writes a recording.
pub struct Log {
    file: PathBuf,
    state: Mutex<State>,
    told: Option<fn(&Line)>,
    lost: Option<fn(&str)>,
}

struct State {
    to: File,
    secrets: Secrets,
    redactor: Redactor,
    /// The requests of each connection that have no answer: their exchange, and when they came.
    waiting: BTreeMap<u64, VecDeque<(u64, Duration)>>,
    summary: Summary,
    /// Why nothing is written any more.
    failed: Option<String>,
}

impl Log {
    /// Makes the file, which must not be there, readable for its owner alone, and writes the header.
    pub fn create(file: &Path, secrets: Secrets, settings: &Settings) -> Result<Self, LogError> {
        let failed = |why: io::Error| match why.kind() {
            io::ErrorKind::AlreadyExists => LogError::Exists { file: file.to_owned() },
            _ => LogError::Write { file: file.to_owned(), why },
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let to = options.open(file).map_err(failed)?;
        let upstream = &settings.upstream;
        let began = OffsetDateTime::from(Env::os().clock.now());
        let header = Header {
            format: FORMAT,
            program: format!("kmiplab {}", env!("CARGO_PKG_VERSION")),
            secrets,
            warning: (secrets == Secrets::Kept).then(|| WARNING.to_owned()),
            began: began.format(&Rfc3339).unwrap_or_default(),
            listen: settings.listen.to_string(),
            to: upstream.to_string(),
            server_name: upstream.name.as_ref().unwrap_or(&upstream.host).clone(),
        };
        let mut state = State {
            to,
            secrets,
            redactor: Redactor::default(),
            waiting: BTreeMap::new(),
            summary: Summary::default(),
            failed: None,
        };
        state.write(&header).map_err(failed)?;
        Ok(Log { file: file.to_owned(), state: Mutex::new(state), told: None, lost: None })
    }

    /// The same, and somebody who is told of each line, and once of the first that could not be written.
    pub fn telling(mut self, told: fn(&Line), lost: fn(&str)) -> Self {
        (self.told, self.lost) = (Some(told), Some(lost));
        self
    }

    /// How much was recorded so far.
    pub fn summary(&self) -> Summary {
        self.lock().summary.clone()
    }

    /// Why nothing is written any more, if so.
    pub fn failed(&self) -> Option<String> {
        self.lock().failed.as_deref().map(|why| self.failure(why))
    }

    fn failure(&self, why: &str) -> String {
        format!("cannot write `{}`: {why}; nothing more is recorded", self.file.display())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Log({})", self.file.display())
    }
}

impl Sink for Log {
    fn take(&self, event: &Event) {
        let mut state = self.lock();
        let entry = state.entry(event);
        if state.failed.is_some() {
            return;
        }
        let line = Line { connection: event.connection, ms: milliseconds(event.at), entry };
        if let Some(told) = self.told {
            told(&line);
        }
        state.failed = state.write(&line).err().map(|error| error.to_string());
        if let (Some(why), Some(lost)) = (&state.failed, self.lost) {
            lost(&self.failure(why));
        }
    }
}

impl State {
    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line).expect("a line is plain data");
        text.push(b'\n');
        // In one piece, so that whoever ends the program leaves whole lines.
        self.to.write_all(&text)
    }

    fn entry(&mut self, event: &Event) -> Entry {
        match &event.what {
            Happened::Opened(Opened { from, client, server }) => {
                self.summary.connections += 1;
                Entry::Opened { from: from.to_string(), client: client.clone(), server: server.clone() }
            }
            Happened::Refused { by, why } => {
                self.summary.refused += 1;
                Entry::Refused { by: *by, why: why.clone() }
            }
            Happened::Request(bytes) => self.request(event, bytes),
            Happened::Answer(bytes) => self.answer(event, bytes),
            Happened::Unframed { from, why } => Entry::Unframed { from: *from, why: why.clone() },
            Happened::Ended { by, how, left } => Entry::Ended { by: *by, how: how.clone(), left: *left },
            Happened::Closed { by, sent, received } => {
                self.waiting.remove(&event.connection);
                Entry::Closed { by: *by, sent: *sent, received: *received }
            }
        }
    }

    fn request(&mut self, event: &Event, bytes: &[u8]) -> Entry {
        self.summary.requests += 1;
        let exchange = self.summary.requests;
        self.waiting.entry(event.connection).or_default().push_back((exchange, event.at));
        let bytes = self.presentable(bytes);
        let asked = parse(&bytes).map(|request| Asked::read(&request));
        let unreadable =
            |_| Asked { operations: vec![], version: "?".to_owned(), key: None, maximum_response_size: None };
        let Asked { operations, version, key, .. } = asked.unwrap_or_else(unreadable);
        for operation in &operations {
            *self.summary.operations.entry(operation.clone()).or_default() += 1;
        }
        Entry::Request { exchange, operations, version, key, message: self.message(&bytes) }
    }

    fn answer(&mut self, event: &Event, bytes: &[u8]) -> Entry {
        let asked = self.waiting.get_mut(&event.connection).and_then(VecDeque::pop_front);
        self.summary.answers += u64::from(asked.is_some());
        let after = asked.map_or(Duration::ZERO, |(_, at)| event.at.saturating_sub(at));
        let bytes = self.presentable(bytes);
        let (version, items) = match Answer::read(&bytes) {
            Ok(answer) => {
                let items = answer.items.into_iter().map(|item| Outcome {
                    operation: item.operation,
                    status: item.status,
                    reason: item.reason,
                    message: item.message,
                    key: item.unique_identifier,
                });
                (answer.version, items.collect())
            }
            Err(_) => ("?".to_owned(), Vec::new()),
        };
        let exchange = asked.map(|(exchange, _)| exchange);
        Entry::Answer { exchange, after_ms: milliseconds(after), version, items, message: self.message(&bytes) }
    }

    /// The bytes as they may stand in the file. Everything else that a line says of a message is read from these.
    fn presentable(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self.secrets {
            Secrets::Kept => bytes.to_vec(),
            Secrets::Redacted => self.redactor.redact(bytes),
        }
    }

    fn message(&self, bytes: &[u8]) -> Message {
        let tree = match (parse(bytes), self.secrets) {
            (Ok(item), Secrets::Kept) => text_with_secrets(&item),
            (Ok(item), Secrets::Redacted) => text(&item),
            (Err(error), Secrets::Kept) => format!("not TTLV: {error}"),
            (Err(_), Secrets::Redacted) => "not TTLV: all but the header is taken out".to_owned(),
        };
        let tree = tree.lines().map(str::to_owned).collect();
        Message { length: bytes.len(), tree, hex: hex(bytes) }
    }
}

/// With a precision of microseconds.
fn milliseconds(time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a recording is shorter than 285 years")]
    let micros = time.as_micros() as f64;
    micros / 1000.0
}
