//! What recording must do: keep secrets out, and let no difference pass unseen.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const SECRET: &[u8] = b"wJalrXUtnFEMI/K7MDENG+bPxRfiCY\"EXAMPLE";

/// A trace whose clock is set by hand, in milliseconds.
fn trace() -> (Trace, Arc<AtomicU64>) {
    let now = Arc::new(AtomicU64::new(0));
    let clock = now.clone();
    (Trace::new(b"a run's own key", move || Duration::from_millis(clock.load(Ordering::Relaxed))), now)
}

fn log(text: &str) -> What {
    What::Log { severity: 'I', id: None, text: text.to_owned(), attributes: Vec::new() }
}

fn request(version: &str) -> What {
    What::Request {
        exchange: 1,
        operations: vec!["Get".to_owned()],
        version: version.to_owned(),
        key: None,
        maximum_response_size: None,
        length: 8,
    }
}

#[test]
fn a_secret_is_found_and_replaced_in_every_spelling() {
    let raw = std::str::from_utf8(SECRET).unwrap().to_owned();
    let spellings = [
        raw,
        hex(SECRET),
        hex(SECRET).to_uppercase(),
        STANDARD.encode(SECRET),
        STANDARD_NO_PAD.encode(SECRET),
        URL_SAFE.encode(SECRET),
        URL_SAFE_NO_PAD.encode(SECRET),
        format!("{SECRET:?}").trim_matches(['[', ']']).to_owned(),
        format!("{SECRET:02x?}").trim_matches(['[', ']']).to_owned(),
        format!("{SECRET:02x?}").trim_matches(['[', ']']).replace(", ", " "),
        format!("{SECRET:02x?}").trim_matches(['[', ']']).replace(", ", ":"),
    ];
    for spelling in spellings {
        let (trace, _) = trace();
        trace.secret("the secret access key", SECRET);
        trace.record("proxy", log(&format!("tried with {spelling}, in vain")));
        let [event, finding] = trace.events().try_into().unwrap();
        assert_eq!(event.what, log("tried with <the secret access key>, in vain"), "{spelling}");
        let text = "proxy wrote the secret `the secret access key`".to_owned();
        assert_eq!(finding.what, What::Finding { invariant: "K3".to_owned(), text }, "{spelling}");
        assert_eq!((finding.host.as_str(), finding.ordinal), ("lab", 1));
    }
}

#[test]
fn a_secret_is_found_in_every_text_of_an_event() {
    let text = std::str::from_utf8(SECRET).unwrap();
    let places = [
        What::Log {
            severity: 'E',
            id: Some(1),
            text: String::new(),
            attributes: vec![("reason".to_owned(), text.to_owned())],
        },
        What::Operator { class: Some("internal".to_owned()), key: None, text: format!("first line\n{text}") },
        What::Resolve { name: "kms".to_owned(), answer: Err(text.to_owned()) },
        What::NoAnswer { exchange: 1, why: text.to_owned() },
        What::Process { state: ProcessState::Exited, why: Some(text.to_owned()) },
    ];
    for what in places {
        let (trace, _) = trace();
        trace.secret("a secret", SECRET);
        trace.record("mongod", what);
        let kept = serde_json::to_string(&trace.events()).unwrap();
        assert!(kept.contains("<a secret>") && kept.contains("K3"), "{kept}");
        assert!(!kept.contains("wJalr"), "{kept}");
    }
}

#[test]
fn every_secret_of_an_event_is_found() {
    let (trace, _) = trace();
    trace.secret("one", b"a first secret");
    trace.secret("two", b"a second secret");
    trace.record("proxy", log("a first secret, a second secret, and a first secret again"));
    let events = trace.events();
    assert_eq!(events[0].what, log("<one>, <two>, and <one> again"));
    assert_eq!(events.len(), 3, "one finding for each secret");
}

#[test]
fn a_text_without_secrets_is_kept_as_it_is() {
    let (trace, _) = trace();
    trace.secret("a secret", SECRET);
    trace.secret("too short to be told from other texts", b"in vain");
    trace.record("proxy", log("tried in vain"));
    let events = trace.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].what, log("tried in vain"));
}

