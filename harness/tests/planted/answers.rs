//! Bugs in KMIP answers: each changes the tree of a message on its way to mongod.
//!
//! Trees are read and written with the laboratory's own reader, so that lengths are right where a bug is not about them.

use std::sync::{Arc, Mutex};

use kmiplab::wire::names::*;
use kmiplab::wire::{Item, Value, parse, write};
use kmiplab::world::sim::{Planted, Rewrite};

/// The operation Get (KMIP 1.4, clause 9.1.3.2.27).
const GET: u32 = 0x0A;
/// Server Correlation Value, since KMIP 1.4.
const SERVER_CORRELATION_VALUE: u32 = 0x42_0106;
/// Symmetric Key's sister among the object types (clause 9.1.3.2.12).
const SECRET_DATA: u32 = 0x07;
/// States (clause 9.1.3.2.18).
const PRE_ACTIVE: u32 = 0x01;
const ACTIVE: u32 = 0x02;
/// Result Statuses and Reasons (clauses 9.1.3.2.28 and 9.1.3.2.29).
const SUCCESS: u32 = 0x00;
const OPERATION_FAILED: u32 = 0x01;
const ITEM_NOT_FOUND: u32 = 0x01;

/// Replaces a message by others.
pub(crate) fn rewriting(rewrite: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Planted {
    Planted { answers: Some(Arc::new(rewrite) as Rewrite), ..Planted::default() }
}

/// Changes the tree of every message.
pub(crate) fn editing(edit: fn(&mut Item)) -> Planted {
    rewriting(move |message| vec![edited(message, edit)])
}

/// Swallows every answer.
pub(crate) fn silent() -> Planted {
    rewriting(|_| Vec::new())
}

/// Swallows answers of failure.
pub(crate) fn silent_on_failure() -> Planted {
    rewriting(|message| match parse(message) {
        Ok(answer) if answer.children().iter().any(failed) => Vec::new(),
        _ => vec![message.to_vec()],
    })
}

/// Sends every answer twice.
pub(crate) fn twice() -> Planted {
    rewriting(|message| vec![message.to_vec(), message.to_vec()])
}

/// Sends the first half of every answer.
pub(crate) fn halves() -> Planted {
    rewriting(|message| vec![message[..message.len() / 2].to_vec()])
}

/// Sends the answer before instead of the one that is due.
pub(crate) fn one_behind() -> Planted {
    let before: Mutex<Option<Vec<u8>>> = Mutex::default();
    rewriting(move |message| {
        let mut before = before.lock().expect("no bug panics while it holds the lock");
        vec![before.replace(message.to_vec()).unwrap_or_else(|| message.to_vec())]
    })
}

pub(crate) fn flip_key_material(answer: &mut Item) {
    each_key_block(answer, |block| {
        if let Some(material) = material(block) {
            material[0] ^= 1;
        }
    });
}

/// Gives out half a key, and says so.
pub(crate) fn halve_key_material(answer: &mut Item) {
    each_key_block(answer, |block| {
        if let Some(material) = material(block) {
            material.truncate(material.len() / 2);
        }
    });
    state_half_the_length(answer);
}

pub(crate) fn state_half_the_length(answer: &mut Item) {
    each_key_block(answer, |block| {
        if let Some(Value::Integer(bits)) = child(block, CRYPTOGRAPHIC_LENGTH).map(|item| &mut item.value) {
            *bits /= 2;
        }
    });
}

pub(crate) fn call_it_secret_data(answer: &mut Item) {
    each_payload(answer, |payload| set(payload, OBJECT_TYPE, Value::Enumeration(SECRET_DATA)));
}

pub(crate) fn empty_the_payload(answer: &mut Item) {
    each_payload(answer, |payload| children(payload).clear());
}

/// Names another object in what answers a Get.
pub(crate) fn name_another_key_in_get(answer: &mut Item) {
    each_item(answer, |item| {
        if operation(item) == Some(GET) {
            name_another(item);
        }
    });
}

/// Names another object in what answers anything but a Get.
pub(crate) fn name_another_key_elsewhere(answer: &mut Item) {
    each_item(answer, |item| {
        if operation(item) != Some(GET) {
            name_another(item);
        }
    });
}

pub(crate) fn always_active(answer: &mut Item) {
    set_state(answer, ACTIVE);
}

pub(crate) fn never_active(answer: &mut Item) {
    set_state(answer, PRE_ACTIVE);
}

/// Every failure says that the object does not exist.
pub(crate) fn not_found(answer: &mut Item) {
    each_failure(answer, |item| set(item, RESULT_REASON, Value::Enumeration(ITEM_NOT_FOUND)));
}

pub(crate) fn call_failure_success(answer: &mut Item) {
    each_failure(answer, |item| {
        set(item, RESULT_STATUS, Value::Enumeration(SUCCESS));
        children(item).retain(|field| field.tag != RESULT_REASON && field.tag != RESULT_MESSAGE);
    });
}

pub(crate) fn without_operation(answer: &mut Item) {
    each_failure(answer, |item| children(item).retain(|field| field.tag != OPERATION));
}

pub(crate) fn without_reason(answer: &mut Item) {
    each_failure(answer, |item| children(item).retain(|field| field.tag != RESULT_REASON));
}

pub(crate) fn without_message(answer: &mut Item) {
    each_failure(answer, |item| children(item).retain(|field| field.tag != RESULT_MESSAGE));
}

pub(crate) fn message_of_two_lines(answer: &mut Item) {
    each_failure(answer, |item| set(item, RESULT_MESSAGE, text("the key was not opened\ncaused by: expired")));
}

pub(crate) fn message_too_long(answer: &mut Item) {
    each_failure(answer, |item| set(item, RESULT_MESSAGE, text(&"the key was not opened; ".repeat(20))));
}

pub(crate) fn message_in_another_script(answer: &mut Item) {
    each_failure(answer, |item| set(item, RESULT_MESSAGE, text("der Schl\u{fc}ssel wurde nicht ge\u{f6}ffnet")));
}

/// Answers every request in the newest version that the server knows.
pub(crate) fn answer_in_its_own_version(answer: &mut Item) {
    let version = child(answer, RESPONSE_HEADER).and_then(|header| child(header, PROTOCOL_VERSION));
    if let Some(version) = version {
        set(version, PROTOCOL_VERSION_MINOR, Value::Integer(4));
    }
}

pub(crate) fn add_server_correlation_value(answer: &mut Item) {
    if let Some(header) = child(answer, RESPONSE_HEADER) {
        children(header).push(Item::text(SERVER_CORRELATION_VALUE, "kmiplab!"));
    }
}

pub(crate) fn count_one_item_too_many(answer: &mut Item) {
    if let Some(header) = child(answer, RESPONSE_HEADER) {
        set(header, BATCH_COUNT, Value::Integer(2));
    }
}

pub(crate) fn without_time_stamp(answer: &mut Item) {
    if let Some(header) = child(answer, RESPONSE_HEADER) {
        children(header).retain(|field| field.tag != TIME_STAMP);
    }
}

/// Says more than any client takes.
pub(crate) fn chatter(answer: &mut Item) {
    each_item(answer, |item| {
        let at = children(item).iter().position(|field| field.tag == RESPONSE_PAYLOAD).unwrap_or(0);
        children(item).insert(at, Item::text(RESULT_MESSAGE, &"all is well; ".repeat(800)));
    });
}

fn edited(message: &[u8], edit: fn(&mut Item)) -> Vec<u8> {
    let mut answer = parse(message).expect("the product writes KMIP");
    edit(&mut answer);
    write(&answer)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn children(item: &mut Item) -> &mut Vec<Item> {
    match &mut item.value {
        Value::Structure(items) => items,
        _ => panic!("only structures have items in them"),
    }
}

fn child(item: &mut Item, tag: u32) -> Option<&mut Item> {
    children(item).iter_mut().find(|item| item.tag == tag)
}

/// Changes a value where there is one.
fn set(item: &mut Item, tag: u32, value: Value) {
    if let Some(item) = child(item, tag) {
        item.value = value;
    }
}

fn operation(item: &Item) -> Option<u32> {
    item.child(OPERATION).and_then(Item::as_enumeration)
}

fn failed(item: &Item) -> bool {
    item.child(RESULT_STATUS).and_then(Item::as_enumeration) == Some(OPERATION_FAILED)
}

fn each_item(answer: &mut Item, edit: impl FnMut(&mut Item)) {
    children(answer).iter_mut().filter(|item| item.tag == BATCH_ITEM).for_each(edit);
}

fn each_failure(answer: &mut Item, mut edit: impl FnMut(&mut Item)) {
    each_item(answer, |item| {
        if failed(item) {
            edit(item);
        }
    });
}

fn each_payload(answer: &mut Item, mut edit: impl FnMut(&mut Item)) {
    each_item(answer, |item| {
        if let Some(payload) = child(item, RESPONSE_PAYLOAD) {
            edit(payload);
        }
    });
}

fn each_key_block(answer: &mut Item, mut edit: impl FnMut(&mut Item)) {
    each_payload(answer, |payload| {
        if let Some(block) = child(payload, SYMMETRIC_KEY).and_then(|key| child(key, KEY_BLOCK)) {
            edit(block);
        }
    });
}

fn material(block: &mut Item) -> Option<&mut Vec<u8>> {
    match &mut child(child(block, KEY_VALUE)?, KEY_MATERIAL)?.value {
        Value::Bytes(material) => Some(material),
        _ => None,
    }
}

fn name_another(item: &mut Item) {
    if let Some(payload) = child(item, RESPONSE_PAYLOAD) {
        set(payload, UNIQUE_IDENTIFIER, text("another-key"));
    }
}

fn set_state(answer: &mut Item, state: u32) {
    each_payload(answer, |payload| {
        for attribute in children(payload).iter_mut().filter(|item| item.tag == ATTRIBUTE) {
            if attribute.child(ATTRIBUTE_NAME).and_then(Item::as_text) == Some("State") {
                set(attribute, ATTRIBUTE_VALUE, Value::Enumeration(state));
            }
        }
    });
}
