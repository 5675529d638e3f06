//! What came of a case.
//!
//! Invariant: only what was played to its end, with every answer judged, is a pass.

use serde::Serialize;

/// What came of a case, before anybody asks what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every answer was the file's.
    Pass,
    /// Every answer was the file's, with permitted variations.
    PassWithVariations,
    /// An answer was another.
    Fail,
    /// An answer held something younger than its version: some clients break on that.
    Leak,
    /// The server does not claim what the case needs.
    NotOffered,
    /// The file is beyond this command.
    NotReadable,
    /// There was no answer that could be judged.
    Error,
}

impl Verdict {
    /// Every verdict, in the order of summaries.
    pub const ALL: [Verdict; 7] = [
        Verdict::Pass,
        Verdict::PassWithVariations,
        Verdict::Fail,
        Verdict::Leak,
        Verdict::NotOffered,
        Verdict::NotReadable,
        Verdict::Error,
    ];

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::PassWithVariations => "pass with variations",
            Verdict::Fail => "fail",
            Verdict::Leak => "leak",
            Verdict::NotOffered => "not offered",
            Verdict::NotReadable => "not readable",
            Verdict::Error => "error",
        }
    }

    /// Whether the server behaved as the file has it.
    pub fn passed(self) -> bool {
        matches!(self, Verdict::Pass | Verdict::PassWithVariations)
    }
}
