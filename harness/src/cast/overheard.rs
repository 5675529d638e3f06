//! An exchange that somebody reads along with: a tap, or the relay before a real client.
//!
//! In order: the request before it is passed on, whatever it is; then its answer; then what the two together say that an
//! identifier means. `Made` is recorded where the messages themselves say so: when a Register has succeeded; at the first
//! Get of a key that was Created here; and when an Encrypt has succeeded, for what was encrypted.
//!
//! Invariant: what is secret in a message is named a secret before the message is recorded.

use std::collections::BTreeSet;
use std::time::Duration;

use super::exchange;
use crate::trace::{Trace, What};
use crate::wire::message::Asked;
use crate::wire::names::{BATCH_ITEM, DATA, KEY_MATERIAL, OPERATION, PASSWORD, REQUEST_MESSAGE, REQUEST_PAYLOAD};
use crate::wire::names::{UNIQUE_IDENTIFIER, operation};
use crate::wire::{Answer, AnswerItem, Item, parse};

/// A request that has no answer yet.
#[derive(Debug)]
pub(crate) struct Overheard {
    /// Its number.
    pub(crate) exchange: u64,
    request: Item,
}

/// Something that a client has handed over, under the identifier that it has from now on.
pub(crate) struct Made<'a> {
    pub(crate) key: &'a str,
    pub(crate) material: &'a [u8],
    /// What the server answered to it.
    pub(crate) answered: &'a AnswerItem,
}

impl Overheard {
    /// Puts a request into the trace. Whatever it is, the server owes it an answer (invariant K6).
    pub(crate) fn sent(trace: &Trace, host: &str, bytes: &[u8]) -> Self {
        let request = parse(bytes).unwrap_or_else(|_| Item::structure(REQUEST_MESSAGE, Vec::new()));
        let asked = Asked::read(&request);
        let key = asked.key.as_deref().unwrap_or("an unnamed key");
        secrets(&request, &mut |name, bytes| trace.secret(&format!("{name} of {key}"), bytes));
        Overheard { exchange: exchange::sent(trace, host, asked, bytes), request }
    }

    /// Puts its answer into the trace, and reads it; `None` where it is not KMIP at all. `created` are the keys that a
    /// server has made, and that nobody has fetched yet.
    pub(crate) fn received(
        &self,
        trace: &Trace,
        host: &str,
        bytes: &[u8],
        after: Duration,
        created: &mut BTreeSet<String>,
    ) -> Option<Answer> {
        let answer = exchange::received(trace, host, self.exchange, &self.request, bytes, after)?;
        for (asked, answered) in self.succeeded(&answer) {
            let Some(key) = key(asked, answered) else { continue };
            let fetched = is(asked, "Get") && !answered.wrapped && created.remove(key);
            let fetched = answered.key_material.as_deref().filter(|_| fetched);
            if is(asked, "Create") {
                created.insert(key.to_owned());
            }
            if let Some(material) = handed_over(asked).or(fetched) {
                trace.record(host, What::Made { key: key.to_owned(), material: trace.fingerprint(material) });
            }
        }
        Some(answer)
    }

    /// What of the client's own has an identifier since an answer.
    pub(crate) fn made<'a>(&'a self, answer: &'a Answer) -> impl Iterator<Item = Made<'a>> {
        let made =
            |(asked, answered)| Some(Made { key: key(asked, answered)?, material: handed_over(asked)?, answered });
        self.succeeded(answer).filter_map(made)
    }

    /// The keys, and decrypted data, that an answer gives to the client, with their identifiers.
    pub(crate) fn given<'a>(&'a self, answer: &'a Answer) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.succeeded(answer).filter_map(|(asked, answered)| {
            let decrypted = answered.data.as_deref().filter(|_| is(asked, "Decrypt"));
            Some((key(asked, answered)?, answered.key_material.as_deref().or(decrypted)?))
        })
    }

    fn succeeded<'a>(&'a self, answer: &'a Answer) -> impl Iterator<Item = (&'a Item, &'a AnswerItem)> {
        let asked = self.request.children().iter().filter(|item| item.tag == BATCH_ITEM);
        asked.zip(&answer.items).filter(|(_, answered)| answered.status == "Success")
    }
}

