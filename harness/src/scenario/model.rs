//! A scenario as the worlds and the checker see it: parsed, checked, and free of TOML.
//!
//! Verbs are the words of scenario files; an [`Action`] is what a verb comes down to. Worlds know actions only, so that
//! a new verb never touches a world, and a new world never touches a verb.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use kmip_proxy::keys::Provider;

/// A whole scenario, as it is played with one provider: what its file comes to for that one. Reports have a cell for each
/// seed of it.
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
    /// All providers with which the file is played; this one is [`World::provider`].
    pub providers: Vec<Provider>,
    /// What there is.
    pub world: World,
    /// What happens, in order of time.
    pub timeline: Vec<Event>,
}

impl Scenario {
    /// `family/name`, unique among all files.
    pub fn id(&self) -> String {
        format!("{}/{}", self.family, self.name)
    }

    /// `family/name[provider]`, or `family/name` where the file is played with one provider: unique among all scenarios.
    pub fn label(&self) -> String {
        if self.has_siblings() { format!("{}[{}]", self.id(), self.world.provider) } else { self.id() }
    }

    /// Whether the file is played with other providers, too.
    pub fn has_siblings(&self) -> bool {
        self.providers.len() > 1
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

impl Outcome {
    /// Its name in scenario files and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Opens => "opens",
            Outcome::StaysClosed => "stays-closed",
        }
    }
}

/// What there is before anything happens.
#[derive(Clone, Debug)]
pub struct World {
    /// Whose keys wrap, and whose cloud there is; with `local` there is none.
    pub provider: Provider,
    /// The database.
    pub mongod: Mongod,
    /// The proxy under test.
    pub proxy: Proxy,
    /// The provider's key service.
    pub kms: Kms,
    /// What only AWS has.
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
    /// `security.kmip.serverName`: the KMIP servers in the order in which they are tried. The proxy is `127.0.0.1`.
    pub servers: Vec<String>,
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

/// The key service as the world has it.
#[derive(Clone, Debug)]
pub struct Kms {
    /// The customer's keys by name, the first of which wraps what nothing else is said of.
    pub keys: Vec<String>,
    /// The endpoints in the order in which the proxy tries them.
    pub endpoints: Vec<Endpoint>,
}

/// What the world has only where it is that of AWS.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The region, in AWS' spelling.
    pub region: String,
    /// Every how many days the keys are rotated by themselves (RotationPeriodInDays), counted from 90 days before the run.
    pub rotation_period: Option<u32>,
    /// A second region, which has the multi-Region keys too and is reached through the endpoint `replica`. Then the proxy
    /// is given no endpoints: it finds the public one of the region in the metadata file.
    pub replica: Option<String>,
}

impl Aws {
    /// Whether a key is a multi-Region one: AWS gives the ids of those, and of no others, this prefix.
    pub fn is_multi_region(key: &str) -> bool {
        key.starts_with("mrk-")
    }
}

/// A way to the key service.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name in the file: `private-…` for a private one, `public` for the public one.
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
    /// What stands in the metadata file at the start.
    pub metadata: Metadata,
    /// When they expire, counted from the start of the run. Sessions only.
    pub expires: Option<Duration>,
}

/// What kind of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsKind {
    /// Long-lived ones: an IAM user's keys; the secret of an application; the key of a service account.
    User,
    /// Those that expire: temporary keys with a session token; the secret of an application with a last day.
    Session,
    /// AWS alone: an IAM user's keys that may do nothing but assume a role through STS (`--role-arn`).
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

/// What stands in the credentials metadata file of a key at the start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// The credentials that are valid.
    Current,
    /// Credentials of the day of the snapshot, which nobody accepts any more.
    Outdated,
    /// An Atlas role id, and no keys.
    RoleId,
    /// The keys of a session without its token.
    WithoutToken,
    /// There is no such file.
    Absent,
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
    /// Further wrapped keys beside it, by the names of the customer's keys that wrapped them. No database uses them.
    pub others: Vec<String>,
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, counted from the start of the run.
    pub at: When,
    /// The verb, as written.
    pub verb: &'static str,
    /// What happens, in the words of the file: `reject = "private-a"`. Neither the moment nor what must follow is in it, so
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Starts a process; one that runs is restarted.
    Start(Process),
    /// Starts the proxy with other flags.
    StartProxy {
        /// `-cloudProvider` from now on.
        cloud_provider: Option<Provider>,
        /// `--kms-key` from now on: the customer's key, by name, that wraps new keys.
        kms_key: Option<String>,
    },
    /// Starts mongod with `--kmipRotateMasterKey`: it makes a new master key and ends.
    RotateMasterKey,
    /// Ends a process as SIGTERM does.
    Stop(Process),
    /// Ends a process as SIGKILL does.
    Crash(Process),
    /// Ends both processes, and the disk forgets what was not synced.
    PowerCut {
        /// Not at once, but right after the disk operation of this number from now, which the seed draws.
        at_write: Option<RangeInclusive<u64>>,
    },
    /// Nothing reaches a process or leaves it any more, and it does not end.
    Stall(Process),
    /// What a stalled process missed reaches it.
    Resume(Process),
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
    /// The role trusts the proxy's user, or no longer.
    Role {
        /// Whether it does.
        trusted: bool,
    },
    /// The cloud stops accepting the current credentials.
    ExpireCredentials,
    /// The cloud issues new credentials, and the operator writes them into the metadata file (or restarts the proxy
    /// with new flags).
    RenewCredentials,
    /// The operator writes the credentials that are valid into the metadata files.
    EditMetadata {
        /// And this region.
        region: Option<String>,
    },
    /// The operator writes another customer's key into the wrapped key files.
    EditKeyFile {
        /// By its name.
        kms_key: String,
    },
    /// Something happens to the files of wrapped keys.
    File {
        /// To which.
        file: KeptFile,
        /// What.
        change: FileChange,
    },
    /// The disk has no room for a byte more, or has again.
    Disk {
        /// Whether it is full.
        full: bool,
    },
    /// Somebody runs `kmipProxyStandalone check` on the machine, with the flags of the proxy.
    Check,
    /// An administrator changes the KMIP object that is the database's master key.
    Object(ObjectChange),
    /// The machine's wall clock is off by so much from now on.
    Skew {
        /// Whether it is ahead of the true time (else behind).
        ahead: bool,
        /// By how much.
        by: Duration,
    },
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

