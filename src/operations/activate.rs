//! Activate (KMIP 1.4 section 4.19): the object may be used from now on.
//!
//! Percona Server sends it after Register; MongoDB Enterprise is told not to with `--kmipActivateKeys false`. It changes
//! the key file and asks no cloud: activating opens nothing.

use std::borrow::Cow;

use crate::keys::{Event, UpdateError};
use crate::kmip::ResponsePayload;
use crate::kmip::enums::ResultReason;
use crate::kmip::payload::Activate;
use crate::operator::Failure;

use super::{Failed, Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &Activate<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let found = operations.find(id)?;
    if found.object.state.is_destroyed() {
        return Err(super::not_found(id));
    }
    let now = operations.now();
    let changed = operations.layout.update(id, &mut |key| {
        key.object.pass_to(now);
        key.object.apply(Event::Activate, now)
    });
    match changed {
        Ok(_) => Ok(ResponsePayload::Activate { unique_identifier: Cow::Owned(id.to_owned()) }),
        // It was there a moment ago. What became of it decides what is said: a file that somebody moves away in between
        // must not look like a key that never existed.
        Err(UpdateError::NotPresent) => Err(match operations.find(id) {
            Err(failed) => failed,
            Ok(_) => Failed::new(ResultReason::GENERAL_FAILURE, "the files of the key changed meanwhile; try again"),
        }),
        // KMIP 1.4 section 11.19: Permission Denied for an object that is not Pre-Active.
        Err(UpdateError::Refused(refused)) => Err(Failed::new(ResultReason::PERMISSION_DENIED, refused.to_string())),
        Err(UpdateError::Layout(error)) => {
            let failure =
                Failure::of_layout(id, operations.provider, &error).with_files(operations.layout.files_of(id));
            Err(operations.tell(&failure))
        }
    }
}
