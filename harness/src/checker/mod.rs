//! The judge: what the scenario expects, and what must hold whatever it expects.
//!
//! It reads a run that is over: first the invariants, then the `then` of every line, then the outcome.
//!
//! Invariant: judging changes nothing, and uses no code of the product.

mod expectations;
mod invariants;
#[cfg(test)]
mod story;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use crate::scenario::{Action, Scenario};
use crate::trace::{Event, Fingerprint, Played, ProcessState, Unseen, What};

pub use invariants::{INVARIANTS, Invariant};

/// What came of one run.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What did not hold, worst first: invariants, then expectations in the order of the file.
    pub failures: Vec<Failure>,
    /// How often each invariant was put to the test.
    pub exercised: BTreeMap<&'static str, u64>,
}

impl Judgement {
    /// Whether everything held.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// One thing that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was required: an invariant's id and name, or `line 12: start mongod`.
    pub requirement: String,
    /// What should have been seen.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// Where the scenario file asks for it, in bytes.
    pub span: Option<Range<usize>>,
}

/// Judges a run.
pub fn judge(scenario: &Scenario, played: &Played) -> Judgement {
    let run = Run { scenario, played };
    let mut failures = Vec::new();
    let mut exercised = BTreeMap::new();
    if let Some(why) = &played.broke {
        failures.push(Failure {
            requirement: "the run is played to its end".to_owned(),
            expected: format!("{:?} of simulated time", scenario.end),
            observed: why.clone(),
            span: None,
        });
    }
    for invariant in INVARIANTS {
        let found = (invariant.judge)(&run);
        exercised.insert(invariant.id, found.exercised);
        failures.extend(found.broken.into_iter().map(|observed| Failure {
            requirement: format!("{} {}", invariant.id, invariant.name),
            expected: invariant.meaning.to_owned(),
            observed,
            span: None,
        }));
    }
    failures.extend(expectations::judge(&run));
    Judgement { failures, exercised }
}

/// A run with the questions that several judges ask of it.
pub(crate) struct Run<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) played: &'a Played,
}

/// A KMIP request and what came back.
pub(crate) struct Exchange<'a> {
    pub(crate) operations: &'a [String],
    pub(crate) version: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) maximum_response_size: Option<u32>,
    pub(crate) sent: &'a Event,
    /// The answers, one an item; none where the client gave up.
    pub(crate) answers: Vec<&'a Event>,
    pub(crate) gave_up: Option<&'a Event>,
    /// Everything between the request and its end, on all hosts.
    pub(crate) between: &'a [Event],
}

/// One item of an answer, with the operation that it answers.
pub(crate) struct Reply<'a> {
    /// What the answer names, or else what stands at its place in the request.
    pub(crate) operation: &'a str,
    pub(crate) succeeded: bool,
    /// The identifier in the answer.
    pub(crate) key: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
    pub(crate) material: Option<&'a Fingerprint>,
    pub(crate) event: &'a Event,
}

impl Reply<'_> {
    /// Whether it answers an operation that makes an object, and so names none.
    pub(crate) fn makes(&self) -> bool {
        matches!(self.operation, "Register" | "Create")
    }
}

impl<'a> Exchange<'a> {
    /// The well-formed answers, in order.
    pub(crate) fn replies(&self) -> Vec<Reply<'a>> {
        let operations = self.operations;
        let replies = self.answers.iter().enumerate().filter_map(|(index, event)| match &event.what {
            What::Answer { operation, status, key, reason, state, material, .. } => Some(Reply {
                operation: operation.as_deref().or(operations.get(index).map(String::as_str)).unwrap_or_default(),
                succeeded: status == "Success",
                key: key.as_deref(),
                reason: reason.as_deref(),
                state: state.as_deref(),
                material: material.as_ref(),
                event,
            }),
            _ => None,
        });
        replies.collect()
    }
}

