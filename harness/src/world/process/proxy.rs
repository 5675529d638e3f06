//! `kmipProxyStandalone` as a program: its flags, its notices, its end; and its subcommand `check`.
//!
//! It is given a port that was free when the run began and that nobody else is given meanwhile, so that mongod finds it
//! at the same one after every start. Its notices come as JSON and are recorded as the terminal would have shown them.
//!
//! Invariant: what a simulation records of the proxy's starts, ends and notices is recorded here in the same words.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use kmip_proxy::kms::Class;
use kmip_proxy::operator::{LogFormat, Notice, Severity, render};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpSocket;

use super::program::{Ending, Line, Program, rest};
use super::record::Record;
use crate::trace::{ProcessState, What};

/// Its name in traces.
pub(crate) const PROXY: &str = "proxy";

/// The name of its subcommand in traces.
pub(crate) const CHECK: &str = "check";

/// The port by which runs know it.
pub(crate) const KNOWN_PORT: u16 = 5696;

/// How its headline begins when it listens.
const LISTENING: &str = "listening for KMIP on ";

/// How long it may take to listen, on a machine with other work.
const START: Duration = Duration::from_secs(20);

/// How long it may take to end in good order: longer than any request.
const STOP: Duration = Duration::from_secs(15);

/// The proxy of a run.
pub(crate) struct Proxy {
    program: PathBuf,
    /// Where it is started.
    directory: PathBuf,
    /// Holds the port while the proxy does not, so that the system gives it to nobody else.
    port: TcpSocket,
    running: Option<Running>,
    /// Why it ended without being asked to, where that is a breakdown.
    broke: Option<String>,
}

/// A start of the program.
struct Running {
    program: Program,
    host: &'static str,
    /// What it said that is no notice.
    said: Vec<String>,
    listens: bool,
}

impl Proxy {
    /// A proxy that does not run yet.
    pub(crate) fn new(program: &Path, directory: &Path, record: &Record) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("no port for the proxy: {error}");
        let port = TcpSocket::new_v4().map_err(failed)?;
        // The proxy binds the same one, which two sockets may as long as one of them listens to nothing.
        port.set_reuseaddr(true).map_err(failed)?;
        port.bind(SocketAddr::from(([127, 0, 0, 1], 0))).map_err(failed)?;
        let proxy =
            Proxy { program: program.to_owned(), directory: directory.to_owned(), port, running: None, broke: None };
        record.rename(format!(":{}", proxy.port()?), format!(":{KNOWN_PORT}"));
        Ok(proxy)
    }

    /// Where it serves.
    pub(crate) fn port(&self) -> Result<u16, String> {
        self.port.local_addr().map(|address| address.port()).map_err(|error| format!("no port for the proxy: {error}"))
    }

    /// Starts it, and waits until it listens or has ended. One that runs is stopped first.
    pub(crate) fn start(&mut self, flags: &[OsString], record: &Record) -> Result<(), String> {
        self.stop(record);
        let mut command = Command::new(&self.program);
        command.args(flags).args(["--kmip-port", &self.port()?.to_string()]);
        record.process(PROXY, ProcessState::Started, None);
        let program = Program::start(command, &self.directory)?;
        self.running = Some(Running { program, host: PROXY, said: Vec::new(), listens: false });
        let last = record.stopwatch().real() + START;
        loop {
            self.look(record);
            match &self.running {
                Some(running) if !running.listens && record.stopwatch().real() < last => rest(),
                Some(running) if !running.listens => return Err(format!("the proxy does not listen after {START:?}")),
                _ => return Ok(()),
            }
        }
    }

    /// Stops it in good order, if it runs.
    pub(crate) fn stop(&mut self, record: &Record) {
        self.look(record);
        let Some(mut running) = self.running.take() else { return };
        // Who hangs hears nothing.
        running.program.resume();
        running.program.terminate();
        match running.program.wait(STOP, record.stopwatch()) {
            Some(ending) if ending.is_breakdown() => {
                self.broke = Some(format!("the proxy was told to stop, and broke down: {ending}"));
            }
            Some(_) => {}
            None => {
                self.broke = Some(format!("the proxy did not end within {} s of SIGTERM", STOP.as_secs()));
                running.program.kill();
            }
        }
        running.hear(record);
        record.process(PROXY, ProcessState::Stopped, None);
    }

    /// Cuts it off, if it runs.
    pub(crate) fn crash(&mut self, record: &Record) {
        self.look(record);
        // Before it is: whoever notices notices later.
        record.process(PROXY, ProcessState::Crashed, None);
        if let Some(mut running) = self.running.take() {
            running.program.kill();
            running.hear(record);
        }
    }

    /// Lets it hang.
    pub(crate) fn stall(&self) {
        self.running.iter().for_each(|running| running.program.stall());
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.running.iter().for_each(|running| running.program.resume());
    }

    /// Whether it runs.
    pub(crate) fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// Why nothing more can be said of it: it broke down without anybody's doing.
    pub(crate) fn broke(&self) -> Option<&str> {
        self.broke.as_deref()
    }

    /// Records what it has said since somebody looked last, and its end, if it has come.
    pub(crate) fn look(&mut self, record: &Record) {
        let Some(running) = &mut self.running else { return };
        running.hear(record);
        if let Some(ending) = running.program.ended() {
            running.hear(record);
            let why = running.last_words(ending);
            if ending.is_breakdown() {
                self.broke = Some(format!("the proxy ended by itself: {ending}"));
            }
            record.process(PROXY, ProcessState::Exited, Some(why));
            self.running = None;
        }
    }
}

