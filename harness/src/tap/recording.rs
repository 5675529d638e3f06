//! A recording: a file of JSON lines with everything that has passed a tap.
//!
//! The first line is the [`Header`]; every other one is a [`Line`]. Requests and answers stand there with the names of
//! their operations, decoded (`tree`), and as bytes (`hex`). `docs/recordings.md` describes the format for people.
//!
//! Invariant: what is written is read with the same types. Another format is refused and not guessed at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::dialogue::Exchange;
use super::event::{End, Side, Tls};
use crate::trace::hex;

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

/// What became of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secrets {
    /// They were replaced by zeros and `*` of their length.
    Redacted,
    /// They are in the file.
    Kept,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Header {
    /// `FORMAT`.
    pub format: u32,
    /// Which program has written it.
    pub program: String,
    /// What became of secrets.
    pub secrets: Secrets,
    /// Says loudly what it means that they were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// When it began, as RFC 3339 has it.
    pub began: String,
    /// Where the tap listened.
    pub listen: String,
    /// To whom it passed everything on.
    pub to: String,
    /// The name that the server's certificate had to have.
    pub server_name: String,
}

/// Every other line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The connection, counted from 1.
    pub connection: u64,
    /// Milliseconds since the recording began.
    pub ms: f64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Entry {
    /// A connection, with both handshakes done.
    Opened {
        /// The client's address.
        from: String,
        /// The client's handshake.
        client: Tls,
        /// The server's handshake.
        server: Tls,
    },
    /// A connection that never came to be.
    Refused {
        /// At whom it failed.
        by: Side,
        /// Why.
        why: String,
    },
    /// A request.
    Request {
        /// Counts exchanges in the file; the answer has the same number.
        exchange: u64,
        /// The operations of its batch.
        operations: Vec<String>,
        /// The version of KMIP.
        version: String,
        /// The first Unique Identifier that it names.
        key: Option<String>,
        /// The message.
        #[serde(flatten)]
        message: Message,
    },
    /// An answer.
    Answer {
        /// The exchange; none where nothing was asked.
        exchange: Option<u64>,
        /// How long it took.
        after_ms: f64,
        /// The version of KMIP.
        version: String,
        /// The items of its batch.
        items: Vec<Outcome>,
        /// The message.
        #[serde(flatten)]
        message: Message,
    },
    /// From here on one side's bytes are no messages; they were passed on, and are not in the file.
    Unframed {
        /// Whose.
        from: Side,
        /// What is wrong with them.
        why: String,
    },
    /// A side sends no more.
    Ended {
        /// Which.
        by: Side,
        /// How.
        how: End,
        /// The bytes of a message that did not come to its end.
        left: usize,
    },
    /// It is over.
    Closed {
        /// Who ended first.
        by: Side,
        /// How many bytes the client sent.
        sent: u64,
        /// How many bytes the server sent.
        received: u64,
    },
}

/// A message, decoded and as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its length in bytes.
    pub length: usize,
    /// A line for each item, or why it cannot be read.
    pub tree: Vec<String>,
    /// The bytes in hexadecimal.
    pub hex: String,
}

/// What came of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The operation, where the answer names it.
    pub operation: Option<String>,
    /// `Success`, `OperationFailed`, …
    pub status: String,
    /// The ResultReason in kebab case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ResultMessage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The Unique Identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A recording that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Its first line.
    pub header: Header,
    /// The others.
    pub lines: Vec<Line>,
}

impl Recording {
    /// Reads a recording; the error says which line is none of one.
    pub fn read(content: &str) -> Result<Self, String> {
        let mut lines = content.lines();
        let first = lines.next().ok_or("it is empty")?;
        let format = serde_json::from_str::<serde_json::Value>(first).ok().and_then(|line| line["format"].as_u64());
        match format {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(other) => return Err(format!("format {other}; this version reads {FORMAT}")),
            None => return Err("line 1: no recording begins so".to_owned()),
        }
        let header = serde_json::from_str(first).map_err(|error| format!("line 1: {error}"))?;
        let read = |(index, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 2))
        };
        Ok(Recording { header, lines: lines.enumerate().map(read).collect::<Result<_, _>>()? })
    }
}

