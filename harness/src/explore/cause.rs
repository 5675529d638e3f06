//! Why a run failed, so that two runs can be said to fail in the same way.
//!
//! A cause is the requirement and what was seen, without what differs from run to run: numbers, times, identifiers,
//! and hexadecimal digits.
//!
//! Invariant: two failures of one cause are one finding.

use crate::checker::Failure;

/// What is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The invariant's id and name, `K2 no-key-without-provider`; or the line that expected something else.
    pub requirement: String,
    /// What was seen, with `#` for whatever differs from run to run.
    pub observed: String,
}

impl Cause {
    /// The cause of a failure.
    pub fn of(failure: &Failure) -> Cause {
        // A line of a file has another number as soon as a line before it is gone.
        let requirement = match failure.span {
            Some(_) => failure.requirement.split_once(": ").map_or(failure.requirement.as_str(), |(_, words)| words),
            None => &failure.requirement,
        };
        Cause { requirement: requirement.to_owned(), observed: general(&failure.observed) }
    }

    /// Whether it is about `final`, which a sketch may not know.
    pub fn is_about_final(&self) -> bool {
        self.requirement.starts_with("K7 ")
    }

    /// A name for files: the requirement, and the first words of what was seen.
    pub fn slug(&self) -> String {
        let words = |text: &str| -> Vec<String> {
            let plain =
                |word: &str| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
            text.split([' ', '-', '_', '/']).map(plain).filter(|word| !word.is_empty()).collect()
        };
        let mut slug = words(&self.requirement);
        slug.truncate(8);
        slug.extend(
            words(&self.observed).into_iter().filter(|word| !["at", "the", "to", "a"].contains(&word.as_str())).take(5),
        );
        slug.join("-")
    }
}

/// A text without what differs from run to run: every word with a digit in it, or that was shortened, is `#`.
fn general(text: &str) -> String {
    let mut general = String::new();
    let mut word = String::new();
    // The space at the end closes the last word.
    for character in text.chars().chain([' ']) {
        if character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | ':' | '.' | '\u{2026}') {
            word.push(character);
            continue;
        }
        let bare = word.trim_end_matches([':', '.', '-']);
        let rest = word.split_off(bare.len());
        let differs = |it: char| it.is_ascii_digit() || it == '\u{2026}';
        general.push_str(if word.contains(differs) { "#" } else { &word });
        general.push_str(&rest);
        general.push(character);
        word.clear();
    }
    general.pop();
    general
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(requirement: &str, observed: &str, span: Option<std::ops::Range<usize>>) -> Failure {
        Failure { requirement: requirement.to_owned(), expected: String::new(), observed: observed.to_owned(), span }
    }

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        for (text, expected) in [
            ("the Get sent at 3.250s got no answer (timed out)", "the Get sent at # got no answer (timed out)"),
            ("at 1.234s 5f1a0c2e-9b7d-4c3e-8a1f-0123456789ab exists", "at # # exists"),
            ("the proxy connected to 203.0.113.1:443: refused", "the proxy connected to #: refused"),
            ("came after 4.501s, the deadline is 4.500s.", "came after #, the deadline is #."),
            ("`/data/db/local.key` is not whole: 0 bytes", "`/data/db/local.key` is not whole: # bytes"),
            ("of (AKIA\u{2026}WXYZ)", "of (#)"),
            ("", ""),
        ] {
            assert_eq!(general(text), expected);
        }
    }

    #[test]
    fn a_line_keeps_its_words_and_loses_its_number() {
        let cause = Cause::of(&failure("line 12: start = \"mongod\"", "permission-denied", Some(0..1)));
        assert_eq!(cause.requirement, "start = \"mongod\"");
        let cause = Cause::of(&failure("K2 no-key-without-provider", "seen", None));
        assert_eq!(cause.requirement, "K2 no-key-without-provider");
    }

    #[test]
    fn a_file_is_named_after_the_invariant_and_what_was_seen() {
        let cause = Cause::of(&failure("K6 always-answers", "the Get sent at 3.250s got no answer (timed out)", None));
        assert_eq!(cause.slug(), "k6-always-answers-get-sent-got-no-answer");
    }
}
