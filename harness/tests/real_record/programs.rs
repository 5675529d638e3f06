//! The programs of a street: the proxy, the recorder, and clients. All of them end with the test.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kmip_proxy::env::Env;
use kmiplab::cast::{Patience, Persona, Session, Settings, Stage, client_config};
use kmiplab::trace::{Event, ProcessState, Trace, What};
use kmiplab::wire::names::UNIQUE_IDENTIFIER;
use kmiplab::wire::{Answer, Header, Item, message};
use tempfile::TempDir;

/// How long anything may take that should come at once. Generous: the machine may be busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A program at work. It is killed when dropped.
pub(super) struct Program {
    child: Child,
    lines: Receiver<String>,
    pub(super) said: Vec<String>,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let (send, lines) = channel();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || while stderr.next().is_some_and(|line| send.send(line.unwrap()).is_ok()) {});
        Program { child, lines, said: Vec::new() }
    }

    /// The next line on standard error that holds a text, from what follows it.
    fn after(&mut self, wanted: &str) -> String {
        loop {
            let line =
                self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{wanted:?} after {:#?}", self.said));
            self.said.push(line);
            if let Some((_, rest)) = self.said.last().unwrap().split_once(wanted) {
                return rest.to_owned();
            }
        }
    }

    /// Cuts it off, and waits until it is gone.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it by a signal: the exit code, standard output, and all of standard error.
    pub(super) fn end(mut self, signal: &str) -> (Option<i32>, String, String) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.ended()
    }

    fn ended(&mut self) -> (Option<i32>, String, String) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push(line);
        }
        let mut out = String::new();
        self.child.stdout.take().into_iter().for_each(|mut stdout| drop(stdout.read_to_string(&mut out)));
        (self.child.wait().unwrap().code(), out, self.said.iter().map(|line| format!("{line}\n")).collect())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A proxy of the provider `local` in a folder of its own.
pub(super) struct Proxy {
    pub(super) program: Program,
    pub(super) dbpath: TempDir,
    pub(super) port: u16,
}

impl Proxy {
    /// `None`, and a printed reason, where it is not built.
    pub(super) fn at_hand() -> Option<Self> {
        let path = Path::new(env!("CARGO_BIN_EXE_kmiplab")).with_file_name("kmipProxyStandalone");
        if !path.is_file() {
            eprintln!("skipped: `{}` is not there; `cargo build -p kmip-proxy` builds it", path.display());
            return None;
        }
        let dbpath = tempfile::tempdir().unwrap();
        let wrapping = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
        std::fs::write(dbpath.path().join("local.key"), wrapping).unwrap();
        std::fs::create_dir(dbpath.path().join("cloudProviderCredentials")).unwrap();
        let metadata = dbpath.path().join("cloudProviderCredentials/first.local.metadata");
        std::fs::write(metadata, r#"{"keyFile": "local.key"}"#).unwrap();
        Some(Proxy::start(&path, dbpath, 0))
    }

    /// The same, ended and started anew on the same port.
    pub(super) fn restarted(self) -> Self {
        let path = Path::new(env!("CARGO_BIN_EXE_kmiplab")).with_file_name("kmipProxyStandalone");
        let Proxy { program, dbpath, port } = self;
        assert_eq!(program.end("-TERM").0, Some(0));
        Proxy::start(&path, dbpath, port)
    }

    fn start(path: &Path, dbpath: TempDir, port: u16) -> Self {
        let mut command = Command::new(path);
        command.current_dir(&dbpath).stdout(Stdio::null());
        command.args(["-cloudProvider", "local", "-kmipPort", &port.to_string(), "-dbpath"]).arg(dbpath.path());
        let mut program = Program::start(&mut command);
        let address = program.after("listening for KMIP on 127.0.0.1:");
        let port = address.trim().parse().expect("a port stands at the end of the line");
        Proxy { program, dbpath, port }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dbpath.path().join(name)
    }

    /// What it holds under an identifier, asked without anybody between.
    pub(super) fn key(&self, identifier: &str) -> Vec<u8> {
        let client = Client::new(self.port, &self.file("kmipCA.pem"), &self.file("kmipClient.pem"));
        let answer = client.ask(message::request(&HEADER, &[(GET, vec![Item::text(UNIQUE_IDENTIFIER, identifier)])]));
        answer.items[0].key_material.clone().expect("a key of that identifier is there")
    }
}

/// Get (KMIP 1.4, clause 9.1.3.2.27).
pub(super) const GET: u32 = 0x0A;

/// The header of KMIP 1.2.
pub(super) const HEADER: Header = Header { version: (1, 2), maximum_response_size: None, time_stamp: None };

/// The recorder between a proxy and its clients.
pub(super) struct Recorder {
    program: Program,
    folder: TempDir,
    pub(super) port: u16,
}

impl Recorder {
    /// Starts it for a proxy, with further flags.
    pub(super) fn before(proxy: &Proxy, further: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kmiplab"));
        let file = |name: &str| proxy.file(name).to_str().unwrap().to_owned();
        command.current_dir(&folder).stdout(Stdio::piped()).args(["record", "--listen", "127.0.0.1:0"]);
        command.args(["--to", &format!("127.0.0.1:{}", proxy.port), "--ca", &file("kmipCA.pem")]);
        command.args(["--cert", &file("kmipClient.pem"), "--client-ca", &file("kmipCA.pem")]);
        command.args(["--ca-out", "tap.pem", "--out", "dialogue.jsonl"]).args(further);
        let mut program = Program::start(&mut command);
        let rest = program.after("recording 127.0.0.1:");
        let port = rest.split(' ').next().unwrap().parse().expect("a port stands there");
        Recorder { program, folder, port }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ends it: exit code, standard output, standard error, and the recording.
    pub(super) fn end(self, signal: &str) -> (Option<i32>, String, String, String) {
        let Recorder { program, folder, .. } = self;
        let (code, out, told) = program.end(signal);
        (code, out, told, std::fs::read_to_string(folder.path().join("dialogue.jsonl")).unwrap())
    }
}

/// Somebody who trusts one file and shows another.
pub(super) struct Client {
    stage: Stage,
    settings: Settings,
}

impl Client {
    pub(super) fn new(port: u16, trusted: &Path, own: &Path) -> Self {
        let began = std::sync::OnceLock::new();
        // Nobody looks at these times.
        let trace = Trace::new(b"a key of the test", move || *began.get_or_init(|| Duration::ZERO));
        Client {
            stage: Stage { env: Env::os(), trace, host: "mongod".to_owned() },
            settings: Settings {
                server_name: "127.0.0.1".to_owned(),
                port,
                ca_file: Some(trusted.to_owned()),
                client_certificate_file: own.to_owned(),
                connect_retries: 0,
                connect_timeout: PATIENCE,
                activate_keys: true,
                key_state_polling: None,
                key_identifier: None,
                rotate_master_key: false,
            },
        }
    }

