//! What passes a tap, and what is told of it.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::channel;

use super::testing::{self, *};
use super::*;

fn opened(street: &Street) -> Opened {
    match street.event() {
        Happened::Opened(opened) => opened,
        other => panic!("{other:?}"),
    }
}

#[test]
fn exchanges_pass_as_they_are_and_are_told_before_anyone_has_them() {
    let street = Street::new(polite);
    let mut client = street.client();
    let opened = opened(&street);
    assert_eq!(opened.client.peer.as_ref().map(|peer| peer.subject.as_str()), Some("CN=mongod"));
    assert_eq!(opened.server.peer.as_ref().map(|peer| peer.subject.as_str()), Some("CN=the server"));
    assert_eq!((opened.client.version.as_str(), opened.server.version.as_str()), ("TLS 1.3", "TLS 1.3"));
    for length in [0, 8, 40_000] {
        let request = message(REQUEST, length);
        send(&mut client, &request);
        let answer = read(&mut client).unwrap();
        assert_eq!(answer, message(ANSWER, length));
        // No waiting: whoever has the answer finds it told.
        let told: Vec<_> = street.events.try_iter().map(|event| event.what).collect();
        assert!(told == [Happened::Request(request), Happened::Answer(answer)], "{length}");
    }
    assert_eq!(good_bye(&mut client), b"");
    drop(client);
    let (by, how) = (Side::Client, End::CloseNotify);
    assert_eq!(street.event(), Happened::Ended { by, how: how.clone(), left: 0 });
    assert_eq!(street.event(), Happened::Ended { by: Side::Server, how, left: 0 });
    assert_eq!(street.event(), Happened::Closed { by, sent: 40_032, received: 40_032 });
}

#[test]
fn messages_may_be_cut_and_joined_anyhow() {
    let street = Street::new(polite);
    let mut client = street.client();
    let messages = [message(REQUEST, 24), message(REQUEST, 0), message(REQUEST, 100)];
    let all = messages.concat();
    for byte in &all[..30] {
        send(&mut client, &[*byte]);
    }
    send(&mut client, &all[30..]);
    for message in &messages {
        assert_eq!(read(&mut client).unwrap().len(), message.len());
    }
    good_bye(&mut client);
    drop(client);
    let told = street.until_closed();
    let requests: Vec<_> = told.iter().filter(|event| matches!(event, Happened::Request(_))).cloned().collect();
    assert!(requests == messages.map(Happened::Request));
    assert_eq!(told.iter().filter(|event| matches!(event, Happened::Answer(_))).count(), 3);
}

/// A server that sends back whatever comes, byte for byte.
fn echo(stream: &mut Served) {
    let mut space = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut space) {
        send(stream, &space[..length]);
    }
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

#[test]
fn what_is_no_kmip_or_too_long_passes_all_the_same_and_is_told_once() {
    let cases = [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "no KMIP: no tag starts with 0x47"),
        (message(REQUEST, 1 << 20), "a message that claims 1048584 bytes; more than 1048576 are not kept"),
        ([&message(REQUEST, 8)[..], &[0xFF; 5000]].concat(), "no KMIP: no tag starts with 0xFF"),
    ];
    for (bytes, expected) in cases {
        let street = Street::new(echo);
        let mut client = street.client();
        let (sent, mut writing) = (bytes.clone(), client.sock.try_clone().unwrap());
        // Both directions at once, as a megabyte fits into no socket.
        let mut come = Vec::new();
        for piece in sent.chunks(4096) {
            send(&mut client, piece);
            let mut space = vec![0; piece.len()];
            client.read_exact(&mut space).unwrap();
            come.extend(space);
        }
        assert!(come == bytes, "what came back is something else");
        assert_eq!(good_bye(&mut client), b"");
        writing.flush().unwrap();
        drop((client, writing));
        let told = street.until_closed();
        for from in [Side::Client, Side::Server] {
            let unframed = Happened::Unframed { from, why: expected.to_owned() };
            assert_eq!(told.iter().filter(|event| **event == unframed).count(), 1, "{from:?} {expected}");
        }
        let length = bytes.len() as u64;
        assert_eq!(told.last(), Some(&Happened::Closed { by: Side::Client, sent: length, received: length }));
    }
}

#[test]
fn good_bye_is_passed_on_without_the_end_of_tcp_and_the_other_side_may_go_on() {
    let (send_back, seen) = channel();
    let street = Street::new(move |stream| {
        let mut space = [0; 64];
        assert_eq!(stream.read(&mut space).unwrap(), 0, "a close_notify comes");
        stream.sock.set_nonblocking(true).unwrap();
        let kind = stream.sock.peek(&mut space).map_err(|error| error.kind());
        stream.sock.set_nonblocking(false).unwrap();
        send_back.send(kind).unwrap();
        send(stream, &message(ANSWER, 16));
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
    let mut client = street.client();
    assert_eq!(good_bye(&mut client), message(ANSWER, 16), "a server may have something to say after good-bye");
    assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), Err(io::ErrorKind::WouldBlock), "TCP has not ended");
    drop(client);
    let by = street.until_closed().pop();
    assert_eq!(by, Some(Happened::Closed { by: Side::Client, sent: 0, received: 24 }));
}

