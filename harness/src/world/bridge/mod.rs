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
//! only when. What breaks that is no client's, nor this machine's, is judged as in a simulation.

mod client;
mod driver;
mod gateway;
mod halt;
mod pace;
mod program;
mod recording;
mod relay;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kmip_proxy::env::{Access, Env};

use self::client::{Client, TICK};
use self::driver::Driver;
use self::halt::Halt;
use self::program::Program;
use super::container::image::Source;
use super::container::program::Program as Found;
use super::container::{choice, identity, last_words};
use super::driver::{Community, Setup};
use super::process::fit::strikes_within;
use super::sim::Guest;
use super::{Attempt, Entropy, Means, World, outlive, panic_text, sim};
use crate::cast::recorded::dialogue::{self, Dialogue, milliseconds};
use crate::cast::{Held, Persona};
use crate::scenario::{self, Action, Database, Metadata, Provider, Scenario};
use crate::trace::{Lane, Peer, Played, Tier};

/// Opens it, or says why nothing can be played in it here.
pub fn open(means: &Means) -> Result<Box<dyn World>, String> {
    let setup = Setup::find();
    let persona = persona(means);
    let paths = means.mongods.iter().filter(|mongod| !mongod.starts_with(IMAGE));
    let named: Vec<Named> = paths.map(|path| Named { path: path.clone(), known: OnceLock::new() }).collect();
    match setup {
        Err(why) if persona.is_none() && named.is_empty() => Err(why),
        setup => Ok(Box::new(Bridge { setup, persona, named, means: means.clone() })),
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
    named: Vec<Named>,
    means: Means,
}

/// A program that somebody has named.
struct Named {
    path: String,
    /// Who it is, once it was asked.
    known: OnceLock<Result<Known, Attempt>>,
}

/// A program that has said who it is.
struct Known {
    found: Found,
    peer: Peer,
}

/// A run that can be judged, and what the client said in it if it came to its end.
type Judged = Result<(Played, Option<Dialogue>), Halt>;

impl World for Bridge {
    fn peers(&self) -> Vec<String> {
        let persona = self.persona.is_some().then(|| PERSONA.to_owned());
        let named = self.named.iter().map(|named| named.path.clone());
        [DRIVER.to_owned()].into_iter().chain(persona).chain(named).collect()
    }

    fn side_by_side(&self) -> usize {
        4
    }

    fn play(&self, scenario: &Scenario, peer: &str, seed: u64) -> Attempt {
        outlive(|| self.attempt(scenario, peer, seed))
    }
}

impl Bridge {
    fn attempt(&self, scenario: &Scenario, peer: &str, seed: u64) -> Attempt {
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
                Some(path) => Program::persona(path, persona, interrupted)
                    .map_err(Halt::from)
                    .and_then(|program| run(&program, scenario, seed)),
                None => return Attempt::NotRun("mongod-persona is not built".to_owned()),
            },
            (path, Held::AesKey) => {
                let Some(named) = self.named.iter().find(|named| named.path == path) else {
                    return Attempt::NotApplicable(format!("nobody has named {path}"));
                };
                let known = match named.known.get_or_init(|| self.identify(path)) {
                    Ok(known) => known,
                    Err(attempt) => return attempt.clone(),
                };
                if let Some(why) = choice::unsuited(scenario, known.found.kind) {
                    return Attempt::NotApplicable(why);
                }
                Program::named(&known.found, persona, Some(known.peer.clone()), interrupted)
                    .map_err(Halt::from)
                    .and_then(|program| run(&program, scenario, seed))
            }
            _ => return Attempt::NotApplicable(format!("a mongod does not stand in for {persona}")),
        };
        let written = played.and_then(|(played, dialogue)| match (&self.means.dialogues, dialogue) {
            (Some(folder), Some(dialogue)) => Ok(write(folder, scenario, &dialogue).map(|()| played)?),
            _ => Ok(played),
        });
        written.map_or_else(Attempt::from, |played| Attempt::Played(Box::new(played)))
    }

    /// Finds a program, and asks it who it is over an empty database with a key file; or what is to be said of all its
    /// scenarios.
    fn identify(&self, path: &str) -> Result<Known, Attempt> {
        let found = Found::find(&Source::Program(path.into()), None, &self.means.interrupted);
        let found = found.map_err(|error| Attempt::NotRun(error.to_string()))?;
        let prelude = prelude(&identity(found.kind)?);
        let program = Program::named(&found, &prelude.world.mongod.persona, None, &self.means.interrupted);
        let program = program.map_err(Attempt::Inconclusive)?;
        let guest = Rc::new(program.clone());
        let played = settled(&prelude, 0, program.client(), || sim::start_once_with(&prelude, 0, guest))?;
        match program.told() {
            Some(Ok(peer)) => Ok(Known { found, peer }),
            Some(Err(refusal)) => Err(Attempt::NotRun(refusal.to_string())),
            None => {
                let words = last_words(&played.events);
                let silent = format!("it never waited for connections, so that nobody could ask who it is: {words}");
                let broken = broken_before(played).map(|played| Attempt::Played(Box::new(played)));
                Err(broken.unwrap_or(Attempt::Inconclusive(silent)))
            }
        }
    }
}

