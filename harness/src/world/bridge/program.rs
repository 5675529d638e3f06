//! A program with mongod's command line on mongod's host of a simulation: the personas as a program, or a mongod that
//! somebody has named.
//!
//! In order, at each start: the program is started with the options as the scenario has them, on real files and the
//! gateway's port; its lines on standard output are log lines; it is ready when it says that it waits for connections.
//! Its timers are those of the wall, so that a scenario in which it asks by itself for the state of its key is not for it.
//!
//! A persona finds the data of the snapshot in its dbpath. A real mongod makes them before the run, under the key of the
//! snapshot. Whoever is named is asked who it is whenever it serves for the first time.
//!
//! Invariant: a program is called what it answers while it serves with its encryption switched on, by the same rules as in
//! the lane `container`. An end that is no decision of its own is no answer to the product.

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
use super::halt::Halt;
use crate::cast::{Database, Settings, Stage};
use crate::trace::{Peer, ProcessState, What};
use crate::world::container::image::Kind;
use crate::world::container::options::{FILE, Options, Spelling};
use crate::world::container::probe::{self, Answers, Refusal};
use crate::world::container::program::Program as Found;
use crate::world::container::threads::Threads;
use crate::world::container::{ask, log, seat};
use crate::world::driver::{Child, Output};
use crate::world::persona_lines::{introduced, last_words};
use crate::world::process::program::Ending;
use crate::world::sim::{DBPATH, Guest, MongodOrders, Program as Played};

/// The lines that are kept of those that are no log lines.
const KEPT: usize = 100;

/// A program on mongod's host. Cheap to clone.
#[derive(Clone)]
pub(super) struct Program(Rc<Shared>);

struct Shared {
    path: PathBuf,
    /// Whose dialect the scenario expects.
    dialect: String,
    /// What was found where somebody has named it; nothing for the persona beside this program.
    found: Option<Found>,
    client: Client,
    dbpath: TempDir,
    /// Who it is, by an earlier start, or by its first line where it is a persona.
    known: RefCell<Option<Peer>>,
    /// What it answered when it was asked in this run.
    told: RefCell<Option<Result<Peer, Refusal>>>,
    /// While this stands, a start makes the database under this key and is ended then.
    prelude: RefCell<Option<String>>,
    made: Cell<bool>,
}

impl Program {
    /// The persona of that name, as a program.
    pub(super) fn persona(path: &Path, name: &str, interrupted: &Arc<AtomicBool>) -> Result<Self, String> {
        Self::new(path.to_owned(), name, None, None, interrupted)
    }

