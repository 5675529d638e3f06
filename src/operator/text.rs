//! Makes foreign text fit to be shown: identifiers from the wire, messages of clouds, paths.

use std::fmt::Write as _;

/// Escapes control characters and direction marks, so that a text cannot write other lines or move the cursor, and
/// shortens AWS access key ids.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in shorten_access_key_ids(text).chars() {
        let reorders = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || reorders {
            // Writing to a String cannot fail.
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// One line of printable ASCII of at most `longest` bytes: other characters become `?`, the middle of a longer text
/// becomes `...`.
pub(super) fn ascii(text: &str, longest: usize) -> String {
    let text: Vec<char> = shorten_access_key_ids(text)
        .chars()
        .map(|character| if matches!(character, ' '..='~') { character } else { '?' })
        .collect();
    if text.len() <= longest {
        return text.into_iter().collect();
    }
    let kept = longest.saturating_sub(3);
    let tail = kept / 2;
    let head = kept - tail;
    text.iter().take(head).copied().chain("...".chars()).chain(text.iter().skip(text.len() - tail).copied()).collect()
}

/// Shortens whatever has the form of an AWS access key id: `AKIA` or `ASIA` and at least 12 more capitals or digits.
fn shorten_access_key_ids(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let others = |character: char| !character.is_ascii_uppercase() && !character.is_ascii_digit();
        let (run, after) = rest.split_at(rest.find(others).unwrap_or(rest.len()));
        let is_id = run.len() >= 16 && (run.starts_with("AKIA") || run.starts_with("ASIA"));
        match (is_id, run.get(..4), run.get(run.len().saturating_sub(4)..)) {
            (true, Some(head), Some(tail)) => {
                shown.push_str(&format!("{head}...{tail}"));
                rest = after;
            }
            _ => {
                shown.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    shown
}

/// A word for a shell: quoted where it holds more than plain characters.
pub(super) fn shell(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-:=,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_key_ids_are_shortened_wherever_they_stand() {
        let said =
            printable("key AKIAIOSFODNN7EXAMPLE, (ASIAZZZZZZZZZZZZ1234), xAKIAIOSFODNN7EXAMPLEü, not AKIAsomething");
        assert_eq!(said, "key AKIA...MPLE, (ASIA...1234), xAKIA...MPLEü, not AKIAsomething");
    }

    #[test]
    fn control_characters_cannot_forge_a_line() {
        let said = printable("a\nerror[x]: forged\u{1b}[2J\u{202e}ü");
        assert!(!said.contains('\n') && !said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said}");
        assert!(said.ends_with('ü'));
    }

    #[test]
    fn a_long_text_keeps_its_ends() {
        assert_eq!(ascii("abcdefghij", 7), "ab...ij");
        assert_eq!(ascii("schlüssel\n", 20), "schl?ssel?");
        assert_eq!(ascii("abc", 3), "abc");
    }

    #[test]
    fn a_path_with_spaces_is_quoted_for_the_shell() {
        assert_eq!(shell("/data/db"), "/data/db");
        assert_eq!(shell("/my data/it's"), r"'/my data/it'\''s'");
    }
}
