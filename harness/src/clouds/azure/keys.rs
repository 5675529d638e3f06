//! The keys of one vault and their versions: attributes, permitted operations, deletion and what time makes of it.
//!
//! Each version is an RSA key of its own. A key that was deleted keeps its name until it is recovered or purged (Key
//! Vault documentation, "soft-delete overview").
//!
//! Invariant: a key has at least one version, and versions are only ever added.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use super::envelope::Material;
use crate::clouds::seeds::Stream;
use crate::trace::hex;

/// How many days a deleted key can be recovered. A vault may say 7 to 90; 90 if it says nothing (documentation of
/// soft-delete).
pub(super) const RECOVERABLE_DAYS: u32 = 90;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What an RSA key may be used for if nobody says otherwise, in the order in which GetKey lists it.
pub(super) const KEY_OPS: [&str; 6] = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"];

/// What the owner states of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Whether it decrypts and unwraps.
    pub enabled: bool,
    /// `nbf`: before, it neither encrypts nor wraps.
    pub not_before: Option<SystemTime>,
    /// `exp`: from then on it neither encrypts nor wraps.
    pub expires: Option<SystemTime>,
}

impl Default for Attributes {
    fn default() -> Self {
        Attributes { enabled: true, not_before: None, expires: None }
    }
}

/// One version of a key.
pub(super) struct Version {
    /// 32 hexadecimal digits.
    pub(super) id: String,
    pub(super) kid: String,
    pub(super) attributes: Attributes,
    pub(super) operations: BTreeSet<String>,
    pub(super) created: SystemTime,
    pub(super) updated: SystemTime,
    pub(super) material: Material,
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({}, {:?})", self.kid, self.attributes)
    }
}

/// When a key was deleted, and when that becomes final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deletion {
    pub(super) deleted: SystemTime,
    pub(super) purged: SystemTime,
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    /// Oldest first.
    versions: Vec<Version>,
    pub(super) deletion: Option<Deletion>,
    /// `https://<vault>.vault.azure.net/keys/<name>`.
    url: String,
    /// From where the versions come, one after the other.
    source: Stream,
}

impl Key {
    /// A key with its first version.
    pub(super) fn new(url: String, name: &str, source: Stream, at: SystemTime) -> Self {
        let mut key = Key { name: name.to_owned(), versions: Vec::new(), deletion: None, url, source };
        key.add_version(at);
        key
    }

    /// Makes the newest version: a new RSA key under the same name.
    pub(super) fn add_version(&mut self, at: SystemTime) -> &mut Version {
        let id = hex(&self.source.bytes::<16>());
        let kid = format!("{}/{id}", self.url);
        self.versions.push(Version {
            id,
            kid,
            attributes: Attributes::default(),
            operations: KEY_OPS.iter().map(|&operation| operation.to_owned()).collect(),
            created: at,
            updated: at,
            material: Material::draw(&mut self.source),
        });
        let last = self.versions.len() - 1;
        &mut self.versions[last]
    }

    /// The version of that id, or without one the newest.
    pub(super) fn version(&self, id: Option<&str>) -> Option<&Version> {
        match id {
            None => self.versions.last(),
            Some(id) => self.versions.iter().find(|version| version.id.eq_ignore_ascii_case(id)),
        }
    }

    /// The same, to change it.
    pub(super) fn version_mut(&mut self, id: Option<&str>) -> Option<&mut Version> {
        match id {
            None => self.versions.last_mut(),
            Some(id) => self.versions.iter_mut().find(|version| version.id.eq_ignore_ascii_case(id)),
        }
    }

    /// The version that is used where none is named.
    pub(super) fn newest(&self) -> &Version {
        self.versions.last().expect("a key is made with its first version and never loses any")
    }

    /// How many versions there are.
    pub(super) fn len(&self) -> usize {
        self.versions.len()
    }

    /// Enables or disables all versions.
    pub(super) fn set_enabled(&mut self, enabled: bool, at: SystemTime) {
        for version in self.versions.iter_mut().filter(|version| version.attributes.enabled != enabled) {
            (version.attributes.enabled, version.updated) = (enabled, at);
        }
    }

    /// Says for all versions what they may be used for.
    pub(super) fn set_operations(&mut self, operations: &[&str]) {
        for version in &mut self.versions {
            version.operations = operations.iter().map(|&operation| operation.to_owned()).collect();
        }
    }

    /// Deletes it, so that it can still be recovered.
    pub(super) fn delete(&mut self, at: SystemTime) -> Deletion {
        let deletion = Deletion { deleted: at, purged: at + DAY * RECOVERABLE_DAYS };
        self.deletion = Some(deletion);
        deletion
    }
}
