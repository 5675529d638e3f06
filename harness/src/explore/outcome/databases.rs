//! The databases that there may be, with the files of their keys.
//!
//! Invariant: what happens to files happens to those of every key that may exist.

use super::credentials::{Access, Content, MetadataFile};
use super::sure::Sure;
use crate::scenario::{Database, FileChange, KeptFile, ObjectChange, Provider, World};

/// What the database may be now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has no key yet.
    Empty,
    /// It is encrypted with this key.
    Keyed(Key),
}

/// A master key and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) provider: Provider,
    /// The customer's key that has wrapped it.
    pub(super) cmk: Option<String>,
    object: Object,
    file: KeyFile,
    /// The metadata file of a key that was made in this run. Until somebody writes it, it counts on another one.
    own: Option<MetadataFile>,
}

/// The state of a KMIP object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    PreActive,
    Active,
    /// Deactivated or compromised.
    Revoked,
    Destroyed,
}

/// What has become of a wrapped key's file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyFile {
    body: Body,
    /// The customer's key that it names.
    named: Option<String>,
    forbidden: bool,
    before: Option<(Body, Option<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Whole,
    /// One bit of the wrapped key is another.
    Flipped,
    /// Half of it is gone.
    Half,
    Gone,
}

impl Standing {
    /// Encrypted with a key that was made in this run.
    pub(super) fn made(provider: Provider, cmk: Option<String>, active: bool) -> Standing {
        Standing::Keyed(Key { own: Some(MetadataFile::of(None)), ..Key::new(provider, cmk, active) })
    }

    /// The customer's key that the key's file names.
    pub(super) fn named_cmk(&self) -> Option<String> {
        match self {
            Standing::Empty => None,
            Standing::Keyed(key) => key.file.named.clone(),
        }
    }
}

impl Key {
    fn new(provider: Provider, cmk: Option<String>, active: bool) -> Key {
        let file = KeyFile { body: Body::Whole, named: cmk.clone(), forbidden: false, before: None };
        let object = if active { Object::Active } else { Object::PreActive };
        Key { provider, cmk, object, file, own: None }
    }

    /// Whether its file can be read, and its wrapped key opened by who wrapped it.
    pub(super) fn is_readable(&self) -> bool {
        self.object != Object::Destroyed
            && self.file.body == Body::Whole
            && !self.file.forbidden
            && self.file.named == self.cmk
    }

    /// Whether a database may use it that asks for its state first, or does not.
    pub(super) fn may_be_used(&self, state_is_asked: bool) -> Sure {
        match self.object {
            Object::Active => Sure::Yes,
            Object::Destroyed => Sure::No,
            _ if state_is_asked => Sure::No,
            Object::PreActive => Sure::Yes,
            Object::Revoked => Sure::Perhaps,
        }
    }
}

/// Every database that there may be.
pub(super) struct Databases {
    all: Vec<Standing>,
    /// The metadata file of the snapshot's key, or of keys to come.
    base: MetadataFile,
    /// Whether there was a key at the start.
    snapshot: bool,
    /// The provider of whose keys the operator's metadata files speak.
    provider: Provider,
    /// Which file was written is not known.
    pub(super) unclear: bool,
}

impl Databases {
    pub(super) fn new(world: &World) -> Self {
        let snapshot = world.mongod.database == Database::Snapshot;
        let wrapped_by = world.snapshot.wrapped_by.clone();
        let first = match snapshot {
            false => Standing::Empty,
            true => Standing::Keyed(Key::new(world.snapshot.provider, wrapped_by, world.snapshot.active)),
        };
        let base = MetadataFile::of(Access::at_start(world));
        Databases { all: vec![first], base, snapshot, provider: world.snapshot.provider, unclear: false }
    }

    pub(super) fn all(&self) -> &[Standing] {
        &self.all
    }

    /// Each of these is possible from now on, too.
    pub(super) fn may_become(&mut self, others: impl IntoIterator<Item = Standing>) {
        for other in others {
            if !self.all.contains(&other) {
                self.all.push(other);
            }
        }
    }

    /// No other is possible any more.
    pub(super) fn become_surely(&mut self, one: Standing) {
        self.all = vec![one];
    }

    /// The metadata file that counts for a key.
    pub(super) fn metadata(&self, standing: &Standing) -> MetadataFile {
        match standing {
            Standing::Keyed(Key { own: Some(own), .. }) if own.content.is_some() => *own,
            _ => self.base,
        }
    }

