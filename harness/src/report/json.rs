//! `report.json`: the report itself, which every other form is rendered from.
//!
//! Keys are sorted at every depth, so that two reports differ where their facts differ and a committed one makes a
//! readable difference in version control.

use serde::Deserialize;
use serde_json::json;

use super::fold::Passed;
use super::model::{Cell, FORMAT, Report};

/// The version of the lines that `--message-format json` prints.
pub const LINE_VERSION: u32 = 1;

/// The whole report, ending in a line break.
pub fn render(report: &Report) -> String {
    // By way of a value, whose maps are sorted: the order of fields in the structs does not show.
    let value = serde_json::to_value(report).expect("a report is plain data with texts for keys");
    let mut text = serde_json::to_string_pretty(&value).expect("a JSON value has no way to fail");
    text.push('\n');
    text
}

/// One cell as one line, for `--message-format json`; without a line break.
pub fn line(cell: &Cell) -> String {
    json!({ "v": LINE_VERSION, "cell": cell }).to_string()
}

/// The folded passes of one case as one line, for `--message-format json`; without a line break.
pub fn passed_line(passed: &Passed) -> String {
    json!({ "v": LINE_VERSION, "passed": passed }).to_string()
}

/// Reads `report.json` back. The caller names the file.
pub fn parse(text: &str) -> Result<Report, ParseError> {
    let Version { format } = serde_json::from_str(text)?;
    if format != FORMAT {
        return Err(ParseError::Format { found: format });
    }
    Ok(serde_json::from_str(text)?)
}

/// The JSON Schema of `report.json`, ending in a line break. `reports/report-1.schema.json` is a copy of it.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data with texts for keys");
    text.push('\n');
    text
}

/// Why a text could not be read as a report. The user gives another file.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It is no JSON, or a field is missing or of another kind.
    #[error("not a report: {0}")]
    Syntax(#[from] serde_json::Error),
    /// It is a report of another time.
    #[error("a report of format {found}, and this program reads format {FORMAT}: make it anew with `kmiplab run`")]
    Format {
        /// The format that it states.
        found: u32,
    },
}

/// What is read first, so that a foreign format is told as one instead of as a missing field.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::model::{Machine, Report};
    use super::super::{Verdict, sample};
    use super::*;

    /// Reads objects as lists of pairs, in the order of the text: a map would sort what is to be shown sorted.
    fn keys_in_order(text: &str) -> Vec<(usize, String)> {
        let lines = text.lines().filter_map(|line| {
            let key = line.trim_start().strip_prefix('"')?.split_once("\": ")?.0;
            Some((line.len() - line.trim_start().len(), key.to_owned()))
        });
        lines.collect()
    }

    #[test]
    fn a_report_of_one_failing_cell_reads_like_this() {
        insta::assert_snapshot!(render(&sample::one_failure()));
    }

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let keys = keys_in_order(&render(&sample::one_failure()));
        assert!(keys.len() > 50, "the search finds the keys");
        let mut open: Vec<(usize, String)> = Vec::new();
        for (depth, key) in keys {
            while open.last().is_some_and(|(above, _)| *above > depth) {
                open.pop();
            }
            if let Some((above, before)) = open.last()
                && *above == depth
            {
                assert!(*before < key, "`{before}` stands before `{key}`");
                open.pop();
            }
            open.push((depth, key));
        }
    }

    #[test]
    fn two_reports_of_the_same_runs_differ_in_the_machine_block_only() {
        let mut played = sample::played(sample::everything().cells);
        let one: Value = serde_json::from_str(&render(&Report::new(played.clone()))).unwrap();
        played.machine = Machine { cores: 64, elapsed_ms: 987_654_321, started: "1999-12-31T23:59:59Z".to_owned() };
        let mut other: Value = serde_json::from_str(&render(&Report::new(played))).unwrap();
        assert_ne!(one, other);
        other["machine"] = one["machine"].clone();
        assert_eq!(one, other);
    }

    #[test]
    fn no_cell_has_a_field_for_wall_time() {
        let report: Value = serde_json::from_str(&render(&sample::one_failure())).unwrap();
        let fields: Vec<_> = report["cells"][0].as_object().unwrap().keys().cloned().collect();
        let times: Vec<_> = fields.iter().filter(|field| field.ends_with("_ms") || field.contains("time")).collect();
        assert_eq!(times, ["simulated_ms"]);
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let report = sample::everything();
        assert_eq!(parse(&render(&report)).unwrap(), report);
    }

    #[test]
    fn agreement_is_read_as_it_was_written_and_is_no_field_where_nothing_was_compared() {
        let report = Report::new(sample::compared());
        let text = render(&report);
        assert_eq!(parse(&text).unwrap(), report);
        assert_eq!(text.matches("\"agreement\": {").count(), 3);
        assert!(!render(&sample::everything()).contains("agree"));
    }

    #[test]
    fn another_format_is_refused_by_its_number() {
        let error = parse(r#"{"format": 2, "news": []}"#).unwrap_err();
        insta::assert_snapshot!(error, @"a report of format 2, and this program reads format 1: make it anew with `kmiplab run`");
        assert!(matches!(parse("[]"), Err(ParseError::Syntax(_))));
        assert!(matches!(parse(r#"{"format": 1}"#), Err(ParseError::Syntax(_))));
    }

    #[test]
    fn a_line_is_one_line_with_a_version() {
        let line = line(&sample::cell("family", "name", Verdict::Pass));
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&value["v"], &value["cell"]["verdict"]), (&json!(1), &json!("pass")));
    }

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let committed = include_str!("../../../reports/report-1.schema.json");
        assert!(
            committed == schema(),
            "reports/report-1.schema.json is out of date: write report::json::schema() there"
        );
    }
}
