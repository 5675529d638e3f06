//! What must hold in every run, one file an invariant.
//!
//! The table is the list: reports, `kmiplab list` and the tests of planted bugs read it. An invariant that was put to
//! the test not once in a whole run of the lab fails that run.

mod k01_right_key;
mod k02_no_key_without_provider;
mod k03_no_secret_leaves;
mod k04_private_stays_private;
mod k05_honest_not_found;
mod k06_always_answers;
mod k07_heals;
mod k08_nothing_lost;
mod k09_bounded_patience;
mod k10_version_purity;

use super::Run;

/// A rule without exceptions by scenario.
#[derive(Clone, Copy)]
pub struct Invariant {
    /// Its number, such as `K1`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub meaning: &'static str,
    pub(super) judge: fn(&Run<'_>) -> Found,
}

impl std::fmt::Debug for Invariant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.id, self.name)
    }
}

/// What a judge found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How often the run put the rule to the test.
    pub(super) exercised: u64,
    /// Each breach, as a sentence with its time.
    pub(super) broken: Vec<String>,
}

/// The invariants, in order.
pub const INVARIANTS: &[Invariant] = &[
    k01_right_key::INVARIANT,
    k02_no_key_without_provider::INVARIANT,
    k03_no_secret_leaves::INVARIANT,
    k04_private_stays_private::INVARIANT,
    k05_honest_not_found::INVARIANT,
    k06_always_answers::INVARIANT,
    k07_heals::INVARIANT,
    k08_nothing_lost::INVARIANT,
    k09_bounded_patience::INVARIANT,
    k10_version_purity::INVARIANT,
];
