//! Where in a stream of TLS records a byte stands: record, handshake message, field.
//!
//! Only what is plaintext on the wire is read: record headers, and handshake messages up to the ServerHello. The numbers
//! are those of RFC 8446, sections 4 and 5.1; TLS 1.2 (RFC 5246) spells both alike.
//!
//! Invariant: reading never fails; what is cut off or unknown is named as such.

/// Where a byte stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// What the byte belongs to.
    pub(super) part: Part,
    /// The number of its record in this direction, from 1.
    pub(super) record: usize,
    /// The record, in words: `handshake, version 3.3, 512 bytes`.
    pub(super) header: String,
    /// The offset in the record's content; none where the byte stands in its header, so that the length differs.
    pub(super) offset: Option<usize>,
}

/// What a byte belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A ClientHello or ServerHello: its name, and the field.
    Hello(&'static str, String),
    /// A certificate, or what is signed with it, where it is plaintext (TLS 1.2).
    Certificate,
    /// Another handshake message, by its name.
    Handshake(&'static str),
    /// An encrypted record: which one of this direction, from 1.
    Encrypted {
        /// The number among the encrypted records.
        number: usize,
    },
    /// Alerts and the like.
    Other,
}

const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// Finds the place of the byte at `at` in a stream of records; `None` where the stream is not TLS.
pub(super) fn place(stream: &[u8], at: usize) -> Option<Place> {
    let (mut start, mut record, mut encrypted) = (0, 0, 0);
    loop {
        record += 1;
        let header: &[u8; 5] = stream.get(start..)?.first_chunk()?;
        let [kind, major, minor, high, low] = *header;
        let name = content_type(kind).filter(|_| major == 3)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let end = start + 5 + length;
        encrypted += usize::from(kind == APPLICATION_DATA);
        if at < end {
            let header = format!("{name}, version {major}.{minor}, {length} bytes");
            let content = &stream[start + 5..end.min(stream.len())];
            let offset = at.checked_sub(start + 5);
            let part = match kind {
                APPLICATION_DATA => Part::Encrypted { number: encrypted },
                HANDSHAKE => handshake(content, offset.unwrap_or_default()),
                _ => Part::Other,
            };
            return Some(Place { part, record, header, offset });
        }
        start = end;
    }
}

/// How many encrypted records a stream holds, cut ones included.
pub(super) fn encrypted_records(stream: &[u8]) -> usize {
    let (mut start, mut count) = (0, 0);
    while let Some([kind, _, _, high, low]) = stream.get(start..).and_then(<[u8]>::first_chunk) {
        count += usize::from(*kind == APPLICATION_DATA);
        start += 5 + usize::from(u16::from_be_bytes([*high, *low]));
    }
    count
}

fn content_type(kind: u8) -> Option<&'static str> {
    Some(match kind {
        20 => "change cipher spec",
        21 => "alert",
        HANDSHAKE => "handshake",
        APPLICATION_DATA => "application data (encrypted)",
        _ => return None,
    })
}

/// The handshake message of a record in which an offset lies. A message that spans records is named in its first only.
fn handshake(content: &[u8], at: usize) -> Part {
    let mut start = 0;
    loop {
        let Some([kind, a, b, c]) = content.get(start..).and_then(<[u8]>::first_chunk::<4>) else {
            return Part::Handshake("in the middle of a message");
        };
        let end = start + 4 + u32::from_be_bytes([0, *a, *b, *c]) as usize;
        if at >= end {
            start = end;
            continue;
        }
        let body = &content[start + 4..end.min(content.len())];
        return match (*kind, at.checked_sub(start + 4)) {
            (CLIENT_HELLO, Some(at)) => Part::Hello("ClientHello", hello(body, at, true)),
            (SERVER_HELLO, Some(at)) => Part::Hello("ServerHello", hello(body, at, false)),
            (CLIENT_HELLO, None) => Part::Hello("ClientHello", "length".to_owned()),
            (SERVER_HELLO, None) => Part::Hello("ServerHello", "length".to_owned()),
            (11 | 15, _) => Part::Certificate,
            (12, _) => Part::Handshake("ServerKeyExchange"),
            (13, _) => Part::Handshake("CertificateRequest"),
            (14, _) => Part::Handshake("ServerHelloDone"),
            (16, _) => Part::Handshake("ClientKeyExchange"),
            // What follows ChangeCipherSpec in TLS 1.2 is a message whose type is encrypted.
            _ => Part::Handshake("a message of unknown type, or an encrypted one"),
        };
    }
}

