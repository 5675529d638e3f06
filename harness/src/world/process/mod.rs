//! Real programs on loopback: the proxy, fake clouds on real ports, and a client that is not simulated.
//!
//! A run is built (`house`), played (`timeline`) and taken down by dropping it. What cannot be done with real programs is
//! said before anything is started (`fit`). Whoever stands where mongod stands is behind one trait (`database`).
//!
//! Invariant: when a run is over, however it ends, no process, directory or port of it is left.

mod administrator;
pub(crate) mod database;
mod fit;
mod house;
mod machine;
mod normal;
pub(crate) mod program;
mod proxy;
pub(crate) mod record;
pub(crate) mod stopwatch;
mod timeline;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use self::database::{Database, PersonaProgram};
use self::house::House;
use self::timeline::{Halt, Timeline};
use super::{Attempt, Entropy, Means, Programs, World, times};
use crate::scenario::Scenario;
use crate::trace::{InOrder, Lane, Peer, Played, Tier, Unseen};

/// How many runs stand side by side: most of their time they wait for each other.
const SIDE_BY_SIDE: usize = 8;

/// What the only peer of the lane is called before it has said who it is.
const PERSONA: &str = "mongod-persona";

/// Opens it with personas as clients, or says why nothing can be played in it here.
pub fn open(means: &Means) -> Result<Box<dyn World>, String> {
    let Some(programs) = means.programs.clone() else {
        return Err(
            "kmipProxyStandalone and mongod-persona are not beside kmiplab: cargo build --release --bins".to_owned()
        );
    };
    Ok(Box::new(Process { means: means.clone(), programs }))
}

/// Opens it with a MongoDB driver and a community mongod, or says why nothing can be played in it here.
pub fn open_with_driver(_: &Means) -> Result<Box<dyn World>, String> {
    Err("this version has no such lane yet: the driver plays in the lane bridge".to_owned())
}

/// The world with personas.
struct Process {
    means: Means,
    programs: Programs,
}

impl World for Process {
    fn peers(&self) -> Vec<String> {
        vec![PERSONA.to_owned()]
    }

    fn side_by_side(&self) -> usize {
        SIDE_BY_SIDE
    }

    fn play(&self, scenario: &Scenario, _: &str, seed: u64) -> Attempt {
        if let Some(why) = fit::unfit(scenario) {
            return Attempt::NotApplicable(why.to_owned());
        }
        if let Some(url) = self.means.clouds.get(&scenario.world.provider) {
            // It was asked for, so that playing with another cloud would be no answer.
            return Attempt::NotRun(format!("this version does not make a world's keys in a cloud at {url}"));
        }
        let persona = |directory: &std::path::Path, key: &[u8]| -> Box<dyn Database> {
            let persona = &scenario.world.mongod.persona;
            Box::new(PersonaProgram::new(&self.programs.persona, persona, key, directory))
        };
        play(scenario, Lane::Process, &self.means, &self.programs, seed, persona)
    }
}

/// Why a scenario cannot be played with real programs here, if it cannot.
pub(crate) fn unfit(scenario: &Scenario) -> Option<&'static str> {
    fit::unfit(scenario)
}

/// Plays a scenario that fits with whoever `database` makes.
pub(crate) fn play(
    scenario: &Scenario,
    lane: Lane,
    means: &Means,
    programs: &Programs,
    seed: u64,
    database: impl FnOnce(&std::path::Path, &[u8]) -> Box<dyn Database>,
) -> Attempt {
    // A panic of one run is no reason for the others to end; what it has started ends as it unwinds.
    let played = catch_unwind(AssertUnwindSafe(|| {
        let entropy = Entropy::new(seed);
        let mut drawn = Vec::new();
        let times = times::draw(scenario, &entropy, &mut drawn);
        let house = House::new(scenario, programs, &entropy, database)?;
        let mut timeline = Timeline::new(scenario, means, house, drawn);
        let played = timeline.play(&times);
        Ok::<_, String>(over(timeline, lane, seed, scenario, played))
    }));
    match played {
        Ok(Ok(attempt)) => attempt,
        Ok(Err(why)) => Attempt::Inconclusive(why),
        Err(_) => Attempt::Inconclusive("the laboratory panicked: a bug of its own".to_owned()),
    }
}

/// What came of a run.
fn over(
    mut timeline: Timeline<'_>,
    lane: Lane,
    seed: u64,
    scenario: &Scenario,
    played: Result<(Duration, Duration), Halt>,
) -> Attempt {
    let now = timeline.house.stopwatch.now();
    let (epilogue, ended, broke) = match played {
        Ok((epilogue, ended)) => (epilogue, ended, None),
        Err(Halt::Broke(why)) => (now, now, Some(why)),
        Err(Halt::Interrupted) => return Attempt::NotRun("interrupted".to_owned()),
        Err(Halt::Inconclusive(why)) => return Attempt::Inconclusive(why),
    };
    let house = &mut timeline.house;
    let unknown = || Peer { name: scenario.world.mongod.persona.clone(), tier: Tier::Persona, proof: Vec::new() };
    let peer = house.database.peer().unwrap_or_else(unknown);
    let (simulated, disk) = (house.stopwatch.now(), house.machine.disk());
    let existing = std::mem::take(&mut house.existing);
    let InOrder { events, digest, semantic_digest } = house.record.over(ended);
    Attempt::Played(Box::new(Played {
        lane,
        peer,
        seed,
        events,
        digest,
        semantic_digest,
        simulated,
        drawn: timeline.drawn,
        fired: timeline.fired,
        epilogue,
        existing,
        disk,
        written: Vec::new(),
        unseen: &[Unseen::Files, Unseen::Callers],
        broke,
    }))
}
