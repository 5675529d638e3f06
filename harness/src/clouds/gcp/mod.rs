//! The fake Google Cloud: one project in one or more locations, with Cloud KMS and the OAuth 2.0 token service.
//!
//! A world makes it from a seed, adds keys (`customer`) and service accounts (`administration`), and changes them as the
//! scenario says. A request goes its way in this order: planned faults, the door (Host, method, path), the token, the
//! project's switches, the operation.
//!
//! Invariant: the same seed and the same calls in the same order give the same bytes.

mod accounts;
mod administration;
mod assertion;
mod ciphertext;
mod customer;
mod errors;
mod faults;
mod keys;
mod kms;
mod lifecycle;
mod names;
mod oauth;
mod operations;
mod planned;
mod policy;
mod route;
mod rsa_keys;
mod serve;
#[cfg(test)]
mod tests;
mod version_state;

use std::fmt;
use std::time::SystemTime;

use super::seeds;
use crate::trace::Trace;
pub use accounts::IssuedKey;
pub use errors::{Answer, Detail, Error, Fact, Refusal};
pub use faults::Fault;
pub use route::Service;
pub use version_state::VersionState;

/// The project's id.
pub const PROJECT: &str = "kmiplab-project";
/// The project's number, by which Google's texts call it.
pub const PROJECT_NUMBER: &str = "123456789012";
/// The key ring in every location.
pub const KEY_RING: &str = "atlas";
/// Where tokens are given out, and the only audience of assertions, through whatever endpoint they come.
pub const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// The project.
pub struct Gcp {
    /// The first location: the one of everything that names none.
    home: String,
    trace: Trace,
    streams: Streams,
    keys: keys::Keys,
    accounts: accounts::Accounts,
    policy: policy::Policy,
    faults: super::faults::Faults<Fault>,
}

/// What the services draw from.
struct Streams {
    nonces: seeds::Stream,
    violations: seeds::Stream,
}

/// Why the project stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// There is no such key.
    #[error("the fake Google Cloud has no key named `{name}` in {location}: add it to the world's keys")]
    NoSuchKey {
        /// The location.
        location: String,
        /// The name as it was given.
        name: String,
    },
    /// There is no such version of the key.
    #[error("the key `{name}` has no version {number}")]
    NoSuchVersion {
        /// The key's name.
        name: String,
        /// The number as it was given.
        number: u32,
    },
    /// Google refuses this change in the state of the key's versions.
    #[error("the primary version of the key `{name}` is {state}, and Google does not {change} such a key")]
    WrongState {
        /// The key's name.
        name: String,
        /// The primary version's state in Google's spelling.
        state: &'static str,
        /// What was to be done.
        change: &'static str,
    },
    /// Google refuses this change for another reason than a state.
    #[error("Google does not {change} the key `{name}`: {message}")]
    Refused {
        /// The key's name.
        name: String,
        /// What was to be done.
        change: &'static str,
        /// Why.
        message: String,
    },
    /// There is no such service account.
    #[error("the fake Google Cloud has no service account `{0}`: issue a key for it first")]
    NoSuchAccount(String),
    /// There is no such key of a service account.
    #[error("the fake Google Cloud knows no service account key `{0}`")]
    NoSuchAccountKey(String),
}

impl Gcp {
    /// An empty project with one location. `created` dates its keys. The trace gives fingerprints of what is opened, and
    /// is told the secrets that the project gives out; events are returned, never recorded here.
    pub fn new(location: &str, seed: [u8; 32], created: SystemTime, trace: Trace) -> Self {
        let seed = seeds::Seed::new(seed);
        Gcp {
            home: location.to_owned(),
            trace,
            streams: Streams { nonces: seed.stream("nonces"), violations: seed.stream("violations") },
            keys: keys::Keys::new(created, &seed),
            accounts: accounts::Accounts::new(&seed),
            policy: policy::Policy::default(),
            faults: super::faults::Faults::default(),
        }
    }

    /// The first location, such as `europe-west3` or `global`.
    pub fn location(&self) -> &str {
        &self.home
    }
}

impl fmt::Debug for Gcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gcp({PROJECT}, {})", self.home)
    }
}
