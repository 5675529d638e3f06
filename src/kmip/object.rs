//! Managed objects as clients send them in Register (KMIP 1.4, clauses 2.1.3, 2.1.4 and 2.2).
//!
//! Invariant: key material is copied once, into memory that is wiped when dropped, and is never printed.

use std::fmt;

use zeroize::Zeroizing;

use super::attribute::Attribute;
use super::enums::{
    CryptographicAlgorithm, Enumeration, KeyCompressionType, KeyFormatType, ObjectType, SecretDataType,
};
use super::error::ItemError;
use super::tag;
use crate::ttlv::{Item, Reader, Tag, TtlvError, TtlvErrorKind, Value};

/// The tag under which an object of each type is sent.
const OBJECT_TAGS: [(ObjectType, Tag); 9] = [
    (ObjectType::CERTIFICATE, tag::CERTIFICATE),
    (ObjectType::SYMMETRIC_KEY, tag::SYMMETRIC_KEY),
    (ObjectType::PUBLIC_KEY, tag::PUBLIC_KEY),
    (ObjectType::PRIVATE_KEY, tag::PRIVATE_KEY),
    (ObjectType::SPLIT_KEY, tag::SPLIT_KEY),
    (ObjectType::TEMPLATE, tag::TEMPLATE),
    (ObjectType::SECRET_DATA, tag::SECRET_DATA),
    (ObjectType::OPAQUE_OBJECT, tag::OPAQUE_OBJECT),
    (ObjectType::PGP_KEY, tag::PGP_KEY),
];

/// An object to be registered.
#[derive(Debug, PartialEq, Eq)]
pub enum RegisteredObject {
    /// A symmetric key, as PSMDB registers it.
    SymmetricKey(KeyBlock),
    /// Secret data, as libmongocrypt registers it.
    SecretData {
        /// What kind of secret.
        secret_data_type: SecretDataType,
        /// The secret itself.
        key_block: KeyBlock,
    },
    /// A template: attributes for objects that are made later (clause 2.2.6). Deprecated since 1.3.
    Template(Vec<Attribute>),
    /// An object of another type, by its tag; its fields were skipped.
    Other(Tag),
}

impl RegisteredObject {
    /// Reads the object that follows in a payload, which must be of the announced type.
    pub(crate) fn decode(payload: &mut Reader<'_>, declared: ObjectType) -> Result<Self, ItemError> {
        let offset = payload.offset();
        let Some(item) = payload.next_item()? else {
            let expected = OBJECT_TAGS.iter().find(|(object_type, _)| *object_type == declared);
            let expected = expected.map_or(tag::SYMMETRIC_KEY, |(_, tag)| *tag);
            return Err(TtlvError::new(TtlvErrorKind::Missing(expected), offset).into());
        };
        match OBJECT_TAGS.iter().find(|(_, tag)| *tag == item.tag) {
            None => return Err(TtlvError::new(TtlvErrorKind::Unexpected(item.tag), offset).into()),
            Some((object_type, _)) if *object_type != declared => {
                return Err(ItemError::ObjectMismatch { declared, found: item.tag, offset });
            }
            Some(_) => {}
        }

        let mut fields = item.structure()?;
        let object = match declared {
            ObjectType::SYMMETRIC_KEY => RegisteredObject::SymmetricKey(KeyBlock::decode(&mut fields)?),
            ObjectType::SECRET_DATA => RegisteredObject::SecretData {
                secret_data_type: SecretDataType::read(&fields.required(tag::SECRET_DATA_TYPE)?)?,
                key_block: KeyBlock::decode(&mut fields)?,
            },
            ObjectType::TEMPLATE => {
                let mut attributes = Vec::new();
                while let Some(attribute) = fields.optional(tag::ATTRIBUTE)? {
                    attributes.push(Attribute::decode(&attribute)?);
                }
                RegisteredObject::Template(attributes)
            }
            _ => {
                fields.skip_rest()?;
                RegisteredObject::Other(item.tag)
            }
        };
        fields.finish()?;
        Ok(object)
    }
}

