//! Draws what there is before anything happens: only what differs from the defaults is written down.

use proptest::bool::weighted;
use proptest::option;
use proptest::sample::select;
use proptest::strategy::{Just, Strategy};
use toml::Value;

use super::Class;
use crate::scenario::Provider;

/// The personas that are drawn, with how often, and why none where that is never.
pub const PERSONAS: &[(&str, Result<u32, &str>)] = &[
    ("psmdb-8", Ok(1)),
    ("psmdb-7-soft", Err("it uses a key that is not active, and the oracle knows no such client yet")),
    ("psmdb-legacy-locate", Err("it makes a key where it finds none, and the oracle knows no such client yet")),
    ("enterprise-1.2", Err("it loads certificates once, so that what opens depends on who was started first")),
    ("enterprise-legacy-1.0", Err("it loads certificates once, so that what opens depends on who was started first")),
    ("libmongocrypt-plain", Err("it asks for no state, and the oracle knows no such client yet")),
    ("libmongocrypt-delegated", Err("it asks for no state, and the oracle knows no such client yet")),
];

/// A drawn world, with the names that events can refer to.
#[derive(Clone, Debug)]
pub struct Place {
    /// Whose keys wrap, and whose cloud there is.
    pub provider: Provider,
    /// What differs from the defaults.
    pub settings: Vec<(String, Value)>,
    /// The endpoints.
    pub endpoints: Vec<String>,
    /// The customer's keys.
    pub keys: Vec<String>,
    /// Whether a cloud takes part.
    pub cloud: bool,
    /// Whether the proxy assumes a role.
    pub role: bool,
}

/// The worlds in which these classes of faults are on.
pub(super) fn worlds(on: Vec<Class>) -> impl Strategy<Value = Place> {
    let is_on = move |class| on.contains(&class);
    let (flags, networking, credentials) = (is_on(Class::Flags), is_on(Class::Networking), is_on(Class::Credentials));
    let local = weighted(if flags { 0.12 } else { 0.03 });
    (
        local,
        database(),
        cloud(networking, is_on(Class::CustomerKeys)),
        given(credentials),
        mongod(),
        network(networking),
    )
        .prop_flat_map(move |(local, database, cloud, credentials, mongod, network)| {
            let mixed = if flags { weighted(0.1).boxed() } else { Just(false).boxed() };
            (mixed, Just((local, database, cloud, credentials, mongod, network)))
        })
        .prop_map(|(mixed, parts)| compose(mixed, parts))
}

type Parts = (bool, Database, Cloud, Given, Vec<(String, Value)>, Network);

fn compose(mixed: bool, (local, database, cloud, credentials, mongod, network): Parts) -> Place {
    let mut settings = mongod;
    let say = |settings: &mut Vec<(String, Value)>, key: &str, value: Value| settings.push((key.to_owned(), value));
    if database.empty {
        say(&mut settings, "mongod.database", text("empty"));
    }
    settings.extend(network.mongod);
    // A mixed world has one provider in its snapshot and another in the proxy's flags.
    let (proxy_is_local, snapshot_is_local) = (local, local != (mixed && !database.empty));
    // An empty database has no keys yet: whose cloud there is shows in the flags alone.
    let uses_cloud = !(if database.empty { proxy_is_local } else { snapshot_is_local });
    let provider = if uses_cloud { Provider::Aws } else { Provider::Local };
    if proxy_is_local == uses_cloud {
        say(&mut settings, "proxy.cloud_provider", text(if proxy_is_local { "local" } else { "aws" }));
    }
    if uses_cloud && network.private_required {
        say(&mut settings, "proxy.require_private_networking", Value::Boolean(true));
    }
    settings.extend(network.proxy);
    if uses_cloud && cloud.endpoints != ["public"] {
        say(&mut settings, "kms.endpoints", list(&cloud.endpoints));
    }
    if uses_cloud && cloud.keys != ["cmk-1"] {
        say(&mut settings, "kms.keys", list(&cloud.keys));
    }
    if uses_cloud {
        settings.extend(credentials.settings);
    }
    if !database.empty {
        if let Some(last) = cloud.keys.last().filter(|_| uses_cloud && database.by_last && cloud.keys.len() > 1) {
            say(&mut settings, "snapshot.wrapped_by", text(last));
        }
        if database.pre_active {
            say(&mut settings, "snapshot.state", text("pre-active"));
        }
        if database.others && uses_cloud {
            say(&mut settings, "snapshot.others", list(&cloud.keys));
        }
    }
    settings.extend(network.network);
    let (endpoints, keys) = if uses_cloud { (cloud.endpoints, cloud.keys) } else { (Vec::new(), Vec::new()) };
    Place { provider, settings, endpoints, keys, cloud: uses_cloud, role: credentials.role }
}

#[derive(Clone, Debug)]
struct Database {
    empty: bool,
    pre_active: bool,
    by_last: bool,
    others: bool,
}

fn database() -> impl Strategy<Value = Database> {
    (weighted(0.3), weighted(0.06), weighted(0.5), weighted(0.08))
        .prop_map(|(empty, pre_active, by_last, others)| Database { empty, pre_active, by_last, others })
}

