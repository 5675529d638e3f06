//! Everything that stands in a run with real programs: the machine, the fake cloud on its ports, the proxy, and whoever
//! stands where mongod stands; and the flags that lead the one to the other.
//!
//! Invariant: the proxy is given no way out of this machine: every service that it could ask is dialed at an address of
//! the loopback, also where nobody listens there.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kmip_proxy::env::Clock as _;
use kmip_proxy::keys::{FlagCredentials, Provider};

use super::database::Database;
use super::fit::AHEAD;
use super::foreign::Foreign;
use super::machine::RealMachine;
use super::proxy::{Check, Proxy};
use super::record::Record;
use super::stopwatch::Stopwatch;
use crate::scenario::{self, EndpointState, GivenBy, Scenario, World};
use crate::trace::{Drawn, Fingerprint};
use crate::world::clock::{MachineClock, WallClock};
use crate::world::cloud::{Account, CloudEndpoint, account, endpoints};
use crate::world::loopback::{EndpointSpec, Loopback};
use crate::world::machine::Machine as _;
use crate::world::{Entropy, Phase, Programs, snapshot};

/// The port of every cloud in a simulation.
const HTTPS: u16 = 443;

/// An address at which nobody listens: the discard service is switched off everywhere.
const NOWHERE: &str = "127.0.0.1:9";

/// How the proxy is started next.
#[derive(Clone, Debug)]
pub(crate) struct ProxyFlags {
    pub(crate) cloud_provider: Provider,
    pub(crate) kms_key: Option<String>,
}

/// All that stands.
pub(crate) struct House {
    world: World,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) record: Record,
    /// The clouds' time, and what it is off by: where a scenario has the machine's clock be ahead, theirs is behind.
    cloud_time: WallClock,
    cloud_clock: MachineClock,
    /// How far the clouds' clock has been set ahead for time that was skipped.
    ahead: Duration,
    pub(crate) account: Rc<dyn Account>,
    endpoints: Vec<CloudEndpoint>,
    cloud: Option<Loopback>,
    authority: Option<PathBuf>,
    program: PathBuf,
    pub(crate) proxy: Proxy,
    pub(crate) database: Box<dyn Database>,
    pub(crate) flags: ProxyFlags,
    pub(crate) existing: std::collections::BTreeMap<String, Fingerprint>,
    // Last: the others have their files in it.
    pub(crate) machine: RealMachine,
}

impl House {
    /// Builds it, and lays the snapshot down. `database` makes who stands where mongod stands, with a directory of its
    /// own and the key of the run's fingerprints. `foreign` takes the place of the fake AWS.
    pub(crate) fn new(
        scenario: &Scenario,
        programs: &Programs,
        foreign: Option<&Foreign>,
        entropy: &Entropy,
        database: impl FnOnce(&std::path::Path, &[u8]) -> Box<dyn Database>,
    ) -> Result<Self, String> {
        let world = &scenario.world;
        let (stopwatch, cloud_time) = (Stopwatch::new(), WallClock::real());
        let key = entropy.key("fingerprints");
        let record = Record::new(&key, stopwatch.clone());
        let machine = RealMachine::new(cloud_time.clone(), record.clone())?;
        let cloud_clock = MachineClock::new(cloud_time.clone());
        let mut account = account(world, entropy, &cloud_time, record.trace());
        if let Some(foreign) = foreign {
            account = foreign.account(world, account, &record)?;
        }
        let endpoints = endpoints(world);
        let cloud = stand(&*account, &endpoints, &cloud_clock, &record, entropy)?;
        let mut authority = None;
        if let Some(cloud) = &cloud {
            let path = machine.aside().join("cloud-ca.pem");
            fs::write(&path, cloud.ca_pem()).map_err(|error| format!("no file for the clouds' authority: {error}"))?;
            authority = Some(path);
        }
        let existing = snapshot::prepare(&machine, world, &*account, entropy, true)?;
        let proxy = Proxy::new(&programs.proxy, machine.aside(), &record)?;
        let database = database(machine.aside(), &key);
        // Where a key exists, its own customer's key wraps new ones; a first key has nothing to follow.
        let first_key = world.kms.keys.first().filter(|_| world.mongod.database == scenario::Database::Empty);
        let flags =
            ProxyFlags { cloud_provider: world.proxy.cloud_provider, kms_key: first_key.map(|name| account.key(name)) };
        Ok(House {
            world: world.clone(),
            stopwatch,
            record,
            cloud_time,
            cloud_clock,
            ahead: Duration::ZERO,
            account,
            endpoints,
            cloud,
            authority,
            program: programs.proxy.clone(),
            proxy,
            database,
            flags,
            existing,
            machine,
        })
    }

