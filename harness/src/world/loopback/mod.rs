//! A fake cloud on real ports of this machine: the state machine behind wiremock, and before it a relay for every
//! endpoint.
//!
//! ```text
//! client --TLS--> relay (one an endpoint: faults) --HTTP--> front (wiremock) --> Cloud::handle
//! ```
//!
//! What a service does stays with the cloud: whoever holds the account plans faults there. What happens to connections
//! is the relay's. Three states look different from a simulation, because nobody but root can make packets vanish or
//! change DNS: `rejected` accepts and stays silent before the handshake, and so do `initiating` and `vanished`, of which
//! a client that was given the address would notice nothing else; [`Loopback::differs`] says so.
//!
//! Invariant: when a [`Loopback`] has been dropped, its ports are closed and its threads have ended.

mod alone;
mod answer;
mod certificates;
mod front;
mod journal;
mod relay;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc as reports;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use kmip_proxy::env::Env;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

pub use self::alone::{Alone, AloneError, Wanted};
use self::certificates::Certificates;
use self::front::{Front, Seal};
pub use self::journal::Journal;
use self::relay::{Order, Relay};
use super::conduct::{Conduct, Phase};
use crate::clouds::Cloud;
use crate::scenario::EndpointState;
use crate::trace::{Drawn, hex};

/// The cloud's own wall clock.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// One way into the cloud.
#[derive(Clone, Debug)]
pub struct EndpointSpec {
    /// Its name: `private-a`, `public`, `sts`.
    pub name: String,
    /// The name that its certificate is for, and that clients ask for.
    pub server: String,
    /// Other names of its certificate.
    pub also: Vec<String>,
    /// The address by which traces know it: the one that it has in a simulation.
    pub known_as: SocketAddr,
    /// Whether it is a private one.
    pub private: bool,
    /// `kms`, or `tokens` for a token service.
    pub service: &'static str,
    /// In which phase it cuts connections or falls silent, when it is told to.
    pub phase: Phase,
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
}

impl EndpointSpec {
    /// An endpoint on a port of loopback that the system chooses, with TLS.
    pub fn new(name: &str, server: &str, service: &'static str, private: bool) -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        EndpointSpec {
            name: name.to_owned(),
            server: server.to_owned(),
            also: Vec::new(),
            known_as: loopback,
            private,
            service,
            phase: Phase::BeforeHandshake,
            listen: loopback,
            tls: true,
        }
    }

    fn names(&self) -> impl Iterator<Item = String> {
        std::iter::once(&self.server).chain(&self.also).cloned()
    }
}

/// Why a cloud does not stand, or an endpoint does not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// A port cannot be had.
    #[error("cannot listen on {at}: {why}")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// The system's reason.
        why: io::Error,
    },
    /// There is no such endpoint.
    #[error("the cloud has no endpoint `{0}`")]
    NoSuchEndpoint(String),
    /// Certificates could not be made.
    #[error("cannot make the cloud's certificates: {0}")]
    Certificates(String),
    /// The name cannot stand in a header.
    #[error("`{0}` is no name for an endpoint: use letters, digits and hyphens")]
    Name(String),
    /// The system has no thread or no random bytes left for it.
    #[error("cannot start the cloud: {0}")]
    Start(io::Error),
    /// It has ended by itself.
    #[error("the cloud has ended by itself: a bug of the laboratory")]
    Gone,
}

/// A fake cloud on real ports. Dropping it ends it.
pub struct Loopback {
    endpoints: Vec<Endpoint>,
    authority: String,
    /// Ends the thread, by being dropped.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

/// Nobody sends anything: the end of the channel is what counts.
type Infallible = std::convert::Infallible;

struct Endpoint {
    spec: EndpointSpec,
    /// Where it really listens.
    address: SocketAddr,
    orders: mpsc::UnboundedSender<Order>,
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: Vec<_> = self.endpoints.iter().map(|endpoint| (&endpoint.spec.name, endpoint.address)).collect();
        f.debug_tuple("Loopback").field(&at).finish()
    }
}

