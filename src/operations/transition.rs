//! What Activate, Revoke, Destroy and the changes of attributes share: an object that becomes another.
//!
//! Invariant: a change is told only once it is durable, and one that was refused has changed nothing.

use crate::keys::{Refused, UpdateError, WrappedKey};
use crate::kmip::enums::ResultReason;
use crate::operator::Failure;

use super::{Failed, Operations};

/// Changes the state of an object that was found a moment ago. The change is given the time; where the state machine
/// refuses it, the client is told so for the reason `refusal`.
pub(super) fn transition(
    operations: &Operations,
    id: &str,
    refusal: ResultReason,
    transition: impl Fn(&mut WrappedKey, i64) -> Result<(), Refused>,
) -> Result<(), Failed> {
    change(operations, id, |key, now| transition(key, now).map_err(|refused| Failed::new(refusal, refused.to_string())))
}

/// Changes an object that was found a moment ago, and returns what the change does. The change is given the time, and
/// may refuse.
pub(super) fn change<T>(
    operations: &Operations,
    id: &str,
    change: impl Fn(&mut WrappedKey, i64) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let now = operations.now();
    let mut outcome = None;
    let changed = operations.layout.update(id, &mut |key| {
        key.object.pass_to(now);
        let done = change(key, now);
        let refused = done.is_err();
        outcome = Some(done);
        if refused { Err(UpdateError::Abandoned) } else { Ok(()) }
    });
    match (changed, outcome) {
        (Ok(_), Some(Ok(done))) => Ok(done),
        (_, Some(Err(failed))) => Err(failed),
        (Err(UpdateError::Layout(error)), _) => {
            let failure =
                Failure::of_layout(id, operations.provider, &error).with_files(operations.layout.files_of(id));
            Err(operations.tell(&failure))
        }
        // It was there a moment ago. What became of it decides what is said: a file that somebody moves away in between
        // must not look like a key that never existed.
        _ => Err(match operations.find(id) {
            Err(failed) => failed,
            Ok(_) => Failed::new(ResultReason::GENERAL_FAILURE, "the files of the key changed meanwhile; try again"),
        }),
    }
}
