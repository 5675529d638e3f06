//! Messages as text for the log, with names from the tables and without secrets.
//!
//! Invariant: whatever can hold a key, a password or clear text is hidden.

use super::enums::value_name;
use super::tag;
use crate::ttlv::{self, Item, Tag, Vocabulary};

/// Items that are never printed, nor what is inside them.
const HIDDEN: [Tag; 7] = [
    tag::KEY_MATERIAL,
    tag::PASSWORD,
    tag::DATA,
    tag::DERIVATION_DATA,
    tag::OPAQUE_DATA_VALUE,
    tag::VENDOR_EXTENSION,
    tag::MAC_DATA,
];

/// A request or an answer as an indented tree. What cannot be read ends the text with its fault.
pub fn pretty(message: &[u8]) -> String {
    ttlv::pretty(message, &Kmip)
}

struct Kmip;

impl Vocabulary for Kmip {
    fn tag_name(&self, tag: Tag) -> Option<&'static str> {
        tag::entry(tag).map(|entry| entry.name)
    }

    fn enumeration_name(&self, tag: Tag, number: u32) -> Option<&'static str> {
        value_name(tag, number)
    }

    fn hides(&self, item: &Item<'_>) -> bool {
        // A Key Value that is a Byte String is a wrapped key; as a structure it holds Key Material and attributes.
        HIDDEN.contains(&item.tag) || (item.tag == tag::KEY_VALUE && item.byte_string().is_ok())
    }
}
