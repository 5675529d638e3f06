//! The payloads of answers (KMIP 1.4, clause 4): one variant per operation, fields in the order of the standard.
//!
//! Invariant: an object is written in its plain form. No attributes stand inside a Key Value, for clients have broken
//! on them, and nothing is wrapped.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

use super::attribute::{Attribute, AttributeValue};
use super::encoder::Encoder;
use super::enums::{CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, SecretDataType};
use super::response::encode_version;
use super::tag;
use super::version::ProtocolVersion;

/// What an operation has brought.
#[derive(Debug)]
pub enum ResponsePayload<'a> {
    /// Get: the object.
    Get {
        /// Which object.
        unique_identifier: Cow<'a, str>,
        /// The object; its type is said from this.
        object: ManagedObject<'a>,
    },
    /// Register: where the object is now.
    Register {
        /// The new object.
        unique_identifier: Cow<'a, str>,
    },
    /// Activate: done.
    Activate {
        /// Which object.
        unique_identifier: Cow<'a, str>,
    },
    /// Get Attributes: what the object has of those that were asked for.
    GetAttributes {
        /// Which object.
        unique_identifier: Cow<'a, str>,
        /// The attributes. Those that are younger than the answer's version are left out.
        attributes: Vec<Attribute>,
    },
    /// Create: where the new object is.
    Create {
        /// The type of the new object.
        object_type: ObjectType,
        /// The new object.
        unique_identifier: Cow<'a, str>,
    },
    /// Query: only what was asked for is filled in.
    Query(QueryAnswer<'a>),
    /// Discover Versions: what both sides speak, the server's preferred one first.
    DiscoverVersions {
        /// The versions.
        versions: Cow<'a, [ProtocolVersion]>,
    },
}

/// What the server can do (clause 4.25).
#[derive(Debug, Default)]
pub struct QueryAnswer<'a> {
    /// The operations. Those that are younger than the answer's version are left out.
    pub operations: Cow<'a, [Operation]>,
    /// The types of objects. Those that are younger than the answer's version are left out.
    pub object_types: Cow<'a, [ObjectType]>,
    /// Whose server this is.
    pub vendor_identification: Option<Cow<'a, str>>,
}

/// An object to be given out.
#[derive(Debug)]
pub enum ManagedObject<'a> {
    /// A symmetric key.
    SymmetricKey(KeyBlock<'a>),
    /// Secret data.
    SecretData {
        /// What kind of secret.
        secret_data_type: SecretDataType,
        /// The secret itself.
        key_block: KeyBlock<'a>,
    },
}

/// A key to be given out (clause 2.1.3).
#[derive(Debug)]
pub struct KeyBlock<'a> {
    /// The format of the material.
    pub key_format_type: KeyFormatType,
    /// The key.
    pub key_material: KeyBytes<'a>,
    /// What the key is for.
    pub cryptographic_algorithm: Option<CryptographicAlgorithm>,
    /// The length of the key in bits.
    pub cryptographic_length: Option<i32>,
}

/// The bytes of a key: borrowed, or owned and wiped when dropped.
pub enum KeyBytes<'a> {
    /// Somebody else's.
    Borrowed(&'a [u8]),
    /// The answer's own.
    Owned(Zeroizing<Vec<u8>>),
}

impl KeyBytes<'_> {
    fn expose(&self) -> &[u8] {
        match self {
            KeyBytes::Borrowed(bytes) => bytes,
            KeyBytes::Owned(bytes) => bytes,
        }
    }
}

impl fmt::Debug for KeyBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyBytes({} bytes)", self.expose().len())
    }
}

