//! The names of resources, as paths and texts spell them.
//!
//! Invariant: what is read here is written again as it was.

use std::fmt;

use super::{KEY_RING, PROJECT};

/// `projects/P/locations/L/keyRings/R/cryptoKeys/K`, and `/cryptoKeyVersions/N` where a version is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyName {
    project: String,
    pub(super) location: String,
    ring: String,
    pub(super) key: String,
    /// The version as it was written; Google counts from 1.
    pub(super) version: Option<String>,
}

impl KeyName {
    /// The name of a key of this project.
    pub(super) fn of(location: &str, key: &str) -> Self {
        let [project, location, ring, key] = [PROJECT, location, KEY_RING, key].map(str::to_owned);
        KeyName { project, location, ring, key, version: None }
    }

    /// Reads a path without its leading slash and version of the API.
    pub(super) fn read(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        let ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key, rest @ ..] = &parts[..]
        else {
            return None;
        };
        let version = match rest {
            [] => None,
            ["cryptoKeyVersions", version] => Some((*version).to_owned()),
            _ => return None,
        };
        if parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        let [project, location, ring, key] = [project, location, ring, key].map(|&part| part.to_owned());
        Some(KeyName { project, location, ring, key, version })
    }

    /// Whether it lies in the project and key ring that there are.
    pub(super) fn is_ours(&self) -> bool {
        self.project == PROJECT && self.ring == KEY_RING
    }

    /// The key, without the version.
    pub(super) fn without_version(&self) -> Self {
        KeyName { version: None, ..self.clone() }
    }

    /// A version of the key.
    pub(super) fn version(&self, number: u32) -> Self {
        KeyName { version: Some(number.to_string()), ..self.clone() }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyName { project, location, ring, key, version } = self;
        write!(f, "projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}")?;
        version.iter().try_for_each(|version| write!(f, "/cryptoKeyVersions/{version}"))
    }
}
