//! Draws sketches from seeds.
//!
//! First a draw switches whole classes of faults off, so that few of them meet each run and rare pairs meet often; then
//! the world is drawn, and then a schedule of faults between starts and stops of the database. The strategies are
//! proptest's, driven by a stream of the run's own seed.
//!
//! Invariant: the same seed gives the same sketch, and whatever is drawn loads.

mod schedule;
mod verbs;
mod world;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::sketch::Sketch;
use crate::scenario::Outcome;
use crate::world::Entropy;

pub use verbs::{Argument, EXCLUDED, Extra, ROWS, Row};
pub use world::{PERSONAS, Place};

pub(super) use schedule::sensible;

/// Declares the classes of faults with their names.
macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $Class:ident = $name:literal,)+) => {
        /// A class of faults, which a draw switches on or off as a whole.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Class {
            $($(#[doc = $doc])+ $Class,)+
        }

        impl Class {
            /// Every class.
            pub const ALL: &'static [Class] = &[$(Class::$Class),+];

            /// Its name in `explore.json`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Class::$Class => $name,)+
                }
            }
        }
    };
}

classes! {
    /// Starts, stops and rotations of the database: what a machine does on a good day. Never switched off.
    Routine = "routine",
    /// Crashes, hanging, and restarts of the proxy.
    Processes = "processes",
    /// The ways to the cloud are cut, refused or deleted.
    Endpoints = "endpoints",
    /// The cloud answers, and not what was hoped for.
    CloudErrors = "cloud-errors",
    /// Credentials and roles.
    Credentials = "credentials",
    /// The customer's keys.
    CustomerKeys = "customer-keys",
    /// The files of wrapped keys.
    Files = "files",
    /// Wall clocks.
    Clock = "clock",
    /// The KMIP object that is the master key.
    Object = "object",
    /// The disk: power and room.
    Disk = "disk",
    /// Required private networking, slow networks, other KMIP servers.
    Networking = "networking",
    /// The proxy's flags.
    Flags = "flags",
}

/// The sketch of a seed. What it must come to is not said yet: its `outcome` is `stays-closed`, which always loads.
pub fn draw(seed: u64) -> Sketch {
    let mut runner = runner(seed);
    let tree = sketches().new_tree(&mut runner).expect("no strategy here rejects anything");
    let mut sketch = tree.current();
    sketch.title = format!("Drawn by explore from seed {seed:#x}");
    sketch.why = "A search that has not found anything here yet.".to_owned();
    sketch
}

fn runner(seed: u64) -> TestRunner {
    let key = Entropy::new(seed).key("explore");
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key))
}

fn sketches() -> impl Strategy<Value = Sketch> {
    swarm().prop_flat_map(|on| (world::worlds(on.clone()), proptest::strategy::Just(on))).prop_flat_map(
        |(place, on)| {
            let lines = schedule::schedules(&place, &on);
            (lines, proptest::strategy::Just(place)).prop_map(|((lines, end), place)| Sketch {
                title: String::new(),
                why: String::new(),
                end,
                outcome: Outcome::StaysClosed,
                seeds: Vec::new(),
                provider: place.provider,
                world: place.settings,
                lines,
            })
        },
    )
}

/// The classes that are on: each with even odds.
fn swarm() -> impl Strategy<Value = Vec<Class>> {
    let odds = proptest::collection::vec(proptest::bool::ANY, Class::ALL.len());
    odds.prop_map(|odds| {
        let chosen = Class::ALL.iter().zip(odds).filter(|(class, on)| *on || **class == Class::Routine);
        chosen.map(|(class, _)| *class).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::VERBS;

    #[test]
    fn whatever_is_drawn_loads() {
        for seed in 0..1000 {
            let sketch = draw(seed);
            if let Err(error) = sketch.load("drawn.toml") {
                panic!("seed {seed:#x}\n{}\n{}", sketch.write(), error.render(false));
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_sketch_and_another_gives_another() {
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7).write(), draw(8).write());
    }

    #[test]
    fn every_verb_is_drawn_or_excluded_with_a_reason() {
        let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.verb).collect();
        let excluded: BTreeSet<&str> = EXCLUDED.iter().map(|(verb, _)| *verb).collect();
        for verb in VERBS {
            let (drawn, excluded) = (rows.contains(verb), excluded.contains(verb));
            assert!(drawn != excluded, "`{verb}` needs a row in `ROWS`, or a reason in `EXCLUDED`, and not both");
        }
        assert!(rows.union(&excluded).all(|verb| VERBS.contains(verb)), "a verb that there is no more");
        let seen: BTreeSet<String> =
            (0..1000).flat_map(|seed| draw(seed).lines.into_iter().map(|line| line.verb)).collect();
        assert_eq!(seen.iter().map(String::as_str).collect::<BTreeSet<_>>(), rows);
    }

    #[test]
    fn every_persona_is_drawn_or_left_out_with_a_reason() {
        for persona in crate::scenario::PERSONAS {
            let told = PERSONAS.iter().filter(|(name, _)| name == persona).count();
            assert_eq!(told, 1, "`{persona}` needs its line in `PERSONAS`: drawn, or why not");
        }
    }

    #[test]
    fn a_class_that_is_off_draws_nothing_of_its_own() {
        let mut runner = runner(1);
        for _ in 0..200 {
            let place = world::worlds(vec![Class::Routine]).new_tree(&mut runner).unwrap().current();
            let (lines, _) = schedule::schedules(&place, &[Class::Routine]).new_tree(&mut runner).unwrap().current();
            assert!(lines.iter().all(|line| ["start", "stop", "rotate"].contains(&line.verb.as_str())), "{lines:?}");
            let own = ["proxy.require_private_networking", "network.latency", "credentials.metadata"];
            assert!(place.settings.iter().all(|(key, _)| !own.contains(&key.as_str())), "{:?}", place.settings);
        }
    }
}
