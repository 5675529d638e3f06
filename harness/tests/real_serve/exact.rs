//! What the cloud is asked, byte for byte: what was signed must arrive as it was signed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use kmiplab::clouds::{Action, Arrival, Cloud, Handled};
use kmiplab::world::loopback::{EndpointSpec, Loopback};

use super::laboratory::{clock, trace};

/// Remembers what came, and answers with what it was given.
#[derive(Debug, Default)]
struct Echo {
    came: Vec<(Arrival, Request<Bytes>)>,
    answer: Response<Bytes>,
}

impl Cloud for Echo {
    fn handle(&mut self, arrival: &Arrival, request: &Request<Bytes>) -> Handled {
        self.came.push((arrival.clone(), request.clone()));
        let (head, body) = self.answer.clone().into_parts();
        Handled { action: Action::Respond(Response::from_parts(head, body)), events: Vec::new() }
    }
}

/// Says this to a plain endpoint and reads all that it says.
fn exchange(echo: &Arc<Mutex<Echo>>, said: &[u8]) -> String {
    let spec = EndpointSpec { tls: false, ..EndpointSpec::new("private-a", "localhost", "kms", true) };
    let loopback = Loopback::start(echo.clone(), vec![spec], clock(), trace()).unwrap();
    assert_eq!(loopback.flag("private-a"), Some(format!("http://{}", loopback.address("private-a").unwrap())));
    let mut stream = TcpStream::connect(loopback.address("private-a").unwrap()).unwrap();
    stream.write_all(said).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    heard
}

#[test]
fn method_path_query_headers_and_body_arrive_as_they_were_sent_and_nothing_is_added() {
    let echo = Arc::new(Mutex::new(Echo::default()));
    let said = b"PATCH //keys/./a%2Fb/../%7ec//decrypt?x='1'&y=%7E&api-version=7.4&x=+ HTTP/1.1\r\n\
        Host: kms.us-east-1.amazonaws.com:8443\r\nX-Twice: one\r\nX-Amz-Date: 20261122T000000Z\r\nX-Twice:   two  three\r\n\
        X-Kmiplab-Via: sts\r\nX-Kmiplab-Private: yes\r\nX-Kmiplab-Target: /elsewhere\r\nX-Kmiplab-Token: guessed\r\n\
        Connection: close\r\nContent-Length: 6\r\n\r\n\x00\xff\r\n{}";
    exchange(&echo, said);
    let echo = echo.lock().unwrap();
    let [(arrival, request)] = &echo.came[..] else { panic!("{:?}", echo.came) };
    assert_eq!((arrival.via.as_str(), arrival.private), ("private-a", true), "not what the client says of itself");
    assert_eq!(request.method(), "PATCH");
    let target = request.uri().path_and_query().unwrap().as_str();
    assert_eq!(target, "//keys/./a%2Fb/../%7ec//decrypt?x='1'&y=%7E&api-version=7.4&x=+");
    assert_eq!(request.body().as_ref(), b"\x00\xff\r\n{}");
    let mut headers: Vec<String> =
        request.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    let expected = [
        "connection: close",
        "content-length: 6",
        "host: kms.us-east-1.amazonaws.com:8443",
        "x-amz-date: 20261122T000000Z",
        "x-twice: one",
        "x-twice: two  three",
    ];
    assert_eq!(headers, expected);
}

#[test]
fn status_headers_and_body_of_an_answer_go_out_as_the_cloud_made_them() {
    let answer = Response::builder()
        .status(421)
        .header("X-Twice", "one")
        .header("X-Twice", "two")
        .header("Content-Type", "application/x-amz-json-1.1")
        .body(Bytes::from_static(b"{\"a\": 1}"));
    let echo = Arc::new(Mutex::new(Echo { came: Vec::new(), answer: answer.unwrap() }));
    let heard = exchange(&echo, b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{\"a\": 1}");
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "HTTP/1.1 421 Misdirected Request");
    lines.sort();
    // No Date: the answer had none, and nobody else's clock may stand in for the cloud's.
    let expected = [
        "connection: close",
        "content-length: 8",
        "content-type: application/x-amz-json-1.1",
        "x-twice: one",
        "x-twice: two",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_answer_without_a_body_has_none() {
    let answer = Response::builder().status(204).body(Bytes::new()).unwrap();
    let echo = Arc::new(Mutex::new(Echo { came: Vec::new(), answer }));
    let heard = exchange(&echo, b"DELETE /deletedkeys/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(heard, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
}