/// How far a real client has come so soon after its start is up to the machine: its time is the wall's.
const EARLY: Duration = Duration::from_millis(1_001);

/// What no real client can be a part of, if a scenario has it.
fn beyond(scenario: &Scenario) -> Option<&'static str> {
    let counts = |action: &Action| matches!(action, Action::PowerCut { at_write: Some(_) });
    if scenario.timeline.iter().any(|event| counts(&event.action)) {
        return Some("it counts the writes of a played client");
    }
    strikes_within(scenario, EARLY).then_some(
        "something strikes within a second after a start: how far a real client is by then is up to the machine",
    )
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
fn drive(setup: &Setup, interrupted: &Arc<AtomicBool>, scenario: &Scenario, delegated: bool, seed: u64) -> Judged {
    let database = Rc::new(RefCell::new(Community::start(&setup.mongod)?));
    let driver = Driver::new(setup, delegated, database, interrupted)?;
    if let Some(broken) = furnish(&driver, scenario, seed)? {
        return Ok((broken, None));
    }
    bridged(scenario, seed, Rc::new(driver.clone()), driver.client(), || driver.peer())
}

/// Gives a driver what it has before the run, where a scenario begins with a snapshot. Comes to what is judged where the
/// world breaks in that.
fn furnish(driver: &Driver, scenario: &Scenario, seed: u64) -> Result<Option<Played>, Halt> {
    if scenario.world.mongod.database != Database::Snapshot {
        return Ok(None);
    }
    driver.prepare_under(&super::snapshot::first_key_id(&Entropy::new(seed)));
    let broken = before(scenario, seed, Rc::new(driver.clone()), driver.client())?;
    if broken.is_none() {
        driver.prepared()?;
    }
    Ok(broken)
}

/// Puts into a database what a driver has before the run. Comes to the data keys that the server has encrypted for it,
/// with the master keys under which they are. Those keys come from the seed, here as in any other world.
pub(super) fn furnished(
    setup: &Setup,
    interrupted: &Arc<AtomicBool>,
    database: Rc<RefCell<Community>>,
    scenario: &Scenario,
    delegated: bool,
    seed: u64,
) -> Result<Vec<(String, Vec<u8>)>, Attempt> {
    let driver = Driver::new(setup, delegated, database, interrupted).map_err(Attempt::Inconclusive)?;
    match furnish(&driver, scenario, seed)? {
        None => Ok(driver.made()),
        // Another world's, and no run of the one that asks.
        Some(broken) => Err(Attempt::Inconclusive(broken.broke.unwrap_or_default())),
    }
}

