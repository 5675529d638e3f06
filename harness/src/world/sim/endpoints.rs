//! What endpoints do with connections, at the word of the scenario.
//!
//! A state is made of up to three things: what the network does on the way (turmoil's hold and partition, and DNS), how
//! the front end behaves, and which fault the cloud is told to have.
//!
//! Invariant: setting a state takes back everything of the one before it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use turmoil::Sim;

use super::cloud::CloudWorld;
use super::front_end::EndpointSwitch;
use super::network::Map;
use crate::scenario::EndpointState;
use crate::trace::Drawn;
use crate::world::Entropy;
use crate::world::conduct::{Conduct, Phase};

/// All endpoints of a world.
pub(crate) struct Endpoints {
    map: Arc<Map>,
    /// The hosts whose ways to the endpoints are disturbed.
    callers: Vec<&'static str>,
    each: BTreeMap<String, Endpoint>,
}

struct Endpoint {
    /// Its name in DNS, if it is found by one.
    dns: Option<String>,
    switch: EndpointSwitch,
    /// The phase in which it cuts connections or falls silent, if it does.
    phase: Phase,
    state: EndpointState,
}

impl Endpoints {
    /// The endpoints of a cloud, all of them available.
    pub(crate) fn new(cloud: &CloudWorld, map: &Arc<Map>, callers: Vec<&'static str>, entropy: &Entropy) -> Self {
        let each = cloud.endpoints.iter().map(|endpoint| {
            let phase = Phase::drawn(entropy, &endpoint.name);
            let switch = Rc::new(Cell::new(Conduct::Serve));
            let state = EndpointState::Available;
            let dns = endpoint.by_name.then(|| endpoint.server.clone());
            (endpoint.name.clone(), Endpoint { dns, switch, phase, state })
        });
        Endpoints { map: map.clone(), callers, each: each.collect() }
    }

    /// The switch of an endpoint's front end.
    pub(crate) fn switch(&self, name: &str) -> EndpointSwitch {
        self.each[name].switch.clone()
    }

    /// Lets all of them lead to the service again.
    pub(crate) fn heal(&mut self, sim: &mut Sim<'static>, cloud: &CloudWorld) {
        let names: Vec<String> = self.each.keys().cloned().collect();
        for name in names {
            self.set(sim, cloud, &name, &EndpointState::Available);
        }
    }

    /// Changes an endpoint. Returns what the seed has drawn for it.
    pub(crate) fn set(
        &mut self,
        sim: &mut Sim<'static>,
        cloud: &CloudWorld,
        name: &str,
        state: &EndpointState,
    ) -> Option<Drawn> {
        let endpoint = self.each.get_mut(name)?;
        match (&endpoint.state, &endpoint.dns) {
            (EndpointState::Rejected, _) | (EndpointState::Initiating | EndpointState::Vanished, None) => {
                self.callers.iter().for_each(|caller| sim.release(*caller, name));
            }
            (EndpointState::Initiating | EndpointState::Vanished, Some(dns)) => self.map.hide(dns, false),
            (EndpointState::Refusing, _) => self.callers.iter().for_each(|caller| sim.repair(*caller, name)),
            _ => {}
        }
        endpoint.switch.set(Conduct::Serve);
        cloud.account.set_fault(name, &EndpointState::Available);
        let mut drawn = None;
        let mut in_phase = |conduct: fn(Phase) -> Conduct, what: &str| {
            endpoint.switch.set(conduct(endpoint.phase));
            drawn = Some(Drawn { what: format!("when {name} {what}"), value: endpoint.phase.as_str().to_owned() });
        };
        match state {
            EndpointState::Available => {}
            // A partition would refuse at once; a rejected endpoint swallows packets, and so does an address at which
            // nothing is any more, or not yet.
            EndpointState::Rejected => self.callers.iter().for_each(|caller| sim.hold(*caller, name)),
            EndpointState::Initiating | EndpointState::Vanished => match &endpoint.dns {
                Some(dns) => self.map.hide(dns, true),
                None => self.callers.iter().for_each(|caller| sim.hold(*caller, name)),
            },
            EndpointState::Refusing => self.callers.iter().for_each(|caller| sim.partition(*caller, name)),
            EndpointState::Resetting => in_phase(Conduct::Cut, "cuts connections"),
            EndpointState::BlackHoled => in_phase(Conduct::Silent, "falls silent"),
            EndpointState::CertificateExpired => endpoint.switch.set(Conduct::ShowExpired),
            EndpointState::Misnamed => endpoint.switch.set(Conduct::ShowMisnamed),
            EndpointState::Denying
            | EndpointState::Throttling
            | EndpointState::Failing(_)
            | EndpointState::Garbling
            | EndpointState::Truncating
            | EndpointState::Slow(_) => cloud.account.set_fault(name, state),
        }
        endpoint.state = state.clone();
        drawn
    }
}
