//! What an element says: a tag, and a value of the type that it names, or a place for one.
//!
//! KMIP's XML encoding (KMIP Additional Message Encodings 1.0, clause 5; KMIP Profiles 1.3, clause 5.4): the element's
//! name is the tag, `type` the type (a structure where it is missing), `value` the value. A tag without a name is
//! `<TTLV tag="0x54….">`. A value with `$NAME` in it is filled in while the conversation is played.
//!
//! Invariant: whatever an element holds, the answer is a field or a line with a reason.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::wire::{Value, names};

use super::placeholders::{Piece, pieces};
use super::xml::{Element, Mistake};

/// A field of a message as a file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The tag.
    pub tag: u32,
    /// The line of the element.
    pub line: usize,
    /// What it holds.
    pub content: Content,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Fields in order.
    Fields(Vec<Field>),
    /// A value.
    Fixed(Value),
    /// A value with placeholders in it, of this type.
    Open(Kind, Vec<Piece>),
}

/// The types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A signed 32-bit number or a mask.
    Integer,
    /// A signed 64-bit number.
    LongInteger,
    /// A number of any size.
    BigInteger,
    /// A choice.
    Enumeration,
    /// Yes or no.
    Boolean,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A moment.
    DateTime,
    /// A span of seconds.
    Interval,
}

const KINDS: &[(&str, Kind)] = &[
    ("Integer", Kind::Integer),
    ("LongInteger", Kind::LongInteger),
    ("BigInteger", Kind::BigInteger),
    ("Enumeration", Kind::Enumeration),
    ("Boolean", Kind::Boolean),
    ("TextString", Kind::Text),
    ("ByteString", Kind::Bytes),
    ("DateTime", Kind::DateTime),
    ("Interval", Kind::Interval),
];

impl Field {
    /// The fields within.
    pub fn fields(&self) -> &[Field] {
        match &self.content {
            Content::Fields(fields) => fields,
            _ => &[],
        }
    }

    /// The first field within that has this tag.
    pub fn field(&self, tag: u32) -> Option<&Field> {
        self.fields().iter().find(|field| field.tag == tag)
    }

    /// The choice, if it is a fixed one.
    pub fn choice(&self) -> Option<u32> {
        match self.content {
            Content::Fixed(Value::Enumeration(choice)) => Some(choice),
            _ => None,
        }
    }

    /// The number, if it is a fixed one.
    pub fn number(&self) -> Option<i32> {
        match self.content {
            Content::Fixed(Value::Integer(number)) => Some(number),
            _ => None,
        }
    }