impl Loopback {
    /// Puts a cloud on ports. When this returns, all of them take connections.
    ///
    /// # Errors
    ///
    /// When a port is taken, or the system lacks what is needed.
    pub fn start(
        cloud: Arc<Mutex<dyn Cloud>>,
        endpoints: Vec<EndpointSpec>,
        clock: Clock,
        journal: impl Into<Journal>,
    ) -> Result<Self, LoopbackError> {
        let env = Env::os();
        let mut token = [0; 16];
        env.crypto.random(&mut token).map_err(LoopbackError::Start)?;
        let names: Vec<String> = endpoints.iter().filter(|spec| spec.tls).flat_map(EndpointSpec::names).collect();
        let certificates = if names.is_empty() {
            None
        } else {
            Some(Certificates::new(&names, &env).map_err(LoopbackError::Certificates)?)
        };
        let authority = certificates.as_ref().map(|certificates| certificates.authority.clone()).unwrap_or_default();
        let house = House { cloud, clock, journal: journal.into(), token: hex(&token), certificates };
        let (stop, stopped) = oneshot::channel();
        let (report, standing) = reports::channel();
        let thread = thread::Builder::new().name("loopback-cloud".to_owned());
        let thread = thread.spawn(move || run(house, endpoints, stopped, &report)).map_err(LoopbackError::Start)?;
        let mut loopback = Loopback { endpoints: Vec::new(), authority, stop: Some(stop), thread: Some(thread) };
        loopback.endpoints = standing.recv().unwrap_or(Err(LoopbackError::Gone))?;
        Ok(loopback)
    }

    /// The endpoint as `--kms-endpoint` and `--token-endpoint` state it; nothing where there is no such endpoint.
    pub fn flag(&self, name: &str) -> Option<String> {
        self.endpoint(name).ok().map(Endpoint::flag)
    }

    /// The same for the token service, if the cloud has one.
    pub fn token_flag(&self) -> Option<String> {
        self.endpoints.iter().find(|endpoint| endpoint.spec.service == "tokens").map(Endpoint::flag)
    }

    /// The endpoints of the key service as `--kms-endpoint` states them, in their order.
    pub fn kms_flags(&self) -> Vec<String> {
        self.endpoints.iter().filter(|endpoint| endpoint.spec.service == "kms").map(Endpoint::flag).collect()
    }

    /// Where an endpoint listens.
    pub fn address(&self, name: &str) -> Option<SocketAddr> {
        self.endpoint(name).ok().map(|endpoint| endpoint.address)
    }

    /// The authority of all certificates, as PEM, for `--cloud-ca`. Empty where no endpoint speaks TLS.
    pub fn ca_pem(&self) -> &str {
        &self.authority
    }

    /// Changes what an endpoint does with connections. When this returns, it holds. Returned is what was drawn for it.
    /// States of the service (throttling, failing, slow answers) leave connections alone: they are the account's to plan.
    ///
    /// # Errors
    ///
    /// When there is no such endpoint, or its port cannot be had again.
    pub fn set(&self, name: &str, state: &EndpointState) -> Result<Option<Drawn>, LoopbackError> {
        let endpoint = self.endpoint(name)?;
        let phase = endpoint.spec.phase;
        let drawn = |what: &str| Some(Drawn { what: format!("when {name} {what}"), value: phase.as_str().to_owned() });
        let unheard = Conduct::Silent(Phase::BeforeHandshake);
        let (open, conduct, drawn) = match state {
            EndpointState::Rejected | EndpointState::Initiating | EndpointState::Vanished => (true, unheard, None),
            EndpointState::Refusing => (false, unheard, None),
            EndpointState::Resetting => (true, Conduct::Cut(phase), drawn("cuts connections")),
            EndpointState::BlackHoled => (true, Conduct::Silent(phase), drawn("falls silent")),
            EndpointState::CertificateExpired => (true, Conduct::ShowExpired, None),
            EndpointState::Misnamed => (true, Conduct::ShowMisnamed, None),
            EndpointState::Available
            | EndpointState::Denying
            | EndpointState::Throttling
            | EndpointState::Failing(_)
            | EndpointState::Garbling
            | EndpointState::Truncating
            | EndpointState::Slow(_) => (true, Conduct::Serve, None),
        };
        endpoint.order(open, conduct)?;
        Ok(drawn)
    }

