//! What the file expects: the `then` of each line, and the outcome.
//!
//! A line's window opens when it fires and closes after `within`, or when the next line fires; where other programs are
//! started than the file's times are made for ([`crate::trace::Lane::allowance`]) it stays open until a start has come to
//! its end, but for one that waits for an answer then. Of several answers to the same operation the last one in the
//! window counts: clients retry. In texts, [`KEY`] stands for the identifier of the key that the last request names, which
//! the seed draws, or, if it names none, of the one that the operator is told of; apart from that texts are compared
//! exactly.

use std::time::Duration;

use super::{Failure, Run, seconds};
use crate::scenario::{Expected, Running, Then};
use crate::trace::{Event, ProcessState, What};

/// The placeholder in expected texts.
const KEY: &str = "{key}";

pub(super) fn judge(run: &Run<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    let fired = &run.played.fired;
    for (index, event) in run.scenario.timeline.iter().enumerate() {
        let (Some(then), Some(&opens)) = (&event.then, fired.get(index)) else { continue };
        let until_next = fired.get(index + 1).copied().unwrap_or(run.played.epilogue);
        let closes = closes(run, opens, then.within, until_next);
        let window = Window { run, opens, closes };
        let requirement = format!("line {}: {}", event.line, event.text);
        for (expected, observed) in window.unmet(then) {
            let span = Some(then.span.clone());
            failures.push(Failure { requirement: requirement.clone(), expected, observed, span });
        }
    }
    failures
}

/// When a window closes. What was asked on the way to a start that takes longer is part of that start.
fn closes(run: &Run<'_>, opens: Duration, within: Option<Duration>, until_next: Duration) -> Duration {
    let Some(within) = within else { return until_next };
    let closes = opens + within;
    let last = until_next.min(closes + run.played.lane.allowance());
    if last <= closes || run.process_at("mongod", closes) != Some(ProcessState::Started) {
        return closes;
    }
    // Whoever waits for an answer, or was refused one, is not slow by itself.
    let window = run.events().iter().filter(|event| event.host == "mongod" && event.at >= opens && event.at <= closes);
    let kept_waiting = window.fold(false, |waiting, event| match &event.what {
        What::Request { .. } | What::NoAnswer { .. } | What::Malformed { .. } => true,
        What::Answer { status, .. } => status != "Success",
        _ => waiting,
    });
    if kept_waiting {
        return closes;
    }
    let of_mongod = run.events().iter().filter(|event| event.host == "mongod" && event.at > closes);
    let mut changes = of_mongod.filter(|event| matches!(event.what, What::Process { .. }));
    changes.next().map_or(last, |change| change.at.min(last))
}

struct Window<'a> {
    run: &'a Run<'a>,
    opens: Duration,
    closes: Duration,
}

impl<'a> Window<'a> {
    /// Pairs of expected and observed that differ.
    fn unmet(&self, then: &Then) -> Vec<(String, String)> {
        let mut unmet = Vec::new();
        for (operation, expected) in Then::OPERATIONS.into_iter().zip(&then.answers) {
            if let Some(expected) = expected {
                unmet.extend(self.answer(operation, expected));
            }
        }
        if let Some(endpoint) = &then.via {
            let through = self.last(|event| match &event.what {
                What::Call { operation, status: 200, .. } if operation == "Decrypt" || operation == "Encrypt" => {
                    Some(event.host.clone())
                }
                _ => None,
            });
            unmet.extend(differs(format!("the key is opened through {endpoint}"), endpoint, through));
        }
        if let Some(class) = &then.class {
            let told = self.last(|event| match &event.what {
                What::Operator { class, .. } => class.clone(),
                _ => None,
            });
            unmet.extend(differs(format!("the operator is told {class}"), class, told));
        }
        if let Some(message) = then.message.as_ref().map(|message| self.with_key(message)) {
            let said = self.last(|event| match &event.what {
                What::Answer { message: Some(message), .. } => Some(message.clone()),
                _ => None,
            });
            unmet.extend(differs(format!("ResultMessage `{message}`"), &message, said));
        }
        if let Some(line) = then.operator.as_ref().map(|line| self.with_key(line)) {
            let said = self.last(|event| match &event.what {
                What::Operator { text, .. } => Some(text.lines().next().unwrap_or_default().to_owned()),
                _ => None,
            });
            unmet.extend(differs(format!("the operator reads `{line}`"), &line, said));
        }
        if let Some(part) = then.log.as_ref().map(|part| self.with_key(part)) {
            unmet.extend(self.log(&part));
        }
        if let Some(verdict) = &then.check {
            let told = self.last(|event| match &event.what {
                What::Process { state: ProcessState::Exited, why } if event.host == "check" => why.clone(),
                _ => None,
            });
            unmet.extend(differs(format!("check says `{verdict}`"), verdict, told));
        }
        if let Some(running) = then.mongod {
            unmet.extend(self.mongod(running));
        }
        unmet
    }

