//! Obtain Lease (KMIP 1.4 section 4.17): for how long a client may use an object without asking again.
//!
//! Always the same hour, except for an object that is compromised: nobody shall go on using that. Nothing is written, and
//! no cloud is asked.

use std::borrow::Cow;

use crate::keys::State;
use crate::kmip::ResponsePayload;
use crate::kmip::enums::ResultReason;
use crate::kmip::payload::ObtainLease;

use super::attributes::LEASE_TIME;
use super::{Failed, Outcome, Request, destroyed};

pub(super) async fn run(request: &mut Request<'_>, payload: &ObtainLease<'_>) -> Outcome {
    let id = request.meant(payload.unique_identifier)?;
    let object = request.operations.find(id)?.object;
    if object.state.is_destroyed() {
        return Err(destroyed(id));
    }
    if object.state == State::Compromised {
        // KMIP 1.4 section 11.18.
        let why = "there is no lease of an object in state Compromised";
        return Err(Failed::new(ResultReason::PERMISSION_DENIED, why));
    }
    Ok(ResponsePayload::ObtainLease {
        unique_identifier: Cow::Owned(id.to_owned()),
        lease_time: LEASE_TIME,
        last_change_date: object.last_change_date,
    })
}
