//! What libmongocrypt says, byte for byte, and what it takes from the answers.
//!
//! A request is a version and one batch item: no time stamp, no size. Keys that the application gets are asked for in
//! KMIP 1.0; Create, Encrypt and Decrypt are of 1.2, but a key that was created in 1.2 is activated in 1.0. Of an answer
//! the reader wants a Result Status, and the one thing that it came for; it finds both in any order, and asks neither
//! for the version nor for the Operation.
//!
//! Invariant: apart from identifiers, keys and what was encrypted the bytes are those of the captures in
//! `fixtures/kmip/libmongocrypt`.

use kmip_proxy::keys::Secret;

use super::Trouble;
use crate::wire::message::{attribute, request};
use crate::wire::names::*;
use crate::wire::{Answer, Header, Item, Value};

// Choices of the standard (clause 9.1.3.2): operations, and what keys and ciphers are.
const CREATE: u32 = 0x01;
const REGISTER: u32 = 0x03;
const GET: u32 = 0x0A;
const ACTIVATE: u32 = 0x12;
const ENCRYPT: u32 = 0x1F;
const DECRYPT: u32 = 0x20;
const TYPE_SYMMETRIC_KEY: u32 = 0x02;
const TYPE_SECRET_DATA: u32 = 0x07;
const SEED: u32 = 0x02;
const FORMAT_OPAQUE: u32 = 0x02;
const AES: u32 = 0x03;
const CBC: u32 = 0x01;
const PKCS5: u32 = 0x03;
/// Encrypt and Decrypt.
const USAGE: i32 = 0x04 | 0x08;

/// The bytes of an initialisation vector of AES.
const IV_LENGTH: usize = 16;

pub(crate) fn register(secret: &[u8]) -> Item {
    // The mask is empty: a secret like this is for nothing that the standard names.
    let template = vec![attribute("Cryptographic Usage Mask", Value::Integer(0))];
    let block = vec![
        Item::enumeration(KEY_FORMAT_TYPE, FORMAT_OPAQUE),
        Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, Value::Bytes(secret.to_vec()))]),
    ];
    let object = vec![Item::enumeration(SECRET_DATA_TYPE, SEED), Item::structure(KEY_BLOCK, block)];
    let payload = vec![
        Item::enumeration(OBJECT_TYPE, TYPE_SECRET_DATA),
        Item::structure(TEMPLATE_ATTRIBUTE, template),
        Item::structure(SECRET_DATA, object),
    ];
    one((1, 0), REGISTER, payload)
}

pub(crate) fn activate(identifier: &str) -> Item {
    one((1, 0), ACTIVATE, vec![Item::text(UNIQUE_IDENTIFIER, identifier)])
}

pub(crate) fn get(identifier: &str) -> Item {
    one((1, 0), GET, vec![Item::text(UNIQUE_IDENTIFIER, identifier)])
}

pub(crate) fn create() -> Item {
    let template = vec![
        attribute("Cryptographic Algorithm", Value::Enumeration(AES)),
        attribute("Cryptographic Length", Value::Integer(256)),
        attribute("Cryptographic Usage Mask", Value::Integer(USAGE)),
    ];
    let payload =
        vec![Item::enumeration(OBJECT_TYPE, TYPE_SYMMETRIC_KEY), Item::structure(TEMPLATE_ATTRIBUTE, template)];
    one((1, 2), CREATE, payload)
}

pub(crate) fn encrypt(identifier: &str, data: &[u8]) -> Item {
    let mut parameters = cipher();
    parameters.push(Item::new(RANDOM_IV, Value::Boolean(true)));
    let payload = vec![
        Item::text(UNIQUE_IDENTIFIER, identifier),
        Item::structure(CRYPTOGRAPHIC_PARAMETERS, parameters),
        Item::new(DATA, Value::Bytes(data.to_vec())),
    ];
    one((1, 2), ENCRYPT, payload)
}

/// Asks for what `wrapped` was made of: an initialisation vector, and what the server encrypted with it.
pub(crate) fn decrypt(identifier: &str, wrapped: &[u8]) -> Item {
    let (iv, data) = wrapped.split_at(IV_LENGTH.min(wrapped.len()));
    let payload = vec![
        Item::text(UNIQUE_IDENTIFIER, identifier),
        Item::structure(CRYPTOGRAPHIC_PARAMETERS, cipher()),
        Item::new(DATA, Value::Bytes(data.to_vec())),
        Item::new(IV_COUNTER_NONCE, Value::Bytes(iv.to_vec())),
    ];
    one((1, 2), DECRYPT, payload)
}

