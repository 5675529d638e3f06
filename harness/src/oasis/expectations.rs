//! What may fail, and why: a file that names cases by globs, with a reason each.
//!
//! ```toml
//! [[listed]]
//! cases = ["*/AKLC-*", "1.4/TC-SJ-?-*"]
//! reason = "asymmetric keys are not offered"
//! ```
//!
//! A glob is matched against `version/name`, such as `1.0/SKLC-M-1-10`: the protocol version of the first request, and
//! the file's name without `.xml`, with hyphens for underscores. It is also matched against the path below the folder.
//!
//! With `either-way = true` a case may also pass: what it expects is left to chance.
//!
//! Invariant: an entry that is out of date fails the run: one whose glob matches no case, or whose case passes and was not
//! said to go either way.

use glob::{MatchOptions, Pattern};
use serde::Deserialize;

/// The expectations of a file.
#[derive(Debug, Default)]
pub struct Expectations {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    patterns: Vec<(String, Pattern)>,
    reason: String,
    either_way: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    listed: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    cases: Vec<String>,
    reason: String,
    #[serde(default, rename = "either-way")]
    either_way: bool,
}

impl Expectations {
    /// Reads a file's text.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut entries = Vec::new();
        for listed in file.listed {
            if listed.reason.trim().is_empty() {
                return Err(format!("{:?} is listed without a reason", listed.cases));
            }
            let patterns: Result<Vec<_>, String> =
                listed.cases.into_iter().map(|glob| Ok((glob.clone(), pattern(&glob)?))).collect();
            entries.push(Entry { patterns: patterns?, reason: listed.reason, either_way: listed.either_way });
        }
        Ok(Expectations { entries })
    }

    /// Why a case of these names may fail.
    pub fn reason(&self, names: &[String]) -> Option<&str> {
        self.entry(names).map(|entry| entry.reason.as_str())
    }

    /// Whether a case of these names may fail or pass.
    pub fn either_way(&self, names: &[String]) -> bool {
        self.entry(names).is_some_and(|entry| entry.either_way)
    }

    fn entry(&self, names: &[String]) -> Option<&Entry> {
        let matching = |entry: &&Entry| entry.patterns.iter().any(|(_, pattern)| matches(pattern, names));
        self.entries.iter().find(matching)
    }

    /// The globs that match none of these cases.
    pub fn idle(&self, cases: &[Vec<String>]) -> Vec<String> {
        let globs = self.entries.iter().flat_map(|entry| &entry.patterns);
        let idle = globs.filter(|(_, pattern)| !cases.iter().any(|names| matches(pattern, names)));
        idle.map(|(glob, _)| glob.clone()).collect()
    }
}

/// A glob, in which `*` stands for anything.
pub fn pattern(glob: &str) -> Result<Pattern, String> {
    Pattern::new(glob).map_err(|error| format!("`{glob}` is no glob: {error}"))
}

/// Whether a glob matches one of the names of a case.
pub fn matches(pattern: &Pattern, names: &[String]) -> bool {
    let options = MatchOptions { case_sensitive: false, ..MatchOptions::default() };
    names.iter().any(|name| pattern.matches_with(name, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_matched_by_version_and_name_or_by_path_whatever_the_case_of_letters() {
        let text = r#"
            [[listed]]
            cases = ["1.0/SKLC-M-?-*", "v1.1/tc_*"]
            reason = "because"
        "#;
        let expectations = Expectations::read(text).unwrap();
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let (one, two) = (names(["1.0/SKLC-M-1-10", "v1.0/SKLC_M_1_10"]), names(["1.1/TC-2", "v1.1/TC_2"]));
        assert_eq!(expectations.reason(&one), Some("because"));
        assert_eq!(expectations.reason(&two), Some("because"));
        assert_eq!(expectations.reason(&names(["1.1/SKLC-M-1-11", "v1.1/SKLC_M_1_11"])), None);
        assert_eq!(expectations.idle(&[one.clone(), two]), Vec::<String>::new());
        assert_eq!(expectations.idle(&[one]), ["v1.1/tc_*"]);
    }

    #[test]
    fn a_file_without_reasons_or_with_mistakes_is_refused() {
        for (text, told) in [
            ("[[listed]]\ncases = [\"a\"]\nreason = \" \"", "without a reason"),
            ("[[listed]]\ncases = [\"a\"]", "missing field `reason`"),
            ("[[listed]]\ncases = [\"[\"]\nreason = \"x\"", "is no glob"),
            ("[[list]]", "unknown field `list`"),
        ] {
            let error = Expectations::read(text).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
