//! Two runs made by hand, equal but for one thing, and what the doctor calls it.

use super::*;
use crate::trace::{Blob, Evidence, Fingerprint, Said};

/// An entry at a moment in milliseconds.
fn entry(at: u64, host: &str, what: What) -> Entry {
    let event = Event { at: Duration::from_millis(at), ordinal: 0, host: host.to_owned(), what };
    Entry { event, evidence: Evidence::default() }
}

fn blob(bytes: &[u8]) -> Blob {
    Blob { shown: bytes.to_vec(), struck: None }
}

fn bytes(at: u64, host: &str, sent: bool, bytes: &[u8]) -> Entry {
    let mut entry = entry(at, host, What::Bytes { connection: 1, sent, length: bytes.len() });
    entry.evidence.bytes = blob(bytes);
    entry
}

fn read(at: u64, path: &str) -> Entry {
    entry(at, "proxy", What::File { operation: "read".to_owned(), path: path.to_owned() })
}

fn log(at: u64, text: &str) -> Entry {
    entry(at, "mongod", What::Log { severity: 'I', id: None, text: text.to_owned(), attributes: Vec::new() })
}

fn connect(at: u64) -> Entry {
    let what = What::Connect {
        connection: 1,
        to: "203.0.113.1:443".to_owned(),
        service: "kms".to_owned(),
        private: false,
        error: None,
    };
    entry(at, "proxy", what)
}

fn drawing(mut entry: Entry, stream: Stream, times: u64) -> Entry {
    entry.evidence.drawn.push((stream, times));
    entry
}

/// The diagnosis of two logs, whose ordinals are their indices.
fn diagnose(one: Vec<Entry>, other: Vec<Entry>) -> Diagnosis {
    let kept = |mut log: Vec<Entry>, digest: &str| {
        for (index, entry) in log.iter_mut().enumerate() {
            entry.event.ordinal = index as u64;
        }
        Kept { digest: digest.to_owned(), log }
    };
    compare(&kept(one, "one"), &kept(other, "other")).expect("their digests differ")
}

fn named(diagnosis: &Diagnosis) -> (Kind, &str) {
    (diagnosis.kind, diagnosis.subject.as_str())
}

/// A record that holds a ServerHello with this random and nothing behind its session id.
fn server_hello(random: u8) -> Vec<u8> {
    let body = [&[3, 3][..], &[random; 32], &[0, 0x13, 1, 0, 0, 0]].concat();
    [&[22, 3, 3, 0, 44, 2, 0, 0, 40][..], &body].concat()
}

/// An encrypted record.
fn data(content: &[u8]) -> Vec<u8> {
    [&[23, 3, 3, 0, content.len() as u8][..], content].concat()
}

#[test]
fn runs_with_one_digest_are_the_same() {
    let kept = Kept { digest: "one".to_owned(), log: vec![log(1, "x")] };
    assert_eq!(compare(&kept, &kept), None);
}

