//! `kmiplab doctor`: whether the same seed gives the same bytes; where it does not, and probably why.

use clap::Args;

use super::{exit, print, say, select};
use crate::campaign::FIRST_SEED;
use crate::campaign::determinism::{self, Outcome, Way};
use crate::report::Seed;
use crate::scenario::Provider;

/// What to examine.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario files, or parts of `family/name`; all scenarios if none is named
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Play with this provider alone
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<Provider>,
    /// The seed to play them with
    #[arg(long, value_name = "0x..", default_value_t = Seed(FIRST_SEED))]
    seed: Seed,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    let scenarios = match select::load(&arguments.files, arguments.provider) {
        Ok(scenarios) => scenarios,
        Err(code) => return code,
    };
    let program = match select::program() {
        Ok(program) => program,
        Err(code) => return code,
    };
    let mut code = exit::AS_EXPECTED;
    for scenario in &scenarios {
        match determinism::check(scenario, arguments.seed.0, &Way::all(&program), &determinism::as_it_is) {
            Ok(Outcome::Deterministic(digest)) => print(&format!("deterministic  {digest}  {}\n", scenario.label())),
            Ok(Outcome::Differs(divergence)) => {
                print(&format!("{divergence}\n\n"));
                code = exit::NOT_DETERMINISTIC;
            }
            Err(error) => {
                say(&format!("error: {error}"));
                return exit::BUG;
            }
        }
    }
    code
}
