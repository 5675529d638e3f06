//! A disk that forgets what was not synced.
//!
//! Two states are kept: what programs see, and what a power cut leaves. `write` and `rename` change the first; `sync` of
//! a file makes its content durable, `sync` of a directory makes its names durable. A crash can be planned before or
//! after any numbered operation: from there on every operation fails, until [`Disk::power_on`].
//!
//! Invariant: what was not synced does not survive [`Disk::power_cut`].

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kmip_proxy::env::{Access, Files, Stamp};

use crate::trace::{Trace, What, Written};

/// One machine's disk, shared by its programs. Cheap to clone.
#[derive(Clone)]
pub struct Disk {
    inner: Arc<Mutex<Inner>>,
    trace: Option<(Trace, String)>,
}

#[derive(Default)]
struct Inner {
    /// What programs see: names to contents.
    seen: BTreeMap<PathBuf, Content>,
    /// The directories. They are never lost: what the product must sync is names and contents.
    directories: BTreeSet<PathBuf>,
    /// The names that survive, each with the content that it would have.
    durable: BTreeMap<PathBuf, Content>,
    /// What programs wrote: the host, the path, and the content.
    written: Vec<(String, PathBuf, Vec<u8>)>,
    contents: u64,
    operations: u64,
    crash: Option<CrashPoint>,
    off: bool,
    full: bool,
    /// Files that nobody may read.
    forbidden: BTreeSet<PathBuf>,
}

/// A file's content: what programs see, and what has reached the platters.
#[derive(Clone)]
struct Content {
    id: u64,
    seen: Vec<u8>,
    durable: Option<Vec<u8>>,
}

/// When the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Just before the operation with this number (from 1) has any effect.
    Before(u64),
    /// Just after it.
    After(u64),
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Disk({} files)", self.lock().seen.len())
    }
}

impl Default for Disk {
    fn default() -> Self {
        Disk::new()
    }
}

impl Disk {
    /// An empty disk.
    pub fn new() -> Self {
        Disk { inner: Arc::default(), trace: None }
    }

    /// The same disk as a program of this host sees it: what it does is recorded, and what it writes is kept.
    pub fn of(&self, trace: &Trace, host: &str) -> Self {
        Disk { inner: self.inner.clone(), trace: Some((trace.clone(), host.to_owned())) }
    }

    /// Puts a file there, durable, without any program having written it.
    pub fn place(&self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) {
        let (path, bytes) = (path.into(), content.into());
        let mut inner = self.lock();
        let content = Content { id: inner.next_content(), durable: Some(bytes.clone()), seen: bytes };
        inner.make_parents(&path);
        inner.seen.insert(path.clone(), content.clone());
        inner.durable.insert(path, content);
    }

    /// Plans a power cut. Operations are counted from 1 from now on; reads and lists do not count.
    pub fn crash_at(&self, point: CrashPoint) {
        let mut inner = self.lock();
        inner.operations = 0;
        inner.crash = Some(point);
    }

    /// How many counted operations there were since [`Disk::crash_at`], or since the beginning.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Whether a planned power cut has happened.
    pub fn is_off(&self) -> bool {
        self.lock().off
    }

    /// Forgets everything that was not synced.
    pub fn power_cut(&self) {
        let mut inner = self.lock();
        let survivors = inner.durable.clone();
        inner.seen = survivors
            .into_iter()
            .map(|(path, content)| {
                // A name that survives without its content shows an empty file, as file systems do.
                let bytes = content.durable.unwrap_or_default();
                (path, Content { id: content.id, seen: bytes.clone(), durable: Some(bytes) })
            })
            .collect();
        inner.durable = inner.seen.clone();
        inner.off = true;
    }

    /// The same, after the kernel has written all names by itself: what was renamed or made keeps its name, and whose
    /// content was not synced is empty.
    pub fn power_cut_keeping_names(&self) {
        let mut inner = self.lock();
        inner.durable = inner.seen.clone();
        drop(inner);
        self.power_cut();
    }

    /// Lets programs use the disk again.
    pub fn power_on(&self) {
        let mut inner = self.lock();
        inner.off = false;
        inner.crash = None;
    }

    /// From now on there is no room for a byte more, or there is again.
    pub fn fill(&self, full: bool) {
        self.lock().full = full;
    }

