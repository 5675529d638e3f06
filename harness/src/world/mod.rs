//! Where a scenario is played.
//!
//! Invariant: a world plays and records; it never judges. What it hands over is a [`crate::trace::Played`].

mod entropy;
mod ledger;
pub mod sim;

pub use entropy::Entropy;
