//! `junit.xml`: one suite for each family and one test for each case, as CI systems read them.
//!
//! What did not run is skipped with its reason, never passed. Gaps in coverage, and recorded differences that are none any
//! more where all was played, are failed tests of suites of their own,
//! so that the file is red whenever the exit code is.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::cases::{Case, Part};
use super::model::Report;
use super::verdict::Verdict;
use super::words;

/// The suite of recorded differences that are none any more.
const STALE: &str = "recorded differences";

/// The suite of gaps in coverage.
const COVERAGE: &str = "coverage of invariants";

/// The whole file.
pub fn render(report: &Report) -> String {
    let mut families: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for case in report.cases() {
        let family = case.shown().family.as_str();
        families.entry(family).or_insert_with(|| suite(report, family)).add_test_case(test(&case));
    }
    let mut whole = quick_junit::Report::new(format!("{} {}", report.subject.name, report.subject.version));
    whole.set_time(Duration::from_millis(report.machine.elapsed_ms));
    whole.add_test_suites(families.into_values());
    if !report.summary.coverage_failures.is_empty() {
        whole.add_test_suite(coverage(report));
    }
    if report.whole && !report.summary.stale_differences.is_empty() {
        whole.add_test_suite(stale(report));
    }
    whole.to_string().expect("texts of XML are cleaned when they are set")
}

fn suite(report: &Report, name: &str) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.add_property(Property::new("evidence", report.first_line.as_str()));
    suite
}

fn test(case: &Case<'_>) -> TestCase {
    let cell = case.shown();
    let name = format!("{}[{},{},{}]", cell.scenario, cell.provider, cell.peer, cell.lane);
    let mut test = TestCase::new(name, status(case));
    test.set_classname(cell.family.as_str());
    if let Some(tier) = cell.tier {
        test.add_property(Property::new("tier", tier.as_str()));
    }
    if let Some(agreement) = &cell.agreement {
        test.add_property(Property::new("agreement", agreement.told()));
    }
    test
}

fn status(case: &Case<'_>) -> TestCaseStatus {
    let cell = case.shown();
    let mut status = match case.verdict() {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Fail | Verdict::UnexpectedPass => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::ExpectedFailure | Verdict::NotApplicable | Verdict::NotRun => TestCaseStatus::skipped(),
    };
    let told = if case.verdict().wants_attention() { &cell.observed } else { &cell.why };
    let message = match told {
        Some(told) => format!("{}: {told}", case.verdict().word()),
        None => case.verdict().word().to_owned(),
    };
    status.set_type(case.verdict().id()).set_message(message);
    if case.verdict().wants_attention() {
        status.set_description(story(case));
    }
    status
}

fn story(case: &Case<'_>) -> String {
    let lines = case.story().into_iter().map(|part| match part {
        Part::Line(label, text) => format!("{}: {text}\n", label.as_str()),
        Part::Place(file, place) => {
            format!("{file}:{}:{}: {}\n", place.line, place.column, place.source.trim())
        }
    });
    lines.collect()
}

fn coverage(report: &Report) -> TestSuite {
    let mut suite = suite(report, COVERAGE);
    for id in &report.summary.coverage_failures {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("coverage").set_message(words::coverage_failure(report, id));
        let mut test = TestCase::new(id.as_str(), status);
        test.set_classname(COVERAGE);
        suite.add_test_case(test);
    }
    suite
}

fn stale(report: &Report) -> TestSuite {
    let mut suite = suite(report, STALE);
    for stale in &report.summary.stale_differences {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("stale").set_message(stale.as_str());
        let mut test = TestCase::new(stale.as_str(), status);
        test.set_classname(STALE);
        suite.add_test_case(test);
    }
    suite
}

#[cfg(test)]
mod tests {
    use super::super::model::Played;
    use super::super::sample;
    use super::*;

    #[test]
    fn one_failure_among_others_reads_like_this() {
        insta::assert_snapshot!(render(&sample::failing()));
    }

    #[test]
    fn only_a_pass_counts_as_a_pass() {
        for verdict in Verdict::ALL {
            let xml = render(&sample::report(vec![sample::cell("family", "name", verdict)]));
            let not_passed = ["failures=\"1\"", "errors=\"1\"", "skipped=\"1\""];
            let passed = !not_passed.iter().any(|count| xml.contains(count));
            assert_eq!(passed, verdict == Verdict::Pass, "{verdict}:\n{xml}");
        }
    }

    #[test]
    fn a_test_says_whether_its_cell_agrees_and_a_whole_run_fails_for_what_is_stale() {
        let xml = render(&Report::new(sample::compared()));
        for told in
            ["agrees with sim", "differs from sim, explained in docs/findings/late-answers.md", "differs from sim"]
        {
            assert!(xml.contains(&format!("name=\"agreement\" value=\"{told}\"")), "{told}: {xml}");
        }
        assert!(!xml.contains("recorded differences"), "a part of all does not");
        let whole = render(&Report::new(Played { whole: true, ..sample::compared() }));
        assert!(whole.contains("<testsuite name=\"recorded differences\" tests=\"1\""), "{whole}");
    }

    #[test]
    fn a_gap_in_coverage_is_a_failed_test() {
        let xml = render(&sample::gap());
        assert!(xml.contains("<testsuite name=\"coverage of invariants\" tests=\"1\""), "{xml}");
        assert!(xml.contains("message=\"K4 private-stays-private was not exercised"), "{xml}");
    }
}
