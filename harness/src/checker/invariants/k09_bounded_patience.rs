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

#[cfg(test)]
mod tests {
    use crate::checker::story::Story;

    fn tried(times: usize, last: u64) -> (u64, Vec<String>) {
        let connect = |story: Story, _| story.connect("203.0.113.1:443", "kms", false);
        let story = (1..times).fold(Story::plain().ask("Get"), connect);
        connect(story.at(last), 0).fail("general-failure", |_| {}).found("K9")
    }

    #[test]
    fn as_many_connections_as_the_bound_keep_it_and_one_more_breaks_it() {
        assert_eq!(tried(4, 100), (1, vec![]));
        let broken = "the request of 0.000s cost 5 connections, the bound is 4".to_owned();
        assert_eq!(tried(5, 100), (1, vec![broken]));
    }

    #[test]
    fn trying_on_after_the_deadline_breaks_it() {
        assert_eq!(tried(1, 4500), (1, vec![]));
        let broken = "the request of 0.000s was still being tried after 4.501s".to_owned();
        assert_eq!(tried(1, 4501), (1, vec![broken]));
    }

    #[test]
    fn a_request_that_asks_no_cloud_does_not_exercise_it() {
        assert_eq!(Story::plain().ask("Get").succeed(|_| {}).found("K9"), (0, vec![]));
    }
}
