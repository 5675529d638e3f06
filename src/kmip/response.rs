//! Answers: a header and one item per operation (KMIP 1.4, clause 7).
//!
//! An answer is built as values and encoded once, at the end. The encoder is held to the answer's version: optional
//! things that are younger are left out, an item that cannot do without them fails with General Failure, and a Result
//! Reason that is younger becomes General Failure. What was left out is returned, for the operator.
//!
//! Invariant: every failure carries a Result Reason and a Result Message of one line of printable ASCII, of 1 to 256
//! bytes. One KMIP client that is in use crashes on a failure without a message.

use std::borrow::Cow;

use super::encoder::{Encoder, Younger};
use super::enums::{Enumeration, Operation, ResultReason, ResultStatus};
use super::response_payload::ResponsePayload;
use super::tag;
use super::version::ProtocolVersion;

/// What is said of what is too large: eight bytes, which need no padding. Nothing shorter takes less room on the wire.
const TOO_LARGE: &str = "Too big.";

/// The longest Result Message, in bytes.
pub const RESULT_MESSAGE_LIMIT: usize = 256;

/// An answer.
#[derive(Debug)]
pub struct ResponseMessage<'a> {
    /// The version of the request. One that we do not speak is answered as 1.0.
    pub version: ProtocolVersion,
    /// The server's clock: seconds since 1970-01-01 UTC.
    pub time_stamp: i64,
    /// One item per operation that was carried out, in the order of the request.
    pub items: Vec<ResponseItem<'a>>,
}

/// How one operation ended.
#[derive(Debug)]
pub enum ResponseItem<'a> {
    /// It worked. The payload says which operation it was.
    Success {
        /// As in the request.
        unique_batch_item_id: Option<&'a [u8]>,
        /// The outcome.
        payload: ResponsePayload<'a>,
    },
    /// It did not.
    Failure {
        /// As in the request, if it could be read there.
        operation: Option<Operation>,
        /// As in the request.
        unique_batch_item_id: Option<&'a [u8]>,
        /// Why, for the program.
        reason: ResultReason,
        /// Why, for the person; cut and cleaned when encoded.
        message: Cow<'a, str>,
    },
}

impl<'a> ResponseMessage<'a> {
    /// The smallest answer that says that the real one would be too large (clause 6.3).
    pub fn too_large(
        version: ProtocolVersion,
        time_stamp: i64,
        operation: Option<Operation>,
        unique_batch_item_id: Option<&'a [u8]>,
    ) -> Self {
        let item = ResponseItem::Failure {
            operation,
            unique_batch_item_id,
            reason: ResultReason::RESPONSE_TOO_LARGE,
            message: Cow::Borrowed(TOO_LARGE),
        };
        ResponseMessage { version, time_stamp, items: vec![item] }
    }

    /// Writes the answer into `buffer`, in place of what was there. Returns what was left out.
    ///
    /// The buffer may hold key material afterwards: whoever owns it wipes it once it is sent. It is grown before
    /// anything is written, so that no grown-out-of copy of a key stays behind in memory.
    pub fn encode(&self, buffer: &mut Vec<u8>) -> Vec<Younger> {
        self.encode_but(buffer, &[])
    }

    /// Writes the answer, in which the items of these places are told to be too large.
    fn encode_but(&self, buffer: &mut Vec<u8>, too_large: &[usize]) -> Vec<Younger> {
        buffer.clear();
        buffer.reserve(self.size_bound());
        let mut encoder = Encoder::new(buffer, self.answered_in());
        encoder.structure(tag::RESPONSE_MESSAGE, |encoder| {
            self.encode_header(encoder);
            for (place, item) in self.items.iter().enumerate() {
                if too_large.contains(&place) {
                    item.encode_failure(encoder, ResultReason::RESPONSE_TOO_LARGE, TOO_LARGE);
                } else {
                    item.encode(encoder);
                }
            }
        });
        encoder.finish()
    }

