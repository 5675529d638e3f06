//! Who stands where mongod stands, as a program: what the world asks of it, and the persona as the first of them.
//!
//! To put another program there, implement [`Database`]. `start` is given the options as mongod has them, with real
//! paths and ports; the program is started and not waited for. From then on `look` is called every few milliseconds: it
//! records through the [`Record`] what the program has told (with [`Record::told`] where it brings dates of its own, so
//! that events of several programs stand in the right order), and answers how it stands. What is recorded beside log
//! lines must say when it is ready (`Process`, `Ready`) and what it exchanged (`Request`, `Answer`, `NoAnswer`), all on
//! the host [`MONGOD`]; a program that tells nothing by itself needs a tap before the proxy ([`super::tapped`]). That it was started, stopped,
//! cut off or has ended is recorded by the world.
//!
//! Invariant: what was started here is gone when its handle is.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::program::{Line, Program};
use super::record::Record;
use crate::cast;
use crate::persona::{EVENTS, FINGERPRINT_KEY};
use crate::trace::{self, Peer, ProcessState, What};
use crate::world::container::options::{Options, Spelling};
use crate::world::persona_events::{Lines, Numbers};
use crate::world::persona_lines::{introduced, last_words};

/// Its name in traces, whoever it is.
pub(crate) const MONGOD: &str = "mongod";

/// How long it may take to end when it is told to.
const STOP: Duration = Duration::from_secs(10);

/// A program that stands where mongod stands.
pub(crate) trait Database {
    /// Starts it. It does not run yet.
    fn start(&mut self, settings: &cast::Settings, dbpath: &Path, record: &Record) -> Result<(), String>;

    /// Records what it has told since somebody looked last.
    fn look(&mut self, record: &Record) -> Standing;

    /// Ends it in good order, if it runs; when this returns, it is gone.
    fn stop(&mut self, record: &Record);

    /// Cuts it off, if it runs; when this returns, it is gone.
    fn crash(&mut self, record: &Record);

    /// Lets it hang.
    fn stall(&mut self);

    /// Lets it go on.
    fn resume(&mut self);

    /// Whether it is at work on something of which it may not have told anything yet: nothing strikes it there by chance.
    fn is_at_work(&self) -> bool {
        false
    }

    /// What it brings from before the run, if it keeps its data elsewhere than in the dbpath: the data keys that were
    /// encrypted for it, with the master keys under which they are.
    fn brings(&self) -> Option<Vec<(String, Vec<u8>)>> {
        None
    }

    /// Who it is, by what it has said of itself; nothing before it has said it.
    fn peer(&self) -> Option<Peer>;

    /// How long the last start of a run is waited for, in real time. Who stands for more says itself when it is too much.
    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }
}

/// How a database stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does not run, or its end has been told.
    Down,
    /// It runs.
    Up,
    /// It has ended by itself just now: its last words.
    Ended(String),
    /// It has broken down, or cannot be understood; nothing can be said of the product.
    Broken(String),
}

/// `mongod-persona`.
pub(crate) struct PersonaProgram {
    program: PathBuf,
    persona: String,
    /// In hexadecimal: the program's fingerprints agree with the laboratory's.
    fingerprint_key: String,
    /// Where it is started, and writes its events.
    directory: PathBuf,
    starts: u32,
    running: Option<Running>,
    peer: Option<Peer>,
}

/// A start of it.
struct Running {
    program: Program,
    events: Events,
    /// Its last words, if it has told them.
    last_words: Option<String>,
    /// What it said that is no log line.
    said: Vec<String>,
    broken: Option<String>,
}

impl PersonaProgram {
    /// A persona that does not run yet.
    pub(crate) fn new(program: &Path, persona: &str, fingerprint_key: &[u8], directory: &Path) -> Self {
        PersonaProgram {
            program: program.to_owned(),
            persona: persona.to_owned(),
            fingerprint_key: trace::hex(fingerprint_key),
            directory: directory.to_owned(),
            starts: 0,
            running: None,
            peer: None,
        }
    }

