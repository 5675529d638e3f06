//! Requests as clients write them, and answers taken apart.

use crate::kmip::enums::ResultReason;
use crate::kmip::tag;
use crate::ttlv::{Reader, Tag, Value, Writer};

/// One batch item of a request.
pub(super) struct Item {
    operation: u32,
    payload: Vec<u8>,
    /// A message extension, critical or not.
    extension: Option<bool>,
}

/// A batch item with that operation (numbers of KMIP 1.4 section 9.1.3.2.27); `fill` writes the payload's fields.
pub(super) fn item(operation: u32, fill: impl FnOnce(&mut Writer<'_>)) -> Item {
    let mut payload = Vec::new();
    let mut writer = Writer::new(&mut payload);
    let open = writer.open(tag::REQUEST_PAYLOAD);
    fill(&mut writer);
    writer.close(open);
    Item { operation, payload, extension: None }
}

impl Item {
    pub(super) fn extended(mut self, critical: bool) -> Self {
        self.extension = Some(critical);
        self
    }
}

pub(super) fn get(id: Option<&str>) -> Item {
    item(0x0A, |writer| named(writer, id))
}

pub(super) fn activate(id: Option<&str>) -> Item {
    item(0x12, |writer| named(writer, id))
}

pub(super) fn get_attributes(id: Option<&str>, names: &[&str]) -> Item {
    item(0x0B, |writer| {
        named(writer, id);
        names.iter().for_each(|name| writer.text_string(tag::ATTRIBUTE_NAME, name));
    })
}

/// Create of a symmetric key.
pub(super) fn create(attributes: impl FnOnce(&mut Writer<'_>)) -> Item {
    item(0x01, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        template(writer, attributes);
    })
}

/// AES of 256 bits for Encrypt and Decrypt, as MongoDB asks for it.
pub(super) fn create_aes() -> Item {
    create(|writer| aes(writer, 256))
}

pub(super) fn aes(writer: &mut Writer<'_>, bits: i32) {
    attribute(writer, "Cryptographic Algorithm", |writer, tag| writer.enumeration(tag, 3));
    attribute(writer, "Cryptographic Length", |writer, tag| writer.integer(tag, bits));
    attribute(writer, "Cryptographic Usage Mask", |writer, tag| writer.integer(tag, 12));
}

pub(super) fn template(writer: &mut Writer<'_>, attributes: impl FnOnce(&mut Writer<'_>)) {
    let open = writer.open(tag::TEMPLATE_ATTRIBUTE);
    attributes(writer);
    writer.close(open);
}

pub(super) fn attribute(writer: &mut Writer<'_>, name: &str, value: impl FnOnce(&mut Writer<'_>, Tag)) {
    let open = writer.open(tag::ATTRIBUTE);
    writer.text_string(tag::ATTRIBUTE_NAME, name);
    value(writer, tag::ATTRIBUTE_VALUE);
    writer.close(open);
}

/// What is registered: everything that a test may want otherwise.
#[derive(Clone)]
pub(super) struct Registered<'a> {
    pub(super) template_bits: Option<i32>,
    pub(super) template_algorithm: Option<u32>,
    pub(super) format: u32,
    pub(super) material: &'a [u8],
    pub(super) block_bits: Option<i32>,
    pub(super) block_algorithm: Option<u32>,
    pub(super) wrapping: bool,
    pub(super) inner_attribute: bool,
    /// The Secret Data Type; absent for a symmetric key.
    pub(super) secret: Option<u32>,
}

impl<'a> Registered<'a> {
    /// A Raw AES key, as Percona Server registers it.
    pub(super) fn aes(material: &'a [u8]) -> Self {
        let bits = i32::try_from(material.len() * 8).unwrap();
        Registered {
            template_bits: Some(bits),
            template_algorithm: Some(3),
            format: 1,
            material,
            block_bits: Some(bits),
            block_algorithm: Some(3),
            wrapping: false,
            inner_attribute: false,
            secret: None,
        }
    }

    /// An Opaque seed, as drivers register it.
    pub(super) fn seed(material: &'a [u8]) -> Self {
        Registered {
            template_bits: None,
            template_algorithm: None,
            format: 2,
            block_bits: None,
            block_algorithm: None,
            secret: Some(2),
            ..Registered::aes(material)
        }
    }

