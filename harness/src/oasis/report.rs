//! What came of many cases: a table for each version and profile, then every case that did not pass.
//!
//! Invariant: the exit code and the report say the same: [`Report::failed`] is true where a line says `FAIL`, `ERROR`
//! or `STALE`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use super::expectations::Expectations;
use super::play::Played;
use super::rules::RULES;
use super::suite::Case;
use super::verdict::Verdict;

/// What came of many cases.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Who was asked.
    pub target: String,
    /// Every case, in the order of the files.
    pub cases: Vec<Told>,
    /// The globs of the expectations that match no case.
    pub idle: Vec<String>,
}

/// What came of a case.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// The path below the folder, without `.xml`.
    pub name: String,
    /// The protocol version; `?` where the file could not be read.
    pub version: String,
    /// The profile.
    pub profile: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, where it is no pass.
    pub reason: Option<String>,
    /// Why it may fail, where it is listed.
    pub listed: Option<String>,
    /// Whether it may also pass, though it is listed.
    pub either_way: bool,
    /// How often each rule excused a difference.
    pub excused: BTreeMap<&'static str, usize>,
    /// The request and the answer in which something was wrong.
    pub messages: Option<String>,
}

/// How a case is shown, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Passed,
    Listed,
    Failed,
    Error,
    Stale,
    NotOffered,
    NotReadable,
}

const COLUMNS: &[(Shown, &str, &str)] = &[
    (Shown::Passed, "passed", "PASS"),
    (Shown::Listed, "listed", "LISTED"),
    (Shown::Failed, "failed", "FAIL"),
    (Shown::Error, "error", "ERROR"),
    (Shown::Stale, "stale", "STALE"),
    (Shown::NotOffered, "not offered", "NOT OFFERED"),
    (Shown::NotReadable, "not readable", "NOT READABLE"),
];

impl Told {
    fn shown(&self) -> Shown {
        match (self.verdict, &self.listed) {
            // No reason excuses it.
            (Verdict::Leak, _) => Shown::Failed,
            (verdict, Some(_)) if verdict.passed() && !self.either_way => Shown::Stale,
            (verdict, _) if verdict.passed() => Shown::Passed,
            // On the word of the server: no entry is needed, and one that is there is not out of date.
            (Verdict::NotOffered, _) => Shown::NotOffered,
            (_, Some(_)) => Shown::Listed,
            (Verdict::NotReadable, None) => Shown::NotReadable,
            (Verdict::Error, None) => Shown::Error,
            (_, None) => Shown::Failed,
        }
    }

    fn why(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or_default();
        match (self.shown(), &self.listed) {
            (Shown::Stale, Some(listed)) => format!("it passes, and is listed as: {listed}"),
            (Shown::Listed, Some(listed)) => format!("{listed} | {}: {reason}", self.verdict.words()),
            _ => reason.to_owned(),
        }
    }
}

impl Report {
    /// Puts cases, what came of them, and what was expected together. `all` are the names of every case there is, also
    /// of those that were not selected.
    pub fn new(
        target: String,
        cases: &[Case],
        played: Vec<Played>,
        expectations: &Expectations,
        all: &[Vec<String>],
    ) -> Self {
        let told = cases.iter().zip(played).map(|(case, played)| {
            let mut excused = BTreeMap::new();
            for it in &played.excused {
                *excused.entry(it.rule.name()).or_default() += 1;
            }
            Told {
                name: case.name.clone(),
                version: case.version(),
                profile: case.profile(),
                verdict: played.verdict,
                reason: played.reason,
                listed: expectations.reason(&case.names()).map(str::to_owned),
                either_way: expectations.either_way(&case.names()),
                excused,
                messages: played.messages,
            }
        });
        Report { target, cases: told.collect(), idle: expectations.idle(all) }
    }

    /// Whether something is not as expected.
    pub fn failed(&self) -> bool {
        let wrong = |shown| matches!(shown, Shown::Failed | Shown::Error | Shown::Stale);
        !self.idle.is_empty() || self.cases.iter().any(|told| wrong(told.shown()))
    }

    /// Whether a file could not be judged.
    pub fn inconclusive(&self) -> bool {
        self.cases.iter().any(|told| told.shown() == Shown::NotReadable)
    }

