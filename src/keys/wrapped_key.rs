//! A wrapped key: a managed object, its wrapped material, and what is needed to open it.

use std::collections::BTreeMap;

use super::{Event, ManagedObject, MasterKey, Refused};

/// A key as it rests on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// What KMIP knows of it.
    pub object: ManagedObject,
    /// The customer's key that wraps the material.
    pub master_key: MasterKey,
    /// The encryption context that the material was wrapped with. Not secret.
    pub encryption_context: BTreeMap<String, String>,
    /// Whose metadata file holds the credentials, where the key has none of its own: keys that the proxy made borrow
    /// from the key whose CMK they share, because metadata files are never written by us.
    pub credentials_of: Option<String>,
    /// The wrapped material; gone once the object is destroyed.
    pub wrapped: Option<Vec<u8>>,
}

impl WrappedKey {
    /// The Unique Identifier.
    pub fn id(&self) -> &str {
        &self.object.unique_identifier
    }

    /// Destroys: the state moves, and the material goes. A refusal changes nothing.
    pub fn destroy(&mut self, now: i64) -> Result<(), Refused> {
        self.object.apply(Event::Destroy, now)?;
        self.wrapped = None;
        Ok(())
    }
}
