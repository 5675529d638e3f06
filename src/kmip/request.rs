//! Requests: a header and batch items (KMIP 1.4, clauses 6 and 7).
//!
//! First the frame is read: the message, its header, its batch items as a whole. A fault there makes the message
//! unreadable and is a [`FrameError`]. Then each item is read for itself; a fault there stays with the item.
//!
//! Invariant: a decoded request has a version that we speak and as many items as its batch count says, at least one
//! and at most [`MOST_BATCH_ITEMS`].

use super::enums::{BatchErrorContinuationOption, Enumeration, Operation};
use super::error::{FrameError, FrameErrorKind, ItemError};
use super::object::{optional_enumeration, skip_structure};
use super::payload::{Payload, protocol_version};
use super::tag;
use super::version::ProtocolVersion;
use crate::ttlv::{Reader, TtlvError, TtlvErrorKind};

/// The most batch items that a request may have. They are held in memory together, and so are their answers, each of which
/// may be much longer than its item. No client that is known sends more than a few.
pub const MOST_BATCH_ITEMS: usize = 1000;

/// A request, which borrows from the message's bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestMessage<'a> {
    /// The header.
    pub header: RequestHeader<'a>,
    /// The operations, in the order in which they are to be carried out and answered.
    pub items: Vec<BatchItem<'a>>,
}

/// The header of a request (clause 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// The version of the request, and so of the answer.
    pub version: ProtocolVersion,
    /// The longest answer that the client takes, in bytes.
    pub maximum_response_size: Option<u32>,
    /// A remark of the client for the server's log.
    pub client_correlation_value: Option<&'a str>,
    /// Whether the client can do with an answer later. Not given means no.
    pub asynchronous: bool,
    /// Whether there is an Authentication. TLS has authenticated the client, so its credentials were skipped.
    pub authenticated: bool,
    /// What becomes of the batch after an item has failed. Not given means Stop.
    pub batch_error_continuation: Option<BatchErrorContinuationOption>,
    /// Whether the items must be carried out in order.
    pub batch_order: Option<bool>,
    /// The client's clock: seconds since 1970-01-01 UTC.
    pub time_stamp: Option<i64>,
    /// The number of items.
    pub batch_count: i32,
}

/// One operation of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct BatchItem<'a> {
    /// The operation, to be named in the answer. It is absent if it could not be read; then `payload` is an error.
    pub operation: Option<Operation>,
    /// The client's name for this item, to be repeated in the answer.
    pub unique_batch_item_id: Option<&'a [u8]>,
    /// What to do, or why the item must fail.
    pub payload: Result<Payload<'a>, ItemError>,
    /// A vendor's addition.
    pub extension: Option<MessageExtension<'a>>,
}

/// A vendor's addition to an item (clause 6.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageExtension<'a> {
    /// Whose addition.
    pub vendor_identification: &'a str,
    /// Whether the item must fail if the server does not know the addition (Feature Not Supported).
    pub critical: bool,
}

impl<'a> RequestMessage<'a> {
    /// Reads a request.
    pub fn decode(message: &'a [u8]) -> Result<Self, FrameError> {
        // The version outlives a failure: the answer is given in it.
        let mut version = None;
        decode_message(message, &mut version).map_err(|kind| FrameError { version, kind })
    }
}

fn decode_message<'a>(
    message: &'a [u8],
    version: &mut Option<ProtocolVersion>,
) -> Result<RequestMessage<'a>, FrameErrorKind> {
    let outermost = Reader::only_item(message)?;
    if outermost.tag != tag::REQUEST_MESSAGE {
        return Err(TtlvError::new(TtlvErrorKind::Unexpected(outermost.tag), outermost.offset).into());
    }
    let mut body = outermost.structure()?;
    let mut fields = body.required(tag::REQUEST_HEADER)?.structure()?;
    let (header, count_offset) = decode_header(&mut fields, version)?;

    // One item is the rule. Room for more is made as they come, not as they were announced.
    let (mut items, mut found) = (Vec::with_capacity(1), 0);
    while let Some(item) = body.optional(tag::BATCH_ITEM)? {
        let fields = item.structure()?;
        found += 1;
        // Those beyond the limit are only counted: the request is refused as a whole.
        if found <= MOST_BATCH_ITEMS {
            items.push(decode_item(fields, header.batch_count));
        }
    }
    body.finish()?;
    if found > MOST_BATCH_ITEMS {
        return Err(FrameErrorKind::TooManyItems { found });
    }
    if items.is_empty() || usize::try_from(header.batch_count) != Ok(found) {
        let declared = header.batch_count;
        return Err(FrameErrorKind::BatchCount { declared, found, offset: count_offset });
    }
    Ok(RequestMessage { header, items })
}