    /// Writes the answer like [`ResponseMessage::encode`]. If it has more bytes than the client takes, items for which
    /// there is no room fail with Response Too Large; the first ones are the first to stay. If not even that fits, there is
    /// one failed item, which names the first operation and its item as far as there is room; where nothing fits, it names
    /// the operation, because clients depend on that more than on the size.
    pub fn encode_within(&self, maximum_response_size: Option<u32>, buffer: &mut Vec<u8>) -> Vec<Younger> {
        let younger = self.encode(buffer);
        let fits = |buffer: &[u8]| {
            maximum_response_size.is_none_or(|maximum| u32::try_from(buffer.len()).is_ok_and(|len| len <= maximum))
        };
        if fits(buffer) {
            return younger;
        }
        // The key that the answer may hold is not sent, so nobody else will wipe it.
        zeroize::Zeroize::zeroize(buffer);
        if let Some(too_large) = maximum_response_size.and_then(|maximum| self.too_large_for(maximum)) {
            let younger = self.encode_but(buffer, &too_large);
            if fits(buffer) {
                return younger;
            }
            zeroize::Zeroize::zeroize(buffer);
        }
        let first = self.items.first();
        let (operation, id) =
            (first.and_then(ResponseItem::operation), first.and_then(ResponseItem::unique_batch_item_id));
        for (operation, id) in [(operation, id), (operation, None), (None, None)] {
            ResponseMessage::too_large(self.version, self.time_stamp, operation, id).encode(buffer);
            if fits(buffer) {
                return Vec::new();
            }
        }
        ResponseMessage::too_large(self.version, self.time_stamp, operation, None).encode(buffer)
    }

    /// The places of the items that have to fail so that the others fit; none if there is no way.
    fn too_large_for(&self, maximum: u32) -> Option<Vec<usize>> {
        let mut scratch = Vec::new();
        let mut length = |place: Option<usize>, fails: bool| {
            scratch.reserve(self.size_bound());
            let mut encoder = Encoder::new(&mut scratch, self.answered_in());
            match place.and_then(|place| self.items.get(place)) {
                Some(item) if fails => item.encode_failure(&mut encoder, ResultReason::RESPONSE_TOO_LARGE, TOO_LARGE),
                Some(item) => item.encode(&mut encoder),
                None => self.encode_header(&mut encoder),
            }
            let length = scratch.len();
            zeroize::Zeroize::zeroize(&mut scratch);
            length
        };
        // The outermost structure has a head of eight bytes.
        let mut taken = 8 + length(None, false);
        let mut whole = Vec::with_capacity(self.items.len());
        for (place, item) in self.items.iter().enumerate() {
            let full = length(Some(place), false);
            // What failed already is not told to have failed for another reason.
            let short = if matches!(item, ResponseItem::Success { .. }) { length(Some(place), true) } else { full };
            taken += short;
            whole.push(full.saturating_sub(short));
        }
        let mut room = usize::try_from(maximum).ok()?.checked_sub(taken)?;
        let mut too_large = Vec::new();
        for (place, more) in whole.into_iter().enumerate() {
            match room.checked_sub(more) {
                Some(left) => room = left,
                None => too_large.push(place),
            }
        }
        Some(too_large)
    }

    /// The version of the answer: 1.0 for a request of a version that we do not speak.
    fn answered_in(&self) -> ProtocolVersion {
        if self.version.is_supported() { self.version } else { ProtocolVersion::V1_0 }
    }

    fn encode_header(&self, encoder: &mut Encoder<'_>) {
        encoder.structure(tag::RESPONSE_HEADER, |encoder| {
            encode_version(encoder, self.answered_in());
            encoder.date_time(tag::TIME_STAMP, self.time_stamp);
            encoder.integer(tag::BATCH_COUNT, i32::try_from(self.items.len()).unwrap_or(i32::MAX));
        });
    }

    /// At least as many bytes as the encoded answer has.
    pub(crate) fn size_bound(&self) -> usize {
        HEADER_BOUND + self.items.iter().map(ResponseItem::size_bound).sum::<usize>()
    }

    /// At least as many bytes as an answer has whose items, which bear these names, all fail.
    pub(crate) fn failures_bound<'i>(ids: impl Iterator<Item = Option<&'i [u8]>>) -> usize {
        HEADER_BOUND + ids.map(failure_bound).sum::<usize>()
    }
}