    fn end(&mut self, record: &Record, end: impl FnOnce(&mut Program)) {
        let Some(mut running) = self.running.take() else { return };
        // What it told before belongs to the run.
        self.peer = running.hear(record).or(self.peer.take());
        end(&mut running.program);
        self.peer = running.hear(record).or(self.peer.take());
    }
}

impl Database for PersonaProgram {
    fn start(&mut self, settings: &cast::Settings, dbpath: &Path, _: &Record) -> Result<(), String> {
        self.starts += 1;
        let events = self.directory.join(format!("events-{}", self.starts));
        File::create(&events).map_err(|error| format!("no file for the events of the persona: {error}"))?;
        let mut command = Command::new(&self.program);
        command.env(EVENTS, &events).env(FINGERPRINT_KEY, &self.fingerprint_key);
        command.args(["--persona", &self.persona]);
        let options = Options { dbpath: dbpath.to_owned(), port: 0, kmip: settings.clone(), legacy: false };
        command.args(options.spell(Spelling::Words).0);
        let program = Program::start(command, &self.directory)?;
        let events = Events { path: events, read: 0, lines: Lines::default(), numbers: Numbers::default() };
        self.running = Some(Running { program, events, last_words: None, said: Vec::new(), broken: None });
        Ok(())
    }

    fn look(&mut self, record: &Record) -> Standing {
        let Some(running) = &mut self.running else { return Standing::Down };
        let ending = running.program.ended();
        self.peer = running.hear(record).or(self.peer.take());
        if let Some(why) = running.broken.take() {
            self.running = None;
            return Standing::Broken(why);
        }
        let Some(ending) = ending else { return Standing::Up };
        let last_words = running.last_words.take();
        let said = running.said.join(" | ");
        self.running = None;
        match last_words {
            Some(why) => Standing::Ended(why),
            None if ending.is_breakdown() => Standing::Broken(format!("the persona ended by itself: {ending} {said}")),
            None => Standing::Broken(format!("the persona ended without a word of why: {ending} {said}")),
        }
    }

    fn stop(&mut self, record: &Record) {
        let stopwatch = record.stopwatch().clone();
        self.end(record, |program| {
            program.resume();
            program.terminate();
            if program.wait(STOP, &stopwatch).is_none() {
                program.kill();
            }
        });
    }

    fn crash(&mut self, record: &Record) {
        self.end(record, Program::kill);
    }

    fn stall(&mut self) {
        self.running.iter().for_each(|running| running.program.stall());
    }

    fn resume(&mut self) {
        self.running.iter().for_each(|running| running.program.resume());
    }

    fn peer(&self) -> Option<Peer> {
        self.peer.clone()
    }
}

impl Running {
    /// Takes over what it has told. Comes to who it is, where it has said so.
    fn hear(&mut self, record: &Record) -> Option<Peer> {
        let mut peer = None;
        for line in self.program.lines() {
            match line {
                Line::Out(line) => {
                    let Ok(line) = serde_json::from_str(&line) else { continue };
                    peer = introduced(&line).or(peer);
                    self.last_words = last_words(&line).or(self.last_words.take());
                }
                Line::Err(line) => self.said.push(line),
            }
        }
        match self.events.read() {
            Ok(lines) => {
                for trace::Line { at_unix_ns, what, .. } in lines {
                    match what {
                        // That it was started and has ended is the world's to say.
                        What::Process { state, .. } if state != ProcessState::Ready => {}
                        what => {
                            let date = SystemTime::UNIX_EPOCH + Duration::from_nanos(at_unix_ns);
                            record.told_by(MONGOD, date, what, &mut self.events.numbers);
                        }
                    }
                }
            }
            Err(why) => self.broken = Some(why),
        }
        peer
    }
}

/// The file to which the persona appends its events, and how far it has been read.
struct Events {
    path: PathBuf,
    read: u64,
    lines: Lines,
    numbers: Numbers,
}

impl Events {
    /// The lines that are over and have not been read.
    fn read(&mut self) -> Result<Vec<trace::Line>, String> {
        let failed = |error: std::io::Error| format!("the persona's events cannot be read: {error}");
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        let mut piece = Vec::new();
        self.read += file.read_to_end(&mut piece).map_err(failed)? as u64;
        self.lines.feed(&piece).map_err(|error| error.to_string())
    }
}
