//! A mongod in a container, or a mongod of this machine, before the real proxy and the fake clouds of the lane `process`.
//!
//! Who stands where mongod stands comes from `--mongod`, or else from the matrix of images ([`image::MATRIX`]), with two
//! images that the laboratory makes itself: the persona, and a community mongod as negative control. In order, for each of
//! them: it is found ([`program`]), its version is read, it is started once over an empty database with a key file and
//! asked who it is ([`probe`]), and then it plays the scenarios of the choice ([`choice`]).
//!
//! Invariant: a tier comes from what the very bytes have answered. Who is not there, or cannot encrypt its files, is not
//! run, with the reason; and no persona takes its place.

pub mod archive;
pub mod ask;
pub mod choice;
pub mod closure;
pub mod engine;
pub mod home_made;
pub mod image;
pub mod log;
mod moment;
pub mod options;
pub mod owner;
pub mod probe;
pub mod program;
pub mod seat;
mod slow;
pub mod threads;

use std::path::Path;
use std::sync::{OnceLock, PoisonError};

use self::engine::{Engine, EngineError};
use self::home_made::HomeMade;
use self::image::{Kind, Source};
use self::program::Program;
use self::seat::{Seat, Told};
use self::threads::Threads;
use super::{Attempt, Means, Programs, World, process};
use crate::scenario::{Scenario, load};
use crate::trace::{Lane, Peer};

/// How many containers of ours run side by side: a mongod takes a core for as long as it starts.
const SIDE_BY_SIDE: usize = 2;

/// The scenario by which a program is asked who it is.
const IDENTIFY: &str = include_str!("identify.toml");

/// The world.
struct Containers {
    means: Means,
    programs: Programs,
    threads: Threads,
    engine: Result<Engine, EngineError>,
    places: Vec<Place>,
}

/// Somebody who may stand where mongod stands.
struct Place {
    source: Source,
    /// Where it is made here: what of.
    home_made: Option<HomeMade>,
    /// Whether it is given one scenario only.
    control: bool,
    known: OnceLock<Result<Known, Attempt>>,
}

/// A program that has said who it is.
#[derive(Clone)]
struct Known {
    program: Program,
    peer: Peer,
}

/// Opens it, or says why nothing can be played in it here.
pub fn open(means: &Means) -> Result<Box<dyn World>, String> {
    let programs = process::programs(means)?;
    let threads = Threads::new().map_err(|error| format!("no threads: {error}"))?;
    let engine = Engine::reach(&threads);
    if let Ok(engine) = &engine {
        // What a laboratory left that was killed. An engine that refuses this will say so again.
        let _ = engine.sweep();
    }
    let places = if means.mongods.is_empty() {
        usual(&programs, &engine)
    } else {
        let sources = means.mongods.iter().map(|value| Source::parse(value));
        sources.map(|source| source.map(Place::of)).collect::<Result<_, _>>()?
    };
    Ok(Box::new(Containers { means: means.clone(), programs, threads, engine, places }))
}

/// Who takes part where nobody is named.
fn usual(programs: &Programs, engine: &Result<Engine, EngineError>) -> Vec<Place> {
    let there = engine.as_ref().ok().and_then(|engine| engine.images().ok()).unwrap_or_default();
    let mut places: Vec<Place> =
        image::asked_for(&there).into_iter().map(|name| Place::of(Source::Image(name))).collect();
    let mut make = |made: HomeMade, control: bool| {
        places.push(Place { home_made: Some(made.clone()), control, ..Place::of(Source::Image(made.name)) });
    };
    make(HomeMade::persona(&programs.persona), false);
    if let Some(community) = programs.proxy.parent().and_then(image::community_beside) {
        make(HomeMade::control(&community), true);
    }
    places
}

impl Place {
    fn of(source: Source) -> Self {
        Place { source, home_made: None, control: false, known: OnceLock::new() }
    }

    /// Whether it has a cell for a scenario of the choice.
    fn takes(&self, scenario: &Scenario) -> bool {
        match &self.source {
            _ if self.control => choice::is_first(scenario),
            // Of a mongod that is named anything may be true, until it has said what it is.
            Source::Image(name) if self.home_made.is_none() && choice::kind_by_name(name) != Kind::Community => {
                choice::unsuited(scenario, choice::kind_by_name(name)).is_none()
            }
            _ => true,
        }
    }
}

impl World for Containers {
    fn peers(&self) -> Vec<String> {
        self.places.iter().map(|place| place.source.name()).collect()
    }

    fn peers_for(&self, scenario: &Scenario) -> Vec<String> {
        if !self.plays(scenario) {
            return vec![String::new()];
        }
        let takes = |place: &&Place| self.means.named || place.takes(scenario);
        let peers: Vec<String> = self.places.iter().filter(takes).map(|place| place.source.name()).collect();
        if peers.is_empty() { vec![String::new()] } else { peers }
    }

