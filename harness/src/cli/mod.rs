//! The command line: one file a command, alike in shape.
//!
//! A command is a struct of arguments and a function that returns an exit code. What a command finds out goes to
//! standard output; what it has to say goes to standard error.
//!
//! Invariant: no logic lives here; a command calls the room that has it.

mod check;
mod diff;
mod doctor;
#[cfg(test)]
mod engines;
pub mod exit;
mod explain;
mod explore;
mod interrupt;
mod lanes;
mod list;
mod oasis;
mod record;
mod replay;
mod report;
mod run;
mod schema;
mod select;
mod serve;
mod shrink;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Plays every way in which MongoDB does not get its key: from scenario files, from a seed, again and again the same way.
#[derive(Debug, Parser)]
#[command(name = "kmiplab", version, max_term_width = 100, after_help = help())]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

fn help() -> String {
    let first_steps = "\
First steps:
  kmiplab list                                  what there is to play
  kmiplab run                                   play all of it
  kmiplab replay session-expires-while          one run, as a story
  kmiplab explore --time 60s                    search for what nobody has thought of
  kmiplab explain credentials-expired           what the client and the operator are told
  kmiplab list --words verbs                    what a scenario file can say";
    format!("{first_steps}\n\n{}", exit::HELP)
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Plays scenarios, judges them, and writes the report
    Run(run::Arguments),
    /// Plays one scenario with one seed, tells its story, and ends with its digest
    Replay(replay::Arguments),
    /// Says whether scenarios give the same bytes from the same seed; if not, where they differ and probably why
    Doctor(doctor::Arguments),
    /// Compares what is said in a scenario in two lanes, or in two event logs
    Diff(diff::Arguments),
    /// Joins the reports of a split campaign, or prints a report in one of its forms
    Report(report::Arguments),
    /// Draws scenarios from seeds, plays them, and makes small files of those that break an invariant
    Explore(explore::Arguments),
    /// Makes a failing scenario as small as can be: the same failure, from as little as brings it about
    Shrink(shrink::Arguments),
    /// Reads scenario files and reports every mistake, without playing them
    Check(check::Arguments),
    /// Lists scenarios, verbs, personas, or invariants
    List(list::Arguments),
    /// Explains a class of failure, an invariant, a verb, or an exit code; lists them if none is named
    Explain(explain::Arguments),
    /// Plays the OASIS KMIP test cases against any KMIP server, and says which answers differ
    Oasis(oasis::Arguments),
    /// Runs the fake services of a cloud on a port, for tests of your own
    Serve(serve::Arguments),
    /// Stands between a KMIP client and its server, and writes down what they say
    Record(record::Arguments),
    /// Prints the JSON Schema of scenario files
    Schema(schema::Arguments),
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Help and version are answers; everything else is a wrong command line. A closed pipe is neither.
            let code = if error.use_stderr() { exit::USAGE } else { exit::AS_EXPECTED };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    ExitCode::from(match command.verb {
        Verb::Run(arguments) => run::execute(&arguments),
        Verb::Replay(arguments) => replay::execute(&arguments),
        Verb::Doctor(arguments) => doctor::execute(&arguments),
        Verb::Diff(arguments) => diff::execute(&arguments),
        Verb::Report(arguments) => report::execute(&arguments),
        Verb::Explore(arguments) => explore::execute(&arguments),
        Verb::Shrink(arguments) => shrink::execute(&arguments),
        Verb::Check(arguments) => check::execute(&arguments),
        Verb::List(arguments) => list::execute(&arguments),
        Verb::Explain(arguments) => explain::execute(&arguments),
        Verb::Oasis(arguments) => oasis::execute(&arguments),
        Verb::Serve(arguments) => serve::execute(&arguments),
        Verb::Record(arguments) => record::execute(&arguments),
        Verb::Schema(arguments) => schema::execute(&arguments),
    })
}

/// Writes to standard output. A reader who has gone away is not an error.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// The exit code of a command; what stands in its way is told.
fn told(attempt: Result<u8, String>) -> u8 {
    attempt.unwrap_or_else(|error| {
        say(&format!("error: {error}"));
        exit::USAGE
    })
}

/// Writes to standard error.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A host, which may be an IPv6 address in brackets, and a port.
fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((host.to_owned(), port.parse().ok()?)).filter(|_| !host.is_empty())
}

/// Whether to colour what goes there: a terminal, and nobody has asked not to (<https://no-color.org>).
fn colour(to: &impl std::io::IsTerminal) -> bool {
    to.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether lines may be drawn with characters beyond ASCII: the locale says so.
fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| std::env::var(name).ok());
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
