//! The cloud of a simulated world: the account at addresses of the simulated network, each endpoint a host of its own.
//!
//! Invariant: no world knows which cloud it has.

use std::rc::Rc;

use kmip_proxy::env::Crypto as _;
use kmip_proxy::kms::endpoints::Endpoint as KmsEndpoint;
use turmoil::Sim;

use super::crypto::SimCrypto;
use super::front_end::{EndpointSwitch, FrontEnd};
use super::machine::{CLOUD, Ground};
use super::network::{Map, Place};
use super::planted::Planted;
use crate::scenario::World;
use crate::trace::Trace;
use crate::world::Entropy;
use crate::world::certificates::CloudTls;
use crate::world::clock::WallClock;
use crate::world::cloud::{Account, CloudEndpoint, account, endpoints, names};

/// Everything in the cloud.
pub(crate) struct CloudWorld {
    pub(crate) account: Rc<dyn Account>,
    pub(crate) tls: CloudTls,
    /// The ways to the key service in the order in which the proxy tries them, and that to the token service if there is
    /// one.
    pub(crate) endpoints: Vec<CloudEndpoint>,
}

impl CloudWorld {
    pub(crate) fn new(world: &World, entropy: &Entropy, clock: &WallClock, trace: &Trace, map: &mut Map) -> Self {
        let account = account(world, entropy, clock, trace);
        let endpoints = endpoints(world);
        for endpoint in &endpoints {
            let place = Place { host: endpoint.name.clone(), service: endpoint.service, private: endpoint.private };
            let name = endpoint.by_name.then_some(endpoint.server.as_str());
            map.add(name, endpoint.address, place);
        }
        let tls = CloudTls::new(names(&endpoints), &SimCrypto::new(CLOUD).provider(), clock);
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