#[test]
fn a_secret_is_found_amid_other_text_that_was_encoded_with_it() {
    for before in ["", "u", "us", "use", "user"] {
        for after in ["", "@", "@h", "@ho"] {
            let whole = [before.as_bytes(), SECRET, after.as_bytes()].concat();
            for encoded in [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                let (trace, _) = trace();
                trace.secret("the secret access key", SECRET);
                trace.record("proxy", log(&encoded));
                let findings = trace.events().into_iter().filter(|event| matches!(event.what, What::Finding { .. }));
                assert_eq!(findings.count(), 1, "{before}...{after}");
                assert_eq!(trace.secrets_in(encoded.as_bytes()).len(), 1, "{before}...{after}");
            }
        }
    }
}

#[test]
fn a_secret_is_found_in_a_file_in_every_spelling_and_as_bare_bytes() {
    let (trace, _) = trace();
    let bytes = [0xff, 0x00, 0xc3, 0x28, 0x80, 0x22, 0x5c, 0x0a, 0xfe];
    trace.secret("a master key", &bytes);
    trace.secret("a password", SECRET);
    let found = |content: &[u8]| trace.secrets_in(content);
    assert_eq!(found(&[b"\x80\x00", &bytes[..], b"\xff"].concat()), ["a master key"]);
    assert_eq!(found(format!("[{}]", STANDARD.encode(bytes)).as_bytes()), ["a master key"]);
    assert_eq!(found(hex(&bytes).as_bytes()), ["a master key"]);
    assert_eq!(found(&[SECRET, &bytes].concat()), ["a master key", "a password"]);
    assert_eq!(found(&bytes[..8]), <[&str; 0]>::default());
}

#[test]
fn the_digest_is_that_of_the_text_before_it_was_redacted() {
    let digest = |secret: &str| {
        let (trace, _) = trace();
        trace.secret("a secret", secret.as_bytes());
        trace.record("proxy", log(secret));
        (trace.digest(), trace.events())
    };
    let (one, two) = (digest("the first password"), digest("the other password"));
    assert_eq!(one.1, two.1);
    assert_ne!(one.0, two.0);
}

/// The digests of a run of two events that can be varied.
fn digests(hosts: [&str; 2], times: [u64; 2], bytes: &[u8]) -> (String, String) {
    let (trace, now) = trace();
    now.store(times[0], Ordering::Relaxed);
    trace.record_bytes(hosts[0], What::Bytes { connection: 1, sent: true, length: bytes.len() }, bytes);
    now.store(times[1], Ordering::Relaxed);
    trace.record(hosts[1], request("1.0"));
    (trace.digest(), trace.semantic_digest())
}

#[test]
fn the_digest_changes_with_time_host_and_every_byte_and_the_semantic_one_with_neither_time_nor_bytes() {
    let (digest, semantic) = digests(["proxy", "mongod"], [1, 2], b"bytes");
    assert_eq!(digests(["proxy", "mongod"], [1, 2], b"bytes"), (digest.clone(), semantic.clone()));
    let variants = [
        digests(["proxy", "mongod"], [0, 2], b"bytes"),
        digests(["proxy", "mongod"], [1, 3], b"bytes"),
        digests(["proxy", "mongod"], [1, 2], b"bytez"),
        digests(["mongod", "mongod"], [1, 2], b"bytes"),
    ];
    for (other, other_semantic) in variants {
        assert_ne!(other, digest);
        assert_eq!(other_semantic, semantic);
    }
    let (_, other_semantic) = digests(["proxy", "driver"], [1, 2], b"bytes");
    assert_ne!(other_semantic, semantic, "who asks is part of the meaning");
}

#[test]
fn both_digests_change_with_the_order_of_events() {
    let digests = |versions: [&str; 2]| {
        let (trace, _) = trace();
        for version in versions {
            trace.record("mongod", request(version));
        }
        (trace.digest(), trace.semantic_digest())
    };
    let (one, two) = (digests(["1.0", "1.1"]), digests(["1.1", "1.0"]));
    assert_ne!(one.0, two.0);
    assert_ne!(one.1, two.1);
}

#[test]
fn what_stands_in_one_part_of_an_event_cannot_be_taken_for_another() {
    // Without lengths between the parts, a host `a` with bytes `bc` would be a host `ab` with bytes `c`.
    let digest = |host: &str, bytes: &[u8]| {
        let (trace, _) = trace();
        trace.record_bytes(host, What::Close { connection: 1 }, bytes);
        trace.digest()
    };
    assert_ne!(digest("proxy", b"a"), digest("proxya", b""));
    let semantic = |hosts: [&str; 2]| {
        let (trace, _) = trace();
        for host in hosts {
            trace.record(host, What::Action { line: 1, text: String::new() });
        }
        trace.semantic_digest()
    };
    assert_ne!(semantic(["a", "action 1b"]), semantic(["aaction 1", "b"]));
}

