//! A program that stands where mongod stands: in a container, or on this machine. One face for both.
//!
//! A start goes in this order: the dbpath is made the program's own, the log is attached, the program begins, and its
//! lines arrive until it has ended. Nobody waits for it here: a mongod that hangs is something to look at.
//!
//! Invariant: dropping a [`Running`] ends the program and removes its container, whatever state it is in.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use testcontainers::core::Mount;
use testcontainers::core::logs::LogFrame;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _};

use super::engine::{Engine, EngineError, Image, OWNER, PATIENCE, chain};
use super::image::{Kind, Source, kind};
use super::options::Spelling;
use super::owner;
use super::probe::Bytes;

/// How long a program may take to say its version.
const VERSION: Duration = Duration::from_secs(20);

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
    Local { bytes: String },
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
    Local(Child),
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
    /// Finds a program and asks it for its version; containers want an engine for that.
    pub fn find(source: &Source, engine: Option<&Result<Engine, EngineError>>) -> Result<Self, ProgramError> {
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
                let bytes = fs::read(path).map_err(|error| no_program(path, &error))?;
                Form::Local { bytes: super::home_made::sha256(&bytes) }
            }
        };
        let mut program = Program { source: source.clone(), kind: Kind::Community, version: String::new(), form };
        let mut running = program.run(&["--version".to_owned()], None)?;
        program.version = running.all(VERSION).join("\n");
        if running.next(Duration::ZERO) != Next::Over {
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
            Form::Local { bytes } => Bytes::Program(bytes.clone()),
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
            (Form::Local { .. }, source) => local(&source.name(), words),
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

    /// All lines to the end, or until nothing has come for as long as `patience`.
    pub fn all(&mut self, patience: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        while let Next::Line(line) = self.next(patience) {
            lines.push(line);
        }
        lines
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
            Held::Local(child) => {
                // One that was waited for has no number any more.
                if matches!(child.try_wait(), Ok(None)) {
                    let _ = Command::new("kill").args(["-s", &name[3..], &child.id().to_string()]).status();
                }
                Ok(())
            }
        }
    }

    /// How it has ended, once its log is over. Nothing where a signal ended it.
    pub fn exit_code(&mut self) -> Result<Option<i64>, EngineError> {
        match &mut self.held {
            Held::Container(container) => container.engine.exit_code(&container.name).map(Some),
            Held::Local(child) => Ok(child.wait().ok().and_then(|status| status.code()).map(i64::from)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Held::Local(child) = &mut self.held {
            // One that has ended already is what was wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.held {
            Held::Container(container) => write!(f, "Running({})", container.name),
            Held::Local(child) => write!(f, "Running({})", child.id()),
        }
    }
}

/// Cuts what a program writes into lines.
#[derive(Debug)]
struct Cutter {
    rest: Vec<u8>,
    lines: Sender<String>,
}

impl Cutter {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' { self.cut() } else { self.rest.push(*byte) }
        }
    }

    fn cut(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.rest)).trim_end().to_owned();
        // Whoever listened is gone.
        let _ = self.lines.send(line);
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        if !self.rest.is_empty() {
            self.cut();
        }
    }
}

fn no_program(path: &Path, error: &std::io::Error) -> ProgramError {
    ProgramError::NoProgram(path.display().to_string(), error.to_string())
}

fn local(program: &str, words: &[String]) -> Result<Running, ProgramError> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| no_program(Path::new(program), &error))?;
    let (send, lines) = channel();
    let read = |from: Option<Box<dyn Read + Send>>| {
        let send = send.clone();
        let lines = from.into_iter().flat_map(|from| BufReader::new(from).split(b'\n')).map_while(Result::ok);
        thread::spawn(move || {
            for line in lines {
                let _ = send.send(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        });
    };
    read(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    read(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    Ok(Running { lines, held: Held::Local(child) })
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
    let (send, lines) = channel();
    let cutters =
        Mutex::new([Cutter { rest: Vec::new(), lines: send.clone() }, Cutter { rest: Vec::new(), lines: send }]);
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
