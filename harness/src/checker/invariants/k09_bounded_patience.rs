//! K9: a request costs a bounded number of connections to the key service, and a bounded time; what has succeeded is not
//! asked again; without a request there is no connection, and none once its client has hung up.
//!
//! The bound is the laboratory's own: it follows from the scenario, not from what the product says of itself. The time of
//! a request that hung on its way begins when it goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Found, Invariant};
use crate::checker::{Exchange, Run, seconds};
use crate::scenario::{CredentialsKind, Provider, World};
use crate::trace::{Event, ProcessState, Unseen, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K9",
    name: "bounded-patience",
    meaning: "attempts and time per request stay under their bounds, and end with the success or the client: no retry \
              storm, no key opened twice",
    judge,
};

/// What the last step may take beyond the deadline: one tick of the simulation, and the answer's way back.
const SLACK: Duration = Duration::from_millis(500);

/// How long a hung request may hold up those after it.
const HELD_BACK: Duration = Duration::from_secs(60);

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
        let may_be_of_others = run.is_unseen(Unseen::Callers) && checked(run, exchange);
        if attempts.len() > most && !may_be_of_others {
            let count = attempts.len();
            found.broken.push(format!("the request of {at} cost {count} connections, the bound is {most}"));
        }
        let spent = last.at.saturating_sub(exchange.sent.at);
        if spent > longest && !held_back(run, exchange, last, longest) {
            found.broken.push(format!("the request of {at} was still being tried after {}", seconds(spent)));
        }
        // What a stall has held back may be carried out together with its own repetition.
        let held_back = run.stalled(exchange.sent.at.saturating_sub(HELD_BACK), last.at);
        if !held_back && !checked(run, exchange) {
            for (through, times) in successes(exchange) {
                if times > exchange.operations.len() {
                    let what = format!("the request of {at} opened or wrapped a key {times} times through {through}");
                    found.broken.push(what);
                }
            }
        }
    }
    for event in run.events().iter().filter(|event| is_attempt(event)) {
        let asked = |exchange: &Exchange<'_>| {
            let held_back = exchange.answers.is_empty() && held_back(run, exchange, event, longest);
            held_back || asks_for(run, exchange, event, longest)
        };
        let of_check = run.is_unseen(Unseen::Callers) && checks_at(run, event.at);
        if !of_check && !exchanges.iter().any(asked) {
            found.broken.push(format!("at {} the proxy connected on no request's behalf", seconds(event.at)));
        }
    }
    found
}

/// How many connections one request may cost.
fn most(world: &World) -> usize {
    // Where the scenario names no endpoint there is still the public one of the region.
    let to_kms = PASSES * world.kms.endpoints.len().max(1);
    match (world.provider, world.credentials.kind) {
        (Provider::Aws | Provider::Local, CredentialsKind::User | CredentialsKind::Session) => to_kms,
        // A token service has one address.
        (Provider::Azure | Provider::Gcp, _) | (_, CredentialsKind::Role) => SESSIONS * (PASSES + to_kms),
    }
}

/// Whether the proxy begins to connect to a cloud; that it fails is told by a second event.
fn is_attempt(event: &Event) -> bool {
    event.host == "proxy" && matches!(event.what, What::Connect { error: None, .. })
}

/// How often each endpoint opened or wrapped a key for a request. An answer that broke off is asked for again, but
/// through another endpoint.
fn successes<'a>(exchange: &Exchange<'a>) -> BTreeMap<&'a str, usize> {
    let mut successes = BTreeMap::new();
    for event in exchange.between {
        if let What::Call { operation, status: 200, code: None, .. } = &event.what
            && matches!(operation.as_str(), "Decrypt" | "Encrypt")
        {
            *successes.entry(event.host.as_str()).or_default() += 1;
        }
    }
    successes
}

/// Whether the operator's check ran meanwhile: it opens every key itself, and the clouds do not say for whom they do.
fn checked(run: &Run<'_>, exchange: &Exchange<'_>) -> bool {
    checks_at(run, exchange.sent.at) || exchange.between.iter().any(|event| event.host == "check")
}

/// Whether the operator's check ran at a moment.
fn checks_at(run: &Run<'_>, at: Duration) -> bool {
    run.process_at("check", at) == Some(ProcessState::Started)
}

/// Whether an attempt may be made for a request. One that is never answered may cost attempts until its deadline, or
/// until the proxy has heard its client hang up.
fn asks_for(run: &Run<'_>, exchange: &Exchange<'_>, attempt: &Event, longest: Duration) -> bool {
    let sent = exchange.sent;
    sent.ordinal < attempt.ordinal
        && match (exchange.answers.last(), hung_up(exchange)) {
            (Some(answer), _) => attempt.ordinal < answer.ordinal,
            (None, Some(at)) if !run.stalled(sent.at, at + longest) => {
                let world = &run.scenario.world;
                attempt.at <= (sent.at + longest).min(at + world.latency.end + 2 * world.tick)
            }
            (None, _) => attempt.at <= sent.at + longest,
        }
}

