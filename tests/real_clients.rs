//! Clients that others wrote, against the program itself: PyKMIP, libmongocrypt, pymongo with a real mongod behind it,
//! OpenSSL; moto as a cloud; and what such clients have said, recorded and played again.
//!
//! `cargo xtask clients` sets up what is not Rust. Without it these tests print that they were skipped, and `cargo xtask
//! test` lists that as not checked. The scripts in `real_clients/scripts/` judge nothing: they print what they saw, and
//! the tests say what that must be. mongod is the community edition, which encrypts no files: what runs here is
//! encryption by the driver, and no proof of `mongod --enableEncryption`.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the tests stand outside the program")]

#[cfg(test)]
mod real_clients {
    #[allow(dead_code, reason = "shared with the tests of the program itself")]
    #[path = "../standalone/client.rs"]
    mod client;
    #[allow(dead_code, reason = "shared with the tests of the program itself")]
    #[path = "../standalone/process.rs"]
    mod process;

    mod dialogue;
    mod relay;
    mod surroundings;
    mod tree;

    mod captured;
    mod certificates;
    mod driver;
    mod foreign_cloud;
    mod libmongocrypt;
    mod pykmip;
    mod recorded;
}
