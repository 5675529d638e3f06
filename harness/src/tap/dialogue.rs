//! What was said, kept in memory with its secrets: for tests, and for those who play it again.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::event::{Event, Happened, Sink};

/// A request, and its answer if there was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The connection, counted from 1.
    pub connection: u64,
    /// The request.
    pub request: Vec<u8>,
    /// The answer.
    pub answer: Option<Vec<u8>>,
}

/// Keeps exchanges in the order of their requests.
#[derive(Debug, Default)]
pub struct Dialogue {
    kept: Mutex<Kept>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    exchanges: Vec<Exchange>,
    /// For each connection the first request that has no answer.
    waiting: BTreeMap<u64, usize>,
}

impl Dialogue {
    /// What was said so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).exchanges.clone()
    }

    /// Waits until what was said is enough, and gives it; after that time whatever there is.
    pub fn wait(&self, at_most: Duration, enough: impl Fn(&[Exchange]) -> bool) -> Vec<Exchange> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(kept, at_most, |kept| !enough(&kept.exchanges));
        waited.unwrap_or_else(PoisonError::into_inner).0.exchanges.clone()
    }
}

impl Sink for Dialogue {
    fn take(&self, event: &Event) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = event.connection;
        match &event.what {
            Happened::Request(request) => {
                kept.exchanges.push(Exchange { connection, request: request.clone(), answer: None });
            }
            Happened::Answer(answer) => {
                let from = kept.waiting.get(&connection).copied().unwrap_or(0);
                let unanswered = |exchange: &Exchange| exchange.connection == connection && exchange.answer.is_none();
                // An answer that nobody asked for has no place in a dialogue.
                let Some(at) = kept.exchanges.iter().skip(from).position(unanswered) else { return };
                kept.exchanges[from + at].answer = Some(answer.clone());
                kept.waiting.insert(connection, from + at + 1);
            }
            _ => return,
        }
        drop(kept);
        self.changed.notify_all();
    }
}