impl Running {
    /// Records the notices that have come.
    fn hear(&mut self, record: &Record) {
        for line in self.program.lines() {
            let line = match line {
                Line::Err(line) => line,
                Line::Out(line) => {
                    record.search(self.host, &line);
                    continue;
                }
            };
            match notice(&line) {
                Some((date, told, headline)) => {
                    self.listens |= headline.starts_with(LISTENING);
                    record.told(self.host, date.unwrap_or_else(|| record.stopwatch().date()), told);
                }
                None => {
                    record.search(self.host, &line);
                    self.said.push(line);
                }
            }
        }
    }

    /// What it says when it ends, as its `StartError` says it.
    fn last_words(&self, ending: Ending) -> String {
        match self.said.last().map(|line| line.strip_prefix("error: ").unwrap_or(line)) {
            Some(line) if !ending.is_breakdown() => line.to_owned(),
            _ if ending.code == Some(0) => "told to stop".to_owned(),
            _ => ending.to_string(),
        }
    }
}

/// One run of `kmipProxyStandalone check`.
pub(crate) struct Check {
    running: Running,
    /// How many keys it has told of, and how many of them open.
    keys: (usize, usize),
}

impl Check {
    /// Begins it, with the flags of the proxy.
    pub(crate) fn start(program: &Path, directory: &Path, flags: &[OsString], record: &Record) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.arg(OsStr::new("check")).args(flags);
        record.process(CHECK, ProcessState::Started, None);
        let program = Program::start(command, directory)?;
        Ok(Check { running: Running { program, host: CHECK, said: Vec::new(), listens: false }, keys: (0, 0) })
    }

    /// Records what it has said; whether it is over. The error says how it broke down.
    pub(crate) fn look(&mut self, record: &Record) -> Result<bool, String> {
        let ending = self.running.program.ended();
        let lines = self.running.program.lines();
        for line in &lines {
            match line {
                Line::Out(line) => {
                    record.search(CHECK, line);
                    let Ok(verdict) = serde_json::from_str::<Value>(line) else { continue };
                    self.keys.0 += 1;
                    self.keys.1 += usize::from(verdict["opens"] == true);
                }
                Line::Err(line) => match notice(line) {
                    Some((date, told, _)) => {
                        record.told(CHECK, date.unwrap_or_else(|| record.stopwatch().date()), told)
                    }
                    None => {
                        record.search(CHECK, line);
                        self.running.said.push(line.clone());
                    }
                },
            }
        }
        let Some(ending) = ending else { return Ok(false) };
        if ending.is_breakdown() {
            return Err(format!("`check` ended by itself: {ending}"));
        }
        let (keys, open) = self.keys;
        // Where there is no key to check, the program says so, and the library counts none.
        let none = self.running.said.iter().any(|line| line.contains("no key to check"));
        let why =
            if keys > 0 || none { format!("{open} of {keys} keys open") } else { self.running.last_words(ending) };
        record.process(CHECK, ProcessState::Exited, Some(why));
        Ok(true)
    }
}

