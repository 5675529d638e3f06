//! What the person at the terminal is told, and what the KMIP client is told, for every class of failure.
//!
//! A [`Failure`] gathers what is known; the one table in `table.rs` says, per class, the KMIP Result Reason, the line
//! for the client, the headline and the next steps; `message.rs` fills it in. [`Operator`] is who listens.
//!
//! Invariant: nothing here ever holds a secret, access key ids in texts of others are shortened, and no text can bring
//! control characters to a terminal.

mod failure;
mod message;
mod next;
mod render;
pub mod startup;
mod table;
mod text;

#[cfg(test)]
mod tests;

use std::fmt::Debug;

use crate::kms::Class;

pub use failure::{Failure, class_of};
pub use message::{answer, left_out, notice};
pub use render::{LogFormat, UnknownLogFormat, render};
pub use table::ResultReason;

/// Who is told what happens: the terminal in production, the trace in the laboratory.
pub trait Operator: Debug + Send + Sync {
    /// Tells one thing. Never fails and never blocks for long.
    fn tell(&self, notice: &Notice);
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something is as it should be.
    Information,
    /// Something may become a failure.
    Warning,
    /// A request failed, or the proxy cannot start.
    Error,
}

impl Severity {
    /// The word that a line begins with.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Information => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One thing to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The class, for failures of keys.
    pub class: Option<Class>,
    /// How much it matters.
    pub severity: Severity,
    /// The Unique Identifier that it is about.
    pub key: Option<String>,
    /// What happened, in one line without a full stop.
    pub headline: String,
    /// The details for people: lines such as `cause      ...`, without indentation; may be empty.
    pub text: String,
    /// The same for programs: labels and what they say, in order; empty where the text is prose.
    pub details: Vec<(&'static str, String)>,
}

/// The answer for a KMIP client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The Result Reason.
    pub reason: ResultReason,
    /// The Result Message: one line of printable ASCII, at most 256 bytes.
    pub message: String,
}
