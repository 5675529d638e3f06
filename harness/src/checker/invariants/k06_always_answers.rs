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
        if exchange.answers.len() != exchange.operations.len() && !cut(&exchange, deadline) {
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
