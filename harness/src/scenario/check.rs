//! What the file means: everything that TOML and types cannot know, all mistakes at once.
//!
//! Each part is read completely before the first missing piece gives up on it, so that one mistake does not hide
//! another. A file is checked once for each provider with which it is played.

use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::time::Duration;

use kmip_proxy::keys::Provider;

use super::clouds;
use super::file::{CredentialsFile, KmsFile, MongodFile, NetworkFile, ProxyFile, ScenarioFile, SnapshotFile};
use super::mistake::Mistakes;
use super::model::{
    Aws, Credentials, CredentialsKind, Database, Endpoint, GivenBy, Kms, Metadata, Mongod, Outcome, Proxy, Scenario,
    Snapshot, World,
};
use super::text::{Literal, Located, Text};
use super::timeline;
use super::values::{PRIVATE, REPLICA, Time, written};
use super::verbs::{Declared, find_declared};
use super::words::OWN_PROVIDER;

/// The longest run, in simulated time.
const LONGEST_RUN: Duration = Duration::from_hours(24);

/// The most retries that mongod is played with.
const MOST_RETRIES: u32 = 1000;

/// The most endpoints, keys or servers of a world: each endpoint is a host, and each host costs a turn in every tick.
const MOST_NAMES: usize = 16;

/// The family of the scenarios that must go wrong.
const CANARIES: &str = "canaries";

/// The providers with which a file is played.
pub(super) fn providers(file: &ScenarioFile, mistakes: &mut Mistakes) -> Vec<Provider> {
    if file.provider.is_empty() {
        let labels = [(file.title.span(), "a scenario without a provider")];
        mistakes
            .push("the list of providers is empty".to_owned(), labels)
            .help("name one, or leave `provider` out for `aws`");
    }
    let mut providers: Vec<Provider> = Vec::new();
    for (index, text) in file.provider.iter().enumerate() {
        let Some(provider) = text.read(mistakes) else { continue };
        if let Some(first) = file.provider[..index].iter().find(|first| first.as_str() == text.as_str()) {
            let labels = [(text.span(), "again"), (first.span(), "here already")];
            mistakes.push(format!("the provider `{provider}` is listed twice"), labels);
        } else {
            providers.push(provider);
        }
    }
    providers
}

/// Turns a file into a scenario for one of its providers. Where it cannot, it says why in `mistakes`; a scenario with
/// mistakes is none either.
pub(super) fn check(
    file: &ScenarioFile,
    provider: Provider,
    providers: &[Provider],
    path: &str,
    family: &str,
    source: &str,
    mistakes: &mut Mistakes,
) -> Option<Scenario> {
    file.format.read(mistakes);
    let title = file.title.read(mistakes);
    let why = file.why.read(mistakes);
    let end = time(&file.end, Duration::from_millis(1)..=LONGEST_RUN, mistakes);
    let outcome = file.outcome.read(mistakes);
    let seeds: Vec<_> = file.seeds.iter().filter_map(|seed| seed.read(mistakes)).collect();

    let world = &file.world;
    let cell = Cell { provider, listed: &file.provider };
    let cloud = uses_cloud(file, provider);
    let names = Names::declared(&world.kms.value, cloud);
    let mongod = mongod(&world.mongod, mistakes);
    let proxy = proxy(&world.proxy, provider, mistakes);
    let kms = kms(&world.kms, provider, cloud, mistakes);
    let aws = aws(&world.kms.value, &cell, mistakes);
    let credentials = credentials(&world.credentials, &cell, mistakes);
    let snapshot = snapshot(file, provider, &names, mistakes);
    let network = network(&world.network, mistakes);
    if world.saboteur.value && family != CANARIES {
        let label = "only canaries may be nondeterministic";
        mistakes
            .push("a saboteur outside canaries/".to_owned(), [(world.saboteur.span.clone(), label)])
            .help("remove the line; a scenario must give the same trace for the same seed");
    }
    private_networking(file, outcome, cloud, mistakes);
    if let (Some(mongod), Some(proxy)) = (&mongod, &proxy) {
        deadline(file, mongod, proxy, mistakes);
    }
    let timeline = timeline::check(file, source, end, &cell, cloud, &names, mistakes);

    let (latency, tick) = network?;
    Some(Scenario {
        family: family.to_owned(),
        name: Path::new(path).file_stem()?.to_str()?.to_owned(),
        path: path.to_owned(),
        source: source.to_owned(),
        title: title?,
        why: why?,
        end: end?,
        outcome: outcome?,
        seeds,
        providers: providers.to_vec(),
        world: World {
            provider,
            mongod: mongod?,
            proxy: proxy?,
            kms: kms?,
            aws: aws?,
            credentials: credentials?,
            snapshot: snapshot?,
            latency,
            tick,
            saboteur: world.saboteur.value,
        },
        timeline: timeline?,
    })
}