#[derive(Clone, Debug)]
struct Cloud {
    endpoints: Vec<String>,
    keys: Vec<String>,
}

fn cloud(networking: bool, several: bool) -> impl Strategy<Value = Cloud> {
    // Private ways stand before the public one, as whoever has both arranges them.
    let plain: &[&[&str]] = &[&["public"], &["private-a"], &["private-a", "private-b"], &["private-a", "public"]];
    let wide: &[&[&str]] = &[
        &["public"],
        &["private-a"],
        &["private-a", "private-b"],
        &["private-a", "public"],
        &["private-a", "private-b", "public"],
        &["private-a", "private-b", "private-c"],
    ];
    let endpoints = select(if networking { wide } else { plain }.iter().map(|names| own(names)).collect::<Vec<_>>());
    let one: &[&[&str]] = &[&["cmk-1"]];
    let many: &[&[&str]] = &[&["cmk-1"], &["cmk-1", "cmk-2"], &["mrk-1", "cmk-2"]];
    let keys = select(if several { many } else { one }.iter().map(|names| own(names)).collect::<Vec<_>>());
    (endpoints, keys).prop_map(|(endpoints, keys)| Cloud { endpoints, keys })
}

#[derive(Clone, Debug)]
struct Given {
    settings: Vec<(String, Value)>,
    role: bool,
}

fn given(faults: bool) -> impl Strategy<Value = Given> {
    let kind = select(vec!["user", "user", "session", "role"]);
    let expires = option::weighted(0.6, select(vec!["10s", "20s", "45s"]));
    let metadata = option::weighted(
        if faults { 0.3 } else { 0.0001 },
        select(vec!["outdated", "role-id", "without-token", "absent"]),
    );
    (kind, weighted(0.25), expires, metadata).prop_map(move |(kind, by_flags, expires, metadata)| {
        let mut settings = Vec::new();
        let mut say = |key: &str, word: &str| settings.push((format!("credentials.{key}"), text(word)));
        if kind != "user" {
            say("kind", kind);
        }
        if by_flags {
            say("given_by", "flags");
        }
        if let Some(metadata) =
            metadata.filter(|metadata| faults && (*metadata != "without-token" || kind == "session"))
        {
            say("metadata", metadata);
        }
        if let Some(expires) = expires.filter(|_| faults && kind == "session") {
            say("expires", expires);
        }
        Given { settings, role: kind == "role" }
    })
}

fn mongod() -> impl Strategy<Value = Vec<(String, Value)>> {
    let weighted_names = PERSONAS.iter().filter_map(|(name, odds)| odds.ok().map(|odds| (*name, odds)));
    let names: Vec<_> = weighted_names.flat_map(|(name, odds)| vec![name; odds as usize]).collect();
    let polling = option::weighted(0.4, select(vec!["off", "2s", "10s"]));
    (select(names), weighted(0.25), option::weighted(0.3, 1..=3_i64), polling).prop_map(
        |(persona, passive, retries, polling)| {
            let mut settings = Vec::new();
            let mut say = |key: &str, value: Value| settings.push((format!("mongod.{key}"), value));
            if persona != "psmdb-8" {
                say("persona", text(persona));
            }
            if passive {
                say("activate_keys", Value::Boolean(false));
            }
            if let Some(retries) = retries {
                say("connect_retries", Value::Integer(retries));
            }
            if let Some(polling) = polling {
                say("key_state_polling", text(polling));
            }
            settings
        },
    )
}

#[derive(Clone, Debug, Default)]
struct Network {
    private_required: bool,
    mongod: Vec<(String, Value)>,
    proxy: Vec<(String, Value)>,
    network: Vec<(String, Value)>,
}

/// Patience and distance. A deadline always leaves room for a role's session and a key at the longest latency.
fn network(on: bool) -> impl Strategy<Value = Network> {
    let patience = option::weighted(0.3, select(vec![("3s", "2500ms"), ("10s", "8s"), ("5s", "3s")]));
    let latency = option::weighted(0.3, select(vec!["10ms..60ms", "20ms..40ms"]));
    (weighted(0.4), patience, latency, weighted(0.15)).prop_map(
        move |(private_required, patience, latency, two_servers)| {
            if !on {
                return Network::default();
            }
            let mut network = Network { private_required, ..Network::default() };
            if let Some((timeout, deadline)) = patience {
                if timeout != "5s" {
                    network.mongod.push(("mongod.connect_timeout".to_owned(), text(timeout)));
                }
                network.proxy.push(("proxy.kms_deadline".to_owned(), text(deadline)));
            }
            if two_servers {
                let servers = ["kmip.example", "127.0.0.1"].map(str::to_owned);
                network.mongod.push(("mongod.servers".to_owned(), list(&servers)));
            }
            if let Some(latency) = latency {
                network.network.push(("network.latency".to_owned(), text(latency)));
            }
            network
        },
    )
}

fn own(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn text(word: &str) -> Value {
    Value::String(word.to_owned())
}

fn list(names: &[String]) -> Value {
    Value::Array(names.iter().map(|name| text(name)).collect())
}
