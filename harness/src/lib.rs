//! The laboratory: plays, from scenario files and seeds, every way in which MongoDB does not get its key.

pub mod cast;
pub mod scenario;
pub mod trace;
pub mod wire;
