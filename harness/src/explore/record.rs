//! What a search has tried and found: `explore.json`, and a scenario file for each finding.
//!
//! Invariant: records of the parts of one search can be joined, in any order, to the record of the whole.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::cause::Cause;
use super::draw::{Class, ROWS};
use super::shrink::{Failing, Shrunk};
use super::trial::Trial;
use crate::report::Seed;
use crate::scenario::{Action, Event, Process};

/// The version of `explore.json`. A higher one means that something has changed its meaning.
pub const FORMAT: u32 = 1;

/// The file's name in the folder of a search.
pub const FILE: &str = "explore.json";

/// What a search has tried and found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the laboratory.
    pub version: String,
    /// The first seed of the search.
    pub first_seed: Seed,
    /// How many seeds were tried.
    pub runs: u64,
    /// The last seed that was tried: no other one is farther from the first.
    pub last_seed: Option<Seed>,
    /// Whether somebody ended the search before its budget was spent.
    pub interrupted: bool,
    /// What was put to the test.
    pub counts: Counts,
    /// What failed, each cause once.
    pub findings: Vec<Finding>,
}

/// How often something took part in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Classes of faults that events belong to.
    pub classes: BTreeMap<String, u64>,
    /// States into which endpoints were put.
    pub endpoint_states: BTreeMap<String, u64>,
    /// How often each invariant was put to the test.
    pub invariants: BTreeMap<String, u64>,
    /// What was foreseen: `opens`, `stays-closed`, or `unknown`.
    pub outcomes: BTreeMap<String, u64>,
    /// Personas.
    pub personas: BTreeMap<String, u64>,
    /// Verbs.
    pub verbs: BTreeMap<String, u64>,
}

/// A way in which a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The invariant, or what else was required.
    pub requirement: String,
    /// What was seen, without what differs from run to run. Together with the requirement it tells findings apart.
    pub cause: String,
    /// What was seen in the small run.
    pub observed: String,
    /// In how many runs.
    pub runs: u64,
    /// The lowest seed that found it.
    pub found_with: Seed,
    /// The seed of the small run.
    pub seed: Seed,
    /// How many events the run had that found it.
    pub events_before: u64,
    /// How many are left.
    pub events: u64,
    /// The file in the folder of the search.
    pub file: String,
    /// The command that plays it again.
    pub replay: String,
    /// The text of the file.
    #[serde(skip)]
    pub text: String,
}

/// The first run that failed for a cause, and how many did.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub(super) seed: u64,
    pub(super) runs: u64,
}

impl Counts {
    /// Counts one run.
    pub(super) fn add(&mut self, trial: &Trial) {
        let count = |counts: &mut BTreeMap<String, u64>, name: &str| *counts.entry(name.to_owned()).or_default() += 1;
        count(&mut self.personas, &trial.scenario.world.mongod.persona);
        let outcome = if trial.final_is_known { trial.sketch.outcome.as_str() } else { "unknown" };
        count(&mut self.outcomes, outcome);
        for event in &trial.scenario.timeline {
            count(&mut self.verbs, event.verb);
            count(&mut self.classes, class(event).map_or("other", Class::as_str));
            if let Action::Endpoint { state, .. } = &event.action {
                count(&mut self.endpoint_states, state.name());
            }
        }
        for (id, times) in &trial.judgement.exercised {
            *self.invariants.entry((*id).to_owned()).or_default() += times;
        }
    }

    /// Adds what another part of the search has counted.
    pub fn join(&mut self, other: &Counts) {
        let pairs = [
            (&mut self.classes, &other.classes),
            (&mut self.endpoint_states, &other.endpoint_states),
            (&mut self.invariants, &other.invariants),
            (&mut self.outcomes, &other.outcomes),
            (&mut self.personas, &other.personas),
            (&mut self.verbs, &other.verbs),
        ];
        for (own, other) in pairs {
            for (name, count) in other {
                *own.entry(name.clone()).or_default() += count;
            }
        }
    }
}

/// The class of an event: that of the first row that fits what the verb comes down to.
fn class(event: &Event) -> Option<Class> {
    let rows: Vec<Class> = ROWS.iter().filter(|row| row.verb == event.verb).map(|row| row.class).collect();
    let of = |class: Class| rows.contains(&class).then_some(class);
    match &event.action {
        Action::Endpoint { .. } => of(Class::Endpoints).or(of(Class::CloudErrors)),
        Action::Key { .. } => of(Class::CustomerKeys),
        Action::Role { .. } | Action::ExpireCredentials => of(Class::Credentials),
        Action::File { .. } | Action::EditKeyFile { .. } => of(Class::Files),
        Action::PowerCut { .. } => of(Class::Disk),
        Action::StartProxy { .. } => of(Class::Flags),
        Action::Start(Process::Proxy) | Action::Stop(Process::Proxy) => of(Class::Processes),
        _ => rows.first().copied(),
    }
}

