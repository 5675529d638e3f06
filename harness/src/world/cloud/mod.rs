//! The cloud of a world: an account at a provider behind its endpoints, and the credentials that it gives out.
//!
//! [`Account`] is everything that a world asks of a cloud, and each cloud has a file that answers. A private endpoint stands at a private address, the public one at a documentation address
//! (RFC 5737), and so does a token service. One that nobody needs is not there: a host costs a turn in every tick,
//! whether anybody calls it or not.
//!
//! Invariant: outside of the file of a cloud, no world knows which cloud it has.

mod aws;
mod azure;
mod gcp;

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kmip_proxy::keys::FlagCredentials;
use serde_json::Value;

use super::clock::WallClock;
use super::machine::Machine;
use crate::clouds::Cloud;
use crate::scenario::{Credentials, EndpointState, KeyChange, Metadata, Provider, World};
use crate::trace::Trace;
use crate::world::Entropy;

/// How long before a run the customer's keys were made.
const CREATED_BEFORE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A role as the Atlas API names it: an object id of Atlas, and nothing that a cloud knows.
const ROLE_ID: &str = "6579e2a0c1d2b34e5f607182";

/// How many bytes of a truncated answer arrive.
pub(crate) const TRUNCATED_AFTER: usize = 20;

/// An account at a cloud provider, as a world uses it beside the calls that come through its endpoints.
pub(crate) trait Account {
    /// The services that answer at every endpoint.
    fn services(&self) -> Arc<Mutex<dyn Cloud>>;

    /// A customer's key as `--kms-key` names it.
    fn key(&self, name: &str) -> String;

    /// A customer's key as a wrapped key file names it: the document `masterKey`.
    fn master_key(&self, name: &str) -> Value;

    /// Wraps key material as the snapshot holds it. The error says why a cloud that is not the laboratory's does not.
    fn wrap(&self, key: &str, plaintext: &[u8]) -> Result<Vec<u8>, String>;

    /// Changes a customer's key. What the provider itself would refuse (rotating a disabled key, say) changes nothing, as
    /// in the real service: the error says why.
    fn change_key(&self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), String>;

    /// What the proxy's command line brings of the credentials that are valid now. A file that it names is laid down.
    fn flags(&self, machine: &dyn Machine) -> FlagCredentials;

    /// What an operator writes into the metadata file; `None` where the file is not to be there.
    fn metadata(&self, content: Metadata) -> Option<Value>;

    /// The provider stops accepting what it has given out.
    fn expire(&self, now: SystemTime);

    /// The provider gives out new credentials, which are then the valid ones.
    fn renew(&self, credentials: &Credentials, now: SystemTime);

    /// From now on another region stands beside the credentials. Only some clouds have one there.
    fn set_region(&self, region: &str);

    /// A role trusts the proxy's identity, or no longer; the error says why nothing changed.
    fn trust(&self, trusted: bool) -> Result<(), String>;

    /// Lets the service misbehave towards whoever comes through an endpoint, or not any more.
    fn set_fault(&self, endpoint: &str, state: &EndpointState);

    /// Why nothing can be said of the product any more: a cloud that is not the laboratory's has gone away.
    fn gone(&self) -> Option<String> {
        None
    }
}

/// One way into the cloud.
#[derive(Clone, Debug)]
pub(crate) struct CloudEndpoint {
    pub(crate) name: String,
    /// The name that its certificate is for.
    pub(crate) server: String,
    /// Whether DNS leads here under that name; else the proxy is told the address.
    pub(crate) by_name: bool,
    pub(crate) address: IpAddr,
    pub(crate) private: bool,
    /// `kms`, or `tokens` for a token service.
    pub(crate) service: &'static str,
    /// What the proxy's `--kms-endpoint` says of it; nothing where the proxy finds it by itself.
    pub(crate) flag: Option<String>,
}

/// The endpoints of a world, as its provider names them.
pub(crate) fn endpoints(world: &World) -> Vec<CloudEndpoint> {
    match world.provider {
        Provider::Aws => aws::endpoints(world),
        Provider::Azure => azure::endpoints(world),
        Provider::Gcp => gcp::endpoints(world),
        Provider::Local => Vec::new(),
    }
}

/// A token service, which the proxy finds by its name.
fn token_service(name: &str, server: &str) -> CloudEndpoint {
    CloudEndpoint {
        name: name.to_owned(),
        server: server.to_owned(),
        by_name: true,
        address: public_address(200),
        private: false,
        service: "tokens",
        flag: None,
    }
}

/// The address of a world's private endpoint number so and so, counted from 1.
fn private_address(number: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, byte(number), 10).into()
}

/// The address of a public one.
fn public_address(number: usize) -> IpAddr {
    Ipv4Addr::new(203, 0, 113, byte(number)).into()
}

/// A world has far fewer endpoints than this: a scenario file cannot name more.
fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// The account of a world, from its seed.
pub(crate) fn account(world: &World, entropy: &Entropy, clock: &WallClock, trace: &Trace) -> Rc<dyn Account> {
    match world.provider {
        // Where no cloud takes part, nobody reaches the account that stands here.
        Provider::Aws | Provider::Local => Rc::new(aws::AwsAccount::new(world, entropy, clock, trace)),
        Provider::Azure => Rc::new(azure::AzureAccount::new(world, entropy, clock, trace)),
        Provider::Gcp => Rc::new(gcp::GcpAccount::new(world, entropy, clock, trace)),
    }
}

/// The names that a cloud's certificate is for, each once.
pub(crate) fn names(endpoints: &[CloudEndpoint]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for endpoint in endpoints {
        if !names.contains(&endpoint.server) {
            names.push(endpoint.server.clone());
        }
    }
    names
}
