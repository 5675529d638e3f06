//! A KMIP message as an owned tree of items, read strictly and written plainly.
//!
//! An item is a tag, a type, a length and a value, padded to eight bytes (KMIP 1.4, clause 9.1). The reader accepts
//! nothing that a correct writer would not write, and says at which byte it stopped.
//!
//! Invariant: memory grows with the bytes that are there, never with a length that they claim.

use std::fmt::{self, Write as _};

use super::names;

/// The deepest nesting that is read. The standard's deepest message needs nine levels.
const MAXIMUM_DEPTH: usize = 32;

/// One item.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// The tag, three bytes: `0x42….` for the standard's, `0x54….` for extensions.
    pub tag: u32,
    /// The value, which implies the type.
    pub value: Value,
}

/// A value, by type (clause 9.1.1.4).
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Items in order.
    Structure(Vec<Item>),
    /// A signed 32-bit number.
    Integer(i32),
    /// A signed 64-bit number.
    LongInteger(i64),
    /// A number of any size, as it stands on the wire: big-endian, two's complement, a multiple of eight bytes.
    BigInteger(Vec<u8>),
    /// A choice.
    Enumeration(u32),
    /// Yes or no.
    Boolean(bool),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Seconds since 1970.
    DateTime(i64),
    /// Seconds.
    Interval(u32),
}

/// Bytes that are no KMIP item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {what}")]
pub struct WireError {
    /// Where, counted from the start of the message.
    pub offset: usize,
    /// What is wrong there.
    pub what: String,
}

impl Item {
    /// An item.
    pub fn new(tag: u32, value: Value) -> Self {
        Item { tag, value }
    }

    /// A structure.
    pub fn structure(tag: u32, items: Vec<Item>) -> Self {
        Item::new(tag, Value::Structure(items))
    }

    /// A choice.
    pub fn enumeration(tag: u32, value: u32) -> Self {
        Item::new(tag, Value::Enumeration(value))
    }

    /// A number.
    pub fn integer(tag: u32, value: i32) -> Self {
        Item::new(tag, Value::Integer(value))
    }

    /// A text.
    pub fn text(tag: u32, value: &str) -> Self {
        Item::new(tag, Value::Text(value.to_owned()))
    }

    /// The items within, none where the item is no structure.
    pub fn children(&self) -> &[Item] {
        match &self.value {
            Value::Structure(items) => items,
            _ => &[],
        }
    }

    /// The first item within that has this tag.
    pub fn child(&self, tag: u32) -> Option<&Item> {
        self.children().iter().find(|item| item.tag == tag)
    }

