//! A message as a tree, read and written without the product's codec, and what is different in two of them.
//!
//! Two servers never give the same identifiers, keys and dates. [`Known`] keeps which value of the one side stands for
//! which of the other: the first time it learns, from then on the two must belong together.
//!
//! Invariant: a field that is on one side only is a difference, whatever it holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kmip_proxy::kmip::tag;
use kmip_proxy::ttlv::Tag;

// Numbers of KMIP 1.4 section 9.1.3.1, and of the types in section 9.1.1.2.
const ATTRIBUTE: u32 = 0x42_0008;
const ATTRIBUTE_NAME: u32 = 0x42_000A;
const ATTRIBUTE_VALUE: u32 = 0x42_000B;
const DIGEST_VALUE: u32 = 0x42_0035;
const IV_COUNTER_NONCE: u32 = 0x42_003D;
const KEY_MATERIAL: u32 = 0x42_0043;
const OBJECT_TYPE: u32 = 0x42_0057;
const OPERATION: u32 = 0x42_005C;
const RESPONSE_PAYLOAD: u32 = 0x42_007C;
const RESULT_MESSAGE: u32 = 0x42_007D;
const UNIQUE_IDENTIFIER: u32 = 0x42_0094;
const DATA: u32 = 0x42_00C2;
const TEXT: u8 = 7;
const DATE: u8 = 9;

/// An item with everything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    tag: u32,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Structure(Vec<Item>),
    Leaf { kind: u8, bytes: Vec<u8> },
}

/// Reads the items that lie one behind the other in some bytes.
pub(super) fn read(mut bytes: &[u8]) -> Vec<Item> {
    let mut items = Vec::new();
    while let [t1, t2, t3, kind, l1, l2, l3, l4, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*l1, *l2, *l3, *l4]) as usize;
        let inner = rest[..length].to_vec();
        let value = if *kind == 1 { Value::Structure(read(&inner)) } else { Value::Leaf { kind: *kind, bytes: inner } };
        items.push(Item { tag: u32::from_be_bytes([0, *t1, *t2, *t3]), value });
        bytes = &rest[length.next_multiple_of(8)..];
    }
    assert!(bytes.is_empty(), "{} stray bytes", bytes.len());
    items
}

