//! Attributes whose values are structures (KMIP 1.4, clauses 3.2, 3.17, 3.31 and 3.44), and the shapes of those that are
//! only carried along.
//!
//! Invariant: they are read alike wherever they stand: as an attribute's value, or under their own tag in a payload.

use super::Typed;
use crate::kmip::encoder::{Encoder, Younger};
use crate::kmip::enums::{Enumeration, HashingAlgorithm, KeyFormatType, NameType, RevocationReasonCode, RngAlgorithm};
use crate::kmip::object::optional_enumeration;
use crate::kmip::version::ProtocolVersion;
use crate::kmip::{attribute_name, tag};
use crate::ttlv::{Item, Reader, Tag, TtlvError, TtlvErrorKind};

/// The fields of the structures that attributes hold and this program does not interpret, in the order of the standard:
/// which tag, and whether it must be there.
const SHAPES: &[(&str, &[(Tag, bool)])] = &[
    // Clause 3.36.
    (
        attribute_name::APPLICATION_SPECIFIC_INFORMATION,
        &[(tag::APPLICATION_NAMESPACE, true), (tag::APPLICATION_DATA, false)],
    ),
    // Clause 3.35.
    (attribute_name::LINK, &[(tag::LINK_TYPE, true), (tag::LINKED_OBJECT_IDENTIFIER, true)]),
    // Clause 3.40.
    (attribute_name::ALTERNATIVE_NAME, &[(tag::ALTERNATIVE_NAME_VALUE, true), (tag::ALTERNATIVE_NAME_TYPE, true)]),
    // Clause 3.42.
    (
        attribute_name::KEY_VALUE_LOCATION,
        &[(tag::KEY_VALUE_LOCATION_VALUE, true), (tag::KEY_VALUE_LOCATION_TYPE, true)],
    ),
    // Clause 3.6.
    (
        attribute_name::CRYPTOGRAPHIC_PARAMETERS,
        &[
            (tag::BLOCK_CIPHER_MODE, false),
            (tag::PADDING_METHOD, false),
            (tag::HASHING_ALGORITHM, false),
            (tag::KEY_ROLE_TYPE, false),
            (tag::DIGITAL_SIGNATURE_ALGORITHM, false),
            (tag::CRYPTOGRAPHIC_ALGORITHM, false),
            (tag::RANDOM_IV, false),
            (tag::IV_LENGTH, false),
            (tag::TAG_LENGTH, false),
            (tag::FIXED_FIELD_LENGTH, false),
            (tag::INVOCATION_FIELD_LENGTH, false),
            (tag::COUNTER_LENGTH, false),
            (tag::INITIAL_COUNTER_VALUE, false),
            (tag::SALT_LENGTH, false),
            (tag::MASK_GENERATOR, false),
            (tag::MASK_GENERATOR_HASHING_ALGORITHM, false),
            (tag::P_SOURCE, false),
            (tag::TRAILER_FIELD, false),
        ],
    ),
];

/// Checks an attribute that is only carried along: its type, and the fields of a structure that is known here. A custom
/// attribute may be of any type.
pub(super) fn check_carried(name: &str, item: &Item<'_>) -> Result<(), TtlvError> {
    if attribute_name::is_custom(name) {
        return Ok(());
    }
    let Some(expected) = attribute_name::row(name).and_then(|row| row.item_type()) else { return Ok(()) };
    if item.item_type() != expected {
        let kind = TtlvErrorKind::WrongType { tag: item.tag, expected, found: item.item_type() };
        return Err(TtlvError::new(kind, item.offset));
    }
    let Some((_, shape)) = SHAPES.iter().find(|(known, _)| *known == name) else { return Ok(()) };
    let mut fields = item.structure()?;
    for (tag, required) in *shape {
        let field = if *required { Some(fields.required(*tag)?) } else { fields.optional(*tag)? };
        let (Some(field), Some(expected)) = (field, tag::entry(*tag).and_then(|entry| entry.item_type)) else {
            continue;
        };
        if field.item_type() != expected {
            let kind = TtlvErrorKind::WrongType { tag: *tag, expected, found: field.item_type() };
            return Err(TtlvError::new(kind, field.offset));
        }
    }
    fields.finish()
}

/// The fields that a structure gained after its attribute and after their tags (KMIP 1.2 clause 3.6).
const LATER_FIELDS: &[(&str, Tag, ProtocolVersion)] = &[
    (attribute_name::CRYPTOGRAPHIC_PARAMETERS, tag::DIGITAL_SIGNATURE_ALGORITHM, ProtocolVersion::V1_2),
    (attribute_name::CRYPTOGRAPHIC_PARAMETERS, tag::CRYPTOGRAPHIC_ALGORITHM, ProtocolVersion::V1_2),
];

