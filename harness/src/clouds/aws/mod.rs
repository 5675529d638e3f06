//! The fake AWS: one account in one region, with KMS and STS.
//!
//! A world makes it from a seed, adds keys, users and roles, and changes them as the scenario says. A request goes its
//! way in this order: planned faults, the route (Host, method, path), the signature, the operation.
//!
//! Invariant: the same seed and the same calls in the same order give the same bytes.

mod ciphertext;
mod errors;
mod faults;
mod identities;
mod keys;
mod kms;
mod operations;
mod policy;
mod route;
mod seeds;
mod serve;
mod sigv4;
mod sts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use crate::scenario::KeyChange;
use crate::trace::Trace;
pub use errors::{Answer, Error, Fact, Refusal};
pub use faults::Fault;
pub use identities::{Holder, IssuedCredentials};
pub use keys::KeyState;
pub use route::Service;

/// The account of the documentation's examples.
pub const ACCOUNT: &str = "111122223333";

/// How long a deletion waits if nobody says otherwise (ScheduleKeyDeletion, PendingWindowInDays).
const PENDING_WINDOW: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The account.
pub struct Aws {
    region: String,
    created: SystemTime,
    trace: Trace,
    keys: keys::Keys,
    identities: identities::Identities,
    policy: policy::Policy,
    faults: faults::Faults,
    nonces: seeds::Stream,
    request_ids: seeds::Stream,
}

/// Why the account stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// There is no such key.
    #[error("the fake AWS of {region} has no key named `{name}`: add it to the world's keys")]
    NoSuchKey {
        /// The region.
        region: String,
        /// The name as it was given.
        name: String,
    },
    /// AWS refuses this change in the key's state.
    #[error("the key `{name}` is {state}, and AWS does not {change} such a key")]
    WrongState {
        /// The key's name.
        name: String,
        /// Its state in AWS' spelling.
        state: &'static str,
        /// What was to be done.
        change: &'static str,
    },
    /// There are no temporary credentials of that access key id; those of a user do not expire, they are revoked.
    #[error("the fake AWS knows no temporary credentials `{0}`: issue a session first, or revoke a user's key")]
    NoSuchSession(String),
    /// There is no such access key.
    #[error("the fake AWS knows no access key `{0}`")]
    NoSuchAccessKey(String),
}

impl Aws {
    /// An empty account. `created` dates its keys. The trace gives fingerprints of what is opened, and is told the
    /// secrets that the account gives out; events are returned, never recorded here.
    pub fn new(region: &str, seed: [u8; 32], created: SystemTime, trace: Trace) -> Self {
        let seed = seeds::Seed::new(seed);
        Aws {
            region: region.to_owned(),
            created,
            trace,
            keys: keys::Keys::new(region, ACCOUNT, &seed),
            identities: identities::Identities::new(ACCOUNT, &seed),
            policy: policy::Policy::default(),
            faults: faults::Faults::default(),
            nonces: seed.stream(&format!("nonces/{region}")),
            request_ids: seed.stream(&format!("request ids/{region}")),
        }
    }

    /// The region, in AWS' spelling.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Makes a symmetric customer's key and returns its ARN. A name that exists returns the ARN that it has.
    pub fn add_key(&mut self, name: &str) -> String {
        self.keys.add(name, false)
    }

    /// Makes a multi-Region key: the account of another region made from the same seed has it too, under the same name.
    pub fn add_multi_region_key(&mut self, name: &str) -> String {
        self.keys.add(name, true)
    }

    /// Points `alias/<alias>` to a key.
    pub fn add_alias(&mut self, alias: &str, key: &str) -> Result<(), Unchanged> {
        if self.keys.alias(alias, key) { Ok(()) } else { Err(self.no_such_key(key)) }
    }

    /// Gives a user a new access key; the user comes into being with the first one. Older ones stay valid.
    pub fn add_user(&mut self, name: &str) -> IssuedCredentials {
        let issued = self.identities.issue_user(name);
        self.guard(&issued);
        issued
    }

    /// Makes a role and returns its ARN. `trusts` holds user names, ARNs, or `*`.
    pub fn add_role(&mut self, name: &str, trusts: &[&str], external_id: Option<&str>) -> String {
        self.identities.add_role(name, trusts, external_id)
    }

    /// Gives out temporary credentials without a call to STS. From `expires` on they are refused as expired.
    pub fn add_session(&mut self, holder: Holder<'_>, expires: Option<SystemTime>) -> IssuedCredentials {
        let (_, issued) = self.identities.issue_session(holder, "kmiplab", expires);
        self.guard(&issued);
        issued
    }

    /// Moves the end of temporary credentials.
    pub fn expire(&mut self, access_key_id: &str, at: SystemTime) -> Result<(), Unchanged> {
        let known = self.identities.expire(access_key_id, at);
        if known { Ok(()) } else { Err(Unchanged::NoSuchSession(identities::shortened(access_key_id))) }
    }

