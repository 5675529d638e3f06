//! `mongod-persona`: a persona of the [cast](crate::cast) as a process of its own, on real sockets, with mongod's command
//! line.
//!
//! It stands where mongod would stand and says everywhere that it is not mongod: in its first line, in every answer, in
//! its version. It speaks KMIP as its persona does and keeps no data; what it keeps of its key is the persona's own file.
//!
//! In order: the options are read, the data folder is looked at and locked, the port is taken, the persona is played,
//! and once its data is open the port answers. Events go to whoever listens (`KMIPLAB_EVENTS`) as they are recorded.
//!
//! Invariant: it neither touches nor imitates the files of a real database, and no answer of it could pass for mongod's.

mod answers;
mod codes;
mod config_file;
mod messages;
mod options;
mod play;
mod told;

use std::io::Write as _;
use std::process::ExitCode;

pub use codes::{Code, of as code_of};

/// A variable of the environment: the file or pipe to which the program appends a line for every event.
pub const EVENTS: &str = "KMIPLAB_EVENTS";

/// A variable of the environment: the key for fingerprints, in hexadecimal, so that they agree with the laboratory's.
pub const FINGERPRINT_KEY: &str = "KMIPLAB_FINGERPRINT_KEY";

/// What the program calls its version, wherever mongod would say its own.
pub const VERSION: &str = "0.0.0-persona";

/// The program.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_else(|| "mongod-persona".to_owned());
    let words: Vec<String> = words.collect();
    let code = match options::read(&program, &words, &kmip_proxy::env::Env::os()) {
        Ok(options::Wish::Run(options)) => play::run(*options),
        Ok(options::Wish::Tell(text)) => {
            // Whoever does not read to the end needs no more of it.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Code::Fine
        }
        Err(refused) => {
            let _ = std::io::stdout().write_all(refused.out.as_bytes());
            let _ = std::io::stderr().write_all(refused.err.as_bytes());
            refused.code
        }
    };
    ExitCode::from(code.number())
}
