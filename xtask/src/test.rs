//! `cargo xtask test`: everything that must be green, in the order in which it is cheapest to be red.
//!
//! First what is missing is set up, then each step runs under a heading with the command that reruns it alone. The
//! first red step ends the run. What could not be checked here is listed at the end, with the reason.
//!
//! Invariant: a step is either run or listed as not run. Nothing is skipped in silence.

use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::program::Program;
use crate::{clients, deny, digests, fmt, fuzz, lanes, order, schema};

/// `cargo xtask test`.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut notes = vec![
        "security advisories: their database comes over the network; by hand: `cargo deny check advisories`".to_owned(),
    ];
    notes.extend(without_oasis(root));
    for tool in TOOLS {
        tool.set_up(root)?;
    }
    let steps = steps(env::var("CI").is_ok_and(|value| value == "true"));
    let began = Instant::now();
    for (index, step) in steps.iter().enumerate() {
        let heading = format!("{:>2}/{} {}", index + 1, steps.len(), step.title);
        eprintln!("\n{heading}: {}", step.line());
        let step_began = Instant::now();
        match step.run(root) {
            Ok(more) => notes.extend(more),
            Err(error) => return Err(red(step, &error, step_began.elapsed())),
        }
        eprintln!("      ok after {}", seconds(step_began.elapsed()));
    }
    eprintln!("\nall {} steps are green after {}", steps.len(), seconds(began.elapsed()));
    eprintln!("\nnot checked here:");
    for note in notes {
        eprintln!("  - {note}");
    }
    Ok(())
}

/// The standard's test cases are not ours to copy; they are read from where somebody has put them.
fn without_oasis(root: &Path) -> Option<String> {
    let beside = root.join("../shared/data/oasis");
    let there = env::var_os("KMIPLAB_OASIS").is_some() || beside.is_dir();
    let note = "the OASIS test cases: they are not here; put them anywhere and name the folder by KMIPLAB_OASIS";
    (!there).then(|| note.to_owned())
}

/// A tool that does not come with every toolchain.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What answers where it is there.
    pub(crate) probe: Program<'static>,
    /// What installs it.
    pub(crate) install: Program<'static>,
}

const TOOLS: &[Tool] = &[
    Tool {
        probe: Program::new(&["cargo", "fmt", "--version"]),
        install: Program::new(&["rustup", "component", "add", "rustfmt"]),
    },
    Tool {
        probe: Program::new(&["cargo", "clippy", "--version"]),
        install: Program::new(&["rustup", "component", "add", "clippy"]),
    },
    Tool {
        probe: Program::new(&["cargo", "nextest", "--version"]),
        install: Program::new(&["cargo", "install", "cargo-nextest", "--locked"]),
    },
];

impl Tool {
    /// Installs it where it does not answer.
    pub(crate) fn set_up(&self, root: &Path) -> Result<(), String> {
        if self.probe.answers(root) {
            return Ok(());
        }
        let (probe, install) = (self.probe.line(), self.install.line());
        eprintln!("`{probe}` does not answer: setting it up with `{install}`");
        self.install.run(root)?;
        if self.probe.answers(root) {
            Ok(())
        } else {
            Err(format!(
                "`{probe}` does not answer even after `{install}`: install it by hand, then run `cargo xtask test` again"
            ))
        }
    }
}

/// A part of the whole.
#[derive(Debug)]
struct Step {
    title: &'static str,
    what: What,
}

