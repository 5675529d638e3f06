//! The tables of a scenario file, exactly as they are written.
//!
//! From these structs come the reader and the JSON Schema; the comments on fields are what editors show. Two rules keep
//! every mistake at its place: no tagged, untagged or flattened tables (serde loses positions in them), and strings stay
//! [`Text`] until the check. A default is written here and nowhere else.

use kmip_proxy::keys::Provider;
use kmip_proxy::kms::Class;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{CredentialsKind, Database, Expected, GivenBy, Metadata, Outcome, Running};
use super::text::{Located, Text};
use super::values::{EndpointName, KeyName, Period, Region, Seed, Sentence, ServerName, Time, TimeRange, Version};
use super::verbs::EventFile;
use super::words::{KeyState, Persona};

/// A scenario: what there is, what happens when, and what must come of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table", rename = "Scenario")]
pub(super) struct ScenarioFile {
    /// The version of this format. A new minor version adds keys, a new major version changes what keys mean.
    pub(super) format: Text<Version>,
    /// What happens, in one line.
    pub(super) title: Text<Sentence>,
    /// Why it is worth playing: the misfortune in the real world.
    pub(super) why: Text<Sentence>,
    /// How long to play, at most 24h. Then everything around is healed, and mongod is started once more.
    pub(super) end: Text<Time>,
    /// What that last start must find: `opens` if MongoDB gets its key, `stays-closed` if it cannot.
    #[serde(rename = "final")]
    pub(super) outcome: Text<Outcome>,
    /// Seeds that are always played: those that once found something.
    #[serde(default)]
    pub(super) seeds: Vec<Text<Seed>>,
    /// Whose keys wrap, and whose cloud there is: the file is played once with each, in this order. `local` is a key file,
    /// and no cloud.
    #[serde(default = "aws_alone")]
    pub(super) provider: Vec<Text<Provider>>,
    /// What there is. Say only what matters here; all of it has defaults.
    #[serde(default)]
    pub(super) world: WorldFile,
    /// What happens, one event a line, in order of time.
    pub(super) timeline: Vec<Located<EventFile>>,
}

fn aws_alone() -> Vec<Text<Provider>> {
    vec![Text::default("aws")]
}

/// What there is before anything happens.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table", rename = "World")]
pub(super) struct WorldFile {
    /// The database.
    pub(super) mongod: MongodFile,
    /// The proxy under test. It runs from the beginning.
    pub(super) proxy: ProxyFile,
    /// The provider's key service.
    pub(super) kms: Located<KmsFile>,
    /// The credentials that the proxy is given.
    pub(super) credentials: CredentialsFile,
    /// The wrapped key in the snapshot.
    pub(super) snapshot: Located<SnapshotFile>,
    /// The network.
    pub(super) network: NetworkFile,
    /// For canaries only: a host that is not deterministic, which the lab must notice.
    pub(super) saboteur: Located<bool>,
}

/// The database.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table", rename = "Mongod")]
pub(super) struct MongodFile {
    /// Which client is played.
    pub(super) persona: Text<Persona>,
    /// `snapshot`: restored data files, whose key is wrapped in the dbpath. `empty`: the first start makes the key.
    pub(super) database: Text<Database>,
    /// `security.kmip.activateKeys`: asks for the key's state before the key, and activates new keys.
    pub(super) activate_keys: bool,
    /// `security.kmip.connectRetries`: how often to try again, without a pause; at most 1000.
    #[schemars(range(min = 0, max = 1000))]
    pub(super) connect_retries: Located<i64>,
    /// `security.kmip.connectTimeoutMS`, at least 1s.
    pub(super) connect_timeout: Text<Time>,
    /// `security.kmip.keyStatePollingSeconds`: whole seconds, or `off`.
    pub(super) key_state_polling: Text<Period>,
    /// `security.kmip.serverName`: the KMIP servers in the order in which they are tried. The proxy is `127.0.0.1`; no
    /// other name leads anywhere.
    pub(super) servers: Vec<Text<ServerName>>,
}

impl Default for MongodFile {
    fn default() -> Self {
        MongodFile {
            persona: Text::default("psmdb-8"),
            database: Text::default("snapshot"),
            activate_keys: true,
            connect_retries: Located::default(),
            connect_timeout: Text::default("5s"),
            key_state_polling: Text::default("900s"),
            servers: vec![Text::default("127.0.0.1")],
        }
    }
}

/// The proxy under test.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table", rename = "Proxy")]
pub(super) struct ProxyFile {
    /// `-cloudProvider`. Without it, the provider with which the file is played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cloud_provider: Option<Text<Provider>>,
    /// `--require-private-networking`: use private endpoints or none.
    pub(super) require_private_networking: Located<bool>,
    /// `--kms-deadline`: the time for all attempts of one request.
    pub(super) kms_deadline: Text<Time>,
}

impl Default for ProxyFile {
    fn default() -> Self {
        ProxyFile {
            cloud_provider: None,
            require_private_networking: Located::default(),
            kms_deadline: Text::default("4s"),
        }
    }
}

/// The provider's key service.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table", rename = "Kms")]
pub(super) struct KmsFile {
    /// The customer's keys. The first one wraps whatever nothing else is said of. At AWS, keys named `mrk-…` are
    /// multi-Region.
    pub(super) keys: Vec<Text<KeyName>>,
    /// The ways to the service, in the order in which the proxy tries them: `public`, and `private-…` for private ones.
    pub(super) endpoints: Vec<Text<EndpointName>>,
    /// What only AWS has.
    #[serde(skip_serializing)]
    pub(super) aws: Located<AwsFile>,
}

