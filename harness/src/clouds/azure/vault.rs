//! One vault: its keys by name, how it grants permissions, and from where it lets calls come.
//!
//! Invariant: time comes first. A deleted key whose date has passed is gone before anybody looks for it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::keys::Key;
use super::{Azure, RESOURCE_GROUP, SUBSCRIPTION};
use crate::clouds::seeds::Seed;

/// How a vault decides who may do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PermissionModel {
    /// Azure role-based access control, which can be assigned down to one key.
    #[default]
    Rbac,
    /// Access policies, which always concern all keys of a vault.
    AccessPolicies,
}

/// One vault.
pub(super) struct Vault {
    pub(super) name: String,
    seed: Seed,
    /// By name in lower case: names of keys are case-insensitive (documentation, "object identifiers").
    keys: BTreeMap<String, Key>,
    /// How often a key of that name was made, so that one after a purge is new.
    made: BTreeMap<String, u32>,
    pub(super) model: PermissionModel,
    /// Whether calls may come from outside private links at all.
    pub(super) public_network: bool,
    /// Whether the firewall keeps out the address from which calls come.
    pub(super) firewalled: bool,
}

impl Vault {
    pub(super) fn new(name: &str, seed: &Seed) -> Self {
        Vault {
            name: name.to_owned(),
            seed: seed.clone(),
            keys: BTreeMap::new(),
            made: BTreeMap::new(),
            model: PermissionModel::default(),
            public_network: true,
            firewalled: false,
        }
    }

    /// Lets everything happen that is due: deleted keys are purged on their date.
    pub(super) fn advance(&mut self, now: SystemTime) {
        self.keys.retain(|_, key| key.deletion.is_none_or(|deletion| now < deletion.purged));
    }

    /// Makes a key, or a new version of the one that there is.
    pub(super) fn create(&mut self, name: &str, at: SystemTime) -> &mut Key {
        let folded = name.to_ascii_lowercase();
        let (url, seed) = (self.url(name), &self.seed);
        let made = self.made.entry(folded.clone()).or_default();
        match self.keys.entry(folded) {
            std::collections::btree_map::Entry::Occupied(entry) => {
                let key = entry.into_mut();
                key.add_version(at);
                key
            }
            std::collections::btree_map::Entry::Vacant(entry) => {
                *made += 1;
                let source = seed.stream(&format!("key/{}/{}/{made}", self.name, entry.key()));
                entry.insert(Key::new(url, name, source, at))
            }
        }
    }

    /// The key of that name, deleted or not.
    pub(super) fn any(&self, name: &str) -> Option<&Key> {
        self.keys.get(&name.to_ascii_lowercase())
    }

    /// The same, to change it.
    pub(super) fn any_mut(&mut self, name: &str) -> Option<&mut Key> {
        self.keys.get_mut(&name.to_ascii_lowercase())
    }

    /// The key of that name, unless it was deleted.
    pub(super) fn key(&self, name: &str) -> Option<&Key> {
        self.any(name).filter(|key| key.deletion.is_none())
    }

    /// Forgets a key for good.
    pub(super) fn purge(&mut self, name: &str) {
        self.keys.remove(&name.to_ascii_lowercase());
    }

    /// `https://<vault>.vault.azure.net/keys/<name>`.
    pub(super) fn url(&self, name: &str) -> String {
        format!("https://{}/keys/{name}", Azure::vault_host(&self.name))
    }

    /// The resource id, in the lower case in which refusals write it.
    pub(super) fn resource_id(&self) -> String {
        format!(
            "/subscriptions/{SUBSCRIPTION}/resourcegroups/{RESOURCE_GROUP}/providers/microsoft.keyvault/vaults/{}",
            self.name
        )
    }
}
