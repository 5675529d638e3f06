//! The list against hand-made answers, and against the standard's own test cases where they are at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kmip_proxy::env::Env;

use super::*;

/// An answer of version 1.`minor` with one item that carries `payload`.
fn answer(minor: i32, payload: Vec<Item>) -> Item {
    let version = Item::structure(
        PROTOCOL_VERSION,
        vec![Item::integer(PROTOCOL_VERSION_MAJOR, 1), Item::integer(PROTOCOL_VERSION_MINOR, minor)],
    );
    Item::structure(
        RESPONSE_MESSAGE,
        vec![
            Item::structure(RESPONSE_HEADER, vec![version]),
            Item::structure(BATCH_ITEM, vec![Item::structure(RESPONSE_PAYLOAD, payload)]),
        ],
    )
}

fn attribute(name: &str, value: Value) -> Item {
    Item::structure(ATTRIBUTE, vec![Item::text(ATTRIBUTE_NAME, name), Item::new(ATTRIBUTE_VALUE, value)])
}

#[test]
fn the_two_leaks_that_broke_percona_servers_are_named() {
    // HashiCorp Vault answered 1.0 with Server Correlation Value, Cosmian KMS with the attribute Fresh.
    let vault = answer(0, vec![Item::text(0x420106, "correlation")]);
    assert_eq!(younger(&vault, &[]), ["tag ServerCorrelationValue (since 1.4)"]);
    let cosmian = answer(0, vec![attribute("Fresh", Value::Boolean(true))]);
    assert_eq!(younger(&cosmian, &[]), ["attribute Fresh (since 1.1)"]);
    assert_eq!(younger(&answer(1, vec![attribute("Fresh", Value::Boolean(true))]), &[]), Vec::<String>::new());
}

#[test]
fn a_young_choice_is_found_also_inside_an_attribute_value() {
    let chacha = attribute("Cryptographic Algorithm", Value::Enumeration(0x1C));
    assert_eq!(
        younger(&answer(2, vec![chacha.clone()]), &[]),
        ["value ChaCha20 of CryptographicAlgorithm (since 1.4)"]
    );
    assert_eq!(younger(&answer(4, vec![chacha]), &[]), Vec::<String>::new());
    let general = Item::enumeration(RESULT_REASON, GENERAL_FAILURE);
    assert_eq!(younger(&answer(0, vec![general]), &[]), Vec::<String>::new());
    let sensitive = Item::enumeration(RESULT_REASON, 0x16);
    assert_eq!(younger(&answer(0, vec![sensitive]), &[]), ["value Sensitive of ResultReason (since 1.4)"]);
}

#[test]
fn a_field_that_its_structure_gained_later_is_found_though_its_tag_is_as_old_as_kmip() {
    let digest = attribute("Digest", Value::Structure(vec![Item::enumeration(KEY_FORMAT_TYPE, 1)]));
    assert_eq!(younger(&answer(0, vec![digest.clone()]), &[]), ["tag KeyFormatType in Digest (since 1.1)"]);
    assert_eq!(younger(&answer(1, vec![digest]), &[]), Vec::<String>::new());
    let parameters = Value::Structure(vec![Item::enumeration(CRYPTOGRAPHIC_ALGORITHM, 3)]);
    let parameters = attribute("Cryptographic Parameters", parameters);
    let told = ["tag CryptographicAlgorithm in CryptographicParameters (since 1.2)"];
    assert_eq!(younger(&answer(1, vec![parameters.clone()]), &[]), told);
    assert_eq!(younger(&answer(2, vec![parameters]), &[]), Vec::<String>::new());
}

#[test]
fn what_the_request_said_may_be_echoed_and_nothing_else() {
    let encrypt = Item::enumeration(OPERATION, 0x1F);
    let given = answer(0, vec![encrypt.clone(), Item::enumeration(OPERATION, 0x20)]);
    let request = Item::structure(BATCH_ITEM, vec![encrypt]);
    assert_eq!(younger(&given, &leaves(&request)), ["value Decrypt of Operation (since 1.2)"]);
}

#[test]
fn what_only_2_0_has_and_what_nobody_has_is_named_in_every_version() {
    let given = answer(
        4,
        vec![
            Item::structure(0x420125, Vec::new()),
            attribute("Protection Level", Value::Integer(1)),
            attribute("x-Barcode", Value::Integer(1)),
            attribute("Cryptographic Usage Mask", Value::Integer(0x0010_000C)),
            Item::integer(0x540001, 1),
        ],
    );
    assert_eq!(
        younger(&given, &[]),
        [
            "tag Attributes (not in 1.0 to 1.4)",
            "attribute Protection Level (not in 1.0 to 1.4)",
            "bits 0x00100000 of CryptographicUsageMask (not in 1.0 to 1.4)",
        ]
    );
}

