//! A program in mongod's place for the length of a scenario: its data folder, the tap before the proxy, and its starts.
//!
//! A start goes in this order: the tap stands before the proxy, the certificates are copied into the data folder, the
//! options are spelled as this kind of mongod takes them, the program begins. When it says that it waits for connections
//! it is asked who it is, and given documents to keep; every later start must still have them.
//!
//! Its data folder is not the proxy's dbpath. What it writes there is a hundred megabytes of its own, owned by a user of
//! an image, and nothing that the product may be judged by. A snapshot, whose key is wrapped in the proxy's dbpath, is
//! told to an empty database by the key's identifier (`kmipKeyIdentifier`): the dialogue is that of a restart, and the
//! key has to be the one that was wrapped.
//!
//! Invariant: what it says on the wire is recorded by the tap, and by nobody else.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kmip_proxy::env::Env;
use tempfile::TempDir;

use super::ask;
use super::engine::EngineError;
use super::image::Kind;
use super::log::{self, Said};
use super::moment;
use super::options::{FILE, Options};
use super::probe::{self, Answers, Refusal};
use super::program::{Next, Program, Running};
use super::threads::Threads;
use crate::cast::{self, Settings};
use crate::trace::{Peer, ProcessState, Tier, What};
use crate::world::persona_lines::{introduced, last_words};
use crate::world::process::database::{Database, MONGOD, Standing};
use crate::world::process::record::Record;
use crate::world::process::tapped::Tapped;

/// How long a program may take to end when it is told to. mongod writes a last checkpoint.
const FAREWELL: Duration = Duration::from_secs(20);

/// How long a program may take until it waits for connections, or ends. Longer than mongod tries to get its key.
const READY: Duration = Duration::from_secs(30);

/// How many lines are heard before somebody else has a turn.
const AT_ONCE: usize = 1000;

/// How many ports are tried, should others take them before the program does.
const PORTS: u32 = 5;

/// The client's certificate, in the data folder.
const CLIENT: &str = "kmiplab-client.pem";

/// What every mongod is told besides: little memory, and no socket in /tmp that a crash would leave behind.
pub(crate) const MODEST: [&str; 3] = ["--wiredTigerCacheSizeGB", "0.25", "--nounixsocket"];

/// The last lines that are kept, for last words and for what stands at the beginning.
const KEPT: usize = 400;

/// A program in mongod's place.
pub struct Seat {
    program: Program,
    threads: Threads,
    persona: String,
    data: PathBuf,
    tap: Tapped,
    running: Option<Running>,
    /// When it was started last, in real time.
    started: Duration,
    /// Since when it is neither ready nor at its end, in real time.
    awaited: Option<Duration>,
    port: u16,
    /// How it was told to start last: its options, and the proxy's dbpath.
    asked: Option<(Settings, PathBuf)>,
    /// How many ports that start has had.
    ports: u32,
    first_line: Option<String>,
    said: Vec<String>,
    /// Whether its data has ever been open.
    opened: bool,
    /// Whether it keeps documents.
    written: bool,
    /// Why nothing can be said of the product any more.
    broken: Option<String>,
    /// The client's certificate, where it is and as it was copied last.
    certificate: (PathBuf, Vec<u8>),
    /// What is known of the program from an earlier start.
    known: Option<Peer>,
    interrupted: Arc<AtomicBool>,
    /// What it has answered in this run.
    told: Told,
    /// Closed to everybody else; the data folder is in it. The last one here, so that it is removed when nobody writes
    /// into it any more.
    folder: TempDir,
}

/// What a program has answered when it was asked who it is; nothing before that. Shared with whoever plays the scenario.
pub type Told = Arc<Mutex<Option<Result<Peer, Refusal>>>>;

impl Seat {
    /// A seat that nobody has taken yet. `persona` is who is played where the program is a persona, and whose dialect the
    /// scenario expects.
    /// Once `interrupted` is set, nobody waits for its farewell.
    pub fn new(
        program: Program,
        threads: Threads,
        persona: &str,
        known: Option<Peer>,
        interrupted: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("kmiplab-data-").tempdir()?;
        let data = folder.path().canonicalize()?.join("data");
        fs::create_dir(&data)?;
        let tap = Tapped::new(folder.path().join("tap-ca.pem"));
        Ok(Seat {
            program,
            threads,
            persona: persona.to_owned(),
            data,
            tap,
            running: None,
            started: Duration::ZERO,
            awaited: None,
            port: 0,
            asked: None,
            ports: 0,
            first_line: None,
            said: Vec::new(),
            opened: false,
            written: false,
            broken: None,
            certificate: (PathBuf::new(), Vec::new()),
            known,
            interrupted,
            told: Told::default(),
            folder,
        })
    }