/// What a step does.
#[derive(Debug)]
enum What {
    /// Runs a program.
    Program(Program<'static>),
    /// Runs a chore of ours, with the line that runs it alone. It gives notes on what it could not check.
    Chore(&'static str, fn(&Path) -> Result<Vec<String>, String>),
}

impl Step {
    /// The command that runs this step alone.
    fn line(&self) -> String {
        match &self.what {
            What::Program(program) => program.line(),
            What::Chore(line, _) => (*line).to_owned(),
        }
    }

    fn run(&self, root: &Path) -> Result<Vec<String>, String> {
        match &self.what {
            What::Program(program) => program.run(root).map(|()| Vec::new()),
            What::Chore(_, chore) => chore(root),
        }
    }
}

/// Every step. On a CI system nextest goes on after a failure and writes JUnit.
fn steps(ci: bool) -> Vec<Step> {
    let program = |title, words| Step { title, what: What::Program(Program::new(words)) };
    let tests: &[&str] = if ci {
        &["cargo", "nextest", "run", "--workspace", "--locked", "--profile", "ci"]
    } else {
        &["cargo", "nextest", "run", "--workspace", "--locked"]
    };
    vec![
        Step {
            title: "formatting",
            what: What::Chore("cargo xtask fmt --check", |root| fmt::check(root).map(|()| Vec::new())),
        },
        Step {
            title: "order of the rooms",
            what: What::Chore("cargo xtask order", |root| order::run(root).map(|()| Vec::new())),
        },
        Step { title: "dependencies", what: What::Chore("cargo xtask deny", deny::run) },
        Step {
            title: "schema of scenario files",
            what: What::Chore("cargo xtask schema --check", |root| schema::check(root).map(|()| Vec::new())),
        },
        program("lints", &["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        Step {
            title: "documentation",
            what: What::Program(Program {
                variables: &[("RUSTDOCFLAGS", "-D warnings")],
                words: &["cargo", "doc", "--workspace", "--no-deps", "--locked"],
            }),
        },
        program("documentation tests", &["cargo", "test", "--doc", "--workspace", "--locked"]),
        Step { title: "real clients", what: What::Chore("cargo xtask clients", clients::run) },
        program("tests", tests),
        program(
            "release build",
            &["cargo", "build", "--release", "--locked", "--package", "kmip-proxy", "--package", "kmiplab"],
        ),
        Step { title: "same bytes in both builds", what: What::Chore("cargo xtask digests", digests::run) },
        program(
            "the laboratory",
            &[
                "cargo",
                "run",
                "--release",
                "--locked",
                "--package",
                "kmiplab",
                "--",
                "run",
                "--seeds",
                "20",
                "--check-determinism",
            ],
        ),
        Step { title: "the lanes with real programs", what: What::Chore("cargo xtask lanes", lanes::run) },
        // Last, because it builds the product once more, with instruments.
        Step { title: "hostile bytes", what: What::Chore("cargo xtask fuzz --time 5s", fuzz::smoke) },
    ]
}

/// What to read when a step is red.
fn red(step: &Step, error: &str, after: Duration) -> String {
    format!(
        "{error}\n\nred after {}: {}\n  this step alone:  {}\n  everything:       cargo xtask test",
        seconds(after),
        step.title,
        step.line()
    )
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_red_step_names_the_command_that_reruns_it() {
        let steps = steps(false);
        let lints = steps.iter().find(|step| step.title == "lints").expect("the list has lints");
        assert_eq!(
            red(lints, "`cargo clippy` ended with exit status: 101", Duration::from_millis(1_240)),
            "`cargo clippy` ended with exit status: 101\n\n\
             red after 1.2 s: lints\n  \
             this step alone:  cargo clippy --workspace --all-targets --locked -- -D warnings\n  \
             everything:       cargo xtask test"
        );
    }

    #[test]
    fn only_ci_systems_get_the_ci_profile() {
        let uses_ci = |ci| steps(ci).iter().any(|step| step.line().ends_with("--profile ci"));
        assert!(uses_ci(true));
        assert!(!uses_ci(false));
    }

    #[test]
    fn every_step_of_cargo_that_resolves_crates_is_locked() {
        for step in steps(false).iter().filter(|step| !step.line().contains("xtask") && step.title != "formatting") {
            assert!(step.line().contains("--locked"), "{}", step.line());
        }
    }

    #[test]
    fn a_tool_that_cannot_be_set_up_is_an_error_that_names_its_command() {
        let missing = Tool {
            probe: Program::new(&["cargo", "no-such-tool"]),
            install: Program::new(&["cargo", "no-such-installer"]),
        };
        let error = missing.set_up(Path::new(".")).expect_err("there is no such installer");
        assert!(error.contains("`cargo no-such-installer` ended with"), "{error}");
    }

    #[test]
    fn ci_runs_what_the_readme_says_and_nothing_else() {
        let root = crate::root();
        let script = std::fs::read_to_string(root.join(".ci/run")).expect(".ci/run is committed");
        let commands: Vec<&str> = script
            .lines()
            .filter(|line| {
                !line.is_empty() && !line.starts_with('#') && !line.starts_with("set ") && !line.starts_with("cd ")
            })
            .collect();
        assert_eq!(commands, ["cargo xtask test"]);
        let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md is committed");
        assert!(readme.lines().any(|line| line.trim() == "cargo xtask test"));
    }
}
