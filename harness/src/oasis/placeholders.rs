//! What stands in for values that only the server, or the clock, can tell: `$UNIQUE_IDENTIFIER_0`, `$NOW-3600`.
//!
//! A placeholder is bound when an answer first has a value where the file has its name, and put in wherever a request
//! names it afterwards. `$NOW` is the moment at which the conversation began, so that a date which a request sets and
//! an answer repeats is one date.
//!
//! Invariant: a name is bound once; a request that needs a name which nothing has bound is an error, never sent.

use std::collections::BTreeMap;

use crate::trace::hex;
use crate::wire::{Item, Value, names};

use super::values::{Content, Field, Kind};
use super::xml::Mistake;

/// A part of a value with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What stands there.
    Literal(String),
    /// A name without its dollar sign.
    Name(String),
    /// So many seconds after the beginning.
    Now(i64),
}

/// The parts of a value; none where it has no placeholder.
pub fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        let name = after.trim_start_matches('{');
        let length = name.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(name.len());
        if !name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            literal.push_str(&rest[..=at]);
            rest = after;
            continue;
        }
        literal.push_str(&rest[..at]);
        if !literal.trim().is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        literal.clear();
        let (name, mut left) = name.split_at(length);
        if name == "NOW" {
            let (offset, after) = offset(left);
            pieces.push(Piece::Now(offset));
            left = after;
        } else {
            pieces.push(Piece::Name(name.to_owned()));
        }
        rest = if after.starts_with('{') { left.strip_prefix('}').unwrap_or(left) } else { left };
    }
    literal.push_str(rest);
    if pieces.is_empty() {
        return None;
    }
    if !literal.trim().is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Some(pieces)
}

/// The seconds after `$NOW`: `-3600`, `+ 60`, or nothing.
fn offset(text: &str) -> (i64, &str) {
    let trimmed = text.trim_start();
    let Some(sign) = trimmed.chars().next().filter(|sign| matches!(sign, '+' | '-')) else { return (0, text) };
    let digits = trimmed[1..].trim_start();
    let length = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    match digits[..length].parse::<i64>() {
        Ok(seconds) => (if sign == '-' { -seconds } else { seconds }, &digits[length..]),
        Err(_) => (0, text),
    }
}

/// What the names of a conversation have turned out to stand for.
#[derive(Clone, Debug)]
pub struct Bindings {
    now: i64,
    bound: BTreeMap<String, Value>,
}

impl Bindings {
    /// None so far, in a conversation that begins now (seconds since 1970).
    pub fn new(now: i64) -> Self {
        Bindings { now, bound: BTreeMap::new() }
    }

    /// When the conversation began.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.bound.get(name)
    }

    /// Binds a name that has no value yet.
    pub fn bind(&mut self, name: &str, value: &Value) {
        self.bound.entry(name.to_owned()).or_insert_with(|| value.clone());
    }

    /// A value with placeholders filled in; the first name that nothing has bound where there is one.
    pub fn fill(&self, kind: Kind, tag: u32, pieces: &[Piece]) -> Result<Value, String> {
        match pieces {
            [Piece::Name(name)] => self.get(name).cloned().ok_or_else(|| name.clone()),
            [Piece::Now(offset)] => Ok(Value::DateTime(self.now + offset)),
            _ => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(literal) => text.push_str(literal),
                        Piece::Now(offset) => text.push_str(&(self.now + offset).to_string()),
                        Piece::Name(name) => match self.get(name) {
                            Some(Value::Text(value)) => text.push_str(value),
                            Some(Value::Bytes(value)) => text.push_str(&hex(value)),
                            _ => return Err(name.clone()),
                        },
                    }
                }
                super::values::value(kind, tag, &text).ok_or(text)
            }
        }
    }
}