impl<'a> Run<'a> {
    pub(crate) fn events(&self) -> &'a [Event] {
        &self.played.events
    }

    /// Every exchange, in order.
    pub(crate) fn exchanges(&self) -> Vec<Exchange<'a>> {
        let events = self.events();
        let mut exchanges = Vec::new();
        for (index, sent) in events.iter().enumerate() {
            let What::Request { exchange, operations, version, key, maximum_response_size, .. } = &sent.what else {
                continue;
            };
            let rest = &events[index + 1..];
            let mut end = rest.len();
            let mut answers = Vec::new();
            let mut gave_up = None;
            for (offset, event) in rest.iter().enumerate() {
                match &event.what {
                    What::Answer { exchange: of, .. } | What::Malformed { exchange: of, .. } if of == exchange => {
                        answers.push(event);
                        end = offset + 1;
                    }
                    What::NoAnswer { exchange: of, .. } if of == exchange => {
                        gave_up = Some(event);
                        end = offset + 1;
                    }
                    // Without either, the exchange lasts until its client is no more. That it is ready may be heard of
                    // while it already asks for something else.
                    What::Process { state, .. }
                        if *state != ProcessState::Ready
                            && event.host == sent.host
                            && answers.is_empty()
                            && gave_up.is_none() =>
                    {
                        end = end.min(offset + 1);
                        break;
                    }
                    _ => {}
                }
            }
            exchanges.push(Exchange {
                operations,
                version,
                key: key.as_deref(),
                maximum_response_size: *maximum_response_size,
                sent,
                answers,
                gave_up,
                between: &rest[..end],
            });
        }
        exchanges
    }

    /// Whether the world of this run does not see such things.
    pub(crate) fn is_unseen(&self, what: Unseen) -> bool {
        self.played.unseen.contains(&what)
    }

    /// The key material that an identifier meant at some point, by all that is known outside the product.
    pub(crate) fn meaning_of(&self, key: &str) -> Option<&'a Fingerprint> {
        self.made(key).or_else(|| self.played.existing.get(key))
    }

    /// What a database made and kept under an identifier: the key, or the data key that was encrypted with it.
    pub(crate) fn made(&self, key: &str) -> Option<&'a Fingerprint> {
        self.all_made(key).next()
    }

    /// The same, all of them: a driver may have several data keys encrypted under one identifier.
    pub(crate) fn all_made(&self, key: &str) -> impl Iterator<Item = &'a Fingerprint> {
        self.events().iter().filter_map(move |event| match &event.what {
            What::Made { key: made, material } if made == key => Some(material),
            _ => None,
        })
    }

    /// Whether nothing passed between mongod and the proxy for some time between two moments, because the scenario had
    /// one of them hang.
    pub(crate) fn stalled(&self, from: Duration, to: Duration) -> bool {
        let timeline = || self.scenario.timeline.iter().zip(&self.played.fired);
        timeline().any(|(event, &began)| {
            let Action::Stall(process) = event.action else { return false };
            let resumed = timeline().find(|(event, at)| **at >= began && event.action == Action::Resume(process));
            // A process that is started anew does not hang, and neither does one that is no more.
            let anew = self.events().iter().find(|event| {
                let anew =
                    matches!(event.what, What::Process { state: ProcessState::Started | ProcessState::Crashed, .. });
                anew && event.at > began && event.host == process.as_str()
            });
            // The epilogue lets everything go on.
            let ends = [resumed.map(|(_, at)| *at), anew.map(|event| event.at), Some(self.played.epilogue)];
            began <= to && ends.into_iter().flatten().min().is_some_and(|ended| ended >= from)
        })
    }

    /// What was done last to a file's content behind the product's back: `remove`, `damage` or `restore`. Whoever forbids
    /// or edits a file mends nothing.
    pub(crate) fn done_to(&self, path: &Path) -> Option<&'a str> {
        const CONTENT: [&str; 3] = ["remove", "damage", "restore"];
        let done = self.events().iter().rev().filter(|event| event.host == "operator");
        done.filter_map(|event| match &event.what {
            What::File { operation, path: of } if Path::new(of) == path => {
                CONTENT.contains(&operation.as_str()).then_some(operation.as_str())
            }
            _ => None,
        })
        .next()
    }

    /// The last state of a process at a moment.
    pub(crate) fn process_at(&self, host: &str, at: Duration) -> Option<ProcessState> {
        self.events()
            .iter()
            .take_while(|event| event.at <= at)
            .filter(|event| event.host == host)
            .filter_map(|event| match &event.what {
                What::Process { state, .. } => Some(*state),
                _ => None,
            })
            .last()
    }
}

