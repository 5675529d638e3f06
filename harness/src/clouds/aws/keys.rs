//! The customer's keys in all regions: their names, who is primary and who replica, and how a KeyId finds them.
//!
//! Invariant: all keys of one id are one multi-Region key, and share one lineage of material; everything else is each
//! key's own.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::ciphertext::{NONCE, Opened, Sealed};
use super::errors::{Error, Refusal};
use super::key_state::KeyState;
use super::lineage::Lineage;
use crate::clouds::seeds::{Seed, Stream};
use crate::trace::hex;

/// One key in one region.
pub(super) struct CustomerKey {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) region: String,
    pub(super) kind: Kind,
    pub(super) state: KeyState,
    /// What its owner says of it.
    pub(super) description: String,
    /// When a call has made it; without one it is as old as the account.
    pub(super) created: Option<SystemTime>,
}

/// What a key is to those of its id in other regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There are none.
    Single,
    /// It is the one that is managed for all.
    Primary,
    /// It was made from the primary.
    Replica,
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerKey({}, {:?}, {:?})", self.arn, self.kind, self.state)
    }
}

impl CustomerKey {
    /// Refuses a key that cannot encrypt or decrypt in its state.
    pub(super) fn usable(&self) -> Result<(), Refusal> {
        self.state.hinders_use().map_or(Ok(()), |error| Err(self.refusal(error)))
    }

    /// A refusal that speaks of this key.
    pub(super) fn refusal(&self, error: Error) -> Refusal {
        Refusal::new(error, &[("arn", &self.arn), ("origin", self.state.origin())])
    }
}

/// The keys of one region.
#[derive(Default)]
struct Regional {
    by_id: BTreeMap<String, CustomerKey>,
    /// The scenario's names of keys.
    names: BTreeMap<String, String>,
    /// Aliases without the `alias/`, and the ids that they point to.
    aliases: BTreeMap<String, String>,
}

/// All keys of the account.
pub(super) struct Keys {
    account: String,
    seed: Seed,
    /// Where multi-Region keys have their primary.
    home: String,
    regions: BTreeMap<String, Regional>,
    /// By key id.
    lineages: BTreeMap<String, Lineage>,
    /// How many keys calls have made, so that the next one is new.
    made: u32,
}

impl Keys {
    pub(super) fn new(home: &str, account: &str, seed: &Seed) -> Self {
        Keys {
            account: account.to_owned(),
            seed: seed.clone(),
            home: home.to_owned(),
            regions: BTreeMap::from([(home.to_owned(), Regional::default())]),
            lineages: BTreeMap::new(),
            made: 0,
        }
    }

