//! What a world does with keys beside the calls: it makes them, changes them, and wraps with them.
//!
//! Invariant: what Google would refuse a call is refused here too, except by [`Gcp::set_version_state`].

use std::time::SystemTime;

use super::keys::{Protection, Rotation};
use super::lifecycle::{Change, DAY, SHORTEST_PERIOD};
use super::version_state::VersionState;
use super::{Gcp, Unchanged};
use crate::scenario::KeyChange;

impl Gcp {
    /// Makes a symmetric key with one version in the first location and returns its resource name. A name that exists
    /// returns the resource name that it has.
    pub fn add_key(&mut self, name: &str) -> String {
        let home = self.home.clone();
        self.add_key_in(&home, name)
    }

    /// The same in another location.
    pub fn add_key_in(&mut self, location: &str, name: &str) -> String {
        self.keys.add(location, name, Protection::Software)
    }

    /// Makes a key in the first location whose material is in the customer's own key manager (Cloud EKM). Only such a key
    /// can be disconnected.
    pub fn add_external_key(&mut self, name: &str) -> String {
        let home = self.home.clone();
        self.keys.add(&home, name, Protection::External { reachable: true })
    }

    /// The resource name of a key in a location by its name; `None` where there is no such key.
    pub fn key_name(&self, location: &str, name: &str) -> Option<String> {
        self.keys.named(location, name).map(|key| key.resource.to_string())
    }

    /// The resource name of the version with which a key of the first location encrypts, which is what Atlas is given.
    pub fn primary_version(&self, name: &str) -> Option<String> {
        self.keys.named(&self.home, name).map(|key| key.version_name(key.primary()))
    }

    /// Wraps without a call, to make what lies in a snapshot.
    pub fn encrypt_directly(&mut self, key: &str, plaintext: &[u8], aad: &[u8]) -> Result<Vec<u8>, Unchanged> {
        let home = self.home.clone();
        self.encrypt_directly_in(&home, key, plaintext, aad)
    }

    /// The same with a key of another location.
    pub fn encrypt_directly_in(
        &mut self,
        location: &str,
        key: &str,
        plaintext: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, Unchanged> {
        let nonce = self.streams.nonces.bytes();
        let found = self.keys.named(location, key).ok_or_else(|| no_such_key(location, key))?;
        Ok(found.seal_directly(plaintext, aad, nonce))
    }

    /// Does to a key of the first location what the scenario says, in the project's own time: to all of its versions, as
    /// Google knows no state of a key. A rotation makes a new primary version. Deny and Allow take permissions from all
    /// accounts. Restrict draws a perimeter of VPC Service Controls around the key, as if it lay in a project of its own.
    pub fn change_key(&mut self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), Unchanged> {
        let home = self.home.clone();
        self.change_key_in(&home, name, change, at)
    }

    /// The same in another location.
    pub fn change_key_in(
        &mut self,
        location: &str,
        name: &str,
        change: KeyChange,
        at: SystemTime,
    ) -> Result<(), Unchanged> {
        self.keys.advance(at);
        let key = self.keys.named_mut(location, name).ok_or_else(|| no_such_key(location, name))?;
        let (change, verb) = match change {
            KeyChange::Disable => (Change::Disable, "disable"),
            KeyChange::Enable => (Change::Enable, "enable"),
            KeyChange::ScheduleDeletion => (Change::Destroy, "destroy"),
            KeyChange::CancelDeletion => (Change::Restore, "restore"),
            KeyChange::Rotate => {
                key.rotate(at);
                return Ok(());
            }
            KeyChange::Disconnect => return self.connect(location, name, false),
            KeyChange::Connect => return self.connect(location, name, true),
            KeyChange::Deny => {
                self.deny("*", "cloudkms.*", name);
                return Ok(());
            }
            KeyChange::Restrict => {
                self.set_private_only(name, true);
                return Ok(());
            }
            KeyChange::Allow => {
                self.allow("*", "cloudkms.*", name);
                self.set_private_only(name, false);
                return Ok(());
            }
        };
        if key.change(change, at) {
            return Ok(());
        }
        let state = key.primary().state.as_str();
        Err(Unchanged::WrongState { name: name.to_owned(), state, change: verb })
    }

    /// Takes the customer's key manager off the network, or brings it back.
    fn connect(&mut self, location: &str, name: &str, reachable: bool) -> Result<(), Unchanged> {
        let key = self.keys.named_mut(location, name).ok_or_else(|| no_such_key(location, name))?;
        match key.protection {
            Protection::External { .. } => {
                key.protection = Protection::External { reachable };
                Ok(())
            }
            Protection::Software => Err(Unchanged::Refused {
                name: name.to_owned(),
                change: if reachable { "connect" } else { "disconnect" },
                message:
                    "its protection level is SOFTWARE, and only a key of the level EXTERNAL lies in a key manager \
                          of its own"
                        .to_owned(),
            }),
        }
    }

    /// Rotates a key of the first location from now on every so many days, by the project's own time.
    pub fn enable_automatic_rotation(&mut self, name: &str, days: u32, at: SystemTime) -> Result<(), Unchanged> {
        self.keys.advance(at);
        let home = self.home.clone();
        let key = self.keys.named_mut(&home, name).ok_or_else(|| no_such_key(&home, name))?;
        let period = DAY * days;
        if period < SHORTEST_PERIOD {
            let message = "rotationPeriod must be at least 24 hours".to_owned();
            return Err(Unchanged::Refused { name: name.to_owned(), change: "rotate", message });
        }
        key.rotation = Some(Rotation { period, next: at + period });
        Ok(())
    }

    /// How many versions a key of the first location has, up to that time.
    pub fn versions(&mut self, name: &str, at: SystemTime) -> Result<usize, Unchanged> {
        self.keys.advance(at);
        let key = self.keys.named(&self.home, name).ok_or_else(|| no_such_key(&self.home, name))?;
        Ok(key.versions.len())
    }

    /// Puts one version of a key of the first location into a state, whatever Google would say to that.
    pub fn set_version_state(&mut self, name: &str, number: u32, state: VersionState) -> Result<(), Unchanged> {
        let home = self.home.clone();
        let key = self.keys.named_mut(&home, name).ok_or_else(|| no_such_key(&home, name))?;
        let version = key.versions.iter_mut().find(|version| version.number == number);
        let missing = || Unchanged::NoSuchVersion { name: name.to_owned(), number };
        version.ok_or_else(missing)?.state = state;
        Ok(())
    }
}

fn no_such_key(location: &str, name: &str) -> Unchanged {
    Unchanged::NoSuchKey { location: location.to_owned(), name: name.to_owned() }
}