#[test]
fn a_diagnosis_tells_both_sides_the_evidence_and_the_source() {
    let tls = || Stream::Tls("proxy".to_owned());
    let hello = |random: u8| [&[22, 3, 1, 0, 44, 1, 0, 0, 40, 3, 3][..], &[random; 32], &[0, 0, 0, 0, 0, 0]].concat();
    let run = |random, times| {
        let connect = drawing(connect(1_000), tls(), times);
        vec![log(1, "starts"), connect, bytes(1_020, "proxy", true, &hello(random))]
    };
    let found = diagnose(run(7, 3), run(8, 4));
    insta::assert_snapshot!(found, @r#"
    the last that both have
    both        0.001  mongod    I starts
    both        1.000  proxy     connects to kms at 203.0.113.1:443
    first event whose bytes differ, on host `proxy` (number 2 of the log)
    one         1.020  proxy     sends 49 bytes on connection 1
    other       1.020  proxy     sends 49 bytes on connection 1
    bytes: what proxy sends on connection 1: TLS record 1 (handshake, version 3.1, 44 bytes), byte 6: ClientHello, field `random`
    first differing byte: offset 11 (0xb) of 49 / 49
      one   000000  16 03 01 00 2c 01 00 00 28 03 03 07 07 07 07 07  ....,...(.......
      other 000000  16 03 01 00 2c 01 00 00 28 03 03 08 08 08 08 08  ....,...(.......
    draws: the TLS randomness of host `proxy` was drawn 3 times in one run and 4 in the other before event 1, where they began to differ
    likely source: the TLS randomness of host `proxy`
    look at: a handshake that only one run makes: a session cache, a ticket, a configuration or a connection that outlived the run before; a task of that host that another thread polls
    "#);
    let other = diagnose(vec![read(1_000, "/a"), log(2_000, "x")], vec![read(1_000, "/a")]);
    insta::assert_snapshot!(other, @r#"
    the last that both have
    both        1.000  proxy     reads /a
    first differing event, on host `mongod` (number 1 of the log)
    one         2.000  mongod    I x
    other  (the log ends before it)
    draws: every stream that is counted was drawn from equally often before this event
    likely source: something of host `mongod` that outlives a run: a cache, a static, a token bucket, a file
    look at: why it does something in one run that it need not do in the other
    "#);
}

#[test]
fn another_moment_is_a_timer_and_outweighs_the_messages_that_follow_from_it() {
    let run = |at, messages| vec![log(1, "x"), drawing(connect(at), Stream::Latency, messages)];
    assert_eq!(named(&diagnose(run(5, 1), run(6, 1))), (Kind::Moment, "proxy"));
    assert_eq!(named(&diagnose(run(5, 1), run(6, 2))), (Kind::Moment, "proxy"));
    // A draw of anything else explains the moment.
    let jitter = |at, draws| vec![log(1, "x"), drawing(connect(at), Stream::Sdk, draws)];
    assert_eq!(named(&diagnose(jitter(5, 1), jitter(6, 2))), (Kind::SdkDraws, "proxy"));
    // And so does a message before the last event that both have.
    let early = |at, messages| vec![drawing(log(1, "x"), Stream::Latency, messages), connect(at)];
    assert_eq!(diagnose(early(5, 1), early(6, 2)).kind, Kind::LatencyDraws);
}

#[test]
fn two_events_that_change_places_are_a_matter_of_order_and_one_that_is_missing_is_not() {
    let (a, b) = (|| read(5, "/a"), || read(5, "/b"));
    assert_eq!(named(&diagnose(vec![a(), b()], vec![b(), a()])), (Kind::Order, "proxy"));
    let drawn = drawing(b(), Stream::Bytes("proxy".to_owned()), 1);
    assert_eq!(diagnose(vec![a(), b()], vec![drawn, a()]).kind, Kind::Order, "the draw comes with the event");
    assert_eq!(named(&diagnose(vec![a(), b()], vec![b()])), (Kind::OneSided, "proxy"));
    assert_eq!(named(&diagnose(vec![a()], vec![a(), log(9, "more")])), (Kind::OneSided, "mongod"));
}

#[test]
fn a_hello_that_differs_without_a_draw_has_another_source_of_randomness() {
    let run = |random| vec![connect(1), bytes(2, "proxy", false, &server_hello(random))];
    let found = diagnose(run(1), run(2));
    assert_eq!(named(&found), (Kind::Hello, "kms at 203.0.113.1:443"));
    assert!(found.to_string().contains("ServerHello, field `random`"), "{found}");
}

#[test]
fn what_a_server_encrypts_before_its_client_does_is_its_certificate_and_what_comes_later_is_what_it_says() {
    let run = |certificate: &[u8], answer: &[u8]| {
        let first = bytes(2, "proxy", false, &[server_hello(1), data(certificate)].concat());
        let [finished, answer] = [bytes(3, "proxy", true, &data(b"finished")), bytes(4, "proxy", false, &data(answer))];
        vec![connect(1), first, finished, answer]
    };
    let found = diagnose(run(b"certificate one", b"x"), run(b"certificate two", b"x"));
    assert_eq!(named(&found), (Kind::Certificate, "kms at 203.0.113.1:443"));
    let found = diagnose(run(b"certificate", b"answer 1"), run(b"certificate", b"answer 2"));
    assert_eq!(named(&found), (Kind::Encrypted, "kms at 203.0.113.1:443"));
    let found = diagnose(run(b"certificate", b"answer"), run(b"certificate", b"answer 2"));
    assert_eq!(found.kind, Kind::Encrypted, "a longer record is no decision of the reader's");
    assert!(found.to_string().contains("its header"), "{found}");
}

#[test]
fn the_message_that_comes_out_of_the_encryption_next_is_compared_in_plaintext() {
    let run = |record: &[u8], next: &str| {
        let mut arrived = log(5, "arrived");
        let message = format!("POST / HTTP/1.1\r\nx-amz-date: {next}\r\n\r\n");
        arrived.evidence.said.push(Said { host: "public".to_owned(), bytes: blob(message.as_bytes()) });
        let finished = bytes(2, "proxy", true, &data(b"finished"));
        vec![connect(1), finished, bytes(3, "proxy", true, &data(record)), arrived]
    };
    let found = diagnose(run(b"one", "1"), run(b"two", "2"));
    assert_eq!(named(&found), (Kind::Date, "public"));
    assert_eq!(found.spoken.map(|spoken| spoken.fields[0].name.clone()).as_deref(), Some("header x-amz-date"));
    let found = diagnose(run(b"one", "1"), run(b"two", "1"));
    assert_eq!((found.kind, found.spoken), (Kind::Encrypted, None));
}

#[test]
fn what_an_event_says_is_told_by_its_fields() {
    let grant = |material: &str| {
        let material = Fingerprint(material.to_owned());
        entry(1, "kms", What::Grant { provider: "aws".to_owned(), cmk: "key".to_owned(), material })
    };
    let call = |principal: &str, status| {
        let (service, operation) = ("kms".to_owned(), "Decrypt".to_owned());
        let principal = Some(principal.to_owned());
        entry(1, "kms", What::Call { service, operation, cmk: None, principal, status, code: None })
    };
    let cases = [
        (grant("a"), grant("b"), Kind::Material, "material"),
        (call("AKIA…A", 200), call("AKIA…B", 200), Kind::Identifier, "principal"),
        (call("AKIA…A", 200), call("AKIA…A", 500), Kind::Fact, "status"),
        (log(1, "at 0x1"), log(1, "at 0x2"), Kind::Text, "text"),
        (log(1, "x"), read(1, "/x"), Kind::Fact, "event"),
    ];
    for (one, other, kind, field) in cases {
        let found = diagnose(vec![one], vec![other]);
        assert_eq!(found.kind, kind, "{found}");
        assert!(found.fields.iter().any(|it| it.name == field), "{:?}", found.fields);
    }
}

#[test]
fn a_difference_that_was_struck_out_is_not_made_up() {
    let found = diagnose(vec![log(1, "<the password>")], vec![log(1, "<the password>")]);
    assert_eq!(found.kind, Kind::Unseen);
    insta::assert_snapshot!(found, @r#"
    the last that both have
    both        0.001  mongod    I <the password>
    no event differs, nor its bytes, as far as they are shown
    draws: every stream that is counted was drawn from equally often before this event
    likely source: a secret: all that was kept is equal, so that the difference was struck out
    look at: where secrets are made: keys, credentials, session tokens
    "#);
}
