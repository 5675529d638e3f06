//! Appends items to a buffer.
//!
//! A structure is opened, filled and closed; its length is patched in when it is closed. The buffer belongs to the
//! caller, who clears and uses it again, so that in the long run nothing is allocated.
//!
//! Invariant: between calls the buffer's length, counted from where the writer began, is a multiple of eight.

use super::item::{ItemType, Tag};

/// Writes items at the end of a buffer.
pub struct Writer<'a> {
    buffer: &'a mut Vec<u8>,
}

/// A structure that waits for its length.
#[must_use = "a structure that is never closed keeps the length zero"]
#[derive(Debug)]
pub struct Open {
    /// Where the value starts.
    start: usize,
}

impl<'a> Writer<'a> {
    /// A writer that appends to this buffer.
    pub fn new(buffer: &'a mut Vec<u8>) -> Self {
        Writer { buffer }
    }

    /// How many bytes the buffer holds.
    pub fn position(&self) -> usize {
        self.buffer.len()
    }

    /// Forgets everything after `position`, which a former call of [`Writer::position`] gave.
    pub fn rewind(&mut self, position: usize) {
        self.buffer.truncate(position);
    }

    /// A structure with what `fill` writes.
    pub fn structure(&mut self, tag: Tag, fill: impl FnOnce(&mut Writer<'a>)) {
        let open = self.open(tag);
        fill(self);
        self.close(open);
    }

    /// Begins a structure, for callers that cannot fill it in one closure.
    pub fn open(&mut self, tag: Tag) -> Open {
        self.header(tag, ItemType::Structure, 0);
        Open { start: self.buffer.len() }
    }

    /// Ends a structure: its length becomes what was written since.
    pub fn close(&mut self, open: Open) {
        let length = wire_length(self.buffer.len().saturating_sub(open.start)).to_be_bytes();
        if let Some(place) = open.start.checked_sub(4).and_then(|at| self.buffer.get_mut(at..open.start)) {
            place.copy_from_slice(&length);
        }
    }

    /// An Integer.
    pub fn integer(&mut self, tag: Tag, value: i32) {
        self.four(tag, ItemType::Integer, value.to_be_bytes());
    }

    /// A Long Integer.
    pub fn long_integer(&mut self, tag: Tag, value: i64) {
        self.eight(tag, ItemType::LongInteger, value.to_be_bytes());
    }

    /// A Big Integer in two's complement, the highest byte first, stretched with its sign to a multiple of eight.
    pub fn big_integer(&mut self, tag: Tag, value: &[u8]) {
        let sign = if value.first().is_some_and(|byte| byte & 0x80 != 0) { 0xFF } else { 0x00 };
        let length = value.len().max(1).next_multiple_of(8);
        self.header(tag, ItemType::BigInteger, length);
        self.buffer.resize(self.buffer.len() + length - value.len(), sign);
        self.buffer.extend_from_slice(value);
    }

    /// The number of an enumeration's value.
    pub fn enumeration(&mut self, tag: Tag, value: u32) {
        self.four(tag, ItemType::Enumeration, value.to_be_bytes());
    }

    /// A Boolean.
    pub fn boolean(&mut self, tag: Tag, value: bool) {
        self.eight(tag, ItemType::Boolean, u64::from(value).to_be_bytes());
    }

    /// A Text String.
    pub fn text_string(&mut self, tag: Tag, value: &str) {
        self.variable(tag, ItemType::TextString, value.as_bytes());
    }

    /// A Byte String.
    pub fn byte_string(&mut self, tag: Tag, value: &[u8]) {
        self.variable(tag, ItemType::ByteString, value);
    }

    /// A Date-Time: seconds since 1970-01-01 UTC.
    pub fn date_time(&mut self, tag: Tag, seconds: i64) {
        self.eight(tag, ItemType::DateTime, seconds.to_be_bytes());
    }

    /// An Interval: seconds.
    pub fn interval(&mut self, tag: Tag, seconds: u32) {
        self.four(tag, ItemType::Interval, seconds.to_be_bytes());
    }

    /// An item that is already encoded, as [`Item::encoded`](super::Item::encoded) gives it.
    pub fn encoded(&mut self, item: &[u8]) {
        self.buffer.extend_from_slice(item);
    }

    fn header(&mut self, tag: Tag, item_type: ItemType, length: usize) {
        self.buffer.extend_from_slice(&header(tag, item_type, length));
    }

    #[inline]
    fn four(&mut self, tag: Tag, item_type: ItemType, value: [u8; 4]) {
        let [a, b, c, d] = value;
        self.sixteen(header(tag, item_type, 4), [a, b, c, d, 0, 0, 0, 0]);
    }

    #[inline]
    fn eight(&mut self, tag: Tag, item_type: ItemType, value: [u8; 8]) {
        self.sixteen(header(tag, item_type, 8), value);
    }

    /// One append for the whole item: these are most of a message.
    #[inline]
    fn sixteen(&mut self, header: [u8; 8], value: [u8; 8]) {
        let item = u128::from(u64::from_be_bytes(header)) << 64 | u128::from(u64::from_be_bytes(value));
        self.buffer.extend_from_slice(&item.to_be_bytes());
    }

    fn variable(&mut self, tag: Tag, item_type: ItemType, value: &[u8]) {
        let padding = value.len().wrapping_neg() % 8;
        self.buffer.reserve(8 + value.len() + padding);
        self.header(tag, item_type, value.len());
        self.buffer.extend_from_slice(value);
        self.buffer.resize(self.buffer.len() + padding, 0);
    }
}

#[inline]
fn header(tag: Tag, item_type: ItemType, length: usize) -> [u8; 8] {
    let high = tag.number() << 8 | u32::from(item_type.number());
    (u64::from(high) << 32 | u64::from(wire_length(length))).to_be_bytes()
}

/// A length as TTLV declares it. Four gigabytes cannot be declared; the answer would be refused by every reader, and
/// the server's limit on message sizes stands long before.
fn wire_length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ttlv::{Reader, Value};