fn cipher() -> Vec<Item> {
    vec![
        Item::enumeration(BLOCK_CIPHER_MODE, CBC),
        Item::enumeration(PADDING_METHOD, PKCS5),
        Item::enumeration(CRYPTOGRAPHIC_ALGORITHM, AES),
    ]
}

fn one(version: (i32, i32), operation: u32, payload: Vec<Item>) -> Item {
    request(&Header { version, maximum_response_size: None, time_stamp: None }, &[(operation, payload)])
}

/// The identifier in an answer to Register or Activate, and, as it is inferred, to Create: all are told of alike.
pub(crate) fn identifier(answer: &Answer) -> Result<String, Trouble> {
    let found = payload(answer).and_then(|payload| {
        let text = find(payload, &[UNIQUE_IDENTIFIER])?.as_text();
        text.map(str::to_owned).ok_or_else(|| missing(UNIQUE_IDENTIFIER))
    });
    // The name is spelled so.
    found.map_err(|why| Trouble::new(format!("Error getting UniqueIdentifer from KMIP Register response: {why}")))
}

/// The key in an answer to Get.
pub(crate) fn secret_data(answer: &Answer) -> Result<Secret, Trouble> {
    let path = [SECRET_DATA, KEY_BLOCK, KEY_VALUE, KEY_MATERIAL];
    let found = payload(answer).and_then(|payload| bytes(payload, &path));
    let secret =
        found.map_err(|why| Trouble::new(format!("Error getting SecretData from KMIP Get response: {why}")))?;
    Ok(Secret::new(secret))
}

/// What an answer to Encrypt makes of a data key, as the vault keeps it: the initialisation vector before the ciphertext.
pub(crate) fn encrypted(answer: &Answer) -> Result<Vec<u8>, Trouble> {
    let failed =
        |what: &str, why: String| Trouble::new(format!("Error getting {what} from KMIP Encrypt response: {why}"));
    let payload = payload(answer).map_err(|why| failed("data", why))?;
    let data = bytes(payload, &[DATA]).map_err(|why| failed("data", why))?;
    // This wording is inferred from its sister.
    let iv = bytes(payload, &[IV_COUNTER_NONCE]).map_err(|why| failed("IV", why))?;
    Ok([iv, data].concat())
}

/// The data key in an answer to Decrypt. The wording of a failure is inferred from that of Encrypt.
pub(crate) fn decrypted(answer: &Answer) -> Result<Secret, Trouble> {
    let found = payload(answer).and_then(|payload| bytes(payload, &[DATA]));
    let data = found.map_err(|why| Trouble::new(format!("Error getting data from KMIP Decrypt response: {why}")))?;
    Ok(Secret::new(data))
}

/// The payload of the first batch item, if that tells of success.
fn payload(answer: &Answer) -> Result<&Item, String> {
    if answer.message.tag != RESPONSE_MESSAGE {
        return Err(missing(RESPONSE_MESSAGE));
    }
    let item = find(&answer.message, &[BATCH_ITEM])?;
    let choice = |tag| item.child(tag).and_then(Item::as_enumeration);
    let status = choice(RESULT_STATUS).ok_or_else(|| missing(RESULT_STATUS))?;
    if status != 0 {
        let reason = choice(RESULT_REASON).unwrap_or_default();
        let title = |tag, value| value_title(tag, value).unwrap_or("unknown");
        return Err(format!(
            "KMIP response error. Result Status ({status}): {}. Result Reason ({reason}): {}. Result Message: {}",
            title(RESULT_STATUS, status),
            title(RESULT_REASON, reason),
            item.child(RESULT_MESSAGE).and_then(Item::as_text).unwrap_or_default(),
        ));
    }
    find(item, &[RESPONSE_PAYLOAD])
}

fn bytes(payload: &Item, path: &[u32]) -> Result<Vec<u8>, String> {
    let found = find(payload, path)?;
    found.as_bytes().map(<[u8]>::to_vec).ok_or_else(|| missing(found.tag))
}

/// The item that a path of tags leads to, or which of them is missing.
fn find<'a>(item: &'a Item, path: &[u32]) -> Result<&'a Item, String> {
    path.iter().try_fold(item, |item, tag| item.child(*tag).ok_or_else(|| missing(*tag)))
}

fn missing(tag: u32) -> String {
    format!("unable to find tag: {}", tag_name(tag))
}
