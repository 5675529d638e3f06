//! In which version of KMIP each tag, choice and attribute first appeared, and what in a message is too young for it.
//!
//! How the list came about: the numbers of tags and choices are handed out in order, so each version is known by the
//! last number of its tables (clause 9.1.3 of the specifications 1.0 to 1.4). The standard's own test cases judge the
//! list: nothing may occur in a case of a version before the version that the list gives it, with the exceptions that
//! the test names, and what a version's cases are the first to show confirms the list. Where the cases show a thing
//! late or nowhere, the specification's word stands. The test repeats this over the folder `KMIPLAB_OASIS`.
//!
//! Invariant: the list is the lab's own and is never compared with the product's at run time.

use super::item::{Item, Value};
use super::names::{self, *};

/// The minor versions of KMIP 1 that the list knows.
const VERSIONS: usize = 5;

/// The last tag of each version.
const LAST_TAG: [u32; VERSIONS] = [0x4200A1, 0x4200B7, 0x4200D3, 0x4200F7, 0x420124];

/// The last choice of each version, by enumeration. Enumerations whose tag is as young as all of their choices need
/// no row: the tag itself is reported.
const LAST_CHOICE: &[(u32, [u32; VERSIONS])] = &[
    (BLOCK_CIPHER_MODE, [0x11, 0x11, 0x11, 0x11, 0x12]),
    (0x420024, [0x01, 0x02, 0x03, 0x03, 0x03]),
    (CRYPTOGRAPHIC_ALGORITHM, [0x19, 0x19, 0x1A, 0x1B, 0x28]),
    (0x420031, [0x07, 0x07, 0x07, 0x07, 0x08]),
    (0x420038, [0x0B, 0x0B, 0x0D, 0x0D, 0x11]),
    (0x420041, [0x04; VERSIONS]),
    (KEY_FORMAT_TYPE, [0x13, 0x13, 0x13, 0x15, 0x16]),
    (0x42004B, [0x107, 0x107, 0x10B, 0x10B, 0x10D]),
    (0x420054, [0x02; VERSIONS]),
    (OBJECT_TYPE, [0x08, 0x08, 0x09, 0x09, 0x09]),
    (OPERATION, [0x1C, 0x1E, 0x29, 0x29, 0x2B]),
    (PADDING_METHOD, [0x0A; VERSIONS]),
    (0x420074, [0x04, 0x06, 0x07, 0x0C, 0x0C]),
    (0x420075, [0x0F, 0x0F, 0x44, 0x44, 0x44]),
    (RESULT_REASON, [0x11, 0x12, 0x15, 0x15, 0x18]),
    (RESULT_STATUS, [0x03; VERSIONS]),
    (REVOCATION_REASON_CODE, [0x07; VERSIONS]),
    (0x420083, [0x15, 0x15, 0x15, 0x15, 0x18]),
    (0x420086, [0x02; VERSIONS]),
    (0x42008A, [0x03, 0x03, 0x04, 0x04, 0x04]),
    (STATE, [0x06; VERSIONS]),
    (0x4200AE, [0x00, 0x10, 0x10, 0x10, 0x13]),
];

/// Fields that a structure gained after their tags, with the minor version: Key Format Type of a Digest (KMIP 1.1, clause
/// 3.17), the algorithms in Cryptographic Parameters (KMIP 1.2, clause 3.6).
const LATER_FIELDS: &[(u32, u32, usize)] = &[
    (DIGEST, KEY_FORMAT_TYPE, 1),
    (CRYPTOGRAPHIC_PARAMETERS, 0x4200AE, 2),
    (CRYPTOGRAPHIC_PARAMETERS, CRYPTOGRAPHIC_ALGORITHM, 2),
];

/// Digest.
const DIGEST: u32 = 0x420034;

/// The bits that a mask has in all of KMIP 1 (clauses 9.1.3.3.1 and 9.1.3.3.2); 2.0 added more.
const MASKS: &[(u32, i32)] = &[(CRYPTOGRAPHIC_USAGE_MASK, 0x000F_FFFF), (STORAGE_STATUS_MASK, 0x0000_0003)];

/// The attributes of KMIP 1 (clause 3). Each is as old as the tag that shares its title.
#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "Unique Identifier", "Name", "Object Type", "Cryptographic Algorithm", "Cryptographic Length",
    "Cryptographic Parameters", "Cryptographic Domain Parameters", "Certificate Type", "Certificate Length",
    "X.509 Certificate Identifier", "X.509 Certificate Subject", "X.509 Certificate Issuer", "Certificate Identifier",
    "Certificate Subject", "Certificate Issuer", "Digital Signature Algorithm", "Digest", "Operation Policy Name",
    "Cryptographic Usage Mask", "Lease Time", "Usage Limits", "State", "Initial Date", "Activation Date",
    "Process Start Date", "Protect Stop Date", "Deactivation Date", "Destroy Date", "Compromise Occurrence Date",
    "Compromise Date", "Revocation Reason", "Archive Date", "Object Group", "Fresh", "Link",
    "Application Specific Information", "Contact Information", "Last Change Date", "Alternative Name",
    "Key Value Present", "Key Value Location", "Original Creation Date", "Random Number Generator",
    "PKCS#12 Friendly Name", "Description", "Comment", "Sensitive", "Always Sensitive", "Extractable",
    "Never Extractable",
];

