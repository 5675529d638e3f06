//! The laboratory: plays, from scenario files and seeds, every way in which MongoDB does not get its key.

pub mod clouds;
pub mod scenario;
pub mod trace;