    pub(super) fn item(&self) -> Item {
        item(0x03, |writer| {
            writer.enumeration(tag::OBJECT_TYPE, if self.secret.is_some() { 7 } else { 2 });
            template(writer, |writer| {
                if let Some(algorithm) = self.template_algorithm {
                    attribute(writer, "Cryptographic Algorithm", |writer, tag| writer.enumeration(tag, algorithm));
                }
                if let Some(bits) = self.template_bits {
                    attribute(writer, "Cryptographic Length", |writer, tag| writer.integer(tag, bits));
                }
                attribute(writer, "Cryptographic Usage Mask", |writer, tag| writer.integer(tag, 12));
            });
            let object = writer.open(if self.secret.is_some() { tag::SECRET_DATA } else { tag::SYMMETRIC_KEY });
            if let Some(kind) = self.secret {
                writer.enumeration(tag::SECRET_DATA_TYPE, kind);
            }
            self.key_block(writer);
            writer.close(object);
        })
    }

    fn key_block(&self, writer: &mut Writer<'_>) {
        let block = writer.open(tag::KEY_BLOCK);
        writer.enumeration(tag::KEY_FORMAT_TYPE, self.format);
        let value = writer.open(tag::KEY_VALUE);
        writer.byte_string(tag::KEY_MATERIAL, self.material);
        if self.inner_attribute {
            attribute(writer, "Cryptographic Length", |writer, tag| writer.integer(tag, 256));
        }
        writer.close(value);
        if let Some(algorithm) = self.block_algorithm {
            writer.enumeration(tag::CRYPTOGRAPHIC_ALGORITHM, algorithm);
        }
        if let Some(bits) = self.block_bits {
            writer.integer(tag::CRYPTOGRAPHIC_LENGTH, bits);
        }
        if self.wrapping {
            writer.structure(tag::KEY_WRAPPING_DATA, |_| {});
        }
        writer.close(block);
    }
}

fn named(writer: &mut Writer<'_>, id: Option<&str>) {
    if let Some(id) = id {
        writer.text_string(tag::UNIQUE_IDENTIFIER, id);
    }
}

/// A whole request.
pub(super) struct Ask {
    pub(super) version: (i32, i32),
    pub(super) maximum: Option<i32>,
    /// Batch Error Continuation Option: 1 Continue, 2 Stop, 3 Undo.
    pub(super) continuation: Option<u32>,
    pub(super) items: Vec<Item>,
}

impl Ask {
    pub(super) fn of(item: Item) -> Self {
        Ask::batch([item])
    }

    pub(super) fn batch(items: impl IntoIterator<Item = Item>) -> Self {
        Ask { version: (1, 4), maximum: None, continuation: None, items: items.into_iter().collect() }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut message = Vec::new();
        let mut writer = Writer::new(&mut message);
        let whole = writer.open(tag::REQUEST_MESSAGE);
        let header = writer.open(tag::REQUEST_HEADER);
        writer.structure(tag::PROTOCOL_VERSION, |writer| {
            writer.integer(tag::PROTOCOL_VERSION_MAJOR, self.version.0);
            writer.integer(tag::PROTOCOL_VERSION_MINOR, self.version.1);
        });
        if let Some(maximum) = self.maximum {
            writer.integer(tag::MAXIMUM_RESPONSE_SIZE, maximum);
        }
        if let Some(option) = self.continuation {
            writer.enumeration(tag::BATCH_ERROR_CONTINUATION_OPTION, option);
        }
        writer.integer(tag::BATCH_COUNT, i32::try_from(self.items.len()).unwrap());
        writer.close(header);
        for (index, item) in self.items.iter().enumerate() {
            let open = writer.open(tag::BATCH_ITEM);
            writer.enumeration(tag::OPERATION, item.operation);
            if self.items.len() > 1 {
                let id = u32::try_from(index).unwrap().to_be_bytes();
                // As short as it can be: the first 256 have one byte.
                let short = id.iter().position(|byte| *byte != 0).unwrap_or(3);
                writer.byte_string(tag::UNIQUE_BATCH_ITEM_ID, &id[short..]);
            }
            writer.encoded(&item.payload);
            if let Some(critical) = item.extension {
                writer.structure(tag::MESSAGE_EXTENSION, |writer| {
                    writer.text_string(tag::VENDOR_IDENTIFICATION, "ACME");
                    writer.boolean(tag::CRITICALITY_INDICATOR, critical);
                    writer.structure(tag::VENDOR_EXTENSION, |_| {});
                });
            }
            writer.close(open);
        }
        writer.close(whole);
        message
    }
}

