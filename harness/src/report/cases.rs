//! Cells as people look at them: all seeds of one scenario, provider, peer and lane are one case.
//!
//! Seeds that passed may have been folded; their example stands among the cells, and the others are only counted.
//! A case has the worst verdict of its seeds and shows the first seed that has it. What there is to tell about that
//! seed is its [story](Case::story), which every form prints in the same order and the same words.

use std::collections::BTreeMap;

use super::fold::Passed;
use super::model::{Cell, Place, Seed, weighed};
use super::verdict::Verdict;
use super::words;

/// All seeds of one scenario, provider, peer and lane.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    first: &'a Cell,
    rest: Vec<&'a Cell>,
    /// How many seeds passed besides those whose cells are here.
    folded: u64,
}

/// A piece of what there is to tell about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Which seeds ended so, and which of them is shown.
    Seeds,
    /// Which requirement was not met.
    Requires,
    /// What it demands.
    Expected,
    /// What was there instead.
    Observed,
    /// Why.
    Why,
    /// What the seed drew.
    Drawn,
    /// The command that plays it again.
    Replay,
}

impl Label {
    /// The label as printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Label::Seeds => "seeds",
            Label::Requires => "requires",
            Label::Expected => "expected",
            Label::Observed => "observed",
            Label::Why => "why",
            Label::Drawn => "drawn",
            Label::Replay => "replay",
        }
    }
}

/// A part of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A text under a label.
    Line(Label, String),
    /// The line of the scenario file that was not met.
    Place(&'a str, &'a Place),
}