    /// The text, if it is a fixed one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Fixed(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// The tag of an element, where its name is that of one.
pub fn tag(element: &Element) -> Option<u32> {
    if element.name.eq_ignore_ascii_case("TTLV") {
        let tag = element.attribute("tag")?;
        return hexadecimal(tag).and_then(|tag| u32::try_from(tag).ok()).or_else(|| names::tag_of_name(tag));
    }
    names::tag_of_name(&element.name)
}

/// Reads an element with everything in it.
pub fn field(element: &Element) -> Result<Field, Mistake> {
    read(element, None)
}

/// `means` is the tag of the attribute whose value this is.
fn read(element: &Element, means: Option<u32>) -> Result<Field, Mistake> {
    let line = element.line;
    let tag = tag(element).ok_or_else(|| match element.attribute("tag") {
        Some(tag) => Mistake::new(line, format!("`{tag}` is no tag")),
        None => Mistake::new(line, format!("no tag is called `{}`", element.name)),
    })?;
    if !matches!(tag >> 16, 0x42 | 0x54) {
        return Err(Mistake::new(line, format!("0x{tag:06X} is no tag: one begins with 0x42 or 0x54")));
    }
    let said = element.attribute("type").map(str::trim);
    let content = match said {
        None if element.attribute("value").is_some() => {
            return Err(Mistake::new(line, format!("<{}> has a value and no type", element.name)));
        }
        None => Content::Fields(fields(element)?),
        Some(kind) if kind.eq_ignore_ascii_case("Structure") => Content::Fields(fields(element)?),
        Some(kind) => {
            let known = KINDS.iter().find(|(name, _)| same(name, kind)).map(|(_, kind)| *kind);
            let kind = known
                .ok_or_else(|| Mistake::new(line, format!("the type `{kind}` is beyond what this command can send")))?;
            scalar(element, means.unwrap_or(tag), kind)?
        }
    };
    Ok(Field { tag, line, content })
}

fn fields(element: &Element) -> Result<Vec<Field>, Mistake> {
    let mut attribute = None;
    let mut fields = Vec::new();
    for inner in element.elements() {
        let means = attribute.filter(|_| tag(inner) == Some(names::ATTRIBUTE_VALUE));
        let field = read(inner, means)?;
        if field.tag == names::ATTRIBUTE_NAME {
            attribute = field.text().and_then(names::tag_of_title);
        }
        fields.push(field);
    }
    Ok(fields)
}

fn scalar(element: &Element, means: u32, kind: Kind) -> Result<Content, Mistake> {
    let text = element.attribute("value").unwrap_or_default();
    if let Some(pieces) = pieces(text) {
        return Ok(Content::Open(kind, pieces));
    }
    match value(kind, means, text) {
        Some(Value::Text(text)) if matches!(means, names::ATTRIBUTE_NAME) => {
            // Some files break titles over two lines.
            Ok(Content::Fixed(Value::Text(text.split_whitespace().collect::<Vec<_>>().join(" "))))
        }
        Some(value) => Ok(Content::Fixed(value)),
        None => {
            let what = format!("`{text}` is no {} of {}", spoken(kind), names::tag_name(means));
            Err(Mistake::new(element.line, what))
        }
    }
}

/// A value from its text.
pub fn value(kind: Kind, means: u32, text: &str) -> Option<Value> {
    let bare = text.trim();
    match kind {
        Kind::Text => Some(Value::Text(text.to_owned())),
        Kind::Integer => number(bare).or_else(|| mask(means, bare)).map(Value::Integer),
        Kind::LongInteger => long(bare).map(Value::LongInteger),
        Kind::BigInteger => big(bare).map(Value::BigInteger),
        Kind::Enumeration => choice(means, bare).map(Value::Enumeration),
        Kind::Boolean => match bare.to_ascii_lowercase().as_str() {
            "true" | "1" | "0x0000000000000001" => Some(Value::Boolean(true)),
            "false" | "0" | "0x0000000000000000" => Some(Value::Boolean(false)),
            _ => None,
        },
        Kind::Bytes => bytes(bare).map(Value::Bytes),
        Kind::DateTime => moment(bare).map(Value::DateTime),
        Kind::Interval => {
            let seconds = bare.parse().ok().or_else(|| u32::try_from(hexadecimal(bare)?).ok());
            seconds.map(Value::Interval)
        }
    }
}

fn number(text: &str) -> Option<i32> {
    text.parse().ok().or_else(|| Some(u32::try_from(hexadecimal(text)?).ok()?.cast_signed()))
}

fn long(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| Some(hexadecimal(text)?.cast_signed()))
}

/// Names and hexadecimal numbers, separated by spaces, bars, commas or plus signs.
fn mask(means: u32, text: &str) -> Option<i32> {
    let titles = names::mask_bits(means)?;
    let words = text.split(|letter: char| letter.is_whitespace() || matches!(letter, '|' | ',' | '+'));
    words.filter(|word| !word.is_empty()).try_fold(0, |mask, word| {
        let named = titles.iter().position(|title| same(title, word)).map(|bit| 1 << bit);
        Some(mask | named.or_else(|| number(word))?)
    })
}

