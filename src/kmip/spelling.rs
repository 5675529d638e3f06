//! The spellings of a standard name: `Get Attributes` is `GetAttributes` in the XML encoding and `get-attributes` in
//! logs and file names. The tables hold the standard name only; the others are derived from it.

use std::fmt;

/// The compact spelling (the rules for names of KMIP Additional Message Encodings 1.0): words capitalised and joined, odd characters as `_`,
/// a number at the start of a name moved behind its first word.
#[derive(Clone, Copy, Debug)]
pub struct Compact<'a>(pub &'a str);

impl fmt::Display for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.len() - self.0.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, name) = self.0.split_at(digits);
        let (first, rest) = name.find(' ').map_or((name, ""), |end| name.split_at(end));
        compact(f, first)?;
        f.write_str(number)?;
        compact(f, rest)
    }
}

/// Writes the words of `name` capitalised and joined.
fn compact(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    use fmt::Write as _;

    let mut characters = name.chars();
    let mut word_starts = true;
    while let Some(character) = characters.next() {
        let mut ahead = characters.clone();
        let before_a_word = matches!((ahead.next(), ahead.next()), (Some(first), Some(second))
            if first.is_ascii_alphabetic() && second.is_ascii_lowercase());
        match character {
            ' ' => word_starts = true,
            _ if character.is_ascii_alphanumeric() => {
                f.write_char(if word_starts { character.to_ascii_uppercase() } else { character })?;
                word_starts = false;
            }
            _ if before_a_word => word_starts = true,
            _ => f.write_char('_')?,
        }
    }
    Ok(())
}

/// The spelling with hyphens: lower case, everything that is no letter or digit as `-`.
#[derive(Clone, Copy, Debug)]
pub struct Kebab<'a>(pub &'a str);

impl fmt::Display for Kebab<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;

        self.0.chars().try_for_each(|character| {
            f.write_char(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' })
        })
    }
}

/// Whether a text is one of the spellings of a standard name.
pub(crate) fn spells(text: &str, name: &str) -> bool {
    text == name || Compact(name).to_string() == text || Kebab(name).to_string() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compact_spelling_is_the_one_of_the_test_cases() {
        // Right side: as spelled in the XML of the OASIS test cases for KMIP 1.0 to 1.3.
        for (standard, compact) in [
            ("Get Attributes", "GetAttributes"),
            ("Re-key", "ReKey"),
            ("Re-key Key Pair", "ReKeyKeyPair"),
            ("Re-certify", "ReCertify"),
            ("MAC Verify", "MACVerify"),
            ("RNG Retrieve", "RNGRetrieve"),
            ("PKCS#1", "PKCS_1"),
            ("X.509", "X_509"),
            ("3DES", "DES3"),
            ("HMAC-SHA256", "HMAC_SHA256"),
            ("ECPrivateKey", "ECPrivateKey"),
            ("Transparent RSA Private Key", "TransparentRSAPrivateKey"),
            ("PGP Key", "PGPKey"),
            ("Object Archived", "ObjectArchived"),
            ("Query Server Information", "QueryServerInformation"),
            ("Pre-Active", "PreActive"),
        ] {
            assert_eq!(Compact(standard).to_string(), compact);
        }
    }

    #[test]
    fn any_of_the_three_spellings_names_the_same_thing() {
        assert_eq!(Kebab("Re-key Key Pair").to_string(), "re-key-key-pair");
        for text in ["Get Attributes", "GetAttributes", "get-attributes"] {
            assert!(spells(text, "Get Attributes"), "{text}");
        }
        assert!(!spells("get attributes", "Get Attributes"));
    }
}