/// The provider with which the file is played this time, and the list that says so.
pub(super) struct Cell<'a> {
    pub(super) provider: Provider,
    listed: &'a [Text<Provider>],
}

impl Cell<'_> {
    /// Something that this provider does not have: a mistake, as long as the provider is listed.
    pub(super) fn lacks(&self, what: &str, span: Range<usize>, mistakes: &mut Mistakes) {
        let provider = self.provider;
        let label = format!("not with `{provider}`");
        let listed = self.listed.iter().find(|text| text.as_str() == provider.as_str()).map(Text::span);
        mistakes
            .push(
                format!("{} has {what}", provider.title()),
                [(span, label.as_str()), (listed.unwrap_or_default(), "which is to play it, too")],
            )
            .help(format!("take `{provider}` out of `provider`, or write another scenario for it"));
    }
}

/// The names that verbs and expectations can refer to.
pub(super) struct Names {
    /// The endpoints.
    pub(super) endpoints: Vec<Declared>,
    /// The customer's keys.
    pub(super) keys: Vec<Declared>,
}

impl Names {
    fn declared(kms: &KmsFile, cloud: bool) -> Self {
        if !cloud {
            return Names { endpoints: Vec::new(), keys: Vec::new() };
        }
        fn all<L>(texts: &[Text<L>]) -> Vec<Declared> {
            texts.iter().map(|text| Located { value: text.as_str().to_owned(), span: text.span() }).collect()
        }
        let mut endpoints = all(&kms.endpoints);
        let replica = kms.aws.value.replica.as_ref();
        endpoints.extend(replica.map(|replica| Located { value: REPLICA.to_owned(), span: replica.span() }));
        Names { endpoints, keys: all(&kms.keys) }
    }
}

/// A time within bounds.
pub(super) fn time(text: &Text<Time>, bounds: RangeInclusive<Duration>, mistakes: &mut Mistakes) -> Option<Duration> {
    let time = text.read(mistakes)?;
    let (label, limit) = match (bounds.start(), bounds.end()) {
        (least, _) if time < *least => ("too short here", format!("at least `{}`", written(*least))),
        (_, most) if time > *most => ("too long here", format!("at most `{}`", written(*most))),
        _ => return Some(time),
    };
    mistakes
        .push(format!("`{}` is out of bounds", text.as_str()), [(text.span(), label)])
        .help(format!("write {limit}"));
    None
}

/// Whether the provider's cloud takes part: because it wrapped the snapshot's key, or as the proxy's provider at any time.
fn uses_cloud(file: &ScenarioFile, provider: Provider) -> bool {
    if provider == Provider::Local {
        return false;
    }
    let started = file.world.proxy.cloud_provider.as_ref();
    let restarted = file.timeline.iter().filter_map(|line| line.value.cloud_provider.as_ref());
    file.world.mongod.database.as_str() == "snapshot"
        || started.is_none_or(|started| started.as_str() == provider.as_str())
        || restarted.into_iter().any(|restarted| [OWN_PROVIDER, provider.as_str()].contains(&restarted.as_str()))
}

fn mongod(file: &MongodFile, mistakes: &mut Mistakes) -> Option<Mongod> {
    let persona = file.persona.read(mistakes);
    let database = file.database.read(mistakes);
    // PSMDB refuses less than 1000 ms for connectTimeoutMS.
    let connect_timeout = time(&file.connect_timeout, Duration::from_secs(1)..=Duration::from_hours(1), mistakes);
    let key_state_polling = file.key_state_polling.read(mistakes);
    let polling = &file.key_state_polling;
    if key_state_polling.flatten().is_some_and(|period| period.is_zero() || period.subsec_nanos() != 0) {
        let label = "not a whole number of seconds from 1s";
        mistakes
            .push(format!("mongod cannot poll every `{}`", polling.as_str()), [(polling.span(), label)])
            .help("write whole seconds, or `off`");
    }
    let retries = &file.connect_retries;
    let connect_retries = u32::try_from(retries.value).ok().filter(|retries| *retries <= MOST_RETRIES);
    if connect_retries.is_none() {
        let label = "not a number of retries";
        mistakes
            .push(format!("mongod cannot retry {} times", retries.value), [(retries.span.clone(), label)])
            .help(format!("write a number from 0 to {MOST_RETRIES}"));
    }
    let servers = distinct("server", &file.servers, 0..0, mistakes);
    Some(Mongod {
        persona: persona?.0.to_owned(),
        database: database?,
        activate_keys: file.activate_keys,
        connect_retries: connect_retries?,
        connect_timeout: connect_timeout?,
        key_state_polling: key_state_polling?,
        servers,
    })
}

