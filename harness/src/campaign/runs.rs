//! Which runs a plan has: its seeds, and what of them a part of a split campaign plays.
//!
//! Runs are counted and computed, never listed, so that a million seeds take no memory. Seeds that files pin stand
//! outside the count: the first part plays them.
//!
//! Invariant: the parts of a campaign have each run of the whole exactly once.

use std::collections::BTreeSet;

use super::shard::Shard;
use crate::scenario::Scenario;

/// Seeds that follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeds {
    /// The first one. After the greatest seed comes 0.
    pub first: u64,
    /// How many there are; none if nothing is to be simulated.
    pub count: u64,
}

impl Seeds {
    /// The seed at that place, from 0.
    pub fn at(self, place: u64) -> u64 {
        self.first.wrapping_add(place)
    }

    /// Whether a seed is among them.
    pub fn contains(self, seed: u64) -> bool {
        seed.wrapping_sub(self.first) < self.count
    }
}

/// The runs of a plan, or of a part of it.
#[derive(Debug)]
pub(super) struct Runs<'a> {
    scenarios: &'a [Scenario],
    seeds: Seeds,
    shard: Shard,
    pinned: Vec<(&'a Scenario, u64)>,
}

impl<'a> Runs<'a> {
    pub(super) fn new(scenarios: &'a [Scenario], seeds: Seeds, shard: Option<Shard>) -> Self {
        let shard = shard.unwrap_or(Shard::WHOLE);
        let mut pinned = Vec::new();
        if shard.is_first() && seeds.count > 0 {
            for scenario in scenarios {
                let own: BTreeSet<u64> = scenario.seeds.iter().copied().filter(|seed| !seeds.contains(*seed)).collect();
                pinned.extend(own.into_iter().map(|seed| (scenario, seed)));
            }
        }
        Runs { scenarios, seeds, shard, pinned }
    }

    /// How many runs there are.
    pub(super) fn count(&self) -> u64 {
        self.dealt().saturating_mul(length(self.scenarios)).saturating_add(length(&self.pinned))
    }

    /// How many different seeds they have.
    pub(super) fn seeds(&self) -> u64 {
        let pinned: BTreeSet<u64> = self.pinned.iter().map(|(_, seed)| *seed).collect();
        self.dealt() + u64::try_from(pinned.len()).unwrap_or(u64::MAX)
    }

    /// The run at that place, from 0: scenario by scenario, pinned seeds last.
    pub(super) fn at(&self, place: u64) -> Option<(&'a Scenario, u64)> {
        let dealt = self.dealt();
        let scenario = place.checked_div(dealt).and_then(|index| self.scenarios.get(usize::try_from(index).ok()?));
        if let Some(scenario) = scenario {
            return Some((scenario, self.seeds.at(self.shard.place(place % dealt))));
        }
        let pinned = place - dealt.saturating_mul(length(self.scenarios));
        self.pinned.get(usize::try_from(pinned).ok()?).copied()
    }

    /// How many of the asked seeds belong here.
    fn dealt(&self) -> u64 {
        self.shard.share(self.seeds.count)
    }
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    fn scenario(name: &str, pinned: &str) -> Scenario {
        let text = format!(
            "format = \"1.0\"\ntitle = \"A story\"\nwhy = \"To be dealt.\"\nend = \"5s\"\nfinal = \"opens\"\n\
             seeds = [{pinned}]\ntimeline = [{{ at = \"1s\", start = \"mongod\" }}]\n"
        );
        let path = format!("{name}.toml");
        scenario::load(&path, "stories", text.as_bytes()).unwrap_or_else(|error| panic!("{}", error.render(false)))
    }

    fn all(runs: &Runs<'_>) -> Vec<(String, u64)> {
        let all: Vec<_> = (0..runs.count()).map(|place| runs.at(place).expect("it is counted")).collect();
        assert!(runs.at(runs.count()).is_none(), "more than is counted");
        all.into_iter().map(|(scenario, seed)| (scenario.name.clone(), seed)).collect()
    }

    #[test]
    fn the_parts_have_each_run_of_the_whole_exactly_once() {
        let scenarios = [scenario("one", "\"0x3\", \"0x63\", \"0x63\""), scenario("two", "\"0x63\", \"0x64\"")];
        for count in [1, 2, 7, 8] {
            let seeds = Seeds { first: 2, count };
            let whole = Runs::new(&scenarios, seeds, None);
            let mut expected = all(&whole);
            expected.sort();
            let parts: Vec<_> =
                (1..=4).map(|n| Runs::new(&scenarios, seeds, Some(Shard::new(n, 4).expect("there is one")))).collect();
            let mut dealt: Vec<_> = parts.iter().flat_map(all).collect();
            dealt.sort();
            assert_eq!(dealt, expected, "{count} seeds");
            assert_eq!(parts.iter().map(Runs::seeds).sum::<u64>(), whole.seeds());
            let different: BTreeSet<u64> = expected.iter().map(|(_, seed)| *seed).collect();
            assert_eq!(whole.seeds(), length(&different.into_iter().collect::<Vec<_>>()));
        }
    }

    #[test]
    fn a_part_has_every_nth_seed_of_all_scenarios_and_the_first_one_the_pinned_ones() {
        let scenarios = [scenario("one", "\"0x63\""), scenario("two", "")];
        let part = |number| all(&Runs::new(&scenarios, Seeds { first: 0, count: 5 }, Shard::new(number, 2).ok()));
        let of =
            |pairs: &[(&str, u64)]| pairs.iter().map(|(name, seed)| ((*name).to_owned(), *seed)).collect::<Vec<_>>();
        let first = [("one", 0), ("one", 2), ("one", 4), ("two", 0), ("two", 2), ("two", 4), ("one", 0x63)];
        assert_eq!(part(1), of(&first));
        assert_eq!(part(2), of(&[("one", 1), ("one", 3), ("two", 1), ("two", 3)]));
    }

    #[test]
    fn without_seeds_nothing_is_played_not_even_what_is_pinned() {
        let scenarios = [scenario("one", "\"0x63\"")];
        assert_eq!(Runs::new(&scenarios, Seeds::default(), None).count(), 0);
    }

    #[test]
    fn seeds_go_round_after_the_greatest() {
        let seeds = Seeds { first: u64::MAX, count: 2 };
        assert_eq!((seeds.at(0), seeds.at(1)), (u64::MAX, 0));
        assert!(seeds.contains(0) && seeds.contains(u64::MAX) && !seeds.contains(1));
    }
}
