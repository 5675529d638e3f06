//! The bugs, by where they sit, and the table of all.
//!
//! Invariant: a bug wraps what the product is given, or changes bytes on their way. The product stays as it is.

#![allow(dead_code, reason = "each test takes what it needs")]

pub(crate) mod answers;
mod bugs;
pub(crate) mod calls;
pub(crate) mod failures;
pub(crate) mod files;
pub(crate) mod key_services;
pub(crate) mod listeners;
pub(crate) mod networks;
pub(crate) mod surroundings;

pub(crate) use bugs::BUGS;
#[allow(unused_imports, reason = "each test takes what it needs")]
pub(crate) use bugs::Bug;
