//! `kmiplab shrink`: a failing scenario, as small as it can be.

use std::path::PathBuf;

use clap::Args;

use super::{exit, interrupt, print, say, select};
use crate::campaign::FIRST_SEED;
use crate::explore::progress::Progress;
use crate::explore::shrink::{self, Watch};
use crate::explore::{record, told, trial};
use crate::report::Seed;
use crate::scenario::Provider;
use crate::world::sim::Planted;

/// What to shrink.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The scenario file, or a part of `family/name` that only one scenario has
    #[arg(value_name = "FILE")]
    file: String,
    /// With which provider it fails, if the file lists several [default: the first of them]
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// The seed with which it fails, as reports print it
    #[arg(long, value_name = "0x..", default_value_t = Seed(FIRST_SEED))]
    seed: Seed,
    /// The file to write [default: target/kmiplab/explore/NAME-small.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    let scenario = match select::one(&arguments.file, arguments.provider, "shrunk") {
        Ok(scenario) => scenario,
        Err(code) => return code,
    };
    let seed = arguments.seed;
    trial::quiet_panics();
    let Some((failing, last)) = shrink::failing(&scenario, seed.0, &Planted::default) else {
        say(&format!("error: {} passes with seed {seed}: there is nothing to shrink", scenario.label()));
        return exit::USAGE;
    };
    let progress = Progress::on_stderr(None);
    let requirement = failing.cause.requirement.clone();
    let told = |plays: usize, events: usize| progress.shrinking(&requirement, plays, events);
    let stop = interrupt::flag("taking what there is");
    let mut shrunk = shrink::shrink(failing, last, &Planted::default, &Watch { progress: &told, stop: &stop });
    progress.clear();
    record::explain(&mut shrunk, seed.0);
    let file = arguments
        .out
        .clone()
        .unwrap_or_else(|| select::target_folder("explore").join(format!("{}-small.toml", scenario.name)));
    let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    if let Err(error) = folder.and_then(|()| std::fs::write(&file, shrunk.failing.sketch.write())) {
        say(&format!("error: cannot write `{}`: {error}\n\nhint: --out FILE", file.display()));
        return exit::USAGE;
    }
    print(&told::small(&shrunk, &file));
    exit::AS_EXPECTED
}
