//! K7: once everything around is healed, the scenario's `final` holds.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::scenario::Outcome;
use crate::trace::{ProcessState, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K7",
    name: "heals",
    meaning: "after everything around is healed and mongod is started again, the outcome is what `final` says",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found { exercised: 1, broken: Vec::new() };
    let after: Vec<_> = run.events().iter().filter(|event| event.at >= run.played.epilogue).collect();
    let asked = after.iter().any(|event| matches!(event.what, What::Request { .. }));
    let opened = after
        .iter()
        .any(|event| event.host == "mongod" && matches!(event.what, What::Process { state: ProcessState::Ready, .. }));
    let since = seconds(run.played.epilogue);
    match run.scenario.outcome {
        Outcome::Opens if !opened => {
            found.broken.push(format!("healed at {since}, and mongod still does not get its key"));
        }
        Outcome::StaysClosed if opened => {
            found.broken.push(format!("healed at {since}, and mongod opened what must stay closed"));
        }
        _ if !asked => found.broken.push(format!("healed at {since}, and mongod did not even ask")),
        _ => {}
    }
    found
}
