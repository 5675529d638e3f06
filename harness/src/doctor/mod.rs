//! Where two runs of one seed part, and probably why.
//!
//! The first event is found that differs in itself, in its bytes, or in what was said before it. It is compared field by
//! field, its bytes record by record, and the ledgers of draws up to it. The evidence decides which row of the table of
//! sources is named: a draw that only one run made before they parted comes first, then the event, then the bytes.
//!
//! Invariant: a diagnosis depends on the two runs alone; nothing is played here.

mod bytes;
mod draws;
mod fields;
mod message;
mod render;
mod sources;
mod tls;

pub use bytes::Bytes;
pub use draws::Draws;
pub use fields::Field;
pub use message::Spoken;
pub use sources::{Kind, SOURCES, Source};

use std::time::Duration;

use crate::trace::{Entry, Event, Kept, Stream, What};

use message::messages;
use sources::SABOTEUR;
use tls::Part;

/// How many common events are shown before the first that differs.
const CONTEXT: usize = 4;

/// Within how many events an event of the other run is looked for, to tell a change of order from a new event.
const NEAR: usize = 32;

/// Where two runs part, and probably why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The ordinal of the first differing event.
    pub ordinal: u64,
    /// The host of that event.
    pub host: String,
    /// The last events that both runs have before it.
    pub before: Vec<Event>,
    /// The event in the one run; none where its log ends before it.
    pub one: Option<Event>,
    /// The event in the other run.
    pub other: Option<Event>,
    /// The fields of the event that differ; none where only bytes do.
    pub fields: Vec<Field>,
    /// The streams that one run had drawn from more often, at the first event at which it had.
    pub draws: Vec<Draws>,
    /// Where the bytes of the connection differ, and what stands there.
    pub bytes: Option<(String, Bytes)>,
    /// The first message that differs in plaintext, if it is the one that parts them.
    pub spoken: Option<Spoken>,
    /// The kind of difference, which names the likely source.
    pub kind: Kind,
    /// The host that is most likely at fault.
    pub subject: String,
}

/// Compares two runs; `None` where they are the same.
pub fn compare(one: &Kept, other: &Kept) -> Option<Diagnosis> {
    if one.digest == other.digest {
        return None;
    }
    let (left, right) = (one.log.as_slice(), other.log.as_slice());
    let parts = |(left, right): &(&Entry, &Entry)| {
        (&left.event, &left.evidence.bytes, &left.evidence.said)
            == (&right.event, &right.evidence.bytes, &right.evidence.said)
    };
    let index = left.iter().zip(right).take_while(parts).count();
    let (one, other) = (left.get(index), right.get(index));
    let first = one.or(other);
    let mut diagnosis = Diagnosis {
        ordinal: first.map_or(index as u64, |entry| entry.event.ordinal),
        host: first.map_or("lab", |entry| &entry.event.host).to_owned(),
        before: left[index.saturating_sub(CONTEXT)..index].iter().map(|entry| entry.event.clone()).collect(),
        one: one.map(|entry| entry.event.clone()),
        other: other.map(|entry| entry.event.clone()),
        fields: Vec::new(),
        draws: draws::unequal(left, right, index),
        bytes: None,
        spoken: None,
        kind: Kind::Unseen,
        subject: String::new(),
    };
    diagnosis.subject.clone_from(&diagnosis.host);
    if let (Some(one), Some(other)) = (one, other) {
        diagnosis.fields = differing(&one.event, &other.event);
        if let Some(found) = wire(left, right, index) {
            (diagnosis.kind, diagnosis.subject) = (found.kind, found.subject);
            diagnosis.bytes = Some((found.place, found.bytes));
        }
    }
    diagnosis.spoken = spoken(left, right, index, diagnosis.kind == Kind::Encrypted);
    diagnosis.name(left, right, index);
    Some(diagnosis)
}

