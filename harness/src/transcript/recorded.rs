//! Differences that are known: a file that names each with its reason and the page that tells of it.
//!
//! ```toml
//! [[difference]]
//! scenarios = ["kms-outage/proxy-stalls-*"]
//! lanes = ["sim", "process"]
//! what = ["mongod: Get of key 1: no answer / ended: failed"]
//! reason = "a stalled program is told apart from a silent one by its kernel"
//! page = "docs/findings/stalled-programs.md"
//! ```
//!
//! Globs name scenarios as `family/name`. What differs is a glob, too, over the line that `kmiplab diff` prints: the
//! actor, what it says in the first lane, and what it says in the second. With `provider` an entry is for one alone. With
//! `either-way = true` the lanes may also agree: how fast the machine is decides.
//!
//! Invariant: a run agrees only if every actor's difference is recorded, and an entry that excuses nothing in runs that
//! it is for, and was not said to go either way, is told.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use glob::Pattern;
use serde::Deserialize;
use toml::Spanned;

use super::Difference;
use crate::scenario::{Mistakes, Provider, Scenario, ScenarioError};
use crate::trace::Lane;

/// The name of the file in the folder of scenarios.
pub const FILE: &str = "differences.toml";

/// Where the pages stand that entries name.
pub const PAGES: &str = "docs/findings/";

/// The recorded differences.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    path: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    line: usize,
    scenarios: Vec<Pattern>,
    provider: Option<Provider>,
    lanes: [Lane; 2],
    what: Vec<Pattern>,
    page: String,
    either_way: bool,
}

/// A scenario that was compared in two lanes, and what differed.
#[derive(Clone, Debug)]
pub struct Compared {
    /// `family/name`.
    pub scenario: String,
    /// With which provider.
    pub provider: Provider,
    /// In which lanes.
    pub lanes: [Lane; 2],
    /// In what they differ, seen from the first lane.
    pub differences: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    difference: Vec<Spanned<Listed>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    scenarios: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    provider: Option<Spanned<String>>,
    lanes: Spanned<Vec<Spanned<String>>>,
    what: Spanned<Vec<Spanned<String>>>,
    reason: Spanned<String>,
    page: Spanned<String>,
    #[serde(default, rename = "either-way")]
    either_way: bool,
}

impl Recorded {
    /// Reads the file in a folder of scenarios; nothing is recorded where there is none.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each under the characters that are wrong.
    pub fn within(folder: &Path) -> Result<Self, ScenarioError> {
        let file = folder.join(FILE);
        let path = file.display().to_string();
        match std::fs::read_to_string(&file) {
            Ok(text) => Recorded::read(&path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Recorded::default()),
            Err(error) => {
                Err(ScenarioError::whole(&path, format!("{path} cannot be read: {error}"), "make it a text file"))
            }
        }
    }

