//! The lane `driver`: as `process`, with the application of a MongoDB driver where the persona stands.
//!
//! In order, for each scenario that suits it: a community mongod is started; what the application has before the run is
//! made by itself, in a simulation in which all is well and the master key is the one that the seed gives to this run,
//! too; then the scenario is played with real programs alone.
//!
//! Invariant: a tier is what the application answered when it was asked. A machine without it has no such cell, with the
//! reason.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use super::database::Database;
use super::driver::{Data, DriverProgram};
use super::fit;
use crate::cast::{Held, Persona};
use crate::scenario::Scenario;
use crate::trace::Lane;
use crate::world::driver::{Community, Setup};
use crate::world::{Attempt, Means, Programs, World, bridge};

/// How many runs stand side by side: Python and mongod take a core each for as long as they start.
const SIDE_BY_SIDE: usize = 2;

/// What the only peer of the lane is called before it has said who it is.
const DRIVER: &str = "pymongo";

/// The world with a driver.
pub(super) struct WithDriver {
    pub(super) means: Means,
    pub(super) programs: Programs,
    pub(super) setup: Setup,
}

impl World for WithDriver {
    fn peers(&self) -> Vec<String> {
        vec![DRIVER.to_owned()]
    }

    fn side_by_side(&self) -> usize {
        SIDE_BY_SIDE
    }

    fn play(&self, scenario: &Scenario, _: &str, seed: u64) -> Attempt {
        let persona = &scenario.world.mongod.persona;
        let delegated = match Persona::find(persona).map(|persona| persona.held) {
            Some(Held::SecretData) => false,
            Some(Held::WrappingKey) => true,
            _ => return Attempt::NotApplicable(format!("a driver speaks for libmongocrypt alone, not for {persona}")),
        };
        if let Some(why) = fit::unfit_for_a_driver(scenario) {
            return Attempt::NotApplicable(why.to_owned());
        }
        if !self.means.named && scenario.providers.first() != Some(&scenario.world.provider) {
            let why = "the driver is the same with every provider: name the file to play it with all";
            return Attempt::NotApplicable(why.to_owned());
        }
        // It was asked for, so that playing with the laboratory's own would be no answer.
        if let Some(url) = self.means.clouds.get(&scenario.world.provider) {
            return Attempt::NotRun(format!("only the lane process plays with the cloud at {url}"));
        }
        match self.furnished(scenario, delegated, seed) {
            Ok(program) => {
                let seat = |_: &Path, _: &[u8]| -> Box<dyn Database> { Box::new(program) };
                super::play(scenario, Lane::Driver, &self.means, &self.programs, seed, seat)
            }
            Err(_) if self.means.is_interrupted() => Attempt::NotRun("interrupted".to_owned()),
            Err(attempt) => attempt,
        }
    }
}

impl WithDriver {
    /// An application with what it has before the run.
    fn furnished(&self, scenario: &Scenario, delegated: bool, seed: u64) -> Result<DriverProgram, Attempt> {
        let (setup, interrupted) = (&self.setup, &self.means.interrupted);
        let database = Rc::new(RefCell::new(Community::start(&setup.mongod).map_err(Attempt::Inconclusive)?));
        let made = bridge::furnished(setup, interrupted, database.clone(), scenario, delegated, seed)?;
        DriverProgram::new(setup, Data { database, delegated, made }, scenario.world.mongod.key_state_polling)
            .map_err(Attempt::Inconclusive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;

    fn attempt(lines: &str, means: Means) -> Attempt {
        let text = format!(
            "format = \"1.0\"\ntitle = \"A\"\nwhy = \"B.\"\nend = \"60s\"\nfinal = \"opens\"\n{lines}\n\
             timeline = [{{ at = \"1s\", start = \"mongod\" }}]\n"
        );
        let scenario =
            load("test.toml", "tests", text.as_bytes()).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let nowhere = || Path::new("/nowhere/program").to_owned();
        let programs = Programs { proxy: nowhere(), persona: nowhere() };
        let setup = Setup { python: nowhere(), mongod: nowhere() };
        WithDriver { means, programs, setup }.play(&scenario, DRIVER, 1)
    }

    fn not_applicable(lines: &str) -> String {
        match attempt(lines, Means::default()) {
            Attempt::NotApplicable(why) => why,
            other => panic!("{lines}: {other:?}"),
        }
    }

    const PLAIN: &str = "world.mongod = { persona = \"libmongocrypt-plain\" }";

    #[test]
    fn nothing_is_started_for_what_does_not_suit_a_driver() {
        let of_another = not_applicable("world.mongod = { persona = \"psmdb-8\" }");
        assert_eq!(of_another, "a driver speaks for libmongocrypt alone, not for psmdb-8");
        let slow = not_applicable(&format!("{PLAIN}\nworld.network = {{ latency = \"50ms..60ms\" }}"));
        assert!(slow.starts_with("a slow network"), "{slow}");
    }

    #[test]
    fn a_cloud_that_was_asked_for_is_not_replaced_and_a_mongod_that_is_gone_is_no_verdict() {
        let clouds = [(kmip_proxy::keys::Provider::Aws, "http://127.0.0.1:4566".to_owned())].into();
        let asked = attempt(PLAIN, Means { clouds, ..Means::default() });
        assert!(matches!(&asked, Attempt::NotRun(why) if why.ends_with("http://127.0.0.1:4566")), "{asked:?}");
        let gone = attempt(PLAIN, Means::default());
        assert!(matches!(&gone, Attempt::Inconclusive(why) if why.starts_with("cannot start `/nowhere/")), "{gone:?}");
    }
}
