//! The chores: one file per command. `cargo xtask` alone lists them.
//!
//! Invariant: nothing here needs more than a Rust toolchain; what a chore needs besides, it installs or names.

mod clients;
mod deny;
mod digests;
mod fmt;
mod fuzz;
mod lanes;
mod order;
mod program;
mod schema;
mod test;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test              set up what is missing, then run everything that must be green
  fmt [--check]     format everything, also what `cargo fmt` does not see, or check that it is
  order             check that the rooms of each crate use only what stands above them
  schema [--check]  write the JSON Schema of scenario files, or check the committed one
  digests           compare the digests of all scenarios between the debug and the release build
  clients           set up the real clients that tests start, in target/
  lanes             play scenarios in every lane with real programs, and say which of them could not run here
  deny              check bans, licences and sources of all dependencies against deny.toml
  fuzz [--time 20s] [TARGET]...
                    give hostile bytes to everything that reads, or to these targets of fuzz/, for that long each

exit codes: 0 green, 1 red, 2 no such command";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let outcome = match arguments.as_slice() {
        ["test"] => test::run(&root),
        ["order"] => order::run(&root),
        ["schema"] => schema::write(&root),
        ["schema", "--check"] => schema::check(&root),
        ["fmt"] => fmt::write(&root),
        ["fmt", "--check"] => fmt::check(&root),
        ["digests"] => digests::run(&root).map(drop),
        ["clients"] => clients::run(&root).map(|notes| notes.iter().for_each(|note| eprintln!("note: {note}"))),
        ["lanes"] => lanes::run(&root).map(|notes| notes.iter().for_each(|note| eprintln!("note: {note}"))),
        ["deny"] => deny::run(&root).map(|notes| notes.iter().for_each(|note| eprintln!("note: {note}"))),
        ["fuzz", words @ ..] => fuzz::run(&root, words),
        [] | ["help" | "-h" | "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        unknown => {
            eprintln!("error: no such command: {}\n\n{USAGE}", unknown.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
