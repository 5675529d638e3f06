//! Which verbs are drawn, of which class, and what they are done to: one table.
//!
//! Invariant: a new verb is one line here, in [`ROWS`] or in [`EXCLUDED`]; a test asks for it.

use proptest::option;
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Just, Strategy as _};

use super::{Class, Place};
use crate::scenario::{ERROR_CODES, PRIVATE};

/// A way to use a verb.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The verb.
    pub verb: &'static str,
    /// The class of faults to which it belongs in this use.
    pub class: Class,
    /// What it is done to.
    pub argument: Argument,
    /// What may stand beside it, each in half of the draws.
    pub extras: &'static [(&'static str, Extra)],
    /// How often it is drawn, compared with the others.
    pub weight: u32,
}

/// What a verb is done to.
#[derive(Clone, Copy, Debug)]
pub enum Argument {
    /// One of these words.
    Word(&'static [&'static str]),
    /// One of these words, in a world where a cloud takes part.
    CloudWord(&'static [&'static str]),
    /// One of these words, in a world where a role is assumed.
    RoleWord(&'static [&'static str]),
    /// An endpoint of the world.
    Endpoint,
    /// A private endpoint of the world.
    PrivateEndpoint,
    /// A customer's key of the world.
    Key,
}

/// What may stand beside a verb.
#[derive(Clone, Copy, Debug)]
pub enum Extra {
    /// One of these words.
    Word(&'static [&'static str]),
    /// A customer's key of the world.
    Key,
    /// A customer's key of the world, which is not left out.
    NeededKey,
    /// An error code of the cloud.
    Code,
}

const fn row(verb: &'static str, class: Class, argument: Argument, weight: u32) -> Row {
    Row { verb, class, argument, extras: &[], weight }
}

const fn with(row: Row, extras: &'static [(&'static str, Extra)]) -> Row {
    Row { extras, ..row }
}

use Argument::{CloudWord, Endpoint, Key, PrivateEndpoint, RoleWord, Word};
use Class::{Clock, CloudErrors, Credentials, CustomerKeys, Disk, Endpoints, Files, Flags, Object, Processes, Routine};

const MONGOD: Argument = Word(&["mongod"]);
const PROXY: Argument = Word(&["proxy"]);
const PROCESS: Argument = Word(&["mongod", "proxy"]);
const MASTER_KEY: Argument = Word(&["master-key"]);
const FILE: Argument = Word(&["metadata", "key-file", "wrapped-key"]);

/// Every way to use a verb.
pub const ROWS: &[Row] = &[
    row("start", Routine, MONGOD, 12),
    row("stop", Routine, MONGOD, 3),
    row("rotate", Routine, MONGOD, 2),
    row("start", Processes, PROXY, 3),
    row("stop", Processes, PROXY, 1),
    row("crash", Processes, PROCESS, 2),
    row("stall", Processes, PROCESS, 2),
    row("resume", Processes, PROCESS, 1),
    row("initiate", Endpoints, PrivateEndpoint, 1),
    row("approve", Endpoints, Endpoint, 3),
    row("reject", Endpoints, Endpoint, 1),
    row("blackhole", Endpoints, Endpoint, 1),
    row("refuse", Endpoints, Endpoint, 1),
    row("reset", Endpoints, Endpoint, 1),
    row("vanish", Endpoints, Endpoint, 1),
    row("expire", Endpoints, Endpoint, 1),
    row("misname", Endpoints, Endpoint, 1),
    row("deny", CloudErrors, PrivateEndpoint, 1),
    row("throttle", CloudErrors, Endpoint, 1),
    with(row("fail", CloudErrors, Endpoint, 2), &[("code", Extra::Code)]),
    row("garble", CloudErrors, Endpoint, 1),
    row("truncate", CloudErrors, Endpoint, 1),
    with(row("slow", CloudErrors, Endpoint, 1), &[("by", Extra::Word(&["500ms", "1s", "3s", "10s"]))]),
    row("approve", CloudErrors, Endpoint, 2),
    row("expire", Credentials, CloudWord(&["credentials"]), 3),
    row("renew", Credentials, CloudWord(&["credentials"]), 2),
    row("edit", Credentials, CloudWord(&["metadata"]), 2),
    row("deny", Credentials, RoleWord(&["role"]), 2),
    row("allow", Credentials, RoleWord(&["role"]), 2),
    row("disable", CustomerKeys, Key, 2),
    row("enable", CustomerKeys, Key, 2),
    row("delete", CustomerKeys, Key, 1),
    row("restore", CustomerKeys, Key, 1),
    row("rotate", CustomerKeys, Key, 1),
    row("deny", CustomerKeys, Key, 1),
    row("restrict", CustomerKeys, Key, 1),
    row("allow", CustomerKeys, Key, 2),
    row("disconnect", CustomerKeys, Key, 1),
    row("connect", CustomerKeys, Key, 1),
    with(row("revoke", Object, MASTER_KEY, 1), &[("reason", Extra::Word(&["key-compromise"]))]),
    row("destroy", Object, MASTER_KEY, 1),
    row("remove", Files, FILE, 1),
    row("damage", Files, FILE, 1),
    row("forbid", Files, FILE, 1),
    row("restore", Files, FILE, 3),
    with(row("edit", Files, CloudWord(&["key-file"]), 1), &[("kms_key", Extra::NeededKey)]),
    row("crash", Disk, Word(&["machine"]), 2),
    with(row("crash", Disk, Word(&["machine"]), 2), &[("at_write", Extra::Word(&["1..12", "1..4", "2", "3", "4"]))]),
    row("fill", Disk, Word(&["disk"]), 1),
    row("free", Disk, Word(&["disk"]), 1),
    row("skew", Clock, Word(&["+4m", "-4m", "+10m", "-10m", "+30m", "-30m", "0s"]), 2),
    row("pass", Clock, Word(&["10m", "2h", "7d", "31d"]), 2),
    with(
        row("start", Flags, PROXY, 3),
        &[("cloud_provider", Extra::Word(&["aws", "aws", "azure", "gcp", "local"])), ("kms_key", Extra::Key)],
    ),
];

