//! One life of the program, from its options to its exit code.
//!
//! In order: the log and the events are opened, the first line is written, the folder is looked at and locked, the port
//! is bound, the persona is played; when its data is open the port listens and answers. Whatever ends first ends all.
//!
//! Invariant: nothing in the data folder is touched before it is known to be no real database's.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use kmip_proxy::env::Env;
use mongodb::bson::doc;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::answers::Identity;
use super::options::Options;
use super::told::{self, Entry, Log, Watched};
use super::{Code, EVENTS, FINGERPRINT_KEY, codes, messages};
use crate::cast::{Exit, Stage};
use crate::trace::Trace;

/// What holds the data folder for one process. mongod's own is called otherwise.
const LOCK: &str = "mongod-persona.lock";

/// What the process is called in its events.
const HOST: &str = "mongod";

/// Plays, and comes to how the program ends.
pub(super) fn run(options: Options) -> Code {
    let env = Env::os();
    let complain = |code: Code, why: String| {
        eprintln!("mongod-persona: {why}");
        code
    };
    let log = match Log::open(env.clock.clone(), options.logpath.as_deref()) {
        Ok(log) => log,
        Err(error) => return complain(Code::BadValue, format!("the log cannot be opened: {error}")),
    };
    let heard = std::env::var_os(EVENTS).map(|path| told::open_events(Path::new(&path)));
    let events = match heard.transpose() {
        Ok(events) => events,
        Err(error) => return complain(Code::Events, format!("{EVENTS} cannot be opened: {error}")),
    };
    let key = match fingerprint_key(&env) {
        Ok(key) => key,
        Err(why) => return complain(Code::Events, why),
    };
    log.introduce(options.persona);
    if let Some(why) = &options.out_of_range {
        let error = doc! { "code": 2, "codeName": "BadValue", "errmsg": why };
        let message = "Error during global initialization";
        log.say(&Entry::control('F', Some(20574), "-", message, doc! { "error": error }));
        return Code::BadValue;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(Code::Other, format!("no runtime: {error}")),
    };
    runtime.block_on(async {
        let (context, code) = live(&env, &log, options, &key, events).await;
        log.say(&Entry::control('I', Some(20565), context, "Now exiting", doc! {}));
        log.say(&Entry::control(
            'I',
            Some(23138),
            context,
            "Shutting down",
            doc! { "exitCode": i32::from(code.number()) },
        ));
        code
    })
}

