//! The laboratory: plays, from scenario files and seeds, every way in which MongoDB does not get its key.
//!
//! [`scenario`] reads a file; [`world`] plays it, with [`clouds`] and a [`cast`] that speaks through [`wire`], recording
//! into a [`trace`]; [`checker`] judges what was played; [`doctor`] says where two runs part; [`report`] renders the
//! verdicts; [`campaign`] does all of that for many files and seeds; [`explore`] draws files of its own; [`oasis`] plays
//! the standard's test cases against real servers; [`cli`] is the command line on top. Each room uses only the rooms above it in the list
//! below, which `cargo xtask order` checks.

pub mod scenario;

pub mod trace;

pub mod wire;

pub mod clouds;

pub mod cast;

pub mod world;

pub mod checker;

pub mod doctor;

pub mod report;

pub mod campaign;

pub mod explore;

pub mod oasis;

pub mod cli;
