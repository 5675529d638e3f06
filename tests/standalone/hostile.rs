//! Hostile bytes and hostile crowds against the real program, while a client that means well is served.
//!
//! The codec's own tests cut, flip and nest on every byte; here stands what only a socket shows: framing, silence, memory.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};

use kmip_proxy::kmip::tag;

use super::client::{Client, get, register};
use super::process::{Dbpath, Proxy};

const MATERIAL: &[u8; 32] = b"thirty-two bytes of a master key";

/// How much memory the program may have at most, in bytes, whatever is done to it: the documents state it.
const MOST_MEMORY: u64 = 128 * 1024 * 1024;

/// Result Reasons (KMIP 1.4, 9.1.3.2.29) as an answer carries them.
const INVALID_MESSAGE: [u8; 4] = [0, 0, 0, 4];

/// The Result Status Success (KMIP 1.4, 9.1.3.2.28).
const SUCCESS: [u8; 4] = [0; 4];

/// A proxy with one key, and the identifier of that.
fn with_a_key() -> (Dbpath, Proxy, String) {
    let dbpath = Dbpath::local();
    let proxy = dbpath.serve("local");
    let found = Client::connect(&dbpath, &proxy).ask(&register(MATERIAL), tag::UNIQUE_IDENTIFIER);
    (dbpath, proxy, String::from_utf8(found[0].clone()).unwrap())
}

fn gets_its_key(client: &mut Client, id: &str) {
    assert_eq!(client.ask(&get(id), tag::KEY_MATERIAL), [MATERIAL]);
}

#[test]
fn real_requests_cut_at_every_byte_harm_nobody() {
    let (dbpath, proxy, id) = with_a_key();
    let config = Client::config(&dbpath);
    let mut well_meaning = Client::with(config.clone(), &proxy);
    let request = get(&id);
    for length in (0..request.len()).step_by(7).chain([1, 8, 9, request.len() - 1]) {
        let mut client = Client::with(config.clone(), &proxy);
        client.send(&request[..length]);
        drop(client);
    }
    gets_its_key(&mut well_meaning, &id);
}

#[test]
fn real_requests_in_one_write_or_byte_by_byte_are_answered_in_order() {
    let (dbpath, proxy, id) = with_a_key();
    let mut client = Client::connect(&dbpath, &proxy);
    client.send(&[get(&id), get("nobody"), get(&id)].concat());
    assert_eq!(client.answer(tag::KEY_MATERIAL), [MATERIAL]);
    assert!(client.answer(tag::KEY_MATERIAL).is_empty());
    assert_eq!(client.answer(tag::KEY_MATERIAL), [MATERIAL]);
    for byte in get(&id) {
        client.send(&[byte]);
    }
    assert_eq!(client.answer(tag::KEY_MATERIAL), [MATERIAL]);
}

#[test]
fn real_lengths_and_depths_that_lie_are_answered_as_invalid_messages() {
    let (dbpath, proxy, id) = with_a_key();
    let config = Client::config(&dbpath);
    let header = |length: u32| [&[0x42, 0x00, 0x78, 0x01], &length.to_be_bytes()[..]].concat();
    // Structures within structures, deeper than any message of the standard.
    let deep = (0..4000_u32).rev().fold(Vec::new(), |inside: Vec<u8>, _| {
        [&[0x42, 0x00, 0x79, 0x01], &u32::try_from(inside.len()).unwrap().to_be_bytes()[..], &inside].concat()
    });
    let deep = [header(u32::try_from(deep.len()).unwrap()), deep].concat();
    let mut inner_length = get(&id);
    inner_length[12..16].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut padding = get(&id);
    let version = padding.windows(3).position(|bytes| bytes == [0x42, 0x00, 0x6A]).unwrap();
    padding[version + 12] = 1;
    for (what, bytes) in [
        ("4 GiB", header(u32::MAX)),
        ("2 MiB", header(2 << 20)),
        ("nothing", header(0)),
        ("depth", deep),
        ("an inner length of 4 GiB", inner_length),
        ("padding that is not zero", padding),
    ] {
        let mut client = Client::with(config.clone(), &proxy);
        client.send(&bytes);
        assert_eq!(client.answer(tag::RESULT_REASON), [INVALID_MESSAGE], "{what}");
    }
    gets_its_key(&mut Client::with(config, &proxy), &id);
}

