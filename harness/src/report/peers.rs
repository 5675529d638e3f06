//! Who took part, and what they answered when they were asked who they are: each peer once, however many cells it has.
//!
//! Invariant: these are the answers of the programs themselves; a peer that was not asked, as in a simulation, has none.

use std::collections::BTreeMap;

use super::model::{Report, weighed};
use super::verdict::Tier;

/// A peer with its tier, and what that rests on, one fact a line.
pub type Answers<'a> = BTreeMap<(&'a str, Tier), &'a [String]>;

/// Everybody who was asked. Of several cells of a peer the first one tells.
pub fn answers(report: &Report) -> Answers<'_> {
    let mut answers = Answers::new();
    for (cell, _) in weighed(&report.cells, &report.passed) {
        if let (Some(tier), [_, ..]) = (cell.tier, cell.proof.as_slice()) {
            answers.entry((&cell.peer, tier)).or_insert(&cell.proof);
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::super::model::Cell;
    use super::super::verdict::Verdict;
    use super::super::{html, json, markdown, sample};
    use super::*;

    fn report() -> Report {
        let asked = |scenario: &str, version: &str| Cell {
            tier: Some(Tier::RealPsmdb),
            peer: "Percona Server for MongoDB 8.0.4-2".to_owned(),
            proof: vec![format!("buildInfo.version: {version}"), "image sha256:00<b>".to_owned()],
            ..sample::cell("family", scenario, Verdict::Pass)
        };
        let simulated = sample::cell("family", "simulated", Verdict::Pass);
        sample::report(vec![asked("two", "8.0.4-3"), asked("one", "8.0.4-2"), simulated])
    }

    #[test]
    fn everybody_who_was_asked_is_told_once_and_who_was_not_has_said_nothing() {
        let report = report();
        let answers: Vec<_> = answers(&report).into_iter().map(|(peer, proof)| (peer, proof[0].as_str())).collect();
        let peer = ("Percona Server for MongoDB 8.0.4-2", Tier::RealPsmdb);
        assert_eq!(answers, [(peer, "buildInfo.version: 8.0.4-2")]);
    }

    #[test]
    fn every_form_for_people_shows_the_answers_and_the_json_of_each_cell_has_its_own() {
        let report = report();
        let told = "Percona Server for MongoDB 8.0.4-2 (real-psmdb): buildInfo.version: 8.0.4-2; image sha256:00&lt;b>";
        assert!(markdown::render(&report).contains(&format!("\n- {told}\n")), "{}", markdown::render(&report));
        let page = html::render(&report);
        assert!(page.contains("<li>buildInfo.version: 8.0.4-2</li><li>image sha256:00&lt;b&gt;</li>"), "{page}");
        assert!(!html::render(&sample::passing()).contains("Who took part"), "nobody was asked");
        let json = json::render(&report);
        assert!(json.contains("buildInfo.version: 8.0.4-2") && json.contains("buildInfo.version: 8.0.4-3"));
    }
}
