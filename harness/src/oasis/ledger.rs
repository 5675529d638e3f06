//! What a conversation has taught: what names stand for, what requests have fixed, what the server gave.
//!
//! Invariant: what a request brought or named is here before its answer is judged.

use std::collections::BTreeSet;

use ring::digest;

use crate::wire::names::{ATTRIBUTE_NAME, ATTRIBUTE_VALUE, KEY_MATERIAL, OBJECT_GROUP};
use crate::wire::{Item, Value, names};

use super::placeholders::Bindings;

/// What a conversation has taught so far.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// What placeholders stand for.
    pub bindings: Bindings,
    /// The identifiers that the server gave in this conversation.
    pub identifiers: BTreeSet<String>,
    /// The byte strings and big integers of requests.
    pub sent_bytes: BTreeSet<Vec<u8>>,
    /// The dates of requests, by the tag of their attribute.
    pub sent_dates: Vec<(u32, i64)>,
    /// Whether a request has brought a key.
    pub registered: bool,
    /// Whether a request has named an Object Group.
    pub grouped: bool,
    /// Whether the file is a use case, whose lists of Query require nothing.
    pub use_case: bool,
}

impl Ledger {
    /// Nothing so far.
    pub fn new(now: i64, use_case: bool) -> Self {
        Ledger {
            bindings: Bindings::new(now),
            identifiers: BTreeSet::new(),
            sent_bytes: BTreeSet::new(),
            sent_dates: Vec::new(),
            registered: false,
            grouped: false,
            use_case,
        }
    }

    /// Notes what a request fixes.
    pub fn sent(&mut self, request: &Item) {
        self.note(request, request.tag);
    }

    fn note(&mut self, item: &Item, means: u32) {
        self.registered |= item.tag == KEY_MATERIAL;
        self.grouped |= means == OBJECT_GROUP;
        match &item.value {
            Value::Structure(items) => {
                let attribute = item.child(ATTRIBUTE_NAME).and_then(Item::as_text).and_then(names::tag_of_title);
                for child in items {
                    self.note(child, attribute.filter(|_| child.tag == ATTRIBUTE_VALUE).unwrap_or(child.tag));
                }
            }
            Value::Bytes(bytes) | Value::BigInteger(bytes) => {
                self.sent_bytes.insert(bytes.clone());
            }
            Value::DateTime(date) => self.sent_dates.push((means, *date)),
            _ => {}
        }
    }

    /// Whether these are the bytes of a digest of something that a request has brought.
    pub fn digests_what_was_sent(&self, bytes: &[u8]) -> bool {
        let hashes = [&digest::SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA256, &digest::SHA384, &digest::SHA512];
        let digests = |sent: &Vec<u8>| hashes.iter().any(|hash| digest::digest(hash, sent).as_ref() == bytes);
        self.sent_bytes.iter().any(digests)
    }
}
