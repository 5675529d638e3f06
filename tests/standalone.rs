//! The program itself: started with the flags of the documentation, asked over TLS, stopped by signals.
//!
//! Nothing here sleeps: a test waits for a line on standard error, for bytes on a socket, or for the end of a process,
//! and each of these waits has a bound.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the tests stand outside the program")]

#[cfg(test)]
mod standalone {
    mod client;
    mod process;

    mod certificates;
    mod files;
    mod hostile;
    mod secrets;
    mod serving;
    mod starting;
}
