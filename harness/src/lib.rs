//! The laboratory: plays, from scenario files and seeds, every way in which MongoDB does not get its key.

pub mod report;
pub mod scenario;
pub mod trace;