/// A field of an encoded attribute that is younger there than a version.
pub(super) fn later_field(name: &str, encoded: &[u8], version: ProtocolVersion) -> Option<Younger> {
    let mut fields = Reader::only_item(encoded).ok()?.structure().ok()?;
    while let Ok(Some(field)) = fields.next_item() {
        let later = |row: &&(&str, Tag, ProtocolVersion)| row.0 == name && row.1 == field.tag && row.2 > version;
        if let Some((.., since)) = LATER_FIELDS.iter().find(later) {
            return Some(Younger { since: Some(*since), ..Younger::tag(field.tag) });
        }
    }
    None
}

/// What an object's material hashes to (clause 3.17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The hash function.
    pub hashing_algorithm: HashingAlgorithm,
    /// The hash.
    pub digest_value: Vec<u8>,
    /// The format of what was hashed, since 1.1.
    pub key_format_type: Option<KeyFormatType>,
}

/// What drew an object's material (clause 3.44): only the kind is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomNumberGenerator {
    /// The kind of generator.
    pub rng_algorithm: RngAlgorithm,
}

/// The value of the attribute Name (clause 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub value: String,
    /// What kind of name.
    pub name_type: NameType,
}

impl Name {
    /// Reads the fields of a Name structure, whatever its tag.
    pub(crate) fn decode(item: &Item<'_>) -> Result<Self, TtlvError> {
        let mut fields = item.structure()?;
        let value = fields.required(tag::NAME_VALUE)?.text_string()?.to_owned();
        let name_type = NameType::read(&fields.required(tag::NAME_TYPE)?)?;
        fields.finish()?;
        Ok(Name { value, name_type })
    }
}

/// Why an object was revoked (clause 3.31): the attribute, and what Revoke is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationReason {
    /// The reason.
    pub code: RevocationReasonCode,
    /// What a person said of it.
    pub message: Option<String>,
}

impl RevocationReason {
    /// Reads the fields of a Revocation Reason structure, whatever its tag.
    pub(crate) fn decode(item: &Item<'_>) -> Result<Self, TtlvError> {
        let mut fields = item.structure()?;
        let code = RevocationReasonCode::read(&fields.required(tag::REVOCATION_REASON_CODE)?)?;
        let message = fields.optional(tag::REVOCATION_MESSAGE)?;
        let message = message.map(|message| message.text_string().map(str::to_owned)).transpose()?;
        fields.finish()?;
        Ok(RevocationReason { code, message })
    }
}

impl Typed for Name {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        Name::decode(item)
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.structure(tag::ATTRIBUTE_VALUE, |encoder| {
            encoder.text_string(tag::NAME_VALUE, &self.value);
            encoder.enumeration(tag::NAME_TYPE, self.name_type);
        });
    }
}

impl Typed for RevocationReason {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        RevocationReason::decode(item)
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.structure(tag::ATTRIBUTE_VALUE, |encoder| {
            encoder.enumeration(tag::REVOCATION_REASON_CODE, self.code);
            if let Some(message) = &self.message {
                encoder.text_string(tag::REVOCATION_MESSAGE, message);
            }
        });
    }
}

impl Typed for Digest {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        let mut fields = item.structure()?;
        let digest = Digest {
            hashing_algorithm: HashingAlgorithm::read(&fields.required(tag::HASHING_ALGORITHM)?)?,
            digest_value: fields.required(tag::DIGEST_VALUE)?.byte_string()?.to_vec(),
            key_format_type: optional_enumeration(&mut fields)?,
        };
        fields.finish()?;
        Ok(digest)
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        encoder.structure(tag::ATTRIBUTE_VALUE, |encoder| {
            encoder.enumeration(tag::HASHING_ALGORITHM, self.hashing_algorithm);
            encoder.byte_string(tag::DIGEST_VALUE, &self.digest_value);
            // The tag is as old as the standard, the field came with 1.1.
            if let Some(format) = self.key_format_type.filter(|_| encoder.version() >= ProtocolVersion::V1_1) {
                encoder.enumeration(tag::KEY_FORMAT_TYPE, format);
            }
        });
    }
}

impl RandomNumberGenerator {
    /// Writes RNG Parameters (clause 2.1.18) under a tag.
    pub(crate) fn encode(self, encoder: &mut Encoder<'_>, tag: Tag) {
        encoder.structure(tag, |encoder| encoder.enumeration(tag::RNG_ALGORITHM, self.rng_algorithm));
    }
}

impl Typed for RandomNumberGenerator {
    fn read_value(item: &Item<'_>) -> Result<Self, TtlvError> {
        let mut fields = item.structure()?;
        let rng_algorithm = RngAlgorithm::read(&fields.required(tag::RNG_ALGORITHM)?)?;
        fields.skip_rest()?;
        Ok(RandomNumberGenerator { rng_algorithm })
    }

    fn write_value(&self, encoder: &mut Encoder<'_>) {
        self.encode(encoder, tag::ATTRIBUTE_VALUE);
    }
}