    /// The metadata files from which the next key may borrow: the newest key's, or the first one.
    pub(super) fn lenders(&self, standing: &Standing) -> Vec<MetadataFile> {
        let mut files = vec![self.base, self.metadata(standing)];
        files.dedup();
        files
    }

    /// The operator writes credentials beside every key of the cloud.
    pub(super) fn write_metadata(&mut self, number: usize) {
        if self.provider != Provider::Aws {
            return;
        }
        let content = Some(Content::Issued(number));
        let (mut keys, mut original_is_gone) = (0, false);
        for key in keyed(&mut self.all) {
            let there = key.file.body != Body::Gone;
            match &mut key.own {
                Some(own) if there || own.content.is_some() => {
                    own.content = content;
                    keys += 1;
                }
                Some(_) => {}
                None => original_is_gone |= !there,
            }
        }
        if self.base.content.is_some() || (self.snapshot && !original_is_gone) {
            self.base.content = content;
        } else if !self.snapshot {
            // Where no key is, the file for the next one is written; whether one is may not be known.
            self.unclear |= keys > 0 && self.all.contains(&Standing::Empty);
            self.base.content = if keys == 0 { content } else { None };
        }
    }

    /// The operator writes another customer's key into the files.
    pub(super) fn edit_key_files(&mut self, cmk: &str) {
        for key in keyed(&mut self.all).filter(|key| key.provider == Provider::Aws) {
            if matches!(key.file.body, Body::Whole | Body::Flipped) {
                key.file.named = Some(cmk.to_owned());
            }
        }
    }

    /// Something happens to the files of a kind.
    pub(super) fn change_files(&mut self, file: KeptFile, change: FileChange) {
        if file == KeptFile::Metadata {
            self.base.change(change);
            keyed(&mut self.all).filter_map(|key| key.own.as_mut()).for_each(|own| own.change(change));
        } else {
            keyed(&mut self.all).for_each(|key| key.file.change(file, change));
        }
    }

    /// Somebody revokes or destroys the key over KMIP; `free` if nothing is in the way.
    pub(super) fn change_object(&mut self, change: ObjectChange, provider: Provider, free: bool) {
        let untouched = |key: &Key| key.provider == provider && key.file.is_untouched();
        self.unclear |= !free || !keyed(&mut self.all).all(|key| untouched(key));
        for key in keyed(&mut self.all) {
            key.object = match (key.object, change) {
                (Object::Active, ObjectChange::Revoke | ObjectChange::Compromise)
                | (Object::PreActive, ObjectChange::Compromise) => Object::Revoked,
                (Object::PreActive | Object::Revoked, ObjectChange::Destroy) => Object::Destroyed,
                // An active key is not destroyed, and one that was never active not deactivated.
                (object, _) => object,
            };
        }
    }
}

impl KeyFile {
    /// Whether nobody has ever changed it behind the proxy's back, or it is what it was.
    fn is_untouched(&self) -> bool {
        self.body == Body::Whole && !self.forbidden && self.before.is_none()
    }

    fn change(&mut self, file: KeptFile, change: FileChange) {
        if change == FileChange::Restore {
            if let Some((body, named)) = self.before.take() {
                (self.body, self.named, self.forbidden) = (body, named, false);
            }
            return;
        }
        if self.body == Body::Gone {
            return;
        }
        self.before.get_or_insert((self.body, self.named.clone()));
        match change {
            FileChange::Remove => self.body = Body::Gone,
            FileChange::Forbid => self.forbidden = true,
            FileChange::Damage | FileChange::Restore => {
                self.body = match (self.body, file) {
                    (Body::Whole | Body::Flipped, KeptFile::WrappedKey) => Body::Flipped,
                    _ => Body::Half,
                };
            }
        }
    }
}

impl MetadataFile {
    fn change(&mut self, change: FileChange) {
        if change == FileChange::Restore {
            if let Some(before) = self.before.take() {
                (self.content, self.forbidden) = (Some(before), false);
            }
            return;
        }
        let Some(content) = self.content else { return };
        self.before.get_or_insert(content);
        match change {
            FileChange::Remove => self.content = None,
            FileChange::Forbid => self.forbidden = true,
            FileChange::Damage | FileChange::Restore => self.content = Some(Content::Useless),
        }
    }
}

fn keyed(all: &mut [Standing]) -> impl Iterator<Item = &mut Key> {
    all.iter_mut().filter_map(|standing| match standing {
        Standing::Empty => None,
        Standing::Keyed(key) => Some(key),
    })
}
