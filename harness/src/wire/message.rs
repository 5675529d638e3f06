//! Requests built and answers read, one level above the tree of items.
//!
//! A request is a header and one batch item after another (KMIP 1.4, clauses 6 and 7). An answer is read with
//! tolerance: whatever it lacks or has too much of becomes a value, so that the trace and the checker can say what a
//! server sent instead of only that it was wrong.
//!
//! Invariant: reading an answer never fails once its bytes are a tree.

use super::item::{Item, Value, WireError, parse, write};
use super::names::{self, *};

/// A request's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Major and minor version.
    pub version: (i32, i32),
    /// The longest answer that the client takes, in bytes.
    pub maximum_response_size: Option<i32>,
    /// Seconds since 1970.
    pub time_stamp: Option<i64>,
}

/// A request: a header, and for each batch item an operation and the items of its payload.
pub fn request(header: &Header, items: &[(u32, Vec<Item>)]) -> Item {
    let version = vec![
        Item::integer(PROTOCOL_VERSION_MAJOR, header.version.0),
        Item::integer(PROTOCOL_VERSION_MINOR, header.version.1),
    ];
    let mut head = vec![Item::structure(PROTOCOL_VERSION, version)];
    head.extend(header.maximum_response_size.map(|size| Item::integer(MAXIMUM_RESPONSE_SIZE, size)));
    head.extend(header.time_stamp.map(|seconds| Item::new(TIME_STAMP, Value::DateTime(seconds))));
    let count = i32::try_from(items.len()).expect("a batch has a few items");
    head.push(Item::integer(BATCH_COUNT, count));
    let mut message = vec![Item::structure(REQUEST_HEADER, head)];
    message.extend(items.iter().map(|(operation, payload)| {
        let operation = Item::enumeration(OPERATION, *operation);
        Item::structure(BATCH_ITEM, vec![operation, Item::structure(REQUEST_PAYLOAD, payload.clone())])
    }));
    Item::structure(REQUEST_MESSAGE, message)
}

/// An attribute as requests and answers of KMIP 1 carry it.
pub fn attribute(name: &str, value: Value) -> Item {
    Item::structure(ATTRIBUTE, vec![Item::text(ATTRIBUTE_NAME, name), Item::new(ATTRIBUTE_VALUE, value)])
}

/// What a request says, for the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The operations of its batch, such as `GetAttributes`.
    pub operations: Vec<String>,
    /// The protocol version, as `1.0`.
    pub version: String,
    /// The first Unique Identifier that it names.
    pub key: Option<String>,
    /// MaximumResponseSize.
    pub maximum_response_size: Option<u32>,
}

impl Asked {
    /// Reads a request.
    pub fn read(request: &Item) -> Self {
        let items = || request.children().iter().filter(|item| item.tag == BATCH_ITEM);
        let size = request.descendant(&[REQUEST_HEADER, MAXIMUM_RESPONSE_SIZE]).and_then(Item::as_integer);
        Asked {
            operations: items().filter_map(operation_name).collect(),
            version: version(request.child(REQUEST_HEADER)),
            key: items().find_map(|item| text_at(item, &[REQUEST_PAYLOAD, UNIQUE_IDENTIFIER])),
            maximum_response_size: size.and_then(|size| u32::try_from(size).ok()),
        }
    }
}

/// An answer, described as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The protocol version, as `1.0`; `?` where it has none.
    pub version: String,
    /// What its Batch Count says.
    pub batch_count: Option<i32>,
    /// The items of its batch.
    pub items: Vec<AnswerItem>,
    /// The whole message.
    pub message: Item,
}

