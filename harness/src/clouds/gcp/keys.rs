//! The customer's keys in all locations: their versions, which of them is primary, and how a name finds them.
//!
//! Invariant: versions are numbered from 1 without a gap, and none is ever taken away: what is destroyed stays in the
//! list without being of use.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use super::ciphertext::{Material, NONCE, Sealed};
use super::errors::{Error, Refusal};
use super::names::KeyName;
use super::version_state::VersionState;
use crate::clouds::seeds::{Seed, Stream};

/// One key.
pub(super) struct CryptoKey {
    /// The scenario's name, which is also the last part of the resource's.
    pub(super) name: String,
    pub(super) resource: KeyName,
    pub(super) created: SystemTime,
    pub(super) protection: Protection,
    pub(super) versions: Vec<Version>,
    /// The number of the version that encrypts.
    pub(super) primary: u32,
    pub(super) rotation: Option<Rotation>,
    source: Stream,
}

/// Where a key's material is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// With Google.
    Software,
    /// In the customer's own key manager, which can be reached or not.
    External {
        /// Whether it can.
        reachable: bool,
    },
}

impl Protection {
    /// The spelling in answers.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Protection::Software => "SOFTWARE",
            Protection::External { .. } => "EXTERNAL",
        }
    }

    /// The algorithm of a symmetric key's versions.
    pub(super) fn algorithm(self) -> &'static str {
        match self {
            Protection::Software => "GOOGLE_SYMMETRIC_ENCRYPTION",
            Protection::External { .. } => "EXTERNAL_SYMMETRIC_ENCRYPTION",
        }
    }
}

/// When a key rotates by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rotation {
    pub(super) period: Duration,
    pub(super) next: SystemTime,
}

/// One version of a key.
pub(super) struct Version {
    pub(super) number: u32,
    pub(super) state: VersionState,
    pub(super) created: SystemTime,
    material: Material,
}

impl fmt::Debug for CryptoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states: Vec<_> = self.versions.iter().map(|version| version.state).collect();
        write!(f, "CryptoKey({}, primary {}, {states:?})", self.resource, self.primary)
    }
}

impl CryptoKey {
    /// Makes the next version, which encrypts from now on.
    pub(super) fn rotate(&mut self, at: SystemTime) {
        self.primary += 1;
        let material = Material::draw(&mut self.source);
        self.versions.push(Version { number: self.primary, state: VersionState::Enabled, created: at, material });
    }

    /// The version of that number.
    pub(super) fn version(&self, number: u32) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The version that encrypts.
    pub(super) fn primary(&self) -> &Version {
        self.version(self.primary).expect("a key is made with its first version, and keeps every one")
    }

    /// The version that made a ciphertext.
    pub(super) fn maker(&self, sealed: &Sealed<'_>) -> Result<&Version, Refusal> {
        self.versions.iter().find(|version| version.material.made(sealed)).ok_or_else(|| Error::WrongKey.into())
    }

    /// The name of one of its versions.
    pub(super) fn version_name(&self, version: &Version) -> String {
        self.resource.version(version.number).to_string()
    }

    /// The material of a version that may be used, or the refusal of it.
    pub(super) fn material<'a>(&self, version: &'a Version) -> Result<&'a Material, Refusal> {
        let name = self.version_name(version);
        if version.state != VersionState::Enabled {
            let error = Error::of_state(version.state);
            return Err(Refusal::new(error, &[("version", &name), ("state", version.state.as_str())]));
        }
        if self.protection == (Protection::External { reachable: false }) {
            return Err(Refusal::new(Error::ExternalUnreachable, &[("version", &name)]));
        }
        Ok(&version.material)
    }

    /// Wraps with the primary version, whatever its state.
    pub(super) fn seal_directly(&self, plaintext: &[u8], aad: &[u8], nonce: [u8; NONCE]) -> Vec<u8> {
        self.primary().material.seal(plaintext, aad, nonce)
    }
}

/// All keys of the project.
pub(super) struct Keys {
    created: SystemTime,
    seed: Seed,
    /// By location and name.
    keys: BTreeMap<(String, String), CryptoKey>,
}

impl Keys {
    pub(super) fn new(created: SystemTime, seed: &Seed) -> Self {
        Keys { created, seed: seed.clone(), keys: BTreeMap::new() }
    }

    /// Makes a key, or finds the one of that name.
    pub(super) fn add(&mut self, location: &str, name: &str, protection: Protection) -> String {
        let place = (location.to_owned(), name.to_owned());
        let (seed, created) = (&self.seed, self.created);
        let key = self.keys.entry(place).or_insert_with(|| {
            let mut key = CryptoKey {
                name: name.to_owned(),
                resource: KeyName::of(location, name),
                created,
                protection,
                versions: Vec::new(),
                primary: 0,
                rotation: None,
                source: seed.stream(&format!("key/{location}/{name}")),
            };
            key.rotate(created);
            key
        });
        key.resource.to_string()
    }

    /// The key of that name in the scenario.
    pub(super) fn named(&self, location: &str, name: &str) -> Option<&CryptoKey> {
        self.keys.get(&(location.to_owned(), name.to_owned()))
    }

    /// The same, to change it.
    pub(super) fn named_mut(&mut self, location: &str, name: &str) -> Option<&mut CryptoKey> {
        self.keys.get_mut(&(location.to_owned(), name.to_owned()))
    }

    /// The key that a resource name means.
    pub(super) fn find(&self, name: &KeyName) -> Option<&CryptoKey> {
        self.named(&name.location, &name.key).filter(|_| name.is_ours())
    }

    /// Every key.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut CryptoKey> {
        self.keys.values_mut()
    }
}
