//! Messages without their secrets, and as long as they were.
//!
//! A value that is a secret by its tag is replaced: bytes and numbers by zeros, letters by `*`. What was a secret once is
//! replaced wherever it stands later, in any spelling. Of bytes that cannot be read nothing is kept but the header.
//!
//! Invariant: nothing changes its length or its place, so that messages can still be compared byte by byte.

use std::collections::BTreeSet;

use crate::trace::spellings;
use crate::wire::names::{KEY_VALUE, tag_title};
use crate::wire::{Item, Value, parse, write};

/// What is secret by its tag, with everything inside: the titles of the standard. Identifiers, user names, and
/// initialisation vectors are none. A digest of a short secret tells the secret.
pub(super) const SECRET: &[&str] = &[
    "Key Material",
    "Password",
    "Data",
    "MAC Data",
    "Digest Value",
    "Opaque Data Value",
    "Derivation Data",
    "One Time Password",
    "Hashed Password",
    "Server Hashed Password",
    "Ticket Value",
];

/// How many secrets are remembered. No client that this is made for has so many.
const REMEMBERED: usize = 1000;

/// Tag, type and length of the outermost item.
const HEADER: usize = 8;

/// Takes secrets out of the messages of a recording, one after the other.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    known: BTreeSet<Vec<u8>>,
    spelt: Vec<String>,
}

impl Redactor {
    /// The message without secrets.
    pub(super) fn redact(&mut self, message: &[u8]) -> Vec<u8> {
        let Ok(item) = parse(message) else {
            // Whatever it is, nobody can say what in it is none.
            return message.iter().enumerate().map(|(at, byte)| if at < HEADER { *byte } else { 0 }).collect();
        };
        self.learn(&item, false);
        let redacted = write(&self.without(&item, false));
        assert_eq!(redacted.len(), message.len(), "what was read strictly is written as it was");
        redacted
    }

    /// Remembers the secrets of a message.
    fn learn(&mut self, item: &Item, within: bool) {
        let secret = within || is_secret(item);
        item.children().iter().for_each(|child| self.learn(child, secret));
        let bytes = match &item.value {
            Value::Bytes(bytes) | Value::BigInteger(bytes) => bytes.as_slice(),
            Value::Text(text) => text.as_bytes(),
            _ => return,
        };
        // What was taken out of an answer before, or was never there, says nothing.
        if secret && self.known.len() < REMEMBERED && bytes.iter().any(|byte| !matches!(byte, 0 | b'*')) {
            let spelt = spellings(bytes);
            if !spelt.is_empty() && self.known.insert(bytes.to_vec()) {
                self.spelt.extend(spelt);
            }
        }
    }

    fn without(&self, item: &Item, within: bool) -> Item {
        let secret = within || is_secret(item);
        let value = match &item.value {
            Value::Structure(items) => Value::Structure(items.iter().map(|item| self.without(item, secret)).collect()),
            Value::Bytes(bytes) if secret => Value::Bytes(vec![0; bytes.len()]),
            Value::BigInteger(bytes) if secret => Value::BigInteger(vec![0; bytes.len()]),
            Value::Text(text) if secret => Value::Text("*".repeat(text.len())),
            Value::Integer(_) if secret => Value::Integer(0),
            Value::LongInteger(_) if secret => Value::LongInteger(0),
            Value::Bytes(bytes) => Value::Bytes(self.struck(bytes, 0)),
            // A secret may begin or end within a letter, and then nothing is left of the text: it keeps its length.
            Value::Text(text) => Value::Text(
                String::from_utf8(self.struck(text.as_bytes(), b'*')).unwrap_or_else(|_| "*".repeat(text.len())),
            ),
            other => other.clone(),
        };
        Item::new(item.tag, value)
    }

    /// Bytes in which every secret that is known is replaced.
    fn struck(&self, bytes: &[u8], by: u8) -> Vec<u8> {
        let mut left = bytes.to_vec();
        let raw = self.known.iter().map(Vec::as_slice);
        for secret in raw.chain(self.spelt.iter().map(String::as_bytes)).filter(|secret| secret.len() >= HEADER) {
            for at in 0..(bytes.len() + 1).saturating_sub(secret.len()) {
                if bytes[at..].starts_with(secret) {
                    left[at..at + secret.len()].fill(by);
                }
            }
        }
        left
    }
}