    /// Lets all connections through again.
    ///
    /// # Errors
    ///
    /// When a port cannot be had again.
    pub fn heal(&self) -> Result<(), LoopbackError> {
        self.endpoints.iter().try_for_each(|endpoint| endpoint.order(true, Conduct::Serve))
    }

    /// How a state differs here from what it is in a simulation; nothing where it is the same.
    pub fn differs(state: &EndpointState) -> Option<&'static str> {
        match state {
            EndpointState::Rejected => {
                Some("connections are accepted and nothing answers: packets cannot be made to vanish")
            }
            EndpointState::Initiating | EndpointState::Vanished => {
                Some("connections are accepted and nothing answers: DNS cannot be changed")
            }
            _ => None,
        }
    }

    fn endpoint(&self, name: &str) -> Result<&Endpoint, LoopbackError> {
        let found = self.endpoints.iter().find(|endpoint| endpoint.spec.name == name);
        found.ok_or_else(|| LoopbackError::NoSuchEndpoint(name.to_owned()))
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // Should it have panicked, it has said so, and has ended all the same.
            let _ = thread.join();
        }
    }
}

impl Endpoint {
    fn flag(&self) -> String {
        let EndpointSpec { server, private, service, tls, .. } = &self.spec;
        if !tls {
            return format!("http://{}", self.address);
        }
        let class = match (*service, private) {
            ("kms", true) => "private:",
            ("kms", false) => "public:",
            _ => "",
        };
        format!("{class}https://{server},dial={}", self.address)
    }

    fn order(&self, open: bool, conduct: Conduct) -> Result<(), LoopbackError> {
        let (done, confirmed) = reports::channel();
        self.orders.send(Order { open, conduct, done }).map_err(|_| LoopbackError::Gone)?;
        let turned = confirmed.recv().map_err(|_| LoopbackError::Gone)?;
        turned.map_err(|why| LoopbackError::Listen { at: self.address, why })
    }
}

/// What all endpoints share.
struct House {
    cloud: Arc<Mutex<dyn Cloud>>,
    clock: Clock,
    journal: Journal,
    token: String,
    certificates: Option<Certificates>,
}

/// The thread of a cloud: everything in it ends with it.
fn run(
    house: House,
    endpoints: Vec<EndpointSpec>,
    stopped: oneshot::Receiver<Infallible>,
    report: &reports::Sender<Result<Vec<Endpoint>, LoopbackError>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = report.send(Err(LoopbackError::Start(error)));
            return;
        }
    };
    runtime.block_on(async {
        let House { cloud, clock, journal, token, certificates } = house;
        let front = match Front::start(cloud, clock, journal.clone(), token.clone()).await {
            Ok(front) => front,
            Err(error) => {
                let _ = report.send(Err(LoopbackError::Start(error)));
                return;
            }
        };
        let mut relays = JoinSet::new();
        let open = |spec: EndpointSpec| {
            let failed = |why| LoopbackError::Listen { at: spec.listen, why };
            let listener = relay::listening(spec.listen).map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            let seal = Seal::new(&token, &spec.name, spec.private);
            let relay = Relay {
                known_as: spec.known_as,
                service: spec.service,
                private: spec.private,
                certificates: certificates.clone().filter(|_| spec.tls),
                front: front.address(),
                seal: seal.map_err(|_| LoopbackError::Name(spec.name.clone()))?,
                journal: journal.clone(),
                conduct: Mutex::default(),
            };
            let (orders, ordered) = mpsc::unbounded_channel();
            relays.spawn(Arc::new(relay).serve(listener, ordered));
            Ok(Endpoint { spec, address, orders })
        };
        let standing: Result<Vec<Endpoint>, LoopbackError> = endpoints.into_iter().map(open).collect();
        let stands = standing.is_ok();
        if report.send(standing).is_ok() && stands {
            let _ = stopped.await;
        }
        relays.shutdown().await;
        front.stop().await;
    });
}
