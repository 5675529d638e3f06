//! A program that stands where mongod stands: in a container, or on this machine. One face for both.
//!
//! A start goes in this order: the dbpath is made the program's own, the log is attached, the program begins, and its
//! lines arrive until it has ended. Nobody waits for it here: a mongod that hangs is something to look at.
//!
//! Invariant: dropping a [`Running`] ends the program and removes its container, whatever state it is in.

mod lines;
mod local;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use testcontainers::core::Mount;
use testcontainers::core::logs::LogFrame;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _};

use self::local::Local;
use super::engine::{Engine, EngineError, Image, OWNER, PATIENCE, chain};
use super::image::{Kind, Source, kind};
use super::options::Spelling;
use super::owner;
use super::probe::Bytes;
use crate::world::clock::WallClock;

/// How long a program may take to say its version.
const VERSION: Duration = Duration::from_secs(20);

/// How long somebody who listens to a program does not look whether all is to end.
const GLANCE: Duration = Duration::from_millis(100);

/// How many lines are kept of one who is heard to the end.
const HEARD: usize = 1000;

/// A program, ready to be started any number of times.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it was found.
    pub source: Source,
    /// Which options it takes.
    pub kind: Kind,
    /// What it printed for `--version`.
    pub version: String,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Container(Box<(Engine, Image)>),
    Local { path: PathBuf, bytes: String },
}

/// Why a program cannot be had, or not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// The engine has no such image.
    #[error("image absent: the engine has no {0}; pull it first")]
    ImageAbsent(String),
    /// There is no such file, or it is no program.
    #[error("`{0}` does not start: {1}")]
    NoProgram(String, String),
    /// It does not say what it is.
    #[error("{0} does not answer --version within {1} s: it is no mongod")]
    NoVersion(String, u64),
    /// Somebody wants it all to end.
    #[error("interrupted")]
    Interrupted,
    /// The dbpath cannot be made the program's own.
    #[error("the dbpath `{0}` cannot be prepared: {1}")]
    Dbpath(String, String),
    /// The container does not start.
    #[error("the container of {0} does not start: {1}")]
    NotStarted(String, String),
    /// The engine does not help.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A program that was started.
pub struct Running {
    lines: Receiver<String>,
    held: Held,
}

enum Held {
    Container(Box<Container>),
    Local(Local),
}

/// What comes next out of a program's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A line.
    Line(String),
    /// Nothing yet.
    Silence,
    /// The log is over: the program has ended.
    Over,
}

impl Program {
    /// Finds a program and asks it for its version; containers want an engine for that. Nobody waits for it any more once
    /// `interrupted` is set.
    pub fn find(
        source: &Source,
        engine: Option<&Result<Engine, EngineError>>,
        interrupted: &AtomicBool,
    ) -> Result<Self, ProgramError> {
        let form = match source {
            Source::Image(name) => {
                let engine = match engine {
                    Some(Ok(engine)) => engine.clone(),
                    Some(Err(error)) => return Err(error.clone().into()),
                    None => return Err(EngineError::None("nobody has looked for one".to_owned()).into()),
                };
                let image = engine.image(name)?.ok_or_else(|| ProgramError::ImageAbsent(name.clone()))?;
                Form::Container(Box::new((engine, image)))
            }
            Source::Program(path) => {
                // The file whose digest is told is the one that runs: not another of that name, which a search would find.
                let found = path.canonicalize().and_then(|path| Ok((fs::read(&path)?, path)));
                let (bytes, path) = found.map_err(|error| no_program(path, &error))?;
                Form::Local { path, bytes: super::home_made::sha256(&bytes) }
            }
        };
        let mut program = Program { source: source.clone(), kind: Kind::Community, version: String::new(), form };
        let mut running = program.run(&["--version".to_owned()], None)?;
        let mut lines = Vec::new();
        let over = running.hear(VERSION, interrupted, |line| keep(&mut lines, line));
        program.version = lines.join("\n");
        if interrupted.load(Ordering::Relaxed) {
            return Err(ProgramError::Interrupted);
        }
        if !over {
            return Err(ProgramError::NoVersion(source.name(), VERSION.as_secs()));
        }
        program.kind = kind(&program.version);
        Ok(program)
    }

