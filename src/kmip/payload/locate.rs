//! Locate (KMIP 1.4, clause 4.9): which objects are sought.
//!
//! Invariant: numbers are as they were sent, also those that make no sense; whoever carries Locate out refuses them.

use crate::kmip::attribute::Attribute;
use crate::kmip::enums::ObjectGroupMember;
use crate::kmip::error::ItemError;
use crate::kmip::object::optional_enumeration;
use crate::kmip::tag;
use crate::ttlv::{Reader, Tag, TtlvError};

/// Locate (clause 4.9): the objects that match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locate {
    /// The most identifiers that the answer may hold.
    pub maximum_items: Option<i32>,
    /// How many matching objects to skip; since 1.3, but clients have been seen to send it in 1.0.
    pub offset_items: Option<i32>,
    /// Where to look: a sum of bits (clause 9.1.3.3.2), on-line is 1 and archived is 2. Not given means on-line.
    pub storage_status_mask: Option<i32>,
    /// Which member of the group that the attributes name.
    pub object_group_member: Option<ObjectGroupMember>,
    /// What the objects must have; without any, all match.
    pub attributes: Vec<Attribute>,
}

impl Locate {
    pub(super) fn decode(fields: &mut Reader<'_>) -> Result<Self, ItemError> {
        let mut locate = Locate {
            maximum_items: optional_integer(fields, tag::MAXIMUM_ITEMS)?,
            offset_items: optional_integer(fields, tag::OFFSET_ITEMS)?,
            storage_status_mask: optional_integer(fields, tag::STORAGE_STATUS_MASK)?,
            object_group_member: optional_enumeration(fields)?,
            attributes: Vec::new(),
        };
        while let Some(attribute) = fields.optional(tag::ATTRIBUTE)? {
            locate.attributes.push(Attribute::decode(&attribute)?);
        }
        Ok(locate)
    }
}

fn optional_integer(fields: &mut Reader<'_>, tag: Tag) -> Result<Option<i32>, TtlvError> {
    fields.optional(tag)?.map(|item| item.integer()).transpose()
}