/// Comes to the thread that ends the process, as mongod's log would name it, and to how.
async fn live(
    env: &Env,
    log: &Log,
    options: Options,
    key: &[u8],
    events: Option<std::fs::File>,
) -> (&'static str, Code) {
    const START: &str = "initandlisten";
    let control = |severity, id, message: &str, attributes| {
        log.say(&Entry::control(severity, id, START, message, attributes));
    };
    let terminating = |error: String| {
        control('E', Some(20557), "DBException in initAndListen, terminating", doc! { "error": error });
    };
    // The clock of a run goes forward only; events say when by the world's clock. Whoever is interrupted between two looks
    // at the clocks asks again, or everything would be told too early.
    let (started, begun) = loop {
        let (begun, started) = (tokio::time::Instant::now(), env.clock.now());
        if begun.elapsed() < Duration::from_millis(1) {
            break (started, begun);
        }
    };
    let since = since_1970(started);
    let trace = Trace::new(key, move || since + begun.elapsed());
    let (listener, Watched { ready, mut lost }) = told::listener(log.clone(), events);
    trace.listen(listener);
    // Before anything that lasts: a signal that comes early is not lost.
    let mut signals = Signals::new();

    let lock = match claim(env, &options.dbpath) {
        Ok(lock) => lock,
        Err(Claim::Real(name)) => {
            let text = format!(
                "{} holds `{name}` of a real database, which a persona must not touch: give it a folder of its own",
                options.dbpath.display()
            );
            control('F', None, "A persona does not open the data files of a real database", doc! { "error": text });
            return (START, Code::RealData);
        }
        Err(Claim::Folder(why)) => {
            terminating(why);
            return (START, Code::Folder);
        }
    };
    let Some(settings) = options.kmip.clone() else {
        let error = "give --enableEncryption and --kmipServerName: a persona plays what mongod does for its key";
        control('F', None, "There is nothing to play", doc! { "error": error });
        return (START, Code::NothingToPlay);
    };
    let sockets = match bind(&options.addresses, options.port) {
        Ok(sockets) => sockets,
        Err(error) => {
            no_listener(log, &error);
            return (START, Code::Port);
        }
    };
    let identity = Arc::new(Identity::new(&options, started));
    let stage = Stage { env: env.clone(), trace, host: HOST.to_owned() };
    let mut played = options.persona.play(stage, settings, options.dbpath.clone());
    let mut served = pin!(serve(env, log, sockets, ready, identity));
    let mut signalled = pin!(signals.next());
    let mut lost = pin!(lost.wait_for(Option::is_some));
    let end = poll_fn(|context| {
        // What is lost goes before everything. An error only says that the persona, and who could lose, is gone.
        if let Poll::Ready(Ok(why)) = lost.as_mut().poll(context) {
            return Poll::Ready(End::Lost(why.clone().unwrap_or_default()));
        }
        if let Poll::Ready(signal) = signalled.as_mut().poll(context) {
            return Poll::Ready(End::Told(signal));
        }
        if let Poll::Ready(Err(error)) = served.as_mut().poll(context) {
            return Poll::Ready(End::NoPort(error));
        }
        played.as_mut().poll(context).map(End::Itself)
    })
    .await;
    drop(lock);
    match end {
        End::Lost(error) => {
            control('F', None, "Events cannot be written", doc! { "error": error });
            (START, Code::Events)
        }
        End::Told((number, name)) => {
            let attributes = doc! { "signal": number, "error": name };
            log.say(&Entry::control('I', Some(23377), "SignalHandler", "Received signal", attributes));
            ("SignalHandler", Code::Fine)
        }
        End::NoPort(error) => {
            no_listener(log, &error);
            (START, Code::Port)
        }
        End::Itself(Exit { reason, code }) => {
            let severity = if codes::of(code) == Code::Fine { 'I' } else { 'F' };
            control(severity, None, "The persona ends", doc! { "reason": reason, "symbol": code });
            (START, codes::of(code))
        }
    }
}

/// What ends the process.
enum End {
    /// An event could not be written.
    Lost(String),
    /// A signal, with its number and name.
    Told((i32, &'static str)),
    /// The port cannot be listened to.
    NoPort(io::Error),
    /// The persona has ended by itself.
    Itself(Exit),
}

/// Why a folder is not taken.
enum Claim {
    /// It is a real database's; the name that gives it away.
    Real(String),
    /// It is not there, or taken, in mongod's words.
    Folder(String),
}

/// Looks at the folder, and locks it.
fn claim(env: &Env, dbpath: &Path) -> Result<Box<dyn Send>, Claim> {
    let shown = dbpath.display();
    let entries = env.files.list(dbpath).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Claim::Folder(format!(
            "NonExistentPath: Data directory {shown} not found. Create the missing directory or specify another path \
             using (1) the --dbpath command line option, or (2) by adding the 'storage.dbPath' option in the \
             configuration file."
        )),
        _ => Claim::Folder(format!("Data directory {shown} cannot be read: {error}")),
    })?;
    let mut names = entries.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy());
    if let Some(name) = names.find(|name| is_real(name)) {
        return Err(Claim::Real(name.into_owned()));
    }
    env.files.lock(&dbpath.join(LOCK)).map_err(|error| match error.kind() {
        // The words of a release before; the exit code was seen.
        io::ErrorKind::WouldBlock => Claim::Folder(format!(
            "DBPathInUse: Unable to lock the lock file: {} (Resource temporarily unavailable). Another mongod-persona \
             instance is already running on the {shown} directory",
            dbpath.join(LOCK).display()
        )),
        _ => Claim::Folder(format!("{} cannot be locked: {error}", dbpath.join(LOCK).display())),
    })
}

/// Whether a name stands in the data folder of a real mongod, of Percona's key database, or of mongod's lock.
fn is_real(name: &str) -> bool {
    name.starts_with("WiredTiger")
        || matches!(Path::new(name).extension(), Some(extension) if extension == "wt")
        || matches!(name, "storage.bson" | "mongod.lock" | "key.db")
}

