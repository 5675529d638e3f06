//! What Activate, Revoke and Destroy share: an object that changes its state.
//!
//! Invariant: a change is told only once it is durable, and one that was refused has changed nothing.

use crate::keys::{Refused, UpdateError, WrappedKey};
use crate::kmip::enums::ResultReason;
use crate::operator::Failure;

use super::{Failed, Operations};

/// Changes an object that was found a moment ago. The change is given the time; where the state machine refuses it, the
/// client is told so for the reason `refusal`.
pub(super) fn transition(
    operations: &Operations,
    id: &str,
    refusal: ResultReason,
    change: impl Fn(&mut WrappedKey, i64) -> Result<(), Refused>,
) -> Result<(), Failed> {
    let now = operations.now();
    let changed = operations.layout.update(id, &mut |key| {
        key.object.pass_to(now);
        change(key, now)
    });
    match changed {
        Ok(_) => Ok(()),
        // It was there a moment ago. What became of it decides what is said: a file that somebody moves away in between
        // must not look like a key that never existed.
        Err(UpdateError::NotPresent) => Err(match operations.find(id) {
            Err(failed) => failed,
            Ok(_) => Failed::new(ResultReason::GENERAL_FAILURE, "the files of the key changed meanwhile; try again"),
        }),
        Err(UpdateError::Refused(refused)) => Err(Failed::new(refusal, refused.to_string())),
        Err(UpdateError::Layout(error)) => {
            let failure =
                Failure::of_layout(id, operations.provider, &error).with_files(operations.layout.files_of(id));
            Err(operations.tell(&failure))
        }
    }
}
