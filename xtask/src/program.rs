//! Runs other programs from the root of the repository.
//!
//! Invariant: a program sees the environment of the person who called, not what Cargo added to it for us. Build scripts
//! that watch those variables (ring's does) would otherwise compile anew on every change between `cargo xtask` and
//! plain Cargo.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// A program with its arguments, `cargo` first where it is Cargo, and with the environment that it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    /// Variables that are set for it.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// The program and its arguments.
    pub(crate) words: &'a [&'a str],
}

impl<'a> Program<'a> {
    /// A program that needs no variables.
    pub(crate) const fn new(words: &'a [&'a str]) -> Self {
        Program { variables: &[], words }
    }

    /// The line to type, to get the same.
    pub(crate) fn line(&self) -> String {
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        variables.chain(self.words.iter().map(|word| quoted(word))).collect::<Vec<_>>().join(" ")
    }

    /// Runs it with our output, and gives how it ended.
    pub(crate) fn status(&self, root: &Path) -> Result<ExitStatus, String> {
        self.command(root).status().map_err(|error| format!("failed to start `{}`: {error}", self.line()))
    }

    /// Runs it with our output; an error says how it ended.
    pub(crate) fn run(&self, root: &Path) -> Result<(), String> {
        let status = self.status(root)?;
        if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", self.line())) }
    }

    /// Runs it in silence; an error says how it ended, and what it said of that.
    pub(crate) fn run_and_tell(&self, root: &Path) -> Result<(), String> {
        let output =
            self.command(root).output().map_err(|error| format!("failed to start `{}`: {error}", self.line()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Err(format!("`{}` ended with {}: {}", self.line(), output.status, said.join(" / ")))
    }

    /// Runs it and gives what it printed.
    pub(crate) fn output(&self, root: &Path) -> Result<String, String> {
        let output = self
            .command(root)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("failed to start `{}`: {error}", self.line()))?;
        if !output.status.success() {
            return Err(format!("`{}` ended with {}", self.line(), output.status));
        }
        String::from_utf8(output.stdout).map_err(|error| format!("`{}` printed no text: {error}", self.line()))
    }

    /// Runs it, and gives whether it ended well and what it said of itself on standard error.
    pub(crate) fn listen(&self, root: &Path) -> Result<(bool, String), String> {
        let output = self
            .command(root)
            .stdout(Stdio::null())
            .output()
            .map_err(|error| format!("failed to start `{}`: {error}", self.line()))?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Whether it is there: it starts, and ends well. For `--version` and the like.
    pub(crate) fn answers(&self, root: &Path) -> bool {
        let quiet = self.command(root).stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet.is_ok_and(|status| status.success())
    }

    fn command(&self, root: &Path) -> Command {
        let (first, rest) = self.words.split_first().expect("every program in this crate has a name");
        let program = if *first == "cargo" { cargo() } else { OsString::from(first) };
        let mut command = Command::new(program);
        command.args(rest).current_dir(root).stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(is_from_cargo) {
                command.env_remove(name);
            }
        }
        command.envs(self.variables.iter().copied());
        command
    }
}

/// The Cargo that called us.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// Whether Cargo sets a variable for the program that it runs.
fn is_from_cargo(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR"
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_can_be_typed_as_it_stands() {
        let program = Program { variables: &[("RUSTDOCFLAGS", "-D warnings")], words: &["cargo", "doc", "--no-deps"] };
        assert_eq!(program.line(), "RUSTDOCFLAGS=\"-D warnings\" cargo doc --no-deps");
    }

    #[test]
    fn an_end_in_failure_is_an_error_that_names_the_line() {
        let error = Program::new(&["cargo", "no-such-command"]).run(Path::new(".")).expect_err("there is none");
        assert!(error.starts_with("`cargo no-such-command` ended with "), "{error}");
    }

    #[test]
    fn what_cargo_sets_for_us_stays_with_us() {
        assert!(is_from_cargo("CARGO_MANIFEST_DIR") && is_from_cargo("CARGO_PKG_NAME"));
        assert!(!is_from_cargo("CARGO_HOME") && !is_from_cargo("CARGO_TARGET_DIR") && !is_from_cargo("RUSTFLAGS"));
    }
}
