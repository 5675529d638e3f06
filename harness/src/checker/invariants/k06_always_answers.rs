//! K6: every well-framed request gets exactly one answer, in time and in shape.
//!
//! Excused are exchanges whose client or server was stopped before the deadline: the scenario cut those connections. A
//! client that waits longer in vain is not excused by being stopped in the end.

use std::time::Duration;

use super::{Found, Invariant};
use crate::checker::{Exchange, Run, seconds};
use crate::trace::{Event, ProcessState, What};

pub(super) const INVARIANT: Invariant = Invariant {
    id: "K6",
    name: "always-answers",
    meaning: "every request gets exactly one answer within the deadline, with Operation, ResultReason and a \
              ResultMessage of one ASCII line of at most 256 bytes on failure, in the version that was asked",
    judge,
};

/// What the network may add to the deadline of the proxy: handshakes and round trips at the world's latencies.
const NETWORK: Duration = Duration::from_millis(500);

fn judge(run: &Run<'_>) -> Found {
    let mut found = Found::default();
    let deadline = run.scenario.world.proxy.kms_deadline + NETWORK;
    for exchange in run.exchanges() {
        found.exercised += 1;
        let at = seconds(exchange.sent.at);
        let name = exchange.operations.join(", ");
        let (answered, asked) = (exchange.answers.len(), exchange.operations.len());
        if answered > asked || (answered < asked && !cut(&exchange, deadline)) {
            let seen = match exchange.gave_up.map(|event| &event.what) {
                Some(What::NoAnswer { why, .. }) => format!("no answer ({why})"),
                _ => format!("{} answers", exchange.answers.len()),
            };
            found.broken.push(format!("the {name} sent at {at} got {seen}"));
        }
        for answer in &exchange.answers {
            for fault in faults(&exchange, answer, deadline) {
                found.broken.push(format!("the answer to the {name} sent at {at} {fault}"));
            }
        }
    }
    found
}

/// Whether the scenario ended one of the two before the deadline had come.
fn cut(exchange: &Exchange<'_>, deadline: Duration) -> bool {
    let in_time = exchange.between.iter().take_while(|event| event.at <= exchange.sent.at + deadline);
    in_time.into_iter().any(|event| match &event.what {
        What::Process { state, .. } => {
            (event.host == "proxy" || event.host == exchange.sent.host)
                && matches!(state, ProcessState::Stopped | ProcessState::Crashed)
        }
        _ => false,
    })
}

fn faults(exchange: &Exchange<'_>, answer: &Event, deadline: Duration) -> Vec<String> {
    let mut faults = Vec::new();
    let (operation, version, status, reason, message, length, after) = match &answer.what {
        What::Answer { operation, version, status, reason, message, length, after, .. } => {
            (operation, version, status, reason, message, *length, *after)
        }
        What::Malformed { why, .. } => return vec![format!("is malformed: {why}")],
        _ => return faults,
    };
    if version != exchange.version {
        faults.push(format!("is in version {version} instead of {}", exchange.version));
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
        assert_eq!(fault(|answer| answer.length = 8193), "has 8193 bytes, which is more than the client takes");
        for message in ["two\nlines", "\u{e9}clair", &"long ".repeat(52)] {
            let broken = answered(100, |answer| answer.message = Some(message.to_owned()));
            assert!(broken[0].contains("has a ResultMessage that is not one ASCII line"), "{broken:?}");
        }
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
    fn whoever_is_cut_off_before_the_deadline_is_excused() {
        for (host, state) in [
            ("mongod", ProcessState::Stopped),
            ("mongod", ProcessState::Crashed),
            ("proxy", ProcessState::Stopped),
            ("proxy", ProcessState::Crashed),
        ] {
            let story = Story::plain().ask("Get").at(2000).process(host, state);
            assert_eq!(story.found("K6"), (1, vec![]), "{host} {state:?}");
        }
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

    #[test]
    fn being_cut_off_excuses_a_missing_answer_and_not_a_second_one() {
        let story = Story::plain().ask("Get").succeed(|_| {}).succeed(|_| {}).process("proxy", ProcessState::Crashed);
        assert_eq!(story.found("K6").1.len(), 1);
        let story = Story::plain().ask("Get").succeed(|_| {}).process("proxy", ProcessState::Crashed).succeed(|_| {});
        assert_eq!(story.found("K6").1.len(), 1);
    }
}
