//! The customer's keys: their names and states, and which material wraps and opens.
//!
//! Invariant: a rotation adds material and removes none.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::ciphertext::{Material, NONCE, Opened, Sealed};
use super::errors::{Error, Refusal};
use super::seeds::{Seed, Stream};
use crate::trace::hex;

/// What the customer, or the passing of time, has made of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Enabled,
    /// DisableKey was called, or a deletion was cancelled.
    Disabled,
    /// It works no more, and is gone from that moment on.
    PendingDeletion(SystemTime),
    /// Its material, which the customer brings, is not there (yet, or any more).
    PendingImport,
    /// Its key store is disconnected.
    Unavailable,
}

impl KeyState {
    /// The spelling in DescribeKey.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingDeletion(_) => "PendingDeletion",
            KeyState::PendingImport => "PendingImport",
            KeyState::Unavailable => "Unavailable",
        }
    }
}

/// One key.
pub(super) struct CustomerKey {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) arn: String,
    pub(super) multi_region: bool,
    pub(super) state: KeyState,
    /// Oldest first; the last one encrypts.
    materials: Vec<Material>,
    /// From where this key's materials come, one after the other.
    source: Stream,
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerKey({}, {:?}, {} materials)", self.arn, self.state, self.materials.len())
    }
}

impl CustomerKey {
    /// Refuses a key that cannot be used in its state.
    pub(super) fn usable(&self) -> Result<(), Refusal> {
        let error = match self.state {
            KeyState::Enabled => return Ok(()),
            KeyState::Disabled => Error::Disabled,
            KeyState::PendingDeletion(_) => Error::PendingDeletion,
            KeyState::PendingImport => Error::PendingImport,
            KeyState::Unavailable => Error::StateUnavailable,
        };
        Err(Refusal::new(error, &[("arn", &self.arn)]))
    }

    /// Adds new material, which encrypts from now on.
    pub(super) fn rotate(&mut self) {
        self.materials.push(Material::draw(&mut self.source));
    }

    /// The material that encrypts, in DescribeKey's spelling.
    pub(super) fn current_material_id(&self) -> String {
        self.current().name()
    }

    /// Wraps with the newest material.
    pub(super) fn seal(&self, plaintext: &[u8], context: &BTreeMap<String, String>, nonce: [u8; NONCE]) -> Vec<u8> {
        self.current().seal(&self.id, plaintext, context, nonce)
    }

    /// Opens with the material that wrapped it. Whatever does not fit is one and the same refusal, as with AWS.
    pub(super) fn open(&self, sealed: &Sealed<'_>, context: &BTreeMap<String, String>) -> Result<Opened, Refusal> {
        let material = self.materials.iter().find(|material| material.made(sealed));
        material.and_then(|material| material.open(sealed, context)).ok_or_else(|| Error::InvalidCiphertext.into())
    }

    fn current(&self) -> &Material {
        self.materials.last().expect("a key is made with its first material and never loses any")
    }
}

/// All keys of the account in one region.
pub(super) struct Keys {
    region: String,
    account: String,
    seed: Seed,
    by_id: BTreeMap<String, CustomerKey>,
    /// The scenario's names of keys.
    names: BTreeMap<String, String>,
    /// Aliases without the `alias/`, and the ids that they point to.
    aliases: BTreeMap<String, String>,
}

impl Keys {
    pub(super) fn new(region: &str, account: &str, seed: &Seed) -> Self {
        Keys {
            region: region.to_owned(),
            account: account.to_owned(),
            seed: seed.clone(),
            by_id: BTreeMap::new(),
            names: BTreeMap::new(),
            aliases: BTreeMap::new(),
        }
    }

    /// Makes a key, or finds the one of that name. A multi-Region key is the same in every region of the same seed.
    pub(super) fn add(&mut self, name: &str, multi_region: bool) -> String {
        if let Some(id) = self.names.get(name) {
            return self.arn("key", id);
        }
        let mut source = match multi_region {
            true => self.seed.stream(&format!("multi-region key/{name}")),
            false => self.seed.stream(&format!("key/{}/{name}", self.region)),
        };
        let id = match multi_region {
            true => format!("mrk-{}", hex(&source.bytes::<16>())),
            false => source.uuid(),
        };
        let arn = self.arn("key", &id);
        let mut key = CustomerKey {
            name: name.to_owned(),
            id: id.clone(),
            arn: arn.clone(),
            multi_region,
            state: KeyState::Enabled,
            materials: Vec::new(),
            source,
        };
        key.rotate();
        self.names.insert(name.to_owned(), id.clone());
        self.by_id.insert(id, key);
        arn
    }

    /// Points an alias to a key; tells whether there is a key of that name.
    pub(super) fn alias(&mut self, alias: &str, name: &str) -> bool {
        let Some(id) = self.names.get(name) else { return false };
        self.aliases.insert(alias.to_owned(), id.clone());
        true
    }

    /// The key of that name in the scenario.
    pub(super) fn named(&mut self, name: &str) -> Option<&mut CustomerKey> {
        self.by_id.get_mut(self.names.get(name)?)
    }

    /// The key of that id, unless its deletion has come.
    pub(super) fn with_id(&self, id: &str, at: SystemTime) -> Option<&CustomerKey> {
        let gone = |key: &&CustomerKey| matches!(key.state, KeyState::PendingDeletion(date) if at >= date);
        self.by_id.get(id).filter(|key| !gone(key))
    }

    /// What KeyId in a request stands for: an ARN, a key id, an alias, or an alias' ARN.
    pub(super) fn lookup(&self, text: &str, at: SystemTime) -> Result<&CustomerKey, Lookup> {
        let name = match text.strip_prefix("arn:") {
            None => text,
            Some(arn) => {
                let parts: Vec<&str> = arn.splitn(5, ':').collect();
                let [_partition, "kms", region, account, resource] = parts[..] else {
                    return Err(Refusal::new(Error::ArnInvalid, &[("region", text)]).into());
                };
                if region != self.region {
                    return Err(Refusal::new(Error::ArnInvalid, &[("region", region)]).into());
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
            let key = self.aliases.get(alias).and_then(|id| self.with_id(id, at));
            let arn = self.arn("alias", alias);
            return key.ok_or_else(|| Refusal::new(Error::AliasNotFound, &[("arn", &arn)]).into());
        }
        if !is_key_id(name) {
            return Err(Refusal::new(Error::KeyIdInvalid, &[("id", name)]).into());
        }
        let arn = self.arn("key", name);
        self.with_id(name, at).ok_or_else(|| Refusal::new(Error::KeyNotFound, &[("arn", &arn)]).into())
    }

    /// The ARN of something in this region.
    pub(super) fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:kms:{}:{}:{kind}/{id}", self.region, self.account)
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
