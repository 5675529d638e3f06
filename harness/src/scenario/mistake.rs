//! What is wrong with a scenario file, shown under the characters that are wrong.
//!
//! A check never stops at the first mistake: it collects into [`Mistakes`], and the reader of the message repairs the
//! file once. Invariant: mistakes come in the order of the file, and a file full of them does not flood the terminal.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, ThemeCharacters,
    ThemeStyles,
};

/// How many mistakes of one file are shown.
const SHOWN: usize = 20;

/// A file that is no scenario, with everything that is wrong with it.
#[derive(Debug)]
pub struct ScenarioError {
    path: String,
    mistakes: Vec<Mistake>,
    hidden: usize,
}

impl ScenarioError {
    /// A single mistake that concerns a file as a whole, so that there is nothing to point at.
    pub(crate) fn whole(path: &str, message: String, help: &str) -> Self {
        let mut mistakes = Mistakes::new(path, "");
        mistakes.push(message, []).help(help);
        mistakes.into_error()
    }

    /// The path of the file, as it was given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The mistakes in the order of the file, at most twenty.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// Every mistake drawn under the characters that are wrong, in Unicode, with colours for a terminal or without.
    pub fn render(&self, colour: bool) -> String {
        let styles = if colour { ThemeStyles::ansi() } else { ThemeStyles::none() };
        let theme = GraphicalTheme { characters: ThemeCharacters::unicode(), styles };
        // Lines are not wrapped: the words of the format have hyphens, and wrapping would tear them there.
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_wrap_lines(false)
            .with_primary_span_start();
        let mut drawn = String::new();
        for (index, mistake) in self.mistakes.iter().enumerate() {
            drawn.push_str(if index == 0 { "" } else { "\n" });
            handler.render_report(&mut drawn, mistake).expect("writing to a string succeeds");
        }
        if self.hidden > 0 {
            drawn.push_str(&format!("\n  … and {} more in {}\n", self.hidden, self.path));
        }
        drawn
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}: {}", mistake.place, mistake.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioError {}

impl Diagnostic for ScenarioError {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.mistakes.iter().map(|mistake| mistake as &dyn Diagnostic)))
    }
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// What is wrong, in one sentence.
    message: String,
    /// `path:line:column`, or the path alone where the whole file is meant.
    place: String,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
    source: Arc<NamedSource<Arc<str>>>,
}

impl Mistake {
    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// `path:line:column`, or the path alone where the whole file is meant.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Adds what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    /// The offset of the first label, by which mistakes are ordered.
    fn offset(&self) -> usize {
        self.labels.first().map_or(0, LabeledSpan::offset)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.labels.is_empty()).then_some(&*self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// The mistakes found so far in one file.
#[derive(Clone)]
pub(crate) struct Mistakes {
    path: String,
    source: Arc<NamedSource<Arc<str>>>,
    found: Vec<Mistake>,
}

impl Mistakes {
    /// None yet, in the file at `path` whose text is `source`.
    pub(crate) fn new(path: &str, source: &str) -> Self {
        let source = Arc::new(NamedSource::new(path, Arc::from(source)));
        Mistakes { path: path.to_owned(), source, found: Vec::new() }
    }

    /// Adds a mistake. The first label is the place; labels without extent (of defaults, which stand nowhere in the
    /// file) are left out.
    pub(crate) fn push<const N: usize>(&mut self, message: String, labels: [(Range<usize>, &str); N]) -> &mut Mistake {
        let labels: Vec<_> = labels
            .into_iter()
            .filter(|(span, _)| !span.is_empty())
            .enumerate()
            .map(|(index, (span, text))| match index {
                0 => LabeledSpan::new_primary_with_span(Some(text.to_owned()), span),
                _ => LabeledSpan::new_with_span(Some(text.to_owned()), span),
            })
            .collect();
        let place = match labels.first() {
            Some(label) => {
                let (line, column) = line_and_column(self.source.inner(), label.offset());
                format!("{}:{line}:{column}", self.path)
            }
            None => self.path.clone(),
        };
        self.found.push(Mistake { message, place, labels, help: None, source: Arc::clone(&self.source) });
        self.found.last_mut().expect("one was pushed in the line above")
    }

    /// Points at further places that belong to the mistake added last.
    pub(super) fn also(&mut self, spans: impl IntoIterator<Item = Range<usize>>, text: &str) {
        let labels = spans.into_iter().filter(|span| !span.is_empty());
        let labels = labels.map(|span| LabeledSpan::new_with_span(Some(text.to_owned()), span));
        if let Some(mistake) = self.found.last_mut() {
            mistake.labels.extend(labels);
        }
    }

    /// Takes over the mistakes of another look at the same file, except those that are known already.
    pub(super) fn adopt(&mut self, other: Mistakes) {
        for mistake in other.found {
            let known = |one: &Mistake| one.message == mistake.message && one.labels == mistake.labels;
            if !self.found.iter().any(known) {
                self.found.push(mistake);
            }
        }
    }

    /// Whether all is well so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether a mistake has been found within a place.
    pub(super) fn any_in(&self, place: &Range<usize>) -> bool {
        let mut labels = self.found.iter().flat_map(|mistake| &mistake.labels);
        labels.any(|label| place.contains(&label.offset()))
    }

    /// All mistakes as one error.
    pub(crate) fn into_error(mut self) -> ScenarioError {
        self.found.sort_by_key(Mistake::offset);
        let hidden = self.found.len().saturating_sub(SHOWN);
        self.found.truncate(SHOWN);
        ScenarioError { path: self.path, mistakes: self.found, hidden }
    }
}

/// The line and the column (in characters) of a byte offset, both from 1.
pub(super) fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The candidate that somebody who wrote `word` most likely meant.
pub(super) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = (word.chars().count() / 3).max(1);
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Words as prose lists them: `a`, `b`, or `c`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        [most @ .., last] => format!("{}, or {last}", most.join(", ")),
    }
}

/// The help for a word that is not among the candidates: what was probably meant, and what there is.
pub(super) fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match closest(word, candidates.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write {}", listed(candidates)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let source = "äb\nc";
        assert_eq!(line_and_column(source, 0), (1, 1));
        assert_eq!(line_and_column(source, "ä".len()), (1, 2));
        assert_eq!(line_and_column(source, "äb\n".len()), (2, 1));
        assert_eq!(line_and_column(source, 99), (2, 2));
    }

    #[test]
    fn only_a_near_word_is_suggested() {
        let verbs = ["start", "stop", "reject"];
        assert_eq!(closest("rejct", verbs), Some("reject"));
        assert_eq!(closest("strat", verbs), Some("start"));
        assert_eq!(closest("STOP", verbs), Some("stop"));
        assert_eq!(closest("explode", verbs), None);
    }

    #[test]
    fn a_flood_of_mistakes_is_cut_short_and_counted() {
        let mut mistakes = Mistakes::new("flood.toml", "x");
        for _ in 0..25 {
            mistakes.push("wrong".to_owned(), [(0..1, "here")]);
        }
        let error = mistakes.into_error();
        assert_eq!(error.mistakes().len(), SHOWN);
        assert!(error.render(false).ends_with("… and 5 more in flood.toml\n"));
    }
}
