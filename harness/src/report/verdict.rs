//! The vocabulary of reports: verdicts and tiers of evidence, each a table that every form reads.
//!
//! Invariant: a verdict is told by a word and a symbol; colour only repeats them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::trace::Tier;

/// What came of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was as expected.
    Pass,
    /// Something was not.
    Fail,
    /// It failed as recorded, with a reason.
    ExpectedFailure,
    /// It is recorded as failing and passed: the record is out of date, so this counts as a failure.
    UnexpectedPass,
    /// It could not be judged: the checker ran out of time, or a lane broke down half-way.
    Inconclusive,
    /// The world cannot do what the scenario asks for.
    NotApplicable,
    /// Something that it needs is not on this machine.
    NotRun,
}

/// What there is to say about a verdict.
struct Row {
    id: &'static str,
    word: &'static str,
    symbol: &'static str,
    verb: &'static str,
    one: &'static str,
    many: &'static str,
    meaning: &'static str,
    severity: u8,
}

impl Verdict {
    /// Every verdict, in the order of legends and summaries.
    pub const ALL: [Verdict; 7] = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::ExpectedFailure,
        Verdict::UnexpectedPass,
        Verdict::Inconclusive,
        Verdict::NotApplicable,
        Verdict::NotRun,
    ];

    /// The spelling in `report.json`.
    pub fn id(self) -> &'static str {
        self.row().id
    }

    /// The word for one cell.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// The symbol that stands beside the word.
    pub fn symbol(self) -> &'static str {
        self.row().symbol
    }

    /// The verb that begins a line on a terminal; at most twelve characters.
    pub fn verb(self) -> &'static str {
        self.row().verb
    }

    /// The word after a count, as in `2 expected failures`.
    pub fn counted(self, count: u64) -> &'static str {
        if count == 1 { self.row().one } else { self.row().many }
    }

    /// What the verdict means, for legends.
    pub fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// How much it outweighs others when many seeds are told as one: of several, the greatest is told.
    pub fn severity(self) -> u8 {
        self.row().severity
    }

    /// Whether somebody must look at it.
    pub fn wants_attention(self) -> bool {
        matches!(self, Verdict::Fail | Verdict::UnexpectedPass | Verdict::Inconclusive)
    }

    /// Whether anything was played at all.
    pub fn ran(self) -> bool {
        !matches!(self, Verdict::NotApplicable | Verdict::NotRun)
    }

    fn row(self) -> &'static Row {
        // Not run outweighs a pass, so that a case of which one seed did not run is never green.
        match self {
            Verdict::Pass => &Row {
                id: "pass",
                word: "pass",
                symbol: "✓",
                verb: "PASS",
                one: "passed",
                many: "passed",
                meaning: "everything was as expected",
                severity: 1,
            },
            Verdict::Fail => &Row {
                id: "fail",
                word: "fail",
                symbol: "✗",
                verb: "FAIL",
                one: "failed",
                many: "failed",
                meaning: "something was not as expected",
                severity: 6,
            },
            Verdict::ExpectedFailure => &Row {
                id: "expected-failure",
                word: "expected failure",
                symbol: "≈",
                verb: "XFAIL",
                one: "expected failure",
                many: "expected failures",
                meaning: "failed as recorded, with a reason",
                severity: 2,
            },
            Verdict::UnexpectedPass => &Row {
                id: "unexpected-pass",
                word: "unexpected pass",
                symbol: "!",
                verb: "XPASS",
                one: "unexpected pass",
                many: "unexpected passes",
                meaning: "recorded as failing, and passed; counts as a failure",
                severity: 5,
            },
            Verdict::Inconclusive => &Row {
                id: "inconclusive",
                word: "inconclusive",
                symbol: "?",
                verb: "INCONCLUSIVE",
                one: "inconclusive",
                many: "inconclusive",
                meaning: "could not be judged",
                severity: 4,
            },
            Verdict::NotApplicable => &Row {
                id: "not-applicable",
                word: "not applicable",
                symbol: "–",
                verb: "N/A",
                one: "not applicable",
                many: "not applicable",
                meaning: "this world cannot do what the scenario asks for",
                severity: 0,
            },
            Verdict::NotRun => &Row {
                id: "not-run",
                word: "not run",
                symbol: "·",
                verb: "NOT RUN",
                one: "not run",
                many: "not run",
                meaning: "something that it needs is not on this machine",
                severity: 3,
            },
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_in_json_is_the_one_in_the_tables() {
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.id());
        }
        for tier in Tier::ALL {
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.as_str());
        }
    }

    #[test]
    fn no_two_verdicts_share_a_symbol_a_verb_or_a_severity() {
        for (index, one) in Verdict::ALL.into_iter().enumerate() {
            for other in Verdict::ALL.into_iter().skip(index + 1) {
                assert_ne!(one.symbol(), other.symbol());
                assert_ne!(one.verb(), other.verb());
                assert_ne!(one.severity(), other.severity());
            }
        }
    }

    #[test]
    fn every_verb_fits_the_column_of_a_terminal_line() {
        assert!(Verdict::ALL.into_iter().all(|verdict| verdict.verb().len() <= 12));
    }
}