    /// Where its answer will be.
    pub fn told(&self) -> Told {
        self.told.clone()
    }

    /// Writes a copy into the data folder. A file that cannot be read is the program's to complain about.
    fn copy(&self, from: &Path, name: &str) -> (PathBuf, Vec<u8>) {
        let (to, content) = (self.data.join(name), fs::read(from).unwrap_or_default());
        let _ = replace(&to, &content);
        (to, content)
    }

    /// Copies the client's certificate again if the proxy has made another one: a mongod beside it would find that.
    fn refresh(&mut self) {
        let (from, shown) = &self.certificate;
        let newer = fs::read(from).is_ok_and(|content| !content.is_empty() && content != *shown);
        if newer {
            self.certificate.1 = self.copy(&self.certificate.0, CLIENT).1;
        }
    }

    /// Takes a line over. While it is being ended nobody asks it anything.
    fn hear(&mut self, line: String, record: &Record, asks: bool) {
        if self.first_line.is_none() {
            self.first_line = Some(line.clone());
        }
        match log::read(&line) {
            Said::Nothing => {}
            Said::Log(what) => record.note(MONGOD, *what),
            Said::Ready => {
                // What is asked of it from here on is the laboratory's time, and not its own.
                let heard = moment::of(&line, self.started, record);
                (self.opened, self.awaited) = (true, None);
                let kept = if asks {
                    self.introduce();
                    self.keep()
                } else {
                    Ok(None)
                };
                self.broken = ready(record, heard, kept).or(self.broken.take());
            }
        }
        self.said.push(line);
        if self.said.len() > KEPT {
            self.said.drain(KEPT / 4..KEPT / 2);
        }
    }

    /// Has it keep documents at its first start, and asks for them at every later one. A persona keeps no data: that its
    /// own file opened is all there is to see.
    fn keep(&mut self) -> Result<Option<String>, Unkept> {
        if self.program.kind == Kind::Persona {
            return Ok(None);
        }
        let run = self.folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        if self.written {
            ask::read(&self.threads, self.port, &run)?;
            return Ok(Some("its documents are there".to_owned()));
        }
        ask::write(&self.threads, self.port, &run).map_err(Unkept::Unwritten)?;
        self.written = true;
        Ok(Some("it keeps documents for later starts".to_owned()))
    }

    /// Starts it as it was asked to start last, with a port of its own.
    fn launch(&mut self, record: &Record) -> Result<(), String> {
        let Some((settings, dbpath)) = self.asked.clone() else { return Ok(()) };
        self.said.clear();
        self.ports += 1;
        let mut kmip = settings.clone();
        kmip.port = self.tap.port(&settings, record)?;
        kmip.ca_file = Some(self.copy(self.tap.authority(), "kmiplab-ca.pem").0);
        let (client, content) = self.copy(&settings.client_certificate_file, CLIENT);
        self.certificate = (settings.client_certificate_file.clone(), content);
        kmip.client_certificate_file = client;
        if !self.opened && kmip.key_identifier.is_none() {
            let snapshot = cast::Database::read(Env::os().files.as_ref(), &dbpath).ok().flatten();
            kmip.key_identifier = snapshot.map(|database| database.key_identifier);
        }
        self.port = free_port().map_err(|error| format!("no port for the database: {error}"))?;
        let legacy = self.persona == "enterprise-legacy-1.0";
        let options = Options { dbpath: self.data.clone(), port: self.port, kmip, legacy };
        let (mut words, file) = options.spell(self.program.spelling());
        if let Some(content) = file {
            replace(&self.data.join(FILE), content.as_bytes()).map_err(|error| format!("no configuration: {error}"))?;
        }
        if self.program.kind == Kind::Persona {
            words.extend(["--persona".to_owned(), self.persona.clone()]);
        } else {
            words.extend(MODEST.map(str::to_owned));
        }
        self.started = record.stopwatch().real();
        self.running = Some(self.program.start(&words, &self.data).map_err(|error| error.to_string())?);
        // How long the engine takes to make a container is not the program's doing.
        self.awaited = Some(record.stopwatch().real());
        Ok(())
    }

