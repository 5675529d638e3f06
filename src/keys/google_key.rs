//! How Google names a key: `projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/N]`.
//!
//! Invariant: what is read here can bend no path.

use super::MasterKey;

/// What a resource name looks like, for messages.
pub(super) const EXPECTED: &str = "expected the resource name of a key at Google, such as \
     projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1";

/// Reads a resource name; `None` for everything else.
pub(super) fn read(text: &str) -> Option<MasterKey> {
    let mut parts = text.trim().split('/');
    let mut after = |collection: &str| {
        let found = parts.next().filter(|part| *part == collection).and(parts.next());
        found.filter(|part| is_part(part)).map(str::to_owned)
    };
    let (project_id, location) = (after("projects")?, after("locations")?);
    let (key_ring, key_name) = (after("keyRings")?, after("cryptoKeys")?);
    let key_version = match parts.next() {
        None => None,
        Some("cryptoKeyVersions") => Some(parts.next().filter(|part| is_part(part))?.to_owned()),
        Some(_) => return None,
    };
    parts.next().is_none().then_some(MasterKey::Gcp { project_id, location, key_ring, key_name, key_version })
}

/// Whether a text can be one part of a resource name: the unreserved characters of RFC 3986, as libmongocrypt demands.
pub(super) fn is_part(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed) && !matches!(text, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_name_is_read_with_and_without_its_version() {
        let name = "projects/p-1/locations/global/keyRings/r/cryptoKeys/k";
        let key = read(name).unwrap();
        assert_eq!(key.name(), name);
        assert!(matches!(key, MasterKey::Gcp { key_version: None, .. }));
        let key = read(&format!("{name}/cryptoKeyVersions/3")).unwrap();
        assert!(matches!(&key, MasterKey::Gcp { key_version: Some(version), .. } if version == "3"));
        assert_eq!(key.name(), name, "calls go to the key, which finds the version by itself");
    }

    #[test]
    fn nothing_else_is_a_resource_name() {
        for text in [
            "",
            "k",
            "projects/p/locations/l/keyRings/r",
            "projects/p/locations/l/keyRings/r/cryptoKeys/",
            "projects/p/locations/l/keyRings/r/cryptoKeys/../x",
            "projects/p/locations/l/keyRings/r/cryptoKeys/..",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k:decrypt",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k?x",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1/2",
            "/projects/p/locations/l/keyRings/r/cryptoKeys/k",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
