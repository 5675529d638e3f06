//! `kmiplab diff`: what is said in a scenario in two lanes, or in two event logs.

use std::path::Path;

use clap::Args;

use super::lanes::Real;
use super::{exit, print, say, select};
use crate::campaign::FIRST_SEED;
use crate::campaign::agreement::{self, Side};
use crate::report::Seed;
use crate::scenario::{Provider, Scenario};
use crate::trace::{Event, Lane};
use crate::transcript::{Recorded, Transcript, read_log};
use crate::world::Attempt;

/// What to compare.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario files, or parts of `family/name`, all scenarios if none is named; or two event logs (`.jsonl`) that
    /// `kmiplab replay --trace` wrote
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// The two lanes in which to play them
    #[arg(long, value_name = "LANE,LANE", value_delimiter = ',', value_parser = lane, default_value = "sim,process")]
    lanes: Vec<Lane>,
    /// Play with this provider alone
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// The seed to play them with
    #[arg(long, value_name = "0x..", default_value_t = Seed(FIRST_SEED))]
    seed: Seed,
    /// Another seed for the second lane, to see what chance decides
    #[arg(long, value_name = "0x..")]
    other_seed: Option<Seed>,
    #[command(flatten)]
    real: Real,
    /// The scenario of two event logs: its lines of one moment are then taken together
    #[arg(long, value_name = "FILE")]
    scenario: Option<String>,
    /// Print both transcripts side by side, also where they agree
    #[arg(long)]
    all: bool,
}

fn lane(text: &str) -> Result<Lane, String> {
    let known = || Lane::ALL.map(Lane::as_str).join(", ");
    Lane::ALL.into_iter().find(|lane| lane.as_str() == text).ok_or_else(|| format!("the lanes are {}", known()))
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    let logs: Vec<&str> = arguments.files.iter().map(String::as_str).filter(|file| file.ends_with(".jsonl")).collect();
    if !logs.is_empty() {
        return match logs[..] {
            [one, other] if arguments.files.len() == 2 => of_logs(arguments, one, other),
            _ => {
                say("error: two event logs are compared, and nothing else beside them");
                exit::USAGE
            }
        };
    }
    let [one, other] = arguments.lanes[..] else {
        say("error: --lanes names two lanes, such as `sim,process`");
        return exit::USAGE;
    };
    let (scenarios, recorded) = match select::load(&arguments.files, arguments.provider)
        .and_then(|scenarios| Ok((scenarios, select::recorded()?)))
    {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let real: Vec<Lane> = [one, other].into_iter().filter(|lane| *lane != Lane::Sim).collect();
    let means = match arguments.real.means(&real, !arguments.files.is_empty()) {
        Ok(means) => means,
        Err(code) => return code,
    };
    let seeds = [arguments.seed.0, arguments.other_seed.unwrap_or(arguments.seed).0];
    let mut sides = Vec::new();
    for (lane, seed) in [one, other].into_iter().zip(seeds) {
        match Side::open(lane, seed, &means) {
            Ok(side) => sides.push(side),
            Err(why) => {
                say(&format!("error: nothing can be played in the lane `{lane}`: {why}"));
                return exit::LANE_MISSING;
            }
        }
    }
    let mut codes = Vec::new();
    for scenario in &scenarios {
        if means.is_interrupted() {
            say("interrupted: not every scenario was compared");
            codes.push(exit::INCONCLUSIVE);
            break;
        }
        codes.push(one_scenario(scenario, [&sides[0], &sides[1]], &recorded, arguments.all));
    }
    // A difference is worse than a run that broke down, and that is worse than one that did not take place.
    let worst = [exit::FAILED, exit::INCONCLUSIVE, exit::AS_EXPECTED];
    worst.into_iter().find(|code| codes.contains(code)).unwrap_or(exit::LANE_MISSING)
}

fn one_scenario(scenario: &Scenario, sides: [&Side; 2], recorded: &Recorded, all: bool) -> u8 {
    let label = scenario.label();
    let mut played = Vec::new();
    for side in sides {
        match side.play(scenario) {
            Attempt::Played(run) => match run.broke.clone() {
                None => played.push(run),
                Some(why) => {
                    print(&format!("not judged  {label}: in {} the run broke down: {why}\n", side.lane()));
                    return exit::INCONCLUSIVE;
                }
            },
            Attempt::Inconclusive(why) => {
                print(&format!("not judged  {label}: in {}: {why}\n", side.lane()));
                return exit::INCONCLUSIVE;
            }
            Attempt::NotApplicable(why) | Attempt::NotRun(why) => {
                print(&format!("not played  {label}: in {}: {why}\n", side.lane()));
                return exit::LANE_MISSING;
            }
        }
    }
    if let Some(run) = played.iter().find(|run| !agreement::is_comparable(scenario, &run.peer)) {
        let (peer, persona) = (&run.peer.name, &scenario.world.mongod.persona);
        print(&format!("not played  {label}: in {} stood {peer}, which is no {persona}\n", run.lane));
        return exit::LANE_MISSING;
    }
    let [one, other] = [&played[0], &played[1]];
    let compared = agreement::compare(scenario, one, other);
    let (here, there) = (sides[0].name(sides[1]), sides[1].name(sides[0]));
    let beside =
        || Transcript::of(scenario, one).beside(&Transcript::of(scenario, other), here.as_str(), there.as_str());
    if compared.differences.is_empty() {
        print(&format!("agrees      {label}\n"));
        if all {
            print(&format!("\n{}\n", beside()));
        }
        return exit::AS_EXPECTED;
    }
    let page = recorded.page(&compared);
    print(&match page {
        Some(page) => format!("explained   {label}: {page}\n"),
        None => format!("differs     {label}\n"),
    });
    for difference in &compared.differences {
        let told = difference.told(&here, &there).replace('\n', "\n  ");
        print(&format!("  {told}\n    recorded as  {}\n", difference.line()));
    }
    if all || page.is_none() {
        print(&format!("\n{}\n", beside()));
    }
    if page.is_some() { exit::AS_EXPECTED } else { exit::FAILED }
}

fn of_logs(arguments: &Arguments, here: &str, there: &str) -> u8 {
    let scenario = arguments.scenario.as_deref().map(|file| select::one(file, arguments.provider, "compared"));
    let scenario = match scenario.transpose() {
        Ok(scenario) => scenario,
        Err(code) => return code,
    };
    let mut transcripts = Vec::new();
    for file in [here, there] {
        match read(Path::new(file)) {
            Ok(events) => transcripts.push(Transcript::of_log(scenario.as_ref(), &events)),
            Err(why) => {
                say(&format!(
                    "error: cannot read `{file}`: {why}\n\nhint: `kmiplab replay NAME --trace FILE` writes one"
                ));
                return exit::USAGE;
            }
        }
    }
    let [one, other] = [&transcripts[0], &transcripts[1]];
    let differences = one.differences(other);
    print(if differences.is_empty() { "agrees\n" } else { "differs\n" });
    for difference in &differences {
        print(&format!("  {}\n", difference.told(here, there).replace('\n', "\n  ")));
    }
    if arguments.all || !differences.is_empty() {
        print(&format!("\n{}\n", one.beside(other, here, there)));
    }
    if differences.is_empty() { exit::AS_EXPECTED } else { exit::FAILED }
}

fn read(file: &Path) -> Result<Vec<Event>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    read_log(&text)
}