/// A moment as people read it: seconds with milliseconds.
pub(crate) fn seconds(at: Duration) -> String {
    format!("{}.{:03}s", at.as_secs(), at.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::story::{KEY, Story, material};
    use super::*;

    #[test]
    fn a_run_in_which_all_is_well_has_no_failures_and_exercises_what_it_can() {
        let story =
            Story::plain().at(1000).ask("Get").grant(KEY).succeed(|answer| answer.material = Some(material(KEY)));
        let story = story.at(61_000).ask("Get").grant(KEY).succeed(|answer| answer.material = Some(material(KEY)));
        let judgement = story.process("mongod", ProcessState::Ready).judged();
        assert_eq!(judgement.failures, []);
        assert_eq!(judgement.exercised["K1"], 2);
        assert_eq!(judgement.exercised.len(), INVARIANTS.len());
    }

    #[test]
    fn what_is_broken_is_named_with_the_invariant_and_what_it_says() {
        let judgement = Story::plain().at(61_000).ask("Get").fail("item-not-found", |_| {}).judged();
        let requirements: Vec<_> = judgement.failures.iter().map(|failure| failure.requirement.as_str()).collect();
        assert_eq!(requirements, ["K5 honest-not-found", "K7 heals"]);
        assert!(!judgement.passed());
    }

    #[test]
    fn an_exchange_ends_with_its_answer_and_what_comes_later_is_not_its_own() {
        let story = Story::plain().at(1000).ask("Get").grant(KEY).succeed(|_| {}).grant(KEY);
        let story = story.ask("GetAttributes").give_up().grant(KEY);
        let exchanges = story.exchanges();
        assert_eq!(exchanges, [(2, 1, false), (1, 0, true)], "events between, answers, gave up");
    }

    #[test]
    fn two_answers_to_one_request_are_both_seen() {
        let story = Story::plain().at(1000).ask("Get").succeed(|_| {}).at(1500).succeed(|_| {});
        assert_eq!(story.exchanges(), [(2, 2, false)]);
    }

    #[test]
    fn a_process_hangs_until_it_goes_on_or_is_no_more_whatever_the_other_one_does() {
        let timeline = "  { at = \"1s\", stall = \"proxy\" },\n  { at = \"9s\", resume = \"proxy\" },";
        let story = || Story::of("final = \"opens\"", timeline).fired(0, 1000).fired(1, 9000);
        let second = Duration::from_secs;
        let hangs = |story: Story, at: u64| story.stalled(second(at), second(at));
        assert!(!hangs(story(), 0) && hangs(story(), 1) && hangs(story(), 9) && !hangs(story(), 10));
        let restarted = |host| story().at(3000).process(host, ProcessState::Started);
        assert!(hangs(restarted("mongod"), 5), "the other one is started anew");
        assert!(hangs(restarted("proxy"), 3) && !hangs(restarted("proxy"), 5));
        assert!(!hangs(story().at(3000).process("proxy", ProcessState::Crashed), 5));
        assert!(hangs(story().at(500).process("proxy", ProcessState::Started), 5), "that was before");
        let for_ever = Story::of("final = \"opens\"", "  { at = \"1s\", stall = \"proxy\" },");
        assert!(hangs(for_ever, 60) && !hangs(story(), 61));
    }
}
