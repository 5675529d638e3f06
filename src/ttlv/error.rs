//! What can be wrong with TTLV bytes, and at which byte of the message.
//!
//! Invariant: the offset never lies beyond the end of the message that was read.

use super::item::{ItemType, Tag};

/// A fault in a TTLV message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {kind}")]
pub struct TtlvError {
    /// What is wrong.
    pub kind: TtlvErrorKind,
    /// Where: bytes from the start of the message, mostly the start of the item concerned.
    pub offset: usize,
}

impl TtlvError {
    pub(crate) fn new(kind: TtlvErrorKind, offset: usize) -> Self {
        TtlvError { kind, offset }
    }
}

/// The kinds of fault. The first group is about bytes, the second about what a structure should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TtlvErrorKind {
    /// Fewer than the eight bytes of an item's tag, type and length.
    #[error("an item's tag, type and length need 8 bytes, {available} are left")]
    CutHeader {
        /// The bytes left in the enclosing structure.
        available: usize,
    },
    /// A declared length, with its padding, that reaches beyond the enclosing structure.
    #[error("a length of {declared} with its padding reaches beyond the {available} bytes left")]
    OutOfBounds {
        /// The length as declared, in bytes.
        declared: u32,
        /// The bytes left in the enclosing structure.
        available: usize,
    },
    /// A type byte that KMIP 1.x does not define (clause 9.1.1.2).
    #[error("type 0x{0:02X} is not one of 01 to 0A")]
    UnknownType(u8),
    /// A length that the type does not allow (clause 9.1.1.3).
    #[error("type {item_type} cannot have {declared} bytes")]
    WrongLength {
        /// The type of the item.
        item_type: ItemType,
        /// The length as declared, in bytes.
        declared: u32,
    },
    /// Padding that is not zero.
    #[error("padding is not zero")]
    NonZeroPadding,
    /// A Boolean other than 0 and 1.
    #[error("a Boolean is neither 0 nor 1")]
    BadBoolean,
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// More structures inside structures than [`DEPTH_LIMIT`](super::DEPTH_LIMIT).
    #[error("structures are nested more than {} deep", super::DEPTH_LIMIT)]
    TooDeep,
    /// Bytes after the end of the message.
    #[error("{0} bytes follow the end of the message")]
    TrailingBytes(usize),

    /// A structure ended, or went on with another item, before an item that it must hold.
    #[error("an item {0} is missing")]
    Missing(Tag),
    /// An item that the structure may not hold, or not at this place, or not once more.
    #[error("an item {0} is not expected here")]
    Unexpected(Tag),
    /// An item of another type than its tag demands.
    #[error("item {tag} has the type {found}, it should have {expected}")]
    WrongType {
        /// The tag of the item.
        tag: Tag,
        /// The type that it should have.
        expected: ItemType,
        /// The type that it has.
        found: ItemType,
    },
}
