//! A scenario as the worlds and the checker see it: parsed, checked, and free of TOML.
//!
//! Verbs are the words of scenario files; an [`Action`] is what a verb comes down to. Worlds know actions only, so that
//! a new verb never touches a world, and a new world never touches a verb.

use std::ops::Range;
use std::time::Duration;

use kmip_proxy::keys::Provider;

/// A whole scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The family: the name of the folder.
    pub family: String,
    /// The name within the family: the file's stem.
    pub name: String,
    /// The path as it was given, for messages and replay lines.
    pub path: String,
    /// The text of the file, to point into.
    pub source: String,
    /// One line that says what happens.
    pub title: String,
    /// Why it is worth playing.
    pub why: String,
    /// How long to play, in simulated time, before the epilogue.
    pub end: Duration,
    /// What the epilogue must find once everything around is healed.
    pub outcome: Outcome,
    /// Seeds that are always played: pinned regressions.
    pub seeds: Vec<u64>,
    /// What there is.
    pub world: World,
    /// What happens, in order of time.
    pub timeline: Vec<Event>,
}

impl Scenario {
    /// `family/name`, unique among all scenarios.
    pub fn id(&self) -> String {
        format!("{}/{}", self.family, self.name)
    }
}

/// How a scenario ends after healing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// MongoDB gets its key.
    Opens,
    /// MongoDB does not get its key, whatever is healed around it.
    StaysClosed,
}

/// What there is before anything happens.
#[derive(Clone, Debug)]
pub struct World {
    /// The database.
    pub mongod: Mongod,
    /// The proxy under test.
    pub proxy: Proxy,
    /// AWS KMS.
    pub aws: Aws,
    /// What stands in the metadata file, or on the command line.
    pub credentials: Credentials,
    /// How the master key of the snapshot was wrapped.
    pub snapshot: Snapshot,
    /// One-way network latency, drawn per message from this range.
    pub latency: Range<Duration>,
    /// The step of the simulated clock.
    pub tick: Duration,
    /// A host that is not deterministic, to prove that the lab notices. Only canaries have one.
    pub saboteur: bool,
}

/// The database's side.
#[derive(Clone, Debug)]
pub struct Mongod {
    /// Which client is played, such as `psmdb-8`.
    pub persona: String,
    /// Whether the data files exist already.
    pub database: Database,
    /// `security.kmip.activateKeys`.
    pub activate_keys: bool,
    /// `security.kmip.connectRetries`.
    pub connect_retries: u32,
    /// `security.kmip.connectTimeoutMS`.
    pub connect_timeout: Duration,
    /// `security.kmip.keyStatePollingSeconds`; `None` switches polling off.
    pub key_state_polling: Option<Duration>,
}

/// Whether mongod has been here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A snapshot whose master key is wrapped in the dbpath.
    Snapshot,
    /// Nothing yet: the first start makes the key.
    Empty,
}

/// The proxy's command line.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `-cloudProvider`.
    pub cloud_provider: Provider,
    /// `--require-private-networking`.
    pub require_private_networking: bool,
    /// `--kms-deadline`.
    pub kms_deadline: Duration,
}

/// AWS KMS as the world has it.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The region, in AWS' spelling.
    pub region: String,
    /// The customer's keys by name, the first of which wraps what nothing else is said of.
    pub keys: Vec<String>,
    /// The endpoints in the order in which the proxy tries them.
    pub endpoints: Vec<Endpoint>,
}

/// A way to KMS.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name in the file: `vpce-…` for a private one, `public` for the public one.
    pub name: String,
    /// Whether its address is private.
    pub private: bool,
}

/// The credentials that the proxy is given.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// What kind of credentials they are.
    pub kind: CredentialsKind,
    /// Where the proxy finds them.
    pub given_by: GivenBy,
    /// When they expire, counted from the start of the run. Sessions only.
    pub expires: Option<Duration>,
}

/// What kind of AWS credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsKind {
    /// An IAM user's long-lived keys.
    User,
    /// Temporary keys with a session token.
    Session,
    /// An IAM user's keys that may do nothing but assume a role through STS (`--role-arn`).
    Role,
}

/// Where credentials are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenBy {
    /// In the metadata file beside the wrapped key.
    Metadata,
    /// On the proxy's command line.
    Flags,
}