    /// Reads a file's text. `path` is used in messages.
    ///
    /// # Errors
    ///
    /// As [`Recorded::within`].
    pub fn read(path: &str, text: &str) -> Result<Self, ScenarioError> {
        let mut mistakes = Mistakes::new(path, text);
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let here = visible(text, error.span().unwrap_or(0..0));
                let help = "an entry is `[[difference]]` with scenarios, lanes, what, reason and page";
                mistakes.push(error.message().to_owned(), [(here, "here")]).help(help);
                return Err(mistakes.into_error());
            }
        };
        let listed = file.difference.into_iter();
        let entries: Vec<Entry> = listed.filter_map(|listed| Entry::read(listed, text, &mut mistakes)).collect();
        if !mistakes.is_empty() {
            return Err(mistakes.into_error());
        }
        Ok(Recorded { path: path.to_owned(), entries })
    }

    /// The page that explains all differences of a comparison: that of the first one. `None` where one is not recorded, or
    /// there is nothing to explain.
    pub fn page(&self, compared: &Compared) -> Option<&str> {
        let pages: Option<Vec<&str>> = compared
            .differences
            .iter()
            .map(|difference| {
                let excuses = |entry: &&Entry| entry.patterns(compared, difference).next().is_some();
                self.entries.iter().find(excuses).map(|entry| entry.page.as_str())
            })
            .collect();
        pages?.first().copied()
    }

    /// What excuses nothing although it is for one of these comparisons, each as a sentence.
    pub fn stale(&self, compared: &[Compared]) -> Vec<String> {
        let mut stale = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.either_way) {
            let selected: Vec<&Compared> = compared.iter().filter(|compared| entry.is_for(compared)).collect();
            let met: BTreeSet<&str> = selected
                .iter()
                .flat_map(|compared| compared.differences.iter().map(move |difference| (*compared, difference)))
                .flat_map(|(compared, difference)| entry.patterns(compared, difference).map(Pattern::as_str))
                .collect();
            let idle = entry.what.iter().filter(|what| !selected.is_empty() && !met.contains(what.as_str()));
            stale.extend(
                idle.map(|what| {
                    format!("{}:{}: `{what}` excuses nothing any more: take it away", self.path, entry.line)
                }),
            );
        }
        stale
    }

    /// The pages that entries name.
    pub fn pages(&self) -> BTreeSet<&str> {
        self.entries.iter().map(|entry| entry.page.as_str()).collect()
    }

    /// The globs that none of these scenarios matches.
    pub fn without_scenario(&self, scenarios: &[Scenario]) -> Vec<String> {
        let globs = self.entries.iter().flat_map(|entry| {
            entry.scenarios.iter().filter(move |glob| {
                let of = |scenario: &Scenario| entry.provider.is_none_or(|of| of == scenario.world.provider);
                !scenarios.iter().any(|scenario| of(scenario) && glob.matches(&scenario.id()))
            })
        });
        globs.map(|glob| glob.as_str().to_owned()).collect()
    }
}

impl Entry {
    fn read(listed: Spanned<Listed>, text: &str, mistakes: &mut Mistakes) -> Option<Entry> {
        let start = listed.span().start;
        let listed = listed.into_inner();
        let scenarios = globs(listed.scenarios, "scenarios", mistakes);
        let what = globs(listed.what, "what", mistakes);
        let provider = listed.provider.map(|provider| {
            let read = provider.get_ref().parse::<Provider>();
            if read.is_err() {
                let help = "write `aws`, `azure`, `gcp`, or `local`";
                mistake(mistakes, format!("`{}` is no provider", provider.get_ref()), provider.span(), help);
            }
            read.ok()
        });
        let lanes = lanes(listed.lanes, mistakes);
        if listed.reason.get_ref().trim().is_empty() {
            let help = "say in one sentence why the lanes may differ here";
            mistakes
                .push("a difference is listed without a reason".to_owned(), [(listed.reason.span(), "empty")])
                .help(help);
        }
        let page = listed.page;
        let name = page.get_ref().strip_prefix(PAGES).filter(|name| name.ends_with(".md") && !name.contains('/'));
        if name.is_none() {
            let help = format!("write `{PAGES}NAME.md`, and write that page");
            mistakes.push(format!("`{}` is no page of findings", page.get_ref()), [(page.span(), "this")]).help(help);
        }
        Some(Entry {
            line: text.get(..start).map_or(1, |before| before.matches('\n').count() + 1),
            scenarios: scenarios?,
            provider: provider.flatten(),
            lanes: lanes?,
            what: what?,
            page: page.into_inner(),
            either_way: listed.either_way,
        })
    }

    /// Whether a comparison is one that the entry is about.
    fn is_for(&self, compared: &Compared) -> bool {
        let [one, other] = compared.lanes;
        (self.lanes == [one, other] || self.lanes == [other, one])
            && self.provider.is_none_or(|provider| provider == compared.provider)
            && self.scenarios.iter().any(|glob| glob.matches(&compared.scenario))
    }

    /// The globs that a difference meets.
    fn patterns<'a>(
        &'a self,
        compared: &Compared,
        difference: &Difference,
    ) -> impl Iterator<Item = &'a Pattern> + use<'a> {
        let turned = self.lanes != compared.lanes;
        let line = if turned { difference.clone().turned().line() } else { difference.line() };
        let is_for = self.is_for(compared);
        self.what.iter().filter(move |glob| is_for && glob.matches(&line))
    }
}

