//! What a persona in a process of its own tells of itself, brought into the log of the run.
//!
//! The program `mongod-persona` appends a line of JSON to the file or pipe that `KMIPLAB_EVENTS` names, at the moment an
//! event is recorded. Here those lines are read as they come, in pieces of any size, and recorded with their own moments.
//! Every start of the program counts its exchanges and connections from 1, so that each start has a reader of its own,
//! which numbers them as the run counts.
//!
//! Invariant: a line is recorded once, when its end has come; what is no event is an error that names the line.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::trace::{Line, LineError, Trace, What};

/// A variable of the environment: the file or pipe to which the program appends its events.
pub use crate::persona::{EVENTS, FINGERPRINT_KEY};

/// The lines of one start of the program, put together from pieces.
#[derive(Debug, Default)]
pub struct Lines {
    /// How many were read.
    count: usize,
    /// What came of a line that is not over.
    begun: Vec<u8>,
}

impl Lines {
    /// The lines that are over with this piece; the rest is kept for the next.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<Line>, LineError> {
        self.begun.extend_from_slice(piece);
        let mut lines = Vec::new();
        while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            lines.push(Line::read(self.count + 1, &String::from_utf8_lossy(&line[..end]))?);
            self.count += 1;
        }
        Ok(lines)
    }

    /// How many lines were read.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether a line has begun and is not over: that of a program that was killed as it wrote.
    pub fn is_within_a_line(&self) -> bool {
        !self.begun.is_empty()
    }
}

/// How exchanges and connections of one program are numbered in the run: every program begins at 1.
#[derive(Debug, Default)]
pub struct Numbers {
    exchanges: BTreeMap<u64, u64>,
    connections: BTreeMap<u64, u64>,
}

impl Numbers {
    /// An event of the program with the numbers that the run has for it.
    pub fn of_the_run(&mut self, trace: &Trace, mut what: What) -> What {
        match &mut what {
            What::Request { exchange, .. }
            | What::Answer { exchange, .. }
            | What::NoAnswer { exchange, .. }
            | What::Malformed { exchange, .. }
            | What::NotClosed { exchange, .. } => {
                *exchange = *self.exchanges.entry(*exchange).or_insert_with(|| trace.next_exchange());
            }
            What::Connect { connection, .. } | What::Bytes { connection, .. } | What::Close { connection } => {
                *connection = *self.connections.entry(*connection).or_insert_with(|| trace.next_connection());
            }
            What::Action { .. }
            | What::Process { .. }
            | What::Log { .. }
            | What::Operator { .. }
            | What::Made { .. }
            | What::Used { .. }
            | What::Resolve { .. }
            | What::Call { .. }
            | What::Grant { .. }
            | What::File { .. }
            | What::Finding { .. } => {}
        }
        what
    }
}

/// Records what one start of the program tells, as it is told.
#[derive(Debug)]
pub struct PersonaEvents {
    trace: Trace,
    /// When the run began, since 1970.
    start: Duration,
    lines: Lines,
    numbers: Numbers,
}

impl PersonaEvents {
    /// For one start of the program, into the log of a run that began at that moment of the world's clock.
    pub fn new(trace: Trace, start: SystemTime) -> Self {
        let start = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        PersonaEvents { trace, start, lines: Lines::default(), numbers: Numbers::default() }
    }

    /// Records the lines that are over with this piece, and keeps the rest for the next.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), LineError> {
        for line in self.lines.feed(piece)? {
            let at = line.at().saturating_sub(self.start);
            let what = self.numbers.of_the_run(&self.trace, line.what);
            self.trace.record_at(at, &line.host, what);
        }
        Ok(())
    }

    /// How many lines have been recorded.
    pub fn lines(&self) -> usize {
        self.lines.count()
    }

    /// Whether a line has begun and is not over.
    pub fn is_within_a_line(&self) -> bool {
        self.lines.is_within_a_line()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Event, ProcessState};

    /// A reader for a run that began two seconds after 1970, and the log.
    fn reader() -> (PersonaEvents, Trace) {
        let trace = Trace::new(b"key", || Duration::ZERO);
        (another(&trace), trace)
    }

    fn another(trace: &Trace) -> PersonaEvents {
        PersonaEvents::new(trace.clone(), SystemTime::UNIX_EPOCH + Duration::from_secs(2))
    }

    fn told(at: u64, what: What) -> String {
        let at = Duration::from_secs(at);
        Line::of(&Event { at, ordinal: 0, host: "mongod".to_owned(), what }).text()
    }

    fn no_answer(exchange: u64) -> What {
        What::NoAnswer { exchange, why: "Connection refused".to_owned() }
    }

    #[test]
    fn lines_that_come_in_pieces_are_recorded_once_with_their_own_moments() {
        let (mut reader, trace) = reader();
        let ready = What::Process { state: ProcessState::Ready, why: None };
        let text = told(1, no_answer(1)) + &told(5, ready.clone());
        for byte in text.as_bytes() {
            reader.feed(&[*byte]).unwrap();
        }
        reader.feed(b"{\"at_unix_ns\":").unwrap();
        assert!(reader.is_within_a_line());
        assert_eq!(reader.lines(), 2);
        let events = trace.events();
        let moments: Vec<_> = events.iter().map(|event| (event.at.as_secs(), &event.what)).collect();
        assert_eq!(moments, [(0, &no_answer(1)), (3, &ready)], "what was before the run began has no time");
    }

    #[test]
    fn every_start_is_numbered_as_the_run_counts() {
        let (mut first, trace) = reader();
        first.feed(told(2, no_answer(1)).as_bytes()).unwrap();
        // Somebody else's exchange, and the program's next start, which counts from 1.
        assert_eq!(trace.next_exchange(), 2);
        let mut second = another(&trace);
        second.feed((told(3, no_answer(1)) + &told(3, no_answer(1))).as_bytes()).unwrap();
        let exchanges: Vec<_> = trace.events().into_iter().map(|event| event.what).collect();
        assert_eq!(exchanges, [no_answer(1), no_answer(3), no_answer(3)]);
    }

    #[test]
    fn what_is_no_event_names_its_line() {
        let (mut reader, _) = reader();
        let text = told(2, no_answer(1)) + "Killed\n";
        let error = reader.feed(text.as_bytes()).unwrap_err();
        assert_eq!((error.line, error.begins.as_str()), (2, "Killed"));
    }
}
