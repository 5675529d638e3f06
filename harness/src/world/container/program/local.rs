//! A program of this machine, with everything that it starts.
//!
//! It is the first of a process group, and every signal goes to all of them: `--mongod` may name a script that starts
//! mongod and waits for it. Of the environment it is given what the programs of the lane `process` are given.
//!
//! Invariant: when the handle is gone, or the exit code is told, nobody of the group runs any more.

use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid};

use super::lines::{Cutter, lines};
use crate::world::clock::WallClock;
use crate::world::process::program::{KEPT, rest};

/// How a container tells of a signal, and so do we: the signal's number on top of this.
const SIGNALS: i64 = 128;

/// How long those may take to be gone whom it had started and who were killed.
const LAST: Duration = Duration::from_secs(1);

/// A program that was started.
pub(super) struct Local {
    child: Child,
    /// Its number is its own as long as nobody has waited for it.
    group: Option<Pid>,
}

impl Local {
    /// Starts it in a folder, and comes to its lines.
    pub(super) fn start(
        program: &Path,
        words: &[String],
        folder: Option<&Path>,
    ) -> std::io::Result<(Self, Receiver<String>)> {
        let mut command = Command::new(program);
        let kept = KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        command.args(words).env_clear().envs(kept).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        let mut child = command.spawn()?;
        let ([out, err], lines) = lines();
        read(child.stdout.take(), out);
        read(child.stderr.take(), err);
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok((Local { child, group }, lines))
    }

    /// Sends a signal to all of them.
    pub(super) fn signal(&self, name: &str) {
        let signal = match name {
            "SIGTERM" => Signal::TERM,
            "SIGSTOP" => Signal::STOP,
            "SIGCONT" => Signal::CONT,
            _ => Signal::KILL,
        };
        if let Some(group) = self.group {
            // One that has ended needs none.
            let _ = kill_process_group(group, signal);
        }
    }

    /// How it has ended, as a container's program tells it. Nothing if it has not within the patience.
    pub(super) fn exit_code(&mut self, patience: Duration) -> Option<i64> {
        let clock = WallClock::real();
        // It is looked at without being waited for: so long nobody else is given its number, and those whom it has left
        // behind can be ended.
        let ended = |group| {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            !matches!(waitid(WaitId::Pid(group), options), Ok(None))
        };
        while !self.group.is_none_or(ended) {
            if clock.elapsed() > patience {
                return None;
            }
            rest();
        }
        let status = self.end()?;
        let signal = status.signal().map(|signal| SIGNALS + i64::from(signal));
        status.code().map(i64::from).or(signal)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends whoever of them still runs.
    fn end(&mut self) -> Option<std::process::ExitStatus> {
        self.signal("SIGKILL");
        let group = self.group.take();
        // Where it has no group, and else once more, which is nothing.
        let _ = self.child.kill();
        let status = self.child.wait().ok();
        // Those whom it had started are another's to wait for, and may be within a last write.
        let clock = WallClock::real();
        while group.is_some_and(|group| test_kill_process_group(group).is_ok()) && clock.elapsed() < LAST {
            rest();
        }
        status
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.end();
    }
}

fn read(from: Option<impl Read + Send + 'static>, mut into: Cutter) {
    let Some(mut from) = from else { return };
    thread::spawn(move || {
        let mut piece = [0; 8192];
        while let Ok(read @ 1..) = from.read(&mut piece) {
            into.take(&piece[..read]);
        }
    });
}