    const TAG: Tag = Tag::new(0x42_0020);

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut buffer = Vec::new();
        write(&mut Writer::new(&mut buffer));
        buffer.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    #[test]
    fn the_examples_of_the_standard_come_out_byte_for_byte() {
        // KMIP 1.4, clause 9.1.2: the ten examples, all with the tag 42 00 20.
        assert_eq!(written(|w| w.integer(TAG, 8)), "42002002000000040000000800000000");
        assert_eq!(written(|w| w.long_integer(TAG, 123_456_789_000_000_000)), "420020030000000801B69B4BA5749200");
        let big = 1_234_567_890_000_000_000_000_000_000_u128.to_be_bytes();
        assert_eq!(written(|w| w.big_integer(TAG, &big[4..])), "42002004000000100000000003FD35EB6BC2DF4618080000");
        assert_eq!(written(|w| w.enumeration(TAG, 255)), "4200200500000004000000FF00000000");
        assert_eq!(written(|w| w.boolean(TAG, true)), "42002006000000080000000000000001");
        assert_eq!(written(|w| w.text_string(TAG, "Hello World")), "420020070000000B48656C6C6F20576F726C640000000000");
        assert_eq!(written(|w| w.byte_string(TAG, &[1, 2, 3])), "42002008000000030102030000000000");
        assert_eq!(written(|w| w.date_time(TAG, 1_205_495_800)), "42002009000000080000000047DA67F8");
        assert_eq!(written(|w| w.interval(TAG, 864_000)), "4200200A00000004000D2F0000000000");
        let structure = written(|w| {
            w.structure(TAG, |w| {
                w.enumeration(Tag::new(0x42_0004), 254);
                w.integer(Tag::new(0x42_0005), 255);
            });
        });
        assert_eq!(structure, "42002001000000204200040500000004000000FE000000004200050200000004000000FF00000000");
    }

    #[test]
    fn a_negative_big_integer_is_stretched_with_ones_and_an_empty_one_is_zero() {
        assert_eq!(written(|w| w.big_integer(TAG, &[0x80])), "4200200400000008FFFFFFFFFFFFFF80");
        assert_eq!(written(|w| w.big_integer(TAG, &[])), "42002004000000080000000000000000");
    }

    #[test]
    fn structures_inside_structures_get_their_own_lengths() {
        let mut buffer = b"kept".to_vec();
        let mut writer = Writer::new(&mut buffer);
        let outer = writer.open(TAG);
        writer.structure(TAG, |w| w.text_string(TAG, "ninebytes"));
        writer.byte_string(TAG, b"");
        writer.close(outer);
        assert_eq!(&buffer[..4], b"kept");

        let outer = Reader::only_item(&buffer[4..]).unwrap();
        let mut outer = outer.structure().unwrap();
        let mut inner = outer.required(TAG).unwrap().structure().unwrap();
        assert_eq!(inner.required(TAG).unwrap().text_string(), Ok("ninebytes"));
        assert_eq!(inner.finish(), Ok(()));
        assert!(matches!(outer.required(TAG).unwrap().value, Value::ByteString([])));
        assert_eq!(outer.finish(), Ok(()));
    }

    #[test]
    fn rewinding_takes_back_what_was_written_since() {
        let mut buffer = Vec::new();
        let mut writer = Writer::new(&mut buffer);
        writer.integer(TAG, 1);
        let position = writer.position();
        writer.integer(TAG, 2);
        writer.rewind(position);
        assert_eq!(Reader::only_item(&buffer).unwrap().integer(), Ok(1));
    }
}
