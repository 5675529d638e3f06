//! Where a scenario is played.
//!
//! `sim` plays it in a simulated network, from a seed. The others have real sockets and real time: a [`World`] is opened
//! once for a campaign, and then asked to play scenario by scenario, several side by side.
//!
//! Invariant: a world plays and records; it never judges. What it hands over is a [`crate::trace::Played`].

pub mod bridge;
mod certificates;
mod clock;
mod cloud;
mod conduct;
pub mod container;
mod driver;
mod entropy;
mod kept_files;
mod ledger;
pub mod loopback;
mod machine;
mod means;
pub mod persona_events;
mod persona_lines;
pub mod process;
mod replay;
pub mod sim;
mod snapshot;
mod times;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::scenario::Scenario;
use crate::trace::{Lane, Played};

pub(crate) use cloud::{CloudEndpoint, endpoints};
pub use conduct::{Conduct, Phase};
pub use entropy::Entropy;
pub use means::{Means, Programs};
pub use replay::{Replayed, replay};

/// A kind of world with real sockets, ready to play.
pub trait World: Sync {
    /// Who can stand where mongod stands. Each plays every scenario that suits it, one cell for each.
    fn peers(&self) -> Vec<String>;

    /// Those that have a cell for a scenario: all of them, unless a world says otherwise. Never none.
    fn peers_for(&self, _: &Scenario) -> Vec<String> {
        self.peers()
    }

    /// How many scenarios it plays side by side at most.
    fn side_by_side(&self) -> usize;

    /// Plays one scenario with one of the peers. When this returns, whatever was started for it is gone: no process, no
    /// container, no file.
    fn play(&self, scenario: &Scenario, peer: &str, seed: u64) -> Attempt;
}

/// What came of asking a world to play a scenario.
#[derive(Clone, Debug)]
pub enum Attempt {
    /// It was played to its end.
    Played(Box<Played>),
    /// This world cannot do what the scenario asks for; the reason.
    NotApplicable(String),
    /// Something that it needs is not on this machine; the reason.
    NotRun(String),
    /// It broke down half-way, and nothing can be said of the product; the reason.
    Inconclusive(String),
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text")
}

/// Plays, and outlives a panic of the laboratory: that of one run is no reason for the others to end. What the run has
/// started ends as it unwinds.
fn outlive(play: impl FnOnce() -> Attempt) -> Attempt {
    let played = catch_unwind(AssertUnwindSafe(play));
    played.unwrap_or_else(|_| Attempt::Inconclusive("the laboratory panicked: a bug of its own".to_owned()))
}

/// Opens the world of a lane, or says why nothing can be played in it here. `sim` needs no opening and has none.
pub fn open(lane: Lane, means: &Means) -> Result<Box<dyn World>, String> {
    match lane {
        Lane::Sim => Err("the simulation is played by itself".to_owned()),
        Lane::Bridge => bridge::open(means),
        Lane::Process => process::open(means),
        Lane::Driver => process::open_with_driver(means),
        Lane::Container => container::open(means),
    }
}
