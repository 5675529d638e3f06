//! `kmiplab list`: what there is to play, or the words to write it with.

use clap::{Args, ValueEnum};

use super::{exit, print, say, select};
use crate::cast::PERSONAS;
use crate::checker::INVARIANTS;
use crate::scenario::{Outcome, Provider, Scenario, VERBS, meaning_of_verb};

/// What to list.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Parts of `family/name`, or paths; all scenarios if none is named
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Only what is played with this provider
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<Provider>,
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
        Words::Scenarios => return scenarios(&arguments.filters, arguments.provider),
        Words::Verbs => VERBS.iter().for_each(|verb| row(verb, &meaning_of_verb(verb).unwrap_or_default())),
        Words::Personas => PERSONAS.iter().for_each(|persona| row(persona.name, persona.description)),
        Words::Invariants => INVARIANTS.iter().for_each(|it| row(&format!("{} {}", it.id, it.name), it.meaning)),
    }
    exit::AS_EXPECTED
}

/// A line for each file, with the providers that it is played with.
fn scenarios(filters: &[String], provider: Option<Provider>) -> u8 {
    let mut scenarios = match select::load(filters, provider) {
        Ok(scenarios) => scenarios,
        Err(code) => return code,
    };
    scenarios.dedup_by(|next, first| next.path == first.path);
    let providers =
        |scenario: &Scenario| scenario.providers.iter().map(|provider| provider.as_str()).collect::<Vec<_>>().join(" ");
    let columns = scenarios.iter().map(|scenario| providers(scenario).len()).max().unwrap_or(0);
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
        print(&format!(
            "  {:<width$}  {outcome:<12}  {:<columns$}  {}\n",
            scenario.name,
            providers(scenario),
            scenario.title
        ));
    }
    say("\nhint: `kmiplab run NAME` plays one with many seeds, `kmiplab replay NAME` tells its story");
    exit::AS_EXPECTED
}

fn row(name: &str, meaning: &str) {
    print(&format!("{name:<28}  {meaning}\n"));
}
