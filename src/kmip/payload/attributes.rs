//! Add, Modify and Delete Attribute (KMIP 1.4, clauses 4.14 to 4.16): which attribute of which object.
//!
//! Invariant: what the attribute may be is not judged here; only its form is.

use super::unique_identifier;
use crate::kmip::attribute::Attribute;
use crate::kmip::error::ItemError;
use crate::kmip::tag;
use crate::ttlv::{Reader, TtlvError};

/// What Add Attribute and Modify Attribute are asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeChange<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
    /// The new attribute, or the new value with the index of the old one.
    pub attribute: Attribute,
}

impl<'a> AttributeChange<'a> {
    pub(super) fn decode(fields: &mut Reader<'a>) -> Result<Self, ItemError> {
        let unique_identifier = unique_identifier(fields)?;
        let attribute = Attribute::decode(&fields.required(tag::ATTRIBUTE)?)?;
        Ok(AttributeChange { unique_identifier, attribute })
    }
}

/// What Delete Attribute is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteAttribute<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
    /// The name of the attribute.
    pub attribute_name: &'a str,
    /// Which of several of that name; 0 is meant where none is given.
    pub attribute_index: Option<i32>,
}

impl<'a> DeleteAttribute<'a> {
    pub(super) fn decode(fields: &mut Reader<'a>) -> Result<Self, TtlvError> {
        Ok(DeleteAttribute {
            unique_identifier: unique_identifier(fields)?,
            attribute_name: fields.required(tag::ATTRIBUTE_NAME)?.text_string()?,
            attribute_index: fields.optional(tag::ATTRIBUTE_INDEX)?.map(|index| index.integer()).transpose()?,
        })
    }
}
