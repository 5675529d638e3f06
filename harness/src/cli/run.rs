//! `kmiplab run`: play, judge, report.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use clap::{Args, ValueEnum};

use super::lanes::{Lanes, Real};
use super::report::{publish, terminal_form, verdict};
use super::{exit, print, say, select};
use crate::campaign::determinism::{self, Outcome, Way};
use crate::campaign::{self, FIRST_SEED, FOLD_ABOVE, Plan, Seeds, Shard};
use crate::report::progress::Progress;
use crate::report::{FORMS, Report, Seed, json};
use crate::scenario::{Provider, Scenario};
use crate::trace::Lane;
use crate::world::Means;

/// How many seeds where none are named: enough to draw every phase of a connection about twice. Most files are played
/// with several providers, so that a phase is met more often than that.
const SEEDS: u32 = 6;

/// What to run.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Parts of `family/name`, or paths of scenario files; all scenarios if none is named
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Where to play
    #[arg(long, value_enum, default_value_t = Lanes::One(Lane::Sim))]
    lane: Lanes,
    /// Play with this provider alone
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// How many seeds each scenario is played with [default: 6, or 1 with --seed]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    seeds: Option<u32>,
    /// The first seed
    #[arg(long, value_name = "0x..")]
    seed: Option<Seed>,
    /// Play one part of the seeds, such as 2/4: the second of four. `kmiplab report --merge` joins the reports of all
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
    #[arg(long, value_name = "DIR", help = folder())]
    report: Option<PathBuf>,
    /// Play every scenario three times with its first seed, once in another process, and compare every byte
    #[arg(long)]
    check_determinism: bool,
    /// Fail unless a real `mongod --enableEncryption` ran
    #[arg(long)]
    require_real: bool,
    #[command(flatten)]
    real: Real,
    /// How to print the results
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Human)]
    message_format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people
    Human,
    /// A line of JSON for each cell: `v`, the version of the lines, and `cell`, as in report.json; `passed` instead of
    /// `cell` for what is folded there
    Json,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    let scenarios = match select::load(&arguments.filters, arguments.provider) {
        Ok(scenarios) => scenarios,
        Err(code) => return code,
    };
    let seeds = seeds(arguments);
    let folder = arguments.report.clone().unwrap_or_else(select::report_folder);
    let lanes = arguments.lane.real();
    let means = match arguments.real.means(&lanes, !arguments.filters.is_empty()) {
        Ok(means) => means,
        Err(code) => return code,
    };
    let means = Means { dialogues: Some(folder.join("dialogues")), ..means };
    let plan = Plan {
        scenarios,
        seeds: if arguments.lane.plays_sim() { seeds } else { Seeds { count: 0, ..seeds } },
        shard: arguments.shard,
        fold_above: FOLD_ABOVE,
        whole: arguments.filters.is_empty() && arguments.provider.is_none() && arguments.lane.plays_sim(),
        commit: select::commit(),
        lane: arguments.lane.name().map(str::to_owned),
        lanes,
        means,
        recorded: match select::recorded() {
            Ok(recorded) => recorded,
            Err(code) => return code,
        },
    };
    if arguments.check_determinism
        && let Err(code) = check_determinism(&plan.scenarios, seeds.first)
    {
        return code;
    }
    if let Err(error) = std::fs::create_dir_all(&folder) {
        // Before the first run, not after the last.
        let folder = folder.display();
        say(&format!("error: cannot make the folder `{folder}` for the report: {error}\n\nhint: --report DIR"));
        return exit::USAGE;
    }
    let report = play(&plan);
    match arguments.message_format {
        Format::Human => print(&terminal_form(&report, Some(&folder))),
        Format::Json => {
            report.cells.iter().for_each(|cell| print(&format!("{}\n", json::line(cell))));
            report.passed.iter().for_each(|passed| print(&format!("{}\n", json::passed_line(passed))));
        }
    }
    if let Err(code) = publish(&report, &folder) {
        return code;
    }
    if report.exit_code() == exit::FAILED {
        return exit::FAILED;
    }
    if arguments.require_real && !report.real_mongod_ran() {
        say("error: no real `mongod --enableEncryption` ran, and --require-real asks for one");
        return exit::LANE_MISSING;
    }
    if let Some(url) = missed_cloud(&plan, &report) {
        say(&format!("error: nothing ran with the cloud at {url}, and --cloud asks for that"));
        return exit::LANE_MISSING;
    }
    verdict(&report)
}

/// The address of a cloud that was asked for and with which nothing ran. A part of a campaign misses none.
fn missed_cloud<'a>(plan: &'a Plan, report: &Report) -> Option<&'a str> {
    let ran = report.cells.iter().any(|cell| cell.cloud.is_some());
    plan.means.clouds.values().next().filter(|_| !ran && report.shard.is_none()).map(String::as_str)
}

/// What `--report` is for.
pub(super) fn folder() -> String {
    let files: Vec<_> = FORMS.iter().map(|form| form.file).collect();
    format!("The folder for the report: {} [default: target/kmiplab/report]", files.join(", "))
}

fn play(plan: &Plan) -> Report {
    let progress = Progress::on_stderr(plan.runs());
    let report = campaign::play(plan, &|cell| {
        progress.started(&cell.id());
        progress.finished(cell.verdict);
    });
    progress.clear();
    report
}

/// Checks scenarios side by side. The first that differs ends it; of several that were under way then, the first in order
/// is told.
fn check_determinism(scenarios: &[Scenario], seed: u64) -> Result<(), u8> {
    let program = select::program()?;
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let found_one = |index, outcome| {
        found.lock().unwrap_or_else(PoisonError::into_inner).insert(index, outcome);
        next.store(scenarios.len(), Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(scenario) = scenarios.get(index) else { return };
                    match determinism::check(scenario, seed, &Way::usual(&program), &determinism::as_it_is) {
                        Ok(Outcome::Deterministic(_)) => {}
                        outcome => found_one(index, outcome),
                    }
                }
            });
        }
    });
    match found.into_inner().unwrap_or_else(PoisonError::into_inner).pop_first() {
        None | Some((_, Ok(Outcome::Deterministic(_)))) => {}
        Some((_, Ok(Outcome::Differs(divergence)))) => {
            say(&format!("error: {divergence}\n\nhint: no other result can be trusted before this is mended"));
            return Err(exit::NOT_DETERMINISTIC);
        }
        Some((_, Err(error))) => {
            say(&format!("error: {error}"));
            return Err(exit::BUG);
        }
    }
    let count = scenarios.len();
    say(&format!(
        "deterministic: {count} {} gave the same bytes three times, once in another process",
        if count == 1 { "scenario" } else { "scenarios" }
    ));
    Ok(())
}

fn seeds(arguments: &Arguments) -> Seeds {
    let (first, most) = match arguments.seed {
        Some(Seed(seed)) => (seed, 1),
        None => (FIRST_SEED, SEEDS),
    };
    Seeds { first, count: u64::from(arguments.seeds.unwrap_or(most)) }
}
