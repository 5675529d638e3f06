//! The fake AWS: one account in one or more regions, with KMS and STS.
//!
//! A world makes it from a seed, adds keys (`customer`), users and roles (`administration`), and changes them as the
//! scenario says. A request goes its way in this order: planned faults, the door (Host, method, path), the signature, the
//! operation.
//!
//! Invariant: the same seed and the same calls in the same order give the same bytes.

mod administration;
mod ciphertext;
mod customer;
mod errors;
mod faults;
mod identities;
mod key_state;
mod keys;
mod kms;
mod lifecycle;
mod lineage;
mod localstack;
mod operations;
mod planned;
mod policy;
mod route;
mod serve;
mod sign;
mod sigv4;
mod sts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::seeds;
use crate::trace::Trace;
pub use errors::{Answer, Error, Fact, Refusal};
pub use faults::Fault;
pub use identities::{Holder, IssuedCredentials};
pub use key_state::KeyState;
pub use localstack::LocalStack;
pub use policy::Denial;
pub use route::Service;
pub(crate) use route::named;
pub use sign::sign;

/// The account of the documentation's examples.
pub const ACCOUNT: &str = "111122223333";

/// The account.
pub struct Aws {
    /// The first region: the one of everything that names none.
    home: String,
    account: String,
    /// Whether anybody may call, whatever the signature.
    open: bool,
    created: SystemTime,
    trace: Trace,
    seed: seeds::Seed,
    /// By region.
    streams: BTreeMap<String, Streams>,
    keys: keys::Keys,
    identities: identities::Identities,
    policy: policy::Policy,
    faults: super::faults::Faults<Fault>,
}

/// What the services of one region draw from.
struct Streams {
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
    /// AWS refuses this change for another reason than the key's state.
    #[error("AWS does not {change} the key `{name}`: {message}")]
    Refused {
        /// The key's name.
        name: String,
        /// What was to be done.
        change: &'static str,
        /// AWS' text.
        message: String,
    },
    /// There is no such role.
    #[error("the fake AWS has no role named `{0}`: add it first")]
    NoSuchRole(String),
    /// There are no temporary credentials of that access key id; those of a user do not expire, they are revoked.
    #[error("the fake AWS knows no temporary credentials `{0}`: issue a session first, or revoke a user's key")]
    NoSuchSession(String),
    /// There is no such access key.
    #[error("the fake AWS knows no access key `{0}`")]
    NoSuchAccessKey(String),
}

impl Aws {
    /// An empty account with one region. `created` dates its keys. The trace gives fingerprints of what is opened, and is
    /// told the secrets that the account gives out; events are returned, never recorded here.
    pub fn new(region: &str, seed: [u8; 32], created: SystemTime, trace: Trace) -> Self {
        Aws::with_account(ACCOUNT, region, seed, created, trace)
    }

    fn with_account(account: &str, region: &str, seed: [u8; 32], created: SystemTime, trace: Trace) -> Self {
        let seed = seeds::Seed::new(seed);
        Aws {
            home: region.to_owned(),
            account: account.to_owned(),
            open: false,
            created,
            trace,
            streams: BTreeMap::new(),
            keys: keys::Keys::new(region, account, &seed),
            identities: identities::Identities::new(account, &seed),
            policy: policy::Policy::default(),
            faults: super::faults::Faults::default(),
            seed,
        }
    }

    /// Adds a region, with a replica of every multi-Region key. Users, roles, policies and faults are the same in all
    /// regions. Which one is meant a request says by its Host.
    pub fn add_region(&mut self, region: &str) {
        self.keys.add_region(region);
    }

    /// The first region, in AWS' spelling: here multi-Region keys have their primary.
    pub fn region(&self) -> &str {
        &self.home
    }

    /// All regions, by name.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.keys.regions()
    }

    fn streams(&mut self, region: &str) -> &mut Streams {
        let seed = &self.seed;
        self.streams.entry(region.to_owned()).or_insert_with(|| Streams {
            nonces: seed.stream(&format!("nonces/{region}")),
            request_ids: seed.stream(&format!("request ids/{region}")),
        })
    }

    /// From now on these secrets may stand in no text of the run.
    fn guard(&self, issued: &IssuedCredentials) {
        let name = identities::shortened(&issued.access_key_id);
        self.trace.secret(&format!("secret access key of {name}"), issued.secret_access_key.as_bytes());
        if let Some(token) = &issued.session_token {
            self.trace.secret(&format!("session token of {name}"), token.as_bytes());
        }
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aws({})", self.home)
    }
}
