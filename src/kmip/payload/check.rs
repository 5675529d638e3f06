//! Check (KMIP 1.4, clause 4.10): whether an object may be used in a certain way.
//!
//! Invariant: the numbers are as they were sent; whoever carries Check out judges them.

use super::unique_identifier;
use crate::kmip::tag;
use crate::ttlv::{Reader, TtlvError};

/// What Check is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check<'a> {
    /// Which object; without it, the one of the ID Placeholder.
    pub unique_identifier: Option<&'a str>,
    /// How many units of the usage limits will be needed.
    pub usage_limits_count: Option<i64>,
    /// For what the object shall be used.
    pub cryptographic_usage_mask: Option<i32>,
    /// For how long, in seconds.
    pub lease_time: Option<u32>,
}

impl<'a> Check<'a> {
    pub(super) fn decode(fields: &mut Reader<'a>) -> Result<Self, TtlvError> {
        Ok(Check {
            unique_identifier: unique_identifier(fields)?,
            usage_limits_count: fields
                .optional(tag::USAGE_LIMITS_COUNT)?
                .map(|item| item.long_integer())
                .transpose()?,
            cryptographic_usage_mask: fields
                .optional(tag::CRYPTOGRAPHIC_USAGE_MASK)?
                .map(|item| item.integer())
                .transpose()?,
            lease_time: fields.optional(tag::LEASE_TIME)?.map(|item| item.interval()).transpose()?,
        })
    }
}