    /// From now on nobody may read a file, or everybody may again.
    pub fn forbid(&self, path: &Path, forbidden: bool) {
        let mut inner = self.lock();
        if forbidden {
            inner.forbidden.insert(path.to_owned());
        } else {
            inner.forbidden.remove(path);
        }
    }

    /// Takes a file away, durably, without any program having done it.
    pub fn take(&self, path: &Path) {
        let mut inner = self.lock();
        inner.seen.remove(path);
        inner.durable.remove(path);
    }

    /// What would survive a power cut now.
    pub fn durable(&self, path: &Path) -> Option<Vec<u8>> {
        self.lock().durable.get(path).map(|content| content.durable.clone().unwrap_or_default())
    }

    /// The durable files, sorted.
    pub fn durable_paths(&self) -> Vec<PathBuf> {
        self.lock().durable.keys().cloned().collect()
    }

    /// Everything that programs wrote so far, and which of the run's secrets stand in it.
    pub(crate) fn written(&self, trace: &Trace) -> Vec<Written> {
        let inner = self.lock();
        let written = inner.written.iter();
        written
            .map(|(host, path, content)| {
                let secrets = trace.secrets_in(content);
                Written { host: host.clone(), path: path.clone(), secrets }
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a counted operation, unless the power is off or goes off.
    fn operate(&self, name: &str, path: &Path, change: impl FnOnce(&mut Inner) -> io::Result<()>) -> io::Result<()> {
        let mut inner = self.lock();
        inner.powered()?;
        inner.operations += 1;
        let number = inner.operations;
        if inner.crash == Some(CrashPoint::Before(number)) {
            inner.off = true;
            return Err(power());
        }
        change(&mut inner)?;
        let off = inner.crash == Some(CrashPoint::After(number));
        inner.off |= off;
        drop(inner);
        self.note(name, path);
        if off { Err(power()) } else { Ok(()) }
    }

    fn note(&self, operation: &str, path: &Path) {
        if let Some((trace, host)) = &self.trace {
            let path = path.display().to_string();
            trace.record(host, What::File { operation: operation.to_owned(), path });
        }
    }
}

impl Inner {
    fn next_content(&mut self) -> u64 {
        self.contents += 1;
        self.contents
    }

    fn make_parents(&mut self, path: &Path) {
        self.directories.extend(path.ancestors().skip(1).map(Path::to_owned));
    }

    fn powered(&self) -> io::Result<()> {
        if self.off { Err(power()) } else { Ok(()) }
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let inner = self.lock();
        inner.powered()?;
        if inner.forbidden.contains(path) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "Permission denied"));
        }
        let content = inner.seen.get(path).map(|content| content.seen.clone()).ok_or_else(missing)?;
        drop(inner);
        self.note("read", path);
        Ok(content)
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let inner = self.lock();
        let readable = !inner.off && !inner.forbidden.contains(path);
        let content = inner.seen.get(path).filter(|_| readable)?;
        // Every write makes another content, so that its number alone tells one state from another.
        Some(Stamp { device: 0, file: content.id, changed: Duration::ZERO, length: content.seen.len() as u64 })
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let inner = self.lock();
        inner.powered()?;
        if !inner.directories.contains(directory) {
            return Err(missing());
        }
        Ok(inner.seen.keys().filter(|path| path.parent() == Some(directory)).cloned().collect())
    }

