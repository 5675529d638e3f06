//! What a world does with keys beside the calls: it makes them, changes them, and wraps with them.
//!
//! Invariant: what AWS would refuse a call is refused here too, except by [`Aws::set_key_state`].

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::errors::{Error, Refusal};
use super::key_state::KeyState;
use super::lifecycle::WINDOW;
use super::lineage::{DAY, PERIODS};
use super::operations::check_range;
use super::{Aws, Unchanged};
use crate::scenario::KeyChange;

impl Aws {
    /// Makes a symmetric customer's key in the first region and returns its ARN. A name that exists returns the ARN that
    /// it has.
    pub fn add_key(&mut self, name: &str) -> String {
        let home = self.home.clone();
        self.add_key_in(&home, name)
    }

    /// The same in another region, which comes into being if it must.
    pub fn add_key_in(&mut self, region: &str, name: &str) -> String {
        self.keys.add(region, name)
    }

    /// Makes a multi-Region key and returns the ARN of its primary, which is in the first region; every other region has a
    /// replica, also one that is added later. The account of another region made from the same seed has the same key
    /// under the same name.
    pub fn add_multi_region_key(&mut self, name: &str) -> String {
        self.keys.add_multi_region(name)
    }

    /// The ARN of a key in a region by its name; `None` where there is no such key.
    pub fn key_arn(&self, region: &str, name: &str) -> Option<&str> {
        self.keys.named(region, name).map(|key| key.arn.as_str())
    }

    /// Points `alias/<alias>` to a key of the first region.
    pub fn add_alias(&mut self, alias: &str, key: &str) -> Result<(), Unchanged> {
        let home = self.home.clone();
        if self.keys.alias(&home, alias, key) { Ok(()) } else { Err(no_such_key(&home, key)) }
    }

    /// Wraps without a call, to make what lies in a snapshot.
    pub fn encrypt_directly(
        &mut self,
        key: &str,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, Unchanged> {
        let home = self.home.clone();
        self.encrypt_directly_in(&home, key, plaintext, context)
    }

    /// The same with a key of another region.
    pub fn encrypt_directly_in(
        &mut self,
        region: &str,
        key: &str,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, Unchanged> {
        let nonce = self.streams(region).nonces.bytes();
        let found = self.keys.named(region, key).ok_or_else(|| no_such_key(region, key))?;
        Ok(self.keys.seal(found, plaintext, context, nonce))
    }

    /// Does to a key of the first region what the scenario says, in the account's own time. A rotation is one on demand.
    pub fn change_key(&mut self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), Unchanged> {
        let home = self.home.clone();
        self.change_key_in(&home, name, change, at)
    }

    /// The same in another region.
    pub fn change_key_in(
        &mut self,
        region: &str,
        name: &str,
        change: KeyChange,
        at: SystemTime,
    ) -> Result<(), Unchanged> {
        let key = self.keys.named(region, name).ok_or_else(|| no_such_key(region, name))?;
        let (id, keys) = (key.id.clone(), &mut self.keys);
        let (verb, done) = match change {
            KeyChange::Disable => ("disable", keys.disable(region, &id, at)),
            KeyChange::Enable => ("enable", keys.enable(region, &id, at)),
            KeyChange::Rotate => ("rotate", keys.rotate(region, &id, at)),
            KeyChange::ScheduleDeletion => {
                ("schedule the deletion of", keys.schedule_deletion(region, &id, DAY * WINDOW, at))
            }
            KeyChange::CancelDeletion => ("cancel the deletion of", keys.cancel_deletion(region, &id, at)),
            KeyChange::Disconnect => {
                return self.change_store(region, name, (KeyState::Enabled, KeyState::Unavailable));
            }
            KeyChange::Connect => return self.change_store(region, name, (KeyState::Unavailable, KeyState::Enabled)),
            KeyChange::Deny => {
                self.deny("*", "kms:*", name);
                return Ok(());
            }
            KeyChange::Restrict => {
                self.set_private_only(name, true);
                return Ok(());
            }
            KeyChange::Allow => {
                self.allow("*", "kms:*", name);
                self.set_private_only(name, false);
                return Ok(());
            }
        };
        done.map_err(|refusal| self.unchanged(region, name, verb, refusal))
    }

    /// Connects or disconnects the key store that holds a key: what DisconnectCustomKeyStore does to its keys. A key in
    /// another state keeps it.
    fn change_store(&mut self, region: &str, name: &str, (from, to): (KeyState, KeyState)) -> Result<(), Unchanged> {
        match self.keys.named(region, name) {
            Some(key) if key.state == from => self.set_key_state_in(region, name, to),
            Some(_) => Ok(()),
            None => Err(no_such_key(region, name)),
        }
    }

    /// Rotates a key of the first region from now on every so many days (90 to 2560), by the account's own time. Its
    /// replicas rotate with it.
    pub fn enable_automatic_rotation(&mut self, name: &str, days: u32, at: SystemTime) -> Result<(), Unchanged> {
        let home = self.home.clone();
        let id = self.keys.named(&home, name).ok_or_else(|| no_such_key(&home, name))?.id.clone();
        let checked = check_range("RotationPeriodInDays", i64::from(days), &PERIODS);
        let done = checked.and_then(|days| self.keys.rotate_every(&home, &id, days, at));
        done.map_err(|refusal| self.unchanged(&home, name, "rotate", refusal))
    }

    /// How many generations of material a key of the first region has, up to that time.
    pub fn generations(&mut self, name: &str, at: SystemTime) -> Result<usize, Unchanged> {
        self.keys.advance(at);
        let key = self.keys.named(&self.home, name).ok_or_else(|| no_such_key(&self.home, name))?;
        Ok(self.keys.lineage(key).len())
    }

    /// Puts a key of the first region into a state, whatever AWS would say to that: another date of deletion, say.
    pub fn set_key_state(&mut self, name: &str, state: KeyState) -> Result<(), Unchanged> {
        let home = self.home.clone();
        self.set_key_state_in(&home, name, state)
    }

    /// The same in another region.
    pub fn set_key_state_in(&mut self, region: &str, name: &str, state: KeyState) -> Result<(), Unchanged> {
        let id = self.keys.named(region, name).ok_or_else(|| no_such_key(region, name))?.id.clone();
        if let Some(key) = self.keys.any_with_id(region, &id) {
            key.state = state;
        }
        Ok(())
    }

    fn unchanged(&self, region: &str, name: &str, change: &'static str, refusal: Refusal) -> Unchanged {
        let Some(key) = self.keys.named(region, name) else { return no_such_key(region, name) };
        let name = name.to_owned();
        match refusal.error {
            Error::NotPrimary | Error::RotationsExhausted | Error::RotationConflict | Error::Validation => {
                Unchanged::Refused { name, change, message: refusal.message.unwrap_or_default() }
            }
            _ => Unchanged::WrongState { name, state: key.state.as_str(), change },
        }
    }
}

fn no_such_key(region: &str, name: &str) -> Unchanged {
    Unchanged::NoSuchKey { region: region.to_owned(), name: name.to_owned() }
}
