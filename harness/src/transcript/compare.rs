//! Where two transcripts differ: the first difference of each actor, and both side by side.
//!
//! The facts of an actor are compared one by one over all windows. Two equal facts may stand on both sides of a line where
//! the rule `border` says so; after the first fact that differs, an actor is not compared any further, because what
//! follows is mostly its echo.
//!
//! Invariant: two transcripts of one text have no differences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::time::Duration;

use super::rules::BORDER;
use super::{Actor, Fact, Place, Transcript, Window};

/// Where two transcripts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// After which line.
    pub place: Place,
    /// Who says something else: a host of the trace.
    pub actor: String,
    /// What is said here.
    pub here: String,
    /// What is said there.
    pub there: String,
}

/// What is said where one says something and the other does not.
const NOTHING: &str = "nothing more";

impl Difference {
    /// `mongod: Get of key 1: ok / Get of key 1: no answer`: what a record of it must match.
    pub fn line(&self) -> String {
        format!("{}: {} / {}", self.actor, self.here, self.there)
    }

    /// Told in three lines: where, and what is said on both sides.
    pub fn told(&self, here: &str, there: &str) -> String {
        let width = here.chars().count().max(there.chars().count());
        format!("{}, {}\n  {here:<width$}  {}\n  {there:<width$}  {}", self.place, self.actor, self.here, self.there)
    }

    /// The same seen from the other side.
    #[must_use]
    pub fn turned(self) -> Self {
        Difference { here: self.there, there: self.here, ..self }
    }
}

impl Transcript {
    /// The first difference of each actor, in the order in which they happened; none where the two agree.
    pub fn differences(&self, other: &Transcript) -> Vec<Difference> {
        self.parting(other).into_iter().map(|(_, _, difference)| difference).collect()
    }

    /// The differences, with the window of each and the moment in it.
    fn parting(&self, other: &Transcript) -> Vec<(usize, Duration, Difference)> {
        let actors = self.actors(other).into_iter();
        let mut found: Vec<_> = actors.filter_map(|actor| self.parts(other, &actor)).collect();
        found.sort_by_key(|(window, at, _)| (*window, *at));
        found
    }

    /// Both, window by window: what one of them lacks is marked, with `!` where its actor differs, with `~` where a rule excuses it.
    pub fn beside(&self, other: &Transcript, here: &str, there: &str) -> String {
        let parted: BTreeMap<String, usize> =
            self.parting(other).into_iter().map(|(window, _, difference)| (difference.actor, window)).collect();
        let mut rows: Vec<Row> = Vec::new();
        for index in 0..self.windows.len().max(other.windows.len()) {
            let windows = [self.windows.get(index), other.windows.get(index)];
            let Some(place) = windows.into_iter().flatten().map(|window| &window.place).next() else { continue };
            rows.push(Row::Place(place.to_string()));
            let actors: BTreeSet<&Actor> =
                windows.into_iter().flatten().flat_map(|window| window.said.keys()).collect();
            for actor in actors {
                let [one, two] = windows.map(|window| window.map_or(&[][..], |window| window.of(actor)));
                let excused = parted.get(&actor.host).is_none_or(|parted| index < *parted);
                rows.extend(aligned(one, two).into_iter().map(|(one, two)| {
                    let mark = match (one.is_some() && two.is_some(), excused) {
                        (true, _) => ' ',
                        (false, true) => '~',
                        (false, false) => '!',
                    };
                    Row::Said { mark, actor: actor.host.clone(), here: text(one), there: text(two) }
                }));
            }
        }
        draw(&rows, here, there)
    }

    fn actors(&self, other: &Transcript) -> BTreeSet<Actor> {
        let windows = self.windows.iter().chain(&other.windows);
        windows.flat_map(|window| window.said.keys().cloned()).collect()
    }

    /// Where an actor says something else.
    fn parts(&self, other: &Transcript, actor: &Actor) -> Option<(usize, Duration, Difference)> {
        let (here, there) = (self.sequence(actor), other.sequence(actor));
        for index in 0..here.len().max(there.len()) {
            let (one, two) = (here.get(index), there.get(index));
            if let (Some((window, fact)), Some((other_window, other_fact))) = (one, two)
                && fact.what == other_fact.what
                && (window == other_window || self.is_border(other, (*window, fact), (*other_window, other_fact)))
            {
                continue;
            }
            // What one of them says only later, it does not say here.
            let first = one.iter().chain(&two).map(|(window, _)| *window).min()?;
            let said = |at: Option<&(usize, &Fact)>| match at {
                Some((window, fact)) if *window == first => fact.what.clone(),
                _ => NOTHING.to_owned(),
            };
            return Some(self.difference(other, first, actor, said(one), said(two), [one, two]));
        }
        None
    }

