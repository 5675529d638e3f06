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

#[cfg(test)]
mod tests {
    use super::*;

    const ASK: &str = r#"<RequestMessage><RequestHeader><ProtocolVersion>
        <ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="2"/>
        </ProtocolVersion></RequestHeader></RequestMessage>"#;
    const TELL: &str = "<ResponseMessage/>";

    fn wrong(text: &str) -> String {
        read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn messages_are_found_whatever_is_around_them() {
        let pair = format!("{ASK}{TELL}");
        let wide: Vec<u8> = [0xFF, 0xFE].into_iter().chain(pair.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let marked = [&[0xEF, 0xBB, 0xBF], pair.as_bytes()].concat();
        for (bytes, exchanges) in [
            (pair.clone().into_bytes(), 1),
            (format!("<KMIP>\n# TIME 0\n{pair}\n# TIME 1 {pair}</KMIP>").into_bytes(), 2),
            (format!("<?xml version=\"1.0\"?><!DOCTYPE a><a><b n=\"1\"/><c>{pair}</c><!-- x --></a>").into_bytes(), 1),
            (format!("<?xml version=\"1.0\"?>{pair}<?xml version=\"1.0\"?>{pair}").into_bytes(), 2),
            (format!("<k:KMIP xmlns:k=\"u\">{pair}</k:KMIP>").into_bytes(), 1),
            (wide, 1),
            (marked, 1),
        ] {
            let conversation = read(&bytes).unwrap();
            assert_eq!((conversation.exchanges.len(), conversation.version), (exchanges, (1, 2)));
        }
    }

    #[test]
    fn who_speaks_and_what_is_repeated_stands_between_the_messages() {
        let source = format!(
            "<K># [Client-A]\n{ASK}{TELL}# [Client-B]\n# [REPEAT] until done\n{ASK}{TELL}# [Client-to-Server]{ASK}{TELL}</K>"
        );
        let exchanges = read(source.as_bytes()).unwrap().exchanges;
        let told: Vec<_> = exchanges.iter().map(|it| (it.client.as_deref(), it.repeated)).collect();
        assert_eq!(told, [(Some("A"), false), (Some("B"), true), (None, false)]);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let field = |field: &str| {
            wrong(&format!("<K>\n{}{TELL}</K>", ASK.replace("<RequestHeader>", &format!("<RequestHeader>\n{field}"))))
        };
        let cases = [
            (wrong(""), "line 1: no message of KMIP in it"),
            (wrong("<html><p>x</p></html>"), "line 1: no message of KMIP in it"),
            (wrong(ASK), "line 1: a request without an answer"),
            (wrong(&format!("<K>\n{TELL}</K>")), "line 2: an answer without a request"),
            (wrong(&format!("<K>\n{ASK}{ASK}{TELL}</K>")), "line 2: a request without an answer"),
            (wrong("<K>\n<RequestMessage>\n"), "line 2: <RequestMessage> is never closed"),
            (
                wrong(&format!("# [Server-to-Client]\n{ASK}{TELL}")),
                "line 2: [Server-to-Client]: the server speaks first, which this command does not play",
            ),
            (field("<Fancy/>"), "line 3: no tag is called `Fancy`"),
            (field(r#"<TTLV tag="0x43" />"#), "line 3: 0x000043 is no tag: one begins with 0x42 or 0x54"),
            (field(r#"<TTLV tag="what"/>"#), "line 3: `what` is no tag"),
            (field(r#"<BatchCount value="1"/>"#), "line 3: <BatchCount> has a value and no type"),
            (
                field(r#"<BatchCount type="DateTimeExtended" value="1"/>"#),
                "line 3: the type `DateTimeExtended` is beyond what this command can send",
            ),
            (field(r#"<BatchCount type="Integer" value="one"/>"#), "line 3: `one` is no Integer of BatchCount"),
            (field(r#"<State type="Enumeration" value="Asleep"/>"#), "line 3: `Asleep` is no Enumeration of State"),
            (field(r#"<Data type="ByteString" value="012"/>"#), "line 3: `012` is no ByteString of Data"),
        ];
        for (told, expected) in cases {
            assert_eq!(told, expected);
        }
        assert!(wrong("<K>\n<a></b>").starts_with("line 2: "), "{}", wrong("<K>\n<a></b>"));
        assert!(wrong("<K>\n<a b=\"&nonsense;\"/></K>").starts_with("line 2: "));
        assert!(wrong("</K>").starts_with("line 1: "));
        assert_eq!(wrong(&"<a>".repeat(100)), "line 1: nested deeper than 64 levels");
        assert_eq!(read(b"<a>\n\xFF</a>").unwrap_err().to_string(), "line 2: neither UTF-8 nor UTF-16");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes: Vec<u8>, markup in "[<>/?!&;a-zA-Z\"=' \n-]{0,80}") {
            let _ = read(&bytes);
            let _ = read(markup.as_bytes());
        }
    }
}