/// Reads a list of globs that must not be empty.
fn globs(list: Spanned<Vec<Spanned<String>>>, name: &str, mistakes: &mut Mistakes) -> Option<Vec<Pattern>> {
    let span = list.span();
    let mut globs = Vec::new();
    let mut wrong = false;
    for text in list.into_inner() {
        match Pattern::new(text.get_ref()) {
            Ok(glob) => globs.push(glob),
            Err(error) => {
                wrong = true;
                let help = "`*` stands for anything, `?` for one character, `[` and `]` for a choice";
                mistakes.push(format!("this is no glob: {error}"), [(text.span(), "this")]).help(help);
            }
        }
    }
    if globs.is_empty() && !wrong {
        mistakes.push(format!("`{name}` is empty"), [(span, "nothing is named here")]).help("name at least one");
        wrong = true;
    }
    (!wrong).then_some(globs)
}

fn lanes(list: Spanned<Vec<Spanned<String>>>, mistakes: &mut Mistakes) -> Option<[Lane; 2]> {
    let span = list.span();
    let mut lanes = Vec::new();
    let mut wrong = false;
    for text in list.into_inner() {
        match Lane::ALL.into_iter().find(|lane| lane.as_str() == text.get_ref()) {
            Some(lane) => lanes.push(lane),
            None => {
                wrong = true;
                let known: Vec<_> = Lane::ALL.into_iter().map(Lane::as_str).collect();
                mistake(
                    mistakes,
                    format!("`{}` is no lane", text.get_ref()),
                    text.span(),
                    &format!("write one of {}", known.join(", ")),
                );
            }
        }
    }
    match <[Lane; 2]>::try_from(lanes) {
        Ok(lanes) if lanes[0] != lanes[1] => Some(lanes),
        _ => {
            if !wrong {
                mistake(
                    mistakes,
                    "two lanes are compared".to_owned(),
                    span,
                    "write two of them, such as `[\"sim\", \"process\"]`",
                );
            }
            None
        }
    }
}

/// A place with something in it to point at: where a text ends too early, its last character.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    if !span.is_empty() {
        return span;
    }
    let before = text.get(..span.start).unwrap_or(text).trim_end();
    before.char_indices().next_back().map_or(0..text.len().min(1), |(start, _)| start..before.len())
}

