//! When a program became ready: by the date on its own line, because the line comes to us later than what it says.
//!
//! A log comes through an engine and waits to be heard; what the program says on the wire is recorded as it passes. By our
//! own clock a mongod would have asked for its key's state before it was ready.
//!
//! Invariant: it is not ready before it was started, nor later than it was heard.

use std::time::{Duration, SystemTime};

use crate::trace::What;
use crate::world::process::database::MONGOD;
use crate::world::process::record::Record;

use super::log;

/// As far as dates in a log go.
const TICK: Duration = Duration::from_millis(1);

/// What tells the state of a key.
const STATE: &str = "GetAttributes";

/// The moment of a line that was heard just now, of a program that was started after `started` in real time.
pub(super) fn of(line: &str, started: Duration, record: &Record) -> SystemTime {
    let stopwatch = record.stopwatch();
    let heard = stopwatch.date();
    // Any other date is that of another clock.
    let ours = |date: &SystemTime| *date + TICK > stopwatch.start() + started && *date <= heard;
    let Some(date) = log::date(line).filter(ours) else { return heard };
    // The date is cut off. What was answered within its millisecond has led to the line if it was asked for before that, or
    // if it is anything but the state of the key, for which alone a mongod asks when it is ready.
    let at = stopwatch.moment(date);
    let events = record.events();
    let asked_before = |of: u64| {
        let sent = |what: &What| matches!(what, What::Request { exchange, .. } if *exchange == of);
        events.iter().any(|event| event.host == MONGOD && event.at < at && sent(&event.what))
    };
    let within = events.iter().rev().filter(|event| event.host == MONGOD && event.at >= at && event.at < at + TICK);
    let mut answers = within.filter_map(|event| match &event.what {
        What::Answer { operation, .. } if operation.as_deref() != Some(STATE) => Some(event.at - at),
        What::Answer { exchange, .. } if asked_before(*exchange) => Some(event.at - at),
        _ => None,
    });
    heard.min(date + answers.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    use super::*;
    use crate::trace::ProcessState;
    use crate::world::process::stopwatch::Stopwatch;

    fn record() -> Record {
        Record::new(b"a key", Stopwatch::new())
    }

    /// A line with a date, which is cut off after its milliseconds.
    fn line(date: SystemTime) -> (String, SystemTime) {
        let date = OffsetDateTime::from(date);
        let cut = date.replace_millisecond(date.millisecond()).expect("it is one");
        let text = cut.format(&Rfc3339).expect("a date");
        (format!(r#"{{"t":{{"$date":"{text}"}},"msg":"Waiting for connections"}}"#), cut.into())
    }

    fn ask(record: &Record, exchange: u64, operation: &str, at: SystemTime) {
        let operations = vec![operation.to_owned()];
        let version = "1.0".to_owned();
        let what = What::Request { exchange, operations, version, key: None, maximum_response_size: None, length: 100 };
        record.told(MONGOD, at, what);
    }

    fn answer(record: &Record, exchange: u64, operation: &str, at: SystemTime) {
        let what = What::Answer {
            exchange,
            operation: Some(operation.to_owned()),
            version: "1.0".to_owned(),
            key: None,
            status: "Success".to_owned(),
            reason: None,
            message: None,
            state: None,
            material: None,
            younger: Vec::new(),
            length: 100,
            after: Duration::ZERO,
        };
        record.told(MONGOD, at, what);
    }

    /// Waits until the record's clock has gone on so far.
    fn pass(record: &Record, until: Duration) {
        while record.stopwatch().real() < until {
            std::hint::spin_loop();
        }
    }

    /// In which order things stand of a program whose Get was asked for so long after the millisecond of its line.
    fn order(asked: i64) -> Vec<&'static str> {
        let record = record();
        pass(&record, 10 * TICK);
        let (line, date) = line(record.stopwatch().start() + 8 * TICK);
        let after = |micros: i64| (OffsetDateTime::from(date) + time::Duration::microseconds(micros)).into();
        ask(&record, 1, "Get", after(asked));
        answer(&record, 1, "Get", after(300));
        ask(&record, 2, STATE, after(400));
        answer(&record, 2, STATE, after(600));
        let ready = of(&line, Duration::ZERO, &record);
        record.told(MONGOD, ready, What::Process { state: ProcessState::Ready, why: None });
        let told = |what: &What| match what {
            What::Request { .. } => "asks",
            What::Answer { .. } => "is answered",
            _ => "is ready",
        };
        record.events().iter().map(|event| told(&event.what)).collect()
    }

    #[test]
    fn a_mongod_is_ready_after_the_answer_that_opened_it_and_before_what_it_asks_then() {
        let expected = ["asks", "is answered", "is ready", "asks", "is answered"];
        assert_eq!(order(-500), expected);
        assert_eq!(order(100), expected, "all of it within a millisecond");
    }

    #[test]
    fn a_date_of_another_clock_and_a_line_without_one_count_from_when_they_are_heard() {
        let record = record();
        pass(&record, 10 * TICK);
        let start = record.stopwatch().start();
        let heard = start + 10 * TICK;
        assert!(of("Waiting for connections", Duration::ZERO, &record) >= heard);
        assert!(of(&line(start - 60 * TICK).0, Duration::ZERO, &record) >= heard, "before it was started");
        assert!(of(&line(start + 4 * TICK).0, 8 * TICK, &record) >= heard, "before it was started");
        let ahead = start + Duration::from_secs(3600);
        assert!(of(&line(ahead).0, Duration::ZERO, &record) < ahead, "after it was heard");
    }
}