/// Verbs that are not drawn, each with the reason.
pub const EXCLUDED: &[(&str, &str)] = &[("check", "it reads every key and changes nothing")];

/// A verb with what it is done to and what stands beside it.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) verb: &'static str,
    pub(super) argument: String,
    pub(super) options: Vec<(String, String)>,
}

impl Row {
    /// How it is drawn in a world; `None` if that world has nothing to which it could be done.
    pub(super) fn draw(&self, place: &Place) -> Option<BoxedStrategy<Said>> {
        let arguments: Vec<String> = match self.argument {
            Argument::Word(words) => own(words),
            Argument::CloudWord(words) if place.cloud => own(words),
            Argument::RoleWord(words) if place.cloud && place.role => own(words),
            Argument::CloudWord(_) | Argument::RoleWord(_) => Vec::new(),
            Argument::Endpoint => place.endpoints.clone(),
            Argument::PrivateEndpoint => {
                place.endpoints.iter().filter(|name| name.starts_with(PRIVATE)).cloned().collect()
            }
            Argument::Key => place.keys.clone(),
        };
        if arguments.is_empty() {
            return None;
        }
        let mut extras = Just(Vec::new()).boxed();
        for (name, extra) in self.extras {
            let one = extra.draw(name, place);
            extras = (extras, one)
                .prop_map(|(mut extras, one)| {
                    extras.extend(one);
                    extras
                })
                .boxed();
        }
        let verb = self.verb;
        Some((select(arguments), extras).prop_map(move |(argument, options)| Said { verb, argument, options }).boxed())
    }
}

impl Extra {
    fn draw(self, name: &'static str, place: &Place) -> BoxedStrategy<Option<(String, String)>> {
        let (words, needed) = match self {
            Extra::Word(words) => (own(words), name == "at_write"),
            Extra::Key => (place.keys.clone(), false),
            Extra::NeededKey => (place.keys.clone(), true),
            Extra::Code => (own(ERROR_CODES), false),
        };
        // Whoever knows no cloud knows no provider of the cloud either.
        let words: Vec<_> =
            words.into_iter().filter(|word| place.cloud || !["aws", "azure", "gcp"].contains(&word.as_str())).collect();
        if words.is_empty() {
            return Just(None).boxed();
        }
        let chosen = select(words).prop_map(move |word| (name.to_owned(), word));
        if needed { chosen.prop_map(Some).boxed() } else { option::of(chosen).boxed() }
    }
}

fn own(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
