//! How often each thing that the laboratory knows was exercised: classes of failure, states of endpoints, personas, verbs.
//!
//! A cell counts what it met and leaves the rest out; a report adds the cells up on top of every word that there is, so
//! that what was never met stands there as zero. Invariants have fields of their own, because zero fails a whole run.
//!
//! Invariant: sums do not depend on the order of what is added.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often each word of each kind was exercised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Classes of failure: how often the operator was told of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, u64>,
    /// States of endpoints: how often the proxy's attempts to connect met each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoints: BTreeMap<String, u64>,
    /// Personas: how many runs each was played in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personas: BTreeMap<String, u64>,
    /// Verbs: how often each fired.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verbs: BTreeMap<String, u64>,
}

impl Counts {
    /// Adds what others counted.
    pub fn add(&mut self, other: &Counts) {
        // Taken apart by name, so that a kind that is added to the struct cannot be forgotten here.
        let Counts { classes, endpoints, personas, verbs } = other;
        let pairs = [
            (&mut self.classes, classes),
            (&mut self.endpoints, endpoints),
            (&mut self.personas, personas),
            (&mut self.verbs, verbs),
        ];
        for (sum, more) in pairs {
            add(sum, more);
        }
    }

    /// The same words, none of them exercised yet.
    #[must_use]
    pub fn zeroed(mut self) -> Counts {
        let Counts { classes, endpoints, personas, verbs } = &mut self;
        for times in [classes, endpoints, personas, verbs].into_iter().flat_map(BTreeMap::values_mut) {
            *times = 0;
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Counts::default()
    }
}

/// Adds counts by word.
pub(super) fn add(sum: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (word, times) in more {
        match sum.get_mut(word) {
            Some(sum) => *sum += times,
            None => drop(sum.insert(word.clone(), *times)),
        }
    }
}

/// One kind of things with how often each was exercised, as forms show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally<'a> {
    /// What one of them is called.
    pub one: &'static str,
    /// What several of them are called.
    pub many: &'static str,
    /// The words in the order of reading, with their counts.
    pub rows: Vec<(&'a str, u64)>,
}

impl<'a> Tally<'a> {
    /// The kinds of a report, without those of which it knows no word.
    pub(super) fn of(invariants: Vec<(&'a str, u64)>, counts: &'a Counts) -> Vec<Tally<'a>> {
        fn rows(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
            counts.iter().map(|(word, times)| (word.as_str(), *times)).collect()
        }
        let tallies = [
            Tally { one: "invariant", many: "invariants", rows: invariants },
            Tally { one: "class", many: "classes", rows: rows(&counts.classes) },
            Tally { one: "endpoint state", many: "endpoint states", rows: rows(&counts.endpoints) },
            Tally { one: "persona", many: "personas", rows: rows(&counts.personas) },
            Tally { one: "verb", many: "verbs", rows: rows(&counts.verbs) },
        ];
        tallies.into_iter().filter(|tally| !tally.rows.is_empty()).collect()
    }

    /// How many of the words were exercised at least once.
    pub fn exercised(&self) -> usize {
        self.rows.iter().filter(|(_, times)| *times > 0).count()
    }

    /// The words that were not exercised once.
    pub fn missed(&self) -> Vec<&'a str> {
        self.rows.iter().filter(|(_, times)| *times == 0).map(|(word, _)| *word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(word: &str, times: u64) -> Counts {
        let map = BTreeMap::from([(word.to_owned(), times)]);
        Counts { classes: map.clone(), endpoints: map.clone(), personas: map.clone(), verbs: map }
    }

    #[test]
    fn every_kind_adds_up_and_a_word_that_nobody_met_stays_as_zero() {
        let mut sum = counts("a", 0);
        sum.add(&counts("b", 2));
        sum.add(&counts("b", 3));
        for kind in [&sum.classes, &sum.endpoints, &sum.personas, &sum.verbs] {
            assert_eq!(kind, &BTreeMap::from([("a".to_owned(), 0), ("b".to_owned(), 5)]));
        }
        let tallies = Tally::of(vec![("K1", 1), ("K2", 0)], &sum);
        assert_eq!(tallies.len(), 5);
        for tally in &tallies {
            assert_eq!((tally.exercised(), tally.missed().len()), (1, 1), "{}", tally.many);
        }
        assert!(Tally::of(Vec::new(), &Counts::default()).is_empty());
    }

    #[test]
    fn zeroed_keeps_the_words_and_forgets_the_numbers() {
        assert_eq!(counts("a", 7).zeroed(), counts("a", 0));
    }
}
