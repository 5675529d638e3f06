//! Fields and values in words, for people.
//!
//! Invariant: key material, data and passwords are shown by a fingerprint only.

use ring::digest;

use crate::trace::hex;
use crate::wire::names::*;
use crate::wire::{Value, names};

use super::placeholders::Piece;
use super::values::{Content, Field};

/// What a field is called: its tag, and an attribute's name.
pub(super) fn label(field: &Field) -> String {
    let name = field.field(ATTRIBUTE_NAME).filter(|_| field.tag == ATTRIBUTE).and_then(Field::text);
    format!("{}{}", tag_name(field.tag), name.map(|name| format!("[{name}]")).unwrap_or_default())
}

/// What a field of the file says, for people.
pub(super) fn content(field: &Field) -> String {
    match &field.content {
        Content::Fields(_) => label(field),
        Content::Fixed(fixed) => value(field.tag, fixed),
        Content::Open(_, pieces) => {
            let piece = |piece: &Piece| match piece {
                Piece::Literal(literal) => literal.clone(),
                Piece::Name(name) => format!("${name}"),
                Piece::Now(0) => "$NOW".to_owned(),
                Piece::Now(offset) => format!("$NOW{offset:+}"),
            };
            pieces.iter().map(piece).collect()
        }
    }
}

/// The most bytes that are shown.
const SHOWN: usize = 32;

/// A value for people; empty for structures.
pub(super) fn value(tag: u32, value: &Value) -> String {
    match value {
        Value::Structure(_) => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::LongInteger(number) => number.to_string(),
        Value::Bytes(_) | Value::BigInteger(_) if matches!(tag, KEY_MATERIAL | DATA | PASSWORD) => veiled(value),
        Value::Bytes(bytes) | Value::BigInteger(bytes) if bytes.len() > SHOWN => {
            format!("{}… ({} bytes)", hex(&bytes[..SHOWN]), bytes.len())
        }
        Value::Bytes(bytes) | Value::BigInteger(bytes) => hex(bytes),
        Value::Enumeration(choice) => names::value_name(tag, *choice),
        Value::Boolean(value) => value.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::DateTime(seconds) => time::OffsetDateTime::from_unix_timestamp(*seconds)
            .ok()
            .and_then(|date| date.format(&time::format_description::well_known::Rfc3339).ok())
            .unwrap_or_else(|| format!("{seconds} s since 1970")),
        Value::Interval(seconds) => format!("{seconds} s"),
    }
}

/// Secret bytes: a fingerprint tells them apart.
pub(super) fn veiled(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) | Value::BigInteger(bytes) => {
            let digest = digest::digest(&digest::SHA256, bytes);
            format!("{} bytes with SHA-256 {}…", bytes.len(), hex(&digest.as_ref()[..4]))
        }
        _ => "another type of value".to_owned(),
    }
}
