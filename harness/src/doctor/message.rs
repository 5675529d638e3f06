//! What was said in plaintext, and in what two messages differ: HTTP by header and body, KMIP by the path of tags.
//!
//! HTTP is what the clouds' front ends read and wrote; KMIP is what the played databases sent and read.
//!
//! Invariant: key material is hidden, and secrets were struck out when the run was recorded.

use crate::trace::{Blob, Entry, What};
use crate::wire::names::{self, KEY_MATERIAL, UNIQUE_IDENTIFIER};
use crate::wire::{self, Item, Value};

use super::bytes::Bytes;
use super::fields::{Field, differing_json, shortened};
use super::sources::Kind;

/// Members of JSON that are secrets before anybody has named them so, as the clouds spell them.
const SECRETS: [&str; 3] = ["Plaintext", "SecretAccessKey", "SessionToken"];

/// A message that a run kept in plaintext.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    /// The index of its event, or of the event that followed it.
    pub(super) index: usize,
    /// The host that said it, or was told it.
    pub(super) host: &'a str,
    bytes: &'a Blob,
    kmip: bool,
}

/// In what two messages differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The host.
    pub host: String,
    /// `HTTP` or `KMIP`.
    pub protocol: &'static str,
    /// How it begins: the first line, or the message's tag.
    pub beginning: String,
    /// The headers, members, or items that differ.
    pub fields: Vec<Field>,
    /// The first differing byte.
    pub bytes: Bytes,
    /// What kind of difference that is.
    pub kind: Kind,
}

/// All messages of a run, in order.
pub(super) fn messages(log: &[Entry]) -> Vec<Message<'_>> {
    let mut messages = Vec::new();
    for (index, Entry { event, evidence }) in log.iter().enumerate() {
        let said = evidence.said.iter();
        messages.extend(said.map(|said| Message { index, host: &said.host, bytes: &said.bytes, kmip: false }));
        if matches!(event.what, What::Request { .. } | What::Answer { .. } | What::Malformed { .. }) {
            messages.push(Message { index, host: &event.host, bytes: &evidence.bytes, kmip: true });
        }
    }
    messages
}

impl Message<'_> {
    /// Whether both are the same.
    pub(super) fn equals(&self, other: &Message<'_>) -> bool {
        (self.host, self.bytes) == (other.host, other.bytes)
    }

    /// In what they differ.
    pub(super) fn compare(&self, other: &Message<'_>) -> Spoken {
        let (one, two) = (self.bytes.shown.as_slice(), other.bytes.shown.as_slice());
        let (beginning, fields, kind) = if self.kmip { kmip(one, two) } else { http(one, two) };
        let mut bytes = Bytes::compare(self.bytes, other.bytes);
        if [one, two].into_iter().any(|message| if self.kmip { holds_material(message) } else { holds_secret(message) })
        {
            bytes.rows.clear();
        }
        Spoken {
            host: self.host.to_owned(),
            protocol: if self.kmip { "KMIP" } else { "HTTP" },
            beginning,
            fields,
            bytes,
            kind,
        }
    }
}

fn http(one: &[u8], other: &[u8]) -> (String, Vec<Field>, Kind) {
    let ((first, headers, body), (other_first, other_headers, other_body)) = (parts(one), parts(other));
    let mut fields = Vec::new();
    let mut differs = |name: &str, one: &str, other: &str| {
        if one != other {
            fields.push(Field { name: name.to_owned(), one: shortened(one), other: shortened(other) });
        }
    };
    differs("first line", &first, &other_first);
    let mut names: Vec<&String> = headers.iter().chain(&other_headers).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    // The signature signs the others, so that it says nothing of its own.
    names.sort_by_key(|name| *name == "authorization");
    for name in names {
        let value = |headers: &[(String, String)]| {
            let found = headers.iter().find(|(other, _)| other == name);
            found.map_or_else(|| "(absent)".to_owned(), |(_, value)| value.clone())
        };
        differs(&format!("header {name}"), &value(&headers), &value(&other_headers));
    }
    let kind = {
        let has = |name: &str| fields.iter().any(|field| field.name == name);
        if has("header amz-sdk-invocation-id") {
            Kind::InvocationId
        } else if has("header x-amz-date") || has("header date") {
            Kind::Date
        } else {
            Kind::Content
        }
    };
    if body != other_body {
        let members = differing_json(body, other_body);
        fields.extend(members.into_iter().map(|field| {
            let name = format!("body, {}", field.name);
            let hidden = || "(hidden)".to_owned();
            let secret = SECRETS.iter().any(|secret| field.name.contains(secret));
            if secret { Field { name, one: hidden(), other: hidden() } } else { Field { name, ..field } }
        }));
    }
    (first, fields, kind)
}

/// The first line, the headers, and the body of a message.
fn parts(message: &[u8]) -> (String, Vec<(String, String)>, &[u8]) {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(message.len());
    let head = String::from_utf8_lossy(&message[..end]);
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    (first, headers, message.get(end + 4..).unwrap_or_default())
}

