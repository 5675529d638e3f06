//! The log of a run with real programs: what happens here is recorded as it happens, what programs write down is recorded
//! with their own dates.
//!
//! Invariant: everything that comes from a program is recorded with the names of the run ([`Normal`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::normal::Normal;
use super::stopwatch::Stopwatch;
use crate::trace::{Event, InOrder, ProcessState, Trace, What};
use crate::world::persona_events::Numbers;

/// The log of a run. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Record {
    trace: Trace,
    stopwatch: Stopwatch,
    normal: Arc<Mutex<Normal>>,
}

impl Record {
    /// An empty log under the key of the run.
    pub(crate) fn new(key: &[u8], stopwatch: Stopwatch) -> Self {
        let trace = {
            let stopwatch = stopwatch.clone();
            Trace::new(key, move || stopwatch.now())
        };
        Record { trace, stopwatch, normal: Arc::default() }
    }

    /// The trace itself, for what the laboratory does with its own hands.
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The time of the run.
    pub(crate) fn stopwatch(&self) -> &Stopwatch {
        &self.stopwatch
    }

    /// From now on one name is written for another.
    pub(crate) fn rename(&self, real: impl Into<String>, known: impl Into<String>) {
        self.lock().add(real, known);
    }

    /// The names of the run.
    pub(crate) fn normal(&self) -> Normal {
        self.lock().clone()
    }

    /// Records what has happened on a host just now.
    pub(crate) fn note(&self, host: &str, what: What) {
        let what = self.lock().what(what);
        self.trace.record(host, what);
    }

    /// Records a change of a process just now.
    pub(crate) fn process(&self, host: &str, state: ProcessState, why: Option<String>) {
        self.note(host, What::Process { state, why });
    }

    /// Looks for secrets in a line that a program has written beside its notices; the line itself is not kept.
    pub(crate) fn search(&self, host: &str, line: &str) {
        for name in self.trace.secrets_in(line.as_bytes()) {
            let text = format!("the secret `{name}` stood in the output of {host}");
            self.note(host, What::Finding { invariant: "K3".to_owned(), text });
        }
    }

    /// Takes over what a program of this machine has written down with a date.
    pub(crate) fn told(&self, host: &str, date: SystemTime, what: What) {
        let at = self.stopwatch.moment(date);
        let what = self.lock().what(what);
        self.trace.record_at(at, host, what);
    }

    /// The same of a program that counts its exchanges and connections by itself.
    pub(crate) fn told_by(&self, host: &str, date: SystemTime, what: What, numbers: &mut Numbers) {
        self.told(host, date, numbers.of_the_run(&self.trace, what));
    }

    /// How much there is.
    pub(crate) fn len(&self) -> usize {
        self.trace.len()
    }

    /// Everything so far, in order of time.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = self.trace.events();
        events.sort_by_key(|event| event.at);
        events
    }

    /// Takes everything out in order of time: the run was over at that moment, and what came later is no part of it.
    pub(crate) fn over(&self, at: Duration) -> InOrder {
        // What was recorded is free of secrets already.
        let run = Trace::new(&[], || Duration::ZERO);
        for event in self.events().into_iter().filter(|event| event.at <= at) {
            run.record_at(event.at, &event.host, event.what);
        }
        run.take_in_order()
    }

    fn lock(&self) -> MutexGuard<'_, Normal> {
        self.normal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_line_that_is_no_notice_is_a_finding_without_the_secret() {
        let record = Record::new(&[7; 32], Stopwatch::new());
        record.trace().secret("the master key", b"a master key of a database");
        record.search("proxy", "nothing here");
        record.search("proxy", "key: a master key of a database");
        let told: Vec<_> = record.events().into_iter().map(|event| event.what).collect();
        let text = "the secret `the master key` stood in the output of proxy".to_owned();
        assert_eq!(told, [What::Finding { invariant: "K3".to_owned(), text }]);
    }
}
