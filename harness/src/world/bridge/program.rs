//! A program with mongod's command line on mongod's host of a simulation: the personas as a program, or a mongod that
//! somebody has named.
//!
//! In order, at each start: the program is started with the options as the scenario has them, on real files and the
//! gateway's port; its lines on standard output are log lines; it is ready when it says that it waits for connections.
//! Its timers are those of the wall, so that a scenario in which it asks by itself for the state of its key is not for it.
//!
//! A persona finds the data of the snapshot in its dbpath. A real mongod makes them before the run, under the key of the
//! snapshot.
//!
//! Invariant: a program is called what it answers, and is mongod only where it takes `--enableEncryption` and says so.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kmip_proxy::env::Access;
use serde_json::Value;
use tempfile::TempDir;

use super::client::{Client, Start};
use crate::cast::{Database, Settings, Stage};
use crate::trace::{Peer, ProcessState, Tier, What};
use crate::world::driver::{Child, Output};
use crate::world::sim::{DBPATH, Guest, MongodOrders, Program as Played};

/// A program on mongod's host. Cheap to clone.
#[derive(Clone)]
pub(super) struct Program(Rc<Shared>);

struct Shared {
    path: PathBuf,
    /// Which persona, where it is one.
    persona: Option<String>,
    client: Client,
    dbpath: TempDir,
    peer: RefCell<Option<Peer>>,
    /// While this stands, a start makes the database under this key and is ended then.
    prelude: RefCell<Option<String>>,
    made: Cell<bool>,
}

impl Program {
    /// The persona of that name, as a program.
    pub(super) fn persona(path: &Path, name: &str, interrupted: &Arc<AtomicBool>) -> Result<Self, String> {
        Self::new(path, Some(name.to_owned()), None, interrupted)
    }

    /// A mongod that says that it can encrypt.
    pub(super) fn mongod(path: &Path, peer: Peer, interrupted: &Arc<AtomicBool>) -> Result<Self, String> {
        Self::new(path, None, Some(peer), interrupted)
    }

    fn new(
        path: &Path,
        persona: Option<String>,
        peer: Option<Peer>,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let dbpath = tempfile::Builder::new().prefix("kmiplab-dbpath-").tempdir();
        Ok(Program(Rc::new(Shared {
            path: path.to_owned(),
            persona,
            client: Client::new(interrupted)?,
            dbpath: dbpath.map_err(|error| format!("cannot make a dbpath: {error}"))?,
            peer: RefCell::new(peer),
            prelude: RefCell::default(),
            made: Cell::new(false),
        })))
    }

    /// What all clients have.
    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Who it is, once it has said so.
    pub(super) fn peer(&self) -> Option<Peer> {
        self.0.peer.borrow().clone()
    }

    /// The next start makes the database under this key, and nothing else.
    pub(super) fn prepare_under(&self, key_id: &str) {
        *self.0.prelude.borrow_mut() = Some(key_id.to_owned());
    }

    /// That is done; the error says that it was not.
    pub(super) fn prepared(&self) -> Result<(), String> {
        self.0.prelude.borrow_mut().take();
        self.client().recording.forget();
        if self.0.made.get() { Ok(()) } else { Err("the data of the snapshot could not be made".to_owned()) }
    }

    fn command(&self, settings: &Settings, orders: &MongodOrders) -> Command {
        let shared = &*self.0;
        let mut command = Command::new(&shared.path);
        if let Some(persona) = &shared.persona {
            command.args(["--persona", persona]);
        }
        command.arg("--dbpath").arg(shared.dbpath.path()).args(["--port", "0", "--bind_ip", "127.0.0.1"]);
        command.args(["--enableEncryption", "--kmipServerName", &settings.server_name]);
        command.args(["--kmipPort", &shared.client.gateway.port().to_string()]);
        let certificates = shared.client.certificates();
        command.arg("--kmipServerCAFile").arg(certificates.join("kmipCA.pem"));
        command.arg("--kmipClientCertificateFile").arg(certificates.join("kmipClient.pem"));
        command.args(["--kmipConnectRetries", &settings.connect_retries.to_string()]);
        command.args(["--kmipConnectTimeoutMS", &settings.connect_timeout.as_millis().to_string()]);
        command.args(["--kmipActivateKeys", if settings.activate_keys { "true" } else { "false" }]);
        let polling = settings.key_state_polling.map_or("-1".to_owned(), |period| period.as_secs().to_string());
        command.args(["--kmipKeyStatePollingSeconds", &polling]);
        if let Some(key_id) = &*shared.prelude.borrow() {
            command.args(["--kmipKeyIdentifier", key_id]);
        }
        if orders.rotate_master_key {
            command.arg("--kmipRotateMasterKey");
        }
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    async fn start(&self, stage: &Stage, settings: &Settings, orders: &MongodOrders) -> Result<String, String> {
        let shared = &*self.0;
        let start: Start<'_, Output> = shared.client.begin(stage, settings)?;
        self.lay_down(stage)?;
        let child = Child::start(self.command(settings, orders), start.hearing())?;
        shared.client.pulse.busy(true);
        let mut session = Session { program: self, start, child: Some(child), ready: false, last_words: None };
        session.run().await
    }

    /// Puts what the snapshot has of a persona's data into the real dbpath, where nothing is yet.
    fn lay_down(&self, stage: &Stage) -> Result<(), String> {
        let there = self.0.dbpath.path().join(Database::FILE);
        let content = stage.env.files.read(&Path::new(DBPATH).join(Database::FILE));
        match content {
            Ok(content) if self.0.persona.is_some() && !there.exists() => {
                std::fs::write(&there, content).map_err(|error| format!("cannot write `{}`: {error}", there.display()))
            }
            _ => Ok(()),
        }
    }

    /// Puts the persona's data where everybody on the simulated machine finds which key is in use.
    fn take_up(&self, stage: &Stage) {
        let Ok(content) = std::fs::read(self.0.dbpath.path().join(Database::FILE)) else { return };
        let path = Path::new(DBPATH).join(Database::FILE);
        if stage.env.files.read(&path).ok().as_ref() != Some(&content) {
            // The data themselves are on a real disk, so that a full disk of the simulation is no trouble of its.
            let _ = stage.env.files.replace(&path, &content, Access::Owner);
        }
    }
}

impl Guest for Program {
    fn brings_its_data(&self) -> bool {
        self.0.persona.is_none()
    }