/// A key with what is known about it (clause 2.1.3).
#[derive(Debug, PartialEq, Eq)]
pub struct KeyBlock {
    /// The format of the material.
    pub key_format_type: KeyFormatType,
    /// Only meant for elliptic curves, but older PSMDB releases send it with AES keys.
    pub key_compression_type: Option<KeyCompressionType>,
    /// The key.
    pub key_material: KeyMaterial,
    /// Attributes inside the Key Value.
    pub attributes: Vec<Attribute>,
    /// What the key is for.
    pub cryptographic_algorithm: Option<CryptographicAlgorithm>,
    /// The length of the key in bits.
    pub cryptographic_length: Option<i32>,
    /// Whether Key Wrapping Data says that the key is encrypted or signed.
    pub key_wrapping_data: bool,
}

impl KeyBlock {
    fn decode(object: &mut Reader<'_>) -> Result<Self, ItemError> {
        let mut fields = object.required(tag::KEY_BLOCK)?.structure()?;
        let key_format_type = KeyFormatType::read(&fields.required(tag::KEY_FORMAT_TYPE)?)?;
        let key_compression_type = optional_enumeration(&mut fields)?;
        let mut attributes = Vec::new();
        let key_material = match fields.optional(tag::KEY_VALUE)? {
            Some(key_value) => KeyMaterial::decode(&key_value, &mut attributes)?,
            None => KeyMaterial::Absent,
        };
        let cryptographic_algorithm = optional_enumeration(&mut fields)?;
        let cryptographic_length =
            fields.optional(tag::CRYPTOGRAPHIC_LENGTH)?.map(|length| length.integer()).transpose()?;
        let key_wrapping_data = skip_structure(&mut fields, tag::KEY_WRAPPING_DATA)?;
        fields.finish()?;
        Ok(KeyBlock {
            key_format_type,
            key_compression_type,
            key_material,
            attributes,
            cryptographic_algorithm,
            cryptographic_length,
            key_wrapping_data,
        })
    }
}

/// The key itself (clause 2.1.4).
#[derive(PartialEq, Eq)]
pub enum KeyMaterial {
    /// The bytes, not wrapped.
    Bytes(Zeroizing<Vec<u8>>),
    /// One of the transparent formats, which give the parts of a key one by one. They were skipped.
    Structure,
    /// A wrapped key in TTLV encoding. It was skipped.
    Wrapped,
    /// No Key Value at all: since 1.2 a client may register a key that it keeps elsewhere.
    Absent,
}

impl KeyMaterial {
    fn decode(key_value: &Item<'_>, attributes: &mut Vec<Attribute>) -> Result<Self, ItemError> {
        if let Value::ByteString(_) = key_value.value {
            return Ok(KeyMaterial::Wrapped);
        }
        let mut fields = key_value.structure()?;
        let item = fields.required(tag::KEY_MATERIAL)?;
        let key_material = if let Value::Structure(mut parts) = item.value {
            parts.skip_rest()?;
            KeyMaterial::Structure
        } else {
            KeyMaterial::Bytes(Zeroizing::new(item.byte_string()?.to_vec()))
        };
        while let Some(attribute) = fields.optional(tag::ATTRIBUTE)? {
            attributes.push(Attribute::decode(&attribute)?);
        }
        fields.finish()?;
        Ok(key_material)
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyMaterial::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            KeyMaterial::Structure => f.write_str("Structure"),
            KeyMaterial::Wrapped => f.write_str("Wrapped"),
            KeyMaterial::Absent => f.write_str("Absent"),
        }
    }
}

/// A value of an enumeration under its own tag, if it is there.
#[inline]
pub(crate) fn optional_enumeration<E: Enumeration>(fields: &mut Reader<'_>) -> Result<Option<E>, TtlvError> {
    fields.optional(E::TAG)?.map(|item| E::read(&item)).transpose()
}

/// Skips a structure, which must be well-formed. Says whether it was there.
#[inline]
pub(crate) fn skip_structure(fields: &mut Reader<'_>, tag: Tag) -> Result<bool, TtlvError> {
    let Some(item) = fields.optional(tag)? else { return Ok(false) };
    item.structure()?.skip_rest()?;
    Ok(true)
}
