//! Prints a message as an indented tree, for logs and for people.
//!
//! The names come from a [`Vocabulary`], which also says what must stay hidden. A message that cannot be read is
//! printed as far as it goes, and the last line is the fault.
//!
//! Invariant: nothing of a hidden item is printed but its tag, type and size; text is escaped, so that no message can
//! write a line of its own into a log.

use std::fmt::Write as _;

use super::error::TtlvError;
use super::item::{Item, Tag, Value};
use super::reader::Reader;

/// Longer byte strings are cut in print.
const PRINTED_BYTES: usize = 32;

/// Longer texts are cut in print.
const PRINTED_CHARACTERS: usize = 200;

/// What tags are called, and which items must not be shown.
pub trait Vocabulary {
    /// The name of a tag.
    fn tag_name(&self, tag: Tag) -> Option<&'static str>;

    /// The name of a value of the enumeration with this tag.
    fn enumeration_name(&self, tag: Tag, number: u32) -> Option<&'static str>;

    /// Whether the value must stay hidden, with everything inside it.
    fn hides(&self, item: &Item<'_>) -> bool;
}

/// The message as text, one line per item, each ended by a line feed.
pub fn pretty(message: &[u8], vocabulary: &impl Vocabulary) -> String {
    let mut text = String::new();
    if let Err(error) = print_items(&mut text, Reader::new(message), 0, vocabulary) {
        line(&mut text, 0, format_args!("(unreadable from here: {error})"));
    }
    text
}

fn print_items(
    text: &mut String,
    mut reader: Reader<'_>,
    indent: usize,
    vocabulary: &impl Vocabulary,
) -> Result<(), TtlvError> {
    while let Some(item) = reader.next_item()? {
        let name = vocabulary.tag_name(item.tag).unwrap_or("Unknown");
        let (tag, item_type) = (item.tag, item.item_type());
        if vocabulary.hides(&item) {
            // The item's eight bytes of tag, type and length are not counted.
            let size = item.encoded.len().saturating_sub(8);
            line(text, indent, format_args!("{name} ({tag}) {item_type} = (hidden, {size} bytes with padding)"));
            continue;
        }
        match item.value {
            Value::Structure(inside) => {
                line(text, indent, format_args!("{name} ({tag}) {item_type}"));
                print_items(text, inside, indent + 1, vocabulary)?;
            }
            value => {
                let value = describe(item.tag, &value, vocabulary);
                line(text, indent, format_args!("{name} ({tag}) {item_type} = {value}"));
            }
        }
    }
    Ok(())
}

fn describe(tag: Tag, value: &Value<'_>, vocabulary: &impl Vocabulary) -> String {
    match value {
        // Printed by the caller, with what is inside.
        Value::Structure(_) => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::LongInteger(number) => number.to_string(),
        Value::Enumeration(number) => match vocabulary.enumeration_name(tag, *number) {
            Some(name) => format!("0x{number:08X} ({name})"),
            None => format!("0x{number:08X}"),
        },
        Value::Boolean(truth) => truth.to_string(),
        Value::TextString(text) => {
            let cut: String = text.chars().take(PRINTED_CHARACTERS).collect();
            let ending =
                if cut.len() < text.len() { format!(" and so on, {} bytes", text.len()) } else { String::new() };
            format!("{cut:?}{ending}")
        }
        Value::BigInteger(bytes) | Value::ByteString(bytes) => {
            let mut hex: String = bytes.iter().take(PRINTED_BYTES).map(|byte| format!("{byte:02x}")).collect();
            if bytes.len() > PRINTED_BYTES {
                hex.push_str(&format!(" and so on, {} bytes", bytes.len()));
            }
            hex
        }
        Value::DateTime(seconds) => format!("{seconds} s since 1970"),
        Value::Interval(seconds) => format!("{seconds} s"),
    }
}

fn line(text: &mut String, indent: usize, content: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:width$}{content}", "", width = 2 * indent);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ttlv::Writer;

    const SECRET: Tag = Tag::new(0x42_0043);

    struct Names;

    impl Vocabulary for Names {
        fn tag_name(&self, tag: Tag) -> Option<&'static str> {
            (tag == SECRET).then_some("KeyMaterial")
        }

        fn enumeration_name(&self, _: Tag, number: u32) -> Option<&'static str> {
            (number == 2).then_some("Two")
        }

        fn hides(&self, item: &Item<'_>) -> bool {
            item.tag == SECRET
        }
    }

    #[test]
    fn a_message_is_printed_with_its_secrets_hidden_and_its_text_escaped() {
        let mut message = Vec::new();
        let tag = Tag::new(0x42_0001);
        Writer::new(&mut message).structure(tag, |writer| {
            writer.byte_string(SECRET, b"top secret");
            writer.structure(SECRET, |writer| writer.text_string(tag, "top secret"));
            writer.text_string(tag, "one\nline \u{1b}[2J");
            writer.text_string(tag, &"x".repeat(300));
            writer.byte_string(tag, &[7; 40]);
            writer.big_integer(tag, &[0xFE]);
            writer.enumeration(tag, 2);
            writer.enumeration(tag, 3);
            writer.long_integer(tag, -1);
            writer.boolean(tag, false);
            writer.date_time(tag, 60);
            writer.interval(tag, 5);
        });
        insta::assert_snapshot!(pretty(&message, &Names));
    }

    #[test]
    fn what_cannot_be_read_ends_the_print_with_its_fault() {
        let mut message = Vec::new();
        Writer::new(&mut message).integer(SECRET, 1);
        message.extend([0x42, 0, 1]);
        assert_eq!(
            pretty(&message, &Names),
            "KeyMaterial (0x420043) Integer = (hidden, 8 bytes with padding)\n\
             (unreadable from here: byte 16: an item's tag, type and length need 8 bytes, 3 are left)\n"
        );
    }
}
