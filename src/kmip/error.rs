//! What can be wrong with a request, in two sizes: the whole message, which is answered once and without an Operation,
//! and one batch item, which fails while the others proceed (KMIP 1.4, clause 11.1).
//!
//! Invariant: every error says what the client is told: a version to answer in, a reason, a line of text.

use super::enums::{ObjectType, ResultReason};
use super::request::MOST_BATCH_ITEMS;
use super::response::{ResponseItem, ResponseMessage};
use super::tag;
use super::version::ProtocolVersion;
use crate::ttlv::{Tag, TtlvError, TtlvErrorKind};

/// A message that cannot be read as a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct FrameError {
    /// The version of the header, if it could be read; [`ProtocolVersion::is_supported`] says whether we speak it.
    pub version: Option<ProtocolVersion>,
    /// What is wrong.
    pub kind: FrameErrorKind,
}

impl FrameError {
    /// The version to answer in: the request's, or 1.0 if we do not speak that or could not read it.
    pub fn answer_version(&self) -> ProtocolVersion {
        self.version.filter(|version| version.is_supported()).unwrap_or(ProtocolVersion::V1_0)
    }

    /// The one answer: a failed item without an Operation.
    pub fn answer(&self, time_stamp: i64) -> ResponseMessage<'static> {
        let item = ResponseItem::Failure {
            operation: None,
            unique_batch_item_id: None,
            reason: ResultReason::INVALID_MESSAGE,
            message: self.to_string().into(),
        };
        ResponseMessage { version: self.answer_version(), time_stamp, items: vec![item] }
    }
}

/// What is wrong with a message as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameErrorKind {
    /// It is not TTLV, or not a request.
    #[error("the request cannot be read: {}", Named(.0))]
    Malformed(#[from] TtlvError),
    /// The header names a version that we do not speak.
    #[error("KMIP {0} is not supported, use 1.0 to 1.4")]
    UnsupportedVersion(ProtocolVersion),
    /// Maximum Response Size is below zero.
    #[error("byte {offset}: a maximum response size of {size} is not possible")]
    MaximumResponseSize {
        /// The size as sent.
        size: i32,
        /// Where the item starts.
        offset: usize,
    },
    /// The batch count is not the number of batch items, or there is no batch item.
    #[error("byte {offset}: the batch count is {declared}, the request holds {found} batch items")]
    BatchCount {
        /// The count as sent.
        declared: i32,
        /// The batch items that are there.
        found: usize,
        /// Where the count starts.
        offset: usize,
    },
    /// There are more batch items than are carried out at once.
    #[error("the request holds {found} batch items, and at most {} are carried out at once", MOST_BATCH_ITEMS)]
    TooManyItems {
        /// The batch items that are there.
        found: usize,
    },
}

/// A batch item that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// It does not have the form that the standard gives it.
    #[error("the batch item cannot be read: {}", Named(.0))]
    Malformed(#[from] TtlvError),
    /// An attribute's value has the wrong type.
    #[error("attribute {name:?}: {}", Named(.error))]
    AttributeType {
        /// The name of the attribute.
        name: String,
        /// Both types and the place.
        error: TtlvError,
    },
    /// The object is not of the type that the payload announced.
    #[error("byte {offset}: the object type is {declared}, but the object is {}", tag_name(*.found))]
    ObjectMismatch {
        /// The type as announced.
        declared: ObjectType,
        /// The tag of the object that follows.
        found: Tag,
        /// Where the object starts.
        offset: usize,
    },
}

impl ItemError {
    /// What the client is told (clause 11.1 for the form, clause 11.3 for the fields).
    pub fn reason(&self) -> ResultReason {
        match self {
            ItemError::Malformed(_) => ResultReason::INVALID_MESSAGE,
            ItemError::AttributeType { .. } | ItemError::ObjectMismatch { .. } => ResultReason::INVALID_FIELD,
        }
    }

    /// Where: bytes from the start of the message.
    pub fn offset(&self) -> usize {
        match self {
            ItemError::Malformed(error) | ItemError::AttributeType { error, .. } => error.offset,
            ItemError::ObjectMismatch { offset, .. } => *offset,
        }
    }
}

/// A TTLV fault with the tags by name.
struct Named<'a>(&'a TtlvError);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let TtlvError { kind, offset } = self.0;
        match kind {
            TtlvErrorKind::Missing(tag) => write!(f, "byte {offset}: {} is missing", tag_name(*tag)),
            TtlvErrorKind::Unexpected(tag) => write!(f, "byte {offset}: {} is not expected here", tag_name(*tag)),
            TtlvErrorKind::WrongType { tag, expected, found } => {
                write!(f, "byte {offset}: {} has the type {found}, it should have {expected}", tag_name(*tag))
            }
            _ => self.0.fmt(f),
        }
    }
}

fn tag_name(tag: Tag) -> String {
    tag::entry(tag).map_or_else(|| format!("tag {tag}"), |entry| entry.name.to_owned())
}