#[test]
fn an_answer_of_another_major_version_is_not_judged() {
    let mut given = answer(0, vec![Item::text(0x420106, "correlation")]);
    if let Value::Structure(items) = &mut given.value {
        items.remove(0);
    }
    assert_eq!(younger(&given, &[]), Vec::<String>::new());
}

/// Things that cases show before the specification has them, by the file's beginning: mistakes of those cases.
const EXCEPTIONS: &[(&str, &str)] = &[
    // The 1.0 folder holds the 1.2 text of this case with only its header changed.
    ("attribute Fresh", "TC_NP_2_12_Notify_Put"),
];

/// How many things of 1.1, 1.2 and 1.3 the version's own cases are the first to show. The cases of 1.3 use nothing that
/// 1.3 brought: there, and for 1.4, the specification's word stands alone.
const CONFIRMED: [usize; 3] = [28, 26, 0];

#[test]
fn the_list_agrees_with_the_standards_test_cases() {
    let Some(folder) = std::env::var_os("KMIPLAB_OASIS") else {
        println!("skipped: KMIPLAB_OASIS names no folder with the OASIS test cases");
        return;
    };
    let files = Env::os().files;
    let tags = tags();
    // Each thing with the minor version that first shows it.
    let mut first: BTreeMap<(String, Since), usize> = BTreeMap::new();
    let mut cases = 0;
    let mut contradictions = BTreeSet::new();
    for version in ["v1.0", "v1.1", "v1.2", "v1.3", "v1.4"] {
        for path in files.list(&Path::new(&folder).join(version)).unwrap_or_default() {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let source = String::from_utf8_lossy(&files.read(&path).unwrap()).into_owned();
            cases += 1;
            for (minor, thing, since) in occurrences(&source, &tags) {
                let excused = EXCEPTIONS.iter().any(|(what, start)| thing == *what && file.starts_with(start));
                if excused {
                    continue;
                }
                if since > Since::Minor(minor) {
                    contradictions.insert(format!("{thing} in {version}/{file}, listed as {since:?}"));
                }
                let seen = first.entry((thing, since)).or_insert(minor);
                *seen = minor.min(*seen);
            }
        }
    }
    assert!(cases > 200, "only {cases} files below {}", folder.display());
    assert_eq!(contradictions, BTreeSet::new());
    let confirmed = [1, 2, 3].map(|minor| {
        first.iter().filter(|((_, since), seen)| *since == Since::Minor(minor) && **seen == minor).count()
    });
    assert_eq!(confirmed, CONFIRMED);
}

/// Every tag, choice and attribute in the messages of a case, with the minor version of its message's header.
fn occurrences(source: &str, tags: &BTreeMap<String, u32>) -> Vec<(usize, String, Since)> {
    let mut found = Vec::new();
    // A header's version comes after the tags around it, which are as old as KMIP: they may count as the last one's.
    let mut minor = 0;
    let mut attribute = None;
    for (name, kind, value) in elements(source) {
        if name == "ProtocolVersionMinor" {
            minor = value.parse().unwrap();
        }
        if name == "AttributeName" {
            // Some files break titles over two lines.
            let title = value.split_whitespace().collect::<Vec<_>>().join(" ");
            found.push((minor, format!("attribute {title}"), attribute_since(&title)));
            attribute = names::tag_of_title(&title);
        }
        let Some(tag) = tags.get(&plain(&name)).copied() else { continue };
        found.push((minor, format!("tag {}", tag_name(tag)), tag_since(tag)));
        let tag = attribute.filter(|_| tag == ATTRIBUTE_VALUE).unwrap_or(tag);
        let choice = names::values(tag).find(|(_, title)| plain(title) == plain(&value));
        if let (Some((choice, title)), "Enumeration") = (choice, kind.as_str()) {
            found.push((minor, format!("value {title} of {}", tag_name(tag)), choice_since(tag, choice)));
        }
    }
    found
}

/// The elements of a case as name, type and value. The cases hold comments, lines of plain text between messages and
/// nothing else that a whole XML reader would be needed for.
fn elements(source: &str) -> Vec<(String, String, String)> {
    let mut elements = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let close = if rest.starts_with("<!--") { "-->" } else { ">" };
        let Some(end) = rest.find(close) else { break };
        let inside = &rest[1..end];
        rest = &rest[end + close.len()..];
        let name: String = inside.chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty() {
            continue;
        }
        let field = |field: &str| {
            let (_, after) = inside.split_once(&format!("{field}=\""))?;
            Some(after.split_once('"')?.0.to_owned())
        };
        elements.push((name, field("type").unwrap_or_default(), field("value").unwrap_or_default()));
    }
    elements
}

/// The tags by their plain names.
fn tags() -> BTreeMap<String, u32> {
    (0x420001..=0x420124).filter_map(|tag| Some((plain(names::tag_title(tag)?), tag))).collect()
}

/// A name without what XML spells differently: case, separators, and the digit that may not come first.
fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    plain.to_ascii_lowercase().replace("des3", "3des")
}
