//! Whether a cell among real programs agrees with the simulation of the same scenario, provider and seed.
//!
//! A cell has it only where who stood at mongod's place was the same on both sides. What differs is either explained, by a
//! page of findings that the recorded differences name, or it is a failure of the cell.
//!
//! Invariant: a cell without an agreement was not compared; it neither agrees nor differs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::Cell;
use super::words;

/// What came of comparing a cell with the simulation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// Whether the same was said in both, in the same order, with the same outcomes.
    pub agrees: bool,
    /// The page of findings that explains what differs; nothing where nothing differs, or nobody has explained it.
    #[serde(default)]
    pub explained_by: Option<String>,
    /// The first difference; nothing where they agree.
    #[serde(default)]
    pub first: Option<Parting>,
    /// The lane that it was compared with: `sim`.
    pub with: String,
}

/// A difference from the simulation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parting {
    /// Who says something else: `mongod`, `proxy`, an endpoint.
    pub actor: String,
    /// Where in the timeline, in words.
    pub at: String,
    /// What is said in the cell's lane.
    pub here: String,
    /// The line of the scenario file; nothing before the first and in the epilogue.
    #[serde(default)]
    pub line: Option<u32>,
    /// What is said in the simulation.
    pub there: String,
}

/// How many cells of a lane were compared, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// How many agree.
    pub agreed: u64,
    /// How many differ in a way that is explained.
    pub explained: u64,
    /// How many differ otherwise.
    pub unexplained: u64,
}

/// What came of a comparison, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// They agree.
    Agrees,
    /// They differ, and a page explains it.
    Explained,
    /// They differ.
    Differs,
}

impl Agreement {
    /// What came of it.
    pub fn came(&self) -> Came {
        match (self.agrees, &self.explained_by) {
            (true, _) => Came::Agrees,
            (false, Some(_)) => Came::Explained,
            (false, None) => Came::Differs,
        }
    }

    /// `agrees with sim`, for properties and marks.
    pub fn told(&self) -> String {
        match (self.came(), &self.explained_by) {
            (Came::Explained, Some(page)) => format!("differs from {}, explained in {page}", self.with),
            (Came::Differs | Came::Explained, _) => format!("differs from {}", self.with),
            (Came::Agrees, _) => format!("agrees with {}", self.with),
        }
    }
}

impl Came {
    /// The symbol that stands beside the word.
    pub fn symbol(self) -> &'static str {
        match self {
            Came::Agrees => "=",
            Came::Explained => "≈",
            Came::Differs => "≠",
        }
    }

    /// What it means, for legends.
    pub fn meaning(self) -> &'static str {
        match self {
            Came::Agrees => "the same was said as in the simulation",
            Came::Explained => "something else was said than in the simulation, and a page says why",
            Came::Differs => "something else was said than in the simulation",
        }
    }

    /// Every one, in the order of legends.
    pub const ALL: [Came; 3] = [Came::Agrees, Came::Explained, Came::Differs];
}

impl Parting {
    /// `line 12: start = "mongod", proxy: here tells throttled, in sim nothing more`.
    pub fn told(&self, with: &str) -> String {
        format!("{}, {}: here `{}`, in {with} `{}`", self.at, self.actor, self.here, self.there)
    }
}

/// The counts of each lane that was compared.
pub(super) fn compared<'a>(cells: impl Iterator<Item = (&'a Cell, u64)>) -> BTreeMap<String, Compared> {
    let mut lanes: BTreeMap<String, Compared> = BTreeMap::new();
    for (cell, times) in cells {
        let Some(agreement) = &cell.agreement else { continue };
        let lane = lanes.entry(cell.lane.clone()).or_default();
        match agreement.came() {
            Came::Agrees => lane.agreed += times,
            Came::Explained => lane.explained += times,
            Came::Differs => lane.unexplained += times,
        }
    }
    lanes
}

/// A sentence for each lane: `process agrees with the simulation in 31 of 32 cells, 1 difference explained`.
pub fn sentences(lanes: &BTreeMap<String, Compared>) -> Vec<String> {
    let sentence = |(lane, compared): (&String, &Compared)| {
        let Compared { agreed, explained, unexplained } = *compared;
        let mut text = format!(
            "{lane} agrees with the simulation in {agreed} of {}",
            words::plural(agreed + explained + unexplained, "cell", "cells")
        );
        for (count, how) in [(explained, "explained"), (unexplained, "not explained")] {
            if count > 0 {
                text += &format!(", {} {how}", words::plural(count, "difference", "differences"));
            }
        }
        text
    };
    lanes.iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::super::verdict::Verdict;
    use super::*;

    #[test]
    fn a_sentence_counts_cells_and_tells_only_of_differences_that_there_are() {
        let of = |agreed, explained, unexplained| {
            let lanes = BTreeMap::from([("process".to_owned(), Compared { agreed, explained, unexplained })]);
            sentences(&lanes).remove(0)
        };
        assert_eq!(of(1, 0, 0), "process agrees with the simulation in 1 of 1 cell");
        assert_eq!(of(31, 1, 0), "process agrees with the simulation in 31 of 32 cells, 1 difference explained");
        assert_eq!(
            of(29, 1, 2),
            "process agrees with the simulation in 29 of 32 cells, 1 difference explained, 2 differences not explained"
        );
        assert_eq!(sentences(&BTreeMap::new()), Vec::<String>::new());
    }

    #[test]
    fn only_cells_that_were_compared_are_counted_and_each_in_its_lane() {
        let cell = |lane: &str, agreement| Cell {
            lane: lane.to_owned(),
            agreement,
            ..sample::cell("family", "name", Verdict::Pass)
        };
        let cells = [
            cell("process", Some(sample::agreement(true, None))),
            cell("process", Some(sample::agreement(false, Some("docs/findings/late.md")))),
            cell("bridge", Some(sample::agreement(false, None))),
            cell("sim", None),
        ];
        let counted = compared(cells.iter().map(|cell| (cell, 1)));
        assert_eq!(counted.keys().collect::<Vec<_>>(), ["bridge", "process"]);
        assert_eq!(counted["process"], Compared { agreed: 1, explained: 1, unexplained: 0 });
        assert_eq!(counted["bridge"], Compared { agreed: 0, explained: 0, unexplained: 1 });
    }
}