    /// Starts the proxy with the flags that are due; one that runs is restarted.
    pub(crate) fn start_proxy(&mut self) -> Result<(), String> {
        let flags = self.arguments();
        self.proxy.start(&flags, &self.record)
    }

    /// Begins a check of the dbpath, with the flags of the proxy.
    pub(crate) fn check(&self) -> Result<Check, String> {
        Check::start(&self.program, self.machine.aside(), &self.arguments(), &self.record)
    }

    /// Skips to a moment. The clouds' clock goes along as far as it may.
    pub(crate) fn skip_to(&mut self, moment: Duration) {
        let skipped = self.stopwatch.skip_to(moment).min(AHEAD.saturating_sub(self.ahead));
        self.ahead += skipped;
        self.cloud_time.pass(skipped);
    }

    /// The clouds' date.
    pub(crate) fn cloud_now(&self) -> SystemTime {
        self.cloud_clock.now()
    }

    /// Sets the machine's clock off, by setting the clouds' off the other way.
    pub(crate) fn skew(&self, ahead: bool, by: Duration) {
        self.cloud_clock.skew(!ahead, by);
    }

    /// Changes an endpoint. Returns what the seed has drawn for it.
    pub(crate) fn set(&self, name: &str, state: &EndpointState) -> Result<Option<Drawn>, String> {
        let Some(cloud) = &self.cloud else { return Ok(None) };
        self.account.set_fault(name, state);
        cloud.set(name, state).map_err(|error| error.to_string())
    }

    /// Lets all endpoints lead to the service again.
    pub(crate) fn heal(&self) -> Result<(), String> {
        self.endpoints.iter().for_each(|endpoint| self.account.set_fault(&endpoint.name, &EndpointState::Available));
        self.cloud.as_ref().map_or(Ok(()), |cloud| cloud.heal().map_err(|error| error.to_string()))
    }

