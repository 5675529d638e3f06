//! The laboratory's command line. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kmiplab::cli::main()
}
