//! Bugs around the files: what is read, what is written where, and when it is synced.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmip_proxy::env::{Access, Files, beside};
use kmip_proxy::keys::Credentials;
use kmip_proxy::kms::{Call, Kms};
use kmiplab::world::sim::Planted;

use super::key_services::{Bug, Opened, Spoilt, lock};

/// Everything but what is named goes through.
macro_rules! passes_on {
    ($($method:ident)+) => { $(passes_on!(@ $method);)+ };
    (@ read) => {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            self.inner.read(path)
        }
    };
    (@ write) => {
        fn write(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
            self.inner.write(path, content, access)
        }
    };
    (@ sync) => {
        fn sync(&self, path: &Path) -> io::Result<()> {
            self.inner.sync(path)
        }
    };
    (@ rename) => {
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.inner.rename(from, to)
        }
    };
    (@ rest) => {
        fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
            self.inner.list(directory)
        }

        fn remove(&self, path: &Path) -> io::Result<()> {
            self.inner.remove(path)
        }

        fn create_directory(&self, path: &Path) -> io::Result<()> {
            self.inner.create_directory(path)
        }
    };
}

const KEY_FILE: &str = ".key.json";

fn is(path: &Path, ending: &str) -> bool {
    path.to_string_lossy().ends_with(ending)
}

/// Says that it has synced, and has not.
pub(crate) fn never_syncs(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(Syncs { inner, how: |_, _| Ok(()) })
}

/// Syncs names, and not what stands under them.
pub(crate) fn syncs_names_only(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(Syncs { inner, how: |inner, path| if inner.list(path).is_ok() { inner.sync(path) } else { Ok(()) } })
}

/// Syncs files at once, and directories two seconds later.
pub(crate) fn syncs_names_late(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    let how = |inner: &Arc<dyn Files>, path: &Path| {
        if inner.list(path).is_err() {
            return inner.sync(path);
        }
        let (inner, path) = (inner.clone(), path.to_owned());
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let _ = inner.sync(&path);
        });
        Ok(())
    };
    Arc::new(Syncs { inner, how })
}

/// Syncs the name of a new key file at once, and that of one which stood there already two seconds later.
pub(crate) fn syncs_changes_late(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(SyncsChangesLate { inner })
}

#[derive(Debug)]
struct SyncsChangesLate {
    inner: Arc<dyn Files>,
}

impl Files for SyncsChangesLate {
    passes_on!(read write sync rename rest);

    fn replace(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        if !is(path, KEY_FILE) || self.read(path).is_err() {
            return self.inner.replace(path, content, access);
        }
        let beside = beside(path);
        self.write(&beside, content, access)?;
        self.sync(&beside)?;
        self.rename(&beside, path)?;
        let late = syncs_names_late(self.inner.clone());
        late.sync(path.parent().unwrap_or(Path::new(".")))
    }
}

#[derive(Debug)]
struct Syncs {
    inner: Arc<dyn Files>,
    how: fn(&Arc<dyn Files>, &Path) -> io::Result<()>,
}

impl Files for Syncs {
    passes_on!(read write rename rest);

    fn sync(&self, path: &Path) -> io::Result<()> {
        (self.how)(&self.inner, path)
    }
}

/// Writes a file where it stands, instead of beside it.
pub(crate) fn writes_in_place(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(WritesInPlace { inner })
}

#[derive(Debug)]
struct WritesInPlace {
    inner: Arc<dyn Files>,
}

impl Files for WritesInPlace {
    passes_on!(read write sync rename rest);

    fn replace(&self, path: &Path, content: &[u8], access: Access) -> io::Result<()> {
        self.write(path, content, access)?;
        self.sync(path)?;
        self.sync(path.parent().unwrap_or(Path::new(".")))
    }
}

/// Keeps a new key under the name of the first key that stands there.
pub(crate) fn overwrites_another_key(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    let to = |inner: &Arc<dyn Files>, to: &Path| {
        let names = to.parent().and_then(|folder| inner.list(folder).ok()).unwrap_or_default();
        Some(names.into_iter().find(|name| is(name, KEY_FILE)).unwrap_or_else(|| to.to_owned()))
    };
    Arc::new(Renames { inner, to })
}

/// Keeps the first version of a key file, and takes every later one for written.
pub(crate) fn writes_once(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(Renames { inner, to: |inner, to| inner.read(to).is_err().then(|| to.to_owned()) })
}

/// What renames key files elsewhere, or not at all.
#[derive(Debug)]
struct Renames {
    inner: Arc<dyn Files>,
    to: fn(&Arc<dyn Files>, &Path) -> Option<PathBuf>,
}