    /// How it wants to be told its options. Personas are told as their program is, whatever dialect they speak.
    pub fn spelling(&self) -> Spelling {
        if self.kind == Kind::Percona { Spelling::File } else { Spelling::Words }
    }

    /// Which bytes run.
    pub fn bytes(&self) -> Bytes {
        match &self.form {
            // An image of somebody else is named as in its registry; the other digest is that of its configuration.
            Form::Container(container) => {
                let image = &container.1;
                let digest = image.digests.first().cloned();
                Bytes::Image(digest.unwrap_or_else(|| format!("{} {}", image.name, image.id)))
            }
            Form::Local { bytes, .. } => Bytes::Program(bytes.clone()),
        }
    }

    /// The labels of its image.
    pub fn labels(&self) -> std::collections::BTreeMap<String, String> {
        match &self.form {
            Form::Container(container) => container.1.labels.clone(),
            Form::Local { .. } => Default::default(),
        }
    }

    /// Starts it over a dbpath, which has the same path within a container.
    pub fn start(&self, words: &[String], dbpath: &Path) -> Result<Running, ProgramError> {
        self.run(words, Some(dbpath))
    }

    fn run(&self, words: &[String], dbpath: Option<&Path>) -> Result<Running, ProgramError> {
        match (&self.form, &self.source) {
            (Form::Container(held), _) => container(&held.0, &held.1, words, dbpath),
            (Form::Local { path, .. }, source) => {
                let started = Local::start(path, words, dbpath);
                let (local, lines) = started.map_err(|error| no_program(Path::new(&source.name()), &error))?;
                Ok(Running { lines, held: Held::Local(local) })
            }
        }
    }
}

impl Running {
    /// The next line, for as long as somebody wants to wait for one.
    pub fn next(&self, patience: Duration) -> Next {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Next::Line(line),
            Err(RecvTimeoutError::Timeout) => Next::Silence,
            Err(RecvTimeoutError::Disconnected) => Next::Over,
        }
    }

    /// All lines to the end, for as long as `patience` in all. Of one who does not stop talking, the first.
    pub fn all(&mut self, patience: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        self.hear(patience, &AtomicBool::new(false), |line| keep(&mut lines, line));
        lines
    }

    /// Listens to the end, for as long as `patience` in all, however much is said, and until `interrupted` is set. Comes
    /// to whether the log is over.
    pub fn hear(&mut self, patience: Duration, interrupted: &AtomicBool, mut hear: impl FnMut(String)) -> bool {
        let clock = WallClock::real();
        loop {
            let left = patience.saturating_sub(clock.elapsed());
            match self.next(left.min(GLANCE)) {
                Next::Line(line) => hear(line),
                Next::Over => return true,
                Next::Silence => {}
            }
            if left.is_zero() || interrupted.load(Ordering::Relaxed) {
                return false;
            }
        }
    }

    /// Asks it to end, as SIGTERM does.
    pub fn stop(&mut self) -> Result<(), EngineError> {
        self.signal("SIGTERM")
    }

    /// Ends it at once, as SIGKILL does.
    pub fn crash(&mut self) -> Result<(), EngineError> {
        self.signal("SIGKILL")
    }

    /// Sends it a signal by its name, such as `SIGSTOP`.
    pub fn signal(&mut self, name: &str) -> Result<(), EngineError> {
        match &mut self.held {
            Held::Container(container) => container.engine.signal(&container.name, name),
            Held::Local(local) => {
                local.signal(name);
                Ok(())
            }
        }
    }

    /// How it has ended, once its log is over: 128 and the number of the signal where one has ended it. Nothing if it has
    /// not ended, although it has closed its log.
    pub fn exit_code(&mut self) -> Result<Option<i64>, EngineError> {
        match &mut self.held {
            Held::Container(container) => container.engine.exit_code(&container.name).map(Some),
            Held::Local(local) => Ok(local.exit_code(PATIENCE)),
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.held {
            Held::Container(container) => write!(f, "Running({})", container.name),
            Held::Local(local) => write!(f, "Running({})", local.id()),
        }
    }
}

fn no_program(path: &Path, error: &std::io::Error) -> ProgramError {
    ProgramError::NoProgram(path.display().to_string(), error.to_string())
}

fn keep(lines: &mut Vec<String>, line: String) {
    if lines.len() < HEARD {
        lines.push(line);
    }
}

