//! A place for one run of the program in a lane with a driver: a folder for temporary files of its own, which must be empty
//! in the end, as must be the list of processes that name it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A place for one run of the program in a lane.
pub(crate) struct Place {
    lane: &'static str,
    folder: TempDir,
}

impl Place {
    /// `None`, and a printed reason, where pymongo and mongod are not set up.
    pub(crate) fn with_a_driver(lane: &'static str) -> Option<Self> {
        let program = Path::new(env!("CARGO_BIN_EXE_kmiplab"));
        let python = program.ancestors().nth(2).map(|target| target.join("real-clients/venv/bin/python"));
        if python.is_some_and(|python| python.exists()) {
            return Some(Self::new(lane));
        }
        eprintln!("skipped: pymongo and a community mongod are not set up; `cargo xtask clients` does that");
        None
    }

    pub(crate) fn new(lane: &'static str) -> Self {
        let place = Place { lane, folder: tempfile::Builder::new().prefix("rb-").tempdir().unwrap() };
        fs::create_dir(place.temporary()).unwrap();
        place
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kmiplab"));
        command.current_dir(crate::support::root()).env("TMPDIR", self.temporary()).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Begins to play scenarios in the lane.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        let report = self.report();
        let mut command = self.command(&["run", "--lane", self.lane, "--report", report.to_str().unwrap()]);
        command.args(words).spawn().unwrap()
    }

    /// Plays scenarios in the lane to their end, after which nothing may be left. Gives the cells of the report.
    pub(crate) fn ended(&self, child: Child) -> (Output, Vec<Value>) {
        let output = child.wait_with_output().unwrap();
        assert_eq!(self.processes(), Vec::<(u32, String)>::new(), "processes are left");
        let left: Vec<_> = fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "files are left");
        let report = fs::read_to_string(self.report().join("report.json"));
        let report = report.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        let report: Value = serde_json::from_str(&report).unwrap();
        (output, report["cells"].as_array().unwrap().clone())
    }

    pub(crate) fn cells(&self, words: &[&str], peer: impl Fn(&str) -> bool) -> Vec<Value> {
        let (output, mut cells) = self.ended(self.start(words));
        cells.retain(|cell| peer(cell["peer"].as_str().unwrap_or_default()));
        assert!(!cells.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
        cells
    }

    /// Plays scenarios, and waits until the application runs: Python, with this on its command line.
    pub(crate) fn once_it_runs(&self, words: &[&str], with: &str) -> (Child, u32) {
        let mut child = self.start(words);
        let applications = std::iter::repeat_with(|| {
            std::thread::yield_now();
            let is = |words: &str| words.contains("venv/bin/python") && words.contains(with);
            self.processes().into_iter().find(|(_, words)| is(words))
        });
        let applications = applications.take_while(|_| child.try_wait().expect("it is ours").is_none());
        let (application, _) = applications.flatten().next().expect("it comes up before everything is over");
        (child, application)
    }

    /// The processes that have this place on their command line, with that.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let mark = self.temporary().display().to_string();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap() {
            let path = entry.unwrap().path();
            let Some(id) = path.file_name().and_then(|name| name.to_str()?.parse().ok()) else { continue };
            let words = fs::read(path.join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            if words.contains(&mark) {
                found.push((id, words));
            }
        }
        found
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(signal: &str, process: u32) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}
