//! What is in a recording of personas, and what is not.

use std::os::unix::fs::PermissionsExt as _;

use kmiplab::tap::{Entry, Recording, Secrets};
use kmiplab::trace::What;
use kmiplab::wire::message;
use kmiplab::wire::names::UNIQUE_IDENTIFIER;
use kmiplab::wire::{Item, parse};

use super::programs::*;

/// Records a persona's first start: the recording, and the identifier of its key.
fn first_start(proxy: &Proxy, persona: &str, further: &[&str]) -> (Option<i32>, String, String, String, String) {
    let recorder = Recorder::before(proxy, further);
    let mode = std::fs::metadata(recorder.file("dialogue.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the file is its owner's alone");
    let client = Client::new(recorder.port, &recorder.file("tap.pem"), &proxy.file("kmipClient.pem"));
    let events = client.play(persona);
    let made = events.iter().find_map(|event| match &event.what {
        What::Made { key, .. } => Some(key.clone()),
        _ => None,
    });
    // Enterprise's client does not wait for the answer to its good-bye, so the recorder may not have it yet.
    let (code, out, told, file) = recorder.end("-TERM");
    (code, out, told, file, made.expect("a first start makes a key"))
}

/// What the requests and answers of a recording say, a line for each.
fn said(recording: &Recording) -> Vec<String> {
    let told = recording.lines.iter().filter_map(|line| match &line.entry {
        Entry::Request { exchange, operations, version, .. } => {
            Some(format!("{}: {exchange} {} {version}", line.connection, operations.join(" ")))
        }
        Entry::Answer { exchange: Some(exchange), items, .. } => {
            Some(format!("{}: {exchange} {}", line.connection, items[0].status))
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn a_first_start_is_recorded_whole_and_without_its_key() {
    let Some(proxy) = Proxy::at_hand() else { return };
    let (code, out, told, file, identifier) = first_start(&proxy, "enterprise-1.2", &[]);
    assert_eq!(code, Some(0), "{told}");
    let recording = Recording::read(&file).unwrap();
    assert_eq!((recording.header.format, recording.header.secrets), (1, Secrets::Redacted));
    let expected =
        ["1: 1 Create 1.2", "1: 1 Success", "1: 2 Activate 1.2", "1: 2 Success", "1: 3 Get 1.2", "1: 3 Success"];
    assert_eq!(said(&recording), expected);
    let Entry::Opened { client, .. } = &recording.lines[0].entry else { panic!("{:?}", recording.lines[0]) };
    assert_eq!(client.peer.as_ref().map(|peer| peer.subject.as_str()), Some("CN=mongod"));
    assert!(file.contains(&identifier), "identifiers are kept");
    let key = proxy.key(&identifier);
    assert_eq!(key.len(), 32);
    for spelling in spellings(&key) {
        assert!(!file.contains(&spelling) && !out.contains(&spelling) && !told.contains(&spelling), "{spelling}");
    }
    let summary = out.split_once("1 connection, 0 refused, 3 requests, 3 answers: `dialogue.jsonl`\n");
    assert_eq!(summary.unwrap().1, "       1  Activate\n       1  Create\n       1  Get\n");
}

#[test]
fn a_key_that_the_client_registers_is_taken_out_as_well_and_nothing_changes_its_length() {
    let Some(proxy) = Proxy::at_hand() else { return };
    let (code, .., told, file, identifier) = first_start(&proxy, "psmdb-8", &[]);
    assert_eq!(code, Some(0), "{told}");
    let key = proxy.key(&identifier);
    for spelling in spellings(&key) {
        assert!(!file.contains(&spelling), "{spelling}");
    }
    let recording = Recording::read(&file).unwrap();
    assert_eq!(said(&recording)[0], "1: 1 Register 1.0");
    for line in &recording.lines {
        let (Entry::Request { message, .. } | Entry::Answer { message, .. }) = &line.entry else { continue };
        assert_eq!(message.hex.len(), message.length * 2);
        let digits = message.hex.as_bytes().chunks(2);
        let bytes = digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        parse(&bytes.collect::<Vec<_>>()).expect("what is left is a whole message");
    }
}

#[test]
fn secrets_are_kept_on_request_and_that_is_said_loudly_at_both_ends() {
    let Some(proxy) = Proxy::at_hand() else { return };
    let (code, _, told, file, identifier) = first_start(&proxy, "enterprise-1.2", &["--keep-secrets"]);
    assert_eq!(code, Some(0), "{told}");
    let hex = &spellings(&proxy.key(&identifier))[1];
    assert!(file.contains(hex.as_str()), "the key is there");
    let recording = Recording::read(&file).unwrap();
    assert_eq!(recording.header.secrets, Secrets::Kept);
    assert!(file.lines().next().unwrap().contains("THIS FILE HOLDS KEYS IN CLEAR TEXT"), "{file}");
    let tree = recording.lines.iter().filter_map(|line| match &line.entry {
        Entry::Answer { message, .. } => Some(message.tree.join("\n")),
        _ => None,
    });
    assert!(tree.collect::<Vec<_>>().pop().unwrap().contains(&format!("KeyMaterial = {hex}")));
    let before = told.split("recording 127").next().unwrap();
    assert!(before.contains("IN CLEAR TEXT."), "{told}");
    assert!(told.trim_end().ends_with('!') && told.contains("`dialogue.jsonl` HOLDS KEYS IN CLEAR TEXT."), "{told}");
}

#[test]
fn what_is_told_while_recording_reads_so() {
    let Some(proxy) = Proxy::at_hand() else { return };
    let recorder = Recorder::before(&proxy, &[]);
    let port = recorder.port;
    let client = Client::new(port, &recorder.file("tap.pem"), &proxy.file("kmipClient.pem"));
    let get = |identifier: &str| message::request(&HEADER, &[(GET, vec![Item::text(UNIQUE_IDENTIFIER, identifier)])]);
    assert_eq!(client.ask(get("no-such-key")).items[0].reason.as_deref(), Some("item-not-found"));
    let stranger = Client::new(port, &proxy.file("kmipCA.pem"), &proxy.file("kmipClient.pem"));
    assert!(stranger.try_to_ask(get("x")).unwrap_err().contains("certificate verify failed"));
    let (code, out, told, _) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{told}");
    let from = out.split("from 127.0.0.1:").nth(1).and_then(|rest| rest.split(',').next()).unwrap().to_owned();
    let plain = |text: &str| {
        let text = text.replace(&format!("127.0.0.1:{from}"), "CLIENT");
        text.replace(&format!(":{port}"), ":LISTEN").replace(&format!(":{}", proxy.port), ":SERVER")
    };
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../command-line" }, {
        insta::assert_snapshot!("record", format!("{}--- standard output\n{}", plain(&told), plain(&out)));
    });
}

#[test]
fn a_proxy_that_starts_anew_with_other_certificates_is_reached_without_a_new_tap() {
    let Some(proxy) = Proxy::at_hand() else { return };
    let recorder = Recorder::before(&proxy, &[]);
    let client = Client::new(recorder.port, &recorder.file("tap.pem"), &proxy.file("kmipClient.pem"));
    let get = || message::request(&HEADER, &[(GET, vec![Item::text(UNIQUE_IDENTIFIER, "no-such-key")])]);
    client.ask(get());
    let authority = std::fs::read(proxy.file("kmipCA.pem")).unwrap();
    let proxy = proxy.restarted();
    assert_ne!(std::fs::read(proxy.file("kmipCA.pem")).unwrap(), authority, "it makes another one at each start");
    client.ask(get());
    let (_, out, ..) = recorder.end("-TERM");
    assert!(out.contains("2 connections, 0 refused, 2 requests, 2 answers"), "{out}");
}

#[test]
fn a_proxy_that_is_killed_under_way_ends_the_connection_and_later_ones_are_refused() {
    let Some(mut proxy) = Proxy::at_hand() else { return };
    let recorder = Recorder::before(&proxy, &[]);
    let client = Client::new(recorder.port, &recorder.file("tap.pem"), &proxy.file("kmipClient.pem"));
    let get = || message::request(&HEADER, &[(GET, vec![Item::text(UNIQUE_IDENTIFIER, "no-such-key")])]);
    client.ask(get());
    proxy.program.kill();
    let why = client.try_to_ask(get()).unwrap_err();
    assert_eq!(why, "Connection reset by peer [system:104]");
    let (code, out, _, file) = recorder.end("-TERM");
    assert_eq!(code, Some(0));
    assert!(out.contains("connection 2: refused at the server: cannot connect: Connection refused"), "{out}");
    let last = Recording::read(&file).unwrap().lines.pop().unwrap();
    assert!(matches!(last.entry, Entry::Refused { .. }), "{last:?}");
}

#[test]
fn a_server_that_is_not_there_yet_is_a_warning() {
    let Some(mut proxy) = Proxy::at_hand() else { return };
    proxy.program.kill();
    let (code, _, told, _) = Recorder::before(&proxy, &[]).end("-TERM");
    let why = "cannot connect: Connection refused (os error 111); clients are refused until that is mended";
    assert!(code == Some(0) && told.contains(&format!("warning: 127.0.0.1:{}: {why}\n", proxy.port)), "{told}");
}

/// Looks at a recording: exit code, standard output, standard error.
fn look_at(folder: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kmiplab"));
    let ran = command.current_dir(folder).args(["record", "dialogue.jsonl"]).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn a_persona_is_like_itself_and_another_one_is_told_apart_item_by_item() {
    let Some(proxy) = Proxy::at_hand() else { return };
    let mut text = String::new();
    for (recorded, other) in [("enterprise-1.2", "enterprise-legacy-1.0"), ("psmdb-8", "libmongocrypt-plain")] {
        let (_, _, told, file, _) = first_start(&proxy, recorded, &[]);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dialogue.jsonl"), file).unwrap();
        for persona in [recorded, other] {
            let (code, out, error) = look_at(folder.path(), &["--expect-persona", persona]);
            assert_eq!((code, error.as_str()), (Some(i32::from(persona != recorded)), ""), "{out}{told}");
            text += &format!("{recorded} was recorded\n{out}\n");
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../command-line" }, {
        insta::assert_snapshot!("record-likeness", text);
    });
}

#[test]
fn a_recording_becomes_a_dialogue_with_its_row_and_overwrites_none() {
    let Some(proxy) = Proxy::at_hand() else { return };
    let (.., file, identifier) = first_start(&proxy, "enterprise-1.2", &[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dialogue.jsonl"), file).unwrap();
    let (code, out, _) = look_at(folder.path(), &["--fixture", "."]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("| `dialogue.tsv` | (which client, which version; certificate: CN=mongod) |"), "{out}");
    let written = std::fs::read_to_string(folder.path().join("dialogue.tsv")).unwrap();
    let lines: Vec<Vec<&str>> = written.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((lines.len(), lines[0].join(" ").as_str()), (4, "# exchange connection request answer"));
    assert_eq!((lines[3][0], lines[3][1]), ("03", "1"));
    let asked: String = identifier.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(lines[3][2].contains(&asked), "the Get names its key");
    let (code, _, error) = look_at(folder.path(), &["--fixture", "."]);
    assert!(code == Some(2) && error.contains("cannot write `./dialogue.tsv`: File exists"), "{error}");
    std::fs::write(folder.path().join("dialogue.jsonl"), "{\"format\": 2}").unwrap();
    let (code, _, error) = look_at(folder.path(), &["--fixture", "."]);
    assert!(code == Some(2) && error.contains("is no recording: format 2; this version reads 1"), "{error}");
    let (code, _, error) = look_at(folder.path(), &["--expect-persona", "mongod"]);
    assert!(code == Some(2) && error.contains("there is no persona `mongod`"), "{error}");
}
