//! The sink that writes what passes into the trace of a run.
//!
//! A connection becomes `Connect` and `Close`; requests and answers become `Request`, `Answer`, `Malformed` and
//! `NoAnswer` as those of a persona do, and `Made` where the messages themselves say what an identifier means (invariant
//! K1 holds later answers against it). `Used` is never recorded: that a key was handed out does not say that anything was
//! opened with it, and only who sees the client's data knows. Where the client is a persona that writes its own events,
//! one of the two is enough.
//!
//! Invariant: what is secret in a message is named a secret before the message is recorded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::event::{End, Event, Happened, Side, Sink};
use crate::cast::exchange;
use crate::cast::overheard::Overheard;
use crate::trace::{Trace, What};

/// Records under a host's name.
#[derive(Debug)]
pub struct Recorder {
    trace: Trace,
    host: String,
    to: SocketAddr,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: BTreeMap<u64, Connection>,
    /// Keys that a server has made, and that nobody has fetched yet.
    created: BTreeSet<String>,
}

#[derive(Debug)]
struct Connection {
    /// Its number in the trace.
    number: u64,
    /// Requests that have no answer yet, and when they came.
    pending: VecDeque<(Overheard, Duration)>,
    /// The number of the last exchange.
    last: u64,
    /// How it ended, once a side has.
    end: Option<String>,
}

impl Recorder {
    /// Records what passes as the doing of a host, such as `mongod`. `to` is where it believes the server to be.
    pub fn new(trace: Trace, host: &str, to: SocketAddr) -> Self {
        Recorder { trace, host: host.to_owned(), to, state: Mutex::default() }
    }

    fn connect(&self, error: Option<String>) -> u64 {
        let connection = self.trace.next_connection();
        let (to, service) = (self.to.to_string(), "kmip".to_owned());
        let private = self.to.ip().is_loopback();
        self.trace.record(&self.host, What::Connect { connection, to, service, private, error });
        connection
    }

    fn request(&self, connection: &mut Connection, at: Duration, bytes: &[u8]) {
        let overheard = Overheard::sent(&self.trace, &self.host, bytes);
        connection.last = overheard.exchange;
        connection.pending.push_back((overheard, at));
    }

    fn answer(&self, connection: &mut Connection, created: &mut BTreeSet<String>, at: Duration, bytes: &[u8]) {
        let Some((overheard, asked_at)) = connection.pending.pop_front() else {
            return exchange::unasked(&self.trace, &self.host, connection.last, bytes.len());
        };
        overheard.received(&self.trace, &self.host, bytes, at.saturating_sub(asked_at), created);
    }
}

impl Sink for Recorder {
    fn take(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { connections, created } = &mut *state;
        match &event.what {
            Happened::Opened(_) => {
                let number = self.connect(None);
                let connection = Connection { number, pending: VecDeque::new(), last: 0, end: None };
                connections.insert(event.connection, connection);
                return;
            }
            Happened::Refused { by, why } => {
                self.connect(Some(format!("{}: {why}", by.as_str())));
                return;
            }
            _ => {}
        }
        let Some(connection) = connections.get_mut(&event.connection) else { return };
        match &event.what {
            Happened::Request(bytes) => self.request(connection, event.at, bytes),
            Happened::Answer(bytes) => self.answer(connection, created, event.at, bytes),
            Happened::Unframed { from: Side::Server, why } => {
                let exchange = connection.pending.pop_front().map_or(connection.last, |(pending, _)| pending.exchange);
                self.trace.record(&self.host, What::Malformed { exchange, why: why.clone() });
            }
            Happened::Ended { by, how, left } => {
                connection.end.get_or_insert_with(|| ended(*by, how, *left));
            }
            Happened::Closed { .. } => {
                let why = connection.end.take().unwrap_or_else(|| "the tap was ended".to_owned());
                for (pending, _) in connection.pending.drain(..) {
                    self.trace.record(&self.host, What::NoAnswer { exchange: pending.exchange, why: why.clone() });
                }
                self.trace.record(&self.host, What::Close { connection: connection.number });
                connections.remove(&event.connection);
            }
            Happened::Unframed { .. } | Happened::Opened(_) | Happened::Refused { .. } => {}
        }
    }
}

fn ended(by: Side, how: &End, left: usize) -> String {
    let half = if left == 0 { String::new() } else { format!(", {left} bytes into a message") };
    format!("the {} ended it: {how}{half}", by.as_str())
}

#[cfg(test)]
mod tests;
