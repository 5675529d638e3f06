//! The laboratory: plays, from scenario files and seeds, every way in which MongoDB does not get its key.
//!
//! The rooms, each using only those before it: scenario, trace, wire, clouds, cast, world, checker, report, campaign, cli.

pub mod checker;
pub mod scenario;
pub mod trace;
pub mod world;
