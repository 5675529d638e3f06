//! The same exchange through two codecs: a Get that Percona Server for MongoDB sends, and its answer.

use std::borrow::Cow;
use std::cell::RefCell;

use kmip_proxy::kmip::enums::{CryptographicAlgorithm, KeyFormatType};
use kmip_proxy::kmip::response_payload::KeyBlock;
use kmip_proxy::kmip::{
    KeyBytes, ManagedObject, Payload, RequestMessage, ResponseItem, ResponseMessage, ResponsePayload,
};
use serde::{Deserialize, Serialize};

/// A Get in KMIP 1.0 with the identifier as its only field: version, batch count, operation, payload.
pub(crate) const REQUEST: &[u8] = b"\x42\x00\x78\x01\x00\x00\x00\x90\
    \x42\x00\x77\x01\x00\x00\x00\x38\
    \x42\x00\x69\x01\x00\x00\x00\x20\
    \x42\x00\x6a\x02\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\
    \x42\x00\x6b\x02\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\
    \x42\x00\x0d\x02\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\
    \x42\x00\x0f\x01\x00\x00\x00\x48\
    \x42\x00\x5c\x05\x00\x00\x00\x04\x00\x00\x00\x0a\x00\x00\x00\x00\
    \x42\x00\x79\x01\x00\x00\x00\x30\
    \x42\x00\x94\x07\x00\x00\x00\x240f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\x00\x00\x00\x00";

const MATERIAL: [u8; 32] = [7; 32];
const NOW: i64 = 1_700_000_000;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Through the proxy's codec. Returns the answer.
pub(crate) fn own() -> Vec<u8> {
    BUFFER.with_borrow_mut(|buffer| {
        let request = RequestMessage::decode(REQUEST).expect("the request above is well formed");
        let Ok(Payload::Get(get)) = &request.items[0].payload else { unreachable!("it is a Get") };
        let id = get.unique_identifier.expect("it names an object");
        let key = KeyBlock {
            key_format_type: KeyFormatType::RAW,
            key_material: KeyBytes::Borrowed(&MATERIAL),
            cryptographic_algorithm: Some(CryptographicAlgorithm(3)),
            cryptographic_length: Some(256),
        };
        let payload =
            ResponsePayload::Get { unique_identifier: Cow::Borrowed(id), object: ManagedObject::SymmetricKey(key) };
        let item = ResponseItem::Success { unique_batch_item_id: None, payload };
        ResponseMessage { version: request.header.version, time_stamp: NOW, items: vec![item] }.encode(buffer);
        // An allocation of the answer's size is a part of both sides.
        buffer.clone()
    })
}

/// Through kmip-ttlv, with types derived as its documentation shows. Returns the answer, which is the same.
pub(crate) fn kmip_ttlv() -> Vec<u8> {
    let request: TheirRequest = kmip_ttlv::from_slice(REQUEST).expect("the request above is well formed");
    let block = Block(Format::Raw, KeyValue(Material(MATERIAL.to_vec())), Algorithm::Aes, Length(256));
    let version = Version(Major(request.header.version.major), Minor(request.header.version.minor));
    let Operation::Get = request.item.operation;
    let payload = AnswerPayload(ObjectType::SymmetricKey, Identifier(request.item.payload.id), Key(block));
    let answer = TheirAnswer(
        AnswerHeader(version, TimeStamp(NOW.unsigned_abs()), Count(1)),
        AnswerItem(Operation::Get, Status::Success, payload),
    );
    kmip_ttlv::to_vec(&answer).expect("these types can be written")
}

#[derive(Deserialize)]
#[serde(rename = "0x420078")]
struct TheirRequest {
    #[serde(rename = "0x420077")]
    header: RequestHeader,
    #[serde(rename = "0x42000F")]
    item: RequestItem,
}

#[derive(Deserialize)]
#[serde(rename = "0x420077")]
struct RequestHeader {
    #[serde(rename = "0x420069")]
    version: RequestVersion,
}

#[derive(Deserialize)]
#[serde(rename = "0x420069")]
struct RequestVersion {
    #[serde(rename = "0x42006A")]
    major: i32,
    #[serde(rename = "0x42006B")]
    minor: i32,
}

#[derive(Deserialize)]
#[serde(rename = "0x42000F")]
struct RequestItem {
    #[serde(rename = "0x42005C")]
    operation: Operation,
    #[serde(rename = "0x420079")]
    payload: RequestPayload,
}

#[derive(Deserialize)]
#[serde(rename = "0x420079")]
struct RequestPayload {
    #[serde(rename = "0x420094")]
    id: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename = "0x42005C")]
enum Operation {
    #[serde(rename = "0x0000000A")]
    Get,
}

/// Declares types to be written: a tag, and what the item holds.
macro_rules! items {
    ($($Name:ident = $tag:literal ($($Inside:ty),+);)+) => {
        $(#[derive(Serialize)]
        #[serde(rename = $tag)]
        struct $Name($($Inside),+);)+
    };
}

items! {
    TheirAnswer = "0x42007B" (AnswerHeader, AnswerItem);
    AnswerHeader = "0x42007A" (Version, TimeStamp, Count);
    Version = "0x420069" (Major, Minor);
    AnswerItem = "0x42000F" (Operation, Status, AnswerPayload);
    AnswerPayload = "0x42007C" (ObjectType, Identifier, Key);
    Block = "0x420040" (Format, KeyValue, Algorithm, Length);
}

/// The same for items of one value, which kmip-ttlv calls transparent.
macro_rules! single_items {
    ($($Name:ident = $tag:literal ($Inside:ty);)+) => {
        $(#[derive(Serialize)]
        #[serde(rename = $tag)]
        struct $Name($Inside);)+
    };
}

single_items! {
    Major = "Transparent:0x42006A" (i32);
    Minor = "Transparent:0x42006B" (i32);
    TimeStamp = "Transparent:0x420092" (u64);
    Count = "Transparent:0x42000D" (i32);
    Identifier = "Transparent:0x420094" (String);
    Length = "Transparent:0x42002A" (i32);
}

#[derive(Serialize)]
#[serde(rename = "0x42008F")]
struct Key(Block);

#[derive(Serialize)]
#[serde(rename = "0x420045")]
struct KeyValue(Material);

#[derive(Serialize)]
#[serde(rename = "Transparent:0x420043")]
struct Material(#[serde(serialize_with = "as_bytes")] Vec<u8>);

fn as_bytes<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Declares enumerations with the one value that is written.
macro_rules! enumerations {
    ($($Name:ident = $tag:literal ($Value:ident = $number:literal);)+) => {
        $(#[derive(Serialize)]
        #[serde(rename = $tag)]
        enum $Name {
            #[serde(rename = $number)]
            $Value,
        })+
    };
}

enumerations! {
    Status = "0x42007F" (Success = "0x00000000");
    ObjectType = "0x420057" (SymmetricKey = "0x00000002");
    Format = "0x420042" (Raw = "0x00000001");
    Algorithm = "0x420028" (Aes = "0x00000003");
}
