//! K9: a request costs a bounded number of connections to the key service, and a bounded time; without a request there
//! is none.
//!
//! The bound is the laboratory's own: it follows from the scenario, not from what the product says of itself. The time of
//! a request that hung on its way begins when it goes on.

use std::time::Duration;

use super::{Found, Invariant};
use crate::checker::{Exchange, Run, seconds};
use crate::scenario::{CredentialsKind, World};
use crate::trace::{Event, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K9",
    name: "bounded-patience",
    meaning: "attempts and time per request stay under their bounds: no retry storm",
    judge,
};

/// What the last step may take beyond the deadline: one tick of the simulation, and the answer's way back.
const SLACK: Duration = Duration::from_millis(500);

/// How often all ways to a service may be gone through for one call.
const PASSES: usize = 2;

/// How often a call may be made anew: once, with a new session of the role.
const SESSIONS: usize = 2;

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    let most = most(&run.scenario.world);
    let longest = run.scenario.world.proxy.kms_deadline + SLACK;
    let exchanges = run.exchanges();
    for exchange in &exchanges {
        let attempts: Vec<_> = exchange.between.iter().filter(|event| is_attempt(event)).collect();
        let Some(last) = attempts.last() else { continue };
        found.exercised += 1;
        let at = seconds(exchange.sent.at);
        if attempts.len() > most {
            let count = attempts.len();
            found.broken.push(format!("the request of {at} cost {count} connections, the bound is {most}"));
        }
        let spent = last.at.saturating_sub(exchange.sent.at);
        if spent > longest && !held_back(run, exchange, last, longest) {
            found.broken.push(format!("the request of {at} was still being tried after {}", seconds(spent)));
        }
    }
    for event in run.events().iter().filter(|event| is_attempt(event)) {
        let asked = |exchange: &Exchange<'_>| {
            let held_back = exchange.answers.is_empty() && held_back(run, exchange, event, longest);
            held_back || asks_for(exchange, event, longest)
        };
        if !exchanges.iter().any(asked) {
            found.broken.push(format!("at {} the proxy connected on no request's behalf", seconds(event.at)));
        }
    }
    found
}

/// How many connections one request may cost.
fn most(world: &World) -> usize {
    // Where the scenario names no endpoint there is still the public one of the region.
    let to_kms = PASSES * world.aws.endpoints.len().max(1);
    match world.credentials.kind {
        CredentialsKind::User | CredentialsKind::Session => to_kms,
        // STS has one address.
        CredentialsKind::Role => SESSIONS * (PASSES + to_kms),
    }
}

/// Whether the proxy begins to connect to a cloud; that it fails is told by a second event.
fn is_attempt(event: &Event) -> bool {
    event.host == "proxy" && matches!(event.what, What::Connect { error: None, .. })
}

/// Whether an attempt may be made for a request. One that is never answered may cost attempts until its deadline,
/// whatever becomes of its client.
fn asks_for(exchange: &Exchange<'_>, attempt: &Event, longest: Duration) -> bool {
    let sent = exchange.sent;
    sent.ordinal < attempt.ordinal
        && match exchange.answers.last() {
            Some(answer) => attempt.ordinal < answer.ordinal,
            None => attempt.at <= sent.at + longest,
        }
}

/// Whether a request may have reached the proxy only when it or mongod went on after having hung.
fn held_back(run: &Run<'_>, exchange: &Exchange<'_>, attempt: &Event, longest: Duration) -> bool {
    let sent = exchange.sent;
    let since = sent.at.max(attempt.at.saturating_sub(longest));
    sent.ordinal < attempt.ordinal && run.stalled(since, attempt.at)
}

#[cfg(test)]
mod tests {
    use crate::checker::story::Story;

    fn connect(story: Story) -> Story {
        story.connect("203.0.113.1:443", "kms", false)
    }

    fn tried(story: Story, times: usize, last: u64) -> (u64, Vec<String>) {
        let story = (1..times).fold(story.ask("Get"), |story, _| connect(story));
        connect(story.at(last)).fail("general-failure", |_| {}).found("K9")
    }

    /// A scenario with these endpoints and credentials.
    fn of(endpoints: &str, kind: &str) -> Story {
        let world =
            format!("final = \"opens\"\nworld.kms.aws.endpoints = [{endpoints}]\nworld.credentials.kind = \"{kind}\"");
        Story::of(&world, "  { at = \"1s\", start = \"mongod\" },")
    }

    #[test]
    fn as_many_connections_as_the_bound_keep_it_and_one_more_breaks_it() {
        for (endpoints, kind, most) in [
            ("\"public\"", "user", 2),
            ("\"public\"", "session", 2),
            ("\"vpce-a\", \"vpce-b\", \"public\"", "user", 6),
            ("\"public\"", "role", 8),
            ("\"vpce-a\", \"public\"", "role", 12),
        ] {
            assert_eq!(tried(of(endpoints, kind), most, 100), (1, vec![]), "{endpoints} {kind}");
            let broken = format!("the request of 0.000s cost {} connections, the bound is {most}", most + 1);
            assert_eq!(tried(of(endpoints, kind), most + 1, 100), (1, vec![broken]), "{endpoints} {kind}");
        }
    }

    #[test]
    fn trying_on_after_the_deadline_breaks_it() {
        assert_eq!(tried(Story::plain(), 1, 4500), (1, vec![]));
        let broken = "the request of 0.000s was still being tried after 4.501s".to_owned();
        assert_eq!(tried(Story::plain(), 1, 4501), (1, vec![broken]));
    }

    #[test]
    fn a_request_that_asks_no_cloud_does_not_exercise_it() {
        assert_eq!(Story::plain().ask("Get").succeed(|_| {}).found("K9"), (0, vec![]));
    }

    #[test]
    fn connecting_on_no_requests_behalf_breaks_it() {
        let told = |at: &str| vec![format!("at {at} the proxy connected on no request's behalf")];
        assert_eq!(connect(Story::plain()).ask("Get").succeed(|_| {}).found("K9"), (0, told("0.000s")), "before");
        let after = Story::plain().ask("Get").at(100).succeed(|_| {}).at(200);
        assert_eq!(connect(after).found("K9"), (0, told("0.200s")), "after");
    }

    #[test]
    fn the_time_of_a_request_that_hung_begins_when_it_goes_on() {
        let timeline = "  { at = \"1s\", stall = \"proxy\" },\n  { at = \"10s\", resume = \"proxy\" },";
        let hung = || Story::of("final = \"opens\"", timeline).fired(0, 1000).fired(1, 10_000).at(900).ask("Get");
        let late = |at: u64| connect(hung().at(at)).at(at).succeed(|_| {}).found("K9").1.len();
        assert_eq!((late(14_500), late(14_501)), (0, 1));
        let unanswered = |at: u64| connect(hung().at(5900).give_up().at(at)).found("K9").1.len();
        assert_eq!((unanswered(14_500), unanswered(14_501)), (0, 1));
    }

    #[test]
    fn a_request_that_was_never_answered_may_be_tried_until_its_deadline() {
        let given_up = || Story::plain().ask("Get").at(1000).give_up();
        assert_eq!(connect(given_up().at(4500)).found("K9").1, Vec::<String>::new());
        assert_eq!(connect(given_up().at(4501)).found("K9").1.len(), 1);
    }
}