impl Files for Renames {
    passes_on!(read write sync rest);

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if !is(to, KEY_FILE) {
            return self.inner.rename(from, to);
        }
        match (self.to)(&self.inner, to) {
            Some(to) => self.inner.rename(from, &to),
            None => self.inner.remove(from),
        }
    }
}

/// Reads every metadata file once, and believes it for ever.
pub(crate) fn remembers_metadata(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(RemembersMetadata { inner, known: Mutex::default() })
}

#[derive(Debug)]
struct RemembersMetadata {
    inner: Arc<dyn Files>,
    known: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
}

impl Files for RemembersMetadata {
    passes_on!(write sync rename rest);

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if !is(path, ".metadata") {
            return self.inner.read(path);
        }
        let known = lock(&self.known).get(path).cloned();
        if let Some(content) = known {
            return Ok(content);
        }
        let content = self.inner.read(path)?;
        lock(&self.known).insert(path.to_owned(), content.clone());
        Ok(content)
    }
}

/// Writes every metadata file that it reads anew, nicely spaced.
pub(crate) fn tidies_up(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(TidiesUp { inner })
}

#[derive(Debug)]
struct TidiesUp {
    inner: Arc<dyn Files>,
}

impl Files for TidiesUp {
    passes_on!(write sync rename rest);

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut content = self.inner.read(path)?;
        if is(path, ".metadata") && !content.ends_with(b"\n") {
            content.push(b'\n');
            self.inner.replace(path, &content, Access::Owner)?;
        }
        Ok(content)
    }
}

/// Lists no key files, and reads them where their names are known.
pub(crate) fn overlooks_keys(inner: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(OverlooksKeys { inner })
}

#[derive(Debug)]
struct OverlooksKeys {
    inner: Arc<dyn Files>,
}

impl Files for OverlooksKeys {
    passes_on!(read write sync rename);

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut names = self.inner.list(directory)?;
        names.retain(|name| !is(name, KEY_FILE));
        Ok(names)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.inner.create_directory(path)
    }
}

/// Has no disk.
pub(crate) fn fails(_: Arc<dyn Files>) -> Arc<dyn Files> {
    Arc::new(Fails)
}

#[derive(Debug)]
struct Fails;

impl Files for Fails {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::Error::other("no disk"))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Err(io::Error::other("no disk"))
    }

    fn write(&self, _: &Path, _: &[u8], _: Access) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Err(io::Error::other("no disk"))
    }
}

/// Keeps the credentials of the last call in a file, to start faster the next time.
pub(crate) fn keeps_credentials() -> Planted {
    takes_notes(|files, call, _| {
        if let Credentials::Aws(aws) = call.credentials {
            let content = format!("secret: {}\n", aws.secret_access_key.expose());
            let _ = files.replace(Path::new("/data/db/kmip-proxy.cache"), content.as_bytes(), Access::Owner);
        }
    })
}

/// Puts an opened key into a file beside the wrapped one, and removes it a moment later.
pub(crate) fn drops_plaintext() -> Planted {
    takes_notes(|files, _, opened| {
        let beside = Path::new("/data/db/cloudProviderCredentials/opened.tmp");
        let _ = files.write(beside, opened, Access::Owner);
        let _ = files.remove(beside);
    })
}

type Note = fn(&Arc<dyn Files>, Call<'_>, &[u8]);

/// A key service that has the proxy's files at hand.
fn takes_notes(note: Note) -> Planted {
    let at_hand: Arc<Mutex<Option<Arc<dyn Files>>>> = Arc::default();
    let given = at_hand.clone();
    Planted {
        files: Some(Arc::new(move |inner, _| lock(&given).insert(inner).clone())),
        kms: Some(Arc::new(move |inner, _| {
            let files = lock(&at_hand).clone().expect("files are wrapped before the key service");
            Arc::new(Spoilt(TakesNotes { inner, files, note }))
        })),
        ..Planted::default()
    }
}

#[derive(Debug)]
struct TakesNotes {
    inner: Arc<dyn Kms>,
    files: Arc<dyn Files>,
    note: Note,
}

impl Bug for TakesNotes {
    fn inner(&self) -> &Arc<dyn Kms> {
        &self.inner
    }

    fn unwrap<'a>(&'a self, call: Call<'a>, ciphertext: &'a [u8]) -> Opened<'a> {
        Box::pin(async move {
            let opened = self.inner.unwrap(call, ciphertext).await?;
            (self.note)(&self.files, call, opened.expose());
            Ok(opened)
        })
    }
}