    /// Plays a persona from an empty folder until it is ready, and gives its events.
    pub(super) fn play(&self, persona: &str) -> Vec<Event> {
        let dbpath = tempfile::tempdir().unwrap();
        let persona = Persona::find(persona).expect("there is such a persona");
        let ready = |event: &Event| matches!(event.what, What::Process { state: ProcessState::Ready, .. });
        runtime().block_on(async {
            let play = persona.play(self.stage.clone(), self.settings.clone(), dbpath.path().to_owned());
            let waiting = async {
                while !self.stage.trace.events().iter().any(ready) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            let (mut play, mut waiting) = (std::pin::pin!(play), std::pin::pin!(waiting));
            let either = std::future::poll_fn(|context| {
                if let std::task::Poll::Ready(exit) = play.as_mut().poll(context) {
                    panic!("it ended: {exit:?} {:#?}", self.stage.trace.events());
                }
                waiting.as_mut().poll(context)
            });
            tokio::time::timeout(PATIENCE, either).await.expect("it is ready in time");
        });
        self.stage.trace.events()
    }

    /// One exchange over a connection of its own.
    pub(super) fn ask(&self, request: Item) -> Answer {
        self.try_to_ask(request).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same; the error is the client's own words.
    pub(super) fn try_to_ask(&self, request: Item) -> Result<Answer, String> {
        runtime().block_on(async {
            let config: Arc<_> = client_config(&self.stage.env, &self.settings)?;
            let (host, port) = (&self.settings.server_name, self.settings.port);
            let patience = Patience { first: Some(PATIENCE), later: Some(PATIENCE) };
            let session = Session::open(&self.stage, host, port, &config, patience).await;
            let mut session = session.map_err(|failure| failure.0)?;
            let answer = session.exchange(&request).await.map_err(|failure| failure.0)?;
            session.close().await.map_err(|failure| failure.0)?;
            Ok(answer)
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Every spelling in which bytes could stand in a text.
pub(super) fn spellings(bytes: &[u8]) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = |between: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(between);
    vec![
        hex.to_uppercase(),
        hex,
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        list(","),
        list(", "),
        String::from_utf8_lossy(bytes).into_owned(),
    ]
}
