//! Operations that several personas ask for, each as its number and the items of its payload.
//!
//! Headers differ from client to client, payloads do not: they are the plain encodings of the standard (KMIP 1.4,
//! clause 4), and byte for byte those of the captures in `fixtures/kmip`.
//!
//! Invariant: nothing in a payload depends on a version, a clock or a client.

use crate::wire::message::attribute;
use crate::wire::names::*;
use crate::wire::{Item, Value};

// Operations (clause 9.1.3.2.27).
pub(super) const CREATE: u32 = 0x01;
pub(super) const REGISTER: u32 = 0x03;
pub(super) const LOCATE: u32 = 0x08;
pub(super) const GET: u32 = 0x0A;
pub(super) const GET_ATTRIBUTES: u32 = 0x0B;
pub(super) const ACTIVATE: u32 = 0x12;

// What a master key is (clauses 9.1.3.2.3, 9.1.3.2.12 and 9.1.3.2.13).
pub(super) const TYPE_SYMMETRIC_KEY: u32 = 0x02;
pub(super) const FORMAT_RAW: u32 = 0x01;
pub(super) const AES: u32 = 0x03;
/// Encrypt and Decrypt (clause 9.1.3.3.1).
const USAGE: i32 = 0x04 | 0x08;

/// An operation and the items of its payload.
pub(super) type Asking = (u32, Vec<Item>);

/// Create: the server is to make an AES key of 256 bits.
pub(super) fn create() -> Asking {
    let template = Item::structure(TEMPLATE_ATTRIBUTE, key_attributes(256));
    (CREATE, vec![Item::enumeration(OBJECT_TYPE, TYPE_SYMMETRIC_KEY), template])
}

/// Activate.
pub(super) fn activate(identifier: &str) -> Asking {
    (ACTIVATE, vec![Item::text(UNIQUE_IDENTIFIER, identifier)])
}

/// Get, in whatever form the server keeps the key.
pub(super) fn get(identifier: &str) -> Asking {
    (GET, vec![Item::text(UNIQUE_IDENTIFIER, identifier)])
}

/// Get Attributes of the State alone.
pub(super) fn get_state(identifier: &str) -> Asking {
    (GET_ATTRIBUTES, vec![Item::text(UNIQUE_IDENTIFIER, identifier), Item::text(ATTRIBUTE_NAME, "State")])
}

/// The attributes that every new AES key is given.
pub(super) fn key_attributes(bits: i32) -> Vec<Item> {
    vec![
        attribute("Cryptographic Algorithm", Value::Enumeration(AES)),
        attribute("Cryptographic Length", Value::Integer(bits)),
        attribute("Cryptographic Usage Mask", Value::Integer(USAGE)),
    ]
}

/// The length of key material in bits.
pub(super) fn bits(material: &[u8]) -> i32 {
    i32::try_from(material.len() * 8).expect("a key has a few hundred bits")
}
