//! `summary.md`: the report as a job summary or a comment on a change.
//!
//! In the order of reading: whether a real mongod ran, the one sentence, a table of cases, what wants attention, and what
//! was exercised.

use std::fmt::Write as _;

use super::agreement;
use super::cases::{Case, Part};
use super::counts::Tally;
use super::model::Report;
use super::peers;
use super::verdict::Verdict;
use super::words;

/// The whole file.
pub fn render(report: &Report) -> String {
    let mut text = format!(
        "## {} {}\n\n{}\n\n{}.\n",
        report.subject.name,
        report.subject.version,
        report.first_line,
        words::summary(report)
    );
    for id in &report.summary.coverage_failures {
        write!(text, "\n**Coverage:** {}.\n", words::coverage_failure(report, id)).expect(INTO_A_STRING);
    }
    let cases = report.cases();
    if !cases.is_empty() {
        text.push_str("\n| | scenario | provider, peer, lane | seeds | |\n|---|---|---|---|---|\n");
    }
    for case in &cases {
        text.push_str(&row(case));
    }
    text.push_str(&agreement(report, &cases));
    text.push_str(&peers(report));
    for case in report.failures() {
        text.push_str(&story(&case));
    }
    if report.runs() > 0 {
        text.push_str(&exercised(&report.tallies()));
    }
    text
}

/// How far lanes agree with the simulation, and each difference that is explained. The others are among the failures.
fn agreement(report: &Report, cases: &[Case<'_>]) -> String {
    let mut text = String::new();
    for sentence in agreement::sentences(&report.summary.agreements) {
        write!(text, "\n{}.\n", escape(&sentence)).expect(INTO_A_STRING);
    }
    for cloud in words::clouds(report) {
        write!(text, "\n{}.\n", escape(&cloud)).expect(INTO_A_STRING);
    }
    for case in cases {
        let Some(agreement) = &case.shown().agreement else { continue };
        if let (Some(page), Some(first)) = (&agreement.explained_by, &agreement.first) {
            let told = escape(&first.told(&agreement.with));
            let page = escape(page);
            write!(text, "\n- `{}`, {}: {told}; see {page}", case.shown().id(), case.variant()).expect(INTO_A_STRING);
        }
    }
    if text.contains("\n- ") {
        text.push('\n');
    }
    for stale in &report.summary.stale_differences {
        write!(text, "\n**Stale:** {}.\n", escape(stale)).expect(INTO_A_STRING);
    }
    text
}

/// Who took part, and what they answered when they were asked who they are.
fn peers(report: &Report) -> String {
    let mut text = String::new();
    for ((peer, tier), proof) in peers::answers(report) {
        write!(text, "\n- {} ({}): {}", escape(peer), tier.as_str(), escape(&proof.join("; "))).expect(INTO_A_STRING);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A row for each kind of things: how many of them were exercised, and which were not.
fn exercised(tallies: &[Tally<'_>]) -> String {
    let mut text = String::from("\n| | exercised | not once |\n|---|---|---|\n");
    for tally in tallies {
        let missed: Vec<_> = tally.missed().into_iter().map(|word| format!("`{word}`")).collect();
        let of = format!("{} of {}", tally.exercised(), tally.rows.len());
        writeln!(text, "| {} | {of} | {} |", tally.many, missed.join(", ")).expect(INTO_A_STRING);
    }
    text
}

const INTO_A_STRING: &str = "writing to a string succeeds";

fn row(case: &Case<'_>) -> String {
    let cell = case.shown();
    let verdict = case.verdict();
    let why = if verdict == Verdict::Pass { "" } else { cell.why.as_deref().unwrap_or_default() };
    let columns = [
        format!("{} {verdict}", verdict.symbol()),
        format!("`{}`", cell.id()),
        case.variant(),
        case.seeds(),
        escape(why),
    ];
    format!("| {} |\n", columns.join(" | "))
}

/// A text that can neither end its column nor become markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn story(case: &Case<'_>) -> String {
    let mut text = format!("\n### {}: `{}`, {}\n\n", case.verdict(), case.shown().id(), case.variant());
    for part in case.story() {
        let told = match part {
            Part::Line(label, line) => format!("{:<8}  {line}", label.as_str()),
            Part::Place(file, place) => {
                format!("{file}:{}:{}\n{:>8}  {}", place.line, place.column, place.line, place.source)
            }
        };
        // Indented, not fenced: no text can end this block.
        for line in told.lines() {
            writeln!(text, "    {line}").expect(INTO_A_STRING);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn one_failure_among_others_reads_like_this() {
        insta::assert_snapshot!(render(&sample::failing()));
    }

    #[test]
    fn how_far_lanes_agree_and_what_is_explained_reads_like_this() {
        insta::assert_snapshot!(render(&Report::new(sample::compared())));
    }

    #[test]
    fn a_reason_cannot_break_the_table() {
        let mut cell = sample::cell("family", "name", Verdict::NotRun);
        cell.why = Some("no mongod | no\n<b>docker".to_owned());
        let text = render(&sample::report(vec![cell]));
        assert!(text.ends_with("|  | no mongod \\| no &lt;b>docker |\n"), "{text}");
    }
}