#[test]
fn a_client_that_just_goes_ends_the_servers_connection_without_good_bye() {
    let (send_back, seen) = channel();
    let street = Street::new(move |stream| {
        send_back.send(stream.read(&mut [0; 64]).map_err(|error| error.kind())).unwrap();
    });
    let client = street.client();
    client.sock.shutdown(Shutdown::Write).unwrap();
    assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), Err(io::ErrorKind::UnexpectedEof));
    drop(client);
    let first = street.until_closed().remove(0);
    assert_eq!(first, Happened::Ended { by: Side::Client, how: End::WithoutCloseNotify, left: 0 });
}

#[test]
fn a_server_that_is_gone_in_mid_answer_is_told_and_the_client_sees_it_go() {
    let street = Street::new(|stream| {
        read(stream).unwrap();
        send(stream, &message(ANSWER, 100)[..60]);
    });
    let mut client = street.client();
    send(&mut client, &message(REQUEST, 8));
    let mut half = Vec::new();
    assert_eq!(client.read_to_end(&mut half).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(half, message(ANSWER, 100)[..60]);
    drop(client);
    let told = street.until_closed();
    assert_eq!(told[1], Happened::Ended { by: Side::Server, how: End::WithoutCloseNotify, left: 60 });
    assert_eq!(told.last(), Some(&Happened::Closed { by: Side::Server, sent: 16, received: 60 }));
}

#[test]
fn a_server_that_is_not_there_is_told_and_the_client_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    issue(&folder, "");
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let street = Street::before(folder, gone);
    let error = street.client_with("tap.pem", Some("client.pem")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
    let Happened::Refused { by: Side::Server, why } = street.event() else { panic!("it was refused by another") };
    assert!(why.starts_with("cannot connect: Connection refused"), "{why}");
}

#[test]
fn a_server_of_another_authority_is_told_and_not_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    issue(&folder, "");
    issue(&folder, "other-");
    let server = testing::serve(&folder, "other-", |stream| drop(read(stream)));
    let street = Street::before(folder, server);
    assert!(street.client_with("tap.pem", Some("client.pem")).is_err());
    let Happened::Refused { by: Side::Server, why } = street.event() else { panic!("it was refused by another") };
    assert_eq!(why, "TLS: invalid peer certificate: UnknownIssuer");
}

#[test]
fn a_client_that_does_not_trust_the_tap_is_told_in_the_words_of_its_alert() {
    let street = Street::new(polite);
    assert!(street.client_with("ca.pem", Some("client.pem")).is_err());
    assert_eq!(street.event(), Happened::Refused { by: Side::Client, why: "TLS alert 48: unknown_ca".to_owned() });
}

#[test]
fn a_client_without_a_certificate_or_with_a_foreign_one_is_refused_and_never_heard() {
    let street = Street::new(polite);
    issue(&street.folder, "other-");
    for (own, expected) in [
        (None, "TLS: peer sent no certificates"),
        (Some("other-client.pem"), "TLS: invalid peer certificate: UnknownIssuer"),
    ] {
        // With TLS 1.3 the client learns it with the first bytes that it reads.
        if let Ok(mut client) = street.client_with("tap.pem", own) {
            let _ = client.write_all(&message(REQUEST, 8)).and_then(|()| client.flush());
            assert!(read(&mut client).is_err());
        }
        assert_eq!(street.event(), Happened::Refused { by: Side::Client, why: expected.to_owned() });
    }
}

#[test]
fn where_no_authority_is_given_clients_need_no_certificate() {
    let mut street = Street::new(polite);
    street.settings.client_authority = None;
    street.restart(Vec::new());
    let mut client = street.client_with("tap.pem", None).unwrap();
    send(&mut client, &message(REQUEST, 8));
    assert_eq!(read(&mut client).unwrap(), message(ANSWER, 8));
    assert_eq!(opened(&street).client.peer, None);
}

#[test]
fn a_refusal_of_the_servers_under_tls_1_3_is_told_as_its_end() {
    // The server learns of the tap's certificate after the tap believes the handshake done.
    let street = Street::new(|stream| drop(stream.read(&mut [0; 8])));
    issue(&street.folder, "other-");
    std::fs::copy(street.file("other-client.pem"), street.file("client.pem")).unwrap();
    std::fs::copy(street.file("other-ca.pem"), street.file("tap-clients.pem")).unwrap();
    let mut street = street;
    street.settings.client_authority = Some(street.file("tap-clients.pem"));
    street.restart(Vec::new());
    let mut client = street.client();
    let _ = client.write_all(&message(REQUEST, 8)).and_then(|()| client.flush());
    assert!(client.read(&mut [0; 8]).is_err());
    drop(client);
    let told = street.until_closed();
    let ends: Vec<_> = told.iter().filter(|event| matches!(event, Happened::Ended { by: Side::Server, .. })).collect();
    let how = End::Broken("TLS alert 48: unknown_ca".to_owned());
    assert_eq!(ends, [&Happened::Ended { by: Side::Server, how, left: 0 }]);
}