/// The field of a hello in which an offset lies (RFC 8446 sections 4.1.2 and 4.1.3).
fn hello(body: &[u8], at: usize, client: bool) -> String {
    let mut reader = Fields { body, start: 0, at };
    let found = reader
        .fixed("version", 2)
        .or_else(|| reader.fixed("random", 32))
        .or_else(|| reader.counted("session id", 1))
        .or_else(|| if client { reader.counted("cipher suites", 2) } else { reader.fixed("cipher suite", 2) })
        .or_else(|| if client { reader.counted("compression", 1) } else { reader.fixed("compression", 1) })
        .or_else(|| reader.fixed("extensions", 2));
    if let Some(found) = found {
        return found;
    }
    while let Some(kind) = body.get(reader.start..).and_then(<[u8]>::first_chunk) {
        let name = extension(u16::from_be_bytes(*kind));
        if let Some(found) = reader.fixed(&name, 2).or_else(|| reader.counted(&name, 2)) {
            return found;
        }
    }
    "past its end".to_owned()
}

/// Walks over the fields of a message until one covers an offset.
struct Fields<'a> {
    body: &'a [u8],
    start: usize,
    at: usize,
}

impl Fields<'_> {
    /// A field of so many bytes.
    fn fixed(&mut self, name: &str, length: usize) -> Option<String> {
        self.start += length;
        (self.at < self.start).then(|| name.to_owned())
    }

    /// A field whose length stands before it, in so many bytes.
    fn counted(&mut self, name: &str, digits: usize) -> Option<String> {
        let length = self.body.get(self.start..self.start + digits).unwrap_or_default();
        let length = length.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        self.fixed(name, digits + length)
    }
}

fn extension(kind: u16) -> String {
    match kind {
        0 => "server name".to_owned(),
        10 => "supported groups".to_owned(),
        13 => "signature algorithms".to_owned(),
        16 => "application protocols".to_owned(),
        35 => "session ticket".to_owned(),
        41 => "pre-shared key".to_owned(),
        43 => "supported versions".to_owned(),
        51 => "key share".to_owned(),
        other => format!("extension {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello with a session id, one suite, and a key share, in a record; then two records of data.
    fn stream() -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(4);
        body.extend([8; 4]);
        body.extend([0, 2, 0x13, 1, 1, 0]);
        body.extend([0, 12, 0, 0, 0, 0, 0, 51, 0, 4, 9, 9, 9, 9]);
        let mut record = vec![22, 3, 1, 0, (body.len() + 4) as u8, 1, 0, 0, body.len() as u8];
        record.extend(&body);
        record.extend([20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 3, 1, 2, 3, 23, 3, 3, 0, 9, 4]);
        record
    }

    fn field(at: usize) -> String {
        match place(&stream(), at).map(|place| place.part) {
            Some(Part::Hello("ClientHello", field)) => field,
            other => panic!("{at}: {other:?}"),
        }
    }

    #[test]
    fn every_field_of_a_client_hello_is_named() {
        let starts = [(5, "length"), (9, "version"), (11, "random"), (42, "random"), (43, "session id")];
        let more = [(48, "cipher suites"), (52, "compression"), (54, "extensions"), (56, "server name")];
        for (at, name) in starts.into_iter().chain(more).chain([(60, "key share"), (67, "key share")]) {
            assert_eq!(field(at), name, "{at}");
        }
    }

    #[test]
    fn records_are_counted_and_encrypted_ones_apart() {
        let stream = stream();
        let header = place(&stream, 0).unwrap();
        assert_eq!((header.offset, header.record), (None, 1));
        assert_eq!(header.header, "handshake, version 3.1, 63 bytes");
        let second = place(&stream, 80).unwrap();
        assert_eq!((second.part, second.record), (Part::Encrypted { number: 1 }, 3));
        let last = place(&stream, 87).unwrap();
        assert_eq!(last.part, Part::Encrypted { number: 2 }, "the rest of the record is still to come");
        assert_eq!((second.offset, last.offset), (Some(1), Some(0)));
        assert_eq!(encrypted_records(&stream), 2);
    }

    #[test]
    fn what_is_no_tls_has_no_place_and_nothing_that_is_cut_off_is_read_past_its_end() {
        assert_eq!(place(b"POST / HTTP/1.1\r\n", 3), None);
        let stream = stream();
        for cut in 0..stream.len() {
            for at in 0..cut {
                let _ = place(&stream[..cut], at);
            }
            encrypted_records(&stream[..cut]);
        }
    }
}
