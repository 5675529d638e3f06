//! Why an item failed, as the client is told.

use std::borrow::Cow;

use crate::kmip::enums::ResultReason;
use crate::kmip::{BatchItem, ResponseItem};

/// A refusal or a failure: a reason for the program, a line for the person.
#[derive(Debug)]
pub(super) struct Failed {
    reason: ResultReason,
    message: Cow<'static, str>,
}

impl Failed {
    pub(super) fn new(reason: ResultReason, message: impl Into<Cow<'static, str>>) -> Self {
        Failed { reason, message: message.into() }
    }

    /// The failed item of the answer. It names the operation wherever that could be read: clients depend on it.
    pub(super) fn item<'a>(self, item: &'a BatchItem<'_>) -> ResponseItem<'a> {
        ResponseItem::Failure {
            operation: item.operation,
            unique_batch_item_id: item.unique_batch_item_id,
            reason: self.reason,
            message: self.message,
        }
    }
}
