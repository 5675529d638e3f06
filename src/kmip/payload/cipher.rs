//! Encrypt and Decrypt (KMIP 1.4, clauses 4.29 and 4.30): what a key shall be used on, and how (clause 3.6).
//!
//! What belongs to other ciphers, or to data that comes in parts, is read and noted: whoever carries the operation out
//! refuses it by name.
//!
//! Invariant: the data are borrowed from the message and never printed: one of the two directions is clear text.

use std::fmt;

use super::unique_identifier;
use crate::kmip::attribute::RawValue;
use crate::kmip::enums::{BlockCipherMode, CryptographicAlgorithm, PaddingMethod};
use crate::kmip::object::optional_enumeration;
use crate::kmip::tag;
use crate::ttlv::{ItemType, Reader, Tag, TtlvError};

/// What Encrypt and Decrypt are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherRequest<'a> {
    /// Which key; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
    /// How; without it, as the attribute of the key says that has this structure.
    pub parameters: Option<CryptographicParameters>,
    /// On what.
    pub data: Data<'a>,
    /// The initialisation vector, where the client knows it.
    pub iv_counter_nonce: Option<&'a [u8]>,
    /// Whether the data are one of several parts, since 1.3.
    pub in_parts: bool,
    /// Whether there are data or a tag of authenticated encryption, since 1.4.
    pub authenticated: bool,
}

impl<'a> CipherRequest<'a> {
    pub(super) fn decode(fields: &mut Reader<'a>) -> Result<Self, TtlvError> {
        let unique_identifier = unique_identifier(fields)?;
        let parameters = fields.optional(tag::CRYPTOGRAPHIC_PARAMETERS)?;
        let parameters = parameters.map(|item| CryptographicParameters::decode(&mut item.structure()?)).transpose()?;
        let data = Data(fields.required(tag::DATA)?.byte_string()?);
        let iv_counter_nonce = fields.optional(tag::IV_COUNTER_NONCE)?.map(|item| item.byte_string()).transpose()?;
        let mut in_parts =
            fields.optional(tag::CORRELATION_VALUE)?.map(|item| item.byte_string()).transpose()?.is_some();
        for tag in [tag::INIT_INDICATOR, tag::FINAL_INDICATOR] {
            in_parts |= fields.optional(tag)?.map(|item| item.boolean()).transpose()?.unwrap_or(false);
        }
        let mut authenticated = false;
        for tag in [tag::AUTHENTICATED_ENCRYPTION_ADDITIONAL_DATA, tag::AUTHENTICATED_ENCRYPTION_TAG] {
            authenticated |= fields.optional(tag)?.map(|item| item.byte_string()).transpose()?.is_some();
        }
        Ok(CipherRequest { unique_identifier, parameters, data, iv_counter_nonce, in_parts, authenticated })
    }
}

/// Clear or encrypted data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Data<'a>(
    /// The bytes. Whoever prints them answers for it.
    pub &'a [u8],
);

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.0.len())
    }
}

/// How a key is used (clause 3.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CryptographicParameters {
    /// The mode of a block cipher.
    pub block_cipher_mode: Option<BlockCipherMode>,
    /// How the last block is filled up.
    pub padding_method: Option<PaddingMethod>,
    /// The cipher, which is the key's, since 1.2.
    pub cryptographic_algorithm: Option<CryptographicAlgorithm>,
    /// Whether the server draws an initialisation vector, since 1.2.
    pub random_iv: Option<bool>,
    /// The first field that is there and belongs to other ciphers and modes.
    pub other: Option<Tag>,
}

/// The fields between Padding Method and Cryptographic Algorithm, in the order of the standard.
const BEFORE_ALGORITHM: [Tag; 3] = [tag::HASHING_ALGORITHM, tag::KEY_ROLE_TYPE, tag::DIGITAL_SIGNATURE_ALGORITHM];

/// The fields after Random IV, in the order of the standard.
const AFTER_RANDOM_IV: [Tag; 11] = [
    tag::IV_LENGTH,
    tag::TAG_LENGTH,
    tag::FIXED_FIELD_LENGTH,
    tag::INVOCATION_FIELD_LENGTH,
    tag::COUNTER_LENGTH,
    tag::INITIAL_COUNTER_VALUE,
    tag::SALT_LENGTH,
    tag::MASK_GENERATOR,
    tag::MASK_GENERATOR_HASHING_ALGORITHM,
    tag::P_SOURCE,
    tag::TRAILER_FIELD,
];

impl CryptographicParameters {
    /// Reads the value of the attribute of that name.
    pub fn of_attribute(value: &RawValue) -> Result<Self, TtlvError> {
        CryptographicParameters::decode(&mut Reader::only_item(value.encoded())?.structure()?)
    }

    fn decode(fields: &mut Reader<'_>) -> Result<Self, TtlvError> {
        let (block_cipher_mode, padding_method) = (optional_enumeration(fields)?, optional_enumeration(fields)?);
        let before = first_of(fields, &BEFORE_ALGORITHM)?;
        let cryptographic_algorithm = optional_enumeration(fields)?;
        let random_iv = fields.optional(tag::RANDOM_IV)?.map(|item| item.boolean()).transpose()?;
        let other = before.or(first_of(fields, &AFTER_RANDOM_IV)?);
        fields.finish()?;
        Ok(CryptographicParameters { block_cipher_mode, padding_method, cryptographic_algorithm, random_iv, other })
    }
}

/// Reads fields that may be there, each of the type that the table of tags gives it. Says which was the first.
fn first_of(fields: &mut Reader<'_>, tags: &[Tag]) -> Result<Option<Tag>, TtlvError> {
    let mut first = None;
    for tag in tags {
        let Some(item) = fields.optional(*tag)? else { continue };
        match tag::entry(*tag).and_then(|entry| entry.item_type) {
            Some(ItemType::Integer) => drop(item.integer()?),
            Some(ItemType::ByteString) => drop(item.byte_string()?),
            _ => drop(item.enumeration()?),
        }
        first = first.or(Some(*tag));
    }
    Ok(first)
}
