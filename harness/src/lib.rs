//! The laboratory: plays, from scenario files and seeds, every way in which MongoDB does not get its key.
//!
//! [`scenario`] reads a file; [`world`] plays it, with [`clouds`] and a [`cast`] that speaks through [`wire`], recording
//! into a [`trace`]; [`persona`] is one of that cast as a program; a [`tap`] writes down what real programs say to each
//! other; [`checker`] judges what was played; [`doctor`] says where two runs of a seed part, and [`transcript`] where two
//! lanes do; [`report`] renders the verdicts; [`campaign`] does all of that for many files and seeds; [`explore`] draws
//! files of its own; [`oasis`] plays
//! the standard's test cases against real servers; [`cli`] is the command line on top. Each room uses only the rooms
//! above it in the list below, which `cargo xtask order` checks.

pub mod scenario;

pub mod trace;

pub mod wire;

pub mod clouds;

pub mod cast;

pub mod persona;
pub mod tap;

pub mod world;

pub mod checker;

pub mod doctor;

pub mod transcript;

pub mod report;

pub mod campaign;

pub mod explore;

pub mod oasis;

pub mod cli;