/// The item that a field of a request comes down to.
pub fn item(field: &Field, bindings: &Bindings) -> Result<Item, Mistake> {
    let value = match &field.content {
        Content::Fields(fields) => {
            let items: Result<_, _> = fields.iter().map(|field| item(field, bindings)).collect();
            Value::Structure(items?)
        }
        // An identifier that a file spells out, and for which the server has chosen another.
        Content::Fixed(Value::Text(text)) if is_identifier(field.tag) => {
            bindings.get(&literal(text)).cloned().unwrap_or_else(|| Value::Text(text.clone()))
        }
        Content::Fixed(Value::Bytes(bytes)) if is_given_by_servers(field.tag) => {
            bindings.get(&literal(&hex(bytes))).cloned().unwrap_or_else(|| Value::Bytes(bytes.clone()))
        }
        Content::Fixed(value) => value.clone(),
        Content::Open(kind, pieces) => bindings.fill(*kind, field.tag, pieces).map_err(|name| {
            Mistake::new(field.line, format!("no answer before this request has given `${name}` a value"))
        })?,
    };
    Ok(Item::new(field.tag, value))
}

/// The name under which an identifier is bound that a file spells out.
pub fn literal(text: &str) -> String {
    format!("={text}")
}

/// Whether a tag's value is an identifier that the server chooses.
pub fn is_identifier(tag: u32) -> bool {
    matches!(
        tag,
        names::UNIQUE_IDENTIFIER
            | names::PRIVATE_KEY_UNIQUE_IDENTIFIER
            | names::PUBLIC_KEY_UNIQUE_IDENTIFIER
            | names::LINKED_OBJECT_IDENTIFIER
    )
}

/// Whether a tag's value may be what a server gave and later requests give back: that by which it recognises them, or what
/// it made with chance or with a key of its own.
fn is_given_by_servers(tag: u32) -> bool {
    matches!(
        tag,
        names::ASYNCHRONOUS_CORRELATION_VALUE
            | names::CORRELATION_VALUE
            | names::DATA
            | names::SIGNATURE_DATA
            | names::MAC_DATA
            | names::IV_COUNTER_NONCE
            | names::AUTHENTICATED_ENCRYPTION_TAG
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_alone_in_text_and_several_at_a_time() {
        let name = |name: &str| Piece::Name(name.to_owned());
        let literal = |text: &str| Piece::Literal(text.to_owned());
        let cases = [
            ("$UNIQUE_IDENTIFIER_0", vec![name("UNIQUE_IDENTIFIER_0")]),
            ("${KEY}", vec![name("KEY")]),
            ("$NOW", vec![Piece::Now(0)]),
            ("$NOW-3600", vec![Piece::Now(-3600)]),
            ("$NOW + 60", vec![Piece::Now(60)]),
            ("$A $B", vec![name("A"), name("B")]),
            ("key-$A/$NOW", vec![literal("key-"), name("A"), literal("/"), Piece::Now(0)]),
            ("cost $5 or $A", vec![literal("cost $5 or "), name("A")]),
        ];
        for (text, expected) in cases {
            assert_eq!(pieces(text), Some(expected), "{text}");
        }
        assert_eq!((pieces("plain"), pieces("$"), pieces("$5")), (None, None, None));
    }

    #[test]
    fn what_is_bound_once_stays_and_is_put_in_wherever_its_name_stands() {
        let mut bindings = Bindings::new(100);
        bindings.bind("A", &Value::Text("one".to_owned()));
        bindings.bind("A", &Value::Text("two".to_owned()));
        let fill = |kind, text: &str| bindings.fill(kind, names::NAME_VALUE, &pieces(text).unwrap());
        assert_eq!(fill(Kind::Text, "$A"), Ok(Value::Text("one".to_owned())));
        assert_eq!(fill(Kind::Text, "x-$A-$A"), Ok(Value::Text("x-one-one".to_owned())));
        assert_eq!(fill(Kind::DateTime, "$NOW-60"), Ok(Value::DateTime(40)));
        assert_eq!(fill(Kind::Text, "$A$B"), Err("B".to_owned()));
    }
}
