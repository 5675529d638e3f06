//! One spelling for all: `-awsAccessKey`, `--awsAccessKey` and `--aws-access-key` are the same flag.
//!
//! Atlas writes flags in Go's manner (one dash, camel case), clap reads GNU's (two dashes, kebab case). Values, words
//! without a dash, single letters and everything after `--` stay as they are.

use std::ffi::OsString;

/// The arguments in GNU's spelling; the first one is the program's name.
pub(super) fn normalise(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut flags_are_over = false;
    let mut normalised = Vec::new();
    for (index, argument) in arguments.into_iter().enumerate() {
        flags_are_over |= argument == "--";
        let flag = if index == 0 || flags_are_over { None } else { argument.to_str().and_then(flag) };
        normalised.push(flag.map_or(argument, OsString::from));
    }
    normalised
}

/// A long flag in GNU's spelling, with its value if it carries one.
fn flag(argument: &str) -> Option<String> {
    let bare = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-'))?;
    let (name, value) = match bare.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (bare, None),
    };
    if name.chars().count() < 2 || !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let value = value.map(|value| format!("={value}")).unwrap_or_default();
    Some(format!("--{}{value}", kebab_case(name)))
}

fn kebab_case(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len() + 4);
    let mut before = '-';
    for character in name.chars() {
        if character.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            kebab.push('-');
        }
        kebab.push(character.to_ascii_lowercase());
        before = character;
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let arguments = line.split(' ').map(OsString::from);
        normalise(arguments).into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn every_spelling_becomes_one() {
        for line in ["x -awsAccessKey A", "x --awsAccessKey A", "x --aws-access-key A", "x -aws-access-key A"] {
            assert_eq!(words(line), ["x", "--aws-access-key", "A"], "{line}");
        }
        assert_eq!(words("x -kmipPort=5696"), ["x", "--kmip-port=5696"]);
    }

    #[test]
    fn values_keep_their_case_and_their_equals_signs() {
        assert_eq!(words("x -awsSecretAccessKey=aB+c/D=="), ["x", "--aws-secret-access-key=aB+c/D=="]);
        assert_eq!(words("x -dbpath /Data/myDb"), ["x", "--dbpath", "/Data/myDb"]);
    }

    #[test]
    fn short_flags_numbers_and_what_follows_two_dashes_stay() {
        assert_eq!(
            words("-myProgram -h -V -1 import -- -awsAccessKey"),
            ["-myProgram", "-h", "-V", "-1", "import", "--", "-awsAccessKey"]
        );
    }
}