impl<'a> Case<'a> {
    /// Groups cells into cases, sorted by family, scenario, provider, peer and lane.
    pub fn group(cells: &'a [Cell], passed: &'a [Passed]) -> Vec<Case<'a>> {
        let mut cases: BTreeMap<_, Case<'a>> = BTreeMap::new();
        for (cell, times) in weighed(cells, passed) {
            let key = (&cell.family, &cell.scenario, &cell.provider, &cell.peer, &cell.lane);
            let folded = times.saturating_sub(1);
            cases
                .entry(key)
                .and_modify(|case| {
                    case.rest.push(cell);
                    case.folded += folded;
                })
                .or_insert_with(|| Case { first: cell, rest: Vec::new(), folded });
        }
        cases.into_values().collect()
    }

    /// The worst verdict among the seeds.
    pub fn verdict(&self) -> Verdict {
        self.shown().verdict
    }

    /// The cell that stands for the case: the first of those with the worst verdict.
    pub fn shown(&self) -> &'a Cell {
        self.rest.iter().fold(
            self.first,
            |worst, cell| {
                if cell.verdict.severity() > worst.verdict.severity() { cell } else { worst }
            },
        )
    }

    /// Every cell, in the order of seeds; the example of folded ones last.
    pub fn cells(&self) -> impl Iterator<Item = &'a Cell> + '_ {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    /// `aws psmdb-8 sim`: what tells the case from others of its scenario.
    pub fn variant(&self) -> String {
        format!("{} {} {}", self.first.provider, self.first.peer, self.first.lane)
    }

    /// Where the case stands in an HTML report.
    pub fn anchor(&self) -> String {
        let Cell { family, scenario, provider, peer, lane, .. } = self.first;
        [family, scenario, provider, peer, lane]
            .map(|part| part.replace(|character: char| character.is_whitespace() || character == '/', "-"))
            .join("/")
    }

    /// `20 seeds`, or `4 of 20 seeds` where only some have the verdict of the case; empty where nothing was played.
    pub fn seeds(&self) -> String {
        let count = |so: &dyn Fn(&Cell) -> bool| -> u64 {
            let cells = self.cells().filter(|cell| cell.seed.is_some() && so(cell)).count();
            u64::try_from(cells).unwrap_or(u64::MAX)
        };
        let verdict = self.verdict();
        let all = count(&|_| true) + self.folded;
        let so = count(&|cell| cell.verdict == verdict) + if verdict == Verdict::Pass { self.folded } else { 0 };
        match (so, all) {
            (_, 0) => String::new(),
            (so, all) if so == all => words::plural(all, "seed", "seeds"),
            (so, all) => format!("{so} of {}", words::plural(all, "seed", "seeds")),
        }
    }

    /// The seeds that ended as the case did, the shown one first; not all of many.
    fn seeds_like(&self, shown: Seed) -> String {
        const NAMED: usize = 5;
        let alike = self.cells().filter(|cell| cell.verdict == self.verdict()).filter_map(|cell| cell.seed);
        let others: Vec<_> = alike.filter(|seed| *seed != shown).map(|seed| seed.to_string()).collect();
        let mut texts = vec![format!("{shown}, shown here")];
        texts.extend(others.iter().take(NAMED).cloned());
        match others.len().saturating_sub(NAMED) {
            0 => texts.join("; "),
            more => format!("{}; and {more} more", texts.join("; ")),
        }
    }

    /// What there is to tell, in the order in which every form tells it.
    pub fn story(&self) -> Vec<Part<'a>> {
        let cell = self.shown();
        let mut parts = Vec::new();
        let line = |parts: &mut Vec<_>, label, text: &str| parts.push(Part::Line(label, text.to_owned()));
        if let (Some(seed), false) = (cell.seed, self.rest.is_empty() && self.folded == 0) {
            line(&mut parts, Label::Seeds, &format!("{}: {}", self.seeds(), self.seeds_like(seed)));
        }
        for failure in &cell.failures {
            line(&mut parts, Label::Requires, &failure.requirement);
            line(&mut parts, Label::Expected, &failure.expected);
            line(&mut parts, Label::Observed, &failure.observed);
            parts.extend(failure.place.as_ref().map(|place| Part::Place(&cell.file, place)));
        }
        if cell.failures.is_empty() {
            for (label, text) in [(Label::Expected, &cell.expected), (Label::Observed, &cell.observed)] {
                if let Some(text) = text {
                    line(&mut parts, label, text);
                }
            }
        }
        if let Some(why) = &cell.why {
            line(&mut parts, Label::Why, why);
        }
        if !cell.drawn.is_empty() {
            line(&mut parts, Label::Drawn, &cell.drawn.join(", "));
        }
        line(&mut parts, Label::Replay, &cell.replay);
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::super::fold::Fold;
    use super::super::sample;
    use super::*;

    #[test]
    fn the_first_seed_with_the_worst_verdict_stands_for_its_case() {
        use Verdict::*;
        let cells = sample::seeds("family", "name", &[Pass, Inconclusive, Fail, Fail]);
        let cases = Case::group(&cells, &[]);
        assert_eq!(cases.len(), 1);
        assert_eq!(cases[0].shown().seed, cells[2].seed);
        assert_eq!(cases[0].seeds(), "2 of 4 seeds");
    }

    #[test]
    fn folded_passes_are_counted_and_a_failure_among_them_is_shown() {
        use Verdict::*;
        let told = |verdicts: &[Verdict]| {
            let mut fold = Fold::new(true);
            sample::seeds("family", "name", verdicts).into_iter().for_each(|cell| fold.add(cell));
            let (cells, passed) = fold.into_parts();
            let cases = Case::group(&cells, &passed);
            assert_eq!(cases.len(), 1);
            let story = match cases[0].story().first() {
                Some(Part::Line(Label::Seeds, text)) => text.clone(),
                _ => String::new(),
            };
            (cases[0].verdict(), cases[0].seeds(), story)
        };
        let shown = "1 of 4 seeds: 0x3, shown here".to_owned();
        assert_eq!(told(&[Pass, Pass, Fail, Pass]), (Fail, "1 of 4 seeds".to_owned(), shown));
        assert_eq!(told(&[Pass; 4]).1, "4 seeds");
    }

    #[test]
    fn a_case_of_which_one_seed_did_not_run_is_not_told_as_a_pass() {
        let cells = sample::seeds("family", "name", &[Verdict::Pass, Verdict::NotRun]);
        assert_eq!(Case::group(&cells, &[])[0].verdict(), Verdict::NotRun);
    }

    #[test]
    fn another_provider_peer_or_lane_is_another_case_with_another_anchor() {
        let cell = sample::cell("family", "name", Verdict::Pass);
        let cells = [
            cell.clone(),
            Cell { provider: "gcp".to_owned(), ..cell.clone() },
            Cell { peer: "enterprise-8".to_owned(), ..cell.clone() },
            Cell { lane: "process".to_owned(), ..cell },
        ];
        let cases = Case::group(&cells, &[]);
        let anchors: std::collections::BTreeSet<_> = cases.iter().map(Case::anchor).collect();
        assert_eq!((cases.len(), anchors.len()), (4, 4));
    }

    #[test]
    fn of_many_failing_seeds_the_first_few_are_named() {
        let told = |failing: usize| {
            let cells = sample::seeds("family", "name", &vec![Verdict::Fail; failing]);
            match Case::group(&cells, &[])[0].story().first() {
                Some(Part::Line(Label::Seeds, text)) => text.clone(),
                _ => String::new(),
            }
        };
        assert_eq!(told(1), "");
        assert_eq!(told(2), "2 seeds: 0x1, shown here; 0x2");
        assert_eq!(told(6), "6 seeds: 0x1, shown here; 0x2; 0x3; 0x4; 0x5; 0x6");
        assert_eq!(told(20), "20 seeds: 0x1, shown here; 0x2; 0x3; 0x4; 0x5; 0x6; and 14 more");
    }

    #[test]
    fn a_story_tells_requirement_expectation_observation_place_and_replay() {
        let report = sample::failing();
        let failures = report.failures();
        let labels: Vec<_> = failures[0]
            .story()
            .iter()
            .map(|part| match part {
                Part::Line(label, _) => label.as_str(),
                Part::Place(..) => "place",
            })
            .collect();
        assert_eq!(labels, ["seeds", "requires", "expected", "observed", "place", "why", "drawn", "replay"]);
    }
}