#[test]
fn a_fingerprint_proves_equality_within_a_run_and_nothing_across_runs() {
    let (one, _) = trace();
    let other = Trace::new(b"another run's key", || Duration::ZERO);
    assert_eq!(one.fingerprint(SECRET), one.fingerprint(SECRET));
    assert_ne!(one.fingerprint(SECRET), one.fingerprint(b"another"));
    assert_ne!(one.fingerprint(SECRET), other.fingerprint(SECRET));
}

#[test]
fn numbers_of_exchanges_and_connections_count_apart_from_each_other() {
    let (trace, _) = trace();
    assert_eq!([trace.next_exchange(), trace.next_connection(), trace.next_exchange()], [1, 1, 2]);
}

#[test]
fn a_secret_is_found_in_every_spelling_at_every_place_of_a_text() {
    let secret = b"p\"4ss\\wo\trd \xc3\xa4";
    let raw = std::str::from_utf8(secret).unwrap();
    let as_written = [
        raw.to_owned(),
        hex(secret),
        hex(secret).to_uppercase(),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
    ];
    for spelling in as_written {
        for (before, after) in [("", ""), ("key=", ""), ("", "."), ("a longer text, then ", ", and more")] {
            let trace = Trace::new(b"key", || Duration::ZERO);
            trace.secret("the password", secret);
            trace.record("proxy", log(&format!("{before}{spelling}{after}")));
            let events = trace.events();
            assert_eq!(events[0].what, log(&format!("{before}<the password>{after}")), "{spelling}");
            assert!(matches!(&events[1].what, What::Finding { invariant, .. } if invariant == "K3"), "{spelling}");
        }
    }
}

#[test]
fn a_text_that_only_begins_like_a_secret_is_kept_as_it_is() {
    let trace = Trace::new(b"key", || Duration::ZERO);
    trace.secret("the password", b"correct horse");
    trace.record("proxy", log("correct house"));
    assert_eq!(trace.events().len(), 1);
    assert_eq!(trace.events()[0].what, log("correct house"));
}

#[test]
fn evidence_stands_beside_every_event_and_is_no_part_of_a_digest() {
    let play = |kept: bool| {
        let (trace, _) = trace();
        trace.secret("a secret", SECRET);
        if kept {
            let mut drawn = vec![(Stream::Latency, 2)];
            trace.keep(move || std::mem::take(&mut drawn));
        }
        trace.overhear("kms", || if kept { SECRET.to_vec() } else { unreachable!("nobody keeps it") });
        trace.record_bytes("proxy", What::Bytes { connection: 1, sent: true, length: 3 }, b"one");
        trace.record("proxy", log(std::str::from_utf8(SECRET).unwrap()));
        ((trace.digest(), trace.semantic_digest(), trace.events()), trace.take_evidence())
    };
    let ((ordinary, none), (kept, evidence)) = (play(false), play(true));
    assert_eq!(ordinary, kept);
    assert_eq!(none, []);
    let [bytes, text, finding] = evidence.try_into().unwrap();
    assert_eq!((bytes.bytes.shown.as_slice(), bytes.bytes.struck), (b"one".as_slice(), None));
    assert_eq!(bytes.drawn, [(Stream::Latency, 2)]);
    assert_eq!((text.drawn, text.said), (vec![], vec![]), "it was drawn and said before the event before");
    assert_eq!(finding, Evidence::default(), "the finding that follows a leak has a place of its own");
    let [said] = bytes.said.try_into().unwrap();
    assert_eq!(said.bytes.shown, vec![b'*'; SECRET.len()]);
}

#[test]
fn secrets_are_struck_out_of_evidence_in_every_spelling_and_offsets_stay() {
    let bytes = [0xff, 0x00, 0xc3, 0x28, 0x80, 0x22, 0x5c, 0x0a, 0xfe];
    let base64 = STANDARD.encode(bytes);
    for spelling in [&bytes[..], hex(&bytes).as_bytes(), base64.as_bytes(), b"255, 0, 195, 40, 128, 34, 92, 10, 254"] {
        let (trace, _) = trace();
        trace.secret("a key", &bytes);
        trace.keep(Vec::new);
        trace.record_bytes("proxy", log(""), &[b"{\"key\": \"", spelling, b"\"}"].concat());
        let [evidence] = trace.take_evidence().try_into().unwrap();
        let stars = vec![b'*'; spelling.len()];
        assert_eq!(evidence.bytes.shown, [b"{\"key\": \"", stars.as_slice(), b"\"}"].concat());
        assert!(evidence.bytes.struck.is_some());
    }
}

