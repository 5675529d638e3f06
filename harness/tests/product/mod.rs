//! The product in this process: its operations over a simulated disk, with a key file as provider, asked in the
//! laboratory's own KMIP.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kmip_proxy::env::{Clock, Crypto, Env};
use kmip_proxy::keys::{CredentialSource, Layout, Listing, Provider, SnapshotLayout};
use kmip_proxy::kms::LocalKms;
use kmip_proxy::operations::Operations;
use kmip_proxy::operator::{Notice, Operator};
use kmiplab::wire::message::{self, Header, attribute};
use kmiplab::wire::names::*;
use kmiplab::wire::{Answer, Item, Value};
use kmiplab::world::sim::Disk;
use rustls::crypto::CryptoProvider;

/// The folder of keys in the database's folder.
pub(crate) const FOLDER: &str = "/data/db/cloudProviderCredentials";

// Operations by their numbers (KMIP 1.4, clause 9.1.3.2.27).
pub(crate) const CREATE: u32 = 0x01;
pub(crate) const REGISTER: u32 = 0x03;
pub(crate) const LOCATE: u32 = 0x08;
pub(crate) const CHECK: u32 = 0x09;
pub(crate) const GET: u32 = 0x0A;
pub(crate) const GET_ATTRIBUTES: u32 = 0x0B;
pub(crate) const GET_ATTRIBUTE_LIST: u32 = 0x0C;
pub(crate) const ADD_ATTRIBUTE: u32 = 0x0D;
pub(crate) const MODIFY_ATTRIBUTE: u32 = 0x0E;
pub(crate) const DELETE_ATTRIBUTE: u32 = 0x0F;
pub(crate) const OBTAIN_LEASE: u32 = 0x10;
pub(crate) const ACTIVATE: u32 = 0x12;
pub(crate) const REVOKE: u32 = 0x13;
pub(crate) const DESTROY: u32 = 0x14;
pub(crate) const QUERY: u32 = 0x18;
pub(crate) const DISCOVER_VERSIONS: u32 = 0x1E;
pub(crate) const ENCRYPT: u32 = 0x1F;
pub(crate) const DECRYPT: u32 = 0x20;

/// What is registered.
pub(crate) const MATERIAL: [u8; 32] = *b"thirty-two bytes of key material";

/// A disk as an operator prepares it for the provider `local`: a key file, and credentials for keys to come.
pub(crate) fn prepared_disk() -> Disk {
    let disk = Disk::new();
    disk.place("/data/db/local.key", [7; 32]);
    disk.place(format!("{FOLDER}/new-keys.local.metadata"), r#"{"keyFile": "local.key"}"#);
    disk
}

/// A process of the product, started on what the disk holds.
pub(crate) struct Product {
    operations: Operations,
    /// What the operator was told.
    pub(crate) told: Arc<Told>,
}

impl Product {
    /// Starts. `start` counts the starts on one disk, so that no two processes draw the same identifiers.
    pub(crate) fn start(disk: &Disk, start: u64) -> Self {
        let crypto = Arc::new(Counting(AtomicU64::new(start << 32)));
        let env = Env { files: Arc::new(disk.clone()), clock: Arc::new(Stopped), crypto, ..Env::os() };
        let source = CredentialSource::default();
        let layout = SnapshotLayout::new(env.files.clone(), PathBuf::from("/data/db"), Provider::Local, source);
        layout.prepare().expect("the folder is there");
        let told = Arc::new(Told::default());
        let operations = Operations {
            kms: Arc::new(LocalKms::new(env.clone())),
            env,
            layout: Arc::new(layout),
            provider: Provider::Local,
            kms_key: None,
            deadline: Duration::from_secs(4),
            operator: told.clone(),
            own_objects: false,
            client: None,
        };
        Product { operations, told }
    }

    /// The keys as the product sees them.
    pub(crate) fn list(&self) -> Listing {
        self.operations.layout.list().expect("the folder can be read")
    }

    /// The bytes that answer a request.
    pub(crate) async fn answer_bytes(&self, request: &Item) -> Vec<u8> {
        let (bytes, _) = message::encode(request);
        self.operations.answer(&bytes).await.to_vec()
    }

    /// The answer to a request, as the laboratory reads it.
    pub(crate) async fn answer(&self, request: &Item) -> Answer {
        Answer::read(&self.answer_bytes(request).await).expect("the answer is a tree of items")
    }
}

/// A request of one item in a minor version of KMIP 1.
pub(crate) fn request(minor: i32, operation: u32, payload: Vec<Item>) -> Item {
    let header = Header { version: (1, minor), maximum_response_size: None, time_stamp: None };
    message::request(&header, &[(operation, payload)])
}

/// The payload that names an object.
pub(crate) fn naming(id: &str) -> Vec<Item> {
    vec![Item::text(UNIQUE_IDENTIFIER, id)]
}

/// The payload of Create: an AES key of 256 bits.
pub(crate) fn create() -> Vec<Item> {
    vec![Item::enumeration(OBJECT_TYPE, 0x02), template()]
}

/// The payload of Register: an AES key of 256 bits.
pub(crate) fn register() -> Vec<Item> {
    let block = vec![
        Item::enumeration(KEY_FORMAT_TYPE, 0x01),
        Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, Value::Bytes(MATERIAL.to_vec()))]),
        Item::enumeration(CRYPTOGRAPHIC_ALGORITHM, 0x03),
        Item::integer(CRYPTOGRAPHIC_LENGTH, 256),
    ];
    let key = Item::structure(SYMMETRIC_KEY, vec![Item::structure(KEY_BLOCK, block)]);
    vec![Item::enumeration(OBJECT_TYPE, 0x02), template(), key]
}

