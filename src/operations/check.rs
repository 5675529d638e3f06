//! Opens every key of a dbpath once, without a client (`kmipProxyStandalone check`).
//!
//! For each key: find it, ask the provider for the state of its CMK, open it. What fails is told to the operator as it
//! would be at a Get; the state of a CMK that may not be described is left open, because opening needs no permission
//! for that.
//!
//! Invariant: what was opened is wiped at once, and nothing is written.

use crate::keys::{CredentialOrigin, LayoutError, Provider, WrappedKey};
use crate::kms::{Call, Description};

use super::{Operations, get};

/// What became of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The Unique Identifier.
    pub key: String,
    /// Whose key it is.
    pub provider: Provider,
    /// The CMK and its state in the provider's words, where they could be learned.
    pub cmk: Option<(String, String)>,
    /// Where the credentials came from, where any are at hand.
    pub credentials: Option<CredentialOrigin>,
    /// Whether the key was opened.
    pub opens: bool,
}

impl Operations {
    /// Checks every key that the dbpath holds, or should hold, by identifier; destroyed keys and templates are left out.
    ///
    /// # Errors
    ///
    /// When the dbpath cannot be listed.
    pub async fn check(&self) -> Result<Vec<Checked>, LayoutError> {
        let listing = self.layout.list()?;
        let opens = |key: &&WrappedKey| !key.object.state.is_destroyed() && key.object.object_type.has_material();
        let alive = listing.keys.iter().filter(opens).map(WrappedKey::id);
        let damaged = listing.problems.iter().map(|(id, _)| id.as_str());
        let mut ids: Vec<&str> = alive.chain(damaged).chain(listing.without_key.iter().map(String::as_str)).collect();
        ids.sort_unstable();
        let mut checked = Vec::with_capacity(ids.len());
        for id in ids {
            let credentials = self.layout.credentials(id, self.provider).ok().map(|resolved| resolved.origin);
            let mut verdict =
                Checked { key: id.to_owned(), provider: self.provider, cmk: None, credentials, opens: false };
            // Whatever fails from here on has been told to the operator.
            if let Ok(key) = self.find(id) {
                verdict.cmk = self.describe(&key).await.map(|description| (description.name, description.state));
                verdict.opens = get::open(self, &key).await.is_ok();
            }
            checked.push(verdict);
        }
        Ok(checked)
    }

    async fn describe(&self, key: &WrappedKey) -> Option<Description> {
        let kms = &self.kms;
        let resolved = self.layout.credentials(key.id(), self.provider).ok()?;
        let cmk = key.master_key.cmk(&resolved.credentials);
        let region = key.master_key.region(&resolved.credentials);
        let call = Call {
            key_id: key.id(),
            credentials: &resolved.credentials,
            cmk: &cmk,
            region: region.as_deref(),
            context: &key.encryption_context,
        };
        kms.describe(call).await.ok()
    }
}