fn proxy(file: &ProxyFile, provider: Provider, mistakes: &mut Mistakes) -> Option<Proxy> {
    let cloud_provider = match &file.cloud_provider {
        Some(cloud_provider) => cloud_provider.read(mistakes),
        None => Some(provider),
    };
    let kms_deadline = time(&file.kms_deadline, Duration::from_millis(100)..=Duration::from_mins(10), mistakes);
    Some(Proxy {
        cloud_provider: cloud_provider?,
        require_private_networking: file.require_private_networking.value,
        kms_deadline: kms_deadline?,
    })
}

fn kms(file: &Located<KmsFile>, provider: Provider, cloud: bool, mistakes: &mut Mistakes) -> Option<Kms> {
    if !cloud && file.is_written() {
        let message = match provider {
            Provider::Local => "nothing in this world uses a key service".to_owned(),
            cloud => format!("nothing in this world uses {}", cloud.title()),
        };
        mistakes
            .push(message, [(file.span.clone(), "declared, but never used")])
            .help("remove it, or let the proxy or the snapshot use a cloud");
    }
    let kms = &file.value;
    let keys = distinct("key", &kms.keys, file.span.clone(), mistakes);
    let endpoints = distinct("endpoint", &kms.endpoints, file.span.clone(), mistakes);
    if let Some(replica) = kms.endpoints.iter().find(|endpoint| endpoint.as_str() == REPLICA) {
        mistakes
            .push("`replica` is no endpoint of the first region".to_owned(), [(replica.span(), "declared here")])
            .help("name the second region, `replica = \"us-west-2\"`: its endpoint comes with it");
    }
    let endpoint = |name: String| Endpoint { private: name.starts_with(PRIVATE), name };
    let endpoints = if cloud { endpoints.into_iter().map(endpoint).collect() } else { Vec::new() };
    Some(Kms { keys, endpoints })
}

fn aws(kms: &KmsFile, cell: &Cell<'_>, mistakes: &mut Mistakes) -> Option<Aws> {
    if kms.aws.is_written() && !matches!(cell.provider, Provider::Aws | Provider::Local) {
        cell.lacks("nothing of `world.kms.aws`", kms.aws.span.clone(), mistakes);
    }
    let aws = &kms.aws.value;
    let region = aws.region.read(mistakes);
    let rotation_period = aws.rotation_period.as_ref().map(|period| rotation_period(period, mistakes));
    let replica = aws.replica.as_ref().map(|replica| second_region(kms, replica, mistakes));
    let replica = match replica {
        Some(replica) => Some(replica?),
        None => None,
    };
    let rotation_period = match rotation_period {
        Some(period) => Some(period?),
        None => None,
    };
    Some(Aws { region: region?, rotation_period, replica })
}

/// RotationPeriodInDays: a whole number of days from 90 to 2560 (EnableKeyRotation in the AWS KMS API Reference).
fn rotation_period(period: &Text<Time>, mistakes: &mut Mistakes) -> Option<u32> {
    const DAY: Duration = Duration::from_hours(24);
    let time = time(period, DAY * 90..=DAY * 2560, mistakes)?;
    if time.as_secs() % DAY.as_secs() != 0 {
        mistakes
            .push(format!("AWS cannot rotate every `{}`", period.as_str()), [(period.span(), "not a number of days")])
            .help("write whole days, such as `365d`");
        return None;
    }
    u32::try_from(time.as_secs() / DAY.as_secs()).ok()
}

