//! Revoke (KMIP 1.4 section 4.20): the object may no longer be used as before.
//!
//! A compromise is noted in any state but that of an earlier compromise, also of an object that is destroyed; any other
//! reason deactivates an object that is active. No cloud is asked: the wrapped key stays as it is.

use std::borrow::Cow;

use crate::keys::{Event, Revocation};
use crate::kmip::ResponsePayload;
use crate::kmip::enums::{ResultReason, RevocationReasonCode};
use crate::kmip::payload::Revoke;

use super::transition::transition;
use super::{Failed, Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &Revoke<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let reason = &payload.revocation_reason;
    if !RevocationReasonCode::ALL.contains(&reason.code) {
        let why = format!("the Revocation Reason Code {} is not one of the standard", reason.code);
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    let occurred = payload.compromise_occurrence_date;
    if occurred.is_some() && Event::of_revocation(reason.code.0) != Event::Compromise {
        let why = "a Compromise Occurrence Date is for a compromise, and the Revocation Reason is another";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    super::refuse_template(&operations.find(id)?, "revoked")?;
    // KMIP 1.4 section 11.21: Illegal Operation for an object that cannot be revoked.
    transition(operations, id, ResultReason::ILLEGAL_OPERATION, |key, now| {
        let revocation = Revocation { code: reason.code.0, message: reason.message.clone() };
        key.object.revoke(revocation, occurred, now)
    })?;
    Ok(ResponsePayload::Revoke { unique_identifier: Cow::Owned(id.to_owned()) })
}
