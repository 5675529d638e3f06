//! The client of all peers: one connection at a time, blocking, with bytes that were made beforehand.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use kmip_proxy::kmip::tag;
use kmip_proxy::ttlv::{Reader, Value, Writer};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// The lengths of a request and of its answer, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) request: usize,
    pub(crate) answer: usize,
}

/// What is asked of a peer, again and again.
pub(crate) struct Asking {
    pub(crate) port: u16,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) request: Vec<u8>,
    pub(crate) answer: usize,
}

impl Asking {
    /// Registers a key with a KMIP server and asks for it from then on.
    pub(crate) fn a_key(port: u16, config: Arc<ClientConfig>) -> Self {
        let mut asking = Asking { port, config, request: register(), answer: 0 };
        let id = identifier(&asking.connect().whole());
        asking.request = get(&id);
        asking.answer = asking.connect().whole().len();
        assert!(asking.answer > 150, "the key is not given out");
        asking
    }

    pub(crate) fn sizes(&self) -> Sizes {
        Sizes { request: self.request.len(), answer: self.answer }
    }

    pub(crate) fn connect(&self) -> Connection<'_> {
        let connection = ClientConnection::new(self.config.clone(), "127.0.0.1".try_into().expect("an address"));
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the peer listens");
        stream.set_nodelay(true).expect("a socket has this option");
        let stream = StreamOwned::new(connection.expect("a usable configuration"), stream);
        Connection { asking: self, stream, answer: vec![0; self.answer] }
    }

    /// Connects, asks, and closes in good order.
    pub(crate) fn once(&self) {
        let mut connection = self.connect();
        connection.ask();
        connection.stream.conn.send_close_notify();
        let _ = connection.stream.flush();
        let _ = connection.stream.read(&mut [0]);
    }
}

/// A connection that is kept.
pub(crate) struct Connection<'a> {
    asking: &'a Asking,
    stream: StreamOwned<ClientConnection, TcpStream>,
    answer: Vec<u8>,
}

impl Connection<'_> {
    /// Asks once and reads the answer, which has the expected length.
    pub(crate) fn ask(&mut self) {
        self.stream.write_all(&self.asking.request).expect("the peer reads");
        self.stream.read_exact(&mut self.answer).expect("the peer answers");
    }

    /// Asks once and reads an answer of any length.
    fn whole(mut self) -> Vec<u8> {
        self.stream.write_all(&self.asking.request).expect("the peer reads");
        let mut answer = vec![0; 8];
        self.stream.read_exact(&mut answer).expect("the peer answers");
        let length = u32::from_be_bytes([answer[4], answer[5], answer[6], answer[7]]);
        answer.resize(8 + length as usize, 0);
        self.stream.read_exact(&mut answer[8..]).expect("the answer is whole");
        answer
    }
}

fn identifier(answer: &[u8]) -> String {
    fn find(mut reader: Reader<'_>) -> Option<String> {
        while let Ok(Some(item)) = reader.next_item() {
            match item.value {
                Value::TextString(text) if item.tag == tag::UNIQUE_IDENTIFIER => return Some(text.to_owned()),
                Value::Structure(inside) => {
                    if let Some(found) = find(inside) {
                        return Some(found);
                    }
                }
                _ => {}
            }
        }
        None
    }
    find(Reader::new(answer)).expect("the key is registered")
}

/// A request of one item in KMIP 1.2, which all peers speak.
fn request(operation: u32, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut message = Vec::new();
    let mut writer = Writer::new(&mut message);
    let whole = writer.open(tag::REQUEST_MESSAGE);
    writer.structure(tag::REQUEST_HEADER, |writer| {
        writer.structure(tag::PROTOCOL_VERSION, |writer| {
            writer.integer(tag::PROTOCOL_VERSION_MAJOR, 1);
            writer.integer(tag::PROTOCOL_VERSION_MINOR, 2);
        });
        writer.integer(tag::BATCH_COUNT, 1);
    });
    let item = writer.open(tag::BATCH_ITEM);
    writer.enumeration(tag::OPERATION, operation);
    let payload = writer.open(tag::REQUEST_PAYLOAD);
    fill(&mut writer);
    writer.close(payload);
    writer.close(item);
    writer.close(whole);
    message
}

fn get(id: &str) -> Vec<u8> {
    request(0x0A, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, id))
}

/// An AES key of 256 bits for Encrypt and Decrypt.
fn register() -> Vec<u8> {
    request(0x03, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        let template = writer.open(tag::TEMPLATE_ATTRIBUTE);
        let mask = writer.open(tag::ATTRIBUTE);
        writer.text_string(tag::ATTRIBUTE_NAME, "Cryptographic Usage Mask");
        writer.integer(tag::ATTRIBUTE_VALUE, 12);
        writer.close(mask);
        writer.close(template);
        let key = writer.open(tag::SYMMETRIC_KEY);
        let block = writer.open(tag::KEY_BLOCK);
        writer.enumeration(tag::KEY_FORMAT_TYPE, 1);
        let value = writer.open(tag::KEY_VALUE);
        writer.byte_string(tag::KEY_MATERIAL, &[7; 32]);
        writer.close(value);
        writer.enumeration(tag::CRYPTOGRAPHIC_ALGORITHM, 3);
        writer.integer(tag::CRYPTOGRAPHIC_LENGTH, 256);
        writer.close(block);
        writer.close(key);
    })
}
