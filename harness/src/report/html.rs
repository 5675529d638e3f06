//! `index.html`: one page that needs no network and no script, and can be mailed, printed and read in the dark.
//!
//! From top to bottom: what was tested, whether a real mongod ran, six numbers, the matrix, what wants attention in
//! full, how far lanes agree with the simulation, who took part, the reasons of what did not run, the invariants, what
//! else was exercised, the legend, and where and when it was played.

use std::collections::{BTreeMap, BTreeSet};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::agreement::{self, Came};
use super::cases::{Case, Label, Part};
use super::counts::Tally;
use super::model::{Place, Report};
use super::peers;
use super::verdict::{Tier, Verdict};
use super::words;

/// The name of the page in the folder of a report.
pub const FILE: &str = "index.html";

const CSS: &str = include_str!("report.css");

/// The whole page.
pub fn render(report: &Report) -> String {
    let cases = report.cases();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Will MongoDB get its key? " (report.subject.name) " " (report.subject.version) }
                style { (PreEscaped(CSS)) }
            }
            body {
                main {
                    (identity(report))
                    (numbers(report))
                    (matrix(&cases))
                    (attention(&report.failures()))
                    (agreement(report, &cases))
                    (peers(report))
                    (reasons(&cases))
                    (invariants(report))
                    (exercised(report))
                    (legend())
                    (machine(report))
                }
            }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

fn identity(report: &Report) -> Markup {
    let real = report.real_mongod_ran();
    html! {
        header {
            h1 { "Will MongoDB get its key?" }
            p.mute {
                (report.subject.name) " " (report.subject.version)
                @if let Some(commit) = &report.subject.commit { " (" (commit) ")" }
                " · " (words::plural(report.summary.scenarios, "scenario", "scenarios"))
                " · " (words::plural(report.summary.cases, "case", "cases"))
                " · " (words::runs(report))
                @if report.shard.is_some() { " · " (words::part(report)) }
            }
            p.honest.real[real] { (report.first_line) }
            @for id in &report.summary.coverage_failures {
                p.gap { b { "Coverage: " } (words::coverage_failure(report, id)) "." }
            }
        }
    }
}

fn numbers(report: &Report) -> Markup {
    let count = |verdict| report.summary.count(verdict);
    let plain = [Verdict::ExpectedFailure, Verdict::Inconclusive];
    let (failed, surprised) = (count(Verdict::Fail), count(Verdict::UnexpectedPass));
    let (not_run, not_applicable) = (count(Verdict::NotRun), count(Verdict::NotApplicable));
    html! {
        ul.numbers {
            li class=[nonzero(count(Verdict::Pass), Verdict::Pass)] { b { (count(Verdict::Pass)) } "passed" }
            li class=[nonzero(failed + surprised, Verdict::Fail)] {
                // The matrix between may be long.
                b { @if failed + surprised > 0 { a href="#attention" { (failed + surprised) } } @else { "0" } } "failed"
                @if surprised > 0 { ", of which " (surprised) " " (Verdict::UnexpectedPass.counted(surprised)) }
            }
            @for verdict in plain {
                li class=[nonzero(count(verdict), verdict)] {
                    b { (count(verdict)) } (verdict.counted(count(verdict)))
                }
            }
            li {
                b { (not_run + not_applicable) } "did not run"
                @if not_applicable > 0 { ", of which " (not_applicable) " " (Verdict::NotApplicable.word()) }
            }
            li { b { (words::duration(report.summary.simulated_ms)) } "simulated" }
        }
    }
}

/// The class of a verdict, unless there is nothing of it to be coloured.
fn nonzero(count: u64, verdict: Verdict) -> Option<&'static str> {
    (count > 0).then(|| verdict.id())
}

/// A column of the matrix: provider, tier and lane, so that the weakest evidence stands on the left. A tier is missing
/// where nothing ran in a lane.
type Column<'a> = (&'a str, Option<Tier>, &'a str);