/// Whether an item is a secret by its tag. An extension's bytes may be anything, and a Key Value in one piece is a key
/// that was wrapped.
fn is_secret(item: &Item) -> bool {
    let bytes = matches!(item.value, Value::Bytes(_));
    match tag_title(item.tag) {
        Some(title) => SECRET.contains(&title) || bytes && item.tag == KEY_VALUE,
        None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::trace::hex;
    use crate::wire::names::*;

    const KEY: &[u8] = b"\x01\x23\x45\x67\x89\xab\xcd\xef of a database";

    fn register(more: Vec<Item>) -> Vec<u8> {
        let value = Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, Value::Bytes(KEY.to_vec()))]);
        let key = Item::structure(SYMMETRIC_KEY, vec![Item::structure(KEY_BLOCK, vec![value])]);
        write(&Item::structure(REQUEST_MESSAGE, [vec![key], more].concat()))
    }

    #[test]
    fn every_title_on_the_list_is_one_of_the_standards() {
        for title in SECRET {
            assert!(tag_of_title(title).is_some(), "{title}");
        }
    }

    #[test]
    fn every_tag_on_the_list_is_taken_out_with_all_that_is_inside_and_nothing_else_is() {
        for title in SECRET {
            let tag = tag_of_title(title).unwrap();
            let inside = vec![
                Item::text(0x420001, "a text"),
                Item::new(0x420002, Value::Bytes(b"some bytes".to_vec())),
                Item::new(0x420003, Value::BigInteger(vec![7; 16])),
                Item::integer(0x420004, 77),
                Item::new(0x420005, Value::LongInteger(777)),
            ];
            let kept = Item::text(UNIQUE_IDENTIFIER, "key-1");
            let message = write(&Item::structure(REQUEST_MESSAGE, vec![Item::structure(tag, inside), kept.clone()]));
            let redacted = Redactor::default().redact(&message);
            assert_eq!(redacted.len(), message.len());
            let read = parse(&redacted).unwrap();
            let left: Vec<_> = read.children()[0].children().iter().map(|item| item.value.clone()).collect();
            let gone = [
                Value::Text("******".to_owned()),
                Value::Bytes(vec![0; 10]),
                Value::BigInteger(vec![0; 16]),
                Value::Integer(0),
                Value::LongInteger(0),
            ];
            assert!(left == gone, "{title}: {left:?}");
            assert!(read.children()[1] == kept, "{title}");
        }
    }

    #[test]
    fn a_wrapped_key_and_the_bytes_of_an_extension_are_secrets() {
        let message = |tag| write(&Item::structure(REQUEST_MESSAGE, vec![Item::new(tag, Value::Bytes(KEY.to_vec()))]));
        for tag in [KEY_VALUE, 0x54_0001] {
            assert!(!hex(&Redactor::default().redact(&message(tag))).contains(&hex(KEY)), "{tag:x}");
        }
        let vector = message(IV_COUNTER_NONCE);
        assert_eq!(Redactor::default().redact(&vector), vector);
    }

    #[test]
    fn what_was_a_secret_once_is_taken_out_wherever_it_stands_later() {
        let mut redactor = Redactor::default();
        redactor.redact(&register(Vec::new()));
        let told = [hex(KEY), hex(KEY).to_uppercase(), STANDARD.encode(KEY)];
        for text in told {
            let message = Item::text(RESULT_MESSAGE, &format!("no such key: {text}."));
            let redacted = redactor.redact(&write(&Item::structure(RESPONSE_MESSAGE, vec![message])));
            let left = parse(&redacted).unwrap().child(RESULT_MESSAGE).unwrap().as_text().unwrap().to_owned();
            assert_eq!(left, format!("no such key: {}.", "*".repeat(text.len())));
        }
        let bytes = Item::new(IV_COUNTER_NONCE, Value::Bytes([b"x", KEY, b"y"].concat()));
        let redacted = redactor.redact(&write(&Item::structure(RESPONSE_MESSAGE, vec![bytes])));
        let left = parse(&redacted).unwrap().child(IV_COUNTER_NONCE).unwrap().as_bytes().unwrap().to_vec();
        assert_eq!(left, [&b"x"[..], &vec![0; KEY.len()], b"y"].concat());
    }

    #[test]
    fn a_secret_that_ends_within_a_letter_takes_the_text_with_it() {
        let mut redactor = Redactor::default();
        let secret = [&[0xa9][..], b"abcdefg"].concat();
        let data = Item::new(tag_of_title("Data").unwrap(), Value::Bytes(secret));
        redactor.redact(&write(&Item::structure(REQUEST_MESSAGE, vec![data])));
        // The last byte of the first letter is the first of the secret.
        let text = Item::text(RESULT_MESSAGE, "\u{e9}abcdefgxxxxxxx");
        let redacted = redactor.redact(&write(&Item::structure(RESPONSE_MESSAGE, vec![text])));
        let left = parse(&redacted).unwrap().child(RESULT_MESSAGE).unwrap().as_text().unwrap().to_owned();
        assert_eq!(left, "*".repeat(16));
    }

    #[test]
    fn of_what_cannot_be_read_only_the_header_is_left() {
        let mut message = register(Vec::new());
        message.extend(KEY);
        let redacted = Redactor::default().redact(&message);
        assert_eq!(redacted[..HEADER], message[..HEADER]);
        assert!(redacted[HEADER..].iter().all(|byte| *byte == 0) && redacted.len() == message.len());
    }

    #[test]
    fn a_message_without_secrets_stays_as_it_is() {
        let captured = include_str!("../../../fixtures/kmip/psmdb/02-restart-verify-active.2-get.req.hex").trim();
        let bytes: Vec<u8> =
            (0..captured.len()).step_by(2).map(|at| u8::from_str_radix(&captured[at..at + 2], 16).unwrap()).collect();
        assert_eq!(Redactor::default().redact(&bytes), bytes);
    }

    proptest! {
        #[test]
        fn no_bytes_change_their_length(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(Redactor::default().redact(&bytes).len(), bytes.len());
        }
    }
}
