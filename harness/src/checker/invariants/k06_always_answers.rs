//! K6: every well-framed request gets exactly one answer, in time and in shape.
//!
//! Excused are exchanges that the scenario cut before the deadline: the client was ended, or the proxy was cut off. A
//! proxy that is told to stop has promised the answers in flight, so that this excuses later requests only. A client
//! that waits longer in vain is not excused by being stopped in the end. What was under way while mongod or the proxy
//! hung is excused.

use std::time::Duration;

use super::{Found, Invariant};
use crate::checker::{Exchange, Run, seconds};
use crate::trace::{Event, ProcessState, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K6",
    name: "always-answers",
    meaning: "every request gets exactly one answer within the deadline, with Operation, ResultReason and a \
              ResultMessage of one ASCII line of at most 256 bytes on failure, in the version and of the \
              operation and object that were asked; a good-bye is answered by closing",
    judge,
};

/// What the network may add to the deadline of the proxy: handshakes and round trips at the world's latencies.
const NETWORK: Duration = Duration::from_millis(500);

/// How long a client waits at most until its good-bye is answered (checked in every file: `connect_timeout`).
const GOOD_BYE: Duration = Duration::from_secs(60);

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    let deadline = run.scenario.world.proxy.kms_deadline + NETWORK;
    let under_way = run.scenario.world.latency.end;
    for exchange in run.exchanges() {
        let at = seconds(exchange.sent.at);
        let name = exchange.operations.join(", ");
        let (answered, asked) = (exchange.answers.len(), exchange.operations.len());
        let stalled = run.stalled(exchange.sent.at, exchange.sent.at + deadline);
        let excused = answered < asked
            && (stalled
                || hurried(run, &exchange, deadline)
                || cut(&exchange, deadline, under_way)
                || crossed(run, exchange.sent, under_way));
        found.exercised += u64::from(!excused);
        if answered != asked && !excused {
            let seen = match exchange.gave_up.map(|event| &event.what) {
                Some(What::NoAnswer { why, .. }) => format!("no answer ({why})"),
                _ => format!("{} answers", exchange.answers.len()),
            };
            found.broken.push(format!("the {name} sent at {at} got {seen}"));
        }
        for (index, answer) in exchange.answers.iter().enumerate() {
            // What was held back comes late.
            let deadline = if stalled { Duration::MAX } else { deadline };
            for fault in faults(&exchange, index, answer, deadline) {
                found.broken.push(format!("the answer to the {name} sent at {at} {fault}"));
            }
        }
    }
    found.broken.extend(lingering(run));
    found
}

