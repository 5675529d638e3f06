//! Whether a run in a lane with real programs says what the simulation of the same scenario, provider and seed says.
//!
//! The simulation is played there and then: it takes milliseconds, and so the two sides are always of one build.
//!
//! Invariant: only who is the same on both sides is compared. A real mongod is not what a persona plays, and a client that
//! stands in for another one proves nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::report::{self, Agreement, Cell, Failure, Parting, Verdict};
use crate::scenario::Scenario;
use crate::trace::{Lane, Peer, Played, Tier};
use crate::transcript::{Compared, Difference, Recorded, Transcript};
use crate::world::sim::{self, Planted};
use crate::world::{self, Attempt, Means, World};

/// The requirement that a difference breaks which nobody has explained.
pub const REQUIREMENT: &str = "agrees with the simulation";

/// One side of a comparison: a lane, ready to play with one seed.
pub struct Side {
    lane: Lane,
    seed: u64,
    /// None in the simulation, which is played by itself.
    world: Option<Box<dyn World>>,
}

impl Side {
    /// Opens a lane, or says why nothing can be played in it here.
    ///
    /// # Errors
    ///
    /// The reason, if nothing can be played.
    pub fn open(lane: Lane, seed: u64, means: &Means) -> Result<Self, String> {
        let world = if lane == Lane::Sim { None } else { Some(world::open(lane, means)?) };
        Ok(Side { lane, seed, world })
    }

    /// The lane.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// How it is called beside another side: by the lane, and by the seed where the lane is the same.
    pub fn name(&self, other: &Side) -> String {
        if self.lane == other.lane { format!("{} {:#x}", self.lane, self.seed) } else { self.lane.to_string() }
    }

    /// Plays a scenario with the first of the lane's peers that can be compared; where none can, what came of the last.
    pub fn play(&self, scenario: &Scenario) -> Attempt {
        let Some(world) = &self.world else {
            return Attempt::Played(Box::new(sim::play(scenario, self.seed, &Planted::default())));
        };
        let mut last = Attempt::NotRun("there is nobody who could stand where mongod stands".to_owned());
        for peer in world.peers_for(scenario) {
            last = world.play(scenario, &peer, self.seed);
            if let Attempt::Played(played) = &last
                && is_comparable(scenario, &played.peer)
            {
                break;
            }
        }
        last
    }
}

/// Compares two runs of one scenario. The first lane's is `here`.
pub fn compare(scenario: &Scenario, here: &Played, there: &Played) -> Compared {
    let (one, other) = (Transcript::of(scenario, here), Transcript::of(scenario, there));
    Compared {
        scenario: scenario.id(),
        provider: scenario.world.provider,
        lanes: [here.lane, there.lane],
        differences: one.differences(&other),
    }
}

/// Whether who stood at mongod's place is who the scenario's persona stands for.
pub fn is_comparable(scenario: &Scenario, peer: &Peer) -> bool {
    let persona = scenario.world.mongod.persona.as_str();
    match peer.tier {
        Tier::Simulated | Tier::Persona => {
            // A program is named with its version.
            peer.name.strip_prefix(persona).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        }
        Tier::RealDriver => persona.starts_with("libmongocrypt"),
        Tier::RealPsmdb | Tier::RealEnterprise => false,
    }
}

/// Plays the simulation of a run that was played elsewhere, and compares the two. `None` where there is nothing to
/// compare: another client stood there, or one of the two broke down.
pub fn with_simulation(scenario: &Scenario, played: &Played) -> Option<Compared> {
    if played.lane == Lane::Sim || played.broke.is_some() || !is_comparable(scenario, &played.peer) {
        return None;
    }
    // A panic of the simulation is told where the simulation is judged.
    let simulated = catch_unwind(AssertUnwindSafe(|| sim::play(scenario, played.seed, &Planted::default()))).ok()?;
    simulated.broke.is_none().then(|| compare(scenario, played, &simulated))
}

/// Writes into a cell what came of comparing it; a difference that nobody has explained is a failure. `more` is what the
/// command line has to say besides to show it again.
pub(super) fn write_into(cell: &mut Cell, compared: &Compared, recorded: &Recorded, more: &str) {
    let explained_by = recorded.page(compared).map(str::to_owned);
    let first = compared.differences.first();
    if let (Some(difference), None) = (first, &explained_by) {
        let with = compared.lanes[1];
        let others = match compared.differences.len() - 1 {
            0 => String::new(),
            others => format!(" ({})", report::words::plural(others, "more difference", "more differences")),
        };
        cell.failures.push(Failure {
            requirement: REQUIREMENT.to_owned(),
            expected: format!("{}, {}: `{}`, as in {with}", difference.place, difference.actor, difference.there),
            observed: format!(
                "`{}`{others}; cargo lab diff {} --provider {} --lanes {with},{}{more} shows both",
                difference.here, compared.scenario, compared.provider, compared.lanes[0]
            ),
            place: None,
        });
        if cell.verdict == Verdict::Pass {
            cell.verdict = Verdict::Fail;
        }
    }
    cell.agreement = Some(Agreement {
        agrees: compared.differences.is_empty(),
        explained_by,
        first: first.map(parting),
        with: compared.lanes[1].to_string(),
    });
}