/// An answer, taken apart.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) version: (i32, i32),
    pub(super) length: usize,
    pub(super) items: Vec<Answer>,
}

/// One item of an answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) operation: Option<u32>,
    pub(super) id: Option<Vec<u8>>,
    pub(super) reason: Option<ResultReason>,
    pub(super) message: String,
    /// The values of the payload in their order, each as `Name=value`.
    pub(super) payload: Vec<String>,
}

impl Answer {
    /// The reason of a failure, which must have a message.
    pub(super) fn refusal(&self) -> ResultReason {
        assert!(!self.message.is_empty() && self.message.len() <= 256 && self.message.is_ascii(), "{self:?}");
        self.reason.unwrap_or_else(|| panic!("no failure: {self:?}"))
    }

    /// The only value under a name in the payload of a success.
    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.payload.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let found: Vec<&str> = found.collect();
        assert_eq!(found.len(), 1, "{name} in {self:?}");
        found[0]
    }
}

impl Answered {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut message = Reader::only_item(bytes).unwrap().structure().unwrap();
        let mut header = message.required(tag::RESPONSE_HEADER).unwrap().structure().unwrap();
        let mut version = header.required(tag::PROTOCOL_VERSION).unwrap().structure().unwrap();
        let mut number = |tag| version.required(tag).unwrap().integer().unwrap();
        let version = (number(tag::PROTOCOL_VERSION_MAJOR), number(tag::PROTOCOL_VERSION_MINOR));
        assert_eq!(header.required(tag::TIME_STAMP).unwrap().date_time(), Ok(super::NOW));
        let count = header.required(tag::BATCH_COUNT).unwrap().integer().unwrap();
        let mut items = Vec::new();
        while let Some(item) = message.optional(tag::BATCH_ITEM).unwrap() {
            items.push(Answer::read(item.structure().unwrap()));
        }
        message.finish().unwrap();
        assert_eq!(usize::try_from(count), Ok(items.len()));
        Answered { version, length: bytes.len(), items }
    }
}

impl Answer {
    fn read(mut fields: Reader<'_>) -> Self {
        let mut answer = Answer::default();
        let mut status = None;
        while let Some(field) = fields.next_item().unwrap() {
            match (field.tag, &field.value) {
                (tag::OPERATION, Value::Enumeration(number)) => answer.operation = Some(*number),
                (tag::UNIQUE_BATCH_ITEM_ID, Value::ByteString(id)) => answer.id = Some(id.to_vec()),
                (tag::RESULT_STATUS, Value::Enumeration(number)) => status = Some(*number),
                (tag::RESULT_REASON, Value::Enumeration(number)) => answer.reason = Some(ResultReason(*number)),
                (tag::RESULT_MESSAGE, Value::TextString(text)) => answer.message = (*text).to_owned(),
                (tag::RESPONSE_PAYLOAD, Value::Structure(inside)) => leaves(inside.clone(), &mut answer.payload),
                _ => panic!("{field:?} in an answer"),
            }
        }
        // KMIP 1.4 section 9.1.3.2.28: Success is 0, Operation Failed is 1.
        assert_eq!(status, Some(u32::from(answer.reason.is_some())));
        answer
    }
}

fn leaves(mut reader: Reader<'_>, into: &mut Vec<String>) {
    while let Some(item) = reader.next_item().unwrap() {
        let value = match item.value {
            Value::Structure(inside) => {
                leaves(inside, into);
                continue;
            }
            Value::Integer(number) => number.to_string(),
            Value::Enumeration(number) => number.to_string(),
            Value::DateTime(seconds) => seconds.to_string(),
            Value::Interval(seconds) => seconds.to_string(),
            Value::Boolean(truth) => truth.to_string(),
            Value::TextString(text) => text.to_owned(),
            Value::ByteString(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            _ => panic!("{item:?} in a payload"),
        };
        into.push(format!("{}={value}", tag::entry(item.tag).unwrap().name));
    }
}