impl Diagnosis {
    /// Names the source: the strongest evidence last, so that it overrules the rest.
    fn name(&mut self, left: &[Entry], right: &[Entry], index: usize) {
        let event = self.by_event(left, right, index);
        if let Some(kind) = event {
            self.kind = kind;
            self.subject.clone_from(&self.host);
        }
        // A message that differs says more than the bytes that carry it; than another event it says less.
        if let Some(spoken) = self.spoken.as_ref().filter(|_| !event.is_some_and(Kind::is_course)) {
            self.kind = spoken.kind;
            self.subject.clone_from(&spoken.host);
        }
        // What was drawn since the last common event can follow from another course of events; messages, from time.
        let overruled = |draws: &&Draws| {
            let follows = match event {
                Some(Kind::Moment) => draws.stream == Stream::Latency,
                other => other.is_some_and(Kind::is_course),
            };
            draws.before == index && follows
        };
        if let Some(draws) = self.draws.first().filter(|draws| !overruled(draws)) {
            let (kind, subject) = Kind::of_draws(&draws.stream);
            (self.kind, self.subject) = (kind, subject.to_owned());
        }
        if self.host == SABOTEUR {
            (self.kind, self.subject) = (Kind::OwnCode, SABOTEUR.to_owned());
        }
    }

    /// What the events say by themselves; nothing where only bytes or their number differ.
    fn by_event(&self, left: &[Entry], right: &[Entry], index: usize) -> Option<Kind> {
        let (Some(one), Some(other)) = (&self.one, &self.other) else {
            return (self.one.is_some() || self.other.is_some()).then_some(Kind::OneSided);
        };
        let names: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
        let any =
            |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.split(['.', '[']).next().unwrap_or(name)));
        if names.is_empty() {
            return None;
        }
        if names.iter().all(|name| *name == "at" || name.starts_with("after")) {
            return Some(Kind::Moment);
        }
        let comes = |log: &[Entry], event: &Event| {
            let near = log.iter().skip(index + 1).take(NEAR);
            near.into_iter().any(|entry| (&entry.event.host, &entry.event.what) == (&event.host, &event.what))
        };
        match (comes(right, one), comes(left, other)) {
            (true, true) => return Some(Kind::Order),
            (true, false) | (false, true) => return Some(Kind::OneSided),
            (false, false) => {}
        }
        if any(&["event", "host"]) {
            return Some(Kind::Fact);
        }
        if any(&["material"]) {
            return Some(Kind::Material);
        }
        if any(&["principal", "key", "cmk"]) {
            return Some(Kind::Identifier);
        }
        if any(&["text", "attributes", "why", "message"]) {
            return Some(Kind::Text);
        }
        (!names.iter().all(|name| ["at", "length"].contains(name))).then_some(Kind::Fact)
    }
}

impl Kind {
    /// Whether the runs take another course, rather than the same one with other contents.
    fn is_course(self) -> bool {
        matches!(self, Kind::Moment | Kind::Order | Kind::OneSided)
    }
}

/// The fields in which two events differ, as their JSON names them. Their ordinals are equal.
fn differing(one: &Event, other: &Event) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut differs = |name: &str, one: String, other: String| {
        if one != other {
            fields.push(Field { name: name.to_owned(), one, other });
        }
    };
    differs("at", seconds(one.at), seconds(other.at));
    differs("host", one.host.clone(), other.host.clone());
    let kinds = [kind(&one.what), kind(&other.what)];
    if kinds[0] != kinds[1] {
        let [one, other] = kinds;
        differs("event", one, other);
        return fields;
    }
    let prefix = format!("{}.", kinds[0]);
    let within = fields::differing(&one.what, &other.what).into_iter();
    fields.extend(within.map(|field| Field { name: field.name.replacen(&prefix, "", 1), ..field }));
    fields
}

/// The name of a kind of event, as JSON has it.
fn kind(what: &What) -> String {
    let json = serde_json::to_value(what).expect("an event is plain data");
    json.as_object().and_then(|object| object.keys().next().cloned()).unwrap_or_default()
}

fn seconds(at: Duration) -> String {
    format!("{}.{:09}s", at.as_secs(), at.subsec_nanos())
}

