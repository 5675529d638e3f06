//! The programs that these tests start, and what they say.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long anything may take. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// The last words of the card.
const LAST: &str = "Ctrl-C ends it.";

/// What a program did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) told: String,
}

/// Runs a program to its end.
pub(super) fn run(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), told: text(output.stderr) }
}

pub(super) fn kmiplab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmiplab"));
    command.args(arguments);
    command
}

/// `kmiplab serve` at work. It is killed when dropped.
pub(super) struct Served {
    child: Child,
    told: Receiver<String>,
    /// What it has printed.
    pub(super) card: String,
}

impl Served {
    /// Starts it on a port that the system chooses.
    pub(super) fn start(cloud: &str, further: &[&str]) -> Self {
        let arguments = [&["serve", cloud, "--port", "0"][..], further].concat();
        let mut child =
            kmiplab(&arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let told = lines(child.stderr.take().unwrap());
        let out = lines(child.stdout.take().unwrap());
        let mut served = Served { child, told, card: String::new() };
        while !served.card.contains(LAST) {
            let line = out.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no more after:\n{}{:?}", served.card, served.told.try_recv()));
            served.card += &line;
            served.card.push('\n');
        }
        served
    }

    /// The address in its first line.
    pub(super) fn url(&self) -> &str {
        self.card.lines().next().and_then(|line| line.rsplit(' ').next()).expect("it says where it is")
    }

    pub(super) fn address(&self) -> SocketAddr {
        let at = self.url().split_once("://").expect("it is a URL").1.replace("localhost", "127.0.0.1");
        at.parse().unwrap()
    }

    /// What stands in the row of that name.
    pub(super) fn row(&self, name: &str) -> &str {
        let rows = self.card.lines().filter_map(|line| line.strip_prefix("  ")?.strip_prefix(name));
        let mut rows = rows.filter(|rest| rest.starts_with("  ")).map(str::trim);
        rows.next().unwrap_or_else(|| panic!("no row `{name}` in\n{}", self.card))
    }

    /// The flags of the command line that it proposes for the proxy, with another dbpath.
    pub(super) fn flags(&self, dbpath: &Path) -> Vec<String> {
        let from = self.card.find("kmipProxyStandalone").expect("it proposes one");
        let proposed = self.card[from..].split("\n\n").next().unwrap_or_default().replace("\\\n", " ");
        let words = proposed.split_whitespace().skip(1);
        words.map(|word| if word == "DIR" { dbpath.display().to_string() } else { word.to_owned() }).collect()
    }

    /// Waits for a line on standard error.
    pub(super) fn told(&self) -> String {
        self.told.recv_timeout(PATIENCE).expect("it says something")
    }

    /// Sends it a signal, and gives its exit code and what else it said.
    pub(super) fn end(mut self, signal: &str) -> (Option<i32>, Vec<String>) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        // Its end is the end of its standard error.
        let mut rest = Vec::new();
        while let Ok(line) = self.told.recv_timeout(PATIENCE) {
            rest.push(line);
        }
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// `GET` of a path, as plain as can be.
pub(super) fn get(at: SocketAddr, path: &str) -> String {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    heard
}

/// The proxy from the same build; `None`, and a printed reason, where it was not built.
pub(super) fn proxy() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_kmiplab")).with_file_name("kmipProxyStandalone");
    if !program.is_file() {
        println!("skipped: kmipProxyStandalone is not built; `cargo build` builds it");
        return None;
    }
    Some(program)
}

/// Python with boto3; `None`, and a printed reason, where it is not set up.
pub(super) fn python() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("real-clients");
    let list = include_str!("../../../tests/real_clients/requirements.txt");
    if std::fs::read_to_string(folder.join("requirements.txt")).is_ok_and(|made| made == list) {
        return Some(folder.join("venv/bin/python"));
    }
    let required = std::env::var("REAL_CLIENTS").is_ok_and(|value| value == "required");
    assert!(!required, "REAL_CLIENTS=required, and boto3 is not set up as listed: `cargo xtask clients`");
    println!("skipped: boto3 is not set up as listed; `cargo xtask clients` sets it up, or says why it cannot");
    None
}
