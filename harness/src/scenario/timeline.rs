//! The timeline: one verb a line, in order of time, before the end, about things that there are.

use std::iter;
use std::ops::Range;
use std::time::Duration;

use super::check::{Cell, Names, time};
use super::clouds;
use super::file::{ScenarioFile, ThenFile};
use super::mistake::{Mistakes, line_and_column, listed};
use super::model::{Action, Event, Expected, Process, Then, When};
use super::text::Located;
use super::values::LONGEST;
use super::verbs::{EventFile, Line, VERBS, find_declared};
use super::words::OWN_PROVIDER;

/// Reads all lines. `end` is missing where it is a mistake itself.
pub(super) fn check(
    file: &ScenarioFile,
    source: &str,
    end: Option<Duration>,
    cell: &Cell<'_>,
    cloud: bool,
    names: &Names,
    mistakes: &mut Mistakes,
) -> Option<Vec<Event>> {
    let mut reader = Reader { source, end, written_end: file.end.as_str(), cell, cloud, names, mistakes };
    let events: Vec<_> = file.timeline.iter().map(|line| reader.event(line)).collect();
    if events.is_empty() {
        // An empty list has no line of its own to point at: its key, or where that is missing the title, is shown.
        let key = source.match_indices("timeline").map(|(at, word)| at..at + word.len());
        let key = key.into_iter().find(|span| span.start == 0 || source[..span.start].ends_with('\n'));
        let labels = [(key.unwrap_or_else(|| file.title.span()), "nothing happens in this scenario")];
        let help = "begin with `{ at = \"1s\", start = \"mongod\", then = { get = \"ok\", within = \"2s\" } }`";
        mistakes.push("the timeline is empty".to_owned(), labels).help(help);
    }
    in_order(file, mistakes);
    nothing_ends_before_it_begins(&file.timeline, &events, mistakes);
    events.into_iter().collect()
}

struct Reader<'a> {
    source: &'a str,
    end: Option<Duration>,
    written_end: &'a str,
    cell: &'a Cell<'a>,
    cloud: bool,
    names: &'a Names,
    mistakes: &'a mut Mistakes,
}

impl Reader<'_> {
    fn event(&mut self, line: &Located<EventFile>) -> Option<Event> {
        let event = &line.value;
        let at = event.at.read(self.mistakes);
        if let (Some(at), Some(end)) = (&at, self.end)
            && at.latest() >= end
        {
            self.mistakes
                .push(format!("`{}` is not before the end", event.at.as_str()), [(event.at.span(), "too late")])
                .help(format!("the scenario ends at `{}`: move the event, or the `end`", self.written_end));
        }
        let action = self.verb(line);
        let then = event.then.as_ref().map(|then| self.then(then, at.as_ref()));
        let (number, _) = line_and_column(self.source, line.span.start);
        let (verb, text, action) = action?;
        Some(Event {
            at: at?,
            verb,
            text,
            line: u32::try_from(number).unwrap_or(u32::MAX),
            span: line.span.clone(),
            action,
            then: match then {
                Some(then) => Some(then?),
                None => None,
            },
        })
    }

    /// The verb, what happens as written, and what it comes down to.
    fn verb(&mut self, line: &Located<EventFile>) -> Option<(&'static str, String, Action)> {
        let said = line.value.verbs();
        let said = match said.as_slice() {
            [one] => one,
            [] => {
                // A misspelt verb has been told already.
                if !self.mistakes.any_in(&line.span) {
                    self.mistakes
                        .push("nothing happens in this line".to_owned(), [(line.span.clone(), "no verb")])
                        .help(format!("add one of {}", listed(VERBS.iter().copied())));
                }
                return None;
            }
            [first, second, ..] => {
                let labels = [(second.span.clone(), "another thing"), (first.span.clone(), "one thing")];
                self.mistakes
                    .push(format!("`{}` and `{}` in one line", first.word, second.word), labels)
                    .help("write one line for each: a line is one event");
                return None;
            }
        };
        let written = line.value.options().written();
        let mut surroundings = Line {
            endpoints: &self.names.endpoints,
            keys: &self.names.keys,
            provider: self.cell.provider,
            cloud: self.cloud,
            options: line.value.options(),
            mistakes: self.mistakes,
        };
        let action = said.action(&mut surroundings);
        let strangers = surroundings.options.written();
        if let Some(what) = action.as_ref().and_then(|action| clouds::lacks(self.cell.provider, action)) {
            self.cell.lacks(what, line.span.clone(), self.mistakes);
        }
        if action.is_some() {
            for (option, span) in strangers {
                let labels = [(span, "belongs to another verb"), (said.span.clone(), "this is not that")];
                self.mistakes.push(format!("`{option}` is no option of this verb"), labels);
            }
        }
        let words = iter::once((said.word, said.span.clone())).chain(written);
        let words = words.map(|(word, span)| Some(format!("{word} = {}", self.source.get(span)?)));
        let text = words.collect::<Option<Vec<_>>>()?.join(", ");
        Some((said.word, text, action?))
    }

    fn then(&mut self, then: &Located<ThenFile>, at: Option<&When>) -> Option<Then> {
        let file = &then.value;
        let answers = file.answers().map(|answer| answer.map(|answer| answer.read(self.mistakes)));
        let endpoints = &self.names.endpoints;
        let via = file.via.as_ref().map(|via| find_declared("endpoint", via, endpoints, self.mistakes));
        let class = file.class.as_ref().map(|class| class.read(self.mistakes));
        let message = file.message.as_ref().map(|message| message.read(self.mistakes));
        let operator = file.operator.as_ref().map(|operator| operator.read(self.mistakes));
        let mongod = file.mongod.as_ref().map(|mongod| mongod.read(self.mistakes));
        let log = file.log.as_ref().map(|log| log.read(self.mistakes));
        let check = file.check.as_ref().map(|check| check.read(self.mistakes));
        let within = file.within.as_ref().map(|within| time(within, Duration::from_millis(1)..=LONGEST, self.mistakes));
        let wholly_read = Then {
            answers: all_read(answers)?,
            via: read(via)?,
            class: read(class.map(|class| class.map(|class| class.code().to_owned())))?,
            message: read(message)?.map(|text| self.named(&text)),
            operator: read(operator)?.map(|text| self.named(&text)),
            mongod: read(mongod)?,
            log: read(log)?.map(|text| self.named(&text)),
            check: read(check)?,
            within: read(within)?,
            span: then.span.clone(),
        };
        self.sensible(then, &wholly_read, at);
        Some(wholly_read)
    }

    /// A text about whichever provider it is, about this one.
    fn named(&self, text: &str) -> String {
        let provider = self.cell.provider;
        let text = text.replace(OWN_PROVIDER, provider.as_str()).replace("{kms}", provider.title());
        text.replace("{place}", clouds::place(provider))
    }

    /// Whether an expectation can hold at all.
    fn sensible(&mut self, file: &Located<ThenFile>, then: &Then, at: Option<&When>) {
        let expects =
            |wanted: fn(&Expected) -> bool| then.answers.iter().any(|answer| answer.as_ref().is_some_and(wanted));
        let others = [&then.via, &then.class, &then.message, &then.operator, &then.log, &then.check]
            .iter()
            .any(|other| other.is_some());
        let misspelt = self.mistakes.any_in(&file.span);
        if !expects(|_| true) && !others && then.mongod.is_none() && !misspelt {
            self.mistakes
                .push("nothing is expected".to_owned(), [(file.span.clone(), "no expectation")])
                .help("add one, such as `get = \"ok\"`, or remove the `then`");
        }
        if let Some(via) = &file.value.via
            && expects(|_| true)
            && !expects(|answer| *answer == Expected::Ok)
        {
            self.mistakes
                .push("a failure that went through an endpoint".to_owned(), [(via.span(), "nothing was opened")])
                .help("`via` says through which endpoint a key was opened: keep it for `get = \"ok\"`");
        }
        if let Some(message) = &file.value.message
            && !expects(|answer| matches!(answer, Expected::Reason(_)))
        {
            self.mistakes
                .push("a Result Message without a failure".to_owned(), [(message.span(), "only failures carry one")])
                .help("say which failure, such as `get = \"permission-denied\"`");
        }
        if let (Some(at), Some(within), Some(end), Some(written_within)) =
            (at, then.within, self.end, &file.value.within)
            && at.latest() + within > end
        {
            self.mistakes
                .push(
                    "the end comes before the expectation can be judged".to_owned(),
                    [(written_within.span(), "lasts longer than the scenario")],
                )
                .help(format!("the scenario ends at `{}`: write less, or move the `end`", self.written_end));
        }
    }
}