    /// Hears out one who was told to end, and ends it.
    fn farewell(&mut self, mut running: Running, record: &Record) {
        let interrupted = self.interrupted.clone();
        running.hear(FAREWELL, &interrupted, |line| self.hear(line, record, false));
    }

    /// How it stands after its log is over.
    fn end(&self, code: Result<Option<i64>, EngineError>) -> Standing {
        let code = match code {
            Ok(code) => code,
            Err(error) => return Standing::Broken(error.to_string()),
        };
        if let Some(why) = probe::unknown_option(code, &self.said) {
            return Standing::Broken(why);
        }
        if log::port_taken(&self.said) {
            let port = self.port;
            let times = self.ports;
            return Standing::Broken(format!(
                "another program has port {port}, which was free a moment ago; so it was with {times} ports"
            ));
        }
        match code {
            None => Standing::Broken(format!("it has closed its log, and does not end: {}", self.last_line())),
            // 137 is SIGKILL. Whoever is ended by another signal has crashed.
            Some(137) => Standing::Broken("somebody else has ended the program".to_owned()),
            Some(code) => {
                // A persona says why it ends, as in the other lanes.
                let why = self.said.iter().rev().find_map(|line| last_words(&serde_json::from_str(line).ok()?));
                Standing::Ended(why.unwrap_or_else(|| format!("exit code {code}: {}", self.last_line())))
            }
        }
    }

    /// What it said last.
    fn last_line(&self) -> String {
        let last = self.said.iter().rev().find(|line| !line.is_empty());
        last.map_or_else(|| "it said nothing".to_owned(), |line| message(line))
    }

