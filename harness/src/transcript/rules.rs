//! What two runs of one scenario may differ in, each with its name and the reason.
//!
//! The rules are few, because each of them is a place where a difference can hide. Two examples stand in `tests.rs` for
//! each: what it excuses, and what looks alike and is not excused.
//!
//! Invariant: nothing is left out or passed over without a rule from this table.

use std::time::Duration;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Facts of different actors have no order.
    Actors,
    /// Lines of one moment are one window.
    OneMoment,
    /// What is said again at once counts once.
    Repetition,
    /// A poll that hears what the one before it heard says nothing.
    Poll,
    /// What is late by a moment stands on the other side of a line.
    Border,
    /// What a check asks and hears has no order.
    Check,
    /// Keys go by numbers.
    Numbers,
    /// The proxy does not say that it is ready.
    Readiness,
    /// Why a process ended is one of three kinds.
    Endings,
}

/// Every rule: its name, what it does, and why.
pub const RULES: &[(Rule, &str, &str, &str)] = &[
    (
        Rule::Actors,
        "actors",
        "each actor has a sequence of its own, and facts of two actors have no order between them",
        "mongod, the proxy and the clouds run at the same time, and which of two is written down first is chance",
    ),
    (
        Rule::OneMoment,
        "one-moment",
        "lines that stand at one moment of the timeline are one window",
        "in a simulation no time passes between them, among real programs some does",
    ),
    (
        Rule::Repetition,
        "repetition",
        "a fact or a round of facts that comes again at once counts once, if it began before the next line; a start ends \
         a round",
        "how often somebody tries again before the world changes is a matter of how fast answers come",
    ),
    (
        Rule::Poll,
        "poll",
        "once a client is ready, an exchange that ends as the last of its kind did, or that the client does not live to \
         see answered, says nothing, and nor do its calls; one that leads to a call or class that the last did not \
         lead to says all of it",
        "whether a poll falls before or after a line, or once more before it, is a matter of phase",
    ),
    (
        Rule::Border,
        "border",
        "a fact may stand on the other side of a line, if it is close to the line in both runs, and its actor says \
         the same before and after it",
        "real programs need a moment longer to start, to be told and to end",
    ),
    (
        Rule::Check,
        "check",
        "what `kmipProxyStandalone check` asks the cloud, and the classes that it tells, have no order and count once",
        "it takes one key after the other in the order of their identifiers, which are drawn",
    ),
    (
        Rule::Numbers,
        "numbers",
        "keys are numbered in the order in which they are first named",
        "identifiers are drawn, and by somebody else in each lane",
    ),
    (
        Rule::Readiness,
        "readiness",
        "that the proxy is ready is left out; that a client is, is not",
        "in a simulation the proxy listens at once and nobody has to wait for it",
    ),
    (
        Rule::Endings,
        "endings",
        "a process has done its work, or has failed, or has crashed; the words of it are left out",
        "words name addresses and errors of the operating system; the class and the answers before them say why",
    ),
];

/// How close to a line a fact must be to stand on the other side of it.
pub(super) const BORDER: Duration = Duration::from_secs(2);

/// How long after its exchange a call counts as led to by it: logs of several programs are put together by their clocks.
pub(super) const AFTERWARDS: Duration = Duration::from_millis(100);

/// How many facts a round has at most.
pub(super) const ROUND: usize = 6;

impl Rule {
    /// The name, as documents have it.
    pub fn name(self) -> &'static str {
        RULES.iter().find(|(rule, ..)| *rule == self).map_or("", |(_, name, ..)| name)
    }
}