    /// For people.
    pub fn text(&self, messages: bool) -> String {
        let mut out = format!("OASIS conversations with {}\n\n{}", self.target, self.table());
        for told in self.cases.iter().filter(|told| told.shown() != Shown::Passed) {
            let (verb, why) = (word(told.shown()), told.why());
            writeln!(out, "{verb:<12}  {}\n              {why}", told.name).expect("writing to a string succeeds");
            if let Some(tree) = told.messages.as_ref().filter(|_| messages) {
                for line in tree.lines() {
                    writeln!(out, "              | {line}").expect("writing to a string succeeds");
                }
            }
        }
        for glob in &self.idle {
            writeln!(out, "{:<12}  {glob}\n              it is listed, and there is no such case", "STALE")
                .expect("writing to a string succeeds");
        }
        out.push_str(&self.variations());
        out
    }

    /// The table for each version and profile.
    pub fn table(&self) -> String {
        let mut rows: BTreeMap<(&str, &str), BTreeMap<Shown, usize>> = BTreeMap::new();
        for told in &self.cases {
            *rows.entry((&told.version, &told.profile)).or_default().entry(told.shown()).or_default() += 1;
        }
        let used: Vec<_> = COLUMNS
            .iter()
            .filter(|(shown, ..)| {
                matches!(shown, Shown::Passed | Shown::Listed | Shown::Failed)
                    || rows.values().any(|counts| counts.contains_key(shown))
            })
            .collect();
        let mut out = format!("{:<8} {:<14} {:>5}", "version", "profile", "cases");
        used.iter().for_each(|(_, title, _)| out.push_str(&format!("  {title:>6}")));
        out.push('\n');
        let mut sum: BTreeMap<Shown, usize> = BTreeMap::new();
        let line = |version: &str, profile: &str, counts: &BTreeMap<Shown, usize>| {
            let all: usize = counts.values().sum();
            let mut line = format!("{version:<8} {profile:<14} {all:>5}");
            for (shown, title, _) in &used {
                let count = counts.get(shown).copied().unwrap_or_default();
                line.push_str(&format!("  {count:>width$}", width = title.len().max(6)));
            }
            line + "\n"
        };
        for ((version, profile), counts) in &rows {
            out.push_str(&line(version, profile, counts));
            counts.iter().for_each(|(shown, count)| *sum.entry(*shown).or_default() += count);
        }
        out.push_str(&line("all", "", &sum));
        out.push('\n');
        out
    }

    fn variations(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (rule, count) in self.cases.iter().filter(|told| told.verdict.passed()).flat_map(|told| &told.excused) {
            *counts.entry(rule).or_default() += count;
        }
        if counts.is_empty() {
            return String::new();
        }
        let mut out = "\nexcused in what passed, by rule\n".to_owned();
        for (_, name, meaning) in RULES {
            if let Some(count) = counts.get(name) {
                writeln!(out, "{count:>6}  {name:<22}  {meaning}").expect("writing to a string succeeds");
            }
        }
        out
    }

    /// For machines.
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a report has only texts and numbers");
        text + "\n"
    }

    /// As CI systems read it: one suite for each version and profile.
    pub fn junit(&self) -> String {
        let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
        for told in &self.cases {
            let name = format!("{} {}", told.version, told.profile);
            let mut status = match told.shown() {
                Shown::Passed => TestCaseStatus::success(),
                Shown::Failed | Shown::Stale => TestCaseStatus::non_success(NonSuccessKind::Failure),
                Shown::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
                Shown::Listed | Shown::NotOffered | Shown::NotReadable => TestCaseStatus::skipped(),
            };
            if told.shown() != Shown::Passed {
                status.set_message(told.why());
            }
            let suite = suites.entry(name.clone()).or_insert_with(|| TestSuite::new(name));
            suite.add_test_case(TestCase::new(told.name.as_str(), status));
        }
        if !self.idle.is_empty() {
            let mut suite = TestSuite::new("expectations");
            for glob in &self.idle {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message("it is listed, and there is no such case");
                suite.add_test_case(TestCase::new(glob.as_str(), status));
            }
            suites.insert("~".to_owned(), suite);
        }
        let mut whole = quick_junit::Report::new(format!("OASIS conversations with {}", self.target));
        whole.add_test_suites(suites.into_values());
        whole.to_string().expect("texts of XML are cleaned when they are set")
    }
}

fn word(shown: Shown) -> &'static str {
    COLUMNS.iter().find(|(known, ..)| *known == shown).map_or("", |(_, _, word)| word)
}
