//! Attributes whose values are structures (KMIP 1.4, clauses 3.2 and 3.31).
//!
//! Invariant: they are read alike wherever they stand: as an attribute's value, or under their own tag in a payload.

use super::Typed;
use crate::kmip::encoder::Encoder;
use crate::kmip::enums::{Enumeration, NameType, RevocationReasonCode};
use crate::kmip::tag;
use crate::ttlv::{Item, TtlvError};

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
