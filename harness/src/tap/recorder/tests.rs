//! Which events a trace has of what passed.

use super::*;
use crate::tap::event::{Opened, Tls};
use crate::wire::message::{Header, request};
use crate::wire::names::*;
use crate::wire::{Item, Value, write};

const KEY: &[u8] = b"a key of thirty-two bytes, exact";
const OTHER: &[u8] = b"something else of thirty-two byt";
const HOST: &str = "mongod";

/// A trace, and what writes into it.
struct Street {
    trace: Trace,
    recorder: Recorder,
}

impl Street {
    fn new() -> Self {
        let trace = Trace::new(b"the key of this run", || Duration::ZERO);
        let recorder = Recorder::new(trace.clone(), HOST, "127.0.0.1:5696".parse().unwrap());
        let street = Street { trace, recorder };
        street.open(1);
        street
    }

    fn take(&self, connection: u64, at: u64, what: Happened) {
        self.recorder.take(&Event { at: Duration::from_millis(at), connection, what });
    }

    fn open(&self, connection: u64) {
        let tls = Tls { version: "TLS 1.3".to_owned(), cipher: "?".to_owned(), peer: None };
        let from = "127.0.0.1:4000".parse().unwrap();
        self.take(connection, 0, Happened::Opened(Opened { from, client: tls.clone(), server: tls }));
    }

    /// An exchange on the first connection.
    fn exchange(&self, name: &str, asked: Vec<Item>, answered: Vec<Item>) -> &Self {
        self.take(1, 10, Happened::Request(ask(name, asked)));
        self.take(1, 15, Happened::Answer(answer(name, 0, answered)));
        self
    }

    /// The kinds of events from the second on, which is after `Connect`.
    fn events(&self) -> Vec<What> {
        self.trace.events().into_iter().skip(1).map(|event| event.what).collect()
    }

    fn made(&self) -> Vec<(String, bool)> {
        let is_key = |material| material == self.trace.fingerprint(KEY);
        let made = self.events().into_iter().filter_map(|what| match what {
            What::Made { key, material } => Some((key, is_key(material))),
            What::Used { .. } | What::Finding { .. } => panic!("{what:?}"),
            _ => None,
        });
        made.collect()
    }
}

fn ask(name: &str, payload: Vec<Item>) -> Vec<u8> {
    let header = Header { version: (1, 2), maximum_response_size: None, time_stamp: None };
    write(&request(&header, &[(operation(name).unwrap(), payload)]))
}

fn answer(name: &str, status: u32, payload: Vec<Item>) -> Vec<u8> {
    let version = vec![Item::integer(PROTOCOL_VERSION_MAJOR, 1), Item::integer(PROTOCOL_VERSION_MINOR, 2)];
    let header = vec![
        Item::structure(PROTOCOL_VERSION, version),
        Item::new(TIME_STAMP, Value::DateTime(1_795_317_891)),
        Item::integer(BATCH_COUNT, 1),
    ];
    let item = vec![
        Item::enumeration(OPERATION, operation(name).unwrap()),
        Item::enumeration(RESULT_STATUS, status),
        Item::structure(RESPONSE_PAYLOAD, payload),
    ];
    let parts = vec![Item::structure(RESPONSE_HEADER, header), Item::structure(BATCH_ITEM, item)];
    write(&Item::structure(RESPONSE_MESSAGE, parts))
}

fn named(identifier: &str) -> Item {
    Item::text(UNIQUE_IDENTIFIER, identifier)
}

fn data(bytes: &[u8]) -> Item {
    Item::new(DATA, Value::Bytes(bytes.to_vec()))
}

/// A symmetric key as Register and Get carry it.
fn key(bytes: &[u8]) -> Item {
    let value = Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, Value::Bytes(bytes.to_vec()))]);
    Item::structure(SYMMETRIC_KEY, vec![Item::structure(KEY_BLOCK, vec![value])])
}

