//! The simulated world: turmoil's network, seeded cryptography, a disk that can lose power, and the product in between.
//!
//! A run goes: draw what the seed decides; build clouds, certificates, disk and hosts; step the simulation and fire the
//! timeline; heal everything and start mongod once more; hand over the log. mongod and the proxy are hosts of their own,
//! because they must be able to crash apart, and 127.0.0.1 leads from one to the other.
//!
//! Invariant: a run depends on the scenario and the seed alone. Everything lives on the calling thread, and nothing
//! outlives the run but the clouds' certificates, which no seed decides.

mod cloud;
mod crypto;
mod disk;
mod driver;
mod endpoints;
mod front_end;
mod guest;
mod hosts;
mod machine;
mod network;
mod plaintext;
mod planted;
mod relay;

pub(crate) use crypto::certificate_key;
pub use crypto::{SimCrypto, reseed};
pub use disk::{CrashPoint, Disk};
pub(crate) use guest::Guest;
pub(crate) use hosts::Program;
pub(crate) use machine::{DBPATH, MongodOrders};
pub use planted::{Planted, Rewrite, Wrapper};

use std::rc::Rc;

use super::{Entropy, ledger};
use crate::scenario::Scenario;
use crate::trace::{Kept, Played};

/// Plays one scenario with one seed.
pub fn play(scenario: &Scenario, seed: u64, planted: &Planted) -> Played {
    drive(scenario, seed, planted, None).play(seed)
}

/// Plays one scenario with one seed and a guest on mongod's host.
pub(crate) fn play_with(scenario: &Scenario, seed: u64, guest: Rc<dyn Guest>) -> Played {
    drive(scenario, seed, &Planted::default(), Some(guest)).play(seed)
}

/// Plays one start of a guest in a scenario's world, to its end or until it is ready, and nothing else.
pub(crate) fn start_once_with(scenario: &Scenario, seed: u64, guest: Rc<dyn Guest>) -> Played {
    drive(scenario, seed, &Planted::default(), Some(guest)).start_once(seed)
}

/// Plays one scenario with one seed, and keeps what is needed to compare the run with another: the same run, with the
/// same digest, in more memory.
pub fn play_kept(scenario: &Scenario, seed: u64, planted: &Planted) -> Kept {
    ledger::kept(|| play(scenario, seed, planted))
}

/// Plays nothing of a scenario but one start of mongod in its world: the shortest run that there is, without a timeline
/// and without the epilogue. What a run costs is measured on it.
pub fn start_once(scenario: &Scenario, seed: u64) -> Played {
    drive(scenario, seed, &Planted::default(), None).start_once(seed)
}

fn drive<'a>(scenario: &'a Scenario, seed: u64, planted: &Planted, guest: Option<Rc<dyn Guest>>) -> driver::Driver<'a> {
    let entropy = Entropy::new(seed);
    crypto::reseed(&entropy);
    // The AWS SDK draws its invocation ids and jitter from this thread's generator.
    fastrand::seed(entropy.number("fastrand"));
    driver::Driver::new(scenario, entropy, planted, guest)
}
