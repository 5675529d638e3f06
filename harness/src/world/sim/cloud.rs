//! The clouds of a simulated world: the fake AWS behind its endpoints, and the credentials that it has given out.
//!
//! A private endpoint stands at a private address under its PrivateLink name, the public one at a documentation address
//! (RFC 5737) under the service's own name; STS has an address of its own, and is there where a role is to be assumed: a
//! host costs a turn in every tick, whether anybody calls it or not.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kmip_proxy::kms::endpoints::Endpoint as KmsEndpoint;
use turmoil::Sim;

use super::certificates::CloudTls;
use super::clock::WallClock;
use super::crypto::SimCrypto;
use super::front_end::{EndpointSwitch, FrontEnd};
use super::machine::{CLOUD, Ground};
use super::network::{Map, Place};
use super::planted::Planted;
use crate::clouds::aws::{Aws, Fault, Holder, IssuedCredentials, Unchanged};
use crate::scenario::{self, Credentials, CredentialsKind, EndpointState, KeyChange, Metadata, REPLICA, World};
use crate::trace::Trace;
use crate::world::Entropy;

/// The IAM user whose keys the proxy is given.
const USER: &str = "mongodb-atlas";

/// The role that it may have to assume first.
const ROLE: &str = "atlas-kms";

/// The role's external id, as its trust policy asks for.
pub(crate) const EXTERNAL_ID: &str = "kmiplab-external-id";

/// The name of the token service's host.
const STS: &str = "sts";

/// Everything in the cloud.
pub(crate) struct CloudWorld {
    pub(crate) aws: Arc<Mutex<Aws>>,
    pub(crate) tls: CloudTls,
    /// The ways to KMS in the order in which the proxy tries them, and the way to STS if there is one.
    pub(crate) endpoints: Vec<CloudEndpoint>,
    /// What the proxy is given now.
    pub(crate) current: Arc<Mutex<Current>>,
    /// What was valid once, and is not any more.
    pub(crate) outdated: Option<IssuedCredentials>,
    kind: CredentialsKind,
    /// Whether the role trusts the proxy's user.
    trusted: Cell<bool>,
    region: String,
    /// Whether the proxy finds its way by the region, without being given endpoints.
    by_region: bool,
    arns: BTreeMap<String, String>,
}

/// One way into the cloud.
#[derive(Clone, Debug)]
pub(crate) struct CloudEndpoint {
    pub(crate) name: String,
    pub(crate) dns: String,
    pub(crate) address: IpAddr,
    pub(crate) private: bool,
    pub(crate) service: &'static str,
}

/// The credentials that are valid now, as an operator would copy them.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) issued: IssuedCredentials,
    pub(crate) role_arn: Option<String>,
    /// The region that stands beside them.
    pub(crate) region: String,
}

impl CloudWorld {
    pub(crate) fn new(world: &World, entropy: &Entropy, clock: &WallClock, trace: &Trace, map: &mut Map) -> Self {
        let region = world.aws.region.clone();
        let created = clock.at(Duration::ZERO) - Duration::from_secs(90 * 24 * 60 * 60);
        let mut aws = Aws::new(&region, entropy.key("aws"), created, trace.clone());
        if let Some(replica) = &world.aws.replica {
            aws.add_region(replica);
        }
        let arns: BTreeMap<String, String> =
            world.aws.keys.iter().map(|name| (name.clone(), add_key(&mut aws, name))).collect();
        if let Some(days) = world.aws.rotation_period {
            for name in &world.aws.keys {
                aws.enable_automatic_rotation(name, days, created)
                    .expect("the scenario's keys and period were checked");
            }
        }
        let now = clock.at(Duration::ZERO);
        let outdated = (world.credentials.metadata == Metadata::Outdated).then(|| {
            let outdated = issue(&mut aws, &world.credentials, now, &region).issued;
            end(&mut aws, world.credentials.kind, &outdated, now);
            outdated
        });
        let current = issue(&mut aws, &world.credentials, now, &region);

        let mut endpoints = Vec::new();
        for (index, endpoint) in world.aws.endpoints.iter().enumerate() {
            let number = u8::try_from(index + 1).unwrap_or(u8::MAX);
            let (dns, address) = if endpoint.private {
                (format!("{}-lab.kms.{region}.vpce.amazonaws.com", endpoint.name), Ipv4Addr::new(10, 0, number, 10))
            } else {
                (format!("kms.{region}.amazonaws.com"), Ipv4Addr::new(203, 0, 113, number))
            };
            endpoints.push(CloudEndpoint {
                name: endpoint.name.clone(),
                dns,
                address: address.into(),
                private: endpoint.private,
                service: "kms",
            });
        }
        if let Some(replica) = &world.aws.replica {
            endpoints.push(CloudEndpoint {
                name: REPLICA.to_owned(),
                dns: format!("kms.{replica}.amazonaws.com"),
                address: Ipv4Addr::new(203, 0, 113, 100).into(),
                private: false,
                service: "kms",
            });
        }
        if world.credentials.kind == CredentialsKind::Role {
            endpoints.push(CloudEndpoint {
                name: STS.to_owned(),
                dns: format!("sts.{region}.amazonaws.com"),
                address: Ipv4Addr::new(203, 0, 113, 200).into(),
                private: false,
                service: STS,
            });
        }
        for endpoint in &endpoints {
            let place = Place { host: endpoint.name.clone(), service: endpoint.service, private: endpoint.private };
            map.add(&endpoint.dns, endpoint.address, place);
        }
        let names = endpoints.iter().map(|endpoint| endpoint.dns.clone()).collect();
        let tls = CloudTls::new(names, &SimCrypto::new(CLOUD), clock);
        CloudWorld {
            aws: Arc::new(Mutex::new(aws)),
            tls,
            endpoints,
            current: Arc::new(Mutex::new(current)),
            outdated,
            kind: world.credentials.kind,
            trusted: Cell::new(true),
            region,
            by_region: world.aws.replica.is_some(),
            arns,
        }
    }