/// A line of JSON as what the operator is told: its date, the event, and the headline.
fn notice(line: &str) -> Option<(Option<SystemTime>, What, String)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let severity = [Severity::Information, Severity::Warning, Severity::Error];
    let severity = severity.into_iter().find(|severity| value["severity"] == severity.as_str())?;
    let class = text("class");
    let headline = text("headline")?;
    let notice = Notice {
        class: Class::ALL.iter().copied().find(|known| Some(known.code()) == class.as_deref()),
        severity,
        key: text("key"),
        headline: headline.clone(),
        text: text("text")?,
        details: Vec::new(),
    };
    let date = text("time").and_then(|time| OffsetDateTime::parse(&time, &Rfc3339).ok()).map(SystemTime::from);
    // The text form is not dated.
    let text = render(&notice, LogFormat::Text, SystemTime::UNIX_EPOCH);
    Some((date, What::Operator { class, key: notice.key, text }, headline))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_in_json_becomes_what_the_terminal_shows() {
        let told = Notice {
            class: Some(Class::KeyDisabled),
            severity: Severity::Error,
            key: Some("k1".to_owned()),
            headline: "the CMK is \u{1b}disabled".to_owned(),
            text: "cause  somebody\n\nnext   enable it".to_owned(),
            details: vec![("cause", "somebody".to_owned())],
        };
        let line = render(&told, LogFormat::Json, SystemTime::UNIX_EPOCH + Duration::from_millis(1500));
        let (date, what, _) = notice(&line).unwrap();
        assert_eq!(date, Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)));
        let text = render(&told, LogFormat::Text, SystemTime::UNIX_EPOCH);
        let expected =
            What::Operator { class: Some("key-disabled".to_owned()), key: Some("k1".to_owned()), text: text.clone() };
        assert_eq!(what, expected, "{text}");
        assert_eq!(notice("error: 127.0.0.1:5696 is taken"), None);
    }
}

#[cfg(test)]
mod real_proxy {
    use std::net::TcpListener;

    use super::super::stopwatch::Stopwatch;
    use super::*;
    use crate::trace::Event;

    /// What the proxy of a new record says at its end, started with these flags, after something was done.
    fn ended(flags: &[&str], first: impl FnOnce(&Proxy)) -> Option<(Vec<Event>, String)> {
        let tests = std::env::current_exe().unwrap();
        let program = tests.ancestors().nth(2).unwrap().join("kmipProxyStandalone");
        if !program.is_file() {
            println!("skipped: `{}` is not built; `cargo build` builds it", program.display());
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let record = Record::new(&[7; 32], Stopwatch::new());
        let mut proxy = Proxy::new(&program, folder.path(), &record).unwrap();
        first(&proxy);
        let dbpath = folder.path().join("db");
        std::fs::create_dir(&dbpath).unwrap();
        let common = ["--cloud-provider", "local", "--log-format", "json"].map(OsString::from);
        let mut arguments = common.to_vec();
        arguments.extend(flags.iter().map(OsString::from));
        if !flags.contains(&"--dbpath") {
            arguments.extend(["--dbpath".into(), dbpath.into_os_string()]);
        }
        proxy.start(&arguments, &record).unwrap();
        assert!(!proxy.runs() && proxy.broke().is_none(), "it has ended in good order");
        let events = record.events();
        let why = events.iter().find_map(|event| match &event.what {
            What::Process { state: ProcessState::Exited, why } => why.clone(),
            _ => None,
        });
        Some((events, why.unwrap()))
    }

    #[test]
    fn a_port_that_somebody_else_has_taken_is_told_in_the_words_of_the_program() {
        let mut listener = None;
        let taken = |proxy: &Proxy| listener = Some(TcpListener::bind(("127.0.0.1", proxy.port().unwrap())).unwrap());
        let Some((_, why)) = ended(&[], taken) else { return };
        assert!(why.starts_with("127.0.0.1:5696 is taken: another proxy, or another program, listens there"), "{why}");
        drop(listener);
    }

    #[test]
    fn a_dbpath_that_does_not_serve_is_told_in_the_words_of_the_program() {
        let Some((_, why)) = ended(&["--dbpath", "/dev/null"], |_| {}) else { return };
        assert!(why.contains("-dbpath must name mongod's data directory"), "{why}");
    }
}
