//! `kmiplab explore`: draw, play, judge, shrink, write down.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{exit, interrupt, print, say, select};
use crate::campaign::FIRST_SEED;
use crate::campaign::Shard;
use crate::explore::progress::Progress;
use crate::explore::{self, Cause, Plan, Record, Watch, told, trial};
use crate::report::Seed;
use crate::world::sim::Planted;

/// How many seeds where nothing is said.
const RUNS: u64 = 1000;

/// What to search.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The first seed; the others follow it
    #[arg(long, value_name = "0x..", default_value_t = Seed(FIRST_SEED))]
    seed: Seed,
    /// How many seeds, all parts of the search together [default: 1000, or without end with --time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// How long to draw and play, such as 60s, 30m, 8h; what was found is shrunk after that
    #[arg(long, value_name = "TIME", value_parser = time)]
    time: Option<Duration>,
    /// Which part of the search, so that several machines share one: 2/5 is the second of five
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE)]
    shard: Shard,
    /// The folder for explore.json and a file for each finding [default: target/kmiplab/explore]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Play nothing: join the folders of the parts of one search into the folder of --out
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with_all = ["runs", "time", "shard", "seed"])]
    merge: Vec<PathBuf>,
    /// How to print the findings
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Human)]
    message_format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Sentences for people
    Human,
    /// A line of JSON for each finding: `v`, the version of the lines, and `finding`, as in explore.json
    Json,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    let folder = arguments.out.clone().unwrap_or_else(|| select::target_folder("explore"));
    if let Err(error) = std::fs::create_dir_all(&folder) {
        // Before the first run, not after the last.
        say(&format!("error: cannot make the folder `{}`: {error}\n\nhint: --out DIR", folder.display()));
        return exit::USAGE;
    }
    let record = if arguments.merge.is_empty() { Ok(search(arguments)) } else { merge(&arguments.merge) };
    let mut record = match record {
        Ok(record) => record,
        Err(error) => {
            say(&format!("error: {error}\n\nhint: --merge takes the folders that --out named"));
            return exit::USAGE;
        }
    };
    record.place(&folder);
    match arguments.message_format {
        Format::Human => print(&told::human(&record, &folder)),
        Format::Json => record.findings.iter().for_each(|finding| print(&format!("{}\n", told::json(finding)))),
    }
    if let Err(error) = record.write(&folder) {
        say(&format!("error: cannot write into `{}`: {error}", folder.display()));
        return exit::USAGE;
    }
    if record.findings.is_empty() { exit::AS_EXPECTED } else { exit::FAILED }
}

fn search(arguments: &Arguments) -> Record {
    let runs = arguments.runs.or(arguments.time.is_none().then_some(RUNS));
    let plan = Plan { first_seed: arguments.seed.0, runs, time: arguments.time, shard: arguments.shard, workers: None };
    let watcher = Watcher {
        progress: Progress::on_stderr(runs.map(|runs| arguments.shard.share(runs))),
        stop: interrupt::flag("ending the search"),
    };
    trial::quiet_panics();
    let record = explore::explore(&plan, &Planted::default, &watcher);
    watcher.progress.clear();
    record
}

fn merge(folders: &[PathBuf]) -> Result<Record, String> {
    let mut records = folders.iter().map(|folder| Record::read(folder));
    let first = records.next().ok_or("nothing to join")??;
    records.try_fold(first, |mut whole, part| {
        whole.join(part?);
        Ok(whole)
    })
}

struct Watcher {
    progress: Progress,
    stop: Arc<AtomicBool>,
}

impl Watch for Watcher {
    fn played(&self, causes: usize) {
        self.progress.played(causes);
    }

    fn shrinking(&self, cause: &Cause, plays: usize, events: usize) {
        self.progress.shrinking(&cause.requirement, plays, events);
    }

    fn stop(&self) -> &AtomicBool {
        &self.stop
    }
}

/// A time as scenario files write it.
fn time(text: &str) -> Result<Duration, String> {
    crate::scenario::read_time(text)
        .ok_or_else(|| "write a whole number with a unit, such as 60s, 30m or 8h".to_owned())
}
