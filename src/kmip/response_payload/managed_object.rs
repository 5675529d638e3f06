//! Objects as they are given out (KMIP 1.4, clauses 2.1.3, 2.1.4 and 2.2).
//!
//! Invariant: an object is written in its plain form. No attributes stand inside a Key Value, for clients have broken
//! on them, and nothing is wrapped.

use std::fmt;

use zeroize::Zeroizing;

use super::attribute_size_bound;
use crate::kmip::attribute::Attribute;
use crate::kmip::encoder::Encoder;
use crate::kmip::enums::{CryptographicAlgorithm, KeyFormatType, ObjectType, SecretDataType};
use crate::kmip::tag;

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
    /// A template: attributes for objects that are made later (clause 2.2.6).
    Template(Vec<Attribute>),
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

/// The bytes of a key, or what a key protects: borrowed, or owned and wiped when dropped.
pub enum KeyBytes<'a> {
    /// Somebody else's.
    Borrowed(&'a [u8]),
    /// The answer's own.
    Owned(Zeroizing<Vec<u8>>),
}

impl KeyBytes<'_> {
    pub(super) fn expose(&self) -> &[u8] {
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

impl ManagedObject<'_> {
    /// The type of the object.
    pub fn object_type(&self) -> ObjectType {
        match self {
            ManagedObject::SymmetricKey(_) => ObjectType::SYMMETRIC_KEY,
            ManagedObject::SecretData { .. } => ObjectType::SECRET_DATA,
            ManagedObject::Template(_) => ObjectType::TEMPLATE,
        }
    }

    /// At least as many bytes as the material and the attributes have, encoded. The other fields of an object are less than
    /// 256 bytes.
    pub(super) fn size_bound(&self) -> usize {
        match self {
            ManagedObject::SymmetricKey(key_block) | ManagedObject::SecretData { key_block, .. } => {
                key_block.key_material.expose().len()
            }
            ManagedObject::Template(attributes) => attributes.iter().map(attribute_size_bound).sum(),
        }
    }

    pub(super) fn encode(&self, encoder: &mut Encoder<'_>) {
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
            ManagedObject::Template(attributes) => encoder.structure(tag::TEMPLATE, |encoder| {
                for attribute in attributes {
                    attribute.encode(encoder);
                }
            }),
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
