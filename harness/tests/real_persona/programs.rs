//! The programs that these tests start: the proxy with a key file, and the persona. Each ends when its value is dropped.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kmip_proxy::env::Env;
use kmiplab::cast::{Session, Settings, Stage, client_config};
use kmiplab::trace::{Trace, hex};
use kmiplab::wire::Header;
use kmiplab::wire::Item;
use kmiplab::wire::message::request;
use kmiplab::wire::names::UNIQUE_IDENTIFIER;
use serde_json::Value;
use tempfile::TempDir;

/// How long a program may take, on a machine with other work: long enough to say that it will not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key for fingerprints that every persona here is given.
pub(crate) const FINGERPRINT_KEY: &[u8] = b"the key of this run";

/// The operation Get (KMIP 1.4, clause 9.1.3.2.27).
const GET: u32 = 0x0A;

/// `kmipProxyStandalone` with a key file.
pub(crate) struct Proxy {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Proxy {
    /// Starts it; nothing where it is not built.
    pub(crate) fn start() -> Option<Self> {
        let program = Path::new(env!("CARGO_BIN_EXE_mongod-persona")).with_file_name("kmipProxyStandalone");
        if !program.exists() {
            eprintln!("skipped: there is no {}; `cargo build -p kmip-proxy` builds it", program.display());
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let credentials = folder.path().join("cloudProviderCredentials");
        fs::create_dir(&credentials).unwrap();
        fs::write(folder.path().join("local.key"), "07".repeat(32)).unwrap();
        fs::write(credentials.join("first.local.metadata"), r#"{"keyFile": "local.key"}"#).unwrap();
        let mut command = Command::new(program);
        command.current_dir(folder.path()).args(["-dbpath", ".", "-cloudProvider", "local", "-kmipPort", "0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = lines(child.stderr.take().unwrap());
        let mut proxy = Proxy { child, folder, port: 0 };
        while proxy.port == 0 {
            let line = lines.recv_timeout(PATIENCE).expect("the proxy says where it listens");
            if let Some((_, at)) = line.split_once("listening for KMIP on ") {
                proxy.port = at.trim().rsplit_once(':').unwrap().1.parse().unwrap();
            }
        }
        Some(proxy)
    }

    /// Its folder, with its certificates; databases stand in folders below.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it before its time.
    pub(crate) fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The material of the key of that identifier, as another client gets it.
    pub(crate) fn material(&self, key: &str) -> Vec<u8> {
        let file = |name| self.folder().join(name);
        let settings = Settings {
            server_name: "127.0.0.1".to_owned(),
            port: self.port,
            ca_file: Some(file("kmipCA.pem")),
            client_certificate_file: file("kmipClient.pem"),
            connect_retries: 0,
            connect_timeout: PATIENCE,
            activate_keys: false,
            key_state_polling: None,
            key_identifier: None,
            rotate_master_key: false,
        };
        let (env, trace) = (Env::os(), Trace::new(b"key", || Duration::ZERO));
        let stage = Stage { env, trace, host: "driver".to_owned() };
        let header = Header { version: (1, 0), maximum_response_size: None, time_stamp: None };
        let get = request(&header, &[(GET, vec![Item::text(UNIQUE_IDENTIFIER, key)])]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let config = client_config(&stage.env, &settings).unwrap();
            let mut session = Session::open(&stage, "127.0.0.1", self.port, &config, PATIENCE).await.unwrap();
            let answer = session.exchange(&get).await.unwrap();
            answer.items[0].key_material.clone().unwrap()
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end();
    }
}

/// `mongod-persona`, started.
pub(crate) struct Persona {
    child: Child,
    lines: Receiver<String>,
    said: Vec<Value>,
    events: PathBuf,
    _events: TempDir,
}

impl Persona {
    /// Starts it over a folder below the proxy's, at any free port.
    pub(crate) fn start(proxy: &Proxy, folder: &str, more: &[&str]) -> Self {
        Self::start_at(proxy, folder, "0", more)
    }

    /// Starts it at a port.
    pub(crate) fn start_at(proxy: &Proxy, folder: &str, port: &str, more: &[&str]) -> Self {
        let dbpath = proxy.folder().join(folder);
        fs::create_dir_all(&dbpath).unwrap();
        let kept = tempfile::tempdir().unwrap();
        let events = kept.path().join("events");
        let mut command = program(&events);
        command.current_dir(proxy.folder()).arg("--dbpath").arg(&dbpath).args(["--port", port, "--enableEncryption"]);
        command.args(["--kmipServerName", "127.0.0.1", "--kmipPort", &proxy.port.to_string()]);
        command.args(["--kmipServerCAFile", "kmipCA.pem", "--kmipClientCertificateFile", "kmipClient.pem"]);
        command.args(["--kmipConnectTimeoutMS", &PATIENCE.as_millis().to_string()]);
        command.args(["--kmipKeyStatePollingSeconds", "-1"]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        Persona { child, lines, said: Vec::new(), events, _events: kept }
    }

    /// Where its events are.
    pub(crate) fn events(&self) -> &Path {
        &self.events
    }

    /// Waits until its data is open; comes to its port.
    pub(crate) fn ready(&mut self) -> u16 {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push(serde_json::from_str(&line).unwrap());
            let last = self.said.last().unwrap();
            if last["id"] == 23016 {
                assert_eq!(last["msg"], "Waiting for connections");
                return u16::try_from(last["attr"]["port"].as_u64().unwrap()).unwrap();
            }
        }
        panic!("it is not ready: {:#?}", self.said);
    }

    /// Waits until it has ended by itself; comes to its code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        // Its end closes its output.
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push(serde_json::from_str(&line).unwrap());
        }
        let last = self.said.last().unwrap();
        assert_eq!(last["msg"], "Shutting down", "{:#?}", self.said);
        let code = self.child.wait().unwrap().code();
        assert_eq!(last["attr"]["exitCode"].as_i64(), code.map(i64::from));
        code
    }

    /// Tells it to stop, with SIGTERM.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.unwrap().success());
        self.end()
    }

    /// The first log line with this message, among those that were waited for.
    pub(crate) fn said(&self, message: &str) -> Option<&Value> {
        self.said.iter().find(|line| line["msg"] == message)
    }
}

impl Drop for Persona {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end, in a folder, with its events in a file: code, standard output, standard error.
pub(crate) fn ended(arguments: &[&str], folder: &Path, events: &Path) -> (Option<i32>, String, String) {
    let ran = program(events).current_dir(folder).args(arguments).stdin(Stdio::null()).output();
    let Output { status, stdout, stderr } = ran.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn program(events: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mongod-persona"));
    command.env("KMIPLAB_EVENTS", events).env("KMIPLAB_FINGERPRINT_KEY", hex(FINGERPRINT_KEY));
    command
}

/// Reads to the end, so that nobody waits for somebody to read what it says.
fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    lines
}