#[test]
fn a_kept_run_is_read_back_as_it_was_written() {
    let (trace, _) = trace();
    trace.secret("a secret", SECRET);
    trace.keep(|| vec![(Stream::Tls("proxy".to_owned()), 3), (Stream::Sdk, 1)]);
    trace.overhear("kms", || b"GET / HTTP/1.1\r\n\r\n\xff".to_vec());
    trace.record_bytes("proxy", request("1.0"), SECRET);
    let log = trace.events().into_iter().zip(trace.take_evidence());
    let kept =
        Kept { digest: "sha256:00".to_owned(), log: log.map(|(event, evidence)| Entry { event, evidence }).collect() };
    assert_eq!(kept.log.len(), 1);
    assert_eq!(Kept::read(&kept.lines()).as_ref(), Ok(&kept));
    assert!(Kept::read("").is_err());
    assert!(Kept::read("error: no such file\n").unwrap_err().contains("line 1"));
}

#[test]
fn a_listener_hears_every_event_as_it_is_kept_and_changes_no_digest() {
    let play = |listened: bool| {
        let (trace, _) = trace();
        let heard = Arc::new(Mutex::new(Vec::new()));
        if listened {
            let heard = heard.clone();
            trace.listen(move |event| heard.lock().unwrap().push(event.clone()));
        }
        trace.secret("a secret", SECRET);
        trace.record("mongod", request("1.0"));
        trace.record("proxy", log(std::str::from_utf8(SECRET).unwrap()));
        let heard = heard.lock().unwrap().clone();
        (heard, trace.digest(), trace.semantic_digest(), trace.events())
    };
    let ((none, digest, semantic, events), (heard, same_digest, same_semantic, same_events)) =
        (play(false), play(true));
    assert_eq!((digest, semantic, &events), (same_digest, same_semantic, &same_events));
    assert_eq!((none, heard), (vec![], events), "also the finding, and no secret");
}

#[test]
fn a_log_of_several_recorders_ends_in_the_order_of_time() {
    let later = |trace: &Trace| trace.record_at(Duration::from_millis(2), "mongod", request("1.0"));
    let sooner = |trace: &Trace| trace.record_at(Duration::from_millis(1), "proxy", log("it begins"));
    let (one, other) = (trace().0, trace().0);
    later(&one);
    sooner(&one);
    sooner(&other);
    later(&other);
    assert_ne!(one.digest(), other.digest(), "they were recorded in another order");
    let (one, other) = (one.take_in_order(), other.take_in_order());
    assert_eq!(one, other);
    let order: Vec<_> =
        one.events.iter().map(|event| (event.at.as_millis(), event.ordinal, event.host.as_str())).collect();
    assert_eq!(order, [(1, 0, "proxy"), (2, 1, "mongod")]);
}

#[test]
fn a_log_that_was_in_order_has_the_digests_that_it_had() {
    let (trace, now) = trace();
    for moment in 0..3 {
        now.store(moment, Ordering::Relaxed);
        trace.record("mongod", request("1.0"));
        trace.record("mongod", log("in one moment"));
    }
    let (digest, semantic) = (trace.digest(), trace.semantic_digest());
    let taken = trace.take_in_order();
    assert_eq!((taken.digest, taken.semantic_digest), (digest, semantic));
    assert_eq!(taken.events.len(), 6);
}

#[test]
fn a_line_is_read_back_as_it_was_told_and_what_is_none_names_its_number() {
    let event = Event {
        at: Duration::from_nanos(1_795_305_600_000_000_007),
        ordinal: 3,
        host: "mongod".to_owned(),
        what: request("1.0"),
    };
    let line = Line::of(&event);
    assert_eq!(line.at(), event.at);
    assert_eq!(Line::read(1, line.text().trim_end()).as_ref(), Ok(&line));
    let error = Line::read(7, r#"{"at_unix_ns":1,"host":"mongod"}"#).unwrap_err();
    assert!(error.to_string().starts_with("line 7 of the events tells no event: missing field `what`"), "{error}");
}