impl<'a> ResponseItem<'a> {
    /// The operation that is answered, if it is known.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            ResponseItem::Success { payload, .. } => Some(payload.operation()),
            ResponseItem::Failure { operation, .. } => *operation,
        }
    }

    /// The client's name for the item.
    pub fn unique_batch_item_id(&self) -> Option<&'a [u8]> {
        match self {
            ResponseItem::Success { unique_batch_item_id, .. } | ResponseItem::Failure { unique_batch_item_id, .. } => {
                *unique_batch_item_id
            }
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        match self {
            ResponseItem::Failure { reason, message, .. } => self.encode_failure(encoder, *reason, message),
            ResponseItem::Success { payload, .. } => {
                let written = encoder.optional(|encoder| {
                    encoder.structure(tag::BATCH_ITEM, |encoder| {
                        self.encode_start(encoder, ResultStatus::SUCCESS);
                        encoder.structure(tag::RESPONSE_PAYLOAD, |encoder| payload.encode(encoder));
                    });
                });
                if !written {
                    let message = "The answer needs a later version of KMIP than the request's.";
                    self.encode_failure(encoder, ResultReason::GENERAL_FAILURE, message);
                }
            }
        }
    }

    fn encode_failure(&self, encoder: &mut Encoder<'_>, reason: ResultReason, message: &str) {
        encoder.structure(tag::BATCH_ITEM, |encoder| {
            self.encode_start(encoder, ResultStatus::OPERATION_FAILED);
            if !encoder.optional(|encoder| encoder.enumeration(tag::RESULT_REASON, reason)) {
                encoder.enumeration(tag::RESULT_REASON, ResultReason::GENERAL_FAILURE);
            }
            let reason = reason.name().unwrap_or("Failed");
            encoder.text_string(tag::RESULT_MESSAGE, one_line(message, reason, &mut [0; RESULT_MESSAGE_LIMIT]));
        });
    }

    /// What success and failure begin with.
    #[inline]
    fn encode_start(&self, encoder: &mut Encoder<'_>, status: ResultStatus) {
        if let Some(operation) = self.operation() {
            encoder.echoed_operation(operation);
        }
        if let Some(id) = self.unique_batch_item_id() {
            encoder.byte_string(tag::UNIQUE_BATCH_ITEM_ID, id);
        }
        encoder.enumeration(ResultStatus::TAG, status);
    }

    fn size_bound(&self) -> usize {
        let rest = match self {
            ResponseItem::Success { payload, .. } => payload.size_bound(),
            ResponseItem::Failure { .. } => 0,
        };
        // A successful item may turn into a failure, so each has room for the longest message.
        failure_bound(self.unique_batch_item_id()) + rest
    }
}

/// At least as many bytes as the frame and the header of an answer have.
const HEADER_BOUND: usize = 128;

/// At least as many bytes as a failed item of this name has.
fn failure_bound(unique_batch_item_id: Option<&[u8]>) -> usize {
    unique_batch_item_id.map_or(0, |id| 16 + id.len()) + 128 + RESULT_MESSAGE_LIMIT
}

/// A Protocol Version structure (clause 6.1).
#[inline]
pub(crate) fn encode_version(encoder: &mut Encoder<'_>, version: ProtocolVersion) {
    encoder.structure(tag::PROTOCOL_VERSION, |encoder| {
        encoder.integer(tag::PROTOCOL_VERSION_MAJOR, version.major);
        encoder.integer(tag::PROTOCOL_VERSION_MINOR, version.minor);
    });
}

/// The message as one line of printable ASCII: control characters become spaces, others question marks, and what is
/// too long ends in dots. A message of nothing else than spaces becomes the reason's name.
fn one_line<'a>(message: &str, reason: &'a str, line: &'a mut [u8; RESULT_MESSAGE_LIMIT]) -> &'a str {
    let mut length = 0;
    for (place, character) in line.iter_mut().zip(message.trim().chars()) {
        *place = match u8::try_from(character) {
            Ok(byte @ b' '..=b'~') => byte,
            Ok(byte) if byte.is_ascii() => b' ',
            _ => b'?',
        };
        length += 1;
    }
    if message.trim().chars().nth(RESULT_MESSAGE_LIMIT).is_some()
        && let Some(dots) = line.last_chunk_mut::<3>()
    {
        *dots = *b"...";
    }
    let line = line.get(..length).and_then(|line| str::from_utf8(line).ok()).unwrap_or_default();
    if line.trim().is_empty() { reason } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> String {
        one_line(message, "General Failure", &mut [0; RESULT_MESSAGE_LIMIT]).to_owned()
    }

    #[test]
    fn a_result_message_is_one_line_of_ascii_of_at_most_256_bytes() {
        assert_eq!(line("Could not locate object: 7"), "Could not locate object: 7");
        assert_eq!(line("first\r\nsecond\tthird\0\u{7f}."), "first  second third  .");
        assert_eq!(line("Schlüssel \u{1F511} fehlt"), "Schl?ssel ? fehlt");
        assert_eq!(line(&"a".repeat(256)), "a".repeat(256));
        assert_eq!(line(&"a".repeat(257)), "a".repeat(253) + "...");
        assert_eq!(line(&"\u{1F511}".repeat(10_000)), "?".repeat(253) + "...");
    }

    #[test]
    fn an_empty_result_message_becomes_the_name_of_the_reason() {
        for empty in ["", "  ", "\n", "\u{0}"] {
            assert_eq!(line(empty), "General Failure");
        }
    }
}