/// The wrapped key in the snapshot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The provider that wrapped it.
    pub provider: Provider,
    /// The customer's key that wrapped it, by name; for `local` nothing.
    pub wrapped_by: Option<String>,
    /// Whether the KMIP object is Active already (else Pre-Active).
    pub active: bool,
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, counted from the start of the run.
    pub at: When,
    /// The verb, as written.
    pub verb: &'static str,
    /// What happens, in the words of the file: `reject = "vpce-a"`. Neither the moment nor what must follow is in it, so
    /// that a run does not depend on what is expected of it.
    pub text: String,
    /// The line number in the file, from 1.
    pub line: u32,
    /// Where the line stands in the source, in bytes.
    pub span: Range<usize>,
    /// What the verb comes down to.
    pub action: Action,
    /// What must follow.
    pub then: Option<Then>,
}

/// A moment, or a range from which the seed draws one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Exactly then.
    At(Duration),
    /// Somewhere in the range, both ends included, drawn from the seed.
    Between(Duration, Duration),
}

impl When {
    /// The earliest moment.
    pub fn earliest(&self) -> Duration {
        match self {
            When::At(at) | When::Between(at, _) => *at,
        }
    }

    /// The latest moment.
    pub fn latest(&self) -> Duration {
        match self {
            When::At(at) | When::Between(_, at) => *at,
        }
    }
}

/// What a world can be asked to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Starts a process; one that runs is restarted.
    Start(Process),
    /// Starts the proxy with another `-cloudProvider`.
    StartProxy {
        /// The provider from now on.
        cloud_provider: Provider,
    },
    /// Starts mongod with `--kmipRotateMasterKey`: it makes a new master key and ends.
    RotateMasterKey,
    /// Ends a process as SIGTERM does.
    Stop(Process),
    /// Ends a process as SIGKILL does.
    Crash(Process),
    /// Ends both processes, and the disk forgets what was not synced.
    PowerCut,
    /// Changes what an endpoint does with connections.
    Endpoint {
        /// The endpoint's name.
        name: String,
        /// Its new state.
        state: EndpointState,
    },
    /// Changes a customer's key.
    Key {
        /// The key's name.
        name: String,
        /// What is done to it.
        change: KeyChange,
    },
    /// The cloud stops accepting the current credentials.
    ExpireCredentials,
    /// The cloud issues new credentials, and the operator writes them into the metadata file (or restarts the proxy
    /// with new flags).
    RenewCredentials,
    /// All wall clocks jump forward; timers do not.
    Pass(Duration),
}

/// A process of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Process {
    /// The database.
    Mongod,
    /// The proxy under test.
    Proxy,
}

impl Process {
    /// Its name in scenario files and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Process::Mongod => "mongod",
            Process::Proxy => "proxy",
        }
    }
}

/// What an endpoint does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// Connections reach the service.
    Available,
    /// Packets vanish: a rejected or black-holed endpoint.
    Rejected,
    /// Connections are refused at once.
    Refusing,
    /// The service is there but cuts the connection in the middle of its answer.
    Resetting,
}

impl EndpointState {
    /// Every state.
    pub const ALL: &[EndpointState] =
        &[EndpointState::Available, EndpointState::Rejected, EndpointState::Refusing, EndpointState::Resetting];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            EndpointState::Available => "available",
            EndpointState::Rejected => "rejected",
            EndpointState::Refusing => "refusing",
            EndpointState::Resetting => "resetting",
        }
    }
}

/// What can be done to a customer's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// DisableKey.
    Disable,
    /// EnableKey.
    Enable,
    /// RotateKeyOnDemand: new material, the old one still opens what it wrapped.
    Rotate,
    /// ScheduleKeyDeletion.
    ScheduleDeletion,
    /// CancelKeyDeletion, which leaves the key disabled.
    CancelDeletion,
}

/// What must follow an event.
#[derive(Clone, Debug, Default)]
pub struct Then {
    /// How Get must be answered, last within the window.
    pub get: Option<Expected>,
    /// How Get Attributes must be answered.
    pub get_attributes: Option<Expected>,
    /// How Register must be answered.
    pub register: Option<Expected>,
    /// How Activate must be answered.
    pub activate: Option<Expected>,
    /// Through which endpoint the key must have been opened.
    pub via: Option<String>,
    /// The class that the operator's message must have.
    pub class: Option<String>,
    /// The ResultMessage, exactly.
    pub message: Option<String>,
    /// The first line of the operator's message, exactly.
    pub operator: Option<String>,
    /// Whether mongod runs at the end of the window.
    pub mongod: Option<Running>,
    /// How long all of this may take; else until the next event.
    pub within: Option<Duration>,
    /// Where the table stands in the source, in bytes.
    pub span: Range<usize>,
}

/// An expected answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Success.
    Ok,
    /// OperationFailed with this ResultReason, in kebab case as in `permission-denied`.
    Reason(String),
    /// No answer at all.
    NoAnswer,
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// It runs.
    Running,
    /// It ended by itself, refusing to go on.
    Exited,
}
