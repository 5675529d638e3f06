//! The fake Azure: one Microsoft Entra tenant, with vaults of Key Vault in one region.
//!
//! A world makes it from a seed, adds keys (`customer`), applications and their secrets (`administration`), and changes
//! them as the scenario says. A request goes its way in this order: planned faults, the door (Host), the version of the
//! API, the bearer token, the network, the permission, the operation.
//!
//! Invariant: the same seed and the same calls in the same order give the same bytes.

mod access;
mod administration;
mod customer;
mod directory;
mod entra;
mod envelope;
mod errors;
mod faults;
mod key_vault;
mod keys;
mod operations;
mod planned;
mod route;
mod serve;
#[cfg(test)]
mod tests;
mod tokens;
mod vault;

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::seeds;
use crate::trace::Trace;
pub use directory::IssuedCredentials;
pub use errors::{Error, Fact, Refusal};
pub use faults::Fault;
pub use keys::Attributes;
pub use route::Service;
pub use vault::PermissionModel;

/// The audience of every token for Key Vault, and without `/.default` the scope by which it is asked for (Key Vault REST
/// reference, "Authentication, requests and responses").
pub const RESOURCE: &str = "https://vault.azure.net";
/// The host of the token service in the public cloud.
pub const LOGIN_HOST: &str = "login.microsoftonline.com";
/// What follows a vault's name in the public cloud.
pub const VAULT_SUFFIX: &str = ".vault.azure.net";
/// The subscription to which all resources belong, as the documentation's examples write it.
const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";
/// The resource group of all vaults.
const RESOURCE_GROUP: &str = "kmiplab";

/// The subscription and its tenant.
pub struct Azure {
    /// The vault of everything that names none.
    home: String,
    region: String,
    created: SystemTime,
    trace: Trace,
    seed: seeds::Seed,
    /// By service, and for Key Vault by vault.
    streams: BTreeMap<String, Streams>,
    vaults: BTreeMap<String, vault::Vault>,
    directory: directory::Directory,
    access: access::Access,
    faults: super::faults::Faults<Fault>,
}

/// What one service draws from.
struct Streams {
    nonces: seeds::Stream,
    request_ids: seeds::Stream,
}

/// Why everything stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// There is no such vault.
    #[error("the fake Azure has no vault named `{0}`: add it first")]
    NoSuchVault(String),
    /// There is no such key.
    #[error("the vault {vault} has no key named `{name}`: add it to the world's keys")]
    NoSuchKey {
        /// The vault.
        vault: String,
        /// The name as it was given.
        name: String,
    },
    /// Key Vault refuses this change in the key's state.
    #[error("the key `{name}` is {state}, and Key Vault does not {change} such a key")]
    WrongState {
        /// The key's name.
        name: String,
        /// Its state.
        state: &'static str,
        /// What was to be done.
        change: &'static str,
    },
    /// Azure has nothing of the kind.
    #[error("Azure does not {change} the key `{name}`: {reason}")]
    NotApplicable {
        /// The key's name.
        name: String,
        /// What was to be done.
        change: &'static str,
        /// Why Azure has nothing of the kind.
        reason: &'static str,
    },
    /// There is no such application.
    #[error("the fake Azure has no application named `{0}`: add it first")]
    NoSuchApplication(String),
    /// There is no such client secret.
    #[error("the fake Azure knows no client secret with the id `{0}`")]
    NoSuchSecret(String),
}

impl Azure {
    /// An empty tenant with one vault. `created` dates its keys. The trace gives fingerprints of what is opened, and is
    /// told the secrets that are given out; events are returned, never recorded here.
    pub fn new(region: &str, vault: &str, seed: [u8; 32], created: SystemTime, trace: Trace) -> Self {
        let seed = seeds::Seed::new(seed);
        let mut azure = Azure {
            home: vault.to_owned(),
            region: region.to_owned(),
            created,
            trace,
            streams: BTreeMap::new(),
            vaults: BTreeMap::new(),
            directory: directory::Directory::new(&seed),
            access: access::Access::default(),
            faults: super::faults::Faults::default(),
            seed,
        };
        azure.add_vault(vault);
        azure
    }

    /// Adds a vault to the region and the tenant. One of that name stays as it is.
    pub fn add_vault(&mut self, name: &str) {
        let made = || vault::Vault::new(name, &self.seed);
        self.vaults.entry(name.to_owned()).or_insert_with(made);
    }

    /// The first vault's name.
    pub fn vault(&self) -> &str {
        &self.home
    }

    /// All vaults, by name.
    pub fn vaults(&self) -> impl Iterator<Item = &str> {
        self.vaults.keys().map(String::as_str)
    }

    /// The region of all vaults, in Azure's spelling: `eastus`.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The host name of a vault, whether there is such a vault or not.
    pub fn vault_host(vault: &str) -> String {
        format!("{vault}{VAULT_SUFFIX}")
    }

    /// The id of the tenant to which the vaults belong.
    pub fn tenant_id(&self) -> &str {
        self.directory.home()
    }

    fn streams(&mut self, name: &str) -> &mut Streams {
        let seed = &self.seed;
        self.streams.entry(name.to_owned()).or_insert_with(|| Streams {
            nonces: seed.stream(&format!("nonces/{name}")),
            request_ids: seed.stream(&format!("request ids/{name}")),
        })
    }
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Azure({})", self.home)
    }
}
