//! What the first releases of Percona Server say, byte for byte, and what they take from the answers.
//!
//! Three messages: Locate and Get in KMIP 1.0, Register in 1.4. Locate pages with Offset Items, a
//! field of KMIP 1.3, in a message of 1.0. What is not an answer of success is nothing.
//!
//! Invariant: apart from the time stamp, the name and the unique identifiers the bytes are those of the captures in
//! `fixtures/kmip/psmdb-legacy`.

use kmip_proxy::keys::Secret;

use crate::cast::requests::{self, *};
use crate::wire::message::{attribute, request};
use crate::wire::names::*;
use crate::wire::{Answer, AnswerItem, Header, Item, Value};

/// The MaximumResponseSize of every request.
const LONGEST_ANSWER: i32 = 8192;

/// How many identifiers one Locate asks for.
const PAGE: i32 = 16;

/// Uninterpreted Text String (KMIP 1.4, clause 9.1.3.2.11).
const PLAIN_NAME: u32 = 0x01;

/// EC Public Key Type Uncompressed (clause 9.1.3.2.2): without meaning for AES.
const UNCOMPRESSED: u32 = 0x01;

/// What one Locate found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) identifiers: Vec<String>,
    /// How many there are, where the server says so; none instead of zero.
    pub(super) located: Option<usize>,
}

pub(super) fn locate(name: &str, offset: i32, time_stamp: i64) -> Item {
    let mut payload = vec![Item::integer(MAXIMUM_ITEMS, PAGE)];
    if offset > 0 {
        payload.push(Item::integer(OFFSET_ITEMS, offset));
    }
    payload.push(attribute("Object Type", Value::Enumeration(TYPE_SYMMETRIC_KEY)));
    payload.push(named(name));
    message((1, 0), (LOCATE, payload), time_stamp)
}

pub(super) fn get(identifier: &str, time_stamp: i64) -> Item {
    message((1, 0), requests::get(identifier), time_stamp)
}

pub(super) fn register(name: &str, key: &[u8], time_stamp: i64) -> Item {
    let mut template = key_attributes(bits(key));
    template.push(named(name));
    template.push(attribute("Object Group", Value::Text(String::new())));
    let block = vec![
        Item::enumeration(KEY_FORMAT_TYPE, FORMAT_RAW),
        Item::enumeration(KEY_COMPRESSION_TYPE, UNCOMPRESSED),
        Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, Value::Bytes(key.to_vec()))]),
        Item::enumeration(CRYPTOGRAPHIC_ALGORITHM, AES),
        Item::integer(CRYPTOGRAPHIC_LENGTH, bits(key)),
    ];
    let payload = vec![
        Item::enumeration(OBJECT_TYPE, TYPE_SYMMETRIC_KEY),
        Item::structure(TEMPLATE_ATTRIBUTE, template),
        Item::structure(SYMMETRIC_KEY, vec![Item::structure(KEY_BLOCK, block)]),
    ];
    message((1, 4), (REGISTER, payload), time_stamp)
}

fn named(name: &str) -> Item {
    let name = vec![Item::text(NAME_VALUE, name), Item::enumeration(NAME_TYPE, PLAIN_NAME)];
    attribute("Name", Value::Structure(name))
}

fn message(version: (i32, i32), asking: Asking, time_stamp: i64) -> Item {
    let header = Header { version, maximum_response_size: Some(LONGEST_ANSWER), time_stamp: Some(time_stamp) };
    request(&header, &[asking])
}

/// The identifiers in the answer to a Locate, or `None` where it is no success.
pub(super) fn page(answer: &Answer) -> Option<Page> {
    succeeded(answer)?;
    let payload = answer.message.descendant(&[BATCH_ITEM, RESPONSE_PAYLOAD])?;
    let identifiers = payload.children().iter().filter(|item| item.tag == UNIQUE_IDENTIFIER);
    let located = payload.child(LOCATED_ITEMS).and_then(Item::as_integer);
    Some(Page {
        identifiers: identifiers.filter_map(Item::as_text).map(str::to_owned).collect(),
        located: located.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0),
    })
}

/// The key in the answer to a Get, or `None` where there is none of the expected kind.
pub(super) fn key(mut answer: Answer) -> Option<Secret> {
    succeeded(&answer)?;
    let item = answer.items.pop()?;
    let expected = item.object_type.as_deref() == Some("SymmetricKey")
        && item.key_format.as_deref() == Some("Raw")
        && !item.wrapped;
    item.key_material.filter(|_| expected).map(Secret::new)
}

/// The identifier in the answer to a Register, or `None` where it is no success.
pub(super) fn registered(mut answer: Answer) -> Option<String> {
    succeeded(&answer)?;
    answer.items.pop()?.unique_identifier
}

fn succeeded(answer: &Answer) -> Option<&AnswerItem> {
    match answer.items.as_slice() {
        [item] if item.status == "Success" => Some(item),
        _ => None,
    }
}