/// Writes items one behind the other.
pub(super) fn write(items: &[Item]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Item { tag, value } in items {
        let (kind, inner) = match value {
            Value::Structure(items) => (1, write(items)),
            Value::Leaf { kind, bytes } => (*kind, bytes.clone()),
        };
        bytes.extend_from_slice(&tag.to_be_bytes()[1..]);
        bytes.push(kind);
        bytes.extend_from_slice(&u32::try_from(inner.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&inner);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

/// Which value of the one side stands for which of the other.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<Vec<u8>, Vec<u8>>);

impl Known {
    /// The same items as the other side would have said them.
    pub(super) fn translate(&self, items: &[Item]) -> Vec<Item> {
        let translated = items.iter().map(|item| {
            let value = match &item.value {
                Value::Structure(inside) => Value::Structure(self.translate(inside)),
                Value::Leaf { kind, bytes } if is_drawn(item.tag) || is_identifier(item.tag, items) => {
                    Value::Leaf { kind: *kind, bytes: self.0.get(bytes).unwrap_or(bytes).clone() }
                }
                leaf => leaf.clone(),
            };
            Item { tag: item.tag, value }
        });
        translated.collect()
    }

    /// Takes note of keys and data that a client sends as they are: answers must give back the same.
    pub(super) fn sent(&mut self, items: &[Item]) {
        for item in items {
            match &item.value {
                Value::Structure(inside) => self.sent(inside),
                Value::Leaf { bytes, .. } if is_drawn(item.tag) && item.tag != UNIQUE_IDENTIFIER => {
                    self.0.entry(bytes.clone()).or_insert_with(|| bytes.clone());
                }
                Value::Leaf { .. } => {}
            }
        }
    }

    /// Whether two values belong together; two that were never seen do from now on.
    fn belong(&mut self, one: &[u8], other: &[u8]) -> bool {
        match self.0.get(one) {
            Some(known) => known == other,
            None => {
                // Two values of one side are never one value of the other.
                let new = !self.0.values().any(|known| known == other);
                self.0.insert(one.to_vec(), other.to_vec());
                new
            }
        }
    }
}

/// Whether servers draw the values of a field, or what they depend on.
fn is_drawn(tag: u32) -> bool {
    matches!(tag, UNIQUE_IDENTIFIER | KEY_MATERIAL | DIGEST_VALUE | DATA | IV_COUNTER_NONCE)
}

/// Whether a value is an identifier because of the name beside it.
fn is_identifier(tag: u32, siblings: &[Item]) -> bool {
    tag == ATTRIBUTE_VALUE && attribute_name(siblings) == "Unique Identifier"
}

/// The text in the item Attribute Name among some items.
fn attribute_name(items: &[Item]) -> String {
    let name = items.iter().find(|item| item.tag == ATTRIBUTE_NAME).map(|item| &item.value);
    let Some(Value::Leaf { bytes, .. }) = name else { return String::new() };
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is different, a line for each: `-` what only the first has, `+` what only the second has, `!` what both have
/// with two values, and `~` for two orders. A line is the path of the field; values follow behind a colon where they
/// help.
pub(super) fn differences(one: &[Item], other: &[Item], known: &mut Known) -> Vec<String> {
    let mut found = Vec::new();
    compare("", 0, one, other, known, &mut found);
    // Every path of an answer begins alike.
    found.iter().map(|line| line.replacen("/ResponseMessage/", "", 1)).collect()
}

fn compare(path: &str, parent: u32, one: &[Item], other: &[Item], known: &mut Known, found: &mut Vec<String>) {
    let (ones, others) = (keyed(parent, one, Some(known)), keyed(parent, other, None));
    for (key, item) in &ones {
        let path = format!("{path}/{key}");
        match others.iter().find(|(name, _)| name == key).map(|(_, other)| *other) {
            None => found.push(format!("-{}", with_value(&path, item))),
            Some(other) => match (&item.value, &other.value) {
                (Value::Structure(one), Value::Structure(other)) => {
                    compare(&path, item.tag, one, other, known, found);
                }
                _ if same(item, other, one, known) => {}
                _ => found.push(format!("!{path}{} and{}", shown(item), shown(other))),
            },
        }
    }
    let only_there = others.iter().filter(|(key, _)| !ones.iter().any(|(name, _)| name == key));
    found.extend(only_there.map(|(key, item)| format!("+{}", with_value(&format!("{path}/{key}"), item))));
    // The standard orders the fields of a structure, and not the attributes or choices in a list.
    let ordered = |keys: &[(String, &Item)]| -> Vec<u32> {
        keys.iter().map(|(_, item)| item.tag).filter(|tag| ![ATTRIBUTE, OPERATION, OBJECT_TYPE].contains(tag)).collect()
    };
    let (mut first, mut second) = (ordered(&ones), ordered(&others));
    first.retain(|tag| second.contains(tag));
    second.retain(|tag| first.contains(tag));
    first.dedup();
    second.dedup();
    if first != second {
        found.push(format!("~{path}"));
    }
}

fn same(item: &Item, other: &Item, siblings: &[Item], known: &mut Known) -> bool {
    let (Value::Leaf { kind, bytes }, Value::Leaf { kind: other_kind, bytes: other_bytes }) =
        (&item.value, &other.value)
    else {
        return false;
    };
    if kind != other_kind {
        return false;
    }
    // Moments differ, and the words of a message are every server's own (KMIP 1.4 section 6.11).
    if *kind == DATE || (item.tag == RESULT_MESSAGE && bytes.is_empty() == other_bytes.is_empty()) {
        return true;
    }
    if is_drawn(item.tag) || is_identifier(item.tag, siblings) {
        return known.belong(bytes, other_bytes);
    }
    bytes == other_bytes
}

/// Items by what identifies each beside its siblings: its tag, the name of an attribute, the value of a choice in a list.
fn keyed<'a>(parent: u32, items: &'a [Item], known: Option<&Known>) -> Vec<(String, &'a Item)> {
    let mut keyed: Vec<(String, &Item)> = Vec::new();
    for item in items {
        let mut key = name(item.tag);
        let many = items.iter().filter(|other| other.tag == item.tag).count() > 1;
        match &item.value {
            Value::Structure(inside) if item.tag == ATTRIBUTE => {
                let _ = write!(key, "[{}]", attribute_name(inside));
            }
            Value::Leaf { .. } if many || (parent == RESPONSE_PAYLOAD && item.tag == OPERATION) => {
                let said =
                    known.map_or_else(|| item.clone(), |known| known.translate(std::slice::from_ref(item)).remove(0));
                let _ = write!(key, "{}", shown(&said));
            }
            _ => {}
        }
        let before = keyed.iter().filter(|(other, _)| *other == key || other.starts_with(&format!("{key}#"))).count();
        if before > 0 {
            let _ = write!(key, "#{before}");
        }
        keyed.push((key, item));
    }
    keyed
}

fn name(number: u32) -> String {
    tag::entry(Tag::new(number)).map_or_else(|| format!("{number:06X}"), |row| row.name.to_owned())
}

/// A path with its value, which may be a part of it already.
fn with_value(path: &str, item: &Item) -> String {
    let value = shown(item);
    if path.ends_with(&value) { path.to_owned() } else { format!("{path}{value}") }
}

/// A value in a difference.
fn shown(item: &Item) -> String {
    match &item.value {
        Value::Structure(_) => String::new(),
        Value::Leaf { kind: TEXT, bytes } => format!(": {}", String::from_utf8_lossy(bytes)),
        Value::Leaf { bytes, .. } => bytes.iter().fold(": ".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
    }
}