fn mistake(mistakes: &mut Mistakes, message: String, span: Range<usize>, help: &str) {
    mistakes.push(message, [(span, "this")]).help(help);
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    const FILE: &str = r#"
[[difference]]
scenarios = ["kms-outage/proxy-stalls-*"]
provider = "aws"
lanes = ["sim", "process"]
what = ["mongod: Get of key 1: no answer / ended: *", "proxy: nothing more / tells internal"]
reason = "the kernel says so at once"
page = "docs/findings/stalls.md"

[[difference]]
scenarios = ["kms-outage/*"]
lanes = ["sim", "process"]
what = ["public: kms Decrypt: ok / nothing more"]
reason = "the answer is kept"
page = "docs/findings/kept.md"
"#;

    fn recorded() -> Recorded {
        Recorded::read("scenarios/differences.toml", FILE).unwrap_or_else(|error| panic!("{}", error.render(false)))
    }

    /// A comparison with these differences: the actor, here, there.
    fn compared(scenario: &str, lanes: [Lane; 2], differences: &[[&str; 3]]) -> Compared {
        let differences = differences.iter().map(|[actor, here, there]| Difference {
            place: Place::Epilogue,
            actor: (*actor).to_owned(),
            here: (*here).to_owned(),
            there: (*there).to_owned(),
        });
        Compared { scenario: scenario.to_owned(), provider: Provider::Aws, lanes, differences: differences.collect() }
    }

    const STALLS: &str = "kms-outage/proxy-stalls-under-polling";
    const LANES: [Lane; 2] = [Lane::Sim, Lane::Process];
    const ENDED: [&str; 3] = ["mongod", "Get of key 1: no answer", "ended: failed"];
    const TELLS: [&str; 3] = ["proxy", "nothing more", "tells internal"];
    const KEPT: [&str; 3] = ["public", "kms Decrypt: ok", "nothing more"];

    #[test]
    fn a_comparison_is_explained_if_each_of_its_differences_is_recorded() {
        let page = |compared: &Compared| recorded().page(compared).map(str::to_owned);
        assert_eq!(page(&compared(STALLS, LANES, &[ENDED])).as_deref(), Some("docs/findings/stalls.md"));
        let both = compared(STALLS, LANES, &[KEPT, ENDED]);
        assert_eq!(page(&both).as_deref(), Some("docs/findings/kept.md"), "the page of the first one");
        let other = ["mongod", "Get of key 1: ok", "ended: failed"];
        assert_eq!(page(&compared(STALLS, LANES, &[ENDED, other])), None, "one is not recorded");
        assert_eq!(page(&compared(STALLS, LANES, &[])), None, "nothing is to be explained");
        assert_eq!(page(&compared("key-rotation/x", LANES, &[ENDED])), None, "another scenario");
        assert_eq!(page(&compared(STALLS, [Lane::Sim, Lane::Bridge], &[ENDED])), None, "another lane");
        let azure = Compared { provider: Provider::Azure, ..compared(STALLS, LANES, &[ENDED]) };
        assert_eq!(page(&azure), None, "another provider");
    }

    #[test]
    fn the_lanes_may_stand_in_either_order() {
        let turned =
            compared(STALLS, [Lane::Process, Lane::Sim], &[["mongod", "ended: failed", "Get of key 1: no answer"]]);
        assert!(recorded().page(&turned).is_some());
        assert!(recorded().page(&compared(STALLS, [Lane::Process, Lane::Sim], &[ENDED])).is_none());
    }

    #[test]
    fn what_excuses_nothing_in_a_comparison_that_it_is_for_is_stale_glob_by_glob() {
        assert_eq!(recorded().stale(&[]), Vec::<String>::new(), "nothing was compared");
        let others = compared("key-rotation/x", LANES, &[]);
        assert_eq!(recorded().stale(&[others]), Vec::<String>::new());
        let stale =
            recorded().stale(&[compared(STALLS, LANES, &[ENDED]), compared("kms-outage/throttled", LANES, &[KEPT])]);
        let told = "scenarios/differences.toml:2: `proxy: nothing more / tells internal` excuses nothing any more: take it away";
        assert_eq!(stale, [told]);
        assert_eq!(recorded().stale(&[compared(STALLS, LANES, &[KEPT, TELLS, ENDED])]), Vec::<String>::new());
    }

    #[test]
    fn what_may_go_either_way_is_never_stale() {
        let text = FILE.replace("[[difference]]", "[[difference]]\neither-way = true");
        let either =
            Recorded::read("differences.toml", &text).unwrap_or_else(|error| panic!("{}", error.render(false)));
        assert_eq!(either.stale(&[compared(STALLS, LANES, &[])]), Vec::<String>::new());
        assert!(either.page(&compared(STALLS, LANES, &[ENDED])).is_some(), "and explains all the same");
        assert_eq!(recorded().stale(&[compared(STALLS, LANES, &[])]).len(), 3);
    }

    #[test]
    fn mistakes_are_shown_under_the_characters_that_are_wrong() {
        let text = r#"
[[difference]]
scenarios = []
provider = "ibm"
lanes = ["sim", "proces"]
what = ["[mongod"]
reason = " "
page = "docs/late.md"

[[difference]]
scenarios = ["*"]
lanes = ["sim", "sim"]
what = ["*"]
reason = "so"
page = "docs/findings/late.md"
"#;
        let error = Recorded::read("scenarios/differences.toml", text).unwrap_err();
        insta::assert_snapshot!(error.render(false));
        let unknown = Recorded::read("differences.toml", "[[difference]]\nreasons = \"x\"\n").unwrap_err();
        assert!(unknown.to_string().starts_with("differences.toml:2:1: unknown field `reasons`"), "{unknown}");
        let broken = Recorded::read("differences.toml", "[[difference]\n").unwrap_err();
        assert!(broken.to_string().starts_with("differences.toml:1:"), "{broken}");
    }

    #[test]
    fn without_a_file_nothing_is_recorded() {
        let recorded = Recorded::within(Path::new("/nowhere/at/all")).unwrap();
        assert_eq!(recorded.pages().len(), 0);
    }
}