/// The first message that differs, if it stands at the event or before it; after it, only the very next one, and only
/// where the bytes at the event are encrypted: it is what comes out of them.
fn spoken(left: &[Entry], right: &[Entry], index: usize, encrypted: bool) -> Option<Spoken> {
    let (one, other) = (messages(left), messages(right));
    let first = one.iter().zip(&other).position(|(one, other)| !one.equals(other))?;
    let so_far = one.iter().filter(|message| message.index <= index).count();
    let parts_them = first < so_far || (encrypted && first == so_far);
    parts_them.then(|| one[first].compare(&other[first]))
}

/// What the bytes of an event say.
struct Found {
    kind: Kind,
    subject: String,
    /// Where the first differing byte stands, in words.
    place: String,
    bytes: Bytes,
}

/// Compares the bytes of two events that passed the same socket in the same direction.
fn wire(left: &[Entry], right: &[Entry], index: usize) -> Option<Found> {
    let (one, other) = (left.get(index)?, right.get(index)?);
    let What::Bytes { connection, sent, .. } = one.event.what else { return None };
    let same =
        matches!(other.event.what, What::Bytes { connection: to, sent: out, .. } if (to, out) == (connection, sent));
    if !same || one.event.host != other.event.host || one.evidence.bytes == other.evidence.bytes {
        return None;
    }
    let host = &one.event.host;
    let streams = [left, right].map(|log| stream(log, index, host, connection, sent));
    let bytes = Bytes::of(&streams[0], &streams[1]);
    let direction = if sent { "sends" } else { "receives" };
    let passing = format!("what {host} {direction} on connection {connection}");
    let writer = if sent { host.clone() } else { peer(left, connection) };
    let Some(place) = tls::place(&streams[0], bytes.offset).or_else(|| tls::place(&streams[1], bytes.offset)) else {
        return Some(Found { kind: Kind::Content, subject: writer, place: passing, bytes });
    };
    let (what, kind) = match &place.part {
        Part::Hello(name, field) => (format!("{name}, field `{field}`"), Kind::Hello),
        Part::Certificate => ("a certificate, or a signature made with it".to_owned(), Kind::Certificate),
        Part::Handshake(name) => ((*name).to_owned(), Kind::Hello),
        // The first encrypted record of a client carries its certificate; those of a server do, until the client's.
        Part::Encrypted { number } => {
            let early = if sent {
                *number == 1
            } else {
                tls::encrypted_records(&stream(left, index, host, connection, !sent)) == 0
            };
            if early {
                ("the encrypted part of the handshake: certificates and signatures".to_owned(), Kind::Certificate)
            } else {
                ("encrypted under the same keys, so that the plaintext differs".to_owned(), Kind::Encrypted)
            }
        }
        Part::Other => ("no part of a message".to_owned(), Kind::Encrypted),
    };
    let at = place.offset.map_or_else(|| "its header".to_owned(), |offset| format!("byte {offset}"));
    let place = format!("{passing}: TLS record {} ({}), {at}: {what}", place.record, place.header);
    Some(Found { kind, subject: writer, place, bytes })
}

/// All bytes of a connection in one direction, up to an event and with it.
fn stream(log: &[Entry], last: usize, host: &str, connection: u64, sent: bool) -> Vec<u8> {
    let passed = log[..=last].iter().filter(|entry| {
        let What::Bytes { connection: to, sent: out, .. } = entry.event.what else { return false };
        entry.event.host == host && (to, out) == (connection, sent)
    });
    passed.flat_map(|entry| entry.evidence.bytes.shown.iter().copied()).collect()
}

/// Who stands at the other end of a connection.
fn peer(log: &[Entry], connection: u64) -> String {
    let connect = log.iter().find_map(|entry| match &entry.event.what {
        What::Connect { connection: this, to, service, .. } if *this == connection => Some((service, to)),
        _ => None,
    });
    match connect {
        Some((service, _)) if service == "kmip" => "proxy".to_owned(),
        Some((service, to)) => format!("{service} at {to}"),
        None => format!("at the other end of connection {connection}"),
    }
}

#[cfg(test)]
mod tests;
