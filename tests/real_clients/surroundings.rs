//! What `cargo xtask clients` has set up, and the programs that a test starts from it.
//!
//! Invariant: what is set up must work. Only what is not there is skipped, and a line says so.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::process::{PATIENCE, to_the_end};

/// Python with the packages on the list.
pub(super) struct Python(PathBuf);

impl Python {
    /// `None`, and a printed reason, where it is not set up as the list has it now.
    pub(super) fn at_hand() -> Option<Self> {
        let list = include_str!("requirements.txt");
        set_up("requirements.txt", list).map(|folder| Python(folder.join("venv/bin/python")))
    }

    /// A script of ours, with none of this machine's settings for AWS and web proxies.
    fn script(&self, name: &str, arguments: &[&str]) -> Command {
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real_clients/scripts");
        let mut command = Command::new(&self.0);
        command.arg("-B").arg(format!("{scripts}/{name}.py")).args(arguments).stdin(Stdio::null());
        command
            .env("NO_PROXY", "*")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command
    }

    /// Runs a script to its end, and gives the lines that it printed.
    pub(super) fn run(&self, name: &str, arguments: &[&str]) -> Vec<Value> {
        let (code, out, error) = to_the_end(self.script(name, arguments));
        assert_eq!(code, Some(0), "{name} {arguments:?} ended early:\n{out}{error}");
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts a script that serves until it is dropped, and gives the line that it prints when it is ready.
    pub(super) fn serve(&self, name: &str) -> (Server, Value) {
        let mut command = self.script(name, &[]);
        command.stdin(Stdio::piped());
        let server = Server::start(command);
        let line = server.line("");
        (server, serde_json::from_str(&line).unwrap())
    }
}

/// The program mongod; `None`, and a printed reason, where it is not set up.
pub(super) fn mongod() -> Option<PathBuf> {
    set_up("mongod.txt", include_str!("mongod.txt")).map(|folder| folder.join("mongod/fiftyone/db/bin/mongod"))
}

/// The folder of what is set up, if a part is there as listed.
fn set_up(part: &str, list: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("real-clients");
    let there = std::fs::read_to_string(folder.join(part)).is_ok_and(|made| made == list);
    if !there {
        let required = std::env::var("REAL_CLIENTS").is_ok_and(|value| value == "required");
        assert!(!required, "REAL_CLIENTS=required, and {part} is not set up as listed: `cargo xtask clients`");
        eprintln!("skipped: {part} is not set up as listed; `cargo xtask clients` sets it up, or says why it cannot");
    }
    there.then_some(folder)
}

/// A program that serves. It is killed when dropped.
pub(super) struct Server {
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (send, lines) = channel();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || while stdout.next().is_some_and(|line| send.send(line.unwrap()).is_ok()) {});
        Server { child, lines }
    }

    /// The next line on standard output that holds a text.
    pub(super) fn line(&self, wanted: &str) -> String {
        let mut said = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if line.contains(wanted) {
                return line;
            }
            said.push(line);
        }
        panic!("no line says {wanted:?} after {said:#?}");
    }

    /// Ends it in good order.
    pub(super) fn terminate(mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        // It closes its output when it ends, which a hanging program never does.
        while self.lines.recv_timeout(PATIENCE).is_ok() {}
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
