//! Check (KMIP 1.4 section 4.10): whether an object may be used in a certain way. (`check.rs` is the command of that name.)
//!
//! The answer names the object where it may, and else what stands against it: the mask, or the time. An object here has
//! no Usage Limits, so that any number of units is allowed. Nothing is opened, and no cloud is asked.
//!
//! Invariant: where the use is refused, the ID Placeholder is empty afterwards, so that the batch cannot go on with it.

use std::borrow::Cow;

use crate::kmip::ResponsePayload;
use crate::kmip::enums::ResultReason;
use crate::kmip::payload::Check;

use super::attributes::LEASE_TIME;
use super::{Failed, Outcome, Request, destroyed};

pub(super) async fn run(request: &mut Request<'_>, payload: &Check<'_>) -> Outcome {
    let id = request.meant(payload.unique_identifier)?.to_owned();
    let object = request.operations.find(&id)?.object;
    if object.state.is_destroyed() {
        return Err(destroyed(&id));
    }
    if !object.object_type.has_material() {
        let why = "a template cannot be used for anything that Check asks about";
        return Err(Failed::new(ResultReason::ILLEGAL_OPERATION, why));
    }
    let cryptographic_usage_mask = payload.cryptographic_usage_mask.filter(|mask| {
        let wanted = u32::from_ne_bytes(mask.to_ne_bytes());
        object.usage_mask & wanted != wanted
    });
    let lease_time = payload.lease_time.filter(|seconds| *seconds > LEASE_TIME);
    let refused = cryptographic_usage_mask.is_some() || lease_time.is_some();
    *request.placeholder = (!refused).then(|| id.clone());
    let unique_identifier = (!refused).then_some(Cow::Owned(id));
    Ok(ResponsePayload::Check { unique_identifier, cryptographic_usage_mask, lease_time })
}