/// The second region, which is another one, and is found by its name alone.
fn second_region(kms: &KmsFile, replica: &Text<super::values::Region>, mistakes: &mut Mistakes) -> Option<String> {
    let region = &kms.aws.value.region;
    if replica.as_str() == region.as_str() {
        let labels = [(replica.span(), "the same region"), (region.span(), "as this one")];
        mistakes.push(format!("`{}` cannot be its own replica", replica.as_str()), labels);
    }
    let private: Vec<_> = kms.endpoints.iter().filter(|endpoint| endpoint.as_str() != "public").collect();
    if !private.is_empty() {
        mistakes
            .push(
                "a second region beside private endpoints".to_owned(),
                [(replica.span(), "found by its region alone")],
            )
            .help("leave `endpoints` out: named endpoints are tried whatever the region is");
        mistakes.also(private.into_iter().map(Text::span), "a named endpoint");
    }
    replica.read(mistakes)
}

/// Names that are all different, at least one of them, and not more than a world can hold.
fn distinct<L: Literal<Value = String>>(
    noun: &str,
    names: &[Text<L>],
    table: Range<usize>,
    mistakes: &mut Mistakes,
) -> Vec<String> {
    if names.is_empty() {
        let label = format!("no {noun} at all");
        mistakes
            .push(format!("the list of {noun}s is empty"), [(table, label.as_str())])
            .help(format!("name one, or leave `{noun}s` out for the default"));
    }
    if let Some(first) = names.get(MOST_NAMES) {
        let label = format!("here the {MOST_NAMES} are full");
        mistakes
            .push(format!("{} {noun}s are more than a world can hold", names.len()), [(first.span(), label.as_str())])
            .help(format!("name at most {MOST_NAMES}: a misfortune needs two or three"));
        return Vec::new();
    }
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = names[..index].iter().find(|first| first.as_str() == name.as_str()) {
            let labels = [(name.span(), "declared again"), (first.span(), "declared here")];
            mistakes.push(format!("the {noun} `{}` is declared twice", name.as_str()), labels);
        }
    }
    names.iter().filter_map(|name| name.read(mistakes)).collect()
}

fn credentials(file: &CredentialsFile, cell: &Cell<'_>, mistakes: &mut Mistakes) -> Option<Credentials> {
    let kind = file.kind.read(mistakes);
    if let Some(what) = kind.and_then(|kind| clouds::lacks_credentials(cell.provider, kind)) {
        cell.lacks(what, file.kind.span(), mistakes);
    }
    let given_by = file.given_by.read(mistakes);
    let expires = file.expires.as_ref().map(|expires| expires.read(mistakes));
    if let (Some(expires), Some(kind)) = (&file.expires, kind)
        && kind != CredentialsKind::Session
    {
        let labels = [(expires.span(), "only a session expires by itself"), (file.kind.span(), "this is none")];
        mistakes
            .push(format!("credentials of the kind `{}` do not expire", file.kind.as_str()), labels)
            .help("add `kind = \"session\"`, or revoke them in the timeline: `expire = \"credentials\"`");
    }
    let metadata = match &file.metadata {
        Some(metadata) => metadata.read(mistakes),
        None if given_by == Some(GivenBy::Flags) => Some(Metadata::Absent),
        None => Some(Metadata::Current),
    };
    if let (Some(text), Some(Metadata::WithoutToken), Some(kind)) = (&file.metadata, metadata, kind)
        && kind != CredentialsKind::Session
    {
        let labels = [(text.span(), "only a session has a token"), (file.kind.span(), "this is none")];
        mistakes
            .push(format!("credentials of the kind `{}` have no token", file.kind.as_str()), labels)
            .help("add `kind = \"session\"`");
    }
    if let (Some(text), Some(metadata)) = (&file.metadata, metadata)
        && let Some(what) = clouds::lacks_metadata(cell.provider, metadata)
    {
        cell.lacks(what, text.span(), mistakes);
    }
    Some(Credentials { kind: kind?, given_by: given_by?, metadata: metadata?, expires: expires.flatten() })
}

