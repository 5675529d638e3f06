//! `kmiplab replay`: one scenario, one seed, the whole story.

use std::path::PathBuf;

use clap::Args;

use super::{exit, print, say, select};
use crate::campaign::FIRST_SEED;
use crate::cast::recorded::dialogue::{Dialogue, ENDING};
use crate::report::Seed;
use crate::scenario::Provider;
use crate::trace::story;
use crate::world;
use crate::world::sim::{self, Planted};
use crate::{campaign, checker};

/// What to replay.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The scenario file, or a part of `family/name` that only one scenario has; or what a real client has said, as the
    /// lane bridge writes it (`….dialogue.json`)
    #[arg(value_name = "FILE")]
    file: String,
    /// With which provider to play it, if the file lists several [default: the first of them]
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// The seed, as reports print it
    #[arg(long, value_name = "0x..", default_value_t = Seed(FIRST_SEED))]
    seed: Seed,
    /// Write every event as a line of JSON into this file
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Tell of bytes, closed connections, and files too, and of all that the proxy says at its start
    #[arg(long)]
    verbose: bool,
    /// Print events as lines of JSON instead of the story
    #[arg(long)]
    events: bool,
    /// Print events with all that is kept to compare runs, for `doctor` in another process
    #[arg(long, hide = true)]
    evidence: bool,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    if arguments.file.ends_with(ENDING) {
        return dialogue(arguments);
    }
    let scenario = &match select::one(&arguments.file, arguments.provider, "replayed") {
        Ok(scenario) => scenario,
        Err(code) => return code,
    };
    if arguments.evidence {
        print(&sim::play_kept(scenario, arguments.seed.0, &Planted::default()).lines());
        return exit::AS_EXPECTED;
    }
    let played = sim::play(scenario, arguments.seed.0, &Planted::default());
    let json = || {
        let line = |event| serde_json::to_string(event).expect("an event is plain data") + "\n";
        played.events.iter().map(line).collect::<String>()
    };
    if let Some(path) = &arguments.trace
        && let Err(error) = std::fs::write(path, json())
    {
        say(&format!("error: cannot write `{}`: {error}", path.display()));
        return exit::USAGE;
    }
    let judgement = checker::judge(scenario, &played);
    if arguments.events {
        print(&json());
    } else {
        print(&format!("{}\n{}\n\n", scenario.label(), scenario.title));
        for drawn in &played.drawn {
            print(&format!("drawn from seed {}: {}: {}\n", arguments.seed, drawn.what, drawn.value));
        }
        for event in &played.events {
            if let Some(line) = story::line(event, arguments.verbose) {
                print(&format!("{line}\n"));
            }
        }
        for failure in &campaign::cell(scenario, &played, &judgement).failures {
            print(&format!(
                "\nFAIL {}\n  expected  {}\n  observed  {}\n",
                failure.requirement, failure.expected, failure.observed
            ));
        }
        print("\n");
    }
    print(&format!("digest {}\n", played.digest));
    if judgement.passed() { exit::AS_EXPECTED } else { exit::FAILED }
}

/// Plays a recorded client again. Whether the run is what its scenario expects was judged when it was recorded; here the
/// answers are compared.
fn dialogue(arguments: &Arguments) -> u8 {
    let dialogue = match Dialogue::load(arguments.file.as_ref()) {
        Ok(dialogue) => dialogue,
        Err(why) => {
            say(&format!("error: {why}"));
            return exit::USAGE;
        }
    };
    let scenario = match select::one(&dialogue.scenario, Some(dialogue.provider), "replayed") {
        Ok(scenario) => scenario,
        Err(code) => return code,
    };
    let replayed = match world::replay(&scenario, &dialogue) {
        Ok(replayed) => replayed,
        Err(why) => {
            say(&format!("error: `{}`: {why}", arguments.file));
            return exit::USAGE;
        }
    };
    let json = |event| serde_json::to_string(event).expect("an event is plain data") + "\n";
    let events = || replayed.played.events.iter().map(json).collect::<String>();
    if let Some(path) = &arguments.trace
        && let Err(error) = std::fs::write(path, events())
    {
        say(&format!("error: cannot write `{}`: {error}", path.display()));
        return exit::USAGE;
    }
    if arguments.events {
        print(&events());
    } else {
        print(&format!("{}\n{}\nwhat {} said\n\n", scenario.label(), scenario.title, dialogue.peer.name));
        for line in replayed.played.events.iter().filter_map(|event| story::line(event, arguments.verbose)) {
            print(&format!("{line}\n"));
        }
        print("\n");
    }
    if let Some(why) = &replayed.played.broke {
        print(&format!("the run broke off: {why}\n"));
    }
    match replayed.differences.first() {
        None => print("every answer means what it meant\n"),
        Some(first) => {
            let more = replayed.differences.len() - 1;
            print(&format!("the first answer that means something else: {first} ({more} more)\n"));
        }
    }
    print(&format!("digest {}\n", replayed.played.digest));
    let same = replayed.differences.is_empty() && replayed.played.broke.is_none();
    if same { exit::AS_EXPECTED } else { exit::FAILED }
}
