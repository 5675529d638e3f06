//! A file as a tree of elements with their lines.
//!
//! More is read than XML allows: several root elements, declarations in the middle, a byte order mark, UTF-16. What is
//! between elements is kept, because the test cases say there who speaks.
//!
//! Invariant: whatever the bytes, the answer is a tree or a line with a reason.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// The deepest nesting that is read. The standard's deepest message needs about a dozen levels.
const MAXIMUM_DEPTH: usize = 64;

/// A place in a file that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl Mistake {
    /// A mistake.
    pub fn new(line: usize, what: impl Into<String>) -> Self {
        Mistake { line, what: what.into() }
    }
}

/// What stands in a file, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text or a comment.
    Note(String),
}

/// An element. Names are without namespace prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// The line on which it begins.
    pub line: usize,
    /// Its attributes in order.
    pub attributes: Vec<(String, String)>,
    /// What it holds.
    pub nodes: Vec<Node>,
}

impl Element {
    /// An attribute's value, whatever the case of its name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The elements within.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Note(_) => None,
        })
    }
}

/// The tree of a file.
pub fn parse(bytes: &[u8]) -> Result<Vec<Node>, Mistake> {
    let text = decode(bytes)?;
    let mut reader = Reader::from_str(&text);
    // Each open element with what it holds so far; the first is the file itself.
    let mut open = vec![Element { name: String::new(), line: 1, attributes: Vec::new(), nodes: Vec::new() }];
    let mut lines = Lines { text: &text, at: 0, line: 1 };
    loop {
        let line = lines.of(reader.buffer_position());
        let event = reader.read_event();
        let event = match event {
            Ok(event) => event,
            Err(error) => return Err(Mistake::new(lines.of(reader.error_position()), error.to_string())),
        };
        match event {
            Event::Start(start) => {
                if open.len() > MAXIMUM_DEPTH {
                    return Err(Mistake::new(line, format!("nested deeper than {MAXIMUM_DEPTH} levels")));
                }
                open.push(element(&start, line)?);
            }
            Event::Empty(start) => hold(&mut open, Node::Element(element(&start, line)?)),
            Event::End(_) => {
                let closed = open.pop().filter(|_| !open.is_empty());
                let closed = closed.ok_or_else(|| Mistake::new(line, "an end without a beginning"))?;
                hold(&mut open, Node::Element(closed));
            }
            Event::Text(text) => hold(&mut open, Node::Note(String::from_utf8_lossy(&text).into_owned())),
            Event::CData(text) => hold(&mut open, Node::Note(String::from_utf8_lossy(&text).into_owned())),
            Event::Comment(text) => hold(&mut open, Node::Note(String::from_utf8_lossy(&text).into_owned())),
            Event::Eof => break,
            // Declarations, processing instructions and document types say nothing that matters here; entities
            // between elements neither.
            _ => {}
        }
    }
    match open.pop() {
        Some(file) if open.is_empty() => Ok(file.nodes),
        Some(left) => Err(Mistake::new(left.line, format!("<{}> is never closed", left.name))),
        None => Ok(Vec::new()),
    }
}

fn hold(open: &mut [Element], node: Node) {
    if let Some(parent) = open.last_mut() {
        parent.nodes.push(node);
    }
}

fn element(start: &BytesStart<'_>, line: usize) -> Result<Element, Mistake> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| Mistake::new(line, error.to_string()))?;
        let raw = String::from_utf8_lossy(&attribute.value).into_owned();
        let value = quick_xml::escape::unescape(&raw).map_err(|error| Mistake::new(line, error.to_string()))?;
        attributes.push((name(attribute.key.local_name().as_ref()), value.into_owned()));
    }
    Ok(Element { name: name(start.local_name().as_ref()), line, attributes, nodes: Vec::new() })
}

/// The text of a file: UTF-8 or, where a byte order mark says so, UTF-16.
fn decode(bytes: &[u8]) -> Result<String, Mistake> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| Mistake::new(1, "neither UTF-8 nor UTF-16"))
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, Mistake> {
    String::from_utf8(bytes.to_vec()).map_err(|error| {
        let before = &bytes[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Mistake::new(line, "neither UTF-8 nor UTF-16")
    })
}

/// Counts lines up to a byte, each byte once.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, position: u64) -> usize {
        let position = usize::try_from(position).unwrap_or(usize::MAX).min(self.text.len());
        if let Some(passed) = self.text.as_bytes().get(self.at..position) {
            self.line += passed.iter().filter(|byte| **byte == b'\n').count();
            self.at = position;
        }
        self.line
    }
}
