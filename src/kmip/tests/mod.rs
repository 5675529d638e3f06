//! Tests of the codec as a whole: real messages, hostile messages, the purity of versions.

mod captures;
mod hostile;
mod payloads;
mod purity;

use crate::kmip::tag;
use crate::ttlv::Writer;

const REQUESTS: &str = include_str!("../../../fixtures/kmip/requests.tsv");
const RESPONSES: &str = include_str!("../../../fixtures/kmip/responses.tsv");
const EDGE: &str = include_str!("../../../fixtures/kmip/edge.tsv");

/// The lines of a fixture: the first field, those between, the bytes of the last.
fn captures(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str, Vec<u8>)> {
    file.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, rest) = line.split_once('\t').expect("fixtures have two fields or more");
        let (meaning, hex) = rest.rsplit_once('\t').unwrap_or(("", rest));
        (name, meaning, bytes(hex))
    })
}

/// The bytes of the capture of that name.
fn capture(file: &'static str, name: &str) -> Vec<u8> {
    let found = captures(file).find(|(found, ..)| *found == name);
    found.unwrap_or_else(|| panic!("no capture is called {name}")).2
}

fn bytes(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0);
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
}

/// A request of that version; `rest` writes the header's fields before the batch count, `items` the batch items.
fn request(
    (major, minor): (i32, i32),
    batch_count: i32,
    rest: impl FnOnce(&mut Writer<'_>),
    items: impl FnOnce(&mut Writer<'_>),
) -> Vec<u8> {
    let mut message = Vec::new();
    let mut writer = Writer::new(&mut message);
    let whole = writer.open(tag::REQUEST_MESSAGE);
    let header = writer.open(tag::REQUEST_HEADER);
    writer.structure(tag::PROTOCOL_VERSION, |writer| {
        writer.integer(tag::PROTOCOL_VERSION_MAJOR, major);
        writer.integer(tag::PROTOCOL_VERSION_MINOR, minor);
    });
    rest(&mut writer);
    writer.integer(tag::BATCH_COUNT, batch_count);
    writer.close(header);
    items(&mut writer);
    writer.close(whole);
    message
}

/// A batch item with that operation; `payload` writes the payload's fields.
fn item(writer: &mut Writer<'_>, operation: u32, id: Option<&[u8]>, payload: impl FnOnce(&mut Writer<'_>)) {
    let whole = writer.open(tag::BATCH_ITEM);
    writer.enumeration(tag::OPERATION, operation);
    if let Some(id) = id {
        writer.byte_string(tag::UNIQUE_BATCH_ITEM_ID, id);
    }
    let fields = writer.open(tag::REQUEST_PAYLOAD);
    payload(writer);
    writer.close(fields);
    writer.close(whole);
}