/// The payload of Locate: objects in this state.
pub(crate) fn locate(state: u32) -> Vec<Item> {
    vec![attribute("State", Value::Enumeration(state))]
}

/// The name of an attribute of the client's own.
pub(crate) const NOTE: &str = "x-note";

/// The payload of Add and Modify Attribute: such an attribute.
pub(crate) fn noted(id: &str, note: &str) -> Vec<Item> {
    [naming(id), vec![attribute(NOTE, Value::Text(note.to_owned()))]].concat()
}

/// The payload of Delete Attribute: that attribute.
pub(crate) fn unnoted(id: &str) -> Vec<Item> {
    [naming(id), vec![Item::text(ATTRIBUTE_NAME, NOTE)]].concat()
}

/// The payload of Revoke: the key was compromised.
pub(crate) fn revoke(id: &str) -> Vec<Item> {
    let reason = Item::structure(REVOCATION_REASON, vec![Item::enumeration(REVOCATION_REASON_CODE, 0x02)]);
    [naming(id), vec![reason]].concat()
}

/// The payload of Encrypt and Decrypt: one block in the mode CBC, without padding.
pub(crate) fn cipher(id: &str) -> Vec<Item> {
    let parameters = vec![Item::enumeration(BLOCK_CIPHER_MODE, 0x01), Item::enumeration(PADDING_METHOD, 0x01)];
    let what = vec![
        Item::structure(CRYPTOGRAPHIC_PARAMETERS, parameters),
        Item::new(DATA, Value::Bytes(b"one block of AES".to_vec())),
        Item::new(IV_COUNTER_NONCE, Value::Bytes(vec![7; 16])),
    ];
    [naming(id), what].concat()
}

fn template() -> Item {
    let attributes = vec![
        attribute("Cryptographic Algorithm", Value::Enumeration(0x03)),
        attribute("Cryptographic Length", Value::Integer(256)),
        attribute("Cryptographic Usage Mask", Value::Integer(0x0C)),
    ];
    Item::structure(TEMPLATE_ATTRIBUTE, attributes)
}

/// What the operator was told.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(crate) fn headlines(&self) -> Vec<String> {
        self.0.lock().expect("nothing panics while it holds the list").clone()
    }
}

impl Operator for Told {
    fn tell(&self, notice: &Notice) {
        self.0.lock().expect("nothing panics while it holds the list").push(notice.headline.clone());
    }
}

/// A clock that stands still.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600)
    }
}

/// Random bytes that count up, so that every identifier is another one and every run the same.
#[derive(Debug)]
struct Counting(AtomicU64);

impl Crypto for Counting {
    fn provider(&self) -> Arc<CryptoProvider> {
        Arc::new(rustls::crypto::ring::default_provider())
    }

    fn new_certificate_key(&self) -> Result<rcgen::KeyPair, rcgen::Error> {
        rcgen::KeyPair::generate()
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        for chunk in buffer.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&count[..chunk.len()]);
        }
        Ok(())
    }
}
