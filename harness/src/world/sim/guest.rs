//! A real client on mongod's host: what a simulation asks of it in place of a persona.
//!
//! In order: before each step the guest may let the simulation wait; at each start it plays a process of its own until
//! that ends, or is dropped as a persona is. Everything else of a run (network, proxy, clouds, faults) stays as it is.
//!
//! Invariant: what a guest does becomes part of the run through its [`Stage`] alone.

use crate::cast::{Settings, Stage};
use crate::trace::Trace;

use super::hosts::Program;
use super::machine::MongodOrders;

/// Who stands on mongod's host.
pub(crate) trait Guest {
    /// Plays one start until the process ends by itself; comes to its last words.
    fn play(&self, stage: Stage, settings: Settings, orders: MongodOrders) -> Program;

    /// Whether it keeps its data elsewhere, and says itself what it has made; else the snapshot has the data of a persona.
    fn brings_its_data(&self) -> bool {
        true
    }

    /// The world is made, and nothing has happened yet: whatever the client made before the run is to be told.
    fn prepared(&self, _: &Trace) {}

    /// Lets the simulation wait before its next step, or says why it cannot go on. Nobody waits in a world that is
    /// simulated throughout.
    fn wait(&self) -> Result<(), String> {
        Ok(())
    }

    /// The process is about to be cut off, not told to stop.
    fn cut_off(&self) {}

    /// The whole machine has lost its power.
    fn power_cut(&self) {}
}