    fn write(&self, path: &Path, content: &[u8], _: Access) -> io::Result<()> {
        self.operate("write", path, |inner| {
            if path.parent().is_none_or(|parent| !inner.directories.contains(parent)) {
                return Err(missing());
            }
            if inner.full {
                return Err(io::Error::new(io::ErrorKind::StorageFull, "No space left on device"));
            }
            let id = inner.next_content();
            inner.seen.insert(path.to_owned(), Content { id, seen: content.to_vec(), durable: None });
            if let Some((_, host)) = &self.trace {
                inner.written.push((host.clone(), path.to_owned(), content.to_vec()));
            }
            Ok(())
        })
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.operate("sync", path, |inner| {
            if let Some(content) = inner.seen.get_mut(path) {
                content.durable = Some(content.seen.clone());
                let (id, durable) = (content.id, content.durable.clone());
                // The same content may already be durable under a name.
                for content in inner.durable.values_mut().filter(|content| content.id == id) {
                    content.durable.clone_from(&durable);
                }
                return Ok(());
            }
            // A directory: its names become durable, each with what has been synced of its content.
            let names: Vec<PathBuf> =
                inner.durable.keys().filter(|name| name.parent() == Some(path)).cloned().collect();
            for name in names {
                inner.durable.remove(&name);
            }
            let entries: Vec<(PathBuf, Content)> = inner
                .seen
                .iter()
                .filter(|(name, _)| name.parent() == Some(path))
                .map(|(name, content)| (name.clone(), content.clone()))
                .collect();
            inner.durable.extend(entries);
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate("rename", to, |inner| {
            let content = inner.seen.remove(from).ok_or_else(missing)?;
            inner.seen.insert(to.to_owned(), content);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operate("remove", path, |inner| inner.seen.remove(path).map(drop).ok_or_else(missing))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.powered()?;
        inner.make_parents(&path.join("a file"));
        Ok(())
    }
}

fn power() -> io::Error {
    io::Error::other("the power is off")
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "No such file or directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = b"old";
    const NEW: &[u8] = b"new";

    fn replaced_with_a_crash(point: CrashPoint) -> Vec<u8> {
        let disk = Disk::new();
        disk.place("/db/key", OLD);
        disk.crash_at(point);
        let _ = disk.replace(Path::new("/db/key"), NEW, Access::Owner);
        disk.power_cut();
        disk.power_on();
        disk.read(Path::new("/db/key")).unwrap()
    }

    #[test]
    fn a_replace_is_old_or_new_at_every_crash_point() {
        for number in 1..=4 {
            for point in [CrashPoint::Before(number), CrashPoint::After(number)] {
                let found = replaced_with_a_crash(point);
                assert!(found == OLD || found == NEW, "{point:?} left {found:?}");
            }
        }
        assert_eq!(replaced_with_a_crash(CrashPoint::Before(4)), OLD, "a rename is not durable before its directory");
        assert_eq!(replaced_with_a_crash(CrashPoint::After(4)), NEW);
    }

    #[test]
    fn names_that_the_kernel_wrote_by_itself_survive_with_what_was_synced_of_their_contents() {
        let disk = Disk::new();
        disk.place("/db/key", OLD);
        disk.write(Path::new("/db/synced"), NEW, Access::Owner).unwrap();
        disk.sync(Path::new("/db/synced")).unwrap();
        disk.write(Path::new("/db/never"), NEW, Access::Owner).unwrap();
        disk.power_cut_keeping_names();
        disk.power_on();
        let found = ["/db/key", "/db/synced", "/db/never"].map(|path| disk.read(Path::new(path)).unwrap());
        assert_eq!(found, [OLD, NEW, b""]);
    }

    #[test]
    fn a_read_is_recorded_if_it_succeeds_and_a_write_is_kept_even_when_the_file_is_gone() {
        let trace = Trace::new(b"key", || std::time::Duration::ZERO);
        trace.secret("a password", b"correct horse");
        let disk = Disk::new();
        disk.place("/db/local.key", "placed: correct horse");
        let seen = disk.of(&trace, "proxy");
        let scratch = Path::new("/db/scratch");
        seen.read(scratch).unwrap_err();
        seen.write(scratch, b"correct horse", Access::Owner).unwrap();
        seen.read(scratch).unwrap();
        seen.remove(scratch).unwrap();
        let operations = trace.events().into_iter().filter_map(|event| match event.what {
            What::File { operation, .. } => Some(operation),
            _ => None,
        });
        assert_eq!(operations.collect::<Vec<_>>(), ["write", "read", "remove"]);
        let secrets = vec!["a password".to_owned()];
        assert_eq!(disk.written(&trace), [Written { host: "proxy".to_owned(), path: scratch.to_owned(), secrets }]);
    }

    #[test]
    fn a_write_in_place_without_sync_loses_the_file() {
        let disk = Disk::new();
        disk.place("/db/key", OLD);
        disk.write(Path::new("/db/key"), NEW, Access::Owner).unwrap();
        disk.sync(Path::new("/db")).unwrap();
        disk.power_cut();
        disk.power_on();
        assert_eq!(disk.read(Path::new("/db/key")).unwrap(), b"");
    }
}