    /// The command line of the proxy, as the settings of a simulation come to.
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut push = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        let proxy = &self.world.proxy;
        push("--cloud-provider", self.flags.cloud_provider.as_str().into());
        push("--dbpath", self.machine.dbpath().into());
        push("--mongod-port", "27017".into());
        push("--log-format", "json".into());
        push("--kms-deadline", format!("{}ms", proxy.kms_deadline.as_millis()).into());
        if let Some(authority) = &self.authority {
            push("--cloud-ca", authority.into());
        }
        for endpoint in self.kms_endpoints() {
            push("--kms-endpoint", endpoint.into());
        }
        if let Some(endpoint) = self.token_endpoint() {
            push("--token-endpoint", endpoint.into());
        }
        // The command line refuses a key of another provider than the proxy's, so that nobody can have given one.
        let own = self.flags.cloud_provider == self.world.provider;
        if let Some(key) = self.flags.kms_key.as_ref().filter(|_| own) {
            push("--kms-key", key.into());
        }
        if self.world.credentials.given_by == GivenBy::Flags {
            for (name, value) in credentials(self.account.flags(&self.machine)) {
                push(name, value);
            }
        }
        if proxy.require_private_networking {
            arguments.push("--require-private-networking".into());
        }
        arguments
    }

    fn kms_endpoints(&self) -> Vec<String> {
        let named: Vec<String> = self.cloud.iter().flat_map(Loopback::kms_flags).collect();
        match self.flags.cloud_provider {
            Provider::Aws if named.is_empty() => vec![nowhere("kms.us-east-1.amazonaws.com")],
            Provider::Azure if named.is_empty() => vec![nowhere("kmiplab.vault.azure.net")],
            Provider::Gcp if named.is_empty() => vec![nowhere("cloudkms.googleapis.com")],
            _ => named,
        }
    }

    /// Where the token service of the proxy's provider is, if it has one.
    fn token_endpoint(&self) -> Option<String> {
        let own = self.cloud.as_ref().and_then(Loopback::token_flag);
        match self.flags.cloud_provider {
            Provider::Local => None,
            provider if provider == self.world.provider && own.is_some() => own,
            Provider::Aws => Some(nowhere("sts.us-east-1.amazonaws.com")),
            Provider::Azure => Some(nowhere("login.microsoftonline.com")),
            Provider::Gcp => Some(nowhere("oauth2.googleapis.com")),
        }
    }
}

/// An endpoint at which nobody answers.
fn nowhere(server: &str) -> String {
    format!("https://{server},dial={NOWHERE}")
}

/// Puts the cloud on its ports, and tells the record by which names runs know them.
fn stand(
    account: &dyn Account,
    endpoints: &[CloudEndpoint],
    clock: &MachineClock,
    record: &Record,
    entropy: &Entropy,
) -> Result<Option<Loopback>, String> {
    if endpoints.is_empty() {
        return Ok(None);
    }
    let specs = endpoints.iter().map(|endpoint| EndpointSpec {
        known_as: SocketAddr::new(endpoint.address, HTTPS),
        phase: Phase::drawn(entropy, &endpoint.name),
        ..EndpointSpec::new(&endpoint.name, &endpoint.server, endpoint.service, endpoint.private)
    });
    let clock = clock.clone();
    let clock = Arc::new(move || clock.now());
    let cloud = Loopback::start(account.services(), specs.collect(), clock, record.trace().clone());
    let cloud = cloud.map_err(|error| error.to_string())?;
    for endpoint in endpoints {
        let known = endpoint.flag.clone().unwrap_or_else(|| format!("https://{}", endpoint.server));
        record.rename(cloud.flag(&endpoint.name).unwrap_or_default(), known);
        if let Some(address) = cloud.address(&endpoint.name) {
            record.rename(address.to_string(), SocketAddr::new(endpoint.address, HTTPS).to_string());
        }
    }
    Ok(Some(cloud))
}

/// Credentials as flags.
fn credentials(flags: FlagCredentials) -> Vec<(&'static str, OsString)> {
    let secret = |secret: Option<kmip_proxy::keys::SecretText>| secret.map(|secret| secret.expose().to_owned());
    let texts = [
        ("--aws-access-key", flags.access_key_id),
        ("--aws-secret-access-key", secret(flags.secret_access_key)),
        ("--aws-session-token", secret(flags.session_token)),
        ("--aws-region", flags.region),
        ("--role-arn", flags.role_arn),
        ("--external-id", flags.external_id),
        ("--azure-tenant-id", flags.azure_tenant_id),
        ("--azure-client-id", flags.azure_client_id),
        ("--azure-client-secret", secret(flags.azure_client_secret)),
        ("--azure-environment", flags.azure_environment.map(|environment| environment.as_str().to_owned())),
    ];
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name, OsString::from(value?))));
    let files = [("--gcp-service-account-key", flags.gcp_key_file), ("--local-key-file", flags.local_key_file)];
    texts.chain(files.into_iter().filter_map(|(name, value)| Some((name, value?.into_os_string())))).collect()
}