impl Finding {
    /// From what shrinking has left of the first run. The sketch gets a title and a reason for those who read it.
    pub(super) fn new(first: First, mut shrunk: Shrunk, taken: &mut BTreeMap<String, u32>) -> Finding {
        explain(&mut shrunk, first.seed);
        let Shrunk { failing, before, .. } = shrunk;
        let after = failing.sketch.lines.len();
        let Cause { requirement, observed: cause } = failing.cause.clone();
        let slug = failing.cause.slug();
        let number = taken.entry(slug.clone()).or_default();
        *number += 1;
        let file = if *number == 1 { format!("{slug}.toml") } else { format!("{slug}-{number}.toml") };
        Finding {
            requirement,
            cause,
            observed: failing.observed,
            runs: first.runs,
            found_with: Seed(first.seed),
            seed: Seed(failing.seed),
            events_before: before as u64,
            events: after as u64,
            replay: replay(Path::new(&file), failing.seed),
            file,
            text: failing.sketch.write(),
        }
    }
}

/// The command that plays a file again.
pub fn replay(file: &Path, seed: u64) -> String {
    format!("cargo lab replay {} --seed {}", file.display(), Seed(seed))
}

/// Gives a small sketch a title and a reason for those who read it, and the seed to be played with.
pub fn explain(shrunk: &mut Shrunk, found_with: u64) {
    let Failing { sketch, seed, cause, .. } = &mut shrunk.failing;
    let (before, after) = (shrunk.before, sketch.lines.len());
    // The numbers of one run would be wrong as soon as anything is mended.
    let seen = cause.observed.replace('#', "\u{2026}");
    let seen = seen.strip_prefix("at \u{2026} ").unwrap_or(&seen);
    sketch.title = one_line(&format!("{} breaks: {seen}", cause.requirement));
    let events = |count: usize| if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
    let found = format!("Found with seed {}", Seed(found_with));
    sketch.why = match before == after {
        true => format!("{found}; {} could not be made fewer.", events(before)),
        false => format!("{found}; shrunk from {} to {after}.", events(before)),
    };
    sketch.seeds = vec![*seed];
}

/// A text that may stand in a title.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 160;
    let plain: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &plain[..end]),
        None => plain,
    }
}

impl Record {
    /// Adds the record of another part. Of two findings of one cause the lower seed stays.
    pub fn join(&mut self, other: Record) {
        self.runs += other.runs;
        self.first_seed = Seed(self.first_seed.0.min(other.first_seed.0));
        self.last_seed = self.last_seed.max(other.last_seed);
        self.interrupted |= other.interrupted;
        self.counts.join(&other.counts);
        let all = std::mem::take(&mut self.findings).into_iter().chain(other.findings);
        let mut findings: BTreeMap<(String, String), Finding> = BTreeMap::new();
        for finding in all {
            match findings.entry((finding.requirement.clone(), finding.cause.clone())) {
                Entry::Vacant(place) => {
                    place.insert(finding);
                }
                Entry::Occupied(mut place) => {
                    let runs = place.get().runs + finding.runs;
                    if finding.found_with < place.get().found_with {
                        place.insert(finding);
                    }
                    place.get_mut().runs = runs;
                }
            }
        }
        // Files of different parts may have one name.
        let mut taken: BTreeMap<String, u32> = BTreeMap::new();
        self.findings = findings.into_values().collect();
        for finding in &mut self.findings {
            let number = taken.entry(finding.file.clone()).or_default();
            *number += 1;
            if *number > 1 {
                finding.file = format!("{}-{number}.toml", finding.file.trim_end_matches(".toml"));
            }
        }
    }

    /// Names the folder in which the files will be.
    pub fn place(&mut self, folder: &Path) {
        for finding in &mut self.findings {
            finding.replay = replay(&folder.join(&finding.file), finding.seed.0);
        }
    }

    /// Reads the record in a folder, with the files of its findings.
    ///
    /// # Errors
    ///
    /// A text that names the file and what is wrong with it.
    pub fn read(folder: &Path) -> Result<Record, String> {
        let at = |path: &Path, error: &dyn std::fmt::Display| format!("cannot read `{}`: {error}", path.display());
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        let mut record: Record = serde_json::from_str(&text).map_err(|error| at(&path, &error))?;
        if record.format != FORMAT {
            return Err(at(&path, &format!("its format is {}, and this program reads {FORMAT}", record.format)));
        }
        for finding in &mut record.findings {
            let path = folder.join(&finding.file);
            finding.text = fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        }
        Ok(record)
    }

    /// Writes the record and a file for each finding.
    ///
    /// # Errors
    ///
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for finding in &self.findings {
            fs::write(folder.join(&finding.file), &finding.text)?;
        }
        let json = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        fs::write(folder.join(FILE), json + "\n")
    }
}