fn choice(means: u32, text: &str) -> Option<u32> {
    // A mere number may be one, but `3DES` is a name.
    let named = || names::value_of_name(means, text);
    hexadecimal(text).and_then(|choice| u32::try_from(choice).ok()).or_else(named).or_else(|| text.parse().ok())
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

/// Big-endian, two's complement, filled up to a multiple of eight bytes with its sign.
fn big(text: &str) -> Option<Vec<u8>> {
    let digits = bytes(text)?;
    let fill = if digits.first().is_some_and(|first| first & 0x80 != 0) { 0xFF } else { 0x00 };
    let missing = digits.len().next_multiple_of(8).max(8) - digits.len();
    Some([vec![fill; missing], digits].concat())
}

/// ISO 8601, with or without an offset (then it is UTC), or seconds since 1970.
fn moment(text: &str) -> Option<i64> {
    let parsed = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp);
    let seconds = || text.parse().ok().or_else(|| Some(hexadecimal(text)?.cast_signed()));
    parsed(text).or_else(|| parsed(&format!("{text}Z"))).or_else(seconds)
}

fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    u64::from_str_radix(digits, 16).ok()
}

fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    plain(one) == plain(other)
}

fn spoken(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("value", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_however_they_are_spelt() {
        use Kind::*;
        let mask = names::CRYPTOGRAPHIC_USAGE_MASK;
        let cases = [
            (Integer, mask, "Encrypt Decrypt", Value::Integer(12)),
            (Integer, mask, " Encrypt |Decrypt\n MACGenerate", Value::Integer(0x8C)),
            (Integer, mask, "Encrypt|0x00000008", Value::Integer(12)),
            (Integer, mask, "0x0000000C", Value::Integer(12)),
            (Integer, names::STORAGE_STATUS_MASK, "ArchivalStorage OnLineStorage", Value::Integer(3)),
            (Integer, names::BATCH_COUNT, "-1", Value::Integer(-1)),
            (Integer, names::BATCH_COUNT, "0xFFFFFFFF", Value::Integer(-1)),
            (LongInteger, 0, "9000000000", Value::LongInteger(9_000_000_000)),
            (BigInteger, 0, "01", Value::BigInteger(vec![0, 0, 0, 0, 0, 0, 0, 1])),
            (BigInteger, 0, "0xFE", Value::BigInteger(vec![255, 255, 255, 255, 255, 255, 255, 254])),
            (Enumeration, names::CRYPTOGRAPHIC_ALGORITHM, "DES3", Value::Enumeration(2)),
            (Enumeration, names::CRYPTOGRAPHIC_ALGORITHM, "0x00000003", Value::Enumeration(3)),
            (Enumeration, names::CRYPTOGRAPHIC_ALGORITHM, "3", Value::Enumeration(3)),
            (Enumeration, names::ATTRIBUTE_REFERENCE, "State", Value::Enumeration(names::STATE)),
            (Boolean, 0, "True", Value::Boolean(true)),
            (Bytes, 0, "0A ff", Value::Bytes(vec![10, 255])),
            (Text, 0, " as it is ", Value::Text(" as it is ".to_owned())),
            (DateTime, 0, "1970-01-01T00:00:06+00:00", Value::DateTime(6)),
            (DateTime, 0, "1970-01-01T01:00:06+01:00", Value::DateTime(6)),
            (DateTime, 0, "1970-01-01T00:00:06", Value::DateTime(6)),
            (DateTime, 0, "0x0000000000000006", Value::DateTime(6)),
            (Interval, 0, "3600", Value::Interval(3600)),
        ];
        for (kind, means, text, expected) in cases {
            assert_eq!(value(kind, means, text), Some(expected), "{text}");
        }
        for (kind, means, text) in
            [(Integer, names::BATCH_COUNT, "Encrypt"), (Boolean, 0, "maybe"), (DateTime, 0, "now")]
        {
            assert_eq!(value(kind, means, text), None, "{text}");
        }
    }

    #[test]
    fn the_value_of_an_attribute_is_read_as_what_the_attribute_is() {
        let source = br#"<Attribute><AttributeName type="TextString" value="Cryptographic
            Usage   Mask"/><AttributeValue type="Integer" value="Sign Verify"/></Attribute>"#;
        let nodes = super::super::xml::parse(source).unwrap();
        let super::super::xml::Node::Element(element) = &nodes[0] else { panic!("an element") };
        let attribute = field(element).unwrap();
        assert_eq!(attribute.fields()[0].text(), Some("Cryptographic Usage Mask"));
        assert_eq!(attribute.fields()[1].number(), Some(3));
    }
}
