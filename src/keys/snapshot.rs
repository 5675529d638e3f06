//! Our snapshot layout, `kmip-proxy/1`: two files a key in `<dbpath>/cloudProviderCredentials/`.
//!
//! `<keyID>.<provider>.metadata` holds credentials and is the file that the Atlas documentation describes: read, never
//! written. `<keyID>.<provider>.key.json` holds the wrapped key and is ours: Atlas does not publish where its own lies.
//!
//! Invariant: a missing folder or an unreadable file is an error; only a folder that can be read, and that holds no
//! entry whatever with the identifier, says that a key never existed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::env::{Access, Files, Stamp, beside};

use super::credential_source::Metadata;
use super::{
    Admission, Change, CredentialSource, Credentials, Found, KeyFiles, Layout, LayoutError, LayoutErrorKind, Listing,
    MasterKey, Provider, ResolvedCredentials, Secret, UpdateError, WrappedKey, Wrapping, credential_source, identifier,
    key_file,
};

/// The folder's name, as Atlas documents it.
const FOLDER: &str = "cloudProviderCredentials";

/// How many keys are kept as they were read. A MongoDB server uses one, a driver a few.
const MOST_READ: usize = 64;

/// The keys of one dbpath on disk.
#[derive(Debug)]
pub struct SnapshotLayout {
    files: Arc<dyn Files>,
    dbpath: PathBuf,
    provider: Provider,
    source: CredentialSource,
    /// Held while a key file is written: two writers of one file would share the file beside it.
    writing: Mutex<()>,
    /// Keys as they were read, wrapped, with the states of their files.
    read: Mutex<BTreeMap<PathBuf, (Stamp, WrappedKey)>>,
}

impl SnapshotLayout {
    /// The layout in a dbpath. Touches nothing yet: see [`Layout::prepare`].
    pub fn new(files: Arc<dyn Files>, dbpath: PathBuf, provider: Provider, source: CredentialSource) -> Self {
        SnapshotLayout { files, dbpath, provider, source, writing: Mutex::default(), read: Mutex::default() }
    }

    fn folder(&self) -> PathBuf {
        self.dbpath.join(FOLDER)
    }

    /// The caller has made sure that the identifier is a possible one.
    fn paths(&self, id: &str, provider: Provider) -> KeyFiles {
        KeyFiles {
            metadata: self.folder().join(format!("{id}.{provider}.metadata")),
            key: self.folder().join(format!("{id}.{provider}.key.json")),
        }
    }

    /// The key in a file, or `None` where there is no such file. What was read is kept, still wrapped, until the file is
    /// another.
    fn key(&self, path: &Path, id: &str) -> Result<Option<WrappedKey>, LayoutError> {
        // Before reading: what changes in between is noticed the next time.
        let stamp = self.files.stamp(path);
        if let Some(stamp) = stamp
            && let Some((_, key)) = lock(&self.read).get(path).filter(|(known, _)| *known == stamp)
        {
            return Ok(Some(key.clone()));
        }
        let Some(content) = self.read(path)? else { return Ok(None) };
        let key = key_file::parse(path, id, &content)?;
        let mut read = lock(&self.read);
        read.remove(path);
        if let Some(stamp) = stamp {
            if read.len() >= MOST_READ {
                read.clear();
            }
            read.insert(path.to_owned(), (stamp, key.clone()));
        }
        Ok(Some(key))
    }

