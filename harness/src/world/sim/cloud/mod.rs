//! The cloud of a simulated world: an account at a provider behind its endpoints, and the credentials that it gives out.
//!
//! [`Account`] is everything that a world asks of a cloud, and each cloud has a file that answers; [`CloudWorld`] puts
//! the account at addresses. A private endpoint stands at a private address, the public one at a documentation address
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
use kmip_proxy::kms::endpoints::Endpoint as KmsEndpoint;
use serde_json::Value;
use turmoil::Sim;

use super::certificates::CloudTls;
use super::clock::WallClock;
use super::crypto::SimCrypto;
use super::disk::Disk;
use super::front_end::{EndpointSwitch, FrontEnd};
use super::machine::{CLOUD, Ground};
use super::network::{Map, Place};
use super::planted::Planted;
use crate::clouds::Cloud;
use crate::scenario::{Credentials, EndpointState, KeyChange, Metadata, Provider, World};
use crate::trace::Trace;
use crate::world::Entropy;

/// How long before a run the customer's keys were made.
const CREATED_BEFORE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// A role as the Atlas API names it: an object id of Atlas, and nothing that a cloud knows.
const ROLE_ID: &str = "6579e2a0c1d2b34e5f607182";

/// How many bytes of a truncated answer arrive.
const TRUNCATED_AFTER: usize = 20;

/// An account at a cloud provider, as a world uses it beside the calls that come through its endpoints.
pub(crate) trait Account {
    /// The services that answer at every endpoint.
    fn services(&self) -> Arc<Mutex<dyn Cloud>>;

    /// A customer's key as `--kms-key` names it.
    fn key(&self, name: &str) -> String;

    /// A customer's key as a wrapped key file names it: the document `masterKey`.
    fn master_key(&self, name: &str) -> Value;

    /// Wraps key material as the snapshot holds it.
    fn wrap(&self, key: &str, plaintext: &[u8]) -> Vec<u8>;

    /// Changes a customer's key. What the provider itself would refuse (rotating a disabled key, say) changes nothing, as
    /// in the real service: the error says why.
    fn change_key(&self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), String>;

    /// What the proxy's command line brings of the credentials that are valid now. A file that it names is laid down.
    fn flags(&self, disk: &Disk) -> FlagCredentials;

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
}

/// Everything in the cloud.
pub(crate) struct CloudWorld {
    pub(crate) account: Rc<dyn Account>,
    pub(crate) tls: CloudTls,
    /// The ways to the key service in the order in which the proxy tries them, and that to the token service if there is
    /// one.
    pub(crate) endpoints: Vec<CloudEndpoint>,
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

impl CloudWorld {
    pub(crate) fn new(world: &World, entropy: &Entropy, clock: &WallClock, trace: &Trace, map: &mut Map) -> Self {
        let account: Rc<dyn Account> = match world.provider {
            // Where no cloud takes part, nobody reaches the account that stands here.
            Provider::Aws | Provider::Local => Rc::new(aws::AwsAccount::new(world, entropy, clock, trace)),
            Provider::Azure => Rc::new(azure::AzureAccount::new(world, entropy, clock, trace)),
            Provider::Gcp => Rc::new(gcp::GcpAccount::new(world, entropy, clock, trace)),
        };
        let endpoints = endpoints(world);
        for endpoint in &endpoints {
            let place = Place { host: endpoint.name.clone(), service: endpoint.service, private: endpoint.private };
            let name = endpoint.by_name.then_some(endpoint.server.as_str());
            map.add(name, endpoint.address, place);
        }
        let mut names: Vec<String> = Vec::new();
        for endpoint in &endpoints {
            if !names.contains(&endpoint.server) {
                names.push(endpoint.server.clone());
            }
        }
        let tls = CloudTls::new(names, &SimCrypto::new(CLOUD), clock);
        CloudWorld { account, tls, endpoints }
    }

    /// The endpoints as the proxy's command line states them.
    pub(crate) fn kms_endpoints(&self) -> Vec<KmsEndpoint> {
        let flags = self.endpoints.iter().filter_map(|endpoint| endpoint.flag.as_deref());
        flags.map(|flag| flag.parse().expect("the world's endpoints are well formed")).collect()
    }
}

/// Puts an endpoint on the simulated network.
pub(crate) fn host(
    sim: &mut Sim<'static>,
    cloud: &CloudWorld,
    endpoint: &CloudEndpoint,
    switch: EndpointSwitch,
    ground: &Ground,
    planted: &Planted,
) {
    let front_end = FrontEnd {
        name: endpoint.name.clone(),
        private: endpoint.private,
        cloud: cloud.account.services(),
        tls: cloud.tls.clone(),
        clock: ground.clock.clone(),
        trace: ground.trace.clone(),
        switch,
        rewrite: planted.kms_answers.clone(),
    };
    sim.host(endpoint.name.as_str(), move || {
        let front_end = front_end.clone();
        async move {
            let never = front_end.serve().await?;
            match never {}
        }
    });
}
