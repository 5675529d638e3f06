//! `kmiplab list`: what there is to play, or the words to write it with.

use clap::{Args, ValueEnum};

use super::{exit, print, say, select};
use crate::cast::PERSONAS;
use crate::checker::INVARIANTS;
use crate::scenario::{Outcome, VERBS, meaning_of_verb};

/// What to list.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Parts of `family/name`, or paths; all scenarios if none is named
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// What to list
    #[arg(long, value_enum, default_value_t = Words::Scenarios)]
    words: Words,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Words {
    /// The scenarios
    Scenarios,
    /// The verbs of timelines
    Verbs,
    /// Who can play mongod
    Personas,
    /// What is checked on every run
    Invariants,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    match arguments.words {
        Words::Scenarios => return scenarios(&arguments.filters),
        Words::Verbs => VERBS.iter().for_each(|verb| row(verb, &meaning_of_verb(verb).unwrap_or_default())),
        Words::Personas => PERSONAS.iter().for_each(|persona| row(persona.name, persona.description)),
        Words::Invariants => INVARIANTS.iter().for_each(|it| row(&format!("{} {}", it.id, it.name), it.meaning)),
    }
    exit::AS_EXPECTED
}

fn scenarios(filters: &[String]) -> u8 {
    let scenarios = match select::load(filters) {
        Ok(scenarios) => scenarios,
        Err(code) => return code,
    };
    let width = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let mut family = None;
    for scenario in &scenarios {
        if family != Some(&scenario.family) {
            let gap = if family.is_some() { "\n" } else { "" };
            print(&format!("{gap}{}\n", scenario.family));
            family = Some(&scenario.family);
        }
        let outcome = match scenario.outcome {
            Outcome::Opens => "opens",
            Outcome::StaysClosed => "stays closed",
        };
        print(&format!("  {:<width$}  {outcome:<12}  {}\n", scenario.name, scenario.title));
    }
    say("\nhint: `kmiplab run NAME` plays one with many seeds, `kmiplab replay NAME` tells its story");
    exit::AS_EXPECTED
}

fn row(name: &str, meaning: &str) {
    print(&format!("{name:<28}  {meaning}\n"));
}
