//! Captured messages, and every change to them that tests of hostile bytes make: cut at each byte, each bit flipped, each
//! length and each type of an item replaced.
//!
//! Where items begin is found by walking the captured bytes, which are well-formed: no codec is used, so that both the
//! product's and the laboratory's tests can judge by these.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::fmt;

/// The lengths that items are given (KMIP 1.4, clause 9.1.1.3: four bytes), besides eight more and eight less.
const LENGTHS: [u32; 5] = [0, 1, 7, i32::MAX.cast_unsigned(), u32::MAX];

/// The types that items are given: all of KMIP 1.x (clause 9.1.1.2), those on both sides, and the farthest.
const TYPES: [u8; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x80, 0xFF];

/// Every captured request, and those that a server should refuse, by name.
pub(crate) fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let files = [include_str!("../../fixtures/kmip/requests.tsv"), include_str!("../../fixtures/kmip/edge.tsv")];
    files.into_iter().flat_map(captures).collect()
}

/// The captured answers, by name.
pub(crate) fn responses() -> Vec<(&'static str, Vec<u8>)> {
    captures(include_str!("../../fixtures/kmip/responses.tsv")).collect()
}

/// The lines of a fixture: the first field, and the bytes of the last.
fn captures(file: &'static str) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    file.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let hex = fields.last().expect("a line has fields").as_bytes();
        let digit = |digit: u8| char::from(digit).to_digit(16).expect("hexadecimal") as u8;
        (fields[0], hex.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect())
    })
}

/// One change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// Only so many bytes are left.
    Cut(usize),
    /// This bit is the other.
    Flip(usize),
    /// The item that begins there has this length.
    Length(usize, u32),
    /// The item that begins there has this type.
    Type(usize, u8),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Cut(length) => write!(f, "cut after {length} bytes"),
            Change::Flip(bit) => write!(f, "bit {} of byte {} flipped", bit % 8, bit / 8),
            Change::Length(at, length) => write!(f, "the item at byte {at} with the length {length}"),
            Change::Type(at, kind) => write!(f, "the item at byte {at} with the type 0x{kind:02X}"),
        }
    }
}

impl Change {
    /// The message with this change.
    pub(crate) fn of(self, message: &[u8]) -> Vec<u8> {
        let mut bytes = message.to_vec();
        match self {
            Change::Cut(length) => bytes.truncate(length),
            Change::Flip(bit) => bytes[bit / 8] ^= 1 << (bit % 8),
            Change::Length(at, length) => bytes[at + 4..at + 8].copy_from_slice(&length.to_be_bytes()),
            Change::Type(at, kind) => bytes[at + 3] = kind,
        }
        bytes
    }

    /// Every cut.
    pub(crate) fn cuts(message: &[u8]) -> Vec<Change> {
        (0..message.len()).map(Change::Cut).collect()
    }

    /// Every flipped bit.
    pub(crate) fn flips(message: &[u8]) -> Vec<Change> {
        (0..message.len() * 8).map(Change::Flip).collect()
    }

    /// Every item with every other length and type.
    pub(crate) fn headers(message: &[u8]) -> Vec<Change> {
        let changes = items(message).into_iter().flat_map(|at| {
            let length = u32::from_be_bytes(message[at + 4..at + 8].try_into().expect("four bytes"));
            let near = [length.wrapping_add(8), length.wrapping_sub(8)];
            let lengths = LENGTHS.into_iter().chain(near).filter(move |other| *other != length);
            let kind = message[at + 3];
            let types = TYPES.into_iter().filter(move |other| *other != kind);
            lengths.map(move |length| Change::Length(at, length)).chain(types.map(move |kind| Change::Type(at, kind)))
        });
        changes.collect()
    }

    /// All of them.
    pub(crate) fn all(message: &[u8]) -> Vec<Change> {
        [Change::cuts(message), Change::flips(message), Change::headers(message)].concat()
    }
}

/// Where the items of a well-formed message begin, at every depth.
pub(crate) fn items(message: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + 8 <= message.len() {
        found.push(at);
        let length = u32::from_be_bytes(message[at + 4..at + 8].try_into().expect("four bytes")) as usize;
        // The items of a structure (type 01) follow its header at once.
        at += if message[at + 3] == 0x01 { 8 } else { 8 + length.next_multiple_of(8) };
    }
    found
}