/// Hands over what is secret in a request by its tag: key material, passwords, and what is encrypted or decrypted.
fn secrets(item: &Item, each: &mut impl FnMut(&'static str, &[u8])) {
    let name = match item.tag {
        KEY_MATERIAL => "key material",
        PASSWORD => "password",
        DATA => "data",
        _ => return item.children().iter().for_each(|child| secrets(child, each)),
    };
    leaves(item, &mut |bytes| each(name, bytes));
}

/// What a client hands over in a request that is nobody else's: everything secret, but what it has decrypted, which the
/// server made.
pub(crate) fn own(request: &Item) -> Vec<Vec<u8>> {
    let mut own = Vec::new();
    let is_decrypted = |item: &&Item| item.tag == BATCH_ITEM && is(item, "Decrypt");
    for item in request.children().iter().filter(|item| !is_decrypted(item)) {
        secrets(item, &mut |_, bytes| own.push(bytes.to_vec()));
    }
    own
}

/// What of its own a client hands over in an item of a batch: key material to be kept, or data to be encrypted.
fn handed_over(asked: &Item) -> Option<&[u8]> {
    let payload = asked.child(REQUEST_PAYLOAD)?;
    if is(asked, "Register") {
        find(payload, KEY_MATERIAL)?.as_bytes()
    } else if is(asked, "Encrypt") {
        payload.child(DATA)?.as_bytes()
    } else {
        None
    }
}

/// The identifier that an answer states, or else the request.
fn key<'a>(asked: &'a Item, answered: &'a AnswerItem) -> Option<&'a str> {
    let named = || asked.descendant(&[REQUEST_PAYLOAD, UNIQUE_IDENTIFIER]).and_then(Item::as_text);
    answered.unique_identifier.as_deref().or_else(named)
}

fn is(asked: &Item, name: &str) -> bool {
    asked.child(OPERATION).and_then(Item::as_enumeration) == operation(name)
}

/// The first item with a tag, at any depth.
fn find(item: &Item, tag: u32) -> Option<&Item> {
    if item.tag == tag { Some(item) } else { item.children().iter().find_map(|child| find(child, tag)) }
}

/// Everything inside that is bytes or text.
fn leaves(item: &Item, each: &mut impl FnMut(&[u8])) {
    item.as_bytes().into_iter().chain(item.as_text().map(str::as_bytes)).for_each(&mut *each);
    item.children().iter().for_each(|child| leaves(child, each));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests of a captured dialogue.
    fn captured(lines: &str) -> Vec<Item> {
        let bytes = |digits: &str| -> Vec<u8> {
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
        };
        lines.lines().skip(1).map(|line| parse(&bytes(line.split('\t').nth(2).unwrap().trim())).unwrap()).collect()
    }

    fn lengths(request: &Item) -> Vec<usize> {
        own(request).iter().map(Vec::len).collect()
    }

    #[test]
    fn what_a_client_hands_over_is_found_in_captured_requests() {
        let requests = captured(include_str!("../../../fixtures/kmip/dialogues/libmongocrypt.tsv"));
        assert_eq!(lengths(&requests[0]), [96], "a Register");
        assert!(own(&requests[1]).is_empty(), "an Activate hands nothing over");
        let requests = captured(include_str!("../../../fixtures/kmip/dialogues/libmongocrypt-delegated.tsv"));
        let with = |name| requests.iter().find(|request| is(request.child(BATCH_ITEM).unwrap(), name)).unwrap();
        assert_eq!(lengths(with("Encrypt")), [96]);
        assert!(own(with("Decrypt")).is_empty(), "that comes from the server");
    }

    #[test]
    fn what_a_client_hands_over_is_found_in_every_item_of_a_batch() {
        let requests = captured(include_str!("../../../fixtures/kmip/dialogues/libmongocrypt.tsv"));
        let items = |request: &Item| request.children().iter().filter(|item| item.tag == BATCH_ITEM).cloned().collect();
        let batch: Vec<Vec<Item>> = requests[..2].iter().rev().chain(&requests[..1]).map(items).collect();
        assert_eq!(lengths(&Item::structure(REQUEST_MESSAGE, batch.concat())), [96, 96]);
    }
}