    /// An expected text with the identifier in it. Who makes a key names none: then it is the one that the operator is told
    /// of, also where another key was asked for before. Without any the placeholder stays, and is told.
    fn with_key(&self, text: &str) -> String {
        let asked = self.last(|event| match &event.what {
            What::Request { key, .. } => Some(key.clone()),
            _ => None,
        });
        let told = || {
            self.last(|event| match &event.what {
                What::Operator { key, .. } => key.clone(),
                _ => None,
            })
        };
        asked.flatten().or_else(told).map_or_else(|| text.to_owned(), |key| text.replace(KEY, &key))
    }

    /// Whether a part of a line stands in mongod's log; attributes are a part of their line.
    fn log(&self, part: &str) -> Option<(String, String)> {
        let written = |event: &Event| match &event.what {
            What::Log { text, attributes, .. } if event.host == "mongod" => {
                Some(attributes.iter().fold(text.clone(), |line, (name, value)| format!("{line} {name}={value}")))
            }
            _ => None,
        };
        if self.last(|event| written(event).filter(|line| line.contains(part))).is_some() {
            return None;
        }
        Some((format!("mongod logs `{part}`"), self.last(written).unwrap_or_else(|| "nothing".to_owned())))
    }

    fn answer(&self, operation: &str, expected: &Expected) -> Option<(String, String)> {
        let mut observed = None;
        for exchange in self.run.exchanges() {
            if !self.holds(exchange.sent) || !exchange.operations.iter().any(|name| name == operation) {
                continue;
            }
            let answered = exchange.answers.iter().find_map(|event| match &event.what {
                What::Answer { operation: of, status, reason, .. }
                    if of.as_deref().is_none_or(|of| of == operation) =>
                {
                    let got = if status == "Success" {
                        Expected::Ok
                    } else {
                        Expected::Reason(reason.clone().unwrap_or_default())
                    };
                    Some((got, event.at))
                }
                _ => None,
            });
            observed = Some(match (answered, exchange.gave_up) {
                (Some((got, at)), _) if at <= self.closes => (got, at),
                (Some((_, at)), _) => (Expected::NoAnswer, at),
                (None, Some(gave_up)) => (Expected::NoAnswer, gave_up.at),
                (None, None) => (Expected::NoAnswer, self.closes),
            });
        }
        let wanted = format!("{operation} answers {} by {}", word(expected), seconds(self.closes));
        match observed {
            None => Some((
                wanted,
                format!("no {operation} was sent between {} and {}", seconds(self.opens), seconds(self.closes)),
            )),
            Some((got, _)) if got == *expected => None,
            Some((got, at)) => Some((wanted, format!("{operation} answered {} at {}", word(&got), seconds(at)))),
        }
    }

    fn mongod(&self, running: Running) -> Option<(String, String)> {
        let state = self.run.process_at("mongod", self.closes);
        let wanted = match running {
            Running::Running => "mongod runs",
            Running::Exited => "mongod has ended by itself",
        };
        let met = match running {
            // Started is not enough: a mongod that waits for its key serves nobody.
            Running::Running => state == Some(ProcessState::Ready),
            Running::Exited => state == Some(ProcessState::Exited),
        };
        let observed = state.map_or("it was never started".to_owned(), |state| format!("its state is {state:?}"));
        (!met).then(|| (format!("{wanted} at {}", seconds(self.closes)), observed))
    }

    fn last<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> Option<T> {
        self.run.events().iter().filter(|event| self.holds(event)).filter_map(pick).next_back()
    }

    fn holds(&self, event: &Event) -> bool {
        (self.opens..=self.closes).contains(&event.at)
    }
}

fn differs(expected: String, wanted: &str, seen: Option<String>) -> Option<(String, String)> {
    match seen {
        Some(seen) if seen == wanted => None,
        Some(seen) => Some((expected, format!("`{seen}`"))),
        None => Some((expected, "nothing of the kind".to_owned())),
    }
}

fn word(expected: &Expected) -> &str {
    match expected {
        Expected::Ok => "success",
        Expected::Reason(reason) => reason,
        Expected::NoAnswer => "nothing",
    }
}

#[cfg(test)]
mod tests {
    use crate::checker::story::{KEY, Story};
    use crate::trace::{Lane, ProcessState, What};