/// A container of ours, by its name. Gone when this is.
struct Container {
    engine: Engine,
    name: String,
    /// Removes the container itself, unless the engine is told not to.
    inner: Option<ContainerAsync<GenericImage>>,
}

impl Drop for Container {
    fn drop(&mut self) {
        // Asked first, and by name: a container that did not start belongs to nobody yet. testcontainers then finds it
        // gone, and says so in a log that nobody reads.
        let _ = self.engine.remove(&self.name);
        let Some(inner) = self.inner.take() else { return };
        let handle = self.engine.threads().handle();
        // It wants to be within a runtime of several threads, which this thread may not be.
        let dropped = thread::spawn(move || {
            let _within = handle.enter();
            drop(inner);
        });
        let _ = dropped.join();
    }
}

fn container(engine: &Engine, image: &Image, words: &[String], dbpath: Option<&Path>) -> Result<Running, ProgramError> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("kmiplab-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    // By its id, which cannot be pulled: testcontainers pulls what the engine does not know.
    let (algorithm, digest) = image.id.split_once(':').unwrap_or(("sha256", &image.id));
    let (cutters, lines) = lines::lines();
    let cutters = Mutex::new(cutters);
    let consumer = move |frame: &LogFrame| {
        let mut cutters = cutters.lock().unwrap_or_else(PoisonError::into_inner);
        match frame {
            LogFrame::StdOut(bytes) => cutters[0].take(bytes),
            LogFrame::StdErr(bytes) => cutters[1].take(bytes),
        }
    };
    let mut request = GenericImage::new(algorithm, digest)
        .with_container_name(&name)
        .with_network("host")
        .with_label(OWNER, owner::me())
        // Percona's image starts an agent that calls home unless it is told not to.
        .with_env_var("PERCONA_TELEMETRY_DISABLE", "1")
        .with_log_consumer(consumer)
        .with_startup_timeout(PATIENCE)
        .with_cmd(words.to_vec());
    if let Some(dbpath) = dbpath {
        let prepare = |error: std::io::Error| ProgramError::Dbpath(dbpath.display().to_string(), error.to_string());
        let path = dbpath.display().to_string();
        request = request.with_mount(Mount::bind_mount(&path, &path));
        if let Some(user) = hand_over(dbpath, &image.user).map_err(prepare)? {
            request = request.with_user(user);
        }
    }
    let mut held = Container { engine: engine.clone(), name: name.clone(), inner: None };
    // Nothing is waited for here. testcontainers removes a container that does not become ready, and with it the exit code.
    match engine.threads().ask(2 * PATIENCE, request.start()) {
        Ok(Ok(inner)) => held.inner = Some(inner),
        Ok(Err(error)) => return Err(ProgramError::NotStarted(image.name.clone(), chain(&error))),
        Err(unanswered) => return Err(ProgramError::NotStarted(image.name.clone(), unanswered.to_string())),
    }
    Ok(Running { lines, held: Held::Container(Box::new(held)) })
}

/// Makes a dbpath the own of whoever runs in a container, and says as whom it must run where it is not the image's choice.
///
/// Root gives the files away; a user number is known, behind a name may be any, so that the folder is opened to all (the
/// one above it is closed to all others). Whoever is not root can give nothing away: then the program runs as we do.
fn hand_over(dbpath: &Path, user: &str) -> std::io::Result<Option<String>> {
    let folder = fs::metadata(dbpath)?;
    let (us, group) = (fs::metadata("/proc/self")?.uid(), fs::metadata("/proc/self")?.gid());
    if us != 0 {
        return Ok(Some(format!("{us}:{group}")));
    }
    let named = user.split(':').next().unwrap_or_default();
    let number = if named.is_empty() { Some(0) } else { named.parse::<u32>().ok() };
    if number == Some(0) {
        return Ok(None);
    }
    let mut paths = vec![dbpath.to_owned()];
    for entry in fs::read_dir(dbpath)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.metadata()?.uid() == us {
            paths.push(entry.path());
        }
    }
    for path in paths {
        match number {
            Some(number) => chown(&path, Some(number), None)?,
            None => {
                let open = if path == dbpath { 0o777 } else { 0o644 };
                fs::set_permissions(&path, fs::Permissions::from_mode(folder.mode() & 0o7000 | open))?;
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