/// When a client closed the connection on which it was owed an answer. One that was cut off says nothing to anybody.
fn hung_up(exchange: &Exchange<'_>) -> Option<Duration> {
    let stopped = exchange.between.last().filter(|event| {
        let over = matches!(event.what, What::Process { state: ProcessState::Stopped | ProcessState::Exited, .. });
        over && event.host == exchange.sent.host
    });
    exchange.gave_up.or(stopped).map(|event| event.at)
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
    use crate::trace::{ProcessState, Unseen, What};

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
            format!("final = \"opens\"\nworld.kms.endpoints = [{endpoints}]\nworld.credentials.kind = \"{kind}\"");
        Story::of(&world, "  { at = \"1s\", start = \"mongod\" },")
    }

    #[test]
    fn as_many_connections_as_the_bound_keep_it_and_one_more_breaks_it() {
        for (endpoints, kind, most) in [
            ("\"public\"", "user", 2),
            ("\"public\"", "session", 2),
            ("\"private-a\", \"private-b\", \"public\"", "user", 6),
            ("\"public\"", "role", 8),
            ("\"private-a\", \"public\"", "role", 12),
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
    fn who_does_not_see_the_callers_takes_the_connections_of_a_check_for_its_own_while_it_runs() {
        let run = || connect(Story::plain().process("check", ProcessState::Started));
        assert_eq!(run().found("K9").1.len(), 1, "the proxy's, and nobody asked");
        let unseen = |story: Story| story.without_seeing(&[Unseen::Callers]).found("K9").1.len();
        assert_eq!(unseen(run()), 0);
        assert_eq!(unseen(connect(run().at(500).process("check", ProcessState::Exited).at(1000))), 1, "it is over");
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
        let cut_off = || Story::plain().ask("Get").at(1000).process("mongod", ProcessState::Crashed);
        assert_eq!(connect(cut_off().at(4500)).found("K9").1, Vec::<String>::new());
        assert_eq!(connect(cut_off().at(4501)).found("K9").1.len(), 1);
    }

    #[test]
    fn a_request_whose_client_has_hung_up_may_be_tried_until_the_proxy_has_heard_it() {
        let asked = || Story::plain().ask("Get").at(1000);
        for hung_up in [0, 1] {
            let hung_up = || match hung_up {
                0 => asked().give_up(),
                _ => asked().process("mongod", ProcessState::Stopped),
            };
            assert_eq!(connect(hung_up().at(1050)).found("K9").1, Vec::<String>::new(), "30 ms on the way, two ticks");
            assert_eq!(connect(hung_up().at(1051)).found("K9").1.len(), 1);
        }
        let other = asked().process("relay", ProcessState::Stopped).at(1051);
        assert_eq!(connect(other).found("K9").1, Vec::<String>::new());
        let timeline = "  { at = \"1s\", stall = \"proxy\" },\n  { at = \"9s\", resume = \"proxy\" },";
        let stalled = Story::of("final = \"opens\"", timeline).fired(0, 500).fired(1, 9000).ask("Get");
        assert_eq!(connect(stalled.at(1000).give_up().at(1051)).found("K9").1, Vec::<String>::new(), "it cannot hear");
    }

    /// The key service answers a call through an endpoint.
    fn called(story: Story, through: &str, operation: &str, code: Option<&str>) -> Story {
        let status = if code.is_some() { 400 } else { 200 };
        let what = What::Call {
            service: "kms".to_owned(),
            operation: operation.to_owned(),
            cmk: None,
            principal: None,
            status,
            code: code.map(str::to_owned),
        };
        connect(story).event(through, what)
    }

    #[test]
    fn what_the_operators_check_opens_meanwhile_is_not_the_proxys() {
        let twice = |story: Story| {
            let story = called(called(story, "public", "Decrypt", None), "public", "Decrypt", None);
            story.succeed(|_| {}).found("K9").1
        };
        let started = || Story::plain().process("check", ProcessState::Started);
        assert_eq!(twice(started().ask("Get")), Vec::<String>::new(), "it ran before");
        assert_eq!(twice(Story::plain().ask("Get").process("check", ProcessState::Exited)), Vec::<String>::new());
        assert_eq!(twice(started().process("check", ProcessState::Exited).ask("Get")).len(), 1, "it is over");
    }

    #[test]
    fn what_has_succeeded_may_be_asked_again_through_another_endpoint_alone() {
        let asked = |calls: &[(&str, &str, Option<&str>)]| {
            let story = of("\"private-a\", \"public\"", "user").ask("Get");
            let story =
                calls.iter().fold(story, |story, (through, operation, code)| called(story, through, operation, *code));
            story.succeed(|_| {}).found("K9").1
        };
        let none = Vec::<String>::new();
        let refused = Some("ThrottlingException");
        assert_eq!(asked(&[("public", "Decrypt", refused), ("public", "Decrypt", None)]), none);
        assert_eq!(asked(&[("private-a", "Decrypt", None), ("public", "Decrypt", None)]), none, "the first broke off");
        assert_eq!(asked(&[("public", "DescribeKey", None), ("public", "DescribeKey", None)]), none);
        for operation in ["Decrypt", "Encrypt"] {
            let told = "the request of 0.000s opened or wrapped a key 2 times through public";
            assert_eq!(asked(&[("public", operation, None), ("public", operation, None)]), [told]);
        }
    }
}