fn matrix(cases: &[Case<'_>]) -> Markup {
    let mut columns: BTreeSet<Column<'_>> = BTreeSet::new();
    let mut families: BTreeMap<&str, BTreeMap<&str, Row<'_>>> = BTreeMap::new();
    let mut weakest: BTreeMap<(&str, &str), Tier> = BTreeMap::new();
    for cell in cases.iter().map(Case::shown) {
        let Some(tier) = cell.tier else { continue };
        let one = weakest.entry((&cell.provider, &cell.lane)).or_insert(tier);
        *one = tier.min(*one);
    }
    for case in cases {
        let cell = case.shown();
        // What did not run stands beside what did, and has no column of its own.
        let tier = cell.tier.or_else(|| weakest.get(&(cell.provider.as_str(), cell.lane.as_str())).copied());
        let column = (cell.provider.as_str(), tier, cell.lane.as_str());
        columns.insert(column);
        let scenarios = families.entry(&cell.family).or_default();
        scenarios.entry(&cell.scenario).or_default().entry(column).or_default().push(case);
    }
    if columns.is_empty() {
        return html! { h2 { "Cases" } p { "Nothing was selected." } };
    }
    let mut providers: BTreeMap<&str, usize> = BTreeMap::new();
    for (provider, ..) in &columns {
        *providers.entry(provider).or_default() += 1;
    }
    html! {
        h2 { "Cases" }
        div.wide {
            table.matrix {
                thead {
                    tr {
                        th rowspan="2" scope="col" { "scenario" }
                        @for (provider, width) in &providers {
                            th.provider colspan=(width) scope="colgroup" { (provider) }
                        }
                    }
                    tr {
                        @for (_, tier, lane) in &columns { th scope="col" { (lane) small { (tier.map_or("nothing ran", Tier::as_str)) } } }
                    }
                }
                @for (family, scenarios) in &families {
                    tbody {
                        tr.family { th colspan=(columns.len() + 1) scope="rowgroup" { (family) } }
                        @for (scenario, row) in scenarios { (line(scenario, row, &columns)) }
                    }
                }
            }
        }
    }
}

/// The cases of a scenario by column: one for each peer.
type Row<'a> = BTreeMap<Column<'a>, Vec<&'a Case<'a>>>;

fn line(scenario: &str, row: &Row<'_>, columns: &BTreeSet<Column<'_>>) -> Markup {
    let cell = row.values().flatten().next().map(|case| case.shown());
    html! {
        tr {
            th scope="row" {
                code { (scenario) }
                @if let Some(cell) = cell {
                    small { (cell.title) " · final: " (cell.outcome.replace('-', " ")) }
                }
            }
            @for column in columns {
                td { @for case in row.get(column).into_iter().flatten() { (square(case)) } }
            }
        }
    }
}

fn square(case: &Case<'_>) -> Markup {
    let verdict = case.verdict();
    let seeds = case.seeds();
    let text = html! {
        (word(verdict))
        small {
            (case.shown().peer)
            @if !seeds.is_empty() { ", " (seeds) }
            @if let Some(agreement) = &case.shown().agreement {
                " " span.symbol title=(agreement.told()) { (agreement.came().symbol()) }
            }
        }
    };
    html! {
        @if verdict.wants_attention() {
            a class={ "cell " (verdict.id()) } href={ "#" (case.anchor()) } { (text) }
        } @else {
            span class={ "cell " (verdict.id()) } { (text) }
        }
    }
}

fn word(verdict: Verdict) -> Markup {
    html! { span.symbol aria-hidden="true" { (verdict.symbol()) } " " (verdict.word()) }
}

fn attention(failures: &[Case<'_>]) -> Markup {
    html! {
        @if !failures.is_empty() {
            h2 id="attention" { "What wants attention" }
            @for case in failures {
                article id=(case.anchor()) {
                    h3 {
                        span class={ "cell " (case.verdict().id()) } { (word(case.verdict())) }
                        (case.shown().id()) " · " (case.variant())
                    }
                    dl {
                        @for part in case.story() { (tell(&part)) }
                        @if let Some(digest) = &case.shown().digest { dt { "digest" } dd { code { (digest) } } }
                    }
                }
            }
        }
    }
}

fn tell(part: &Part<'_>) -> Markup {
    match part {
        Part::Line(label @ Label::Replay, text) => html! { dt { (label.as_str()) } dd.command { code { (text) } } },
        Part::Line(label, text) => html! { dt { (label.as_str()) } dd { (text) } },
        Part::Place(file, place) => source(file, place),
    }
}

fn source(file: &str, place: &Place) -> Markup {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let mut rest = place.source.chars();
    let before: String = rest.by_ref().take(size(place.column).saturating_sub(1)).collect();
    let here: String = rest.by_ref().take(size(place.width).max(1)).collect();
    let after: String = rest.collect();
    html! {
        dd.place {
            small { (file) ":" (place.line) ":" (place.column) }
            pre { i { (place.line) } (before) mark { (here) } (after) }
        }
    }
}

/// How far lanes agree with the simulation, what the marks mean, and every difference with the page that explains it.
fn agreement(report: &Report, cases: &[Case<'_>]) -> Markup {
    let lanes = &report.summary.agreements;
    let stale = &report.summary.stale_differences;
    html! {
        @for cloud in words::clouds(report) { p { (cloud) "." } }
        @if !lanes.is_empty() || !stale.is_empty() {
            h2 { "Agreement" }
            @for sentence in agreement::sentences(lanes) { p { (sentence) "." } }
            @for stale in stale { p.gap { b { "Stale: " } (stale) "." } }
            p.mute {
                @for (index, came) in Came::ALL.into_iter().enumerate() {
                    @if index > 0 { "; " }
                    span.symbol { (came.symbol()) } " " (came.meaning())
                }
                ". What has no mark was not compared."
            }
            ul.reasons {
                @for case in cases {
                    @if let Some(agreement) = &case.shown().agreement {
                        @if let Some(first) = &agreement.first {
                            li {
                                span.symbol { (agreement.came().symbol()) } " "
                                code { (case.shown().id()) } " · " (case.variant()) ": " (first.told(&agreement.with))
                                @if let Some(page) = &agreement.explained_by { "; see " code { (page) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Who took part, and what they answered when they were asked who they are.
fn peers(report: &Report) -> Markup {
    let answers = peers::answers(report);
    html! {
        @if !answers.is_empty() {
            h2 { "Who took part" }
            ul.reasons {
                @for ((peer, tier), proof) in &answers {
                    li { b { (peer) } " (" (tier.as_str()) ")" ul { @for fact in *proof { li { (fact) } } } }
                }
            }
        }
    }
}

/// Why what did not run did not, and why what failed was expected to: each reason once, with its cases.
fn reasons(cases: &[Case<'_>]) -> Markup {
    let told = [Verdict::ExpectedFailure, Verdict::NotApplicable, Verdict::NotRun];
    let mut reasons: BTreeMap<(Verdict, &str), Vec<&Case<'_>>> = BTreeMap::new();
    for case in cases.iter().filter(|case| told.contains(&case.verdict())) {
        let why = case.shown().why.as_deref().unwrap_or("no reason was given");
        reasons.entry((case.verdict(), why)).or_default().push(case);
    }
    html! {
        @if !reasons.is_empty() {
            h2 { "Reasons" }
            ul.reasons {
                @for ((verdict, why), cases) in &reasons {
                    li {
                        b { (word(*verdict)) } ": " (why) " "
                        small { "(" (words::plural(cases.len(), "case", "cases")) ": " (listed(cases)) ")" }
                    }
                }
            }
        }
    }
}

/// Cases by variant, so that a lane that did not run is named once.
fn listed(cases: &[&Case<'_>]) -> String {
    let mut variants: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in cases {
        variants.entry(case.variant()).or_default().push(case.shown().id());
    }
    let texts: Vec<_> = variants.into_iter().map(|(variant, ids)| format!("{variant}: {}", ids.join(", "))).collect();
    texts.join("; ")
}

fn invariants(report: &Report) -> Markup {
    let rows = report.coverage();
    html! {
        @if !rows.is_empty() {
            h2 { "Invariants" }
            p.mute {
                "Checked on every run, whatever its scenario expects. "
                @if report.shard.is_some() { "This is a part of a campaign: what it did not meet, another part may have met." }
                @else if report.whole { "Every scenario was selected, so each invariant must have been exercised." }
                @else { "Only a part of the scenarios was selected, so zero is no failure here." }
            }
            table.exercised {
                thead { tr { th scope="col" { "invariant" } th scope="col" { "says" } th scope="col" { "exercised" } } }
                tbody {
                    @for (id, times) in rows {
                        tr {
                            th scope="row" { (id) }
                            td { (report.invariants.get(id).map_or("", String::as_str)) }
                            td.none[times == 0] { (times) }
                        }
                    }
                }
            }
        }
    }
}

/// A small table for each kind of words, side by side where there is room.
fn exercised(report: &Report) -> Markup {
    let coverage = report.coverage().len();
    // The invariants have a table of their own, with what each of them says.
    let tallies: Vec<_> = report.tallies().into_iter().skip(usize::from(coverage > 0)).collect();
    html! {
        @if report.runs() > 0 && !tallies.is_empty() {
            h2 { "Exercised" }
            p.mute {
                "How often the operator was told of each class of failure, the proxy met each state of an endpoint, each "
                "persona was played, and each verb fired. Zero is no failure, and nothing is known about it."
            }
            div.counts {
                @for tally in &tallies { (table_of(tally)) }
            }
        }
    }
}

fn table_of(tally: &Tally<'_>) -> Markup {
    html! {
        table {
            caption { (tally.many) " " small { (tally.exercised()) " of " (tally.rows.len()) } }
            @for (word, times) in &tally.rows {
                tr.none[*times == 0] { th scope="row" { code { (word) } } td { (times) } }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        h2 { "Legend" }
        dl.legend {
            @for verdict in Verdict::ALL {
                dt { span class={ "cell " (verdict.id()) } { (word(verdict)) } }
                dd { (verdict.meaning()) }
            }
        }
    }
}

/// The only place for wall clocks, so that two pages of the same commit differ here only.
fn machine(report: &Report) -> Markup {
    let machine = &report.machine;
    html! {
        footer {
            "Played on " (words::plural(machine.cores, "core", "cores")) " in " (words::duration(machine.elapsed_ms))
            @if !machine.started.is_empty() { ", begun " (machine.started) }
            ". Every fact of this page stands in report.json."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Cell, Played};
    use super::super::sample;
    use super::*;

    #[test]
    fn the_page_loads_nothing_and_runs_nothing() {
        let page = render(&sample::everything());
        for outside in
            ["<script", "<link", "<img", "<iframe", "http://", "https://", "url(", "@import", " onclick", " src="]
        {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_link_leads_to_a_section_of_the_page() {
        let page = render(&sample::everything());
        let links: Vec<_> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        // One from each case that wants attention, and one from their number to all of them.
        assert_eq!(links.len(), sample::everything().failures().len() + 1);
        for link in links {
            assert_eq!(page.matches(&format!("id=\"{link}\"")).count(), 1, "{link}");
        }
    }

    #[test]
    fn a_cell_that_was_compared_has_a_mark_and_each_difference_is_told_with_its_page() {
        let page = render(&Report::new(sample::compared()));
        for told in [
            "title=\"agrees with sim\">=</span>",
            "title=\"differs from sim, explained in docs/findings/late-answers.md\">≈</span>",
            "title=\"differs from sim\">≠</span>",
            "<p>process agrees with the simulation in 1 of 3 cells, 1 difference explained, 1 difference not explained.</p>",
            "see <code>docs/findings/late-answers.md</code>",
            "<b>Stale: </b>scenarios/differences.toml:3",
        ] {
            assert!(page.contains(told), "{told}");
        }
        assert_eq!(page.matches("title=\"").count(), 3, "what was not compared has no mark");
        assert!(!render(&sample::passing()).contains("<h2>Agreement</h2>"), "nothing was compared");
    }

    #[test]
    fn every_verdict_is_told_by_its_symbol_and_its_word() {
        for verdict in Verdict::ALL {
            let page = render(&sample::report(vec![sample::cell("family", "name", verdict)]));
            let (matrix, _) = page.split_once("Legend").unwrap();
            let told = format!("aria-hidden=\"true\">{}</span> {}", verdict.symbol(), verdict.word());
            assert!(matrix.contains(&told), "{verdict}");
        }
    }

    #[test]
    fn a_failure_shows_expectation_observation_reason_place_and_replay() {
        let page = render(&sample::one_failure());
        for text in [
            "<dd>Get answers Permission Denied within 5 s of the start at 31 s</dd>",
            "<dd>Get answered General Failure at 31.962 s</dd>",
            "ExpiredTokenException &lt;400&gt; &amp; gave up</dd>",
            "<mark>get = &quot;permission-denied&quot;</mark>",
            "<code>kmiplab replay scenarios/expired-credentials/token-expires-during-restart.toml --seed 0x3</code>",
        ] {
            assert!(page.contains(text), "{text}\n{page}");
        }
    }

    #[test]
    fn what_did_not_run_is_told_once_with_its_reason() {
        let page = render(&sample::everything());
        assert_eq!(page.matches("no mongod was found").count(), 1);
    }

    #[test]
    fn a_gap_in_coverage_stands_above_the_numbers() {
        let page = render(&sample::gap());
        let (before, _) = page.split_once("class=\"numbers\"").unwrap();
        assert!(before.contains("K4 private-stays-private was not exercised"));
    }

    #[test]
    fn every_word_stands_there_with_its_count_and_what_was_missed_is_marked() {
        let page = render(&sample::everything());
        let (_, section) = page.split_once("<h2>Exercised</h2>").unwrap();
        assert!(section.contains("<caption>endpoint states <small>1 of 3</small></caption>"), "{section}");
        assert!(section.contains("<tr class=\"none\"><th scope=\"row\"><code>rejected</code></th><td>0</td></tr>"));
        let runs = sample::everything().runs();
        assert!(section.contains(&format!("<code>psmdb-8</code></th><td>{runs}</td></tr>")), "{section}");
        assert!(!render(&sample::report(Vec::new())).contains("<h2>Exercised</h2>"), "of nothing there is no table");
    }

    #[test]
    fn a_part_of_a_campaign_says_which_and_judges_no_gap() {
        let cells = sample::gap().cells;
        let shard = Some("2/4".to_owned());
        let page = render(&Report::new(Played { whole: true, shard, ..sample::played(cells) }));
        assert!(page.contains(" · shard 2/4") && page.contains("This is a part of a campaign"));
        assert!(!page.contains("was not exercised once by the whole run"));
    }

    #[test]
    fn wall_time_stands_in_the_footer_only() {
        let page = render(&sample::everything());
        let (before, footer) = page.split_once("<footer>").unwrap();
        assert!(footer.contains("2026-11-22T04:46:00Z") && !before.contains("2026-11-22"));
    }

    #[test]
    fn an_empty_report_is_a_page() {
        assert!(render(&sample::report(Vec::new())).contains("Nothing was selected."));
    }

    #[test]
    fn twenty_scenarios_on_eight_columns_with_failures_stay_under_sixty_kilobytes() {
        let mut cells = sample::failing_seeds();
        for number in 0..19 {
            for provider in ["aws", "azure", "gcp", "local"] {
                for lane in ["container", "sim"] {
                    let name = format!("a-scenario-with-a-long-name-{number}");
                    let cell = sample::cell("a-family-of-scenarios", &name, Verdict::Pass);
                    cells.push(Cell { provider: provider.to_owned(), lane: lane.to_owned(), ..cell });
                }
            }
        }
        let page = render(&sample::report(cells));
        assert!(page.len() < 60_000, "{} bytes", page.len());
    }
}