    fn difference(
        &self,
        other: &Transcript,
        window: usize,
        actor: &Actor,
        here: String,
        there: String,
        facts: [Option<&(usize, &Fact)>; 2],
    ) -> (usize, Duration, Difference) {
        let at = facts.into_iter().flatten().filter(|(of, _)| *of == window).map(|(_, fact)| fact.at).min();
        let place = self.windows.get(window).or(other.windows.get(window)).map(|window| window.place.clone());
        let place = place.unwrap_or(Place::Epilogue);
        (window, at.unwrap_or_default(), Difference { place, actor: actor.host.clone(), here, there })
    }

    /// Applies the rule `border` to two equal facts of different windows.
    fn is_border(&self, other: &Transcript, here: (usize, &Fact), there: (usize, &Fact)) -> bool {
        let [early, late] =
            if here.0 < there.0 { [(self, here), (other, there)] } else { [(other, there), (self, here)] };
        let (of, (before, fact)) = early;
        let closes = of.windows.get(before + 1).map(|window| window.opened);
        let close_before = closes.is_some_and(|closes| closes.saturating_sub(fact.at) <= BORDER);
        let (of, (after, fact)) = late;
        let opened = of.windows.get(after).map_or(Duration::ZERO, |window| window.opened);
        after == before + 1 && close_before && fact.at.saturating_sub(opened) <= BORDER
    }

    /// What an actor says, over all windows.
    fn sequence(&self, actor: &Actor) -> Vec<(usize, &Fact)> {
        let windows = self.windows.iter().enumerate();
        windows.flat_map(|(index, window)| window.of(actor).iter().map(move |fact| (index, fact))).collect()
    }
}

impl Window {
    fn of(&self, actor: &Actor) -> &[Fact] {
        self.said.get(actor).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: `{}` here, `{}` there", self.place, self.actor, self.here, self.there)
    }
}

enum Row {
    Place(String),
    Said { mark: char, actor: String, here: String, there: String },
}

fn text(fact: Option<&Fact>) -> String {
    fact.map(|fact| fact.what.clone()).unwrap_or_default()
}

/// Two sequences side by side: equal facts in one row, as many as can be.
fn aligned<'a>(here: &'a [Fact], there: &'a [Fact]) -> Vec<(Option<&'a Fact>, Option<&'a Fact>)> {
    // The longest common subsequence from each place to the end.
    let mut common = vec![vec![0_usize; there.len() + 1]; here.len() + 1];
    for one in (0..here.len()).rev() {
        for two in (0..there.len()).rev() {
            common[one][two] = if here[one].what == there[two].what {
                common[one + 1][two + 1] + 1
            } else {
                common[one + 1][two].max(common[one][two + 1])
            };
        }
    }
    let mut rows = Vec::new();
    let (mut one, mut two) = (0, 0);
    while one < here.len() || two < there.len() {
        let both = one < here.len() && two < there.len();
        if both && here[one].what == there[two].what {
            rows.push((Some(&here[one]), Some(&there[two])));
            (one, two) = (one + 1, two + 1);
        } else if two == there.len() || (one < here.len() && common[one + 1][two] >= common[one][two + 1]) {
            rows.push((Some(&here[one]), None));
            one += 1;
        } else {
            rows.push((None, Some(&there[two])));
            two += 1;
        }
    }
    rows
}

fn draw(rows: &[Row], here: &str, there: &str) -> String {
    let width = |text: &str| text.chars().count();
    let said = rows.iter().filter_map(|row| match row {
        Row::Said { here, actor, .. } => Some((width(actor), width(here))),
        Row::Place(_) => None,
    });
    let (actors, column) =
        said.fold((0, width(here)), |widest, (actor, here)| (widest.0.max(actor), widest.1.max(here)));
    let mut drawn = format!("  {:<actors$}  {here:<column$}  {there}\n", "");
    for row in rows {
        let line = match row {
            Row::Place(place) => format!("\n{place}"),
            Row::Said { mark, actor, here, there } => format!("{mark} {actor:<actors$}  {here:<column$}  {there}"),
        };
        writeln!(drawn, "{}", line.trim_end()).expect("writing to a string succeeds");
    }
    drawn
}
