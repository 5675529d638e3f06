//! A file as a conversation: requests, each with the answer that is expected.
//!
//! Messages are found wherever they stand, whatever root elements are around them. The text between them says who
//! speaks (`[Client-A]`, `[Client-B]`), what is repeated (`[REPEAT] until …`), and what is not ours to send
//! (`[Server-to-Client]`).
//!
//! Invariant: a conversation has at least one exchange, and every message of the file is in it.

use crate::wire::names::{
    PROTOCOL_VERSION, PROTOCOL_VERSION_MAJOR, PROTOCOL_VERSION_MINOR, REQUEST_HEADER, REQUEST_MESSAGE, RESPONSE_MESSAGE,
};

use super::values::{self, Field};
use super::xml::{self, Mistake, Node};

/// A file's conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The protocol version of its first request.
    pub version: (i32, i32),
    /// What is said, in order.
    pub exchanges: Vec<Exchange>,
}

/// A request and the answer that is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Which of several clients asks, such as `A`; each has a connection of its own.
    pub client: Option<String>,
    /// Whether the request is repeated until the answer comes.
    pub repeated: bool,
    /// The request.
    pub request: Field,
    /// The answer that is expected.
    pub expected: Field,
}

/// Reads a file.
pub fn read(bytes: &[u8]) -> Result<Conversation, Mistake> {
    let nodes = xml::parse(bytes)?;
    let mut messages = Messages::default();
    messages.walk(&nodes)?;
    if let Some(waiting) = messages.waiting {
        return Err(Mistake::new(waiting.request.line, "a request without an answer"));
    }
    let first = messages.exchanges.first().ok_or_else(|| Mistake::new(1, "no message of KMIP in it"))?;
    let version = version(&first.request).ok_or_else(|| Mistake::new(first.request.line, "no protocol version"))?;
    Ok(Conversation { version, exchanges: messages.exchanges })
}

fn version(request: &Field) -> Option<(i32, i32)> {
    let version = request.field(REQUEST_HEADER)?.field(PROTOCOL_VERSION)?;
    let number = |tag| version.field(tag).and_then(Field::number);
    Some((number(PROTOCOL_VERSION_MAJOR)?, number(PROTOCOL_VERSION_MINOR)?))
}

#[derive(Default)]
struct Messages {
    exchanges: Vec<Exchange>,
    waiting: Option<Waiting>,
    notes: String,
}

/// A request whose answer has not come yet.
struct Waiting {
    client: Option<String>,
    repeated: bool,
    request: Field,
}

impl Messages {
    fn walk(&mut self, nodes: &[Node]) -> Result<(), Mistake> {
        for node in nodes {
            match node {
                Node::Note(text) => {
                    self.notes.push_str(text);
                    self.notes.push('\n');
                }
                Node::Element(element) => match values::tag(element) {
                    Some(REQUEST_MESSAGE) => self.request(values::field(element)?)?,
                    Some(RESPONSE_MESSAGE) => self.answer(values::field(element)?)?,
                    // Anything else around messages is packaging.
                    _ => self.walk(&element.nodes)?,
                },
            }
        }
        Ok(())
    }

    fn request(&mut self, request: Field) -> Result<(), Mistake> {
        let notes = std::mem::take(&mut self.notes).to_ascii_lowercase();
        if notes.contains("[server-to-client]") {
            let what = "[Server-to-Client]: the server speaks first, which this command does not play";
            return Err(Mistake::new(request.line, what));
        }
        if let Some(waiting) = &self.waiting {
            return Err(Mistake::new(waiting.request.line, "a request without an answer"));
        }
        let client = notes.rsplit_once("[client-").and_then(|(_, rest)| rest.split_once(']'));
        let client = client.map(|(name, _)| name.trim().to_ascii_uppercase()).filter(|name| name != "TO-SERVER");
        let repeated = notes.contains("[repeat]");
        self.waiting = Some(Waiting { client, repeated, request });
        Ok(())
    }

    fn answer(&mut self, expected: Field) -> Result<(), Mistake> {
        let notes = std::mem::take(&mut self.notes).to_ascii_lowercase();
        let waiting = self.waiting.take().ok_or_else(|| Mistake::new(expected.line, "an answer without a request"))?;
        // A note may also stand between a request and its answer.
        let repeated = waiting.repeated || notes.contains("[repeat]");
        let Waiting { client, request, .. } = waiting;
        self.exchanges.push(Exchange { client, repeated, request, expected });
        Ok(())
    }
}
