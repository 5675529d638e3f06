//! A community mongod with a folder of its own.
//!
//! It listens at a socket in that folder and on no port, so that none can be taken. What it has written survives its
//! being killed, and is gone with the folder.
//!
//! Invariant: a mongod that does not come up is an error that quotes what it said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Child, Output};

/// How long it may take to come up, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(40);

/// A database that is kept for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Community {
    folder: TempDir,
    program: PathBuf,
    process: Option<Child>,
}

impl Community {
    /// A new, empty database.
    pub(crate) fn start(program: &Path) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("kmiplab-mongod-").tempdir();
        let folder = folder.map_err(|error| format!("cannot make a folder for mongod: {error}"))?;
        std::fs::create_dir(folder.path().join("db")).map_err(|error| format!("cannot make its dbpath: {error}"))?;
        let mut database = Community { folder, program: program.to_owned(), process: None };
        database.resume()?;
        Ok(database)
    }

    /// Cuts it off, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it if it does not run, and waits until it serves.
    pub(crate) fn resume(&mut self) -> Result<(), String> {
        if self.process.is_some() {
            return Ok(());
        }
        let mut command = Command::new(&self.program);
        command.arg("--dbpath").arg(self.folder.path().join("db"));
        command.arg("--bind_ip").arg(self.socket()).arg("--unixSocketPrefix").arg(self.folder.path());
        command.args(["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let (send, lines) = channel();
        let process = Child::start(command, move |output| {
            // Once it serves, nobody listens any more.
            let _ = send.send(output);
        })?;
        let mut said = Vec::new();
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(Output::Line(line)) if line.contains("Waiting for connections") => break,
                Ok(Output::Line(line)) => said.push(line),
                Ok(Output::End) | Err(RecvTimeoutError::Disconnected) => return Err(fate("ended", &said)),
                Err(RecvTimeoutError::Timeout) => return Err(fate("does not come up", &said)),
            }
        }
        self.process = Some(process);
        Ok(())
    }

    /// The number of its process, while it runs.
    #[cfg(test)]
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Where it keeps everything.
    #[cfg(test)]
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The connection string.
    pub(crate) fn uri(&self) -> String {
        let socket = self.socket().display().to_string().replace('%', "%25").replace('/', "%2F");
        format!("mongodb://{socket}/?directConnection=true")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("mongod.sock")
    }
}

fn fate(what: &str, said: &[String]) -> String {
    let last = said.iter().rev().take(3).rev().map(String::as_str).collect::<Vec<_>>().join(" | ");
    format!("mongod {what}; its last lines: {last}")
}

impl Drop for Community {
    fn drop(&mut self) {
        // Before its folder goes.
        self.process = None;
    }
}
