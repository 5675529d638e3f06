//! `kmiplab report`: the reports of a split campaign joined, or one report printed in one of its forms.
//!
//! Reading `report.json`, printing to a terminal, writing a folder, and the exit code stand here for `kmiplab run`, too.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{colour, exit, print, run, say, select, unicode};
use crate::campaign::{Part, merge};
use crate::report::terminal::{self, Style};
use crate::report::{FORMS, Report, html, json, write};

/// The file of a report that all others are made from.
const FILE: &str = "report.json";

/// What to join, or what to print.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder of the report to print; as a table for people unless --format is given
    #[arg(value_name = "DIR", required_unless_present = "merge", conflicts_with = "merge")]
    folder: Option<PathBuf>,
    /// The form to print
    #[arg(long, value_parser = PossibleValuesParser::new(FORMS.iter().map(|form| form.name)), conflicts_with = "merge")]
    format: Option<String>,
    /// The folders of all parts that `kmiplab run --shard` wrote, to be joined
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub(super) merge: Vec<PathBuf>,
    /// Join although parts are missing, and list those as not run
    #[arg(long, requires = "merge")]
    partial: bool,
    #[arg(long, value_name = "DIR", help = run::folder(), requires = "merge")]
    report: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    match &arguments.folder {
        Some(folder) => show(folder, arguments.format.as_deref()),
        None => join(arguments),
    }
}

fn show(folder: &Path, format: Option<&str>) -> u8 {
    let report = match read(folder) {
        Ok(part) => part.report,
        Err(code) => return code,
    };
    match format.and_then(|name| FORMS.iter().find(|form| form.name == name)) {
        Some(form) => print(&(form.render)(&report)),
        None => print(&terminal_form(&report, Some(folder))),
    }
    exit::AS_EXPECTED
}

fn join(arguments: &Arguments) -> u8 {
    let parts: Result<Vec<Part>, u8> = arguments.merge.iter().map(|folder| read(folder)).collect();
    let merged = match parts {
        Ok(parts) => merge(parts, arguments.partial),
        Err(code) => return code,
    };
    let report = match merged {
        Ok(report) => report,
        Err(error) => {
            say(&format!("error: {error}"));
            return exit::USAGE;
        }
    };
    let folder = arguments.report.clone().unwrap_or_else(select::report_folder);
    print(&terminal_form(&report, Some(&folder)));
    match publish(&report, &folder) {
        Ok(()) => verdict(&report),
        Err(code) => code,
    }
}

/// Reads the report in a folder, or says what is wrong and returns the exit code.
fn read(folder: &Path) -> Result<Part, u8> {
    let file = folder.join(FILE);
    let name = file.display().to_string();
    let refuse = |why: String| {
        say(&format!("error: cannot read `{name}`: {why}\n\nhint: name a folder that `kmiplab run --report` wrote"));
        exit::USAGE
    };
    let text = std::fs::read_to_string(&file).map_err(|error| refuse(error.to_string()))?;
    let report = json::parse(&text).map_err(|error| refuse(error.to_string()))?;
    Ok(Part { file: name, report })
}

/// A report as the terminal shows it. `folder` is where its page stands.
pub(super) fn terminal_form(report: &Report, folder: Option<&Path>) -> String {
    let style = Style { colour: colour(&std::io::stdout()), unicode: unicode() };
    let page = folder.map(|folder| folder.join(html::FILE).display().to_string());
    terminal::render(report, style, page.as_deref())
}

/// Writes every form of a report and says where, or says what is wrong and returns the exit code.
pub(super) fn publish(report: &Report, folder: &Path) -> Result<(), u8> {
    match write::write(report, folder) {
        Ok(page) => say(&format!("report: {}", page.display())),
        Err(error) => {
            say(&format!("error: {error}"));
            return Err(exit::USAGE);
        }
    }
    Ok(())
}

/// The exit code of a report, with a word on a lane in which nothing ran.
pub(super) fn verdict(report: &Report) -> u8 {
    let code = report.exit_code();
    match report.missed_lane() {
        Some(lane) if code != exit::FAILED => {
            say(&format!("error: nothing ran in the lane `{lane}`"));
            exit::LANE_MISSING
        }
        _ => code,
    }
}