    fn play(&self, stage: Stage, settings: Settings, orders: MongodOrders) -> Played {
        let program = self.clone();
        Box::pin(async move {
            let words = program.start(&stage, &settings, &orders).await;
            let words = words.unwrap_or_else(|why| {
                program.client().give_up(why.clone());
                why
            });
            program.take_up(&stage);
            program.client().recording.exited(stage.trace.now(), &words);
            words
        })
    }

    fn wait(&self) -> Result<(), String> {
        self.client().wait()
    }

    fn cut_off(&self) {
        self.client().cut_off.set(true);
    }
}

/// One process of it.
struct Session<'a> {
    program: &'a Program,
    start: Start<'a, Output>,
    child: Option<Child>,
    ready: bool,
    last_words: Option<String>,
}

impl Session<'_> {
    async fn run(&mut self) -> Result<String, String> {
        let shared = &*self.program.0;
        loop {
            match self.start.next().await {
                Some(Output::Line(line)) => self.hear(&line),
                Some(Output::End) | None => break,
            }
            if self.ready && shared.prelude.borrow().is_some() {
                shared.made.set(true);
                return Ok("prepared".to_owned());
            }
        }
        shared.client.pulse.busy(false);
        let status = match self.child.as_mut() {
            Some(child) => child.ended()?.to_string(),
            None => "it never ran".to_owned(),
        };
        Ok(self.last_words.take().unwrap_or(status))
    }

    fn hear(&mut self, line: &str) {
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            self.start.stage.log('E', None, line, &[]);
            self.last_words = Some(line.to_owned());
            return;
        };
        if value["persona"] == true {
            *self.program.0.peer.borrow_mut() = introduced(&value);
        }
        let text = value["msg"].as_str().unwrap_or(line);
        let severity = value["s"].as_str().and_then(|severity| severity.chars().next()).unwrap_or('I');
        let id = value["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        let attributes: Vec<(String, String)> = value["attr"].as_object().into_iter().flatten().map(plain).collect();
        let attributes: Vec<(&str, &str)> = attributes.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.start.stage.log(severity, id, text, &attributes);
        let recording = &self.program.client().recording;
        if matches!(severity, 'E' | 'F') {
            recording.said(self.start.stage.trace.now(), text);
        }
        let attribute = |name: &str| value["attr"][name].as_str();
        if text == "The persona ends"
            && let (Some(reason), Some(symbol)) = (attribute("reason"), attribute("symbol"))
        {
            self.last_words = Some(format!("{reason} ({symbol})"));
        }
        if text == "Waiting for connections" && !self.ready {
            self.ready = true;
            self.program.client().pulse.busy(false);
            self.program.take_up(&self.start.stage);
            let trace = &self.start.stage.trace;
            trace.record(&self.start.stage.host, What::Process { state: ProcessState::Ready, why: None });
            recording.ready(trace.now());
        }
        // What it was given it says itself, in its own words; nobody else saw it use that.
        self.start.heard();
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.start.hang_up();
        let Some(mut child) = self.child.take() else { return };
        if self.ready && !self.program.client().cut_off.get() {
            child.terminate();
        }
        drop(child);
        self.program.take_up(&self.start.stage);
    }
}

fn plain((name, value): (&String, &Value)) -> (String, String) {
    (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Who a program is by its first line: only a persona says that it is one.
fn introduced(value: &Value) -> Option<Peer> {
    let attribute = |name: &str| Some(value["attr"][name].as_str()?.to_owned());
    let proof = vec![
        format!("its first line: {}", value["msg"].as_str().unwrap_or_default()),
        format!("it calls its version {}", attribute("version").unwrap_or_default()),
    ];
    Some(Peer { name: attribute("persona")?, tier: Tier::Persona, proof })
}

/// Asks a mongod whether it takes `--enableEncryption`, and who it is. The error is why it is not played.
pub(super) fn probe(path: &Path) -> Result<Peer, String> {
    let mut command = Command::new(path);
    command.args(["--enableEncryption", "--version"]).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("`{}` cannot be started: {error}", path.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing");
    if !output.status.success() {
        let path = path.display();
        return Err(format!("`{path}` does not take --enableEncryption ({}): {first}", output.status));
    }
    let lower = said.to_lowercase();
    let tier = if lower.contains("percona") || lower.contains("psmdb") {
        Tier::RealPsmdb
    } else if lower.contains("enterprise") {
        Tier::RealEnterprise
    } else {
        let path = path.display();
        return Err(format!("`{path}` takes --enableEncryption and says neither Enterprise nor Percona: {first}"));
    };
    let proof = vec![format!("--enableEncryption --version: {first}")];
    Ok(Peer { name: first.to_owned(), tier, proof })
}