impl ResponsePayload<'_> {
    /// The operation that brings such a payload.
    pub fn operation(&self) -> Operation {
        match self {
            ResponsePayload::Get { .. } => Operation::GET,
            ResponsePayload::Register { .. } => Operation::REGISTER,
            ResponsePayload::Activate { .. } => Operation::ACTIVATE,
            ResponsePayload::GetAttributes { .. } => Operation::GET_ATTRIBUTES,
            ResponsePayload::Create { .. } => Operation::CREATE,
            ResponsePayload::Query(_) => Operation::QUERY,
            ResponsePayload::DiscoverVersions { .. } => Operation::DISCOVER_VERSIONS,
        }
    }

    /// Writes the fields of a Response Payload.
    pub(crate) fn encode(&self, encoder: &mut Encoder<'_>) {
        match self {
            ResponsePayload::Get { unique_identifier, object } => {
                encoder.enumeration(tag::OBJECT_TYPE, object.object_type());
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                object.encode(encoder);
            }
            ResponsePayload::Register { unique_identifier } | ResponsePayload::Activate { unique_identifier } => {
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
            }
            ResponsePayload::GetAttributes { unique_identifier, attributes } => {
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                for attribute in attributes {
                    attribute.encode(encoder);
                }
            }
            ResponsePayload::Create { object_type, unique_identifier } => {
                encoder.enumeration(tag::OBJECT_TYPE, *object_type);
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
            }
            ResponsePayload::Query(answer) => answer.encode(encoder),
            ResponsePayload::DiscoverVersions { versions } => {
                for version in versions.iter() {
                    encode_version(encoder, *version);
                }
            }
        }
    }

    /// At least as many bytes as the encoded fields have.
    pub(crate) fn size_bound(&self) -> usize {
        match self {
            ResponsePayload::Get { unique_identifier, object } => {
                // The structures, numbers and paddings of an object are less than 256 bytes.
                256 + unique_identifier.len() + object.key_block().key_material.expose().len()
            }
            ResponsePayload::Register { unique_identifier }
            | ResponsePayload::Activate { unique_identifier }
            | ResponsePayload::Create { unique_identifier, .. } => 64 + unique_identifier.len(),
            ResponsePayload::GetAttributes { unique_identifier, attributes } => {
                64 + unique_identifier.len() + attributes.iter().map(attribute_size_bound).sum::<usize>()
            }
            ResponsePayload::Query(answer) => answer.size_bound(),
            ResponsePayload::DiscoverVersions { versions } => 40 * versions.len(),
        }
    }
}

fn attribute_size_bound(attribute: &Attribute) -> usize {
    let value = match &attribute.value {
        AttributeValue::UniqueIdentifier(text) | AttributeValue::ObjectGroup(text) => text.len(),
        AttributeValue::Name(name) => name.value.len(),
        AttributeValue::Other { value, .. } => value.encoded().len(),
        _ => 0,
    };
    // Structures, the index, a number as value, paddings.
    128 + attribute.name().len() + value
}

impl QueryAnswer<'_> {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        for operation in self.operations.iter() {
            encoder.optional(|encoder| encoder.enumeration(tag::OPERATION, *operation));
        }
        for object_type in self.object_types.iter() {
            encoder.optional(|encoder| encoder.enumeration(tag::OBJECT_TYPE, *object_type));
        }
        if let Some(vendor) = &self.vendor_identification {
            encoder.text_string(tag::VENDOR_IDENTIFICATION, vendor);
        }
    }

    fn size_bound(&self) -> usize {
        let vendor = self.vendor_identification.as_ref().map_or(0, |vendor| 16 + vendor.len());
        16 * (self.operations.len() + self.object_types.len()) + vendor
    }
}

impl<'a> ManagedObject<'a> {
    /// The type of the object.
    pub fn object_type(&self) -> ObjectType {
        match self {
            ManagedObject::SymmetricKey(_) => ObjectType::SYMMETRIC_KEY,
            ManagedObject::SecretData { .. } => ObjectType::SECRET_DATA,
        }
    }

    fn key_block(&self) -> &KeyBlock<'a> {
        match self {
            ManagedObject::SymmetricKey(key_block) | ManagedObject::SecretData { key_block, .. } => key_block,
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        match self {
            ManagedObject::SymmetricKey(key_block) => {
                encoder.structure(tag::SYMMETRIC_KEY, |encoder| key_block.encode(encoder));
            }
            ManagedObject::SecretData { secret_data_type, key_block } => {
                encoder.structure(tag::SECRET_DATA, |encoder| {
                    encoder.enumeration(tag::SECRET_DATA_TYPE, *secret_data_type);
                    key_block.encode(encoder);
                });
            }
        }
    }
}

impl KeyBlock<'_> {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.structure(tag::KEY_BLOCK, |encoder| {
            encoder.enumeration(tag::KEY_FORMAT_TYPE, self.key_format_type);
            encoder.structure(tag::KEY_VALUE, |encoder| {
                encoder.byte_string(tag::KEY_MATERIAL, self.key_material.expose());
            });
            if let Some(algorithm) = self.cryptographic_algorithm {
                encoder.optional(|encoder| encoder.enumeration(tag::CRYPTOGRAPHIC_ALGORITHM, algorithm));
            }
            if let Some(length) = self.cryptographic_length {
                encoder.integer(tag::CRYPTOGRAPHIC_LENGTH, length);
            }
        });
    }
}
