//! What a world does with keys beside the calls: it makes them, changes them, and wraps with them.
//!
//! Invariant: what Key Vault would refuse a call is refused here too.

use std::time::SystemTime;

use super::envelope::Algorithm;
use super::keys::{Attributes, Key};
use super::vault::Vault;
use super::{Azure, Unchanged};
use crate::scenario::KeyChange;

/// What wraps without a call: the algorithm that libmongocrypt asks for, and the only one that it knows.
const ALGORITHM: Algorithm = Algorithm::RsaOaep256;
/// Why nothing can be done to a key store.
const NO_STORE: &str = "the keys of a vault live in the vault, and in no key store that could be disconnected from it";

impl Azure {
    /// Makes an RSA key in the first vault and returns the id of its newest version (`kid`). A key that exists returns
    /// the one that it has.
    pub fn add_key(&mut self, name: &str) -> String {
        let home = self.home.clone();
        self.add_key_in(&home, name)
    }

    /// The same in another vault, which comes into being if it must. Names are letters, digits and dashes: they stand in
    /// addresses.
    pub fn add_key_in(&mut self, vault: &str, name: &str) -> String {
        self.add_vault(vault);
        let created = self.created;
        let made = self.vaults.get_mut(vault).map(|vault| match vault.any(name) {
            Some(key) => key.newest().kid.clone(),
            None => vault.create(name, created).newest().kid.clone(),
        });
        made.expect("the vault was added above")
    }

    /// The id of the newest version of a key (`kid`); `None` where there is no such key, or a deleted one.
    pub fn key_id(&self, vault: &str, name: &str) -> Option<&str> {
        Some(self.vaults.get(vault)?.key(name)?.newest().kid.as_str())
    }

    /// Wraps with the newest version of a key of the first vault without a call, to make what lies in a snapshot, and
    /// tells which version that is: the ciphertext does not.
    pub fn encrypt_directly(&mut self, key: &str, plaintext: &[u8]) -> Result<(String, Vec<u8>), Unchanged> {
        let home = self.home.clone();
        self.encrypt_directly_in(&home, key, plaintext)
    }

    /// The same with a key of another vault.
    pub fn encrypt_directly_in(
        &mut self,
        vault: &str,
        key: &str,
        plaintext: &[u8],
    ) -> Result<(String, Vec<u8>), Unchanged> {
        let nonce = self.streams(&format!("key vault/{vault}")).nonces.bytes();
        let found = self.vaults.get(vault).ok_or_else(|| Unchanged::NoSuchVault(vault.to_owned()))?;
        let version = found.any(key).ok_or_else(|| no_such_key(vault, key))?.newest();
        let sealed = version.material.seal(ALGORITHM, plaintext, nonce).ok_or_else(|| Unchanged::NotApplicable {
            name: key.to_owned(),
            change: "wrap with",
            reason: "RSA-OAEP-256 with a modulus of 2048 bits takes at most 190 bytes",
        })?;
        Ok((version.kid.clone(), sealed))
    }

    /// Does to a key of the first vault what the scenario says, in the vault's own time. A rotation is a new version; to
    /// disable or enable a key is to do so to all of its versions; to restrict it is to disable the public network access
    /// of its vault, and so of all keys there. A deletion can be recovered for 90 days.
    pub fn change_key(&mut self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), Unchanged> {
        let home = self.home.clone();
        self.change_key_in(&home, name, change, at)
    }

    /// The same in another vault.
    pub fn change_key_in(
        &mut self,
        vault: &str,
        name: &str,
        change: KeyChange,
        at: SystemTime,
    ) -> Result<(), Unchanged> {
        let found = self.vault_mut(vault, at)?;
        let key = found.any_mut(name).ok_or_else(|| no_such_key(vault, name))?;
        let wrong = |state: &'static str, verb| Unchanged::WrongState { name: name.to_owned(), state, change: verb };
        let verb = match change {
            KeyChange::Disable => "disable",
            KeyChange::Enable => "enable",
            KeyChange::Rotate => "rotate",
            KeyChange::ScheduleDeletion => "delete",
            KeyChange::CancelDeletion => {
                return match key.deletion.take() {
                    Some(_) => Ok(()),
                    None => Err(wrong("not deleted", "recover")),
                };
            }
            KeyChange::Disconnect | KeyChange::Connect => {
                let change = if change == KeyChange::Connect { "connect" } else { "disconnect" };
                return Err(Unchanged::NotApplicable { name: name.to_owned(), change, reason: NO_STORE });
            }
            KeyChange::Deny => {
                self.deny("*", "*", name);
                return Ok(());
            }
            KeyChange::Restrict => {
                found.public_network = false;
                return Ok(());
            }
            KeyChange::Allow => {
                found.public_network = true;
                self.allow("*", "*", name);
                return Ok(());
            }
        };
        if key.deletion.is_some() {
            return Err(wrong("deleted", verb));
        }
        match change {
            KeyChange::Rotate => {
                key.add_version(at);
            }
            KeyChange::ScheduleDeletion => {
                key.delete(at);
            }
            _ => key.set_enabled(change == KeyChange::Enable, at),
        }
        Ok(())
    }

    /// Deletes a deleted key of the first vault for good.
    pub fn purge_key(&mut self, name: &str, at: SystemTime) -> Result<(), Unchanged> {
        let home = self.home.clone();
        let vault = self.vault_mut(&home, at)?;
        match vault.any(name).ok_or_else(|| no_such_key(&home, name))?.deletion {
            Some(_) => {
                vault.purge(name);
                Ok(())
            }
            None => Err(Unchanged::WrongState { name: name.to_owned(), state: "not deleted", change: "purge" }),
        }
    }

    /// How many versions a key of the first vault has.
    pub fn generations(&self, name: &str) -> Result<usize, Unchanged> {
        let key = self.vaults.get(&self.home).and_then(|vault| vault.any(name));
        key.map(Key::len).ok_or_else(|| no_such_key(&self.home, name))
    }

    /// States the attributes of one version of a key of the first vault, or of the newest one.
    pub fn set_attributes(
        &mut self,
        name: &str,
        version: Option<&str>,
        attributes: Attributes,
        at: SystemTime,
    ) -> Result<(), Unchanged> {
        let home = self.home.clone();
        let key = self.vault_mut(&home, at)?.any_mut(name);
        let version = key.and_then(|key| key.version_mut(version)).ok_or_else(|| no_such_key(&home, name))?;
        (version.attributes, version.updated) = (attributes, at);
        Ok(())
    }

    /// States what all versions of a key of the first vault may be used for: `key_ops`.
    pub fn set_key_operations(&mut self, name: &str, operations: &[&str], at: SystemTime) -> Result<(), Unchanged> {
        let home = self.home.clone();
        let key = self.vault_mut(&home, at)?.any_mut(name).ok_or_else(|| no_such_key(&home, name))?;
        key.set_operations(operations);
        Ok(())
    }

    /// A vault, with everything done that was due until then.
    fn vault_mut(&mut self, name: &str, at: SystemTime) -> Result<&mut Vault, Unchanged> {
        let vault = self.vaults.get_mut(name).ok_or_else(|| Unchanged::NoSuchVault(name.to_owned()))?;
        vault.advance(at);
        Ok(vault)
    }
}

fn no_such_key(vault: &str, name: &str) -> Unchanged {
    Unchanged::NoSuchKey { vault: vault.to_owned(), name: name.to_owned() }
}
