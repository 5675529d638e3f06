//! A real client on loopback, through a gateway into the simulation.
//!
//! In order: what the client had before the run is made by itself, in a simulation of its own in which all is well; then
//! the scenario is played as in the lane `sim`, but that the real client stands on mongod's host. Clouds, faults, clocks
//! and the proxy are those of the simulation, which keeps pace with the client (`pace.rs`). The client reaches the proxy
//! through a port on loopback (`gateway.rs`) and a relay that ends TLS on both sides (`relay.rs`).
//!
//! Three kinds of clients can stand there: the application of a MongoDB driver (`driver.rs`), the personas as a program,
//! and a mongod that somebody names (`program.rs`).
//!
//! Invariant: a tier is what the client answered when it was asked. No wall clock decides what the simulation does next,
//! only when.

mod client;
mod driver;
mod gateway;
mod pace;
mod program;
mod recording;
mod relay;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use kmip_proxy::env::{Access, Env};

use self::client::TICK;
use self::driver::Driver;
use self::program::Program;
use super::driver::Setup;
use super::sim::Guest;
use super::{Attempt, Entropy, Means, World, sim};
use crate::cast::recorded::dialogue::{self, Dialogue, milliseconds};
use crate::cast::{Held, Persona};
use crate::scenario::{self, Action, Database, Metadata, Provider, Scenario};
use crate::trace::{Lane, Peer, Played};

/// Opens it, or says why nothing can be played in it here.
pub fn open(means: &Means) -> Result<Box<dyn World>, String> {
    let setup = Setup::find();
    let persona = persona(means);
    let named = means.mongods.iter().any(|mongod| !mongod.starts_with(IMAGE));
    match setup {
        Err(why) if persona.is_none() && !named => Err(why),
        setup => Ok(Box::new(Bridge { setup, persona, means: means.clone() })),
    }
}

/// mongod-persona: as the means have it, or else beside this program. The proxy takes part from within, so that its
/// program need not be there.
fn persona(means: &Means) -> Option<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join(PERSONA)).filter(|path| path.is_file());
    means.programs.as_ref().map(|programs| programs.persona.clone()).or_else(beside)
}

/// The application of a driver, as a peer.
const DRIVER: &str = "pymongo";

/// The personas as a program, as a peer.
const PERSONA: &str = "mongod-persona";

/// What is no path.
const IMAGE: &str = "image:";

struct Bridge {
    setup: Result<Setup, String>,
    persona: Option<PathBuf>,
    means: Means,
}

impl World for Bridge {
    fn peers(&self) -> Vec<String> {
        let persona = self.persona.is_some().then(|| PERSONA.to_owned());
        let named = self.means.mongods.iter().filter(|mongod| !mongod.starts_with(IMAGE)).cloned();
        [DRIVER.to_owned()].into_iter().chain(persona).chain(named).collect()
    }

    fn side_by_side(&self) -> usize {
        4
    }

    fn play(&self, scenario: &Scenario, peer: &str, seed: u64) -> Attempt {
        let persona = &scenario.world.mongod.persona;
        let Some(held) = Persona::find(persona).map(|persona| persona.held) else {
            return Attempt::NotApplicable(format!("nobody knows the persona {persona}"));
        };
        if let Some(why) = beyond(scenario) {
            return Attempt::NotApplicable(why.to_owned());
        }
        let interrupted = &self.means.interrupted;
        let played = match (peer, held) {
            (DRIVER, Held::SecretData | Held::WrappingKey) => match &self.setup {
                Ok(setup) => drive(setup, interrupted, scenario, held == Held::WrappingKey, seed),
                Err(why) => return Attempt::NotRun(why.clone()),
            },
            (DRIVER, _) => return Attempt::NotApplicable(format!("a MongoDB driver does not stand in for {persona}")),
            (_, _) if leaps(scenario) => {
                return Attempt::NotApplicable("the program's clock is the wall's, which does not leap".to_owned());
            }
            (PERSONA, _) if !self.means.named && scenario.providers.first() != Some(&scenario.world.provider) => {
                return Attempt::NotApplicable(
                    "the program is the same with every provider: name the file to play it with all".to_owned(),
                );
            }
            (_, _) if polls(scenario) => {
                return Attempt::NotApplicable(
                    "the program asks for its key's state by the clock on the wall".to_owned(),
                );
            }
            (PERSONA, _) => match &self.persona {
                Some(path) => {
                    Program::persona(path, persona, interrupted).and_then(|program| run(&program, scenario, seed))
                }
                None => return Attempt::NotRun("mongod-persona is not built".to_owned()),
            },
            (path, Held::AesKey) => match program::probe(path.as_ref()) {
                Ok(peer) => {
                    Program::mongod(path.as_ref(), peer, interrupted).and_then(|program| run(&program, scenario, seed))
                }
                Err(why) => return Attempt::NotRun(why),
            },
            _ => return Attempt::NotApplicable(format!("a mongod does not stand in for {persona}")),
        };
        let written = played.and_then(|(played, dialogue)| {
            let folder = self.means.dialogues.as_deref();
            folder.map_or(Ok(()), |folder| write(folder, scenario, &dialogue)).map(|()| played)
        });
        written.map_or_else(Attempt::Inconclusive, |played| Attempt::Played(Box::new(played)))
    }
}