/// One item of an answer's batch. Names are the standard's without spaces; numbers stand for what has no name.
#[derive(Clone, PartialEq, Eq)]
pub struct AnswerItem {
    /// The Operation, such as `Get`.
    pub operation: Option<String>,
    /// `Success`, `OperationFailed`, …; `?` where it has none.
    pub status: String,
    /// The ResultReason in kebab case, such as `permission-denied`.
    pub reason: Option<String>,
    /// The ResultMessage.
    pub message: Option<String>,
    /// The Unique Identifier in the payload.
    pub unique_identifier: Option<String>,
    /// The name of the first Attribute in the payload.
    pub first_attribute: Option<String>,
    /// The State attribute in the standard's words, such as `Pre-Active`.
    pub state: Option<String>,
    /// The object's type, such as `SymmetricKey`.
    pub object_type: Option<String>,
    /// The KeyFormatType of a key, such as `Raw`.
    pub key_format: Option<String>,
    /// The CryptographicAlgorithm in the key block.
    pub algorithm: Option<String>,
    /// The CryptographicLength in the key block, in bits.
    pub length: Option<i32>,
    /// Whether the key block has KeyWrappingData.
    pub wrapped: bool,
    /// The key material, where it stands as bytes.
    pub key_material: Option<Vec<u8>>,
    /// What was encrypted or decrypted.
    pub data: Option<Vec<u8>>,
    /// The initialisation vector that the server drew.
    pub iv: Option<Vec<u8>>,
}

impl Answer {
    /// Reads an answer.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let message = parse(bytes)?;
        Ok(Answer {
            version: version(message.child(RESPONSE_HEADER)),
            batch_count: message.descendant(&[RESPONSE_HEADER, BATCH_COUNT]).and_then(Item::as_integer),
            items: message.children().iter().filter(|item| item.tag == BATCH_ITEM).map(AnswerItem::read).collect(),
            message,
        })
    }

    /// What makes this no answer at all, if anything: the wrong message, a batch or a key that does not add up, or no
    /// Time Stamp, which every answer has (KMIP 1.4, clause 7.2).
    pub fn malformed(&self) -> Option<String> {
        if self.message.tag != RESPONSE_MESSAGE {
            return Some(format!("{} instead of ResponseMessage", tag_name(self.message.tag)));
        }
        let counted = i32::try_from(self.items.len()).ok();
        match self.batch_count {
            Some(count) if Some(count) == counted && count > 0 => self.incomplete(),
            Some(count) => Some(format!("batch count {count}, but {} batch items", self.items.len())),
            None => Some("no batch count".to_owned()),
        }
    }

    /// What is missing, or wrong within an item.
    fn incomplete(&self) -> Option<String> {
        if self.message.descendant(&[RESPONSE_HEADER, TIME_STAMP]).is_none() {
            return Some("no time stamp".to_owned());
        }
        self.items.iter().find_map(AnswerItem::misstated)
    }
}

impl AnswerItem {
    /// A raw symmetric key that is longer or shorter than its Cryptographic Length says (clause 2.1.3), in bits.
    fn misstated(&self) -> Option<String> {
        let raw = self.object_type.as_deref() == Some("SymmetricKey") && self.key_format.as_deref() == Some("Raw");
        let (material, stated) = (self.key_material.as_ref().filter(|_| raw && !self.wrapped)?, self.length?);
        let bits = material.len() * 8;
        (usize::try_from(stated) != Ok(bits))
            .then(|| format!("a key of {bits} bits whose length is stated as {stated}"))
    }