#[test]
fn certificates_are_read_anew_for_each_connection() {
    let street = Street::new(polite);
    good_bye(&mut street.client());
    street.until_closed();
    // As a proxy does that starts anew: another authority, in the same files.
    for name in ["ca.pem", "server.pem", "client.pem"] {
        std::fs::remove_file(street.file(name)).unwrap();
    }
    assert!(street.client_with("tap.pem", None).is_err());
    let Happened::Refused { by: Side::Tap, why } = street.event() else { panic!("it was refused by another") };
    assert!(why.starts_with("cannot read `") && why.contains("ca.pem`: No such file"), "{why}");
    issue(&street.folder, "");
    let anew = testing::serve(&street.folder, "", polite);
    let mut street = street;
    street.settings.upstream.port = anew.port();
    street.restart(Vec::new());
    issue(&street.folder, "");
    assert!(street.client_with("tap.pem", Some("client.pem")).is_err(), "the server has the certificate of before");
    let Happened::Refused { by: Side::Server, why } = street.event() else { panic!("it was refused by another") };
    assert_eq!(why, "TLS: invalid peer certificate: BadSignature");
}

#[test]
fn a_probe_of_the_port_is_no_business_of_the_server() {
    let (send_back, seen) = channel();
    let street = Street::new(move |_| send_back.send(()).unwrap());
    drop(TcpStream::connect(street.address()).unwrap());
    let why = "it went without a word".to_owned();
    assert_eq!(street.event(), Happened::Refused { by: Side::Client, why });
    assert!(seen.try_recv().is_err(), "the server was bothered");
}

#[test]
fn bytes_that_are_no_tls_are_refused_and_never_reach_the_server() {
    let street = Street::new(polite);
    let mut stream = TcpStream::connect(street.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: kmip\r\n\r\n").unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    let Happened::Refused { by: Side::Client, why } = street.event() else { panic!("it was refused by another") };
    assert_eq!(why, "TLS: received corrupt message of type InvalidContentType");
}

#[test]
fn a_tap_that_is_dropped_says_good_bye_and_leaves_nothing_open() {
    let mut street = Street::new(polite);
    let address = street.address();
    let (mut client, silent) = (street.client(), TcpStream::connect(address).unwrap());
    send(&mut client, &message(REQUEST, 8));
    read(&mut client).unwrap();
    opened(&street);
    drop(street.tap.take());
    assert_eq!(client.read(&mut [0; 8]).unwrap(), 0, "a good-bye comes");
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!((&silent).read(&mut [0; 8]), Ok(0) | Err(_)));
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let told: Vec<_> = street.events.iter().map(|event| event.what).collect();
    let closed =
        told.iter().filter(|event| matches!(event, Happened::Closed { by: Side::Tap, sent: 16, received: 16 }));
    assert_eq!(closed.count(), 1, "{told:?}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let street = Street::new(polite);
    let mut settings = street.settings.clone();
    settings.listen = street.address();
    let error = Tap::start(settings, Arc::new(|_: &Event| ())).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen at {}: Address already in use", street.address())), "{error}");
}

#[test]
fn the_authority_of_somebody_else_is_not_overwritten() {
    let street = Street::new(polite);
    let file = street.file("ca.pem");
    let before = std::fs::read(&file).unwrap();
    let settings = Settings { shown: Shown::Made { authority: file.clone() }, ..street.settings.clone() };
    let error = Tap::start(settings, Arc::new(|_: &Event| ())).unwrap_err().to_string();
    assert!(error.ends_with("ca.pem`: it holds something else than the authority of a tap"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    Tap::start(street.settings.clone(), Arc::new(|_: &Event| ())).expect("one of its own is written anew");
}

#[test]
fn a_dialogue_pairs_answers_with_requests_connection_by_connection() {
    let dialogue = Dialogue::default();
    let take = |connection, what| dialogue.take(&Event { at: Duration::ZERO, connection, what });
    take(1, Happened::Request(vec![1]));
    take(2, Happened::Request(vec![2]));
    take(1, Happened::Request(vec![3]));
    take(2, Happened::Answer(vec![20]));
    take(1, Happened::Answer(vec![10]));
    take(2, Happened::Answer(vec![99]));
    let exchange = |connection, request, answer: Option<u8>| Exchange {
        connection,
        request: vec![request],
        answer: answer.map(|answer| vec![answer]),
    };
    let expected = [exchange(1, 1, Some(10)), exchange(2, 2, Some(20)), exchange(1, 3, None)];
    assert_eq!(dialogue.exchanges(), expected, "what nobody asked for has no place");
}

#[test]
fn whoever_waits_for_a_dialogue_has_it_when_it_is_said() {
    let dialogue = Arc::new(Dialogue::default());
    let mut street = Street::new(polite);
    street.restart(vec![dialogue.clone()]);
    let mut client = street.client();
    send(&mut client, &message(REQUEST, 8));
    let said = dialogue.wait(PATIENCE, |said| said.iter().any(|exchange| exchange.answer.is_some()));
    assert_eq!(said[0].answer, Some(message(ANSWER, 8)));
    read(&mut client).unwrap();
}