    /// The requirement, what was expected and what was observed, of every failure that a line of the file asks for.
    fn unmet(story: &Story) -> Vec<(String, String)> {
        let failures = story.judged().failures.into_iter().filter(|failure| failure.span.is_some());
        failures.map(|failure| (failure.expected, failure.observed)).collect()
    }

    fn expecting(then: &str) -> Story {
        let line = format!("  {{ at = \"1s\", start = \"mongod\", then = {{ {then}, within = \"5s\" }} }},");
        Story::of("final = \"opens\"", &line).at(1000)
    }

    #[test]
    fn the_last_answer_within_the_window_counts() {
        let expected = || expecting("get = \"ok\"").ask("Get").fail("general-failure", |_| {});
        assert_eq!(unmet(&expected().at(2000).ask("Get").succeed(|_| {})), []);
        let wanted = "Get answers success by 6.000s".to_owned();
        let seen = "Get answered general-failure at 1.000s".to_owned();
        assert_eq!(unmet(&expected()), [(wanted.clone(), seen.clone())]);
        let late = expected().at(6001).ask("Get").succeed(|_| {});
        assert_eq!(unmet(&late), [(wanted, seen)], "what is asked after the window is not meant");
    }

    #[test]
    fn nothing_asked_nothing_answered_and_answered_too_late_are_told_apart() {
        let observed = |story: Story| unmet(&story).remove(0).1;
        let expected = || expecting("get = \"ok\"");
        assert_eq!(observed(expected()), "no Get was sent between 1.000s and 6.000s");
        assert_eq!(observed(expected().ask("Get").at(3000).give_up()), "Get answered nothing at 3.000s");
        assert_eq!(observed(expected().ask("Get")), "Get answered nothing at 6.000s");
        assert_eq!(observed(expected().ask("Get").at(7000).succeed(|_| {})), "Get answered nothing at 7.000s");
    }

    #[test]
    fn a_program_that_is_no_persona_has_longer_for_its_start_and_no_longer_than_until_the_next_line() {
        let ready = |lane, at| {
            let start =
                expecting("mongod = \"running\"").in_lane(lane).at(1_500).process("mongod", ProcessState::Started);
            unmet(&start.at(at).process("mongod", ProcessState::Ready)).len()
        };
        assert_eq!((ready(Lane::Container, 20_000), ready(Lane::Container, 40_000)), (0, 1));
        assert_eq!((ready(Lane::Process, 5_000), ready(Lane::Process, 20_000)), (0, 1));
        let before_the_next = |at: u64| {
            let lines = "  { at = \"1s\", start = \"mongod\", then = { mongod = \"running\", within = \"5s\" } },\n  \
                         { at = \"10s\", stop = \"mongod\" },";
            let story = Story::of("final = \"opens\"", lines).fired(0, 1_000).fired(1, 10_000).in_lane(Lane::Container);
            let story = story.at(1_500).process("mongod", ProcessState::Started);
            unmet(&story.at(at).process("mongod", ProcessState::Ready)).len()
        };
        assert_eq!((before_the_next(9_000), before_the_next(11_000)), (0, 1));
    }

    #[test]
    fn what_comes_after_a_start_in_time_is_no_part_of_its_window() {
        let story =
            expecting("get = \"ok\"").in_lane(Lane::Container).at(1_500).process("mongod", ProcessState::Started);
        let story = story.at(2_000).ask("Get").succeed(|_| {}).at(3_000).process("mongod", ProcessState::Ready);
        assert_eq!(unmet(&story.at(9_000).ask("Get").fail("permission-denied", |_| {})), []);
    }

    #[test]
    fn a_window_without_within_closes_when_the_next_line_fires() {
        let two =
            "  { at = \"1s\", start = \"mongod\", then = { get = \"ok\" } },\n  { at = \"9s\", stop = \"mongod\" },";
        let story = || Story::of("final = \"opens\"", two).fired(0, 1000).fired(1, 9000);
        assert_eq!(unmet(&story().at(8000).ask("Get").succeed(|_| {})), []);
        assert_eq!(unmet(&story().at(9001).ask("Get").succeed(|_| {})).len(), 1);
    }

    #[test]
    fn the_endpoint_that_opened_the_key_is_the_last_that_answered_well() {
        let call = |status: u16| What::Call {
            service: "kms".to_owned(),
            operation: "Decrypt".to_owned(),
            cmk: None,
            principal: None,
            status,
            code: None,
        };
        let expected = || expecting("via = \"public\"");
        assert_eq!(unmet(&expected().event("public", call(200))), []);
        let wanted = "the key is opened through public".to_owned();
        assert_eq!(unmet(&expected().event("public", call(500))), [(wanted, "nothing of the kind".to_owned())]);
    }

