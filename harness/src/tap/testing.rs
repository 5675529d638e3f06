//! A street with a tap on it: a client, the tap, and a server with any manners, on loopback, for the tests of this room.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kmip_proxy::env::Env;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use rustls::{ClientConnection, ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::credentials::{self, Credentials};
use super::*;

/// How long a test waits for what should come at once. Generous: the machine may be busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A server's end of a connection.
pub(super) type Served = StreamOwned<ServerConnection, TcpStream>;
/// A client's end of a connection.
pub(super) type Asked = StreamOwned<ClientConnection, TcpStream>;

/// A tap between a folder's client and server.
pub(super) struct Street {
    pub(super) folder: TempDir,
    pub(super) settings: Settings,
    pub(super) tap: Option<Tap>,
    pub(super) events: Receiver<Event>,
}

impl Street {
    /// A server that does this with every connection, and a tap before it.
    pub(super) fn new(manners: impl Fn(&mut Served) + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        issue(&folder, "");
        let server = serve(&folder, "", manners);
        Street::before(folder, server)
    }

    /// A tap before an address.
    pub(super) fn before(folder: TempDir, server: SocketAddr) -> Self {
        let file = |name: &str| folder.path().join(name);
        let settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            shown: Shown::Made { authority: file("tap.pem") },
            client_authority: Some(file("ca.pem")),
            upstream: Upstream {
                host: "127.0.0.1".to_owned(),
                port: server.port(),
                name: None,
                authority: file("ca.pem"),
                own: Some((file("client.pem"), file("client.pem"))),
            },
        };
        let mut street = Street { folder, settings, tap: None, events: channel().1 };
        street.restart(Vec::new());
        street
    }

    /// A new tap with the settings as they are now, and further sinks.
    pub(super) fn restart(&mut self, more: Vec<Arc<dyn Sink>>) {
        let (send, events) = channel();
        let mut sinks = more;
        sinks.push(Arc::new(Channel(send)));
        self.tap = Some(Tap::start(self.settings.clone(), Arc::new(All(sinks))).unwrap());
        self.events = events;
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.tap.as_ref().unwrap().address()
    }

    /// A client with its certificate, its handshake done.
    pub(super) fn client(&self) -> Asked {
        self.client_with("tap.pem", Some("client.pem")).unwrap()
    }

    /// A client that trusts one file and shows another.
    pub(super) fn client_with(&self, trusted: &str, own: Option<&str>) -> io::Result<Asked> {
        let (trusted, own) = (self.file(trusted), own.map(|own| self.file(own)));
        let own = own.as_deref().map(|own| (own, own));
        let config = client_tls(&Env::os(), &Credentials { authority: &trusted, own }).unwrap();
        let stream = TcpStream::connect(self.address())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client =
            StreamOwned::new(ClientConnection::new(config, "127.0.0.1".try_into().unwrap()).unwrap(), stream);
        while client.conn.is_handshaking() {
            client.conn.complete_io(&mut client.sock)?;
        }
        Ok(client)
    }

    /// The next event.
    pub(super) fn event(&self) -> Happened {
        self.events.recv_timeout(PATIENCE).expect("something happens").what
    }

    /// All events up to the end of a connection, without the first one, which is that it was opened.
    pub(super) fn until_closed(&self) -> Vec<Happened> {
        assert!(matches!(self.event(), Happened::Opened(_)));
        let mut events = Vec::new();
        while !matches!(events.last(), Some(Happened::Closed { .. })) {
            events.push(self.event());
        }
        events
    }
}

/// Makes an authority, a server's and a client's certificate; their files have this in front of their names.
pub(super) fn issue(folder: &TempDir, front: &str) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{front}authority"));
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(format!("{front}{name}")), text).unwrap();
    write("ca.pem", authority.pem());
    for (name, subject) in [("server", "the server"), ("client", "mongod")] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let mut names = DistinguishedName::new();
        names.push(DnType::CommonName, subject);
        params.distinguished_name = names;
        let certificate = params.signed_by(&key, &authority).unwrap();
        write(&format!("{name}.pem"), format!("{}{}", certificate.pem(), key.serialize_pem()));
    }
}

/// A server with such files.
pub(super) fn serve(
    folder: &TempDir,
    front: &str,
    manners: impl Fn(&mut Served) + Send + Sync + 'static,
) -> SocketAddr {
    let env = Env::os();
    let file = |name: &str| folder.path().join(format!("{front}{name}"));
    let (chain, key) = credentials::pair(&env, &file("server.pem"), &file("server.pem")).unwrap();
    let config = credentials::server_tls(&env, chain, key, Some(&file("ca.pem"))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let manners = Arc::new(manners);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (config, manners) = (config.clone(), manners.clone());
            std::thread::spawn(move || {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                manners(&mut StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
            });
        }
    });
    address
}

/// A message of this many bytes after its header.
pub(super) fn message(tag: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0x42, 0x00, tag, 0x01];
    bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
    bytes.extend((0..length).map(|index| u8::try_from(index % 251).unwrap()));
    bytes
}

pub(super) const REQUEST: u8 = 0x78;
pub(super) const ANSWER: u8 = 0x7B;

/// Reads one message.
pub(super) fn read(stream: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 8];
    stream.read_exact(&mut message)?;
    let length = u32::from_be_bytes(message[4..8].try_into().unwrap()) as usize;
    message.resize(8 + length, 0);
    stream.read_exact(&mut message[8..])?;
    Ok(message)
}

/// A server that answers every request with an answer of the same length, and good-bye with good-bye.
pub(super) fn polite(stream: &mut Served) {
    while let Ok(request) = read(stream) {
        send(stream, &message(ANSWER, request.len() - 8));
    }
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// Sends, and sees to it that it leaves.
pub(super) fn send(stream: &mut impl io::Write, bytes: &[u8]) {
    stream.write_all(bytes).and_then(|()| stream.flush()).unwrap();
}

/// Says good-bye, and reads what still comes.
pub(super) fn good_bye(client: &mut Asked) -> Vec<u8> {
    client.conn.send_close_notify();
    client.flush().unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    rest
}
