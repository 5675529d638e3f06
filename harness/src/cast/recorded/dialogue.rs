//! A recorded dialogue as a file: what a real client said to the proxy in a simulated world, and what it was answered.
//!
//! Times are milliseconds since the start of the run, messages are bytes in hexadecimal. Whatever the client made by
//! itself, and whatever the server made of that, is replaced with bytes that the seed gives, so that no secret in the file
//! has ever been one; all other keys of such a world come from the seed anyway.
//!
//! Invariant: a file that is read and written again is the same.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::Provider;
use crate::trace::Peer;

/// How such files end.
pub const ENDING: &str = ".dialogue.json";

/// The format of the file.
const FORMAT: &str = "kmiplab-dialogue/1";

/// A whole dialogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialogue {
    format: String,
    /// `family/name` of the scenario.
    pub scenario: String,
    /// With which provider it was played.
    #[serde(with = "spelled")]
    pub provider: Provider,
    /// The seed, as reports print it.
    pub seed: String,
    /// The step of the simulated clock.
    pub tick: u64,
    /// Who the client was.
    pub peer: Peer,
    /// When each line of the timeline fired.
    pub fired: Vec<u64>,
    /// The starts of the client, in order.
    pub starts: Vec<Start>,
}

/// One start of the client, to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// When.
    pub at: u64,
    /// Its connections, in order.
    pub connections: Vec<Connection>,
    /// What it logged.
    pub said: Vec<Words>,
    /// When it was ready to serve.
    pub ready: Option<u64>,
    /// Its last words, where it ended by itself.
    pub exited: Option<Words>,
}

/// Words at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// When.
    pub at: u64,
    /// What.
    pub text: String,
}

/// A connection of the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// When it stood.
    pub at: u64,
    /// What was said on it.
    pub exchanges: Vec<Exchange>,
    /// When it was closed, by either side.
    pub closed: Option<u64>,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// When the request was sent.
    pub at: u64,
    /// The request.
    #[serde(with = "digits")]
    pub request: Vec<u8>,
    /// The answer, if there was one.
    pub answer: Option<Answered>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// When the client had it.
    pub at: u64,
    /// The whole message.
    #[serde(with = "digits")]
    pub message: Vec<u8>,
}

impl Dialogue {
    /// A dialogue without a word in it.
    pub fn new(scenario: String, provider: Provider, seed: String, tick: u64, peer: Peer, fired: Vec<u64>) -> Self {
        Dialogue { format: FORMAT.to_owned(), scenario, provider, seed, tick, peer, fired, starts: Vec::new() }
    }

    /// Reads a file. The error names it.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()));
        Self::parse(&text?).map_err(|why| format!("`{}`: {why}", path.display()))
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let dialogue: Dialogue = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if dialogue.format == FORMAT {
            Ok(dialogue)
        } else {
            Err(format!("format `{}`, this program reads `{FORMAT}`", dialogue.format))
        }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a dialogue is plain data") + "\n"
    }

    /// The seed as a number.
    pub fn seed(&self) -> Option<u64> {
        u64::from_str_radix(self.seed.strip_prefix("0x")?, 16).ok()
    }

    /// All messages, so that something in them can be replaced.
    pub fn messages(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        let connections = self.starts.iter_mut().flat_map(|start| &mut start.connections);
        connections.flat_map(|connection| &mut connection.exchanges).flat_map(|exchange| {
            let answer = exchange.answer.as_mut().map(|answer| &mut answer.message);
            [Some(&mut exchange.request), answer].into_iter().flatten()
        })
    }
}

/// A moment as the file has it.
pub fn milliseconds(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

/// Providers by their names.
mod spelled {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::scenario::Provider;

    pub(super) fn serialize<S: Serializer>(provider: &Provider, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(provider.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Provider, D::Error> {
        let name = String::deserialize(from)?;
        name.parse().map_err(|_| D::Error::custom(format!("`{name}` is no provider")))
    }
}

/// Bytes as hexadecimal digits.
mod digits {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::trace::hex;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> =
            text.as_bytes().chunks(2).map(|pair| (pair.len() == 2).then(|| byte(pair))?).collect();
        bytes.ok_or_else(|| D::Error::custom("bytes are pairs of hexadecimal digits"))
    }
}
