//! Plays the conversations of the OASIS KMIP test cases against any KMIP server, and says what came of them.
//!
//! [`xml`] makes a tree of a file, [`read`] a conversation of requests and expected answers, [`values`] what an
//! element says. [`play`] talks to the server over a [`connection`], fills in [`placeholders`], keeps a [`ledger`],
//! and lets [`compare`] judge each answer by the permitted variations in [`rules`]. [`target`] is who is asked, [`claims`] what it says it
//! can do, [`suite`] plays many files, [`expectations`] know what may fail, and [`report`] tells the [`verdict`]s.
//!
//! Invariant: nothing here uses the product's codec, and every file that was selected has a verdict.

pub mod claims;
pub mod compare;
pub mod connection;
pub mod expectations;
pub mod ledger;
pub mod placeholders;
pub mod play;
pub mod read;
pub mod report;
pub mod rules;
pub mod suite;
pub mod target;
mod told;
pub mod values;
pub mod verdict;
pub mod xml;

pub use expectations::Expectations;
pub use read::Conversation;
pub use report::Report;
pub use suite::{Case, Options, find, run};
pub use target::Target;
pub use verdict::Verdict;