    /// The endpoints as the proxy's command line states them.
    pub(crate) fn kms_endpoints(&self) -> Vec<KmsEndpoint> {
        if self.by_region {
            return Vec::new();
        }
        let kms = self.endpoints.iter().filter(|endpoint| endpoint.service == "kms");
        kms.map(|endpoint| {
            let class = if endpoint.private { "private" } else { "public" };
            let text = format!("{class}:https://{}", endpoint.dns);
            text.parse().expect("the world's endpoints are well formed")
        })
        .collect()
    }

    /// The ARN of a key by its name.
    pub(crate) fn arn<'a>(&'a self, name: &'a str) -> &'a str {
        self.arns.get(name).map_or(name, String::as_str)
    }

    /// The region, in AWS' spelling.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Wraps key material as the snapshot holds it.
    pub(crate) fn wrap(&self, key: &str, plaintext: &[u8]) -> Vec<u8> {
        self.aws().encrypt_directly(key, plaintext, &BTreeMap::new()).expect("the scenario's keys were checked")
    }

    /// Changes a key. What AWS itself would refuse (rotating a disabled key, say) changes nothing, as in the real service.
    pub(crate) fn change_key(&self, name: &str, change: KeyChange, at: SystemTime) -> Result<(), Unchanged> {
        self.aws().change_key(name, change, at)
    }

    /// The cloud stops accepting what it has given out.
    pub(crate) fn expire(&self, now: SystemTime) {
        let current = self.current();
        end(&mut self.aws(), self.kind, &current.issued, now);
    }

    /// The cloud gives out new credentials, which are then the current ones.
    pub(crate) fn renew(&self, credentials: &Credentials, now: SystemTime) {
        // Renewed ones last as long as sessions usually do, not as the first ones did.
        let renewed = Credentials { expires: None, ..credentials.clone() };
        let region = self.current().region.clone();
        let issued = issue(&mut self.aws(), &renewed, now, &region);
        *self.current() = issued;
        // New keys for the user are no reason for the role to trust it; where there is no role, none does.
        let _ = self.trust(self.trusted.get());
    }

    /// The role trusts the proxy's user, or no longer. Where nobody assumes a role there is none, and nothing to change.
    pub(crate) fn trust(&self, trusted: bool) -> Result<(), Unchanged> {
        self.trusted.set(trusted);
        let trusts: &[&str] = if trusted { &[USER] } else { &[] };
        self.aws().set_role_trust(ROLE, trusts, Some(EXTERNAL_ID))
    }

    /// Lets the service misbehave towards whoever comes through an endpoint, or not any more.
    pub(crate) fn set_fault(&self, endpoint: &str, state: &EndpointState) {
        let mut aws = self.aws();
        aws.clear_faults(Some(endpoint));
        aws.set_endpoint_policy(endpoint, *state != EndpointState::Denying);
        let fault = match state {
            EndpointState::Throttling => Fault::Throttle,
            EndpointState::Failing(code) => {
                Fault::from_name(code).expect("a file can name only codes of the fake's table: a test compares them")
            }
            EndpointState::Garbling => Fault::Garbage,
            EndpointState::Truncating => Fault::Cut { after_bytes: TRUNCATED_AFTER },
            EndpointState::Slow(by) => Fault::Slow(*by),
            _ => return,
        };
        aws.inject(fault, Some(endpoint), None);
    }

    pub(crate) fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn aws(&self) -> MutexGuard<'_, Aws> {
        self.aws.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many bytes of a truncated answer arrive.
const TRUNCATED_AFTER: usize = 20;

/// Makes a key, in all regions if its name says so.
fn add_key(aws: &mut Aws, name: &str) -> String {
    if scenario::Aws::is_multi_region(name) { aws.add_multi_region_key(name) } else { aws.add_key(name) }
}

/// How long a renewed session lasts: the usual hour.
const SESSION: Duration = Duration::from_secs(60 * 60);

/// The account stops accepting what it has issued.
fn end(aws: &mut Aws, kind: CredentialsKind, issued: &IssuedCredentials, now: SystemTime) {
    let id = &issued.access_key_id;
    // What was revoked before is not there any more, and stays so.
    let _ = match kind {
        CredentialsKind::Session => aws.expire(id, now),
        CredentialsKind::User | CredentialsKind::Role => aws.revoke(id),
    };
}

fn issue(aws: &mut Aws, credentials: &Credentials, now: SystemTime, region: &str) -> Current {
    let region = region.to_owned();
    match credentials.kind {
        CredentialsKind::User => Current { issued: aws.add_user(USER), role_arn: None, region },
        CredentialsKind::Session => {
            let expires = now + credentials.expires.unwrap_or(SESSION);
            // The session's user must exist before the session.
            let _ = aws.add_user(USER);
            Current { issued: aws.add_session(Holder::User(USER), Some(expires)), role_arn: None, region }
        }
        CredentialsKind::Role => {
            let issued = aws.add_user(USER);
            aws.deny(USER, "kms:*", "*");
            let arn = aws.add_role(ROLE, &[USER], Some(EXTERNAL_ID));
            Current { issued, role_arn: Some(arn), region }
        }
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
        cloud: cloud.aws.clone(),
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
