//! The resource name of a customer's key: `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
//!
//! The name becomes the path of every request, and people type it into files. What could bend that path is refused
//! before anything is sent.
//!
//! Invariant: a name that has been read consists of eight segments, none of which a URL would read otherwise.

use std::fmt;

/// The collections of a key's name, each followed by an id (Cloud KMS, "Object hierarchy", resource names).
const COLLECTIONS: [&str; 4] = ["projects", "locations", "keyRings", "cryptoKeys"];

/// The collection of a key's versions, under the key.
const VERSIONS: &str = "cryptoKeyVersions";

/// The longest id that is sent. Google's own are at most 63 characters long.
const LONGEST_ID: usize = 128;

/// A key's resource name, safe to be a part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyName(String);

impl KeyName {
    /// Reads the name of a key, or of one of its versions: Atlas keeps the latter, and Decrypt takes the former alone,
    /// because a ciphertext says itself which version made it. None where it is neither.
    pub(super) fn read(text: &str) -> Option<Self> {
        let key = match text.split_once(&format!("/{VERSIONS}/")) {
            Some((key, version)) => is_version(version).then_some(key)?,
            None => text,
        };
        let segments: Vec<&str> = key.split('/').collect();
        let fits = segments.len() == 2 * COLLECTIONS.len()
            && segments
                .chunks_exact(2)
                .zip(COLLECTIONS)
                .all(|(pair, collection)| matches!(pair, [name, id] if *name == collection && is_id(id)));
        fits.then(|| KeyName(key.to_owned()))
    }

    /// The path of a request: of a custom verb such as `decrypt`, or of the key itself.
    pub(super) fn path(&self, verb: Option<&str>) -> String {
        match verb {
            Some(verb) => format!("/v1/{}:{verb}", self.0),
            None => format!("/v1/{}", self.0),
        }
    }

    /// Whether an answer's name is that of this key.
    pub(super) fn is(&self, answered: &str) -> bool {
        let (Some((asked, asked_rest)), Some((other, other_rest))) = (project(&self.0), project(answered)) else {
            return false;
        };
        // A project has an id, which begins with a letter, and a number. Whoever asks by number may be answered by id.
        let by_number = asked.bytes().all(|byte| byte.is_ascii_digit());
        asked_rest == other_rest && (asked == other || by_number)
    }

    /// Whether an answer's name is that of a version of this key.
    pub(super) fn has_version(&self, answered: &str) -> bool {
        match answered.split_once(&format!("/{VERSIONS}/")) {
            Some((key, version)) => is_version(version) && self.is(key),
            None => false,
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name's project, and what comes after it.
fn project(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("projects/")?.split_once('/')
}

/// Letters, digits and `-._~`, which mean nothing to a URL (RFC 3986, 2.3), but neither of the segments that walk.
fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
        && id.bytes().any(|byte| byte != b'.')
}

fn is_version(version: &str) -> bool {
    (1..=20).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "projects/atlas-1/locations/europe-west3/keyRings/ring/cryptoKeys/master";

    #[test]
    fn the_name_of_a_key_and_of_its_version_are_the_same_path() {
        for text in [NAME.to_owned(), format!("{NAME}/cryptoKeyVersions/3")] {
            let name = KeyName::read(&text).unwrap();
            assert_eq!(name.path(Some("decrypt")), format!("/v1/{NAME}:decrypt"));
            assert_eq!(name.path(None), format!("/v1/{NAME}"));
        }
    }

    #[test]
    fn what_could_bend_a_path_is_not_a_name() {
        let bad = [
            "",
            "master",
            "/projects/p/locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/",
            "projects/p/locations/l/keyRings/r/cryptoKeys/",
            "projects/p/locations/l/keyRings/r/cryptoKeys",
            "projects/p/locations/l/keyrings/r/cryptoKeys/k",
            "projects/../locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/./keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k:destroy",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k?x=1",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k#x",
            "projects/p/locations/l/keyRings/r%2f..%2fs/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r\r\nx: y/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r\u{fc}/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/latest",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1:destroy",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1/cryptoKeyVersions/1",
        ];
        for text in bad {
            assert_eq!(KeyName::read(text), None, "{text}");
        }
        assert_eq!(KeyName::read(&NAME.replace("ring/", &format!("{}/", "r".repeat(129)))), None);
    }

    #[test]
    fn an_answer_is_of_the_key_only_if_it_names_it() {
        let name = KeyName::read(NAME).unwrap();
        let version = format!("{NAME}/cryptoKeyVersions/12");
        assert!(name.is(NAME) && name.has_version(&version));
        assert!(!name.has_version(NAME) && !name.is(&version));
        for other in [NAME.replace("master", "masters"), NAME.replace("atlas-1", "atlas-2"), String::new()] {
            assert!(!name.is(&other) && !name.has_version(&format!("{other}/cryptoKeyVersions/1")), "{other}");
        }
        let by_number = KeyName::read(&NAME.replace("atlas-1", "123456789012")).unwrap();
        assert!(by_number.is(NAME) && by_number.has_version(&version));
        assert!(!by_number.is(&NAME.replace("master", "other")));
    }
}