    /// A file's content, or `None` where there is no such file.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, LayoutError> {
        match self.files.read(path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LayoutError::unavailable(path, "read", &error)),
        }
    }

    fn write(&self, key: &WrappedKey) -> Result<PathBuf, LayoutError> {
        if !identifier::is_possible(key.id()) {
            let why = "no file can be named after the key's identifier: use letters, digits, `-`, `_`, and `.`";
            return Err(LayoutError::new(LayoutErrorKind::FileUnavailable, &self.folder(), why));
        }
        let path = self.paths(key.id(), key.master_key.provider()).key;
        self.files
            .replace(&path, key_file::render(key).as_bytes(), Access::Owner)
            .map_err(|error| LayoutError::unavailable(&path, "write", &error))?;
        Ok(path)
    }

    /// The identifier in the name of a file of this provider.
    fn identifier_in(&self, path: &Path, kind: &str) -> Option<String> {
        identifier_for(self.provider, path, kind)
    }

    /// The key in a file that is named after another provider, if it can be read.
    fn key_of_another(&self, path: &Path) -> Option<WrappedKey> {
        let mut ids = Provider::ALL.into_iter().filter_map(|provider| identifier_for(provider, path, "key.json"));
        key_file::parse(path, &ids.next()?, &self.files.read(path).ok()?).ok()
    }

    fn entries(&self) -> Result<Vec<PathBuf>, LayoutError> {
        let folder = self.folder();
        self.files.list(&folder).map_err(|error| LayoutError::unavailable(&folder, "list", &error))
    }

    /// What stands in the folder under an identifier of which no file could be read: a link that leads nowhere, a copy
    /// under another name. It may be all that is left of a key, so the key is not one that never existed.
    fn trace_of(&self, id: &str) -> Result<Option<LayoutError>, LayoutError> {
        for path in self.entries()? {
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
            for provider in Provider::ALL {
                let files = self.paths(id, provider);
                if !name.starts_with(&format!("{id}.{provider}.")) || path == beside(&files.key) {
                    continue;
                }
                let why = if path == files.key || path == files.metadata {
                    "it is listed and cannot be found, as a link that leads nowhere: mount or restore what it points to"
                        .to_owned()
                } else {
                    let kind =
                        if name.starts_with(&format!("{id}.{provider}.metadata")) { "metadata" } else { "key.json" };
                    format!(
                        "it stands alone: name it {id}.{provider}.{kind} if it is that file, else move it elsewhere"
                    )
                };
                return Ok(Some(LayoutError::new(LayoutErrorKind::FileUnavailable, &path, why)));
            }
        }
        Ok(None)
    }

    /// The metadata file that counts for a key: its own, or the one that it borrows.
    fn metadata(&self, id: &str, provider: Provider) -> Result<(PathBuf, Option<Secret>), LayoutError> {
        let own = self.paths(id, provider);
        if let Some(content) = self.read(&own.metadata)? {
            return Ok((own.metadata, Some(Secret::new(content))));
        }
        let key = self.key(&own.key, id)?;
        let Some(owner) = key.and_then(|key| key.credentials_of) else { return Ok((own.metadata, None)) };
        let borrowed = self.paths(&owner, provider).metadata;
        let content = self.read(&borrowed)?;
        Ok((borrowed, content.map(Secret::new)))
    }

    /// The credentials where no metadata file is at hand: only flags and the environment are left.
    fn credentials_without_file(&self) -> Result<ResolvedCredentials, LayoutError> {
        let folder = self.folder();
        let nothing = Metadata { path: &folder, content: None };
        self.source.resolve(self.provider, &nothing, &self.dbpath, &*self.files).map_err(|mut error| {
            if error.kind == LayoutErrorKind::MetadataMissing {
                error.why =
                    "it holds no metadata file that a new key could borrow; pass the credentials by flags".into();
            }
            error
        })
    }

    /// The CMK that the metadata file of a key names, if it names one.
    fn key_in_metadata(&self, id: Option<&str>) -> Result<Option<MasterKey>, LayoutError> {
        let Some(id) = id else { return Ok(None) };
        let (path, content) = self.metadata(id, self.provider)?;
        let content = content.as_ref().map(Secret::expose);
        credential_source::named_key(self.provider, &Metadata { path: &path, content })
    }

    /// Whose metadata file new keys borrow: the newest key's, else that of the only metadata file.
    fn lender(&self, newest: Option<&WrappedKey>) -> Result<Option<String>, LayoutError> {
        if let Some(newest) = newest {
            return Ok(Some(newest.credentials_of.clone().unwrap_or_else(|| newest.id().to_owned())));
        }
        let entries = self.entries()?;
        let mut metadata = entries.iter().filter_map(|path| self.identifier_in(path, "metadata"));
        Ok(metadata.next().filter(|_| metadata.next().is_none()))
    }
}