/// What no real client can be a part of, if a scenario has it.
fn beyond(scenario: &Scenario) -> Option<&'static str> {
    let counts = |action: &Action| matches!(action, Action::PowerCut { at_write: Some(_) });
    let counted = scenario.timeline.iter().any(|event| counts(&event.action));
    counted.then_some("it counts the writes of a played client")
}

/// Whether a program would ask for its key's state within the run: by the clock on the wall, which stands still while
/// the simulation runs ahead.
fn polls(scenario: &Scenario) -> bool {
    scenario.world.mongod.key_state_polling.is_some_and(|period| period <= scenario.end)
}

/// Whether a scenario has clocks leap that a program would look at.
fn leaps(scenario: &Scenario) -> bool {
    scenario.timeline.iter().any(|event| matches!(event.action, Action::Pass(_)))
}

/// Plays a scenario with a driver.
fn drive(
    setup: &Setup,
    interrupted: &Arc<AtomicBool>,
    scenario: &Scenario,
    delegated: bool,
    seed: u64,
) -> Result<(Played, Dialogue), String> {
    let driver = Driver::new(setup, delegated, interrupted)?;
    if scenario.world.mongod.database == Database::Snapshot {
        let prelude = prelude(scenario);
        driver.prepare_under(&super::snapshot::first_key_id(&Entropy::new(seed)));
        let played = sim::start_once_with(&prelude, seed, Rc::new(driver.clone()));
        if let Some(why) = played.broke {
            return Err(format!("before the run: {why}"));
        }
        driver.prepared()?;
    }
    bridged(scenario, seed, Rc::new(driver.clone()), driver.client(), || driver.peer())
}

/// Plays a scenario with a program that has mongod's command line.
fn run(program: &Program, scenario: &Scenario, seed: u64) -> Result<(Played, Dialogue), String> {
    if program.brings_its_data() && scenario.world.mongod.database == Database::Snapshot {
        program.prepare_under(&super::snapshot::first_key_id(&Entropy::new(seed)));
        let played = sim::start_once_with(&prelude(scenario), seed, Rc::new(program.clone()));
        if let Some(why) = played.broke {
            return Err(format!("before the run: {why}"));
        }
        program.prepared()?;
    }
    bridged(scenario, seed, Rc::new(program.clone()), program.client(), || program.peer())
}

/// Plays a scenario in a simulation with a guest.
fn bridged(
    scenario: &Scenario,
    seed: u64,
    guest: Rc<dyn Guest>,
    client: &client::Client,
    peer: impl Fn() -> Option<Peer>,
) -> Result<(Played, Dialogue), String> {
    let mut bridged = scenario.clone();
    bridged.world.tick = TICK;
    let mut played = sim::play_with(&bridged, seed, guest);
    if let Some(why) = played.broke {
        return Err(why);
    }
    let peer = peer().ok_or("the client never said who it is")?;
    let dialogue = dialogue(scenario, seed, &peer, &played, client);
    (played.lane, played.peer) = (Lane::Bridge, peer);
    Ok((played, dialogue))
}

/// A world in which all is well, and in which the snapshot's key is the same: the seed alone decides on that.
fn prelude(scenario: &Scenario) -> Scenario {
    let mut prelude = scenario.clone();
    let world = &mut prelude.world;
    (world.provider, world.snapshot.provider) = (Provider::Local, Provider::Local);
    (world.snapshot.wrapped_by, world.snapshot.active) = (None, true);
    world.snapshot.others.clear();
    world.kms.endpoints.clear();
    world.proxy.cloud_provider = Provider::Local;
    world.proxy.require_private_networking = false;
    world.credentials.metadata = Metadata::Current;
    world.credentials.given_by = scenario::GivenBy::Metadata;
    (world.tick, world.latency) = (TICK, TICK..2 * TICK);
    world.mongod.connect_timeout = Duration::from_secs(20);
    prelude.timeline.clear();
    prelude.end = Duration::from_secs(60);
    prelude
}

fn dialogue(scenario: &Scenario, seed: u64, peer: &Peer, played: &Played, client: &client::Client) -> Dialogue {
    let fired = played.fired.iter().map(|at| milliseconds(*at)).collect();
    let seed_as_told = format!("{seed:#x}");
    let provider = scenario.world.provider;
    let mut dialogue = Dialogue::new(scenario.id(), provider, seed_as_told, milliseconds(TICK), peer.clone(), fired);
    client.recording.fill(&mut dialogue, &Entropy::new(seed));
    dialogue
}

/// Writes a dialogue into a folder, under a name that says what it is of.
fn write(folder: &Path, scenario: &Scenario, dialogue: &Dialogue) -> Result<(), String> {
    let kind = dialogue.peer.tier.as_str();
    let name = format!("{}.{}.{}.{kind}{}", scenario.family, scenario.name, dialogue.provider, dialogue::ENDING);
    let path = folder.join(name);
    let content = dialogue.text();
    let replace = || Env::os().files.replace(&path, content.as_bytes(), Access::Owner);
    let written = std::fs::create_dir_all(folder).and_then(|()| replace());
    written.map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests;