impl Default for KmsFile {
    fn default() -> Self {
        KmsFile {
            keys: vec![Text::default("cmk-1")],
            endpoints: vec![Text::default("public")],
            aws: Located::default(),
        }
    }
}

/// What only AWS has.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table", rename = "Aws")]
pub(super) struct AwsFile {
    /// The region of keys and endpoints.
    pub(super) region: Text<Region>,
    /// AWS rotates the keys by itself this often, between 90d and 2560d; the last time was 90 days before the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rotation_period: Option<Text<Time>>,
    /// A second region, with the same multi-Region keys, behind the endpoint `replica`. The proxy then finds its way by
    /// the region in the metadata file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replica: Option<Text<Region>>,
}

impl Default for AwsFile {
    fn default() -> Self {
        AwsFile { region: Text::default("us-east-1"), rotation_period: None, replica: None }
    }
}

/// The credentials that the proxy is given.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table", rename = "Credentials")]
pub(super) struct CredentialsFile {
    /// `user`: long-lived ones, as an IAM user's keys, the secret of an application, or the key of a service account.
    /// `session`: those that expire, as temporary keys with a token, or a secret with a last day. `role`: keys that may
    /// only assume a role.
    pub(super) kind: Text<CredentialsKind>,
    /// `metadata`: in the file beside the wrapped key. `flags`: on the proxy's command line.
    pub(super) given_by: Text<GivenBy>,
    /// What stands in the metadata file at the start. Without it `current`, and with `given_by = "flags"` `absent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Text<Metadata>>,
    /// When a session expires, counted from the start of the run. Without it, not before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Text<Time>>,
}

impl Default for CredentialsFile {
    fn default() -> Self {
        CredentialsFile {
            kind: Text::default("user"),
            given_by: Text::default("metadata"),
            metadata: None,
            expires: None,
        }
    }
}

/// The wrapped key in the snapshot.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table", rename = "Snapshot")]
pub(super) struct SnapshotFile {
    /// The customer's key that wrapped it. Without it, the first of `world.kms.keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wrapped_by: Option<Text<KeyName>>,
    /// The state of its KMIP object.
    pub(super) state: Text<KeyState>,
    /// Further wrapped keys in the dbpath, by the customer's keys that wrapped them. No database uses them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<Text<KeyName>>,
}

impl Default for SnapshotFile {
    fn default() -> Self {
        SnapshotFile { wrapped_by: None, state: Text::default("active"), others: vec![] }
    }
}

/// The network.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table", rename = "Network")]
pub(super) struct NetworkFile {
    /// How long a message takes one way: a range from which the seed draws. At least one tick.
    pub(super) latency: Text<TimeRange>,
    /// The step of the simulated clock. A smaller one is finer and slower.
    pub(super) tick: Text<Time>,
}

impl Default for NetworkFile {
    fn default() -> Self {
        NetworkFile { latency: Text::default("10ms..30ms"), tick: Text::default("10ms") }
    }
}

/// What must follow an event, within a time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table", rename = "Then")]
pub(super) struct ThenFile {
    /// How the last Get must be answered: `ok`, a KMIP Result Reason, or `no-answer`.
    pub(super) get: Option<Text<Expected>>,
    /// How the last Get Attributes must be answered.
    pub(super) get_attributes: Option<Text<Expected>>,
    /// How the last Register must be answered.
    pub(super) register: Option<Text<Expected>>,
    /// How the last Activate must be answered.
    pub(super) activate: Option<Text<Expected>>,
    /// How the last Create must be answered.
    pub(super) create: Option<Text<Expected>>,
    /// How the last Locate must be answered.
    pub(super) locate: Option<Text<Expected>>,
    /// How the last Encrypt must be answered.
    pub(super) encrypt: Option<Text<Expected>>,
    /// How the last Decrypt must be answered.
    pub(super) decrypt: Option<Text<Expected>>,
    /// Through which endpoint the key must have been opened or wrapped.
    pub(super) via: Option<Text<EndpointName>>,
    /// The class of failure that the operator must be told.
    pub(super) class: Option<Text<Class>>,
    /// The Result Message of the failure, exactly. `{key}` stands for the identifier of the key that was asked for,
    /// `{kms}` for the provider's key service (`AWS KMS`), `{provider}` for the provider (`aws`), `{place}` for what a
    /// customer's key has beside its name (`region`).
    pub(super) message: Option<Text<Sentence>>,
    /// The first line of what the operator is told, exactly, such as `error[key-disabled]: the CMK of key {key} is
    /// disabled`. `{key}`, `{kms}`, `{provider}` and `{place}` are as in `message`.
    pub(super) operator: Option<Text<Sentence>>,
    /// Whether mongod runs at the end of the time, or has ended by itself.
    pub(super) mongod: Option<Text<Running>>,
    /// A part of a line that mongod must write into its log.
    pub(super) log: Option<Text<Sentence>>,
    /// What `kmipProxyStandalone check` must come to, such as `1 of 2 keys open`.
    pub(super) check: Option<Text<Sentence>>,
    /// The time for all of this. Without it, until the next event.
    pub(super) within: Option<Text<Time>>,
}

impl ThenFile {
    /// The expected answers, in the order of [`super::model::Then::OPERATIONS`].
    pub(super) fn answers(&self) -> [Option<&Text<Expected>>; 8] {
        [
            &self.get,
            &self.get_attributes,
            &self.register,
            &self.activate,
            &self.create,
            &self.locate,
            &self.encrypt,
            &self.decrypt,
        ]
        .map(Option::as_ref)
    }
}