impl Layout for SnapshotLayout {
    fn label(&self) -> &'static str {
        key_file::FORMAT
    }

    fn prepare(&self) -> Result<(), LayoutError> {
        let folder = self.folder();
        match self.files.list(&folder) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(LayoutError::unavailable(&folder, "list", &error)),
        }
        // Only the folder is ours to make: a dbpath that is not there is a slip in the command line.
        self.files.list(&self.dbpath).map_err(|error| LayoutError::unavailable(&self.dbpath, "list", &error))?;
        self.files
            .create_directory(&folder)
            .and_then(|()| self.files.sync(&self.dbpath))
            .map_err(|error| LayoutError::unavailable(&folder, "create", &error))
    }

    fn find(&self, id: &str) -> Result<Found, LayoutError> {
        if !identifier::is_possible(id) {
            return Ok(Found::NeverExisted);
        }
        let own = self.paths(id, self.provider);
        if let Some(key) = self.key(&own.key, id)? {
            let provider = key.master_key.provider();
            return Ok(if provider == self.provider {
                Found::Present(Box::new(key))
            } else {
                Found::OtherProvider { provider, path: own.key }
            });
        }
        let others = || Provider::ALL.into_iter().filter(|provider| *provider != self.provider);
        for provider in others() {
            let path = self.paths(id, provider).key;
            if self.read(&path)?.is_some() {
                return Ok(Found::OtherProvider { provider, path });
            }
        }
        if self.read(&own.metadata)?.is_some() {
            return Ok(Found::MetadataWithoutKey { path: own.metadata });
        }
        for provider in others() {
            let path = self.paths(id, provider).metadata;
            if self.read(&path)?.is_some() {
                return Ok(Found::OtherProvider { provider, path });
            }
        }
        match self.trace_of(id)? {
            None => Ok(Found::NeverExisted),
            Some(trace) => Err(trace),
        }
    }

    fn list(&self) -> Result<Listing, LayoutError> {
        let mut listing = Listing::default();
        let (mut metadata, mut borrowed) = (Vec::new(), Vec::new());
        for path in self.entries()? {
            if let Some(id) = self.identifier_in(&path, "metadata") {
                metadata.push(id);
                continue;
            }
            let Some(id) = self.identifier_in(&path, "key.json") else {
                listing.of_others.extend(self.key_of_another(&path).map(|key| (key, path.clone())));
                listing.others.push(path);
                continue;
            };
            let key = self
                .files
                .read(&path)
                .map_err(|error| LayoutError::unavailable(&path, "read", &error))
                .and_then(|content| key_file::parse(&path, &id, &content));
            match key {
                Ok(key) if key.master_key.provider() == self.provider => {
                    borrowed.extend(key.credentials_of.clone());
                    listing.keys.push(key);
                }
                Ok(key) => {
                    listing.others.push(path.clone());
                    listing.of_others.push((key, path));
                }
                Err(problem) => listing.problems.push((id, problem)),
            }
        }
        listing.keys.sort_by(|one, other| one.id().cmp(other.id()));
        let accounted = |id: &String| {
            borrowed.contains(id)
                || listing.keys.iter().any(|key| key.id() == id)
                || listing.problems.iter().any(|(damaged, _)| damaged == id)
        };
        listing.without_key = metadata.into_iter().filter(|id| !accounted(id)).collect();
        listing.without_key.sort();
        Ok(listing)
    }

    fn store(&self, key: &WrappedKey) -> Result<PathBuf, LayoutError> {
        let _alone = lock(&self.writing);
        self.write(key)
    }

    fn store_if(&self, key: &WrappedKey, admitted: &mut Admission<'_>) -> Result<PathBuf, UpdateError> {
        let _alone = lock(&self.writing);
        admitted()?;
        Ok(self.write(key)?)
    }

    fn update(&self, id: &str, change: &mut Change<'_>) -> Result<WrappedKey, UpdateError> {
        let _alone = lock(&self.writing);
        // What is changed and written back is what stands in the file now, whatever its stamp says.
        lock(&self.read).clear();
        let Found::Present(mut key) = self.find(id)? else { return Err(UpdateError::NotPresent) };
        change(&mut key)?;
        self.write(&key)?;
        Ok(*key)
    }

    fn credentials(&self, id: &str, provider: Provider) -> Result<ResolvedCredentials, LayoutError> {
        if !identifier::is_possible(id) {
            let why = "there are no credentials for an identifier that no key can have";
            return Err(LayoutError::new(LayoutErrorKind::MetadataMissing, &self.folder(), why));
        }
        let (path, content) = if self.source.suffices(provider) {
            (self.paths(id, provider).metadata, None)
        } else {
            self.metadata(id, provider)?
        };
        self.source.resolve(
            provider,
            &Metadata { path: &path, content: content.as_ref().map(Secret::expose) },
            &self.dbpath,
            &*self.files,
        )
    }

    fn wrapping_for_new_keys(&self, kms_key: Option<&str>) -> Result<Wrapping, LayoutError> {
        let listing = self.list()?;
        let age = |key: &&WrappedKey| (key.object.initial_date, key.id().to_owned());
        let newest = listing.keys.iter().filter(|key| key.wrapped.is_some()).max_by_key(age);
        if kms_key.is_none()
            && let Some((_, problem)) = listing.problems.into_iter().next()
        {
            // Which key is the newest cannot be known while one of them cannot be read.
            return Err(problem);
        }
        let credentials_of = self.lender(newest)?;
        let credentials = match &credentials_of {
            Some(owner) => self.credentials(owner, self.provider)?,
            None => self.credentials_without_file()?,
        };
        let region = match &credentials.credentials {
            Credentials::Aws(aws) => Some(aws.region.clone()),
            Credentials::Azure(_) | Credentials::Gcp(_) | Credentials::Local(_) => None,
        };
        let none = |why: String| Err(LayoutError::new(LayoutErrorKind::KeyFileMissing, &self.folder(), why));
        let master_key = match (kms_key, newest) {
            _ if self.provider == Provider::Local => MasterKey::Local,
            (Some(key), _) => match MasterKey::read(self.provider, key, region) {
                Some(key) => key,
                None => {
                    let expected = MasterKey::mistake(self.provider, key).unwrap_or("expected the name of a CMK");
                    return none(format!("--kms-key: {expected}"));
                }
            },
            (None, Some(newest)) => newest.master_key.clone(),
            (None, None) => match self.key_in_metadata(credentials_of.as_deref())? {
                Some(key) => key,
                None => {
                    return none("no file here names a CMK for a new key, and --kms-key was not given".to_owned());
                }
            },
        };
        Ok(Wrapping { master_key, credentials, credentials_of })
    }

    fn files_of(&self, id: &str) -> Option<KeyFiles> {
        identifier::is_possible(id).then(|| self.paths(id, self.provider))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The identifier in the name of a file of a provider.
fn identifier_for(provider: Provider, path: &Path, kind: &str) -> Option<String> {
    let id = path.file_name()?.to_str()?.strip_suffix(&format!(".{provider}.{kind}"))?;
    identifier::is_possible(id).then(|| id.to_owned())
}
