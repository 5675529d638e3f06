//! One item: tag, type, value.
//!
//! Invariant: a [`Value`] can only hold what its type allows; text is UTF-8, lengths fit, padding was zero.

use std::fmt;

use super::error::{TtlvError, TtlvErrorKind};
use super::reader::Reader;

/// A tag: three bytes (clause 9.1.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(u32);

impl Tag {
    /// The tag of this number; only its lowest three bytes count.
    pub const fn new(number: u32) -> Self {
        Tag(number & 0x00FF_FFFF)
    }

    /// The number, below 2 to the 24th.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:06X}", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

/// The ten types of KMIP 1.x (clause 9.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ItemType {
    /// Items inside an item.
    Structure = 0x01,
    /// 32 bits, signed.
    Integer = 0x02,
    /// 64 bits, signed.
    LongInteger = 0x03,
    /// Signed, a multiple of eight bytes.
    BigInteger = 0x04,
    /// 32 bits, unsigned.
    Enumeration = 0x05,
    /// True or false, in eight bytes.
    Boolean = 0x06,
    /// UTF-8, without an ending zero.
    TextString = 0x07,
    /// Any bytes.
    ByteString = 0x08,
    /// Seconds since 1970-01-01 UTC, 64 bits, signed.
    DateTime = 0x09,
    /// Seconds, 32 bits, unsigned.
    Interval = 0x0A,
}

impl ItemType {
    /// The type of this number, if KMIP 1.x has it.
    #[inline]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0x01 => ItemType::Structure,
            0x02 => ItemType::Integer,
            0x03 => ItemType::LongInteger,
            0x04 => ItemType::BigInteger,
            0x05 => ItemType::Enumeration,
            0x06 => ItemType::Boolean,
            0x07 => ItemType::TextString,
            0x08 => ItemType::ByteString,
            0x09 => ItemType::DateTime,
            0x0A => ItemType::Interval,
            _ => return None,
        })
    }

    /// The number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether a value of this type may be that many bytes long, padding not counted (clause 9.1.1.3).
    #[inline]
    pub const fn allows_length(self, length: u32) -> bool {
        match self {
            ItemType::Integer | ItemType::Enumeration | ItemType::Interval => length == 4,
            ItemType::LongInteger | ItemType::Boolean | ItemType::DateTime => length == 8,
            ItemType::BigInteger => length != 0 && length.is_multiple_of(8),
            ItemType::Structure => length.is_multiple_of(8),
            ItemType::TextString | ItemType::ByteString => true,
        }
    }
}

impl fmt::Display for ItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What an item holds; bytes and text are borrowed from the message.
#[derive(Clone)]
pub enum Value<'a> {
    /// The items inside, still to be read.
    Structure(Reader<'a>),
    /// An Integer.
    Integer(i32),
    /// A Long Integer.
    LongInteger(i64),
    /// A Big Integer: two's complement, the highest byte first.
    BigInteger(&'a [u8]),
    /// The number of an enumeration's value.
    Enumeration(u32),
    /// A Boolean.
    Boolean(bool),
    /// A Text String.
    TextString(&'a str),
    /// A Byte String.
    ByteString(&'a [u8]),
    /// Seconds since 1970-01-01 UTC.
    DateTime(i64),
    /// Seconds.
    Interval(u32),
}

/// One item of a message.
#[derive(Clone)]
pub struct Item<'a> {
    /// The tag.
    pub tag: Tag,
    /// The value.
    pub value: Value<'a>,
    /// Where the item starts: bytes from the start of the message.
    pub offset: usize,
    /// The whole item as it was sent: tag, type, length, value and padding.
    pub encoded: &'a [u8],
}

/// One accessor: the value if it is of that type, else an error that names the tag and both types.
macro_rules! accessor {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(&self) -> Result<$type, TtlvError> {
            match self.value {
                Value::$variant(value) => Ok(value),
                _ => Err(self.wrong_type(ItemType::$variant)),
            }
        }
    };
}

impl<'a> Item<'a> {
    /// The type of the value.
    pub fn item_type(&self) -> ItemType {
        match self.value {
            Value::Structure(_) => ItemType::Structure,
            Value::Integer(_) => ItemType::Integer,
            Value::LongInteger(_) => ItemType::LongInteger,
            Value::BigInteger(_) => ItemType::BigInteger,
            Value::Enumeration(_) => ItemType::Enumeration,
            Value::Boolean(_) => ItemType::Boolean,
            Value::TextString(_) => ItemType::TextString,
            Value::ByteString(_) => ItemType::ByteString,
            Value::DateTime(_) => ItemType::DateTime,
            Value::Interval(_) => ItemType::Interval,
        }
    }

    /// A reader of the items inside.
    #[inline(always)]
    pub fn structure(&self) -> Result<Reader<'a>, TtlvError> {
        match &self.value {
            Value::Structure(inside) => Ok(inside.clone()),
            _ => Err(self.wrong_type(ItemType::Structure)),
        }
    }

    accessor!(/** The Integer. */ integer, Integer, i32);
    accessor!(/** The Long Integer. */ long_integer, LongInteger, i64);
    accessor!(/** The number of the enumeration's value. */ enumeration, Enumeration, u32);
    accessor!(/** The Boolean. */ boolean, Boolean, bool);
    accessor!(/** The text. */ text_string, TextString, &'a str);
    accessor!(/** The bytes. */ byte_string, ByteString, &'a [u8]);
    accessor!(/** Seconds since 1970-01-01 UTC. */ date_time, DateTime, i64);
    accessor!(/** Seconds. */ interval, Interval, u32);

    fn wrong_type(&self, expected: ItemType) -> TtlvError {
        let kind = TtlvErrorKind::WrongType { tag: self.tag, expected, found: self.item_type() };
        TtlvError::new(kind, self.offset)
    }
}

/// Shows tag, type and place. The value stays unsaid: it may be a key.
impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({} {} at byte {})", self.tag, self.item_type(), self.offset)
    }
}
