//! The payloads of answers (KMIP 1.4, clause 4): one variant per operation, fields in the order of the standard.
//!
//! Invariant: the operation that is answered follows from the payload, so that the two cannot differ.

mod managed_object;

use std::borrow::Cow;

use super::attribute::{Attribute, AttributeValue};
use super::encoder::Encoder;
use super::enums::{ObjectType, Operation};
use super::response::encode_version;
use super::tag;
use super::version::ProtocolVersion;

pub use managed_object::{KeyBlock, KeyBytes, ManagedObject};

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
    /// Revoke: done.
    Revoke {
        /// Which object.
        unique_identifier: Cow<'a, str>,
    },
    /// Destroy: done.
    Destroy {
        /// Which object.
        unique_identifier: Cow<'a, str>,
    },
    /// Locate: what matches.
    Locate {
        /// How many objects match in all, since 1.3.
        located_items: Option<i32>,
        /// Those of them that were asked for.
        unique_identifiers: Vec<String>,
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
    /// Encrypt: the encrypted data.
    Encrypt {
        /// With which key.
        unique_identifier: Cow<'a, str>,
        /// The encrypted data.
        data: KeyBytes<'a>,
        /// The initialisation vector, where the server has drawn it.
        iv_counter_nonce: Option<Vec<u8>>,
    },
    /// Decrypt: the clear data.
    Decrypt {
        /// With which key.
        unique_identifier: Cow<'a, str>,
        /// The clear data.
        data: KeyBytes<'a>,
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

impl ResponsePayload<'_> {
    /// The operation that brings such a payload.
    pub fn operation(&self) -> Operation {
        match self {
            ResponsePayload::Get { .. } => Operation::GET,
            ResponsePayload::Register { .. } => Operation::REGISTER,
            ResponsePayload::Activate { .. } => Operation::ACTIVATE,
            ResponsePayload::Revoke { .. } => Operation::REVOKE,
            ResponsePayload::Destroy { .. } => Operation::DESTROY,
            ResponsePayload::Locate { .. } => Operation::LOCATE,
            ResponsePayload::GetAttributes { .. } => Operation::GET_ATTRIBUTES,
            ResponsePayload::Create { .. } => Operation::CREATE,
            ResponsePayload::Query(_) => Operation::QUERY,
            ResponsePayload::DiscoverVersions { .. } => Operation::DISCOVER_VERSIONS,
            ResponsePayload::Encrypt { .. } => Operation::ENCRYPT,
            ResponsePayload::Decrypt { .. } => Operation::DECRYPT,
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
            ResponsePayload::Register { unique_identifier }
            | ResponsePayload::Activate { unique_identifier }
            | ResponsePayload::Revoke { unique_identifier }
            | ResponsePayload::Destroy { unique_identifier } => {
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
            }
            ResponsePayload::Locate { located_items, unique_identifiers } => {
                if let Some(located_items) = located_items {
                    encoder.optional(|encoder| encoder.integer(tag::LOCATED_ITEMS, *located_items));
                }
                for unique_identifier in unique_identifiers {
                    encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                }
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
            ResponsePayload::Encrypt { unique_identifier, data, iv_counter_nonce } => {
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                encoder.byte_string(tag::DATA, data.expose());
                if let Some(iv_counter_nonce) = iv_counter_nonce {
                    encoder.byte_string(tag::IV_COUNTER_NONCE, iv_counter_nonce);
                }
            }
            ResponsePayload::Decrypt { unique_identifier, data } => {
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                encoder.byte_string(tag::DATA, data.expose());
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
            | ResponsePayload::Revoke { unique_identifier }
            | ResponsePayload::Destroy { unique_identifier }
            | ResponsePayload::Create { unique_identifier, .. } => 64 + unique_identifier.len(),
            ResponsePayload::Locate { unique_identifiers, .. } => {
                64 + unique_identifiers.iter().map(|id| 16 + id.len()).sum::<usize>()
            }
            ResponsePayload::GetAttributes { unique_identifier, attributes } => {
                64 + unique_identifier.len() + attributes.iter().map(attribute_size_bound).sum::<usize>()
            }
            ResponsePayload::Query(answer) => answer.size_bound(),
            ResponsePayload::DiscoverVersions { versions } => 40 * versions.len(),
            ResponsePayload::Encrypt { unique_identifier, data, iv_counter_nonce } => {
                let iv = iv_counter_nonce.as_ref().map_or(0, Vec::len);
                96 + unique_identifier.len() + data.expose().len() + iv
            }
            ResponsePayload::Decrypt { unique_identifier, data } => 64 + unique_identifier.len() + data.expose().len(),
        }
    }
}

fn attribute_size_bound(attribute: &Attribute) -> usize {
    let value = match &attribute.value {
        AttributeValue::UniqueIdentifier(text) | AttributeValue::ObjectGroup(text) => text.len(),
        AttributeValue::Name(name) => name.value.len(),
        AttributeValue::RevocationReason(reason) => reason.message.as_ref().map_or(0, String::len),
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
