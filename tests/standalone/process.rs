//! A dbpath in a temporary directory, and the program at work in it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a test waits for anything that should come at once. Generous: the machine may be busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// mongod's data directory.
pub(super) struct Dbpath(TempDir);

impl Dbpath {
    /// An empty directory.
    pub(super) fn empty() -> Self {
        Dbpath(tempfile::tempdir().unwrap())
    }

    /// One for the provider `local`, with a wrapping key and the metadata that name it.
    pub(super) fn local() -> Self {
        let dbpath = Dbpath::empty();
        dbpath.write("local.key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
        dbpath.write("cloudProviderCredentials/first.local.metadata", r#"{"keyFile": "local.key"}"#);
        dbpath
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    /// The names of all files, with their folders.
    pub(super) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(self.path()).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found
    }

    /// The permissions of a file, as three octal digits show them.
    pub(super) fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(self.path().join(name)).unwrap().permissions().mode() & 0o777
    }

    /// The program, with this directory as its own and none of this machine's AWS settings.
    pub(super) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kmipProxyStandalone"));
        command.current_dir(self.path()).args(arguments).stdin(Stdio::null());
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"] {
            command.env_remove(name);
        }
        command
    }

    /// Starts a proxy for this directory and a provider, on a port that the system chooses.
    pub(super) fn serve(&self, provider: &str) -> Proxy {
        self.serve_with(provider, &[])
    }

    /// The same, with further flags.
    pub(super) fn serve_with(&self, provider: &str, further: &[&str]) -> Proxy {
        let dbpath = self.path().to_str().unwrap();
        let flags = ["-cloudProvider", provider, "-dbpath", dbpath, "-kmipPort", "0", "-mongodPort", "27018"];
        Proxy::start(self.program(&[&flags, further].concat()))
    }

    /// Runs the program to its end: exit code, standard output, standard error.
    pub(super) fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        to_the_end(self.program(arguments))
    }
}

/// Runs a program to its end: exit code, standard output (little of it), standard error.
pub(super) fn to_the_end(mut command: Command) -> (Option<i32>, String, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = lines(&mut child);
    let (status, error) = end(&mut child, &lines, PATIENCE);
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    (status.code(), out, error.iter().map(|line| format!("{line}\n")).collect())
}

/// A proxy that listens. It is killed when dropped.
pub(super) struct Proxy {
    child: Child,
    lines: Receiver<String>,
    pub(super) port: u16,
    /// What it said when it started.
    pub(super) greeting: Vec<String>,
}

impl Proxy {
    fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = lines(&mut child);
        let mut proxy = Proxy { child, lines, port: 0, greeting: Vec::new() };
        // The last line of a start.
        while !proxy.greeting.last().is_some_and(|line| line.contains("activateKeys: false")) {
            let line = proxy.line();
            if let Some((_, port)) = line.split_once("listening for KMIP on 127.0.0.1:") {
                let digits = port.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(port.len());
                proxy.port = port[..digits].parse().unwrap();
            }
            proxy.greeting.push(line);
        }
        assert_ne!(proxy.port, 0, "{:#?}", proxy.greeting);
        proxy
    }

    /// The next line on standard error.
    pub(super) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("no line comes after {:#?}", self.greeting),
            Err(RecvTimeoutError::Disconnected) => {
                panic!("it ended with {:?} after {:#?}", self.child.wait(), self.greeting)
            }
        }
    }

    /// The most memory that it ever had, in bytes (`VmHWM`, proc(5)).
    pub(super) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Sends SIGTERM.
    pub(super) fn terminate(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The exit code, within a time, and what was said on standard error since the start.
    pub(super) fn ended(&mut self, within: Duration) -> (Option<i32>, Vec<String>) {
        let (status, said) = end(&mut self.child, &self.lines, within);
        (status.code(), said)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines on standard error as they come.
fn lines(child: &mut Child) -> Receiver<String> {
    let (send, lines) = channel();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    std::thread::spawn(move || while stderr.next().is_some_and(|line| send.send(line.unwrap()).is_ok()) {});
    lines
}

/// Waits for the end of a process, which closes its standard error, and returns what was said there until then.
fn end(child: &mut Child, lines: &Receiver<String>, within: Duration) -> (ExitStatus, Vec<String>) {
    let begun = Instant::now();
    let mut said = Vec::new();
    loop {
        match lines.recv_timeout(within.saturating_sub(begun.elapsed())) {
            Ok(line) => said.push(line),
            Err(RecvTimeoutError::Disconnected) => return (child.wait().unwrap(), said),
            Err(RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                panic!("the program does not end after {said:#?}");
            }
        }
    }
}