fn snapshot(file: &ScenarioFile, provider: Provider, names: &Names, mistakes: &mut Mistakes) -> Option<Snapshot> {
    let written = &file.world.snapshot;
    let SnapshotFile { wrapped_by, state, others } = &written.value;
    let database = Database::read(file.world.mongod.database.as_str()).ok()?;
    let state = state.read(mistakes);
    if database == Database::Empty {
        if written.is_written() {
            let labels = [
                (written.span.clone(), "a snapshot is described"),
                (file.world.mongod.database.span(), "but there is none"),
            ];
            mistakes
                .push("an empty database has no snapshot".to_owned(), labels)
                .help("remove `world.snapshot`; the first start wraps its key with the proxy's provider");
        }
        let started = file.world.proxy.cloud_provider.as_ref();
        let started = started.map_or(Some(provider), |started| Provider::read(started.as_str()).ok())?;
        let first_key = names.keys.first().map(|key| key.value.clone());
        let wrapped_by = first_key.filter(|_| started == provider);
        return Some(Snapshot { provider: started, wrapped_by, active: true, others: Vec::new() });
    }
    let wrapped_by = match (provider, wrapped_by) {
        (Provider::Local, None) => None,
        (Provider::Local, Some(name)) => {
            let label = "a key file wraps it, no key of a customer";
            mistakes
                .push("`wrapped_by` says nothing for the provider `local`".to_owned(), [(name.span(), label)])
                .help("remove `wrapped_by`");
            None
        }
        (_, Some(name)) => Some(find_declared("KMS key", name, &names.keys, mistakes)?),
        (_, None) => names.keys.first().map(|key| key.value.clone()),
    };
    if let Some(first) = others.get(MOST_NAMES) {
        let message = format!("{} further keys are more than a world can hold", others.len());
        mistakes
            .push(message, [(first.span(), "too many")])
            .help(format!("name at most {MOST_NAMES}: a misfortune needs two or three"));
        return None;
    }
    let mut declared = Vec::new();
    for name in others {
        declared.push(find_declared("KMS key", name, &names.keys, mistakes)?);
    }
    Some(Snapshot { provider, wrapped_by, active: state?.active, others: declared })
}

fn network(file: &NetworkFile, mistakes: &mut Mistakes) -> Option<(std::ops::Range<Duration>, Duration)> {
    let latency = file.latency.read(mistakes);
    let tick = time(&file.tick, Duration::from_millis(1)..=Duration::from_secs(1), mistakes);
    let (latency, tick) = (latency?, tick?);
    if latency.start < tick {
        let labels = [(file.latency.span(), "shorter than a tick"), (file.tick.span(), "the tick")];
        mistakes
            .push(format!("the latency `{}` is finer than the simulated clock", file.latency.as_str()), labels)
            .help(format!("begin the range at `{}`, or write a smaller `tick`", written(tick)));
    }
    if latency.end > Duration::from_secs(60) {
        mistakes
            .push(
                format!("the latency `{}` is too long", file.latency.as_str()),
                [(file.latency.span(), "over a minute")],
            )
            .help("write at most `1m`; to lose messages altogether, `reject` an endpoint");
    }
    Some((latency, tick))
}

/// Required private networking without a private endpoint keeps MongoDB from its key for ever: that must be what the
/// file says.
fn private_networking(file: &ScenarioFile, outcome: Option<Outcome>, cloud: bool, mistakes: &mut Mistakes) {
    let required = &file.world.proxy.require_private_networking;
    let endpoints = &file.world.kms.value.endpoints;
    if !required.value || !cloud || endpoints.iter().any(|endpoint| endpoint.as_str() != "public") {
        return;
    }
    if outcome == Some(Outcome::Opens) {
        let labels = [(required.span.clone(), "no endpoint is private"), (file.outcome.span(), "so it cannot open")];
        mistakes
            .push("private networking is required, and there is no private endpoint".to_owned(), labels)
            .help("add an endpoint such as `private-a`, or say `final = \"stays-closed\"`");
        mistakes.also(endpoints.iter().map(Text::span), "public");
    }
}

/// A mongod that gives up before the proxy has to would look like a proxy that does not answer.
fn deadline(file: &ScenarioFile, mongod: &Mongod, proxy: &Proxy, mistakes: &mut Mistakes) {
    if proxy.kms_deadline < mongod.connect_timeout {
        return;
    }
    let (deadline, timeout) = (&file.world.proxy.kms_deadline, &file.world.mongod.connect_timeout);
    let labels = [(deadline.span(), "the proxy may take this long"), (timeout.span(), "and mongod waits no longer")];
    let (deadline, timeout) = (deadline.as_str(), timeout.as_str());
    mistakes
        .push(format!("mongod gives up after `{timeout}`, and the deadline of the proxy is `{deadline}`"), labels)
        .help("write a `kms_deadline` that is shorter than `connect_timeout`");
}
