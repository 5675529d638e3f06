//! A program that is started and surely ended, with its output line by line.
//!
//! It has a process group of its own, so that whatever it starts ends with it. A thread reads its output and hands over
//! each line, and at last that there will be none. Its errors are lines as well, where they are piped.
//!
//! Invariant: when the value is dropped, the process is gone and was waited for, and nobody of its group is left, however
//! it came to its end.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long a program has that is to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// How long those who were cut off may take to be gone.
const FAREWELL: Duration = Duration::from_millis(500);

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
    /// Its group, and itself.
    group: Option<Pid>,
    /// How it has ended, once that is known.
    status: Option<ExitStatus>,
    /// Whether nobody of its group is left. Its number may be another's then.
    over: bool,
}

impl Child {
    /// Starts a program; `hear` is given its output, on a thread of its own.
    pub(crate) fn start(mut command: Command, hear: impl FnMut(Output) + Send + 'static) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.process_group(0).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| format!("cannot start `{name}`: {error}"))?;
        let hear = Arc::new(Mutex::new(hear));
        let complaints = process.stderr.take().map(|stderr| {
            let hear = hear.clone();
            thread::spawn(move || read(stderr, &hear))
        });
        let stdout = process.stdout.take();
        thread::spawn(move || {
            stdout.into_iter().for_each(|stdout| read(stdout, &hear));
            // One that has panicked has nothing more to say.
            let _ = complaints.map(thread::JoinHandle::join);
            tell(&hear, Output::End);
        });
        let group = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        Ok(Child { process, name, group, status: None, over: false })
    }

    /// Its number.
    #[cfg(test)]
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

    /// How it has ended, once it has closed its output; whoever goes on without is cut off.
    pub(crate) fn ended(&mut self) -> Result<ExitStatus, String> {
        if !self.has_ended_within(GRACE) {
            return Err(format!("`{}` has closed its output and does not end", self.name));
        }
        self.kill();
        self.status.ok_or_else(|| format!("cannot wait for `{}`", self.name))
    }

    /// Closes its standard input and waits until it ends by itself; whoever takes long is cut off.
    pub(crate) fn end(&mut self) {
        drop(self.process.stdin.take());
        self.has_ended_within(GRACE);
        self.kill();
    }

    /// Asks it to end with everything that it has started, as SIGTERM does; whoever takes long is cut off.
    pub(crate) fn terminate(&mut self) {
        self.signal(Signal::TERM);
        if self.has_ended_within(GRACE) {
            // A shell may be gone at once, and what it has started still has its files to close.
            self.nobody_is_left_within(GRACE);
        }
        self.kill();
    }

    /// Stops it where it stands, as SIGSTOP does.
    pub(crate) fn stall(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Cuts it off with everything that it has started.
    pub(crate) fn kill(&mut self) {
        if self.over {
            return;
        }
        self.signal(Signal::KILL);
        if self.status.is_none() {
            let _ = self.process.kill();
            self.status = self.process.wait().ok();
        }
        // They are no children of ours, so that nobody tells when they are gone.
        self.nobody_is_left_within(FAREWELL);
        self.over = true;
    }

    fn has_ended_within(&mut self, patience: Duration) -> bool {
        within(patience, || {
            self.status = self.status.or_else(|| self.process.try_wait().ok().flatten());
            self.status.is_some()
        })
    }

    /// Only after its own end was waited for: until then it is itself of its group.
    fn nobody_is_left_within(&mut self, patience: Duration) {
        let Some(group) = self.group else { return };
        self.over |= within(patience, || test_kill_process_group(group).is_err());
    }

    fn signal(&self, signal: Signal) {
        // As long as anybody is left the number is theirs.
        if let Some(group) = self.group.filter(|_| !self.over) {
            let _ = kill_process_group(group, signal);
        }
    }
}

/// Looks again and again.
#[expect(clippy::disallowed_methods, reason = "nothing tells of the end of a process but asking for it")]
fn within(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    for _ in 0..patience.as_millis() / STEP.as_millis() {
        if is_so() {
            return true;
        }
        thread::sleep(STEP);
    }
    is_so()
}

/// Hands over each line, whatever is in it.
fn read(from: impl Read, hear: &Mutex<impl FnMut(Output)>) {
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        tell(hear, Output::Line(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()));
    }
}

fn tell(hear: &Mutex<impl FnMut(Output)>, output: Output) {
    let mut hear = hear.lock().unwrap_or_else(PoisonError::into_inner);
    (*hear)(output);
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use rustix::process::test_kill_process;

    use super::*;

    /// A shell that starts something which outlives it, and says its number.
    fn shell(script: &str) -> (Child, Receiver<Output>, Pid) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let (send, heard) = channel();
        let child = Child::start(command, move |output| drop(send.send(output))).unwrap();
        let Output::Line(line) = heard.recv().unwrap() else { panic!("it says nothing") };
        let pid = Pid::from_raw(line.parse().unwrap()).unwrap();
        assert!(test_kill_process(pid).is_ok());
        (child, heard, pid)
    }

    /// Whether a process is there that is not just a name on a list.
    fn runs(pid: Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
    }

    #[test]
    fn whatever_a_program_has_started_ends_with_it_however_it_ends() {
        let outlives = "sleep 1000 >/dev/null 2>&1 & echo $!;";
        let (mut stopped, _heard, pid) = shell(&format!("{outlives} wait"));
        stopped.terminate();
        assert!(!runs(pid), "it was told to stop");
        let (mut closed, _heard, pid) = shell(&format!("{outlives} read line"));
        closed.end();
        assert!(!runs(pid), "it has ended by itself");
        let (mut over, heard, pid) = shell(&format!("{outlives} exit 3"));
        assert_eq!(heard.recv(), Ok(Output::End));
        assert_eq!(over.ended().unwrap().code(), Some(3));
        assert!(!runs(pid), "it was waited for");
        let (dropped, _heard, pid) = shell(&format!("trap '' TERM; {outlives} wait"));
        drop(dropped);
        assert!(!runs(pid), "it was dropped");
    }

    #[test]
    fn what_a_shell_has_started_may_close_its_files_before_it_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("closed");
        let closes = format!("trap \"touch {}; exit\" TERM; echo $$; sleep 1000 & wait", mark.display());
        let (mut child, _heard, _) = shell(&format!("sh -c '{closes}' & wait"));
        child.terminate();
        assert!(mark.exists());
    }

    #[test]
    fn errors_are_lines_too_and_no_byte_ends_them() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "printf 'a\\377b\\n' >&2"]).stderr(Stdio::piped());
        let (send, heard) = channel();
        let mut child = Child::start(command, move |output| drop(send.send(output))).unwrap();
        assert_eq!(heard.iter().collect::<Vec<_>>(), [Output::Line("a\u{fffd}b".to_owned()), Output::End]);
        assert!(child.ended().unwrap().success());
    }
}