/// Plays a scenario with a program that has mongod's command line.
fn run(program: &Program, scenario: &Scenario, seed: u64) -> Judged {
    if program.brings_its_data() && scenario.world.mongod.database == Database::Snapshot {
        program.prepare_under(&super::snapshot::first_key_id(&Entropy::new(seed)));
        if let Some(broken) = before(scenario, seed, Rc::new(program.clone()), program.client())? {
            return Ok((broken, None));
        }
        program.prepared()?;
    }
    bridged(scenario, seed, Rc::new(program.clone()), program.client(), || program.peer())
}

/// Lets a client make what it had before a run. Comes to what is judged where the world breaks in that.
fn before(scenario: &Scenario, seed: u64, guest: Rc<dyn Guest>, client: &Client) -> Result<Option<Played>, Halt> {
    let prelude = prelude(scenario);
    let played = settled(scenario, seed, client, || sim::start_once_with(&prelude, seed, guest))?;
    Ok(broken_before(played))
}

/// What is judged of a world that broke before the run.
fn broken_before(played: Played) -> Option<Played> {
    let broke = format!("before the run: {}", played.broke.as_ref()?);
    // No line of the scenario has fired.
    Some(Played { broke: Some(broke), lane: Lane::Bridge, fired: Vec::new(), ..played })
}

/// Plays a scenario in a simulation with a guest.
fn bridged(
    scenario: &Scenario,
    seed: u64,
    guest: Rc<dyn Guest>,
    client: &Client,
    peer: impl Fn() -> Option<Peer>,
) -> Judged {
    let mut bridged = scenario.clone();
    bridged.world.tick = TICK;
    let mut played = settled(scenario, seed, client, || sim::play_with(&bridged, seed, guest))?;
    played.lane = Lane::Bridge;
    played.peer = match (peer(), &played.broke) {
        (Some(peer), _) => peer,
        (None, Some(_)) => unknown(scenario),
        (None, None) => return Err("the client never said who it is".to_owned().into()),
    };
    let dialogue = played.broke.is_none().then(|| dialogue(scenario, seed, &played, client));
    Ok((played, dialogue))
}

/// Plays, and says what there is to judge: a world that breaks, or panics, has that for its end, unless somebody has said
/// that nothing can be judged.
fn settled(scenario: &Scenario, seed: u64, client: &Client, play: impl FnOnce() -> Played) -> Result<Played, Halt> {
    let played = catch_unwind(AssertUnwindSafe(play));
    match (client.halted.said(), played) {
        (Some(halt), _) => Err(halt),
        (None, Ok(played)) => Ok(played),
        (None, Err(panic)) => Ok(panicked(scenario, seed, panic_text(&*panic))),
    }
}

/// A run of which nothing is left but that something in its world panicked.
fn panicked(scenario: &Scenario, seed: u64, why: &str) -> Played {
    Played {
        lane: Lane::Bridge,
        peer: unknown(scenario),
        seed,
        events: Vec::new(),
        digest: String::new(),
        semantic_digest: String::new(),
        simulated: Duration::ZERO,
        drawn: Vec::new(),
        fired: Vec::new(),
        epilogue: Duration::ZERO,
        existing: Default::default(),
        disk: Default::default(),
        written: Vec::new(),
        unseen: &[],
        cloud: None,
        broke: Some(format!("a panic: {why}")),
    }
}

/// A client that has not said who it is: nothing is assumed of it.
fn unknown(scenario: &Scenario) -> Peer {
    Peer { name: scenario.world.mongod.persona.clone(), tier: Tier::Persona, proof: Vec::new() }
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

fn dialogue(scenario: &Scenario, seed: u64, played: &Played, client: &Client) -> Dialogue {
    let fired = played.fired.iter().map(|at| milliseconds(*at)).collect();
    let seed_as_told = format!("{seed:#x}");
    let provider = scenario.world.provider;
    let peer = played.peer.clone();
    let mut dialogue = Dialogue::new(scenario.id(), provider, seed_as_told, milliseconds(TICK), peer, fired);
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
