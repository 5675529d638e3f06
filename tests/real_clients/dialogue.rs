//! What clients said and were answered, one exchange per line, and the proxy asked the same once more.
//!
//! A line of a file is: name, number of the connection, request, answer; the bytes in hexadecimal, tabs between. What a
//! line sends may speak of keys that lines before it made: they are played in order, to one proxy.

use std::fmt::Write as _;

use super::client::Client;
use super::process::{Dbpath, Proxy};
use super::tree::{self, Known};

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) name: String,
    pub(super) connection: usize,
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

/// Reads a file of exchanges. Lines that begin with `#` are for people.
pub(super) fn parse(file: &str) -> Vec<Exchange> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let exchanges = lines.map(|line| {
        let [name, connection, request, answer] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not an exchange: {line}")
        };
        let connection = connection.parse().unwrap();
        Exchange { name: name.to_owned(), connection, request: bytes(request), answer: bytes(answer) }
    });
    exchanges.collect()
}

/// Writes a file of exchanges.
pub(super) fn print(exchanges: &[Exchange]) -> String {
    exchanges.iter().fold("# exchange\tconnection\trequest\tanswer\n".to_owned(), |mut text, exchange| {
        let Exchange { name, connection, request, answer } = exchange;
        let _ = writeln!(text, "{name}\t{connection}\t{}\t{}", hex(request), hex(answer));
        text
    })
}

/// Asks a proxy everything, in order and on connections as they were, and gives for each exchange what is different in
/// the two answers: first the recorded one, then the proxy's.
pub(super) fn play(exchanges: &[Exchange], dbpath: &Dbpath, proxy: &Proxy) -> Vec<(String, Vec<String>)> {
    let mut known = Known::default();
    let mut client: Option<(usize, Client)> = None;
    let mut found = Vec::new();
    for exchange in exchanges {
        let request = known.translate(&tree::read(&exchange.request));
        known.sent(&request);
        let on_it = match client.take() {
            Some((number, client)) if number == exchange.connection => client,
            _ => Client::connect(dbpath, proxy),
        };
        let (_, on_it) = client.insert((exchange.connection, on_it));
        let different = match on_it.exchange(&tree::write(&request)) {
            Ok(answer) => tree::differences(&tree::read(&exchange.answer), &tree::read(&answer), &mut known),
            Err(_) => vec!["the proxy hangs up".to_owned()],
        };
        found.push((exchange.name.clone(), different));
    }
    found
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