    fn read(item: &Item) -> Self {
        let payload = item.child(RESPONSE_PAYLOAD);
        let attributes = || payload.into_iter().flat_map(Item::children).filter(|item| item.tag == ATTRIBUTE);
        let state = attributes().find(|item| text_at(item, &[ATTRIBUTE_NAME]).as_deref() == Some("State"));
        // Every key object keeps its key block in the same place, whatever its own tag.
        let block = payload.and_then(|payload| payload.children().iter().find_map(|item| item.child(KEY_BLOCK)));
        let in_block = |tag| block.and_then(|block| block.child(tag));
        let material = block.and_then(|block| block.descendant(&[KEY_VALUE, KEY_MATERIAL]));
        AnswerItem {
            operation: operation_name(item),
            status: choice(item.child(RESULT_STATUS))
                .map_or_else(|| "?".to_owned(), |(tag, value)| value_name(tag, value)),
            reason: choice(item.child(RESULT_REASON)).map(|(tag, value)| match value_title(tag, value) {
                Some(title) => kebab(title),
                None => value_name(tag, value),
            }),
            message: text_at(item, &[RESULT_MESSAGE]),
            unique_identifier: payload.and_then(|payload| text_at(payload, &[UNIQUE_IDENTIFIER])),
            first_attribute: attributes().next().and_then(|item| text_at(item, &[ATTRIBUTE_NAME])),
            state: choice(state.and_then(|item| item.child(ATTRIBUTE_VALUE))).map(|(_, value)| {
                let title = value_title(STATE, value).map(str::to_owned);
                title.unwrap_or_else(|| value_name(STATE, value))
            }),
            object_type: named(payload.and_then(|payload| payload.child(OBJECT_TYPE))),
            key_format: named(in_block(KEY_FORMAT_TYPE)),
            algorithm: named(in_block(CRYPTOGRAPHIC_ALGORITHM)),
            length: in_block(CRYPTOGRAPHIC_LENGTH).and_then(Item::as_integer),
            wrapped: in_block(KEY_WRAPPING_DATA).is_some(),
            key_material: bytes(material),
            data: bytes(payload.and_then(|payload| payload.child(DATA))),
            iv: bytes(payload.and_then(|payload| payload.child(IV_COUNTER_NONCE))),
        }
    }
}

