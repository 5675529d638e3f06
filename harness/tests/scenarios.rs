//! Every scenario file is a test of its own name for each of its providers, such as
//! `key-rotation/first-start-registers[gcp]`.
//!
//! A test plays its scenario with a few seeds, those that the file pins included, and judges each run. What it prints on
//! failure is what was required, expected and observed, and the line that plays the run again.

mod support;

use std::fmt::Write as _;
use std::process::ExitCode;

use kmiplab::campaign::{self, FIRST_SEED};
use kmiplab::report::Cell;
use kmiplab::scenario::{Found, Scenario};
use libtest_mimic::{Arguments, Failed, Trial};

/// How many seeds each scenario is played with here; the release build plays more.
const SEEDS: u64 = 3;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests = support::all().into_iter().flat_map(|found| trials(&found)).collect();
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn trials(found: &Found) -> Vec<Trial> {
    match support::load_file(found) {
        Ok(cells) => {
            let trial = |scenario: Scenario| Trial::test(scenario.label(), move || play(&scenario));
            cells.into_iter().map(trial).collect()
        }
        // A file that cannot be read is a failure of its own test, not of the list of tests.
        Err(error) => vec![Trial::test(found.id(), move || Err(error.into()))],
    }
}

fn play(scenario: &Scenario) -> Result<(), Failed> {
    let mut seeds: Vec<u64> = (FIRST_SEED..FIRST_SEED + SEEDS).collect();
    seeds.extend(scenario.seeds.iter().filter(|seed| **seed >= FIRST_SEED + SEEDS || **seed < FIRST_SEED));
    let told: String = seeds.into_iter().map(|seed| tell(&campaign::run(scenario, seed))).collect();
    if told.is_empty() { Ok(()) } else { Err(told.into()) }
}

/// What did not hold in a run; nothing where all did.
fn tell(cell: &Cell) -> String {
    let mut text = String::new();
    for failure in &cell.failures {
        let (requirement, expected, observed) = (&failure.requirement, &failure.expected, &failure.observed);
        write!(text, "\n{requirement}\n  expected  {expected}\n  observed  {observed}\n  replay    {}\n", cell.replay)
            .expect("writing to a string succeeds");
    }
    text
}