    /// Asks it who it is.
    fn introduce(&mut self) {
        if self.lock().is_some() {
            return;
        }
        let told = ask::who(&self.threads, self.port).unwrap_or_default();
        let answers = Answers {
            version: Some(self.program.version.clone()),
            first_line: self.first_line.clone(),
            labels: self.program.labels(),
            bytes: Some(self.program.bytes()),
            build_info: told.build_info,
            options: told.options,
            hello: told.hello,
            server_status: told.server_status,
        };
        let peer = |tier| Peer { name: name(&answers, tier, &self.program), tier, proof: probe::proof(&answers) };
        let told = probe::tier(&answers).map(peer);
        self.broken = self.known.as_ref().and_then(|known| contradiction(known, &told));
        *self.lock() = Some(told);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Result<Peer, Refusal>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database for Seat {
    fn start(&mut self, settings: &Settings, dbpath: &Path, record: &Record) -> Result<(), String> {
        self.crash(record);
        self.asked = Some((settings.clone(), dbpath.to_owned()));
        self.ports = 0;
        self.launch(record)
    }

    fn look(&mut self, record: &Record) -> Standing {
        self.refresh();
        // Whoever never stops talking is late all the same, and somebody else may have something to do.
        for _ in 0..AT_ONCE {
            let Some(running) = &mut self.running else { return Standing::Down };
            match running.next(Duration::ZERO) {
                Next::Silence => break,
                Next::Line(line) => {
                    self.hear(line, record, true);
                    if let Some(why) = self.broken.take() {
                        self.running = None;
                        return Standing::Broken(why);
                    }
                }
                Next::Over => {
                    let code = running.exit_code();
                    self.running = None;
                    if log::port_taken(&self.said) && self.ports < PORTS {
                        return self.launch(record).map_or_else(Standing::Broken, |()| Standing::Up);
                    }
                    return self.end(code);
                }
            }
        }
        let late = |since| record.stopwatch().real() > since + READY;
        if !self.awaited.is_some_and(late) {
            return Standing::Up;
        }
        self.running = None;
        Standing::Broken(format!(
            "it did not wait for connections within {} s; its last line: {}",
            READY.as_secs(),
            self.last_line()
        ))
    }

    fn stop(&mut self, record: &Record) {
        let Some(mut running) = self.running.take() else { return };
        // One that hangs hears nothing; and an engine that is gone is told of by the next who asks it.
        let _ = running.signal("SIGCONT");
        let _ = running.stop();
        self.farewell(running, record);
    }

    fn crash(&mut self, record: &Record) {
        let Some(mut running) = self.running.take() else { return };
        let _ = running.crash();
        self.farewell(running, record);
    }

    fn stall(&mut self) {
        if let Some(running) = &mut self.running {
            let _ = running.signal("SIGSTOP");
        }
    }

    fn resume(&mut self) {
        if let Some(running) = &mut self.running {
            let _ = running.signal("SIGCONT");
        }
    }

    fn patience(&self) -> Duration {
        // Whatever has come by then, the seat has said itself that it is broken, which is no fault of the product.
        2 * READY
    }

    fn peer(&self) -> Option<Peer> {
        let known = match &*self.lock() {
            Some(Ok(peer)) => return Some(peer.clone()),
            // What does not get its key cannot be asked: the same bytes were, when they did.
            Some(Err(Refusal::Silent(_))) | None => self.known.clone()?,
            Some(Err(_)) => return None,
        };
        // Whom a persona plays is told anew in each run.
        let name = match known.tier {
            Tier::Persona => persona(self.first_line.as_deref(), &self.program),
            _ => known.name,
        };
        Some(Peer { name, ..known })
    }
}

/// Why documents are not kept, or not there.
#[derive(Debug, thiserror::Error)]
enum Unkept {
    #[error("mongod was to keep documents over a restart, and does not take them: {0}")]
    Unwritten(String),
    #[error("what mongod was given to keep before a restart is not there: {0}")]
    Unread(#[from] ask::Unread),
}

/// Records that it was ready at the moment when it was heard, and what has become of its documents, which comes first:
/// with its being ready a run may be over. Comes to why nothing can be said, if that is so.
fn ready(record: &Record, heard: SystemTime, kept: Result<Option<String>, Unkept>) -> Option<String> {
    let mut broken = None;
    match kept {
        Ok(Some(text)) => {
            record.told("lab", heard, What::Log { severity: 'I', id: None, text, attributes: Vec::new() });
        }
        Ok(None) => {}
        Err(lost @ Unkept::Unread(ask::Unread::Lost(_))) => {
            record.told("lab", heard, What::Finding { invariant: "K8".to_owned(), text: lost.to_string() });
        }
        Err(Unkept::Unread(ask::Unread::Unanswered(why))) => {
            broken = Some(format!("mongod is not to be asked for what it kept over a restart: {why}"));
        }
        Err(unwritten) => broken = Some(unwritten.to_string()),
    }
    record.told(MONGOD, heard, What::Process { state: ProcessState::Ready, why: None });
    broken
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seat({}, {:?})", self.program.source.name(), self.running)
    }
}

/// What a program says of itself in a run against what it said when it was asked first: nothing may rest on either then.
/// That it says nothing contradicts nothing.
fn contradiction(known: &Peer, told: &Result<Peer, Refusal>) -> Option<String> {
    match told {
        Err(Refusal::Silent(_)) => None,
        Ok(peer) if peer.tier == known.tier => None,
        Ok(peer) => Some(format!("it was {} before, and now it is {}", known.tier.as_str(), peer.tier.as_str())),
        Err(refusal) => Some(format!("it was {} before, and now {refusal}", known.tier.as_str())),
    }
}

/// The name of a persona: whom it plays, if it says so in its first line, and where it was found. Never mongod's.
fn persona(first_line: Option<&str>, program: &Program) -> String {
    let found = program.source.name();
    let played = first_line
        .and_then(|line| introduced(&serde_json::from_str(line).ok()?))
        .map(|peer| peer.name)
        .filter(|name| !name.is_empty());
    played.map_or_else(|| found.clone(), |played| format!("{played} ({found})"))
}

/// A name with the version that the program itself states.
pub(crate) fn name(answers: &Answers, tier: Tier, program: &Program) -> String {
    let version = answers.build_info.as_ref().and_then(|build| build.get("version")?.as_str());
    let kind = match tier {
        Tier::RealEnterprise => "MongoDB Enterprise",
        Tier::RealPsmdb => "Percona Server for MongoDB",
        Tier::Simulated | Tier::Persona | Tier::RealDriver => return persona(answers.first_line.as_deref(), program),
    };
    format!("{kind} {}", version.unwrap_or_default())
}

/// The message of a log line, with the error in it where there is one; other lines as they are.
pub(crate) fn message(line: &str) -> String {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(line) else { return line.to_owned() };
    let said = document.get("msg").and_then(serde_json::Value::as_str).unwrap_or(line);
    match document.pointer("/attr/error") {
        Some(error) => format!("{said}: {error}"),
        None => said.to_owned(),
    }
}

/// Writes a file anew: one that was given to another user cannot be written to, but replaced.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::write(path, content)
}

/// A port of loopback that is free now. Somebody may take it before the program does, who is then told about it.
pub(crate) fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests;
