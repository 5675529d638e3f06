//! The sink that writes what passes into the trace of a run.
//!
//! A connection becomes `Connect` and `Close`; requests and answers become `Request`, `Answer`, `Malformed` and
//! `NoAnswer` as those of a persona do. `Made` is recorded where the messages themselves say what an identifier means:
//! when a Register has succeeded; at the first Get of a key that was Created here; and when an Encrypt has succeeded, for
//! what was encrypted (invariant K1 holds later answers against it). `Used` is never recorded: that a key was handed out
//! does not say that anything was opened with it, and only who sees the client's data knows. Where the client is a
//! persona that writes its own events, one of the two is enough.
//!
//! Invariant: what is secret in a message is named a secret before the message is recorded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::event::{End, Event, Happened, Side, Sink};
use crate::cast::exchange;
use crate::trace::{Trace, What};
use crate::wire::message::Asked;
use crate::wire::names::{BATCH_ITEM, DATA, KEY_MATERIAL, OPERATION, PASSWORD, REQUEST_MESSAGE, REQUEST_PAYLOAD};
use crate::wire::names::{UNIQUE_IDENTIFIER, operation};
use crate::wire::{Answer, Item, parse};

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
    pending: VecDeque<Pending>,
    /// The number of the last exchange.
    last: u64,
    /// How it ended, once a side has.
    end: Option<String>,
}

/// A request that has no answer yet.
#[derive(Debug)]
struct Pending {
    exchange: u64,
    request: Item,
    at: Duration,
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
        // Whatever it is, the server owes it an answer (invariant K6).
        let request = parse(bytes).unwrap_or_else(|_| Item::structure(REQUEST_MESSAGE, Vec::new()));
        let asked = Asked::read(&request);
        self.name_secrets(&request, asked.key.as_deref().unwrap_or("an unnamed key"));
        let exchange = exchange::sent(&self.trace, &self.host, asked, bytes);
        connection.last = exchange;
        connection.pending.push_back(Pending { exchange, request, at });
    }

    fn name_secrets(&self, item: &Item, key: &str) {
        let name = match item.tag {
            KEY_MATERIAL => "key material",
            PASSWORD => "password",
            DATA => "data",
            _ => return item.children().iter().for_each(|child| self.name_secrets(child, key)),
        };
        leaves(item, &mut |bytes| self.trace.secret(&format!("{name} of {key}"), bytes));
    }

    fn answer(&self, connection: &mut Connection, created: &mut BTreeSet<String>, at: Duration, bytes: &[u8]) {
        let Some(Pending { exchange, request, at: asked_at }) = connection.pending.pop_front() else {
            return exchange::unasked(&self.trace, &self.host, connection.last, bytes.len());
        };
        let after = at.saturating_sub(asked_at);
        let answer = exchange::received(&self.trace, &self.host, exchange, &request, bytes, after);
        if let Some(answer) = answer {
            self.made(&request, &answer, created);
        }
    }

    /// What identifiers mean from now on, as far as the messages say.
    fn made(&self, request: &Item, answer: &Answer, created: &mut BTreeSet<String>) {
        let asked = request.children().iter().filter(|item| item.tag == BATCH_ITEM);
        for (asked, answered) in asked.zip(&answer.items).filter(|(_, answered)| answered.status == "Success") {
            let payload = asked.child(REQUEST_PAYLOAD);
            let named = payload.and_then(|payload| payload.child(UNIQUE_IDENTIFIER)).and_then(Item::as_text);
            let Some(key) = answered.unique_identifier.as_deref().or(named) else { continue };
            let is = |name| asked.child(OPERATION).and_then(Item::as_enumeration) == operation(name);
            let material = if is("Register") {
                payload.and_then(|payload| find(payload, KEY_MATERIAL)).and_then(Item::as_bytes)
            } else if is("Encrypt") {
                payload.and_then(|payload| payload.child(DATA)).and_then(Item::as_bytes)
            } else if is("Create") {
                created.insert(key.to_owned());
                None
            } else if is("Get") && !answered.wrapped && created.remove(key) {
                answered.key_material.as_deref()
            } else {
                None
            };
            if let Some(material) = material {
                let material = self.trace.fingerprint(material);
                self.trace.record(&self.host, What::Made { key: key.to_owned(), material });
            }
        }
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
                let exchange = connection.pending.pop_front().map_or(connection.last, |pending| pending.exchange);
                self.trace.record(&self.host, What::Malformed { exchange, why: why.clone() });
            }
            Happened::Ended { by, how, left } => {
                connection.end.get_or_insert_with(|| ended(*by, how, *left));
            }
            Happened::Closed { .. } => {
                let why = connection.end.take().unwrap_or_else(|| "the tap was ended".to_owned());
                for pending in connection.pending.drain(..) {
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

/// The first item with a tag, at any depth.
fn find(item: &Item, tag: u32) -> Option<&Item> {
    if item.tag == tag { Some(item) } else { item.children().iter().find_map(|child| find(child, tag)) }
}

/// Everything inside that is bytes or text.
fn leaves(item: &Item, each: &mut impl FnMut(&[u8])) {
    item.as_bytes().into_iter().chain(item.as_text().map(str::as_bytes)).for_each(&mut *each);
    item.children().iter().for_each(|child| leaves(child, each));
}

#[cfg(test)]
mod tests;