/// Takes the port at every address, without listening. Port 0 is whichever is free at the first.
fn bind(addresses: &[IpAddr], port: u16) -> io::Result<Vec<TcpSocket>> {
    let (mut sockets, mut port) = (Vec::new(), port);
    for address in addresses {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // As mongod does: what the last process left behind is no hindrance.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(*address, port))?;
        port = socket.local_addr()?.port();
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Waits until the data is open, then answers whoever asks.
async fn serve(
    env: &Env,
    log: &Log,
    sockets: Vec<TcpSocket>,
    mut ready: watch::Receiver<bool>,
    identity: Arc<Identity>,
) -> io::Result<Infallible> {
    if ready.wait_for(|ready| *ready).await.is_err() {
        return std::future::pending().await;
    }
    let mut port = 0;
    for socket in sockets {
        let listener = socket.listen(128)?;
        port = listener.local_addr()?.port();
        env.spawn.spawn(Box::pin(accept(env.clone(), listener, identity.clone())));
    }
    log.say(&Entry {
        severity: 'I',
        component: "NETWORK",
        id: Some(23016),
        context: "listener",
        message: "Waiting for connections",
        attributes: doc! { "port": i32::from(port), "ssl": "off" },
    });
    std::future::pending().await
}

async fn accept(env: Env, listener: TcpListener, identity: Arc<Identity>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => env.spawn.spawn(Box::pin(converse(env.clone(), stream, identity.clone()))),
            // Out of descriptors, or a peer that is gone already: neither is a reason to stop, nor to spin.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn converse(env: Env, mut stream: TcpStream, identity: Arc<Identity>) {
    // What cannot be read ends the connection.
    while let Ok(Some(command)) = messages::read(&mut stream).await {
        let answer = identity.answer(&command.document, env.clock.now());
        if messages::answer(&mut stream, &command, &answer).await.is_err() {
            return;
        }
    }
}

fn no_listener(log: &Log, error: &io::Error) {
    let text = match error.kind() {
        io::ErrorKind::AddrInUse => "Address already in use".to_owned(),
        _ => error.to_string(),
    };
    let error = doc! { "code": 9001, "codeName": "SocketException", "errmsg": text };
    let attributes = doc! { "error": error };
    log.say(&Entry::control('E', Some(20568), "initandlisten", "Error setting up listener", attributes));
}

/// The key for fingerprints: the laboratory's, or one that nobody else has.
fn fingerprint_key(env: &Env) -> Result<Vec<u8>, String> {
    match std::env::var(FINGERPRINT_KEY) {
        Ok(digits) => unhex(&digits).ok_or_else(|| format!("{FINGERPRINT_KEY} is no key in hexadecimal digits")),
        Err(_) => {
            let mut key = vec![0; 32];
            env.crypto.random(&mut key).map_err(|error| error.to_string())?;
            Ok(key)
        }
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(pair).collect()
}

fn since_1970(moment: SystemTime) -> Duration {
    moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// SIGTERM and SIGINT: both end mongod in good order.
struct Signals(Vec<(Signal, (i32, &'static str))>);

impl Signals {
    /// Those that can be listened to; the others keep doing what they do by default.
    fn new() -> Self {
        let kinds = [(SignalKind::terminate(), (15, "Terminated")), (SignalKind::interrupt(), (2, "Interrupt"))];
        Signals(kinds.into_iter().filter_map(|(kind, name)| Some((signal(kind).ok()?, name))).collect())
    }

    async fn next(&mut self) -> (i32, &'static str) {
        poll_fn(|context| {
            for (signal, name) in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*name);
                }
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_real_databases_are_known_and_the_laboratorys_own_are_not_among_them() {
        for name in ["WiredTiger", "WiredTiger.lock", "WiredTigerHS.wt", "_mdb_catalog.wt", "storage.bson", "key.db"] {
            assert!(is_real(name), "{name}");
        }
        for name in ["storage-engine.json", LOCK, "kmipCA.pem", "kmipClient.pem", "cloudProviderCredentials"] {
            assert!(!is_real(name), "{name}");
        }
    }

    #[test]
    fn a_key_for_fingerprints_is_whole_bytes_in_hexadecimal() {
        assert_eq!(unhex("00fF10"), Some(vec![0, 255, 16]));
        for wrong in ["", "0", "0g", "+1", "ä"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
