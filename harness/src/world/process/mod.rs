//! Real programs on loopback: the proxy, fake clouds on real ports, and a client that is not simulated.
//!
//! A run is built (`house`), played (`timeline`) and taken down by dropping it. What cannot be done with real programs is
//! said before anything is started (`fit`). A cloud that somebody else runs may take the place of the fake one of AWS
//! (`foreign`). Whoever stands where mongod stands is behind one trait (`database`).
//!
//! Invariant: when a run is over, however it ends, no process, directory or port of it is left.

mod administrator;
pub(crate) mod database;
mod driver;
pub(crate) mod fit;
pub mod foreign;
mod house;
mod machine;
mod normal;
pub(crate) mod program;
mod proxy;
pub(crate) mod record;
pub(crate) mod stopwatch;
pub(crate) mod tapped;
mod timeline;
mod with_driver;

use std::time::Duration;

use self::database::{Database, PersonaProgram};
use self::foreign::Foreign;
use self::house::House;
use self::timeline::{Halt, Timeline};
use self::with_driver::WithDriver;
use super::driver::Setup;
use super::{Attempt, Entropy, Means, Programs, World, outlive, times};
use crate::scenario::{Provider, Scenario};
use crate::trace::{InOrder, Lane, Peer, Played, Tier, Unseen};

/// How many runs stand side by side: most of their time they wait for each other.
const SIDE_BY_SIDE: usize = 8;

/// What the only peer of the lane is called before it has said who it is.
const PERSONA: &str = "mongod-persona";

/// Opens it with personas as clients, or says why nothing can be played in it here.
pub fn open(means: &Means) -> Result<Box<dyn World>, String> {
    let programs = programs(means)?;
    // Before anything is played, and once: who does not answer now is not asked by every cell.
    let foreign = means.clouds.get(&Provider::Aws).map(|url| Foreign::ask(url));
    Ok(Box::new(Process { means: means.clone(), programs, foreign }))
}

/// Opens it with a MongoDB driver and a community mongod, or says why nothing can be played in it here.
pub fn open_with_driver(means: &Means) -> Result<Box<dyn World>, String> {
    let programs = programs(means)?;
    Ok(Box::new(WithDriver { means: means.clone(), programs, setup: Setup::find()? }))
}

/// Our own programs, or that they are not there.
pub(crate) fn programs(means: &Means) -> Result<Programs, String> {
    let absent = "kmipProxyStandalone and mongod-persona are not beside kmiplab: cargo build --release --bins";
    means.programs.clone().ok_or_else(|| absent.to_owned())
}

/// The world with personas.
struct Process {
    means: Means,
    programs: Programs,
    /// AWS as somebody else runs it, if that was asked for, or why nothing can be played with it.
    foreign: Option<Result<Foreign, String>>,
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
        // It was asked for, so that playing with the laboratory's own would be no answer.
        let foreign = match self.foreign.as_ref().filter(|_| scenario.world.provider == Provider::Aws) {
            Some(Err(why)) => return Attempt::NotRun(why.clone()),
            Some(Ok(foreign)) => Some(foreign),
            None => None,
        };
        if let Some(why) = foreign.and_then(|foreign| foreign.unfit(scenario)) {
            return Attempt::NotApplicable(why.to_owned());
        }
        let persona = |directory: &std::path::Path, key: &[u8]| -> Box<dyn Database> {
            let persona = &scenario.world.mongod.persona;
            Box::new(PersonaProgram::new(&self.programs.persona, persona, key, directory))
        };
        play_with(foreign, scenario, Lane::Process, &self.means, &self.programs, seed, persona)
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
    play_with(None, scenario, lane, means, programs, seed, database)
}

/// The same, with AWS as somebody else runs it.
fn play_with(
    foreign: Option<&Foreign>,
    scenario: &Scenario,
    lane: Lane,
    means: &Means,
    programs: &Programs,
    seed: u64,
    database: impl FnOnce(&std::path::Path, &[u8]) -> Box<dyn Database>,
) -> Attempt {
    let attempt = outlive(|| {
        let entropy = Entropy::new(seed);
        let mut drawn = Vec::new();
        let times = times::draw(scenario, &entropy, &mut drawn);
        let house = match House::new(scenario, programs, foreign, &entropy, database) {
            Ok(house) => house,
            Err(why) => return Attempt::Inconclusive(why),
        };
        let mut timeline = Timeline::new(scenario, means, house, drawn);
        let played = timeline.play(&times);
        over(timeline, lane, seed, scenario, played)
    });
    match attempt {
        Attempt::Played(mut run) => {
            run.cloud = foreign.map(Foreign::proof);
            Attempt::Played(run)
        }
        attempt => attempt,
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
        cloud: None,
        broke,
    }))
}