    /// A program that somebody has named, and who it is if that is known.
    pub(super) fn named(
        found: &Found,
        dialect: &str,
        known: Option<Peer>,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, String> {
        Self::new(found.source.name().into(), dialect, Some(found.clone()), known, interrupted)
    }

    fn new(
        path: PathBuf,
        dialect: &str,
        found: Option<Found>,
        known: Option<Peer>,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let dbpath = tempfile::Builder::new().prefix("kmiplab-dbpath-").tempdir();
        Ok(Program(Rc::new(Shared {
            path,
            dialect: dialect.to_owned(),
            found,
            client: Client::new(interrupted)?,
            dbpath: dbpath.map_err(|error| format!("cannot make a dbpath: {error}"))?,
            known: RefCell::new(known),
            told: RefCell::default(),
            prelude: RefCell::default(),
            made: Cell::new(false),
        })))
    }

    fn is_persona(&self) -> bool {
        self.0.found.as_ref().is_none_or(|found| found.kind == Kind::Persona)
    }

    /// What all clients have.
    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Who it is, once it has said so.
    pub(super) fn peer(&self) -> Option<Peer> {
        match self.told() {
            Some(Ok(peer)) => Some(peer),
            // What does not get its key cannot be asked: the same bytes were, when they did.
            Some(Err(_)) | None => self.0.known.borrow().clone(),
        }
    }

    /// What it answered when it was asked who it is, if it was.
    pub(super) fn told(&self) -> Option<Result<Peer, Refusal>> {
        self.0.told.borrow().clone()
    }

    /// Asks it who it is, if it was named, serves, and was not asked before.
    fn introduce(&self, port: u16, first_line: Option<String>) {
        let Some(found) = self.0.found.as_ref().filter(|_| self.told().is_none()) else { return };
        // What is marked as a persona is one, whatever else it would answer.
        let told = if self.is_persona() { Ok(ask::Told::default()) } else { asked(port) };
        // What was not answered is not assumed.
        let told = told.unwrap_or_default();
        let answers = Answers {
            version: Some(found.version.clone()),
            first_line,
            labels: found.labels(),
            bytes: Some(found.bytes()),
            build_info: told.build_info,
            options: told.options,
            hello: told.hello,
            server_status: told.server_status,
        };
        let peer = |tier| Peer { name: seat::name(&answers, tier, found), tier, proof: probe::proof(&answers) };
        let told = probe::tier(&answers).map(peer);
        if let Err(refusal) = &told {
            self.client().halted.say(Halt::NotRun(refusal.to_string()));
        }
        *self.0.told.borrow_mut() = Some(told);
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

    fn command(&self, settings: &Settings, orders: &MongodOrders, port: u16) -> Result<Command, String> {
        let shared = &*self.0;
        let certificates = shared.client.certificates();
        let kmip = Settings {
            port: shared.client.gateway.port(),
            ca_file: Some(certificates.join("kmipCA.pem")),
            client_certificate_file: certificates.join("kmipClient.pem"),
            key_identifier: shared.prelude.borrow().clone(),
            rotate_master_key: orders.rotate_master_key,
            ..settings.clone()
        };
        let legacy = !self.is_persona() && shared.dialect == "enterprise-legacy-1.0";
        let options = Options { dbpath: shared.dbpath.path().to_owned(), port, kmip, legacy };
        let spelling = shared.found.as_ref().map_or(Spelling::Words, Found::spelling);
        let (words, file) = options.spell(spelling);
        if let Some(content) = file {
            let path = shared.dbpath.path().join(FILE);
            std::fs::write(path, content).map_err(|error| format!("no configuration file: {error}"))?;
        }
        let mut command = Command::new(&shared.path);
        command.args(words).stdin(Stdio::null()).stderr(Stdio::piped());
        if self.is_persona() {
            command.args(["--persona", &shared.dialect]);
        } else {
            command.args(seat::MODEST);
        }
        Ok(command)
    }

    async fn start(&self, stage: &Stage, settings: &Settings, orders: &MongodOrders) -> Result<String, String> {
        let shared = &*self.0;
        let start: Start<'_, Output> = shared.client.begin(stage, settings)?;
        self.lay_down(stage)?;
        // Nobody asks a persona anything.
        let port = if self.is_persona() { Ok(0) } else { seat::free_port() };
        let port = port.map_err(|error| format!("no port for the database: {error}"))?;
        let child = Child::start(self.command(settings, orders, port)?, start.hearing())?;
        shared.client.pulse.busy(true);
        let mut session = Session {
            program: self,
            start,
            child: Some(child),
            port,
            ready: false,
            first_line: None,
            last_line: None,
            last_words: None,
            said: Vec::new(),
        };
        session.run().await
    }

    /// Puts what the snapshot has of a persona's data into the real dbpath, where nothing is yet.
    fn lay_down(&self, stage: &Stage) -> Result<(), String> {
        let there = self.0.dbpath.path().join(Database::FILE);
        let content = stage.env.files.read(&Path::new(DBPATH).join(Database::FILE));
        match content {
            Ok(content) if self.is_persona() && !there.exists() => {
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
        !self.is_persona()
    }

    fn play(&self, stage: Stage, settings: Settings, orders: MongodOrders) -> Played {
        let program = self.clone();
        Box::pin(async move {
            let (Ok(words) | Err(words)) =
                program.client().halted.heed(program.start(&stage, &settings, &orders)).await;
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
    port: u16,
    ready: bool,
    first_line: Option<String>,
    last_line: Option<String>,
    /// Why it ends, where it is a persona.
    last_words: Option<String>,
    /// What it said that is no log line.
    said: Vec<String>,
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
        self.end()
    }

    /// How it has ended. The error is that it was no decision of its own.
    fn end(&mut self) -> Result<String, String> {
        let Some(child) = self.child.as_mut() else { return Err("it never ran".to_owned()) };
        let ending = Ending::of(child.ended()?);
        let last = self.last_line.take().unwrap_or_else(|| "it said nothing".to_owned());
        let broken = |how: &str| Err(format!("the client {how}: {ending}: {last}"));
        if ending.is_breakdown() {
            return broken("broke down");
        }
        if self.program.is_persona() {
            return self.last_words.take().map_or_else(|| broken("ended without a word of why"), Ok);
        }
        if let Some(why) = probe::unknown_option(ending.code.map(i64::from), &self.said) {
            self.program.client().halted.say(Halt::NotRun(why.clone()));
            return Err(why);
        }
        if log::port_taken(&self.said) {
            return broken("has lost its port to another program");
        }
        Ok(format!("{ending}: {last}"))
    }

    fn hear(&mut self, line: &str) {
        self.first_line.get_or_insert_with(|| line.to_owned());
        self.last_line = Some(seat::message(line));
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            self.start.stage.log('E', None, line, &[]);
            if self.said.len() < KEPT {
                self.said.push(line.to_owned());
            }
            return;
        };
        if let Some(peer) = introduced(&value).filter(|_| self.program.0.found.is_none()) {
            *self.program.0.known.borrow_mut() = Some(peer);
        }
        self.last_words = last_words(&value).or(self.last_words.take());
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
        if text == "Waiting for connections" && !self.ready {
            self.ready = true;
            self.program.client().pulse.busy(false);
            self.program.introduce(self.port, self.first_line.clone());
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

/// Asks whoever serves at a port who it is.
fn asked(port: u16) -> Result<ask::Told, String> {
    let threads = Threads::new().map_err(|error| error.to_string())?;
    ask::who(&threads, port)
}
