//! A machine in memory for the tests of personas: a disk, a street of names, and KMIP servers behind real TLS.
//!
//! Connections are in-memory pipes, certificates are made per test, the clock stands still, and random bytes count up
//! as the captured key does. The servers are a few lines over the lab's own reader: they keep keys, and misbehave as
//! a test tells them to.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use kmip_proxy::env::{Access, BoxFuture, BoxStream, Clock, Crypto, Env, Files, Listener, Network, Resolver, Roots};
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use super::{Exit, Persona, Settings, Stage};
use crate::trace::{Event, Trace, What};
use crate::wire::names::*;
use crate::wire::{Item, Value, parse, write};

/// The time stamp of the captures: 22 November 2026.
pub(super) const NOW: u64 = 1_795_317_891;

/// A disk in memory.
#[derive(Debug, Default)]
pub(super) struct Disk(Mutex<BTreeMap<PathBuf, Vec<u8>>>);

impl Disk {
    pub(super) fn put(&self, path: &str, content: &str) {
        self.0.lock().unwrap().insert(path.into(), content.into());
    }

    pub(super) fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(Path::new(path)).unwrap()).unwrap()
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.lock().unwrap().get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.0.lock().unwrap().keys().filter(|path| path.parent() == Some(directory)).cloned().collect())
    }

    fn write(&self, path: &Path, content: &[u8], _: Access) -> io::Result<()> {
        self.0.lock().unwrap().insert(path.into(), content.into());
        Ok(())
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let content = self.0.lock().unwrap().remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.0.lock().unwrap().insert(to.into(), content);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().remove(path).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// A server that keeps keys.
#[derive(Debug, Default)]
pub(super) struct Vault {
    /// Material and state by identifier.
    pub(super) keys: BTreeMap<String, (Vec<u8>, u32)>,
    /// The names of keys that have one, by identifier.
    pub(super) names: BTreeMap<String, String>,
    /// The Located Items of every answer to a Locate.
    pub(super) located: Option<i32>,
    /// Operations that fail, with reason and message.
    pub(super) failing: BTreeMap<u32, (u32, &'static str)>,
    /// Whether failures are told without a ResultMessage.
    pub(super) speechless: bool,
    /// An operation that is never answered.
    pub(super) silent_on: Option<u32>,
    /// Whether close_notify is ignored.
    pub(super) keeps_open: bool,
    /// Bytes sent after every answer.
    pub(super) surplus: usize,
    /// An answer that is given whatever is asked.
    pub(super) stubborn: Option<Vec<u8>>,
    /// Every request, with the number of its connection.
    pub(super) requests: Vec<(usize, Vec<u8>)>,
    connections: usize,
    registered: usize,
}

/// Everything on the street.
pub(super) struct Street {
    pub(super) disk: Arc<Disk>,
    pub(super) trace: Trace,
    vaults: BTreeMap<&'static str, Arc<Mutex<Vault>>>,
    plan: Arc<Plan>,
    env: Env,
    acceptor: TlsAcceptor,
}

impl Street {
    /// A street with these servers, at 10.0.0.1 and so on.
    pub(super) fn new(hosts: &[&'static str]) -> Self {
        let disk = Arc::new(Disk::default());
        let acceptor = certificates(&disk, hosts);
        let plan = Arc::new(Plan::default());
        let mut env = Env::os();
        env.network = plan.clone();
        env.resolver = plan.clone();
        env.roots = plan.clone();
        env.clock = plan.clone();
        env.files = disk.clone();
        env.crypto = Arc::new(Counting(env.crypto.clone(), AtomicU8::new(0)));
        for (at, host) in (1..).zip(hosts) {
            plan.names.lock().unwrap().insert((*host).to_owned(), IpAddr::V4(Ipv4Addr::new(10, 0, 0, at)));
        }
        let start = tokio::time::Instant::now();
        let trace = Trace::new(b"the key of this run", move || start.elapsed());
        let vaults = hosts.iter().map(|host| (*host, Arc::default())).collect();
        Street { disk, trace, vaults, plan, env, acceptor }
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            server_name: self.vaults.keys().copied().collect::<Vec<_>>().join(","),
            port: 5696,
            ca_file: Some("/tls/ca.pem".into()),
            client_certificate_file: "/tls/mongod.pem".into(),
            connect_retries: 0,
            connect_timeout: Duration::from_secs(5),
            activate_keys: true,
            key_state_polling: None,
            key_identifier: None,
            rotate_master_key: false,
        }
    }

    pub(super) fn vault(&self, host: &str) -> MutexGuard<'_, Vault> {
        self.vaults[host].lock().unwrap()
    }

    pub(super) fn stage(&self) -> Stage {
        Stage { env: self.env.clone(), trace: self.trace.clone(), host: "mongod".to_owned() }
    }

    /// Plays a persona until it exits, or until `patience` has passed in simulated time.
    pub(super) async fn play(&self, persona: &str, settings: &Settings, patience: Duration) -> Option<Exit> {
        self.play_while(persona, settings, patience, async {}).await
    }

    /// Plays a persona while something else happens.
    pub(super) async fn play_while(
        &self,
        persona: &str,
        settings: &Settings,
        patience: Duration,
        meanwhile: impl Future<Output = ()>,
    ) -> Option<Exit> {
        let persona = Persona::find(persona).unwrap();
        let playing = persona.play(self.stage(), settings.clone(), "/data/db".into());
        self.serve_while(tokio::time::timeout(patience, playing), meanwhile).await.ok()
    }

    /// Serves until something is done, while something else happens.
    pub(super) async fn serve_while<T>(
        &self,
        doing: impl Future<Output = T>,
        meanwhile: impl Future<Output = ()>,
    ) -> T {
        let mut servers: Vec<_> = self
            .vaults
            .iter()
            .map(|(host, vault)| {
                let (sender, receiver) = unbounded_channel();
                let address = self.plan.names.lock().unwrap()[*host];
                self.plan.doors.lock().unwrap().insert(SocketAddr::new(address, 5696), sender);
                Box::pin(serve(receiver, self.acceptor.clone(), vault.clone()))
            })
            .collect();
        let mut doing = pin!(doing);
        let mut meanwhile = pin!(async {
            meanwhile.await;
            std::future::pending::<()>().await
        });
        poll_fn(|context| {
            // What is done goes first, then the servers in order: a play is the same each time.
            if let Poll::Ready(outcome) = doing.as_mut().poll(context) {
                return Poll::Ready(outcome);
            }
            servers.iter_mut().for_each(|server| {
                let _never_ends = server.as_mut().poll(context);
            });
            let _never_ends = meanwhile.as_mut().poll(context);
            Poll::Pending
        })
        .await
    }

    /// Nobody listens at this server any more.
    pub(super) fn shut(&self, host: &str) {
        let address = self.plan.names.lock().unwrap()[host];
        self.plan.shut.lock().unwrap().push(address);
    }

    /// The operations that a server was asked for, a list per connection.
    pub(super) fn asked(&self, host: &str) -> Vec<Vec<String>> {
        let mut asked: Vec<Vec<String>> = Vec::new();
        for (connection, request) in &self.vault(host).requests {
            asked.resize(asked.len().max(connection + 1), Vec::new());
            let item = parse(request).unwrap();
            let operation = item.descendant(&[BATCH_ITEM, OPERATION]).and_then(Item::as_enumeration).unwrap();
            asked[*connection].push(value_name(OPERATION, operation));
        }
        asked
    }

    /// The log lines, as `29117 W message name=value`.
    pub(super) fn log(&self) -> Vec<String> {
        let lines = self.trace.events().into_iter().filter_map(|event| match event.what {
            What::Log { severity, id, text, attributes } => {
                let id = id.map_or_else(|| "-----".to_owned(), |id| id.to_string());
                let attributes: String =
                    attributes.iter().map(|(name, value)| format!("\n  {name} = {value}")).collect();
                Some(format!("{id} {severity} {text}{attributes}"))
            }
            _ => None,
        });
        lines.collect()
    }

    /// The events that a filter picks.
    pub(super) fn events(&self, pick: impl Fn(&What) -> bool) -> Vec<Event> {
        self.trace.events().into_iter().filter(|event| pick(&event.what)).collect()
    }
}

/// Takes one connection after another.
async fn serve(mut door: UnboundedReceiver<DuplexStream>, acceptor: TlsAcceptor, vault: Arc<Mutex<Vault>>) {
    while let Some(stream) = door.recv().await {
        let Ok(mut stream) = acceptor.accept(stream).await else { continue };
        let connection = vault.lock().unwrap().connections;
        vault.lock().unwrap().connections += 1;
        loop {
            let mut prefix = [0; 8];
            if stream.read_exact(&mut prefix).await.is_err() {
                break;
            }
            let length = u32::from_be_bytes(prefix[4..].try_into().unwrap()) as usize;
            let mut request = prefix.to_vec();
            request.resize(8 + length, 0);
            stream.read_exact(&mut request[8..]).await.unwrap();
            vault.lock().unwrap().requests.push((connection, request.clone()));
            let answer = vault.lock().unwrap().answer(&request);
            match answer {
                Some(answer) => {
                    stream.write_all(&answer).await.unwrap();
                    stream.flush().await.unwrap();
                }
                None => std::future::pending().await,
            }
        }
        if vault.lock().unwrap().keeps_open {
            std::future::pending().await
        }
        let _ = stream.shutdown().await;
    }
    std::future::pending().await
}

impl Vault {
    fn answer(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        if let Some(answer) = &self.stubborn {
            return Some(answer.clone());
        }
        let request = parse(request).unwrap();
        let operation = request.descendant(&[BATCH_ITEM, OPERATION]).and_then(Item::as_enumeration).unwrap();
        if self.silent_on == Some(operation) {
            return None;
        }
        let payload = request.descendant(&[BATCH_ITEM, REQUEST_PAYLOAD]).unwrap();
        let mut item = vec![Item::enumeration(OPERATION, operation)];
        match self.perform(operation, payload) {
            Ok(payload) => {
                item.push(Item::enumeration(RESULT_STATUS, 0));
                item.push(Item::structure(RESPONSE_PAYLOAD, payload));
            }
            Err((reason, message)) => {
                item.push(Item::enumeration(RESULT_STATUS, 1));
                item.push(Item::enumeration(RESULT_REASON, reason));
                if !self.speechless {
                    item.push(Item::text(RESULT_MESSAGE, message));
                }
            }
        }
        let header = vec![
            request.descendant(&[REQUEST_HEADER, PROTOCOL_VERSION]).unwrap().clone(),
            Item::new(TIME_STAMP, Value::DateTime(NOW.cast_signed())),
            Item::integer(BATCH_COUNT, 1),
        ];
        let message = vec![Item::structure(RESPONSE_HEADER, header), Item::structure(BATCH_ITEM, item)];
        let mut answer = write(&Item::structure(RESPONSE_MESSAGE, message));
        answer.resize(answer.len() + self.surplus, 0);
        Some(answer)
    }

    fn perform(&mut self, operation: u32, payload: &Item) -> Result<Vec<Item>, (u32, &'static str)> {
        if let Some(failure) = self.failing.get(&operation) {
            return Err(*failure);
        }
        if operation == 0x08 {
            return Ok(self.locate(payload));
        }
        if operation == 0x01 || operation == 0x03 {
            let block = |object: u32| payload.descendant(&[object, KEY_BLOCK, KEY_VALUE, KEY_MATERIAL]);
            let registered = block(SYMMETRIC_KEY).or_else(|| block(SECRET_DATA)).and_then(Item::as_bytes);
            let material = registered.map_or(vec![0xC0; 32], <[u8]>::to_vec);
            self.registered += 1;
            let identifier = format!("key-{}", self.registered);
            self.keys.insert(identifier.clone(), (material, 1));
            let template = payload.child(TEMPLATE_ATTRIBUTE);
            self.names.extend(template.and_then(name_in).map(|name| (identifier.clone(), name)));
            return Ok(vec![Item::text(UNIQUE_IDENTIFIER, &identifier)]);
        }
        let identifier = payload.child(UNIQUE_IDENTIFIER).and_then(Item::as_text).unwrap();
        let (material, state) = self.keys.get_mut(identifier).ok_or((1, "no such key"))?;
        let identifier = Item::text(UNIQUE_IDENTIFIER, identifier);
        Ok(match operation {
            0x0A => {
                // Only secret data is as long as this; the longest key is one of base64 text.
                let secret_data = material.len() > 44;
                let (object_type, tag, format) = if secret_data { (7, SECRET_DATA, 2) } else { (2, SYMMETRIC_KEY, 1) };
                let value = Item::structure(KEY_VALUE, vec![Item::new(KEY_MATERIAL, Value::Bytes(material.clone()))]);
                let mut object =
                    vec![Item::structure(KEY_BLOCK, vec![Item::enumeration(KEY_FORMAT_TYPE, format), value])];
                if secret_data {
                    object.insert(0, Item::enumeration(SECRET_DATA_TYPE, 2));
                }
                vec![Item::enumeration(OBJECT_TYPE, object_type), identifier, Item::structure(tag, object)]
            }
            0x1F => {
                let iv = [*state as u8; 16];
                let mut data = payload.child(DATA).and_then(Item::as_bytes).unwrap().to_vec();
                data.extend([16; 16]);
                let data = scrambled(material, &iv, &data);
                let iv = Item::new(IV_COUNTER_NONCE, Value::Bytes(iv.to_vec()));
                vec![identifier, Item::new(DATA, Value::Bytes(data)), iv]
            }
            0x20 => {
                let bytes = |tag| payload.child(tag).and_then(Item::as_bytes).unwrap();
                let mut data = scrambled(material, bytes(IV_COUNTER_NONCE), bytes(DATA));
                if !data.ends_with(&[16; 16]) {
                    return Err((0x0A, "the padding is wrong"));
                }
                data.truncate(data.len() - 16);
                vec![identifier, Item::new(DATA, Value::Bytes(data))]
            }
            0x13 => {
                let code = payload.descendant(&[REVOCATION_REASON, REVOCATION_REASON_CODE]);
                *state = if code.and_then(Item::as_enumeration) == Some(2) { 4 } else { 3 };
                vec![identifier]
            }
            0x14 if *state == 2 => return Err((0x0C, "an active key cannot be destroyed")),
            0x14 => {
                self.keys.remove(identifier.as_text().unwrap());
                vec![identifier]
            }
            0x0B => vec![identifier, crate::wire::message::attribute("State", Value::Enumeration(*state))],
            0x12 => {
                *state = 2;
                vec![identifier]
            }
            other => panic!("nobody asks for operation {other:#x} here"),
        })
    }
}

/// The street's own cipher: each turn undoes the one before it.
fn scrambled(key: &[u8], iv: &[u8], data: &[u8]) -> Vec<u8> {
    data.iter().zip(key.iter().cycle()).zip(iv.iter().cycle()).map(|((byte, key), iv)| byte ^ key ^ iv).collect()
}

impl Vault {
    /// The keys of a name, in the order of their identifiers, from an offset on.
    fn locate(&self, payload: &Item) -> Vec<Item> {
        let number = |tag| payload.child(tag).and_then(Item::as_integer).map_or(0, |number| number.try_into().unwrap());
        let named = self.names.iter().filter(|(_, name)| Some(*name) == name_in(payload).as_ref());
        let page = named.skip(number(OFFSET_ITEMS)).take(number(MAXIMUM_ITEMS));
        let located = self.located.map(|count| Item::integer(LOCATED_ITEMS, count));
        located.into_iter().chain(page.map(|(identifier, _)| Item::text(UNIQUE_IDENTIFIER, identifier))).collect()
    }
}

/// The Name among attributes.
fn name_in(attributes: &Item) -> Option<String> {
    attributes.children().iter().find_map(|attribute| {
        let name = attribute.descendant(&[ATTRIBUTE_VALUE, NAME_VALUE])?;
        name.as_text().map(str::to_owned)
    })
}

/// Names, addresses and doors.
#[derive(Debug, Default)]
struct Plan {
    names: Mutex<BTreeMap<String, IpAddr>>,
    doors: Mutex<BTreeMap<SocketAddr, UnboundedSender<DuplexStream>>>,
    shut: Mutex<Vec<IpAddr>>,
}

impl Network for Plan {
    fn connect(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            if self.shut.lock().unwrap().contains(&to.ip()) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = tokio::io::duplex(64 * 1024);
            self.doors.lock().unwrap()[&to].send(far).map_err(io::Error::other)?;
            Ok(Box::new(near) as BoxStream)
        })
    }

    fn listen(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}

