//! `kmiplab record` between clients and the real proxy: what is in the file, what is not, and what it says.
//!
//! The proxy is the program beside this one; where it is not built these tests say so and are skipped. Our own clients
//! are personas on real sockets; PyKMIP and libmongocrypt take part where `cargo xtask clients` has set them up.
#![cfg(unix)]

mod support;

#[cfg(test)]
mod real_record {
    mod clients;
    mod mistakes;
    mod programs;
    mod recordings;
}
