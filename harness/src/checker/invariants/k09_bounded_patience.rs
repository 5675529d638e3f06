//! K9: a request costs a bounded number of connections to the key service, and a bounded time.

use std::time::Duration;

use super::{Found, Invariant};
use crate::checker::{Run, seconds};
use crate::trace::What;

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K9",
    name: "bounded-patience",
    meaning: "attempts and time per request stay under their bounds: no retry storm",
    judge,
};

/// What the last step may take beyond the deadline: one tick of the simulation, and the answer's way back.
const SLACK: Duration = Duration::from_millis(500);

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    let most = run.played.attempts_most;
    let longest = run.scenario.world.proxy.kms_deadline + SLACK;
    for exchange in run.exchanges() {
        let attempts: Vec<_> = exchange
            .between
            .iter()
            .filter(|event| event.host == "proxy" && matches!(event.what, What::Connect { error: None, .. }))
            .collect();
        let (Some(_), Some(last)) = (attempts.first(), attempts.last()) else { continue };
        found.exercised += 1;
        let at = seconds(exchange.sent.at);
        if attempts.len() > most {
            let count = attempts.len();
            found.broken.push(format!("the request of {at} cost {count} connections, the bound is {most}"));
        }
        let spent = last.at.saturating_sub(exchange.sent.at);
        if spent > longest {
            found.broken.push(format!("the request of {at} was still being tried after {}", seconds(spent)));
        }
    }
    found
}