    /// The item that a path of tags leads to.
    pub fn descendant(&self, path: &[u32]) -> Option<&Item> {
        path.iter().try_fold(self, |item, tag| item.child(*tag))
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is an integer.
    pub fn as_integer(&self) -> Option<i32> {
        match self.value {
            Value::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// The choice, if it is an enumeration.
    pub fn as_enumeration(&self) -> Option<u32> {
        match self.value {
            Value::Enumeration(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes, if they are bytes.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value alone does not know whether it is key material, so bytes are never shown.
        match self {
            Value::Structure(items) => write!(f, "{} items", items.len()),
            Value::Bytes(bytes) | Value::BigInteger(bytes) => write!(f, "{} bytes", bytes.len()),
            value => f.write_str(&describe(0, value)),
        }
    }
}

/// Reads one whole message; anything after it is an error.
pub fn parse(bytes: &[u8]) -> Result<Item, WireError> {
    let mut reader = Reader { bytes, at: 0 };
    let item = reader.item(bytes.len(), 0)?;
    if reader.at < bytes.len() {
        return Err(reader.error(format!("{} bytes after the end of the message", bytes.len() - reader.at)));
    }
    Ok(item)
}

/// The bytes of an item.
pub fn write(item: &Item) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(item, &mut bytes);
    bytes
}

/// The tree for people: one line an item; key material, passwords, and what is encrypted or decrypted are hidden.
pub fn text(item: &Item) -> String {
    let mut out = String::new();
    describe_tree(item, 0, true, &mut out);
    out
}

/// The same with everything that [`text`] hides, for those who have asked for it.
pub fn text_with_secrets(item: &Item) -> String {
    let mut out = String::new();
    describe_tree(item, 0, false, &mut out);
    out
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn error(&self, what: impl Into<String>) -> WireError {
        WireError { offset: self.at, what: what.into() }
    }

    fn take(&mut self, count: usize, end: usize, what: &str) -> Result<Vec<u8>, WireError> {
        let left = end.saturating_sub(self.at);
        let taken = self
            .at
            .checked_add(count)
            .filter(|stop| *stop <= end)
            .and_then(|stop| self.bytes.get(self.at..stop))
            .ok_or_else(|| self.error(format!("{what} needs {count} bytes, {left} are left")))?
            .to_vec();
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, end: usize, what: &str) -> Result<[u8; N], WireError> {
        let taken = self.take(N, end, what)?;
        Ok(taken.try_into().expect("exactly so many bytes were taken"))
    }

    fn item(&mut self, end: usize, depth: usize) -> Result<Item, WireError> {
        if depth > MAXIMUM_DEPTH {
            return Err(self.error(format!("nested deeper than {MAXIMUM_DEPTH} levels")));
        }
        let start = self.at;
        let [a, b, c, kind] = self.array(end, "a tag and a type")?;
        let tag = u32::from_be_bytes([0, a, b, c]);
        if a != 0x42 && a != 0x54 {
            return Err(WireError { offset: start, what: format!("no tag starts with 0x{a:02X}") });
        }
        let length = u32::from_be_bytes(self.array(end, "a length")?) as usize;
        let fixed = match kind {
            0x02 | 0x05 | 0x0A => Some(4),
            0x03 | 0x06 | 0x09 => Some(8),
            0x01 | 0x04 | 0x07 | 0x08 => None,
            other => return Err(WireError { offset: start + 3, what: format!("unknown type 0x{other:02X}") }),
        };
        if let Some(fixed) = fixed.filter(|fixed| *fixed != length) {
            let what = format!("length {length} where the type has {fixed}");
            return Err(WireError { offset: start + 4, what });
        }
        if matches!(kind, 0x01 | 0x04) && !length.is_multiple_of(8) {
            let what = format!("length {length} is no multiple of eight");
            return Err(WireError { offset: start + 4, what });
        }
        let value = match kind {
            0x01 => Value::Structure(self.structure(length, end, depth)?),
            0x02 => Value::Integer(i32::from_be_bytes(self.array(end, "an integer")?)),
            0x03 => Value::LongInteger(i64::from_be_bytes(self.array(end, "a long integer")?)),
            0x04 => Value::BigInteger(self.take(length, end, "a big integer")?),
            0x05 => Value::Enumeration(u32::from_be_bytes(self.array(end, "an enumeration")?)),
            0x06 => match u64::from_be_bytes(self.array(end, "a boolean")?) {
                0 => Value::Boolean(false),
                1 => Value::Boolean(true),
                other => return Err(WireError { offset: start + 8, what: format!("{other} is no boolean") }),
            },
            0x07 => {
                let text = String::from_utf8(self.take(length, end, "a text")?);
                let text =
                    text.map_err(|error| WireError { offset: start + 8, what: error.utf8_error().to_string() })?;
                Value::Text(text)
            }
            0x08 => Value::Bytes(self.take(length, end, "a byte string")?),
            0x09 => Value::DateTime(i64::from_be_bytes(self.array(end, "a date")?)),
            _ => Value::Interval(u32::from_be_bytes(self.array(end, "an interval")?)),
        };
        let padding = length.next_multiple_of(8) - length;
        let padded_at = self.at;
        if self.take(padding, end, "the padding")?.iter().any(|byte| *byte != 0) {
            return Err(WireError { offset: padded_at, what: "the padding is not zero".to_owned() });
        }
        Ok(Item { tag, value })
    }

    fn structure(&mut self, length: usize, end: usize, depth: usize) -> Result<Vec<Item>, WireError> {
        let stop = self.at.checked_add(length).filter(|stop| *stop <= end).ok_or_else(|| {
            let left = end.saturating_sub(self.at);
            self.error(format!("a structure of {length} bytes, {left} are left"))
        })?;
        let mut items = Vec::new();
        while self.at < stop {
            items.push(self.item(stop, depth + 1)?);
        }
        Ok(items)
    }
}

fn put(item: &Item, out: &mut Vec<u8>) {
    let (kind, value): (u8, Vec<u8>) = match &item.value {
        Value::Structure(items) => {
            let mut inner = Vec::new();
            for item in items {
                put(item, &mut inner);
            }
            (0x01, inner)
        }
        Value::Integer(value) => (0x02, value.to_be_bytes().to_vec()),
        Value::LongInteger(value) => (0x03, value.to_be_bytes().to_vec()),
        Value::BigInteger(bytes) => (0x04, bytes.clone()),
        Value::Enumeration(value) => (0x05, value.to_be_bytes().to_vec()),
        Value::Boolean(value) => (0x06, u64::from(*value).to_be_bytes().to_vec()),
        Value::Text(text) => (0x07, text.as_bytes().to_vec()),
        Value::Bytes(bytes) => (0x08, bytes.clone()),
        Value::DateTime(value) => (0x09, value.to_be_bytes().to_vec()),
        Value::Interval(value) => (0x0A, value.to_be_bytes().to_vec()),
    };
    out.extend_from_slice(&item.tag.to_be_bytes()[1..]);
    out.push(kind);
    let length = u32::try_from(value.len()).expect("the lab writes messages of kilobytes");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&value);
    out.resize(out.len().next_multiple_of(8), 0);
}

fn describe_tree(item: &Item, depth: usize, hide: bool, out: &mut String) {
    let name = names::tag_name(item.tag);
    let indent = "  ".repeat(depth);
    let hidden = hide && matches!(item.tag, names::KEY_MATERIAL | names::PASSWORD | names::DATA);
    let what = if hidden { "(hidden)".to_owned() } else { describe(item.tag, &item.value) };
    writeln!(out, "{}", format!("{indent}{name} {what}").trim_end()).expect("writing to a string succeeds");
    if !hidden {
        item.children().iter().for_each(|child| describe_tree(child, depth + 1, hide, out));
    }
}

fn describe(tag: u32, value: &Value) -> String {
    match value {
        Value::Structure(_) => String::new(),
        Value::Integer(value) => format!("= {value}"),
        Value::LongInteger(value) => format!("= {value} (long)"),
        Value::BigInteger(bytes) => format!("= {} bytes (big integer)", bytes.len()),
        Value::Enumeration(value) => format!("= {}", names::value_name(tag, *value)),
        Value::Boolean(value) => format!("= {value}"),
        Value::Text(text) => format!("= {text:?}"),
        Value::Bytes(bytes) => format!("= {}", crate::trace::hex(bytes)),
        Value::DateTime(value) => format!("= {value} s since 1970"),
        Value::Interval(value) => format!("= {value} s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GET: &str = include_str!("../../../fixtures/kmip/psmdb/02-restart-verify-active.2-get.resp.hex");

    fn bytes(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.trim().bytes().collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn a_captured_answer_survives_reading_and_writing() {
        let captured = bytes(GET);
        assert_eq!(write(&parse(&captured).unwrap()), captured);
    }

    #[test]
    fn the_text_of_a_captured_answer_names_everything_and_hides_the_key() {
        insta::assert_snapshot!(text(&parse(&bytes(GET)).unwrap()), @r#"
        ResponseMessage
          ResponseHeader
            ProtocolVersion
              ProtocolVersionMajor = 1
              ProtocolVersionMinor = 0
            TimeStamp = 1795317891 s since 1970
            BatchCount = 1
          BatchItem
            Operation = Get
            ResultStatus = Success
            ResponsePayload
              ObjectType = SymmetricKey
              UniqueIdentifier = "5"
              SymmetricKey
                KeyBlock
                  KeyFormatType = Raw
                  KeyValue
                    KeyMaterial (hidden)
                  CryptographicAlgorithm = AES
                  CryptographicLength = 256
        "#);
    }

    #[test]
    fn the_text_of_a_message_hides_what_a_driver_has_encrypted_or_decrypted() {
        let data = Item::new(names::DATA, Value::Bytes(b"a data key".to_vec()));
        let vector = Item::new(names::IV_COUNTER_NONCE, Value::Bytes(vec![7; 2]));
        let payload = Item::structure(names::RESPONSE_PAYLOAD, vec![data, vector]);
        assert_eq!(text(&payload), "ResponsePayload\n  Data (hidden)\n  IVCounterNonce = 0707\n");
    }

    #[test]
    fn every_way_in_which_bytes_are_wrong_is_named_with_its_place() {
        let cases = [
            ("42000D", "byte 0: a tag and a type needs 4 bytes, 3 are left"),
            ("43000D0200000004", "byte 0: no tag starts with 0x43"),
            ("42000D0B00000008", "byte 3: unknown type 0x0B"),
            ("42000D0200000003000000", "byte 4: length 3 where the type has 4"),
            ("42000D02000000040000000100000001", "byte 12: the padding is not zero"),
            ("42000D020000000400000001", "byte 12: the padding needs 4 bytes, 0 are left"),
            ("42000D06000000080000000000000002", "byte 8: 2 is no boolean"),
            ("42000D0700000001FF00000000000000", "byte 8: invalid utf-8 sequence of 1 bytes from index 0"),
            ("42000D08FFFFFFFF", "byte 8: a byte string needs 4294967295 bytes, 0 are left"),
            ("42000D0100000008", "byte 8: a structure of 8 bytes, 0 are left"),
            ("42000D010000000700000000000000", "byte 4: length 7 is no multiple of eight"),
            ("42000D020000000400000001000000004200", "byte 16: 2 bytes after the end of the message"),
        ];
        for (given, expected) in cases {
            assert_eq!(parse(&bytes(given)).unwrap_err().to_string(), expected, "{given}");
        }
    }

    #[test]
    fn a_tower_of_structures_is_refused_instead_of_exhausting_the_stack() {
        let mut item = Item::structure(0x42000F, Vec::new());
        for _ in 0..40 {
            item = Item::structure(0x42000F, vec![item]);
        }
        assert!(parse(&write(&item)).unwrap_err().what.contains("nested deeper"));
    }

    proptest! {
        #[test]
        fn what_can_be_read_is_written_back_byte_for_byte(mut bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            // Random bytes are hardly ever an item: give them an honest header half of the time.
            if bytes.len() >= 16 && bytes[0] & 1 == 0 {
                let length = bytes.len() as u32 - 8;
                bytes[..3].copy_from_slice(&[0x42, 0x00, 0x43]);
                bytes[3] = 0x08;
                bytes[4..8].copy_from_slice(&length.to_be_bytes());
                bytes.resize(8 + (length as usize).next_multiple_of(8), 0);
            }
            if let Ok(item) = parse(&bytes) {
                prop_assert_eq!(write(&item), bytes);
            }
        }
    }
}