    fn side_by_side(&self) -> usize {
        SIDE_BY_SIDE
    }

    fn play(&self, scenario: &Scenario, peer: &str, seed: u64) -> Attempt {
        if !self.plays(scenario) {
            let why = "containers take seconds a start, and this file is not among the few that are played by themselves; \
                       name it to have it played";
            return Attempt::NotApplicable(why.to_owned());
        }
        let Some(place) = self.places.iter().find(|place| place.source.name() == peer) else {
            return Attempt::NotApplicable("nobody here speaks the dialogue of this file".to_owned());
        };
        if let Some(why) = process::unfit(scenario) {
            return Attempt::NotApplicable(why.to_owned());
        }
        let known = match place.known.get_or_init(|| self.identify(place)) {
            Ok(known) => known,
            Err(attempt) => return attempt.clone(),
        };
        if let Some(why) = choice::unsuited(scenario, known.program.kind) {
            return Attempt::NotApplicable(why);
        }
        if let Some(why) = choice::wants_old_data(scenario) {
            return Attempt::NotApplicable(why.to_owned());
        }
        match self.with(&known.program, Some(known.peer.clone()), scenario, seed).0 {
            Attempt::Played(played) => match slow::start(scenario, &played) {
                Some(why) => Attempt::Inconclusive(why),
                None => Attempt::Played(played),
            },
            attempt => attempt,
        }
    }
}

impl Containers {
    fn plays(&self, scenario: &Scenario) -> bool {
        self.means.named || choice::includes(scenario)
    }

    /// Finds a program and asks it who it is; or what is to be said of all its scenarios.
    fn identify(&self, place: &Place) -> Result<Known, Attempt> {
        let not_run = |why: String| Err(Attempt::NotRun(why));
        if let (Some(made), Ok(engine)) = (&place.home_made, &self.engine)
            && let Err(error) = made.make(engine)
        {
            return not_run(format!("the image {} cannot be made: {error}", made.name));
        }
        let program = match Program::find(&place.source, Some(&self.engine), &self.means.interrupted) {
            Ok(program) => program,
            Err(error) => return not_run(error.to_string()),
        };
        let scenario = identity(program.kind)?;
        let (attempt, told) = self.with(&program, None, &scenario, 0);
        let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (attempt, told) {
            (_, Some(Ok(peer))) => Ok(Known { program, peer }),
            (_, Some(Err(refusal))) => not_run(refusal.to_string()),
            (Attempt::Inconclusive(why), None) if why.starts_with(probe::UNKNOWN_OPTION) => not_run(why),
            (Attempt::Played(played), None) => Err(Attempt::Inconclusive(format!(
                "it never waited for connections, so that nobody could ask who it is: {}",
                last_words(&played.events)
            ))),
            (attempt, None) => Err(attempt),
        }
    }

    /// Plays a scenario with a program.
    fn with(&self, program: &Program, known: Option<Peer>, scenario: &Scenario, seed: u64) -> (Attempt, Told) {
        let persona = &scenario.world.mongod.persona;
        let seat =
            match Seat::new(program.clone(), self.threads.clone(), persona, known, self.means.interrupted.clone()) {
                Ok(seat) => seat,
                Err(error) => return (Attempt::Inconclusive(format!("no data folder: {error}")), Told::default()),
            };
        let told = seat.told();
        let lane = Lane::Container;
        let attempt =
            process::play(scenario, lane, &self.means, &self.programs, seed, move |_: &Path, _: &[u8]| Box::new(seat));
        (attempt, told)
    }
}

/// The scenario by which a program of a kind is asked who it is.
pub(super) fn identity(kind: Kind) -> Result<Scenario, Attempt> {
    let scenario = load("identify.toml", "container", IDENTIFY.as_bytes());
    let mut scenario = scenario.map_err(|error| Attempt::Inconclusive(error.render(false)))?;
    if kind == Kind::Enterprise {
        scenario.world.mongod.persona = "enterprise-1.2".to_owned();
    }
    Ok(scenario)
}

/// What a program said last, and why it ended.
pub(super) fn last_words(events: &[crate::trace::Event]) -> String {
    use crate::trace::What;
    let words = events.iter().rev().filter(|event| event.host == process::database::MONGOD);
    let mut words = words.filter_map(|event| match &event.what {
        What::Process { why: Some(why), .. } => Some(why.clone()),
        What::Log { text, .. } => Some(text.clone()),
        _ => None,
    });
    words.next().unwrap_or_else(|| "it said nothing".to_owned())
}