/// Whether key material could stand in a message: then no row of its bytes is shown.
fn holds_material(message: &[u8]) -> bool {
    message.windows(3).any(|window| window == &KEY_MATERIAL.to_be_bytes()[1..])
}

/// The same for the secrets of HTTP.
fn holds_secret(message: &[u8]) -> bool {
    let text = String::from_utf8_lossy(message);
    SECRETS.iter().any(|secret| text.contains(secret))
}

fn kmip(one: &[u8], other: &[u8]) -> (String, Vec<Field>, Kind) {
    let (Ok(one), Ok(other)) = (wire::parse(one), wire::parse(other)) else {
        return ("a message that is no TTLV".to_owned(), Vec::new(), Kind::Content);
    };
    let beginning = names::tag_name(one.tag);
    let mut path = vec![beginning.clone()];
    match first_differing(&one, &other, &mut path) {
        Some((field, kind)) => (beginning, vec![field], kind),
        // What differs was struck out.
        None => (beginning, Vec::new(), Kind::Material),
    }
}

/// The first item in which two trees differ, by the path of tags that leads to it.
fn first_differing(one: &Item, other: &Item, path: &mut Vec<String>) -> Option<(Field, Kind)> {
    if one == other {
        return None;
    }
    if let (Value::Structure(left), Value::Structure(right)) = (&one.value, &other.value) {
        let same_tags = one.tag == other.tag && left.len() == right.len();
        if same_tags && left.iter().zip(right).all(|(left, right)| left.tag == right.tag) {
            return left.iter().zip(right).find_map(|(left, right)| {
                path.push(names::tag_name(left.tag));
                let found = first_differing(left, right, path);
                path.pop();
                found
            });
        }
    }
    let name = names::tag_name(one.tag);
    let kind = match one.tag {
        KEY_MATERIAL => Kind::Material,
        UNIQUE_IDENTIFIER => Kind::Identifier,
        _ if name.contains("Date") || name.contains("TimeStamp") => Kind::Date,
        _ => Kind::Content,
    };
    let told = |item: &Item| shortened(wire::text(item).trim());
    Some((Field { name: path.join("/"), one: told(one), other: told(other) }, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(kmip: bool, one: &[u8], other: &[u8]) -> Spoken {
        let blob = |bytes: &[u8]| Blob { shown: bytes.to_vec(), struck: None };
        let (one, other) = (blob(one), blob(other));
        let message = |bytes| Message { index: 0, host: "kms", bytes, kmip };
        message(&one).compare(&message(&other))
    }

    fn told(spoken: &Spoken) -> Vec<String> {
        spoken.fields.iter().map(|it| format!("{}: {} / {}", it.name, it.one, it.other)).collect()
    }

    #[test]
    fn an_invocation_id_explains_the_signature_that_differs_with_it() {
        let request = |id: &str, signature: &str| {
            format!("POST / HTTP/1.1\r\nauthorization: {signature}\r\namz-sdk-invocation-id: {id}\r\n\r\n{{}}")
        };
        let spoken = spoken(false, request("a", "x").as_bytes(), request("b", "y").as_bytes());
        assert_eq!(spoken.kind, Kind::InvocationId);
        assert_eq!(told(&spoken), ["header amz-sdk-invocation-id: a / b", "header authorization: x / y"]);
    }

    #[test]
    fn a_body_is_compared_member_by_member() {
        let answer = |id: &str| format!("HTTP/1.1 200 OK\r\n\r\n{{\"KeyId\": \"{id}\", \"n\": 1}}");
        let spoken = spoken(false, answer("a").as_bytes(), answer("b").as_bytes());
        assert_eq!((spoken.kind, spoken.beginning.as_str()), (Kind::Content, "HTTP/1.1 200 OK"));
        assert_eq!(told(&spoken), ["body, KeyId: a / b"]);
        assert_eq!(spoken.bytes.offset, 30);
    }

    #[test]
    fn kmip_is_compared_item_by_item_and_key_material_is_hidden() {
        use crate::wire::names::*;
        let message = |id: &str, material: &[u8]| {
            let payload =
                vec![Item::text(UNIQUE_IDENTIFIER, id), Item::new(KEY_MATERIAL, Value::Bytes(material.to_vec()))];
            wire::write(&Item::structure(RESPONSE_MESSAGE, vec![Item::structure(RESPONSE_PAYLOAD, payload)]))
        };
        let identifier = spoken(true, &message("one", b"12345678"), &message("two", b"12345678"));
        assert_eq!(identifier.kind, Kind::Identifier);
        assert_eq!(identifier.fields[0].name, "ResponseMessage/ResponsePayload/UniqueIdentifier");
        assert!(identifier.fields[0].one.contains("one") && identifier.fields[0].other.contains("two"));
        let material = spoken(true, &message("one", b"12345678"), &message("one", b"12345679"));
        assert_eq!(material.kind, Kind::Material);
        let shown = format!("{:?}", material.fields);
        assert!(!shown.contains("1234") && !shown.contains("3132"), "{shown}");
        assert_eq!(spoken(true, b"no", b"on").kind, Kind::Content);
    }
}
