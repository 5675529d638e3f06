//! The personas of mongod as a program. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kmiplab::persona::main()
}
