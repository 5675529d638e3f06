//! A recorded dialogue, played again inside the pure simulation: the scenario, the seed, and a client who says what was
//! said.
//!
//! Invariant: the same dialogue gives the same run, byte for byte, wherever and whenever it is played.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::sim::{self, Guest, MongodOrders, Program};
use crate::cast::recorded::dialogue::{Dialogue, Start};
use crate::cast::recorded::{self, Again};
use crate::cast::{Settings, Stage};
use crate::scenario::Scenario;
use crate::trace::Played;

/// A dialogue that was played again.
#[derive(Debug)]
pub struct Replayed {
    /// The run.
    pub played: Played,
    /// What an answer meant otherwise than in the recorded run, in order.
    pub differences: Vec<String>,
}

/// Plays a dialogue again, in the scenario that it names.
pub fn replay(scenario: &Scenario, dialogue: &Dialogue) -> Result<Replayed, String> {
    let seed = dialogue.seed().ok_or_else(|| format!("`{}` is no seed", dialogue.seed))?;
    if dialogue.tick == 0 || u128::from(dialogue.tick) > scenario.world.latency.start.as_millis() {
        return Err(format!("a tick of {} ms does not fit the latencies of its scenario", dialogue.tick));
    }
    let mut scenario = scenario.clone();
    scenario.world.tick = Duration::from_millis(dialogue.tick);
    let again = Again::default();
    let guest = Recorded { starts: dialogue.starts.clone(), next: Cell::new(0), again: again.clone() };
    let guest = Rc::new(guest);
    let mut played = sim::play_with(&scenario, seed, guest.clone());
    played.peer = dialogue.peer.clone();
    played.peer.name = format!("{}, as recorded", played.peer.name);
    played.peer.tier = crate::trace::Tier::Simulated;
    let mut differences = again.differences();
    let began = guest.next.get();
    if began != dialogue.starts.len() {
        differences.push(format!("the client was started {began} times, and {} times then", dialogue.starts.len()));
    }
    Ok(Replayed { played, differences })
}

/// The recorded client on mongod's host.
struct Recorded {
    starts: Vec<Start>,
    next: Cell<usize>,
    again: Again,
}

impl Guest for Recorded {
    fn play(&self, stage: Stage, settings: Settings, _: MongodOrders) -> Program {
        let start = self.starts.get(self.next.get()).cloned();
        self.next.set(self.next.get() + 1);
        let again = self.again.clone();
        Box::pin(async move {
            match start {
                Some(start) => recorded::play(&start, &again, &stage, &settings).await.reason,
                None => "nothing was recorded of this start".to_owned(),
            }
        })
    }
}
