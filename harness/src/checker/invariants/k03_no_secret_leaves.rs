//! K3: no key, credential or token stands in a log, an operator's message, a ResultMessage or the trace.
//!
//! The search happens where events are recorded, in every spelling (raw, hexadecimal, base64), before anything is
//! stored; here the findings are counted.

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::What;

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K3",
    name: "no-secret-leaves",
    meaning: "no key, credential or token stands in any text that leaves the proxy",
    judge,
};

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    for event in run.events() {
        match &event.what {
            What::Operator { .. } | What::Log { .. } | What::Answer { .. } => found.exercised += 1,
            What::Finding { invariant, text } if invariant == INVARIANT.id => {
                found.broken.push(format!("at {} {text}", seconds(event.at)));
            }
            _ => {}
        }
    }
    found
}
