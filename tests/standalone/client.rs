//! A client as mongod is one: it reads the certificates that the proxy has written, and asks over TLS.

use std::io::{self, Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use kmip_proxy::env::Env;
use kmip_proxy::kmip::tag;
use kmip_proxy::tls;
use kmip_proxy::ttlv::{Reader, Value, Writer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::process::{Dbpath, PATIENCE, Proxy};

/// A connection to a proxy.
pub(super) struct Client(StreamOwned<ClientConnection, TcpStream>);

impl Client {
    /// Connects with the files in the dbpath.
    pub(super) fn connect(dbpath: &Dbpath, proxy: &Proxy) -> Self {
        Client::with(Client::config(dbpath), proxy)
    }

    /// What a client needs to know, from the files in the dbpath.
    pub(super) fn config(dbpath: &Dbpath) -> Arc<ClientConfig> {
        Client::config_from(dbpath.path())
    }

    /// The same, from the files in any folder.
    pub(super) fn config_from(folder: &Path) -> Arc<ClientConfig> {
        let env = Env::os();
        let mut roots = RootCertStore::empty();
        roots.add(tls::certificates(&env, &folder.join("kmipCA.pem")).unwrap().remove(0)).unwrap();
        let own = folder.join("kmipClient.pem");
        let key = PrivateKeyDer::from_pem_slice(&env.files.read(&own).unwrap()).unwrap();
        let config = ClientConfig::builder_with_details(env.crypto.provider(), env.tls_time())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(tls::certificates(&env, &own).unwrap(), key)
            .unwrap();
        Arc::new(config)
    }

    /// Connects; the handshake comes with the first bytes.
    pub(super) fn with(config: Arc<ClientConfig>, proxy: &Proxy) -> Self {
        Client::at(config, proxy.port)
    }

    /// The same, to a port.
    pub(super) fn at(config: Arc<ClientConfig>, port: u16) -> Self {
        let connection = ClientConnection::new(config, "127.0.0.1".try_into().unwrap()).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client(StreamOwned::new(connection, stream))
    }

    /// Sends bytes.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
        self.0.flush().unwrap();
    }

    /// The whole answer to a request, or the end of the connection.
    pub(super) fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.send(request);
        message(&mut self.0)
    }

    /// Asks, and reads the first byte of the answer: in TLS 1.3 a client learns only then whether it may come in.
    pub(super) fn try_ask(&mut self, request: &[u8]) -> io::Result<()> {
        self.0.write_all(request)?;
        self.0.flush()?;
        self.0.read_exact(&mut [0])
    }

    /// The values in the answer's payload that have a tag; empty for a failure.
    pub(super) fn ask(&mut self, request: &[u8], wanted: kmip_proxy::ttlv::Tag) -> Vec<Vec<u8>> {
        found(&self.exchange(request).unwrap(), wanted)
    }

    /// The bytes of the next answer.
    pub(super) fn whole_answer(&mut self) -> Vec<u8> {
        message(&mut self.0).unwrap()
    }

    /// The values with a tag in the next answer.
    pub(super) fn answer(&mut self, wanted: kmip_proxy::ttlv::Tag) -> Vec<Vec<u8>> {
        found(&self.whole_answer(), wanted)
    }

    /// Waits until the proxy closes the connection in good order: with a close_notify and without another byte.
    pub(super) fn closed(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
    }
}

/// The next whole message on a connection: its first eight bytes say how long the rest is (KMIP 1.4 section 9.1.1).
pub(super) fn message(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 8];
    stream.read_exact(&mut message)?;
    let length = u32::from_be_bytes([message[4], message[5], message[6], message[7]]) as usize;
    message.resize(8 + length, 0);
    stream.read_exact(&mut message[8..])?;
    Ok(message)
}

fn found(answer: &[u8], wanted: kmip_proxy::ttlv::Tag) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    values(Reader::new(answer), wanted, &mut found);
    found
}

fn values(mut reader: Reader<'_>, wanted: kmip_proxy::ttlv::Tag, found: &mut Vec<Vec<u8>>) {
    while let Some(item) = reader.next_item().unwrap() {
        match item.value {
            Value::Structure(inside) => values(inside, wanted, found),
            Value::ByteString(bytes) if item.tag == wanted => found.push(bytes.to_vec()),
            Value::TextString(text) if item.tag == wanted => found.push(text.as_bytes().to_vec()),
            Value::Enumeration(number) if item.tag == wanted => found.push(number.to_be_bytes().to_vec()),
            _ => {}
        }
    }
}

/// A request of one item in KMIP 1.4; `fill` writes its payload (operations: KMIP 1.4 section 9.1.3.2.27).
fn request(operation: u32, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut message = Vec::new();
    let mut writer = Writer::new(&mut message);
    let whole = writer.open(tag::REQUEST_MESSAGE);
    writer.structure(tag::REQUEST_HEADER, |writer| {
        writer.structure(tag::PROTOCOL_VERSION, |writer| {
            writer.integer(tag::PROTOCOL_VERSION_MAJOR, 1);
            writer.integer(tag::PROTOCOL_VERSION_MINOR, 4);
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

pub(super) fn get(id: &str) -> Vec<u8> {
    request(0x0A, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, id))
}

/// Create of an AES key of 256 bits for Encrypt and Decrypt.
pub(super) fn create() -> Vec<u8> {
    request(0x01, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        let template = writer.open(tag::TEMPLATE_ATTRIBUTE);
        let algorithm = writer.open(tag::ATTRIBUTE);
        writer.text_string(tag::ATTRIBUTE_NAME, "Cryptographic Algorithm");
        writer.enumeration(tag::ATTRIBUTE_VALUE, 3);
        writer.close(algorithm);
        for (name, value) in [("Cryptographic Length", 256), ("Cryptographic Usage Mask", 12)] {
            let attribute = writer.open(tag::ATTRIBUTE);
            writer.text_string(tag::ATTRIBUTE_NAME, name);
            writer.integer(tag::ATTRIBUTE_VALUE, value);
            writer.close(attribute);
        }
        writer.close(template);
    })
}

/// Register of a Raw AES key.
pub(super) fn register(material: &[u8]) -> Vec<u8> {
    request(0x03, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        writer.structure(tag::TEMPLATE_ATTRIBUTE, |_| {});
        let key = writer.open(tag::SYMMETRIC_KEY);
        let block = writer.open(tag::KEY_BLOCK);
        writer.enumeration(tag::KEY_FORMAT_TYPE, 1);
        let value = writer.open(tag::KEY_VALUE);
        writer.byte_string(tag::KEY_MATERIAL, material);
        writer.close(value);
        writer.close(block);
        writer.close(key);
    })
}