#[test]
fn an_exchange_becomes_what_it_becomes_for_a_persona() {
    let street = Street::new();
    street.exchange("Get", vec![named("k")], vec![named("k"), key(KEY)]);
    let events = street.events();
    let What::Request { exchange, operations, version, key, length, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(
        (*exchange, operations.join(" ").as_str(), version.as_str(), key.as_deref()),
        (1, "Get", "1.2", Some("k"))
    );
    assert_eq!(*length, ask("Get", vec![named("k")]).len());
    let What::Answer { exchange, status, material, after, .. } = &events[1] else { panic!("{events:?}") };
    assert_eq!((*exchange, status.as_str(), *after), (1, "Success", Duration::from_millis(5)));
    assert_eq!(material.as_ref(), Some(&street.trace.fingerprint(KEY)));
    let connect = street.trace.events().remove(0);
    assert_eq!((connect.host.as_str(), street.trace.events().len()), (HOST, 3));
    assert!(matches!(&connect.what, What::Connect { to, error: None, .. } if to == "127.0.0.1:5696"));
}

#[test]
fn keys_mean_what_the_messages_say_and_a_get_alone_says_nothing() {
    let get = || (vec![named("k")], vec![named("k"), key(KEY)]);
    let registered = Street::new();
    registered.exchange("Register", vec![key(KEY)], vec![named("k")]);
    assert_eq!(registered.made(), [("k".to_owned(), true)]);
    registered.exchange("Get", get().0, get().1);
    assert_eq!(registered.made().len(), 1, "it is known already");

    let created = Street::new();
    created.exchange("Create", vec![], vec![named("k")]);
    assert_eq!(created.made(), []);
    created.exchange("Get", get().0, get().1).exchange("Get", get().0, vec![named("k"), key(OTHER)]);
    assert_eq!(created.made(), [("k".to_owned(), true)], "the first one says it");

    let existing = Street::new();
    existing.exchange("Get", get().0, get().1);
    assert_eq!(existing.made(), []);

    let encrypted = Street::new();
    encrypted.exchange("Encrypt", vec![named("k"), data(KEY)], vec![named("k"), data(OTHER)]);
    encrypted.exchange("Decrypt", vec![named("k"), data(OTHER)], vec![named("k"), data(KEY)]);
    assert_eq!(encrypted.made(), [("k".to_owned(), true)]);

    let refused = Street::new();
    refused.take(1, 0, Happened::Request(ask("Register", vec![key(KEY)])));
    refused.take(1, 0, Happened::Answer(answer("Register", 1, vec![])));
    assert_eq!(refused.made(), []);
}

#[test]
fn what_a_message_has_as_a_secret_is_one_in_the_trace_from_then_on() {
    let told = |name: &str, asked: Vec<Item>| {
        let street = Street::new();
        street.take(1, 0, Happened::Request(ask(name, asked)));
        street.trace.record("proxy", What::Operator { class: None, key: None, text: crate::trace::hex(KEY) });
        street.events().iter().any(|what| matches!(what, What::Finding { invariant, .. } if invariant == "K3"))
    };
    assert!(told("Register", vec![key(KEY)]));
    assert!(told("Encrypt", vec![data(KEY)]));
    assert!(told("Get", vec![Item::new(PASSWORD, Value::Text(String::from_utf8(KEY.to_vec()).unwrap()))]));
    assert!(!told("Get", vec![named("k")]));
}

#[test]
fn answers_belong_to_the_requests_of_their_own_connection_in_order() {
    let street = Street::new();
    street.open(2);
    street.take(1, 0, Happened::Request(ask("Get", vec![named("one")])));
    street.take(2, 0, Happened::Request(ask("Get", vec![named("two")])));
    street.take(1, 0, Happened::Request(ask("Get", vec![named("three")])));
    street.take(2, 0, Happened::Answer(answer("Get", 0, vec![named("two"), key(KEY)])));
    street.take(1, 0, Happened::Answer(answer("Get", 0, vec![named("one"), key(KEY)])));
    street.take(1, 0, Happened::Answer(answer("Get", 0, vec![named("three"), key(KEY)])));
    let answers = street.events().into_iter().filter_map(|what| match what {
        What::Answer { exchange, key, .. } => Some((exchange, key.unwrap())),
        _ => None,
    });
    let expected = [(2, "two"), (1, "one"), (3, "three")].map(|(exchange, key)| (exchange, key.to_owned()));
    assert_eq!(answers.collect::<Vec<_>>(), expected);
}

#[test]
fn what_nobody_asked_for_and_what_is_no_answer_is_malformed() {
    let malformed = |happened: Vec<Happened>| {
        let street = Street::new();
        happened.into_iter().for_each(|what| street.take(1, 0, what));
        let all = street.events().into_iter().filter_map(|what| match what {
            What::Malformed { exchange, why } => Some((exchange, why)),
            _ => None,
        });
        all.collect::<Vec<_>>()
    };
    let request = || Happened::Request(ask("Get", vec![named("k")]));
    let whole = || Happened::Answer(answer("Get", 0, vec![named("k"), key(KEY)]));
    assert_eq!(malformed(vec![request(), whole()]), []);
    let length = answer("Get", 0, vec![named("k"), key(KEY)]).len();
    assert_eq!(malformed(vec![request(), whole(), whole()]), [(1, format!("{length} bytes or more after the answer"))]);
    let broken = Happened::Answer(vec![0x42, 0, 0x7B, 1, 0, 0, 0, 1, 0]);
    assert_eq!(malformed(vec![request(), broken])[0].0, 1);
    let unframed = Happened::Unframed { from: Side::Server, why: "no KMIP".to_owned() };
    assert_eq!(malformed(vec![request(), unframed]), [(1, "no KMIP".to_owned())]);
}

#[test]
fn a_request_that_is_never_answered_says_how_the_connection_ended() {
    let street = Street::new();
    street.take(1, 0, Happened::Request(ask("Get", vec![named("k")])));
    street.take(1, 0, Happened::Ended { by: Side::Server, how: End::WithoutCloseNotify, left: 60 });
    street.take(1, 0, Happened::Closed { by: Side::Server, sent: 100, received: 60 });
    let why = "the server ended it: the end of TCP without close_notify, 60 bytes into a message".to_owned();
    assert_eq!(street.events()[1..], [What::NoAnswer { exchange: 1, why }, What::Close { connection: 1 }]);
}

#[test]
fn a_connection_that_never_was_is_one_with_an_error() {
    let street = Street::new();
    street.take(2, 0, Happened::Refused { by: Side::Client, why: "TLS alert 48: unknown_ca".to_owned() });
    let events = street.events();
    let [What::Connect { connection: 2, error: Some(error), .. }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(error, "client: TLS alert 48: unknown_ca");
}

#[test]
fn bytes_that_are_framed_and_no_request_are_owed_an_answer_too() {
    let street = Street::new();
    street.take(1, 0, Happened::Request(vec![0x42, 0, 0x78, 1, 0, 0, 0, 1, 0]));
    street.take(1, 0, Happened::Closed { by: Side::Client, sent: 9, received: 0 });
    let events = street.events();
    let What::Request { operations, version, length: 9, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((operations.len(), version.as_str()), (0, "?"));
    assert!(matches!(&events[1], What::NoAnswer { exchange: 1, why } if why == "the tap was ended"));
}
