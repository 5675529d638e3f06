//! A program that was started here: its output line by line, its end, and signals to it.
//!
//! Invariant: it is gone when its handle is, however that comes about.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::stopwatch::Stopwatch;

/// How often somebody who waits looks.
const LOOK: Duration = Duration::from_millis(5);

/// What programs are given of the environment: nothing that names a cloud, its credentials, or a proxy.
pub(crate) const KEPT: [&str; 5] = ["PATH", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "RUST_BACKTRACE"];

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    lines: Receiver<Line>,
    readers: Vec<JoinHandle<()>>,
    ended: Option<Ending>,
}

/// A line that a program has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// To its standard output.
    Out(String),
    /// To its standard error.
    Err(String),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Its exit code; none where a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
}

impl Program {
    /// Starts a program in a directory, with a clean environment.
    pub(crate) fn start(mut command: Command, directory: &Path) -> Result<Self, String> {
        let kept: Vec<_> = KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))).collect();
        let given: Vec<_> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        command.env_clear().envs(kept).envs(given).current_dir(directory);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", shown(&command)))?;
        let (send, lines) = channel();
        let mut readers = Vec::new();
        if let Some(out) = child.stdout.take() {
            readers.push(read(out, Line::Out, send.clone()));
        }
        if let Some(err) = child.stderr.take() {
            readers.push(read(err, Line::Err, send));
        }
        Ok(Program { child, lines, readers, ended: None })
    }

    /// The lines that have come since somebody asked last.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.try_iter().collect()
    }

    /// How it has ended, if it has. All its lines are there then.
    pub(crate) fn ended(&mut self) -> Option<Ending> {
        if self.ended.is_none() {
            let status = self.child.try_wait().ok()??;
            // They read to the end, which has come.
            self.readers.drain(..).for_each(|reader| drop(reader.join()));
            self.ended = Some(Ending::of(status));
        }
        self.ended
    }

    /// Waits for its end so long at most.
    pub(crate) fn wait(&mut self, patience: Duration, stopwatch: &Stopwatch) -> Option<Ending> {
        let last = stopwatch.real() + patience;
        loop {
            match self.ended() {
                None if stopwatch.real() < last => rest(),
                ended => return ended,
            }
        }
    }

    /// Sends it SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops it where it stands: SIGSTOP.
    pub(crate) fn stall(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on: SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Cuts it off, and waits until it is gone: SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.ended();
    }

    fn signal(&self, signal: Signal) {
        // Its number is its own as long as nobody has waited for its end.
        if self.ended.is_none()
            && let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ending {
    #[cfg(unix)]
    pub(crate) fn of(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        Ending { code: status.code(), signal: status.signal() }
    }

    /// Whether the program has broken down: a signal that nobody here has sent, or a panic.
    pub(crate) fn is_breakdown(self) -> bool {
        self.signal.is_some() || self.code == Some(PANIC)
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(PANIC), _) => f.write_str("it panicked"),
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}, which nobody here has sent"),
            (None, None) => f.write_str("for a reason that nobody knows"),
        }
    }
}

/// The exit code of a Rust program that panicked.
const PANIC: i32 = 101;

/// Rests a moment, so that whoever waits for a program leaves it the processor.
#[expect(clippy::disallowed_methods, reason = "real programs take real time, and tell nobody when they are done")]
pub(crate) fn rest() {
    thread::sleep(LOOK);
}

fn read(from: impl Read + Send + 'static, line: fn(String) -> Line, send: Sender<Line>) -> JoinHandle<()> {
    thread::spawn(move || {
        // Reads to the end, so that the program never waits for somebody to read what it says.
        for bytes in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let _ = send.send(line(String::from_utf8_lossy(&bytes).trim_end().to_owned()));
        }
    })
}

fn shown(command: &Command) -> String {
    format!("`{}`", Path::new(command.get_program() as &OsStr).display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Program::start(command, Path::new("/")).unwrap()
    }

    #[test]
    fn its_lines_and_its_exit_code_are_known_when_it_has_ended() {
        let mut program = shell("echo one; echo two >&2; exit 3");
        let ending = program.wait(Duration::from_secs(60), &Stopwatch::new());
        assert_eq!(ending, Some(Ending { code: Some(3), signal: None }));
        let mut lines = program.lines();
        lines.sort_by_key(|line| format!("{line:?}"));
        assert_eq!(lines, [Line::Err("two".to_owned()), Line::Out("one".to_owned())]);
    }

    #[test]
    fn who_is_cut_off_by_somebody_else_has_broken_down() {
        let mut program = shell("kill -9 $$");
        let ending = program.wait(Duration::from_secs(60), &Stopwatch::new()).unwrap();
        assert!(ending.is_breakdown());
        assert_eq!(ending.to_string(), "signal 9, which nobody here has sent");
    }

    #[test]
    fn a_program_that_hangs_is_gone_with_its_handle() {
        let program = shell("trap '' TERM; while :; do sleep 60; done");
        let pid = i32::try_from(program.child.id()).ok().and_then(Pid::from_raw).unwrap();
        program.stall();
        drop(program);
        assert!(rustix::process::test_kill_process(pid).is_err(), "it is still there");
    }

    #[test]
    fn no_credential_of_this_machine_reaches_it() {
        let mut program = shell("env");
        program.wait(Duration::from_secs(60), &Stopwatch::new());
        for line in program.lines() {
            let Line::Out(line) = line else { continue };
            let name = line.split('=').next().unwrap_or_default().to_owned();
            assert!(
                KEPT.contains(&name.as_str()) || ["PWD", "SHLVL", "_", "OLDPWD"].contains(&name.as_str()),
                "{name}"
            );
        }
    }
}