/// Declares the states of an endpoint with their names in reports.
macro_rules! endpoint_states {
    ($($(#[doc = $doc:literal])+ $State:ident $(($Of:ty))? = $name:literal,)+) => {
        /// What an endpoint does with connections.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum EndpointState {
            $($(#[doc = $doc])+ $State $(($Of))?,)+
        }

        impl EndpointState {
            /// The names of all states, in the order of the documents.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Its name in reports.
            pub fn name(&self) -> &'static str {
                match self {
                    $(EndpointState::$State { .. } => $name,)+
                }
            }
        }
    };
}

endpoint_states! {
    /// Connections reach the service: ACTIVE.
    Available = "available",
    /// The endpoint is being made, and its name is not known yet: INITIATING.
    Initiating = "initiating",
    /// Packets vanish: a rejected endpoint.
    Rejected = "rejected",
    /// Connections stand, and then nothing comes back any more. The seed draws in which phase.
    BlackHoled = "black-holed",
    /// Connections are refused at once.
    Refusing = "refusing",
    /// Connections are cut. The seed draws in which phase.
    Resetting = "resetting",
    /// The endpoint was deleted, and its name with it.
    Vanished = "vanished",
    /// The certificate has expired.
    CertificateExpired = "certificate-expired",
    /// The certificate is for another name.
    Misnamed = "misnamed",
    /// The endpoint's policy lets nothing pass.
    Denying = "denying",
    /// The service asks to be asked less often.
    Throttling = "throttling",
    /// The service answers every call with this error code, or, without one, says that it failed by itself.
    Failing(Option<String>) = "failing",
    /// Something else answers, as a captive portal does.
    Garbling = "garbling",
    /// Answers break off before they end.
    Truncating = "truncating",
    /// Answers come this much later.
    Slow(Duration) = "slow",
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
    /// The proxy's principal may not use it any more.
    Deny,
    /// Every policy allows its use again.
    Allow,
    /// The key's own policy denies whatever does not come through a private endpoint.
    Restrict,
    /// DisconnectCustomKeyStore: the key is Unavailable.
    Disconnect,
    /// ConnectCustomKeyStore.
    Connect,
}

/// A kind of file that is kept for each wrapped key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptFile {
    /// `<keyID>.<provider>.metadata`: the credentials.
    Metadata,
    /// `<keyID>.<provider>.key.json`: the wrapped key with its attributes.
    KeyFile,
    /// The wrapped key in that file.
    WrappedKey,
}

/// What can happen to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// It is gone.
    Remove,
    /// Its second half is gone; of a wrapped key, one bit is another.
    Damage,
    /// Nobody may read it.
    Forbid,
    /// It is what it was before the first of these.
    Restore,
}

/// What an administrator can do to a KMIP object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectChange {
    /// Revoke: Deactivated.
    Revoke,
    /// Revoke with the reason Key Compromise: Compromised.
    Compromise,
    /// Destroy.
    Destroy,
}

/// What must follow an event.
#[derive(Clone, Debug, Default)]
pub struct Then {
    /// How operations must be answered, last within the window, in the order of [`Then::OPERATIONS`].
    pub answers: [Option<Expected>; Then::OPERATIONS.len()],
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
    /// A part of a line that mongod must write into its log.
    pub log: Option<String>,
    /// What `kmipProxyStandalone check` must come to, such as `1 of 2 keys open`.
    pub check: Option<String>,
    /// How long all of this may take; else until the next event.
    pub within: Option<Duration>,
    /// Where the table stands in the source, in bytes.
    pub span: Range<usize>,
}

impl Then {
    /// The operations whose answers can be expected, by their names in the trace.
    pub const OPERATIONS: [&str; 8] =
        ["Get", "GetAttributes", "Register", "Activate", "Create", "Locate", "Encrypt", "Decrypt"];
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