#[test]
fn real_crowds_of_silent_clients_keep_nobody_out_and_memory_stays_bounded() {
    let (dbpath, mut proxy, id) = with_a_key();
    let config = Client::config(&dbpath);
    let door = ("127.0.0.1", proxy.port);
    let mut kept = Vec::new();
    // Who never says a word, who says something else than TLS, and who stops within the ClientHello.
    for (index, words) in [b"".as_slice(), b"GET / HTTP/1.1\r\n\r\n", &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]]
        .iter()
        .cycle()
        .take(600)
        .enumerate()
    {
        let mut stream = TcpStream::connect(door).unwrap();
        stream.write_all(words).unwrap();
        if index % 5 == 0 {
            // Half-open: it will never say more, and still listens.
            stream.shutdown(Shutdown::Write).unwrap();
        }
        kept.push(stream);
    }
    gets_its_key(&mut Client::with(config.clone(), &proxy), &id);
    // Who shook hands and sends the first half of a message of nearly 1 MiB.
    let length: u32 = (1 << 20) - 16;
    let half = [[0x42, 0x00, 0x78, 0x01].as_slice(), &length.to_be_bytes(), &vec![0; 1 << 14]].concat();
    let slow: Vec<Client> = (0..120)
        .map(|_| {
            let mut client = Client::with(config.clone(), &proxy);
            client.send(&half);
            client
        })
        .collect();
    gets_its_key(&mut Client::with(config.clone(), &proxy), &id);
    // As many messages of nearly 1 MiB as may be there at once, each of the smallest items that there are.
    for _ in 0..8 {
        let mut client = Client::with(config.clone(), &proxy);
        client.send(&many_items(((1 << 20) - 128) / QUERY));
        assert_eq!(client.answer(tag::RESULT_REASON), [INVALID_MESSAGE]);
    }
    gets_its_key(&mut Client::with(config, &proxy), &id);
    let peak = proxy.peak_memory();
    assert!(peak < MOST_MEMORY, "{peak} bytes");
    println!("peak memory under attack: {} KiB", peak / 1024);
    drop((kept, slow));
    proxy.terminate();
    assert_eq!(proxy.ended(super::process::PATIENCE).0, Some(0));
}

#[test]
fn real_batches_of_a_thousand_items_are_served_and_longer_ones_refused_before_their_first() {
    let (dbpath, proxy, _) = with_a_key();
    let config = Client::config(&dbpath);
    let mut client = Client::with(config, &proxy);
    client.send(&many_items(1000));
    assert_eq!(client.answer(tag::RESULT_STATUS), vec![SUCCESS; 1000]);
    client.send(&many_items(1001));
    assert_eq!(client.answer(tag::RESULT_MESSAGE).len(), 1);
    client.send(&many_items(1));
    assert_eq!(client.answer(tag::RESULT_STATUS), [SUCCESS], "the connection goes on");
    let peak = proxy.peak_memory();
    assert!(peak < MOST_MEMORY, "{peak} bytes");
}

/// The length of an item of [`many_items`], in bytes.
const QUERY: usize = 64;

/// A well-formed request of so many items. Each is a Query for the operations, whose answer is several times as long
/// (KMIP 1.4, 9.1.3.2.27: Query is 18 hex).
fn many_items(count: usize) -> Vec<u8> {
    let item = |tag: u8, kind: u8, length: u8| [0x42, 0x00, tag, kind, 0, 0, 0, length];
    let number = |tag: u8, kind: u8, value: u32| [&item(tag, kind, 4), &value.to_be_bytes()[..], &[0; 4]].concat();
    let structure = |tag: u8, inside: &[u8]| {
        [&[0x42, 0x00, tag, 0x01], &u32::try_from(inside.len()).unwrap().to_be_bytes()[..], inside].concat()
    };
    let query = [number(0x5C, 5, 0x18), number(0x93, 8, 1), structure(0x79, &number(0x74, 5, 1))].concat();
    let query = structure(0x0F, &query);
    assert_eq!(query.len(), QUERY);
    let version = structure(0x69, &[number(0x6A, 2, 1), number(0x6B, 2, 4)].concat());
    let header = [version, number(0x0D, 2, u32::try_from(count).unwrap())].concat();
    structure(0x78, &[structure(0x77, &header), query.repeat(count)].concat())
}
