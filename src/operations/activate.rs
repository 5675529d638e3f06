//! Activate (KMIP 1.4 section 4.19): the object may be used from now on.
//!
//! Percona Server sends it after Register; MongoDB Enterprise is told not to with `--kmipActivateKeys false`. It changes
//! the key file and asks no cloud: activating opens nothing.

use std::borrow::Cow;

use crate::keys::Event;
use crate::kmip::ResponsePayload;
use crate::kmip::enums::ResultReason;
use crate::kmip::payload::Activate;

use super::transition::transition;
use super::{Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &Activate<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let found = operations.find(id)?;
    if found.object.state.is_destroyed() {
        return Err(super::destroyed(id));
    }
    super::refuse_template(&found, "activated")?;
    // KMIP 1.4 section 11.20: Permission Denied for an object that is not Pre-Active.
    transition(operations, id, ResultReason::PERMISSION_DENIED, |key, now| key.object.apply(Event::Activate, now))?;
    Ok(ResponsePayload::Activate { unique_identifier: Cow::Owned(id.to_owned()) })
}