impl std::fmt::Debug for AnswerItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerItem")
            .field("operation", &self.operation)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("message", &self.message)
            .field("unique_identifier", &self.unique_identifier)
            .field("state", &self.state)
            .field("key_material", &self.key_material.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// The bytes of a request, and what it says.
pub fn encode(request: &Item) -> (Vec<u8>, Asked) {
    (write(request), Asked::read(request))
}

fn version(header: Option<&Item>) -> String {
    let number = |tag| header?.child(PROTOCOL_VERSION)?.child(tag)?.as_integer();
    match (number(PROTOCOL_VERSION_MAJOR), number(PROTOCOL_VERSION_MINOR)) {
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        _ => "?".to_owned(),
    }
}

fn operation_name(item: &Item) -> Option<String> {
    named(item.child(OPERATION))
}

fn choice(item: Option<&Item>) -> Option<(u32, u32)> {
    item.and_then(|item| Some((item.tag, item.as_enumeration()?)))
}

fn named(item: Option<&Item>) -> Option<String> {
    choice(item).map(|(tag, value)| names::value_name(tag, value))
}

fn bytes(item: Option<&Item>) -> Option<Vec<u8>> {
    item.and_then(Item::as_bytes).map(<[u8]>::to_vec)
}

fn text_at(item: &Item, path: &[u32]) -> Option<String> {
    item.descendant(path).and_then(Item::as_text).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(text: &str) -> Vec<u8> {
        let digits = text.trim();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_captured_get_answer_is_read_whole() {
        let bytes = fixture(include_str!("../../../fixtures/kmip/psmdb/02-restart-verify-active.2-get.resp.hex"));
        let answer = Answer::read(&bytes).unwrap();
        assert_eq!(answer.malformed(), None);
        assert_eq!((answer.version.as_str(), answer.items.len()), ("1.0", 1));
        let item = &answer.items[0];
        assert_eq!(item.operation.as_deref(), Some("Get"));
        assert_eq!(item.status, "Success");
        assert_eq!(item.unique_identifier.as_deref(), Some("5"));
        assert_eq!(item.object_type.as_deref(), Some("SymmetricKey"));
        assert_eq!(item.key_format.as_deref(), Some("Raw"));
        assert_eq!((item.algorithm.as_deref(), item.length, item.wrapped), (Some("AES"), Some(256), false));
        assert_eq!(item.key_material, Some((0..32).collect()));
        assert!(!format!("{answer:?}").contains("000102"), "the key material must not be printed");
    }

    #[test]
    fn what_was_encrypted_and_decrypted_is_read_and_not_printed() {
        let encrypted =
            include_str!("../../../fixtures/kmip/libmongocrypt/08-delegated-create_data_key.3-encrypt.resp.hex");
        let item = Answer::read(&fixture(encrypted)).unwrap().items.remove(0);
        assert_eq!(item.data.map(|data| data.len()), Some(112), "96 bytes and a block of padding");
        assert_eq!(item.iv.map(|iv| iv.len()), Some(16));
        let decrypted = include_str!("../../../fixtures/kmip/libmongocrypt/09-delegated-encrypt.1-decrypt.resp.hex");
        let answer = Answer::read(&fixture(decrypted)).unwrap();
        let data = answer.items[0].data.as_deref().unwrap();
        assert_eq!((data.len(), answer.items[0].iv.as_deref()), (96, None));
        assert!(!format!("{answer:?}").contains(&crate::trace::hex(data)), "a data key must not be printed");
    }

    #[test]
    fn captured_states_and_failures_are_read() {
        let state =
            fixture(include_str!("../../../fixtures/kmip/psmdb/06-restart-verify-preactive.1-get_attributes.resp.hex"));
        let item = Answer::read(&state).unwrap().items.remove(0);
        assert_eq!((item.first_attribute.as_deref(), item.state.as_deref()), (Some("State"), Some("Pre-Active")));
        let absent = fixture(include_str!("../../../fixtures/kmip/psmdb/10-restart-unknown-noverify.1-get.resp.hex"));
        let item = Answer::read(&absent).unwrap().items.remove(0);
        assert_eq!(item.status, "OperationFailed");
        assert_eq!(item.reason.as_deref(), Some("item-not-found"));
        assert_eq!(item.message.as_deref(), Some("Could not locate object: 777777"));
        assert_eq!(item.key_material, None);
    }

    #[test]
    fn an_answer_that_lacks_everything_is_described_instead_of_refused() {
        let empty = Answer::read(&write(&Item::structure(REQUEST_MESSAGE, Vec::new()))).unwrap();
        assert_eq!(empty.malformed().as_deref(), Some("RequestMessage instead of ResponseMessage"));
        let bare = Item::structure(RESPONSE_MESSAGE, vec![Item::structure(BATCH_ITEM, Vec::new())]);
        let bare = Answer::read(&write(&bare)).unwrap();
        assert_eq!(bare.malformed().as_deref(), Some("no batch count"));
        assert_eq!((bare.version.as_str(), bare.items[0].status.as_str()), ("?", "?"));
        assert_eq!(bare.items[0].operation, None);
    }

    #[test]
    fn an_answer_whose_key_has_another_length_than_it_says_or_that_has_no_time_is_malformed() {
        let bytes = fixture(include_str!("../../../fixtures/kmip/psmdb/02-restart-verify-active.2-get.resp.hex"));
        let whole = Answer::read(&bytes).unwrap();
        let mut short = whole.clone();
        short.items[0].key_material = Some(vec![0; 16]);
        assert_eq!(short.malformed().as_deref(), Some("a key of 128 bits whose length is stated as 256"));
        short.items[0].object_type = Some("SecretData".to_owned());
        assert_eq!(short.malformed(), None, "what is no key has no such length");
        let mut timeless = whole;
        timeless.message = Item::structure(
            RESPONSE_MESSAGE,
            vec![Item::structure(RESPONSE_HEADER, vec![Item::integer(BATCH_COUNT, 1)])],
        );
        assert_eq!(timeless.malformed().as_deref(), Some("no time stamp"));
    }

    #[test]
    fn what_a_request_asks_is_read_back() {
        let header = Header { version: (1, 2), maximum_response_size: Some(256), time_stamp: None };
        let payload = vec![Item::text(UNIQUE_IDENTIFIER, "7")];
        let request = request(&header, &[(0x0A, payload.clone()), (0x12, payload)]);
        let asked = Asked::read(&request);
        assert_eq!(asked.operations, ["Get", "Activate"]);
        assert_eq!((asked.version.as_str(), asked.key.as_deref()), ("1.2", Some("7")));
        assert_eq!(asked.maximum_response_size, Some(256));
    }
}