/// Whether the scenario cut the exchange before the deadline had come. A request takes up to `under_way` to arrive.
fn cut(exchange: &Exchange<'_>, deadline: Duration, under_way: Duration) -> bool {
    let mut acted = false;
    for event in exchange.between.iter().take_while(|event| event.at <= exchange.sent.at + deadline) {
        match &event.what {
            // An order to stop that the request may have met on its way is no different from one before it.
            What::Action { .. } => acted |= event.at > exchange.sent.at + under_way,
            What::Process { state: ProcessState::Crashed, .. } if event.host == "proxy" => return true,
            What::Process { state: ProcessState::Stopped, .. } if event.host == "proxy" && !acted => return true,
            What::Process { state: ProcessState::Stopped | ProcessState::Crashed, .. }
                if event.host == exchange.sent.host =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}

/// Whether the client gave up before the deadline, because its session had begun while mongod or the proxy hung.
fn hurried(run: &Run<'_>, exchange: &Exchange<'_>, deadline: Duration) -> bool {
    let sent = exchange.sent.at;
    let patience = run.scenario.world.mongod.connect_timeout;
    exchange.gave_up.is_some_and(|event| event.at < sent + deadline) && run.stalled(sent.saturating_sub(patience), sent)
}

/// Whether the request and the end of the proxy crossed: the proxy was ended, or told to stop, before the request can
/// have reached it, and the news of it was still under way, or came when the client had been turned away.
fn crossed(run: &Run<'_>, sent: &Event, under_way: Duration) -> bool {
    let mut ordered = None;
    for event in run.events() {
        let crossed = match &event.what {
            What::Action { text, .. } if ends_proxy(text) => {
                ordered = Some(event.at);
                continue;
            }
            What::Process { state: ProcessState::Crashed, .. } if event.host == "proxy" => event.ordinal < sent.ordinal,
            What::Process { state: ProcessState::Stopped, .. } if event.host == "proxy" => {
                ordered.take().unwrap_or(event.at) <= sent.at + under_way
            }
            _ => continue,
        };
        if crossed && event.at + under_way >= sent.at {
            return true;
        }
    }
    false
}

/// Whether an event of the scenario stops a proxy that runs, or may do so: one that is started is restarted, and new
/// flags take a restart.
fn ends_proxy(text: &str) -> bool {
    text.contains("\"proxy\"") || text.starts_with("renew")
}

/// A connection that stays open after the client's good-bye, unless the proxy has been ended in the meantime.
fn lingering(run: &Run<'_>) -> Vec<String> {
    let events = run.events();
    let mut broken = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let What::NotClosed { exchange: of, why } = &event.what else { continue };
        let since = events[..index]
            .iter()
            .rev()
            .take_while(|event| !matches!(&event.what, What::Request { exchange, .. } if exchange == of));
        let ended = since.into_iter().any(|event| {
            let over = matches!(event.what, What::Process { state: ProcessState::Stopped | ProcessState::Crashed, .. });
            over && event.host == "proxy"
        });
        if !ended && !run.stalled(event.at.saturating_sub(GOOD_BYE), event.at) {
            broken.push(format!("the connection that said good-bye was not closed by {}: {why}", seconds(event.at)));
        }
    }
    broken
}

fn faults(exchange: &Exchange<'_>, index: usize, answer: &Event, deadline: Duration) -> Vec<String> {
    let mut faults = Vec::new();
    let (operation, version, key, status, reason, message, length, after) = match &answer.what {
        What::Answer { operation, version, key, status, reason, message, length, after, .. } => {
            (operation, version, key, status, reason, message, *length, *after)
        }
        What::Malformed { why, .. } => return vec![format!("is malformed: {why}")],
        _ => return faults,
    };
    if version != exchange.version {
        faults.push(format!("is in version {version} instead of {}", exchange.version));
    }
    // What is too much is told by the number of answers.
    if let (Some(said), Some(asked)) = (operation, exchange.operations.get(index))
        && said != asked
    {
        faults.push(format!("is of the operation {said}"));
    }
    // The trace has the first object that a request names; a batch may name more.
    if let (Some(asked), [_]) = (exchange.key, exchange.operations) {
        match key {
            Some(said) if said != asked => faults.push(format!("is of {said} instead of {asked}")),
            None if status == "Success" => faults.push(format!("does not say that it is of {asked}")),
            _ => {}
        }
    }
    if after > deadline {
        faults.push(format!("came after {}, the deadline is {}", seconds(after), seconds(deadline)));
    }
    if exchange.maximum_response_size.is_some_and(|most| length > most as usize)
        && reason.as_deref() != Some("response-too-large")
    {
        faults.push(format!("has {length} bytes, which is more than the client takes"));
    }
    if status != "Success" {
        if operation.is_none() {
            faults.push("has no Operation".to_owned());
        }
        if reason.is_none() {
            faults.push("has no ResultReason".to_owned());
        }
        match message {
            None => faults.push("has no ResultMessage, on which some clients crash".to_owned()),
            Some(text) if text.len() > 256 || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => {
                faults.push(format!("has a ResultMessage that is not one ASCII line of at most 256 bytes: {text:?}"));
            }
            Some(_) => {}
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::story::{AnswerParts, Story};

    /// What is found in one failed answer after `after` milliseconds.
    fn answered(after: u64, change: impl FnOnce(&mut AnswerParts)) -> Vec<String> {
        let (exercised, broken) = Story::plain().ask("Get").at(after).fail("general-failure", change).found("K6");
        assert_eq!(exercised, 1);
        broken
    }

    #[test]
    fn a_whole_answer_in_time_keeps_it() {
        assert_eq!(answered(100, |_| {}), Vec::<String>::new());
    }

    #[test]
    fn each_fault_of_an_answer_is_named() {
        let fault = |change: fn(&mut AnswerParts)| {
            let broken = answered(100, change);
            assert_eq!(broken.len(), 1, "{broken:?}");
            broken[0].strip_prefix("the answer to the Get sent at 0.000s ").unwrap().to_owned()
        };
        assert_eq!(fault(|answer| answer.has_operation = false), "has no Operation");
        assert_eq!(fault(|answer| answer.reason = None), "has no ResultReason");
        assert_eq!(fault(|answer| answer.message = None), "has no ResultMessage, on which some clients crash");
        assert_eq!(fault(|answer| answer.version = "1.4"), "is in version 1.4 instead of 1.0");
        assert_eq!(fault(|answer| answer.key = Some("key-2".to_owned())), "is of key-2 instead of key-1");
        assert_eq!(fault(|answer| answer.operation = Some("Activate")), "is of the operation Activate");
        assert_eq!(fault(|answer| answer.length = 8193), "has 8193 bytes, which is more than the client takes");
        for message in ["two\nlines", "\u{e9}clair", &"long ".repeat(52)] {
            let broken = answered(100, |answer| answer.message = Some(message.to_owned()));
            assert!(broken[0].contains("has a ResultMessage that is not one ASCII line"), "{broken:?}");
        }
    }

    #[test]
    fn success_names_the_object_that_was_asked_for() {
        let (_, broken) = Story::plain().ask("GetAttributes").succeed(|answer| answer.key = None).found("K6");
        assert_eq!(broken, ["the answer to the GetAttributes sent at 0.000s does not say that it is of key-1"]);
    }

    #[test]
    fn the_limits_themselves_are_kept() {
        assert_eq!(answered(100, |answer| answer.message = Some("m".repeat(256))), Vec::<String>::new());
        assert_eq!(answered(100, |answer| answer.length = 8192), Vec::<String>::new());
        let too_large = Story::plain().ask("Get").fail("response-too-large", |answer| answer.length = 9000);
        assert_eq!(too_large.found("K6"), (1, vec![]), "it says itself that it had no choice");
    }

    #[test]
    fn an_answer_after_the_deadline_breaks_it() {
        assert_eq!(answered(4500, |_| {}), Vec::<String>::new());
        let broken = answered(4501, |_| {});
        assert_eq!(broken, ["the answer to the Get sent at 0.000s came after 4.501s, the deadline is 4.500s"]);
    }

    #[test]
    fn no_answer_breaks_it_and_so_do_two() {
        let (_, broken) = Story::plain().ask("Get").at(5000).give_up().found("K6");
        assert_eq!(broken, ["the Get sent at 0.000s got no answer (timed out)"]);
        let (_, broken) = Story::plain().ask("Get").succeed(|_| {}).succeed(|_| {}).found("K6");
        assert_eq!(broken, ["the Get sent at 0.000s got 2 answers"]);
        let (_, broken) = Story::plain().ask("Get").found("K6");
        assert_eq!(broken, ["the Get sent at 0.000s got 0 answers"]);
    }

    #[test]
    fn whoever_is_cut_off_before_the_deadline_is_excused_and_exercises_nothing() {
        for (host, state) in
            [("mongod", ProcessState::Stopped), ("mongod", ProcessState::Crashed), ("proxy", ProcessState::Crashed)]
        {
            let story = Story::plain().ask("Get").at(2000).action("an order").process(host, state);
            assert_eq!(story.found("K6"), (0, vec![]), "{host} {state:?}");
        }
    }

    #[test]
    fn a_proxy_that_is_told_to_stop_still_answers_what_had_reached_it() {
        let ordered = |after: u64| {
            let story = Story::plain().ask("Get").at(after).action("stop = \"proxy\"");
            story.at(2000).process("proxy", ProcessState::Stopped).give_up().found("K6")
        };
        assert_eq!(ordered(31), (1, vec!["the Get sent at 0.000s got no answer (timed out)".to_owned()]));
        assert_eq!(ordered(30), (0, vec![]), "the request may have been on its way still");
        let sent_later = Story::plain().action("stop = \"proxy\"").at(100).ask("Get").at(200);
        assert_eq!(sent_later.process("proxy", ProcessState::Stopped).give_up().found("K6"), (0, vec![]));
    }

    #[test]
    fn a_client_that_lost_its_time_to_a_hang_may_give_up_early() {
        let timeline = "  { at = \"3s\", stall = \"proxy\" },\n  { at = \"8s\", resume = \"proxy\" },";
        let story = || Story::of("final = \"opens\"", timeline).fired(0, 3000).fired(1, 8000);
        let gives_up = |sent: u64, at: u64| story().at(sent).ask("Get").at(at).give_up().found("K6").1.len();
        assert_eq!(gives_up(8040, 8060), 0);
        assert_eq!(gives_up(8040, 12_540), 1, "it had all the time in the world");
        assert_eq!(gives_up(13_001, 13_010), 1, "the hang was over before the session began");
    }

    #[test]
    fn a_request_that_crosses_the_news_of_the_proxys_end_is_excused_and_a_later_one_is_not() {
        let sent = |after: u64| {
            let story = Story::plain().at(1000).process("proxy", ProcessState::Stopped);
            story.process("proxy", ProcessState::Started).at(1000 + after).ask("Activate").give_up().found("K6")
        };
        assert_eq!(sent(30), (0, vec![]));
        assert_eq!(sent(31).1.len(), 1);
        let by_itself = Story::plain().at(1000).process("proxy", ProcessState::Exited).ask("Activate").give_up();
        assert_eq!(by_itself.found("K6").1.len(), 1);
        let told = |order: u64| {
            let story = Story::plain().at(1000).action("start = \"mongod\"").ask("Get").at(1000 + order);
            let story = story.action("start = \"proxy\"").at(1100).give_up();
            story.at(2000).process("proxy", ProcessState::Stopped).found("K6").1.len()
        };
        assert_eq!((told(30), told(31)), (0, 1), "it stops when others have their answers");
    }

    #[test]
    fn a_good_bye_that_is_not_answered_by_closing_breaks_it_unless_the_proxy_was_ended() {
        let said = || Story::plain().ask("Get").succeed(|_| {}).at(600);
        let broken = "the connection that said good-bye was not closed by 0.600s: still open".to_owned();
        assert_eq!(said().not_closed().found("K6"), (1, vec![broken]));
        for state in [ProcessState::Stopped, ProcessState::Crashed] {
            assert_eq!(said().process("proxy", state).not_closed().found("K6"), (1, vec![]), "{state:?}");
        }
        assert_eq!(said().process("proxy", ProcessState::Exited).not_closed().found("K6").1.len(), 1);
        let before = Story::plain().process("proxy", ProcessState::Stopped).ask("Get").succeed(|_| {}).not_closed();
        assert_eq!(before.found("K6").1.len(), 1, "that was another one");
    }

    #[test]
    fn whoever_is_cut_off_after_the_deadline_or_ends_by_itself_is_not_excused() {
        let late = Story::plain().ask("Get").at(4501).process("mongod", ProcessState::Stopped);
        assert_eq!(late.found("K6").1.len(), 1);
        let exited = Story::plain().ask("Get").at(2000).process("proxy", ProcessState::Exited).at(5000).give_up();
        assert_eq!(exited.found("K6").1.len(), 1);
        let another = Story::plain().ask("Get").at(2000).process("relay", ProcessState::Crashed).at(5000).give_up();
        assert_eq!(another.found("K6").1.len(), 1);
    }

    /// A scenario in which the proxy hangs from the third to the tenth second.
    fn hanging() -> Story {
        let timeline = "  { at = \"3s\", stall = \"proxy\" },\n  { at = \"10s\", resume = \"proxy\" },";
        Story::of("final = \"opens\"", timeline).fired(0, 3000).fired(1, 10_000)
    }

    #[test]
    fn what_is_under_way_while_the_proxy_hangs_may_come_late_or_never_and_not_twice() {
        assert_eq!(hanging().at(2000).ask("Get").at(10_100).succeed(|_| {}).found("K6"), (1, vec![]));
        assert_eq!(hanging().at(5000).ask("Get").at(10_000).give_up().found("K6"), (0, vec![]));
        let before = hanging().ask("Get").at(4600).succeed(|_| {}).found("K6").1;
        assert_eq!(before.len(), 0, "it hung when the answer was due");
        assert_eq!(hanging().at(10_001).ask("Get").at(15_000).give_up().found("K6").1.len(), 1, "it goes on");
        assert_eq!(hanging().at(5000).ask("Get").succeed(|_| {}).succeed(|_| {}).found("K6").1.len(), 1);
    }

    #[test]
    fn being_cut_off_excuses_a_missing_answer_and_not_a_second_one() {
        let story = Story::plain().ask("Get").succeed(|_| {}).succeed(|_| {}).process("proxy", ProcessState::Crashed);
        assert_eq!(story.found("K6").1.len(), 1);
        let story = Story::plain().ask("Get").succeed(|_| {}).process("proxy", ProcessState::Crashed).succeed(|_| {});
        assert_eq!(story.found("K6").1.len(), 1);
    }
}