/// The header, and where its batch count starts.
fn decode_header<'a>(
    fields: &mut Reader<'a>,
    seen: &mut Option<ProtocolVersion>,
) -> Result<(RequestHeader<'a>, usize), FrameErrorKind> {
    let version = protocol_version(fields.required(tag::PROTOCOL_VERSION)?.structure()?)?;
    *seen = Some(version);
    if !version.is_supported() {
        return Err(FrameErrorKind::UnsupportedVersion(version));
    }
    let maximum_response_size = match fields.optional(tag::MAXIMUM_RESPONSE_SIZE)? {
        None => None,
        Some(item) => {
            let size = item.integer()?;
            let impossible = FrameErrorKind::MaximumResponseSize { size, offset: item.offset };
            Some(u32::try_from(size).map_err(|_| impossible)?)
        }
    };
    let client_correlation_value =
        fields.optional(tag::CLIENT_CORRELATION_VALUE)?.map(|item| item.text_string()).transpose()?;
    // Only servers that send requests give one, but the standard has it in every header.
    fields.optional(tag::SERVER_CORRELATION_VALUE)?.map(|item| item.text_string()).transpose()?;
    let asynchronous = optional_boolean(fields, tag::ASYNCHRONOUS_INDICATOR)?.unwrap_or(false);
    optional_boolean(fields, tag::ATTESTATION_CAPABLE_INDICATOR)?;
    while let Some(attestation_type) = fields.optional(tag::ATTESTATION_TYPE)? {
        attestation_type.enumeration()?;
    }
    let authenticated = skip_structure(fields, tag::AUTHENTICATION)?;
    let batch_error_continuation = optional_enumeration(fields)?;
    let batch_order = optional_boolean(fields, tag::BATCH_ORDER_OPTION)?;
    let time_stamp = fields.optional(tag::TIME_STAMP)?.map(|item| item.date_time()).transpose()?;
    let count = fields.required(tag::BATCH_COUNT)?;
    let batch_count = count.integer()?;
    fields.finish()?;
    let header = RequestHeader {
        version,
        maximum_response_size,
        client_correlation_value,
        asynchronous,
        authenticated,
        batch_error_continuation,
        batch_order,
        time_stamp,
        batch_count,
    };
    Ok((header, count.offset))
}

/// A batch item (clause 7.2). What was read before a fault is kept, for the answer to name it.
fn decode_item(mut fields: Reader<'_>, batch_count: i32) -> BatchItem<'_> {
    let mut operation = None;
    let mut unique_batch_item_id = None;
    let mut extension = None;
    let mut decode = || -> Result<Payload<'_>, ItemError> {
        let asked = Operation::read(&fields.required(tag::OPERATION)?)?;
        operation = Some(asked);
        if let Some(id) = fields.optional(tag::UNIQUE_BATCH_ITEM_ID)? {
            unique_batch_item_id = Some(id.byte_string()?);
        } else if batch_count > 1 {
            // Clause 6.4: without it, the answers of a batch could not be told apart.
            return Err(TtlvError::new(TtlvErrorKind::Missing(tag::UNIQUE_BATCH_ITEM_ID), fields.offset()).into());
        }
        let payload = fields.required(tag::REQUEST_PAYLOAD)?;
        let payload = Payload::decode(asked, payload.structure()?)?;
        extension =
            fields.optional(tag::MESSAGE_EXTENSION)?.map(|item| message_extension(item.structure()?)).transpose()?;
        fields.finish()?;
        Ok(payload)
    };
    let payload = decode();
    BatchItem { operation, unique_batch_item_id, payload, extension }
}

fn message_extension(mut fields: Reader<'_>) -> Result<MessageExtension<'_>, TtlvError> {
    let vendor_identification = fields.required(tag::VENDOR_IDENTIFICATION)?.text_string()?;
    let critical = fields.required(tag::CRITICALITY_INDICATOR)?.boolean()?;
    fields.required(tag::VENDOR_EXTENSION)?.structure()?.skip_rest()?;
    fields.finish()?;
    Ok(MessageExtension { vendor_identification, critical })
}

#[inline]
fn optional_boolean(fields: &mut Reader<'_>, tag: crate::ttlv::Tag) -> Result<Option<bool>, TtlvError> {
    fields.optional(tag)?.map(|item| item.boolean()).transpose()
}