    #[test]
    fn the_operator_is_told_the_class_and_reads_the_first_line() {
        let told = |class: &str, text: &str| What::Operator {
            class: Some(class.to_owned()),
            key: Some(KEY.to_owned()),
            text: text.to_owned(),
        };
        let expected = || expecting("class = \"key-disabled\", operator = \"the key is disabled\"");
        assert_eq!(unmet(&expected().event("proxy", told("key-disabled", "the key is disabled\n  more"))), []);
        let other = unmet(&expected().event("proxy", told("throttled", "come back later")));
        let observed: Vec<_> = other.into_iter().map(|(_, observed)| observed).collect();
        assert_eq!(observed, ["`throttled`", "`come back later`"]);
    }

    #[test]
    fn a_key_that_nobody_asked_for_is_the_one_that_the_operator_is_told_of() {
        let told = |key: &str| {
            let (class, key) = (Some("throttled".to_owned()), Some(key.to_owned()));
            What::Operator { class, key, text: "key of-the-proxy is not made".to_owned() }
        };
        let expected = || expecting("operator = \"key {key} is not made\"");
        assert_eq!(unmet(&expected().event("proxy", told("of-the-proxy"))), []);
        let asked = unmet(&expected().ask("Get").event("proxy", told("of-the-proxy")));
        let wanted: Vec<_> = asked.into_iter().map(|(wanted, _)| wanted).collect();
        assert_eq!(wanted, [format!("the operator reads `key {KEY} is not made`")]);
    }

    #[test]
    fn a_rotation_asks_for_the_old_key_and_is_told_of_the_new_one() {
        let told = || {
            let (class, key) = (Some("throttled".to_owned()), Some("new".to_owned()));
            What::Operator { class, key, text: "key new is not made".to_owned() }
        };
        let rotated = || expecting("operator = \"key {key} is not made\"").ask("Get").succeed(|_| {}).ask("Register");
        assert_eq!(unmet(&rotated().event("proxy", told())), []);
        assert_eq!(unmet(&rotated().event("proxy", told()).ask("Get")).len(), 1, "the last request names the old one");
    }

    #[test]
    fn a_part_of_a_line_is_looked_for_in_all_that_mongod_logs_within_the_window() {
        let log = |story: Story, host: &str, text: &str| {
            let attributes = vec![("reason".to_owned(), "Connection refused".to_owned())];
            story.event(host, What::Log { severity: 'W', id: Some(29117), text: text.to_owned(), attributes })
        };
        let expected = || expecting("log = \"failed reason=Connection\"");
        assert_eq!(unmet(&log(log(expected(), "mongod", "KMIP session failed"), "mongod", "later")), []);
        let wanted = "mongod logs `failed reason=Connection`".to_owned();
        assert_eq!(unmet(&expected()), [(wanted.clone(), "nothing".to_owned())]);
        assert_eq!(unmet(&log(expected(), "proxy", "KMIP session failed")).len(), 1, "another's log");
        assert_eq!(unmet(&log(expected().at(6001), "mongod", "KMIP session failed")).len(), 1, "after the window");
        let seen = "starts reason=Connection refused".to_owned();
        assert_eq!(unmet(&log(expected(), "mongod", "starts")), [(wanted, seen)]);
    }

    #[test]
    fn what_check_comes_to_is_compared_to_the_letter() {
        let ended = |host: &str, why: &str| {
            let what = What::Process { state: ProcessState::Exited, why: Some(why.to_owned()) };
            unmet(&expecting("check = \"1 of 2 keys open\"").event(host, what))
        };
        assert_eq!(ended("check", "1 of 2 keys open"), []);
        let wanted = "check says `1 of 2 keys open`".to_owned();
        assert_eq!(ended("check", "2 of 2 keys open"), [(wanted, "`2 of 2 keys open`".to_owned())]);
        assert_eq!(ended("mongod", "1 of 2 keys open").len(), 1);
    }

    #[test]
    fn a_mongod_that_waits_for_its_key_does_not_run() {
        let expected = || expecting("mongod = \"running\"").process("mongod", ProcessState::Started);
        assert_eq!(unmet(&expected().process("mongod", ProcessState::Ready)), []);
        assert_eq!(unmet(&expected()), [("mongod runs at 6.000s".to_owned(), "its state is Started".to_owned())]);
        let stopped = expecting("mongod = \"exited\"").process("mongod", ProcessState::Stopped);
        assert_eq!(unmet(&stopped).len(), 1, "it was stopped and has not ended by itself");
        assert_eq!(unmet(&expecting("mongod = \"exited\"")).remove(0).1, "it was never started");
    }
}