fn parting(difference: &Difference) -> Parting {
    Parting {
        actor: difference.actor.clone(),
        at: difference.place.to_string(),
        here: difference.here.clone(),
        line: difference.place.line(),
        there: difference.there.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign;
    use crate::checker;
    use crate::scenario;
    use crate::trace::What;

    fn scenario(persona: &str) -> Scenario {
        let text = format!(
            "format = \"1.0\"\ntitle = \"A story\"\nwhy = \"To be compared.\"\nend = \"10s\"\nfinal = \"opens\"\n\
             provider = [\"local\"]\nworld.mongod.persona = \"{persona}\"\n\
             timeline = [{{ at = \"1s\", start = \"mongod\" }}]\n"
        );
        scenario::load("story.toml", "stories", text.as_bytes())
            .unwrap_or_else(|error| panic!("{}", error.render(false)))
    }

    /// A run as another lane would have played it: with another seed, and told as a persona's.
    fn elsewhere(scenario: &Scenario) -> Played {
        let mut played = sim::play(scenario, 7, &Planted::default());
        played.lane = Lane::Process;
        played.peer.tier = Tier::Persona;
        played
    }

    /// The same, but a Get is refused.
    fn refused(scenario: &Scenario) -> Played {
        let mut played = elsewhere(scenario);
        for event in &mut played.events {
            if let What::Answer { operation: Some(operation), status, reason, material, .. } = &mut event.what
                && operation == "Get"
            {
                (*status, *reason, *material) = ("OperationFailed".to_owned(), Some("item-not-found".to_owned()), None);
            }
        }
        played
    }

    fn cell_of(scenario: &Scenario, played: &Played, recorded: &Recorded) -> Cell {
        let mut cell = campaign::cell(scenario, played, &checker::judge(scenario, played));
        let compared = with_simulation(scenario, played).expect("the two are comparable");
        write_into(&mut cell, &compared, recorded, "");
        cell
    }

    fn recorded(what: &str) -> Recorded {
        let text = format!(
            "[[difference]]\nscenarios = [\"stories/*\"]\nlanes = [\"sim\", \"process\"]\nwhat = [\"{what}\"]\n\
             reason = \"so\"\npage = \"docs/findings/so.md\"\n"
        );
        Recorded::read("differences.toml", &text).unwrap_or_else(|error| panic!("{}", error.render(false)))
    }

    #[test]
    fn a_run_elsewhere_that_says_the_same_agrees_and_passes() {
        let scenario = scenario("psmdb-8");
        let mut other = elsewhere(&scenario);
        // What real time changes, and nobody hears.
        other
            .events
            .retain(|event| !matches!(event.what, What::Connect { .. } | What::Bytes { .. } | What::Log { .. }));
        let cell = cell_of(&scenario, &other, &Recorded::default());
        assert_eq!(cell.verdict, Verdict::Pass);
        let agreement = Agreement { agrees: true, explained_by: None, first: None, with: "sim".to_owned() };
        assert_eq!(cell.agreement, Some(agreement));
    }

    #[test]
    fn a_difference_fails_its_cell_unless_it_is_recorded() {
        let scenario = scenario("psmdb-8");
        let other = refused(&scenario);
        let cell = cell_of(&scenario, &other, &Recorded::default());
        assert_eq!(cell.verdict, Verdict::Fail);
        let failure = cell.failures.iter().find(|failure| failure.requirement == REQUIREMENT).expect("it is told");
        assert!(failure.expected.ends_with("mongod: `Get of key 1: ok, the same key`, as in sim"), "{failure:?}");
        assert!(
            failure.observed.starts_with("`Get of key 1: item-not-found`; cargo lab diff stories/story "),
            "{failure:?}"
        );
        let known = recorded("mongod: Get of key 1: ok, the same key / Get of key 1: item-not-found");
        let cell = cell_of(&scenario, &other, &known);
        assert!(cell.failures.iter().all(|failure| failure.requirement != REQUIREMENT), "{:?}", cell.failures);
        let agreement = cell.agreement.expect("it was compared");
        assert_eq!((agreement.agrees, agreement.explained_by.as_deref()), (false, Some("docs/findings/so.md")));
        let line = agreement.first.expect("it differs").line;
        assert_eq!(line, Some(scenario.timeline[0].line));
        let compared = with_simulation(&scenario, &elsewhere(&scenario)).expect("the two are comparable");
        assert_eq!(known.stale(&[compared]).len(), 1, "what does not differ any more is stale");
    }

    #[test]
    fn only_who_is_the_same_on_both_sides_is_compared() {
        let comparable = |persona: &str, name: &str, tier| {
            is_comparable(&scenario(persona), &Peer { name: name.to_owned(), tier, proof: Vec::new() })
        };
        assert!(comparable("psmdb-8", "psmdb-8", Tier::Persona));
        assert!(comparable("psmdb-8", "psmdb-8 (mongod-persona 0.1.0)", Tier::Persona));
        assert!(!comparable("psmdb-8", "psmdb-8-soft", Tier::Persona));
        assert!(!comparable("psmdb-8", "enterprise-1.0", Tier::Persona));
        assert!(!comparable("psmdb-8", "psmdb-8", Tier::RealPsmdb), "a real mongod is no persona");
        assert!(!comparable("psmdb-8", "PyMongo 4.13", Tier::RealDriver));
        assert!(comparable("libmongocrypt-plain", "PyMongo 4.13", Tier::RealDriver));
    }

    #[test]
    fn a_run_that_broke_down_and_a_real_mongod_have_no_agreement() {
        let scenario = scenario("psmdb-8");
        let mut other = elsewhere(&scenario);
        other.broke = Some("the machine went away".to_owned());
        assert!(with_simulation(&scenario, &other).is_none());
        let mut real = elsewhere(&scenario);
        real.peer.tier = Tier::RealPsmdb;
        assert!(with_simulation(&scenario, &real).is_none());
        let simulated = Played { lane: Lane::Sim, ..elsewhere(&scenario) };
        assert!(with_simulation(&scenario, &simulated).is_none(), "the simulation is not compared with itself");
    }
}