/// `None` if a value is there but could not be read.
fn read<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        Some(None) => None,
        Some(read) => Some(read),
        None => Some(None),
    }
}

/// `None` if any of the values that are there could not be read.
fn all_read<const N: usize>(values: [Option<Option<Expected>>; N]) -> Option<[Option<Expected>; N]> {
    if values.iter().any(|value| matches!(value, Some(None))) {
        return None;
    }
    Some(values.map(Option::flatten))
}

/// Every line begins when the line before it has surely happened.
fn in_order(file: &ScenarioFile, mistakes: &mut Mistakes) {
    // Moments that cannot be read have been told; they are skipped here.
    let mut ignored = Mistakes::new("", "");
    let mut before: Option<(When, Range<usize>)> = None;
    for line in &file.timeline {
        let at = &line.value.at;
        let Some(moment) = at.read(&mut ignored) else { continue };
        if let Some((earlier, span)) = &before
            && moment.earliest() < earlier.latest()
        {
            let labels = [(at.span(), "comes an earlier event"), (span.clone(), "after this")];
            mistakes
                .push("the timeline goes back in time".to_owned(), labels)
                .help("order events by `at`; the ranges of two events may not overlap");
        }
        before = Some((moment, at.span()));
    }
}

/// The proxy runs from the beginning, mongod does not; nothing that is not running can be ended.
fn nothing_ends_before_it_begins(lines: &[Located<EventFile>], events: &[Option<Event>], mistakes: &mut Mistakes) {
    let (mut mongod, mut proxy) = (false, true);
    for (line, event) in lines.iter().zip(events) {
        let Some(event) = event else { continue };
        let running = |process| match process {
            Process::Mongod => mongod,
            Process::Proxy => proxy,
        };
        match &event.action {
            Action::Start(Process::Mongod) => mongod = true,
            Action::Start(Process::Proxy) | Action::StartProxy { .. } => proxy = true,
            Action::Stop(process) | Action::Crash(process) if !running(*process) => {
                let message = format!("{} is not running here", process.as_str());
                let help = format!("`start = \"{}\"` first", process.as_str());
                mistakes.push(message, [(line.span.clone(), "there is nothing to end")]).help(help);
            }
            Action::Stop(Process::Mongod) | Action::Crash(Process::Mongod) => mongod = false,
            Action::Stop(Process::Proxy) | Action::Crash(Process::Proxy) => proxy = false,
            Action::PowerCut { at_write: None } => (mongod, proxy) = (false, false),
            _ => {}
        }
    }
}
