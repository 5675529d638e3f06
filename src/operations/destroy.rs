//! Destroy (KMIP 1.4 section 4.21): the wrapped key is thrown away, for good.
//!
//! What is known of the object stays, so that Get Attributes can tell its state. An object that is active must be revoked
//! first. No cloud is asked: the CMK wraps other keys as well.
//!
//! Invariant: once Destroy is answered, no power cut brings the wrapped key back.

use std::borrow::Cow;

use crate::kmip::ResponsePayload;
use crate::kmip::enums::ResultReason;
use crate::kmip::payload::Destroy;

use super::transition::transition;
use super::{Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &Destroy<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    operations.find(id)?;
    // KMIP 1.4 section 11.22: Permission Denied for an object that is active, or destroyed already.
    transition(operations, id, ResultReason::PERMISSION_DENIED, |key, now| key.destroy(now))?;
    Ok(ResponsePayload::Destroy { unique_identifier: Cow::Owned(id.to_owned()) })
}