/// When something first appeared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Since {
    /// In KMIP 1.x, by the minor version.
    Minor(usize),
    /// After 1.4, or never.
    Later,
}

/// A value with the tag that says what it is, also where it stands in an Attribute Value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The tag: that of the attribute where the value is an attribute's.
    pub tag: u32,
    /// The value.
    pub value: Value,
}

/// Every value of a message, in order: what an answer may echo.
pub fn leaves(message: &Item) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    walk(message, message.tag, &mut |_, tag, value| {
        if !matches!(value, Value::Structure(_)) {
            leaves.push(Leaf { tag, value: value.clone() });
        }
    });
    leaves
}

/// Names everything in an answer that is younger than the version in its header, each thing once (invariant K10).
///
/// `echoed` are the values of the request: an answer may repeat them, its Operation above all, whatever their age.
pub fn younger(answer: &Item, echoed: &[Leaf]) -> Vec<String> {
    let Some(minor) = minor_version(answer) else { return Vec::new() };
    let mut found = Vec::new();
    let mut report = |what: String, since: Since| {
        let age = match since {
            Since::Minor(first) if first <= minor => return,
            Since::Minor(first) => format!("since 1.{first}"),
            Since::Later => "not in 1.0 to 1.4".to_owned(),
        };
        let line = format!("{what} ({age})");
        if !found.contains(&line) {
            found.push(line);
        }
    };
    walk(answer, answer.tag, &mut |item, tag, value| {
        report(format!("tag {}", tag_name(item.tag)), tag_since(item.tag));
        for child in item.children() {
            let later = LATER_FIELDS.iter().find(|(structure, field, _)| *structure == tag && *field == child.tag);
            if let Some((_, field, since)) = later {
                report(format!("tag {} in {}", tag_name(*field), tag_name(tag)), Since::Minor(*since));
            }
        }
        if echoed.iter().any(|leaf| leaf.tag == tag && leaf.value == *value) {
            return;
        }
        match value {
            Value::Enumeration(choice) => {
                report(format!("value {} of {}", value_name(tag, *choice), tag_name(tag)), choice_since(tag, *choice));
            }
            Value::Integer(bits) => {
                if let Some((_, known)) = MASKS.iter().find(|(mask, known)| *mask == tag && bits & !known != 0) {
                    report(format!("bits 0x{:08X} of {}", bits & !known, tag_name(tag)), Since::Later);
                }
            }
            Value::Text(name) if tag == ATTRIBUTE_NAME => {
                report(format!("attribute {name}"), attribute_since(name));
            }
            _ => {}
        }
    });
    found
}

/// The first version of a tag. Extensions belong to every version.
pub fn tag_since(tag: u32) -> Since {
    if tag >> 16 == 0x54 {
        return Since::Minor(0);
    }
    first_version(&LAST_TAG, tag)
}

/// The first version of a choice. Extensions, and choices of enumerations that the list leaves to their tag, belong to
/// every version.
pub fn choice_since(tag: u32, choice: u32) -> Since {
    if choice >> 31 == 1 || (tag == RESULT_REASON && choice == GENERAL_FAILURE) {
        return Since::Minor(0);
    }
    let row = LAST_CHOICE.iter().find(|(enumeration, _)| *enumeration == tag);
    row.map_or(Since::Minor(0), |(_, last)| first_version(last, choice))
}

/// The first version of an attribute. Names that begin with `x-` or `y-` are the vendors' and users' own.
pub fn attribute_since(name: &str) -> Since {
    if name.starts_with("x-") || name.starts_with("y-") {
        return Since::Minor(0);
    }
    match names::tag_of_title(name) {
        Some(tag) if ATTRIBUTES.contains(&name) => tag_since(tag),
        _ => Since::Later,
    }
}

fn first_version(last: &[u32; VERSIONS], number: u32) -> Since {
    last.iter().position(|last| number <= *last).map_or(Since::Later, Since::Minor)
}

/// The minor version in the header, where the major one is 1.
fn minor_version(message: &Item) -> Option<usize> {
    let header = message.child(RESPONSE_HEADER).or_else(|| message.child(REQUEST_HEADER))?;
    let version = header.child(PROTOCOL_VERSION)?;
    let number = |tag| version.child(tag).and_then(Item::as_integer);
    number(PROTOCOL_VERSION_MAJOR).filter(|major| *major == 1)?;
    number(PROTOCOL_VERSION_MINOR).and_then(|minor| usize::try_from(minor).ok())
}

/// Visits every item with the tag that says what its value is.
fn walk(item: &Item, tag: u32, visit: &mut impl FnMut(&Item, u32, &Value)) {
    visit(item, tag, &item.value);
    let attribute = item.child(ATTRIBUTE_NAME).and_then(Item::as_text).and_then(names::tag_of_title);
    for child in item.children() {
        let tag = attribute.filter(|_| child.tag == ATTRIBUTE_VALUE).unwrap_or(child.tag);
        walk(child, tag, visit);
    }
}

#[cfg(test)]
mod tests;