impl Recording {
    /// The exchanges, in the order of their requests.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let mut exchanges: BTreeMap<u64, Exchange> = BTreeMap::new();
        for line in &self.lines {
            match &line.entry {
                Entry::Request { exchange, message, .. } => {
                    let request = message.bytes();
                    exchanges.insert(*exchange, Exchange { connection: line.connection, request, answer: None });
                }
                Entry::Answer { exchange: Some(exchange), message, .. } => {
                    let exchange = exchanges.get_mut(exchange);
                    exchange.into_iter().for_each(|exchange| exchange.answer = Some(message.bytes()));
                }
                _ => {}
            }
        }
        exchanges.into_values().collect()
    }
}

impl Recording {
    /// The exchanges in the form of the files in `fixtures/kmip/dialogues`: name, connection, request, answer.
    pub fn dialogue(&self) -> String {
        let answered =
            self.exchanges().into_iter().filter_map(|mut exchange| Some((exchange.answer.take()?, exchange)));
        let mut text = "# exchange\tconnection\trequest\tanswer\n".to_owned();
        for (index, (answer, Exchange { connection, request, .. })) in answered.enumerate() {
            let _ = writeln!(text, "{:02}\t{connection}\t{}\t{}", index + 1, hex(&request), hex(&answer));
        }
        text
    }

    /// The row for `fixtures/PROVENANCE.md`, with what only people know left open.
    pub fn provenance(&self, file: &str) -> String {
        let clients = self.lines.iter().filter_map(|line| match &line.entry {
            Entry::Opened { client, .. } => Some(client.peer.as_ref().map_or("no certificate", |peer| &peer.subject)),
            _ => None,
        });
        let clients: Vec<_> = clients.collect::<BTreeSet<_>>().into_iter().collect();
        let Header { program, began, secrets, .. } = &self.header;
        let secrets = if *secrets == Secrets::Kept { "SECRETS KEPT" } else { "secrets replaced by zeros" };
        let day = began.get(..10).unwrap_or(began);
        format!(
            "| `{file}` | (which client, which version; certificate: {}) | (what it does; which server), recorded with \
             {program} on {day}, {secrets} |",
            clients.join("; ")
        )
    }
}

impl Message {
    /// The bytes. What are no digits are none.
    pub fn bytes(&self) -> Vec<u8> {
        bytes(&self.hex)
    }
}

/// The bytes behind hexadecimal digits.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

impl Entry {
    /// The line for people who watch, without time and connection; nothing for what says nothing new.
    pub fn headline(&self) -> Option<String> {
        Some(match self {
            Entry::Opened { from, client, .. } => {
                let who = client.peer.as_ref().map_or("a client without a certificate", |peer| peer.subject.as_str());
                format!("opened by {who} from {from}, {}", client.version)
            }
            Entry::Refused { by, why } => format!("refused at the {}: {why}", by.as_str()),
            Entry::Request { .. } => return None,
            Entry::Answer { exchange: None, .. } => "an answer that nobody asked for".to_owned(),
            Entry::Answer { version, items, message, .. } => {
                let mut text = format!("KMIP {version}");
                for item in items {
                    let operation = item.operation.as_deref().unwrap_or("(no operation)");
                    let _ = write!(text, " {operation} {}", item.status);
                    for more in [&item.reason, &item.message].into_iter().flatten() {
                        let _ = write!(text, ", {more}");
                    }
                }
                if items.is_empty() {
                    let _ = write!(text, " {}", message.tree.first().map_or("", String::as_str));
                }
                text
            }
            Entry::Unframed { from, why } => {
                format!("what the {} sends is passed on and not kept: {why}", from.as_str())
            }
            Entry::Ended { left: 0, .. } => return None,
            Entry::Ended { by, how, left } => {
                format!("the {} ended it {left} bytes into a message: {how}", by.as_str())
            }
            Entry::Closed { by, .. } => format!("closed, first by the {}", by.as_str()),
        })
    }
}