impl Resolver for Plan {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let found = self.names.lock().unwrap().get(host).copied();
        Box::pin(async move { found.map(|address| vec![address]).ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

impl Clock for Plan {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
    }
}

impl Roots for Plan {
    fn roots(&self) -> io::Result<Arc<RootCertStore>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Random bytes that count up from zero: the first key is the captured one.
#[derive(Debug)]
struct Counting(Arc<dyn Crypto>, AtomicU8);

impl Crypto for Counting {
    fn provider(&self) -> Arc<CryptoProvider> {
        self.0.provider()
    }

    fn new_certificate_key(&self) -> Result<KeyPair, rcgen::Error> {
        self.0.new_certificate_key()
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        for byte in buffer {
            *byte = self.1.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Makes an authority, the servers' certificate and the client's, and puts the client's files on the disk.
fn certificates(disk: &Disk, hosts: &[&str]) -> TlsAcceptor {
    let key = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = key();
    // Authorities of one name are mistaken for each other, so each is named by its key.
    let name = crate::trace::hex(authority_key.public_key_raw());
    params.distinguished_name.push(rcgen::DnType::CommonName, &name[..32]);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let signed = |names: Vec<String>| {
        let key = key();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        (certificate, key)
    };
    let (server, server_key) = signed(hosts.iter().map(|host| (*host).to_owned()).collect());
    let (client, client_key) = signed(vec!["mongod".to_owned()]);
    disk.put("/tls/ca.pem", &authority.pem());
    disk.put("/tls/mongod.pem", &format!("{}{}", client_key.serialize_pem(), client.pem()));
    let provider = Env::os().crypto.provider();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::from_pem_slice(server_key.serialize_pem().as_bytes()).unwrap(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
