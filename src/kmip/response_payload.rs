//! The payloads of answers (KMIP 1.4, clause 4): one variant per operation, fields in the order of the standard.
//!
//! Invariant: the operation that is answered follows from the payload, so that the two cannot differ.

mod managed_object;
mod query;

use std::borrow::Cow;

use super::attribute::{Attribute, AttributeValue};
use super::encoder::Encoder;
use super::enums::{ObjectType, Operation};
use super::response::encode_version;
use super::tag;
use super::version::ProtocolVersion;

pub use managed_object::{KeyBlock, KeyBytes, ManagedObject};
pub use query::{Capabilities, QueryAnswer};

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
    /// Get Attribute List: the names of the attributes that the object has.
    GetAttributeList {
        /// Which object.
        unique_identifier: Cow<'a, str>,
        /// The names. Those that are younger than the answer's version are left out.
        attribute_names: Vec<String>,
    },
    /// Add Attribute: the attribute as it is now.
    AddAttribute {
        /// Which object.
        unique_identifier: Cow<'a, str>,
        /// The attribute.
        attribute: Attribute,
    },
    /// Modify Attribute: the attribute as it is now.
    ModifyAttribute {
        /// Which object.
        unique_identifier: Cow<'a, str>,
        /// The attribute.
        attribute: Attribute,
    },
    /// Delete Attribute: the attribute as it was.
    DeleteAttribute {
        /// Which object.
        unique_identifier: Cow<'a, str>,
        /// The attribute.
        attribute: Attribute,
    },
    /// Check: the object may be used so; or, without its identifier, what stands against that.
    Check {
        /// Which object.
        unique_identifier: Option<Cow<'a, str>>,
        /// The bits of the mask that was asked about, where they are refused.
        cryptographic_usage_mask: Option<i32>,
        /// The time that was asked about, where it is refused: seconds.
        lease_time: Option<u32>,
    },
    /// Obtain Lease: for how long the object may be used.
    ObtainLease {
        /// Which object.
        unique_identifier: Cow<'a, str>,
        /// Seconds.
        lease_time: u32,
        /// When anything about the object last changed: seconds since 1970-01-01 UTC.
        last_change_date: i64,
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
            ResponsePayload::GetAttributeList { .. } => Operation::GET_ATTRIBUTE_LIST,
            ResponsePayload::AddAttribute { .. } => Operation::ADD_ATTRIBUTE,
            ResponsePayload::ModifyAttribute { .. } => Operation::MODIFY_ATTRIBUTE,
            ResponsePayload::DeleteAttribute { .. } => Operation::DELETE_ATTRIBUTE,
            ResponsePayload::Check { .. } => Operation::CHECK,
            ResponsePayload::ObtainLease { .. } => Operation::OBTAIN_LEASE,
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
            ResponsePayload::GetAttributeList { unique_identifier, attribute_names } => {
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                for name in attribute_names {
                    encoder.optional(|encoder| encoder.attribute_name(name));
                }
            }
            ResponsePayload::AddAttribute { unique_identifier, attribute }
            | ResponsePayload::ModifyAttribute { unique_identifier, attribute }
            | ResponsePayload::DeleteAttribute { unique_identifier, attribute } => {
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                attribute.encode(encoder);
            }
            ResponsePayload::Check { unique_identifier, cryptographic_usage_mask, lease_time } => {
                if let Some(unique_identifier) = unique_identifier {
                    encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                }
                if let Some(mask) = cryptographic_usage_mask {
                    encoder.integer(tag::CRYPTOGRAPHIC_USAGE_MASK, *mask);
                }
                if let Some(lease_time) = lease_time {
                    encoder.interval(tag::LEASE_TIME, *lease_time);
                }
            }
            ResponsePayload::ObtainLease { unique_identifier, lease_time, last_change_date } => {
                encoder.text_string(tag::UNIQUE_IDENTIFIER, unique_identifier);
                encoder.interval(tag::LEASE_TIME, *lease_time);
                encoder.date_time(tag::LAST_CHANGE_DATE, *last_change_date);
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
            ResponsePayload::Get { unique_identifier, object } => 256 + unique_identifier.len() + object.size_bound(),
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
            ResponsePayload::GetAttributeList { unique_identifier, attribute_names } => {
                64 + unique_identifier.len() + attribute_names.iter().map(|name| 16 + name.len()).sum::<usize>()
            }
            ResponsePayload::AddAttribute { unique_identifier, attribute }
            | ResponsePayload::ModifyAttribute { unique_identifier, attribute }
            | ResponsePayload::DeleteAttribute { unique_identifier, attribute } => {
                64 + unique_identifier.len() + attribute_size_bound(attribute)
            }
            ResponsePayload::Check { unique_identifier, .. } => {
                96 + unique_identifier.as_ref().map_or(0, |identifier| identifier.len())
            }
            ResponsePayload::ObtainLease { unique_identifier, .. } => 96 + unique_identifier.len(),
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

/// At least as many bytes as an encoded attribute has.
fn attribute_size_bound(attribute: &Attribute) -> usize {
    let value = match &attribute.value {
        AttributeValue::UniqueIdentifier(text) | AttributeValue::ObjectGroup(text) => text.len(),
        AttributeValue::Name(name) => name.value.len(),
        AttributeValue::RevocationReason(reason) => reason.message.as_ref().map_or(0, String::len),
        AttributeValue::Digest(digest) => digest.digest_value.len(),
        AttributeValue::Other { value, .. } => value.encoded().len(),
        _ => 0,
    };
    // Structures, the index, a number as value, paddings.
    128 + attribute.name().len() + value
}