    /// The regions, by name.
    pub(super) fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.keys().map(String::as_str)
    }

    /// Adds a region, with replicas of all multi-Region keys.
    pub(super) fn add_region(&mut self, region: &str) {
        self.regions.entry(region.to_owned()).or_default();
        let home = self.regions.get(&self.home);
        let multi_region = home.into_iter().flat_map(|home| home.by_id.values());
        let names: Vec<(String, String)> = multi_region
            .filter(|key| key.kind == Kind::Primary)
            .map(|key| (key.name.clone(), key.id.clone()))
            .collect();
        for (name, id) in names {
            self.insert(region, &name, &id, Kind::Replica);
        }
    }

    /// Makes a single-Region key, or finds the one of that name. A region that nobody added comes into being.
    pub(super) fn add(&mut self, region: &str, name: &str) -> String {
        if let Some(key) = self.named(region, name) {
            return key.arn.clone();
        }
        self.add_region(region);
        let mut source = self.seed.stream(&format!("key/{region}/{name}"));
        let id = source.uuid();
        self.make(region, name, id, source, Kind::Single)
    }

    /// Makes a multi-Region key with its primary at home and a replica in every other region. It is the same in every
    /// account of the same seed.
    pub(super) fn add_multi_region(&mut self, name: &str) -> String {
        let home = self.home.clone();
        if let Some(key) = self.named(&home, name) {
            return key.arn.clone();
        }
        let mut source = self.seed.stream(&format!("multi-region key/{name}"));
        let id = format!("mrk-{}", hex(&source.bytes::<16>()));
        let arn = self.make(&home, name, id, source, Kind::Primary);
        let others: Vec<String> = self.regions.keys().filter(|region| **region != home).cloned().collect();
        others.iter().for_each(|region| self.add_region(region));
        arn
    }

    fn make(&mut self, region: &str, name: &str, id: String, source: Stream, kind: Kind) -> String {
        self.lineages.insert(id.clone(), Lineage::new(source));
        self.insert(region, name, &id, kind)
    }

    fn insert(&mut self, region: &str, name: &str, id: &str, kind: Kind) -> String {
        let arn = self.arn(region, "key", id);
        let regional = self.regions.entry(region.to_owned()).or_default();
        regional.names.entry(name.to_owned()).or_insert_with(|| id.to_owned());
        let key = CustomerKey {
            name: name.to_owned(),
            id: id.to_owned(),
            arn: arn.clone(),
            region: region.to_owned(),
            kind,
            state: KeyState::Enabled,
            description: name.to_owned(),
            created: None,
        };
        // A key that is there already stays as it is.
        regional.by_id.entry(id.to_owned()).or_insert(key);
        arn
    }

    /// Makes a key at a caller's word, and returns its id, which is also its name.
    pub(super) fn create(&mut self, region: &str, multi_region: bool, description: &str, at: SystemTime) -> String {
        self.made += 1;
        let mut source = self.seed.stream(&format!("created key/{region}/{}", self.made));
        let (id, kind) = match multi_region {
            true => (format!("mrk-{}", hex(&source.bytes::<16>())), Kind::Primary),
            false => (source.uuid(), Kind::Single),
        };
        self.make(region, &id, id.clone(), source, kind);
        if multi_region {
            let others: Vec<String> = self.regions.keys().filter(|other| *other != region).cloned().collect();
            others.iter().for_each(|region| self.add_region(region));
        }
        let family = self.regions.values_mut().filter_map(|regional| regional.by_id.get_mut(&id));
        for key in family {
            key.created = Some(at);
            description.clone_into(&mut key.description);
        }
        id
    }

    /// The keys of a region that are not gone, by id.
    pub(super) fn of_region(&self, region: &str, at: SystemTime) -> impl Iterator<Item = &CustomerKey> {
        let keys = self.regions.get(region).into_iter().flat_map(|regional| regional.by_id.values());
        keys.filter(move |key| !key.state.gone(at))
    }

    /// The aliases of a region, with the ids that they point to.
    pub(super) fn aliases(&self, region: &str) -> impl Iterator<Item = (&str, &str)> {
        let aliases = self.regions.get(region).into_iter().flat_map(|regional| regional.aliases.iter());
        aliases.map(|(alias, id)| (alias.as_str(), id.as_str()))
    }

    /// Points an alias to a key of the same region; tells whether there is a key of that name.
    pub(super) fn alias(&mut self, region: &str, alias: &str, name: &str) -> bool {
        let Some(regional) = self.regions.get_mut(region) else { return false };
        let Some(id) = regional.names.get(name) else { return false };
        regional.aliases.insert(alias.to_owned(), id.clone());
        true
    }

    /// The key of that name in the scenario.
    pub(super) fn named(&self, region: &str, name: &str) -> Option<&CustomerKey> {
        let regional = self.regions.get(region)?;
        regional.by_id.get(regional.names.get(name)?)
    }

    /// The key of that id, gone or not.
    pub(super) fn any_with_id(&mut self, region: &str, id: &str) -> Option<&mut CustomerKey> {
        self.regions.get_mut(region)?.by_id.get_mut(id)
    }

    /// The key of that id, unless its deletion has come.
    pub(super) fn with_id(&self, region: &str, id: &str, at: SystemTime) -> Option<&CustomerKey> {
        self.regions.get(region)?.by_id.get(id).filter(|key| !key.state.gone(at))
    }

    /// All keys of that id, gone or not, by region.
    pub(super) fn family(&self, id: &str) -> impl Iterator<Item = &CustomerKey> {
        self.regions.values().filter_map(move |regional| regional.by_id.get(id))
    }

    /// The ids of all keys.
    pub(super) fn ids(&self) -> Vec<String> {
        self.lineages.keys().cloned().collect()
    }

    /// The material of a key.
    pub(super) fn lineage(&self, key: &CustomerKey) -> &Lineage {
        self.lineages.get(&key.id).expect("every key is made with its lineage")
    }

    /// The same, to rotate it.
    pub(super) fn lineage_mut(&mut self, id: &str) -> Option<&mut Lineage> {
        self.lineages.get_mut(id)
    }

    /// Wraps with the newest material of a key.
    pub(super) fn seal(
        &self,
        key: &CustomerKey,
        plaintext: &[u8],
        context: &BTreeMap<String, String>,
        nonce: [u8; NONCE],
    ) -> Vec<u8> {
        self.lineage(key).seal(&key.id, plaintext, context, nonce)
    }

    /// Opens with a key what one of its family wrapped.
    pub(super) fn open(
        &self,
        key: &CustomerKey,
        sealed: &Sealed<'_>,
        context: &BTreeMap<String, String>,
    ) -> Result<Opened, Refusal> {
        self.lineage(key).open(sealed, context)
    }

    /// What KeyId in a request to a region stands for: an ARN, a key id, an alias, or an alias' ARN.
    pub(super) fn lookup(&self, region: &str, text: &str, at: SystemTime) -> Result<&CustomerKey, Lookup> {
        let name = match text.strip_prefix("arn:") {
            None => text,
            Some(arn) => {
                let parts: Vec<&str> = arn.splitn(5, ':').collect();
                let [_partition, "kms", named, account, resource] = parts[..] else {
                    return Err(Refusal::new(Error::ArnInvalid, &[("region", text)]).into());
                };
                if named != region {
                    return Err(Refusal::new(Error::ArnInvalid, &[("region", named)]).into());
                }
                if account != self.account {
                    return Err(Lookup::OtherAccount(text.to_owned()));
                }
                match resource.strip_prefix("key/") {
                    Some(id) => id,
                    None => resource,
                }
            }
        };
        if let Some(alias) = name.strip_prefix("alias/") {
            let id = self.regions.get(region).and_then(|regional| regional.aliases.get(alias));
            let key = id.and_then(|id| self.with_id(region, id, at));
            let arn = self.arn(region, "alias", alias);
            return key.ok_or_else(|| Refusal::new(Error::AliasNotFound, &[("arn", &arn)]).into());
        }
        if !is_key_id(name) {
            return Err(Refusal::new(Error::KeyIdInvalid, &[("id", name)]).into());
        }
        self.with_id(region, name, at).ok_or_else(|| self.not_found(region, name).into())
    }

    /// There is no such key here.
    pub(super) fn not_found(&self, region: &str, id: &str) -> Refusal {
        Refusal::new(Error::KeyNotFound, &[("arn", &self.arn(region, "key", id))])
    }

    /// The ARN of something in a region.
    pub(super) fn arn(&self, region: &str, kind: &str, id: &str) -> String {
        format!("arn:aws:kms:{region}:{}:{kind}/{id}", self.account)
    }
}

/// Why a KeyId leads to no key.
#[derive(Debug)]
pub(super) enum Lookup {
    /// There is none.
    Refused(Refusal),
    /// The ARN names a key of an account that grants this one nothing.
    OtherAccount(String),
}

impl From<Refusal> for Lookup {
    fn from(refusal: Refusal) -> Self {
        Lookup::Refused(refusal)
    }
}

/// A UUID, or `mrk-` and 32 hexadecimal digits. The documentation calls nothing else a key id.
fn is_key_id(text: &str) -> bool {
    let hexadecimal = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if let Some(digits) = text.strip_prefix("mrk-") {
        return digits.len() == 32 && hexadecimal(digits);
    }
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.split('-').all(hexadecimal)
}
