//! The report on a terminal, in the order in which an eye runs down it: the honest first line, one line for each case,
//! a rule, one sentence, how much was exercised, and then again, in full, what wants attention.
//!
//! Invariant: colour and Unicode only decorate. Without them the text says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::agreement;
use super::cases::{Case, Part};
use super::model::{Place, Report};
use super::verdict::Verdict;
use super::words;

/// What the terminal can show.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether colours are wanted: the caller has looked at `--color`, `NO_COLOR` and the terminal.
    pub colour: bool,
    /// Whether lines may be drawn with characters beyond ASCII.
    pub unicode: bool,
}

/// The column of verbs and labels, which are flush right in it.
const MARGIN: usize = 12;

/// How much of a scenario line is shown; the rest is cut on both sides of the place.
const SOURCE_WIDTH: usize = 100;

const INTO_A_STRING: &str = "writing to a string succeeds";

/// Everything. `page` is the path of the written HTML report, if there is one.
pub fn render(report: &Report, style: Style, page: Option<&str>) -> String {
    let mut text = format!("{}\n\n", report.first_line);
    text.push_str(&cases(report, style));
    text.push_str(&summary(report, style));
    text.push_str(&failures(report, style, page));
    text
}

/// One line for each case; those that did not run for one reason in one lane share a line, below the others.
pub fn cases(report: &Report, style: Style) -> String {
    let (cases, idle) = apart(report.cases());
    let rows: Vec<_> = cases.iter().map(|case| (case, case.shown().id(), case.variant())).collect();
    let id_width = rows.iter().map(|(_, id, _)| id.chars().count()).max().unwrap_or(0);
    let variant_width = rows.iter().map(|(_, _, variant)| variant.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (case, id, variant) in rows {
        let verdict = case.verdict();
        let why = if verdict.wants_attention() { None } else { case.shown().why.as_deref() };
        let tail = [Some(case.seeds()), why.map(clean)];
        let tail: Vec<_> = tail.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let line = format!("{} {id:<id_width$}  {variant:<variant_width$}  {}", verb(verdict, style), tail.join("  "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for ((verdict, lane, peer, why), count) in idle {
        let who = peer.map(|peer| format!(" {peer}")).unwrap_or_default();
        let line =
            format!("{} {}  {lane}{who}  {}", verb(verdict, style), words::plural(count, "case", "cases"), clean(why));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What several cases that did not run have in common: verdict, lane, peer where they have the same, and reason.
type Idle<'a> = (Verdict, &'a str, Option<&'a str>, &'a str);

/// Cases with a line of their own, and how many of the others have something in common.
fn apart<'a>(cases: Vec<Case<'a>>) -> (Vec<Case<'a>>, BTreeMap<Idle<'a>, u64>) {
    let reason = |case: &Case<'a>| {
        let cell = case.shown();
        cell.why.as_deref().filter(|_| !cell.verdict.ran()).map(|why| (cell.verdict, cell.lane.as_str(), why))
    };
    let mut groups: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for case in &cases {
        if let Some(key) = reason(case) {
            groups.entry(key).or_default().insert(case.shown().peer.as_str());
            *counts.entry(key).or_default() += 1;
        }
    }
    let shared = |case: &Case<'a>| reason(case).filter(|key| counts[key] > 1);
    let idle = counts.iter().filter(|(_, count)| **count > 1).map(|(key, count)| {
        let (verdict, lane, why) = *key;
        let mut peers = groups[key].iter();
        let peer = peers.next().copied().filter(|_| peers.next().is_none());
        ((verdict, lane, peer, why), *count)
    });
    let idle = idle.collect();
    (cases.iter().filter(|case| shared(case).is_none()).cloned().collect(), idle)
}

/// A rule, one sentence, how much was exercised, and how far lanes agree with the simulation; gaps in coverage below it.
/// This alone is what `--quiet` prints.
pub fn summary(report: &Report, style: Style) -> String {
    let rule = if style.unicode { "─" } else { "-" }.repeat(MARGIN);
    let mut text = format!("{rule}\n{} {}\n", margin("Summary", BOLD, style), words::summary(report));
    if let Some(exercised) = words::exercised(report) {
        writeln!(text, "{} {exercised}", margin("Exercised", DIM, style)).expect(INTO_A_STRING);
    }
    for sentence in agreement::sentences(&report.summary.agreements) {
        writeln!(text, "{} {sentence}", margin("Agreement", DIM, style)).expect(INTO_A_STRING);
    }
    for cloud in words::clouds(report) {
        writeln!(text, "{} {}", margin("Cloud", DIM, style), clean(&cloud)).expect(INTO_A_STRING);
    }
    for stale in &report.summary.stale_differences {
        writeln!(text, "{} {}", margin("STALE", RED, style), clean(stale)).expect(INTO_A_STRING);
    }
    for id in &report.summary.coverage_failures {
        let says = words::coverage_failure(report, id);
        writeln!(text, "{} {says}", margin("COVERAGE", RED, style)).expect(INTO_A_STRING);
    }
    text
}

/// What wants attention, in full, sorted by family and name.
pub fn failures(report: &Report, style: Style, page: Option<&str>) -> String {
    let mut text = String::new();
    for case in report.failures() {
        let (id, variant) = (case.shown().id(), case.variant());
        writeln!(text, "\n{} {id}  {variant}", verb(case.verdict(), style)).expect(INTO_A_STRING);
        for part in case.story() {
            match part {
                Part::Line(label, line) => text.push_str(&labelled(label.as_str(), &line, style)),
                Part::Place(file, place) => text.push_str(&underlined(file, place, style)),
            }
        }
        if let Some(page) = page {
            text.push_str(&labelled("report", &format!("{page}#{}", case.anchor()), style));
        }
    }
    text
}

fn verb(verdict: Verdict, style: Style) -> String {
    let colour = match verdict {
        Verdict::Pass => GREEN,
        Verdict::Fail | Verdict::UnexpectedPass => RED,
        Verdict::ExpectedFailure => BLUE,
        Verdict::Inconclusive => YELLOW,
        Verdict::NotApplicable | Verdict::NotRun => DIM,
    };
    margin(verdict.verb(), colour, style)
}

/// A text under a label; further lines of it stand below the first.
fn labelled(label: &str, text: &str, style: Style) -> String {
    let mut block = String::new();
    for (index, line) in text.lines().enumerate() {
        let label = if index == 0 { label } else { "" };
        writeln!(block, "{} {}", margin(label, DIM, style), clean(line)).expect(INTO_A_STRING);
    }
    block
}

/// The line of the scenario file with the place underlined, as compilers show it.
fn underlined(file: &str, place: &Place, style: Style) -> String {
    let (corner, bar, dot, mark, end) =
        if style.unicode { ("╭─[", "│", "·", "━", "╰─") } else { (",-[", "|", ":", "^", "`-") };
    let (source, column) = window(place, if style.unicode { "…" } else { "..." });
    let room = source.chars().count().saturating_sub(column).max(1);
    let marks = mark.repeat(usize::try_from(place.width).unwrap_or(usize::MAX).clamp(1, room));
    let (number, gap) = (place.line.to_string(), " ".repeat(column));
    let empty = " ".repeat(MARGIN);
    format!(
        "{empty} {corner}{file}:{number}:{}]\n{} {bar} {source}\n{empty} {dot} {gap}{}\n{empty} {end}\n",
        place.column,
        margin(&number, DIM, style),
        paint(&marks, RED, style),
    )
}

/// The part of a long line around the place, and the column of the place in it, from 0.
fn window(place: &Place, cut: &str) -> (String, usize) {
    // Tabs would move the marks away from what they mark.
    let line: Vec<char> = place.source.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let column = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1).min(line.len());
    if line.len() <= SOURCE_WIDTH {
        return (line.into_iter().collect(), column);
    }
    // A third of the window stands before the place: what leads to it is shorter than what it says.
    let start = column.saturating_sub(SOURCE_WIDTH / 3).min(line.len() - SOURCE_WIDTH);
    let end = start + SOURCE_WIDTH;
    let before = if start > 0 { cut } else { "" };
    let after = if end < line.len() { cut } else { "" };
    let shown: String = line.iter().skip(start).take(SOURCE_WIDTH).collect();
    (format!("{before}{shown}{after}"), column - start + before.chars().count())
}

/// Escapes control characters: a text from a server may not move the cursor.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

const RED: &str = "1;31";
const GREEN: &str = "1;32";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";
const BOLD: &str = "1";
const DIM: &str = "2";

/// Flush right in the margin. Escapes have no width, so the padding is made before the colour.
fn margin(text: &str, colour: &str, style: Style) -> String {
    let padding = " ".repeat(MARGIN.saturating_sub(text.chars().count()));
    format!("{padding}{}", paint(text, colour, style))
}

/// The text in an SGR colour (ECMA-48, 8.3.117), if colours are wanted.
fn paint(text: &str, colour: &str, style: Style) -> String {
    if style.colour && !text.is_empty() { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    const PLAIN: Style = Style { colour: false, unicode: true };

    fn printed(report: &Report) -> String {
        render(report, PLAIN, Some("target/report/index.html"))
    }

    #[test]
    fn all_as_expected() {
        insta::assert_snapshot!(printed(&sample::passing()));
    }

    #[test]
    fn one_failure_is_repeated_at_the_end_with_its_line_and_its_replay() {
        insta::assert_snapshot!(printed(&sample::failing()));
    }

    #[test]
    fn inconclusive_only() {
        insta::assert_snapshot!(printed(&sample::report(vec![sample::inconclusive()])));
    }

    #[test]
    fn nothing_selected() {
        insta::assert_snapshot!(printed(&sample::report(Vec::new())));
    }

    #[test]
    fn a_gap_in_coverage_stands_below_the_sentence() {
        insta::assert_snapshot!(printed(&sample::gap()));
    }

    #[test]
    fn lanes_that_were_compared_with_the_simulation_have_a_line_and_what_is_stale_one_each() {
        insta::assert_snapshot!(printed(&Report::new(sample::compared())));
    }

    #[test]
    fn everything_that_can_become_of_a_case() {
        insta::assert_snapshot!(printed(&sample::everything()));
    }

    #[test]
    fn without_unicode_every_drawn_character_is_ascii() {
        let text = render(&sample::failing(), Style { colour: false, unicode: false }, None);
        assert!(text.is_ascii(), "{text}");
    }

    #[test]
    fn colour_adds_escapes_and_nothing_else() {
        let coloured = render(&sample::everything(), Style { colour: true, unicode: true }, None);
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once("\x1b[") {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_ne!(plain, coloured);
        assert_eq!(plain, render(&sample::everything(), PLAIN, None));
    }

    #[test]
    fn a_text_from_a_server_cannot_move_the_cursor() {
        let mut cell = sample::inconclusive();
        cell.why = Some("\x1b[2Jgone\r\nsecond line".to_owned());
        let text = printed(&sample::report(vec![cell]));
        assert!(!text.contains('\x1b') && !text.contains('\r'));
        assert!(text.contains("why \\u{1b}[2Jgone\n") && text.contains("             second line\n"), "{text}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place_and_the_marks_stay_under_it() {
        let source = format!("{}\tHERE{}", "x".repeat(150), "y".repeat(150));
        let place = Place { line: 7, column: 152, width: 4, source };
        let shown = underlined("a.toml", &place, PLAIN);
        let lines: Vec<Vec<char>> = shown.lines().map(|line| line.chars().collect()).collect();
        let marked: String =
            lines[1].iter().zip(&lines[2]).filter(|(_, mark)| **mark == '━').map(|(c, _)| *c).collect();
        assert_eq!(marked, "HERE");
        assert!(lines[1].len() < 130);
    }

    #[test]
    fn a_place_outside_its_line_is_still_drawn() {
        for (column, width) in [(0, 0), (1, u32::MAX), (u32::MAX, u32::MAX)] {
            let place = Place { line: 1, column, width, source: "short".to_owned() };
            assert!(underlined("a.toml", &place, PLAIN).contains('━'));
        }
    }
}