    /// Takes credentials away: from now on nobody has that access key id.
    pub fn revoke(&mut self, access_key_id: &str) -> Result<(), Unchanged> {
        let known = self.identities.revoke(access_key_id);
        if known { Ok(()) } else { Err(Unchanged::NoSuchAccessKey(identities::shortened(access_key_id))) }
    }

    /// Denies a principal (by user or role name) an action, such as `kms:Decrypt`, on a key or role by name. `*` stands
    /// for all of them, and `kms:*` for all actions of a service.
    pub fn deny(&mut self, principal: &str, action: &str, resource: &str) {
        self.policy.set_denied(principal, action, resource, true);
    }

    /// Takes back exactly what [`Aws::deny`] stated.
    pub fn allow(&mut self, principal: &str, action: &str, resource: &str) {
        self.policy.set_denied(principal, action, resource, false);
    }

    /// Opens or closes the policy of a private endpoint.
    pub fn set_endpoint_policy(&mut self, endpoint: &str, allows: bool) {
        self.policy.set_endpoint_closed(endpoint, !allows);
    }

    /// Lets the key's policy deny calls that do not come through a private endpoint, or not.
    pub fn set_private_only(&mut self, key: &str, private_only: bool) {
        self.policy.set_key_private(key, private_only);
    }

    /// Plans a fault at one endpoint or at all, for so many calls or until it is cleared.
    pub fn inject(&mut self, fault: Fault, via: Option<&str>, calls: Option<u32>) {
        self.faults.plan(fault, via, calls);
    }

    /// Forgets the planned faults of one endpoint, or with `None` of all. What was planned for all endpoints stays when
    /// one endpoint is cleared.
    pub fn clear_faults(&mut self, via: Option<&str>) {
        self.faults.clear(via);
    }

    /// Wraps without a call, to make what lies in a snapshot.
    pub fn encrypt_directly(
        &mut self,
        key: &str,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, Unchanged> {
        let nonce = self.nonces.bytes();
        match self.keys.named(key) {
            Some(found) => Ok(found.seal(plaintext, context, nonce)),
            None => Err(self.no_such_key(key)),
        }
    }

    /// Does to a key what the scenario says, in the account's own time.
    pub fn change_key(&mut self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), Unchanged> {
        let Some(key) = self.keys.named(name) else { return Err(self.no_such_key(name)) };
        let refused = |change| Unchanged::WrongState { name: name.to_owned(), state: key.state.as_str(), change };
        match (change, key.state) {
            (KeyChange::Disable, KeyState::Enabled | KeyState::Disabled) => key.state = KeyState::Disabled,
            (KeyChange::Enable, KeyState::Enabled | KeyState::Disabled) => key.state = KeyState::Enabled,
            (KeyChange::Rotate, KeyState::Enabled) => key.rotate(),
            (KeyChange::ScheduleDeletion, KeyState::PendingDeletion(_)) => {
                return Err(refused("schedule the deletion of"));
            }
            (KeyChange::ScheduleDeletion, _) => key.state = KeyState::PendingDeletion(at + PENDING_WINDOW),
            // What was cancelled in time stays disabled until somebody enables it.
            (KeyChange::CancelDeletion, KeyState::PendingDeletion(date)) if at < date => key.state = KeyState::Disabled,
            (KeyChange::CancelDeletion, _) => return Err(refused("cancel the deletion of")),
            (KeyChange::Disconnect, KeyState::Enabled | KeyState::Unavailable) => key.state = KeyState::Unavailable,
            (KeyChange::Connect, KeyState::Enabled | KeyState::Unavailable) => key.state = KeyState::Enabled,
            // Policies are no part of a key's state.
            (KeyChange::Deny | KeyChange::Allow | KeyChange::Restrict, _) => {}
            (KeyChange::Disconnect, _) => return Err(refused("disconnect the store of")),
            (KeyChange::Connect, _) => return Err(refused("connect the store of")),
            (KeyChange::Disable, _) => return Err(refused("disable")),
            (KeyChange::Enable, _) => return Err(refused("enable")),
            (KeyChange::Rotate, _) => return Err(refused("rotate")),
        }
        Ok(())
    }

    /// Puts a key into a state, whatever AWS would say to that: another date of deletion, say.
    pub fn set_key_state(&mut self, name: &str, state: KeyState) -> Result<(), Unchanged> {
        match self.keys.named(name) {
            Some(key) => key.state = state,
            None => return Err(self.no_such_key(name)),
        }
        Ok(())
    }

    /// From now on these secrets may stand in no text of the run.
    fn guard(&self, issued: &IssuedCredentials) {
        let name = identities::shortened(&issued.access_key_id);
        self.trace.secret(&format!("secret access key of {name}"), issued.secret_access_key.as_bytes());
        if let Some(token) = &issued.session_token {
            self.trace.secret(&format!("session token of {name}"), token.as_bytes());
        }
    }

    fn no_such_key(&self, name: &str) -> Unchanged {
        Unchanged::NoSuchKey { region: self.region.clone(), name: name.to_owned() }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aws({})", self.region)
    }
}
