//! A program that is started and surely ended, with its output line by line.
//!
//! It has a process group of its own, so that whatever it starts ends with it. A thread reads its output and hands over
//! each line, and at last that there will be none.
//!
//! Invariant: when the value is dropped, the process is gone and was waited for.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// How long a program has that is to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// How often it is looked at meanwhile.
const STEP: Duration = Duration::from_millis(10);

/// What a program has put out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A line on standard output.
    Line(String),
    /// Its standard output is closed.
    End,
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    name: String,
    over: bool,
}

impl Child {
    /// Starts a program; `hear` is given its output, on a thread of its own.
    pub(crate) fn start(mut command: Command, hear: impl FnMut(Output) + Send + 'static) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.process_group(0).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("cannot start `{name}`: {error}"))?;
        let stdout = process.stdout.take();
        let mut hear = hear;
        thread::spawn(move || {
            for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
                match line {
                    Ok(line) => hear(Output::Line(line)),
                    Err(_) => break,
                }
            }
            hear(Output::End);
        });
        Ok(Child { process, name, over: false })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Writes a line to its standard input.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), String> {
        let name = &self.name;
        let stdin = self.process.stdin.as_mut().ok_or_else(|| format!("`{name}` takes no orders"))?;
        let told = stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush());
        told.map_err(|error| format!("`{name}` takes no orders: {error}"))
    }

    /// How it has ended, once it has closed its output.
    pub(crate) fn ended(&mut self) -> Result<ExitStatus, String> {
        let status = self.process.wait().map_err(|error| format!("cannot wait for `{}`: {error}", self.name))?;
        self.over = true;
        Ok(status)
    }

    /// Closes its standard input and waits until it ends by itself; whoever takes long is cut off.
    pub(crate) fn end(&mut self) {
        drop(self.process.stdin.take());
        self.await_end();
    }

    /// Asks it to end, as SIGTERM does; whoever takes long is cut off.
    pub(crate) fn terminate(&mut self) {
        self.signal("-TERM");
        self.await_end();
    }

    /// Stops it where it stands, as SIGSTOP does.
    pub(crate) fn stall(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        // One that was waited for has no number any more.
        if !self.over {
            let _ = Command::new("kill").args([signal, &self.id().to_string()]).stderr(Stdio::null()).status();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "nothing tells of the end of a process but asking for it")]
    fn await_end(&mut self) {
        for _ in 0..GRACE.as_millis() / STEP.as_millis() {
            if let Ok(Some(_)) = self.process.try_wait() {
                self.over = true;
                return;
            }
            thread::sleep(STEP);
        }
        self.kill();
    }

    /// Cuts it off with everything that it has started.
    pub(crate) fn kill(&mut self) {
        if self.over {
            return;
        }
        // Whoever is in its group, and then itself where there is no such program.
        let group = format!("-{}", self.process.id());
        let sent = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        if !sent.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.ended();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
