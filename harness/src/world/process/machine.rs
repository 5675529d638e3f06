//! The machine of a world with real programs: a temporary directory for the dbpath, and another for what the laboratory
//! itself needs.
//!
//! Invariant: both are gone when the machine is.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use kmip_proxy::env::{Env, Files};
use tempfile::TempDir;

use super::record::Record;
use crate::trace::Trace;
use crate::world::clock::WallClock;
use crate::world::machine::Machine;

/// How runs call the dbpath.
pub(crate) const DBPATH: &str = "/data/db";

/// Files that are the owner's alone.
const OWNER: u32 = 0o600;

/// The machine.
pub(crate) struct RealMachine {
    env: Env,
    clock: WallClock,
    record: Record,
    /// Everything is below it.
    folder: TempDir,
    dbpath: PathBuf,
}

impl RealMachine {
    /// An empty dbpath, which only its owner may look into.
    pub(crate) fn new(clock: WallClock, record: Record) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("no directory for the dbpath: {error}");
        // Whoever finds one left behind knows by whom.
        let prefix = format!("kmiplab-{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir().map_err(failed)?;
        // Programs that resolve links call it by its true name.
        let dbpath = folder.path().canonicalize().map_err(failed)?.join("db");
        fs::create_dir(&dbpath).map_err(failed)?;
        fs::set_permissions(&dbpath, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        record.rename(dbpath.to_string_lossy(), DBPATH);
        Ok(RealMachine { env: Env::os(), clock, record, folder, dbpath })
    }

    /// A place outside of the dbpath, for what no program of the run is meant to see there.
    pub(crate) fn aside(&self) -> &Path {
        self.folder.path()
    }

    /// All files of the dbpath under the names of the run.
    pub(crate) fn disk(&self) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
        let normal = self.record.normal();
        let files = self.paths().into_iter();
        files.filter_map(|path| Some((normal.path(&path), self.content(&path)?))).collect()
    }

    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() { Self::below(&path, found) } else { found.push(path) }
        }
    }
}

impl Machine for RealMachine {
    fn dbpath(&self) -> &Path {
        &self.dbpath
    }

    fn clock(&self) -> &WallClock {
        &self.clock
    }

    fn trace(&self) -> &Trace {
        self.record.trace()
    }

    fn place(&self, path: &Path, content: &[u8]) {
        if let Some(folder) = path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        // A file that nobody may read can still be replaced, as by an operator who may do everything.
        let _ = fs::remove_file(path);
        if fs::write(path, content).is_ok() {
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(OWNER));
        }
    }

    fn content(&self, path: &Path) -> Option<Vec<u8>> {
        fs::read(path).ok()
    }

    fn paths(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        Self::below(&self.dbpath, &mut found);
        found.sort();
        found
    }

    fn take(&self, path: &Path) {
        let _ = fs::remove_file(path);
    }

    fn forbid(&self, path: &Path, forbidden: bool) {
        let mode = if forbidden { 0o000 } else { OWNER };
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    }

    fn files(&self) -> &dyn Files {
        self.env.files.as_ref()
    }

    fn env(&self) -> Env {
        self.env.clone()
    }

    fn known(&self, path: &Path) -> PathBuf {
        self.record.normal().path(path)
    }
}

/// Whether this user reads files that nobody may read, as root does.
pub(crate) fn reads_everything() -> bool {
    let Ok(folder) = TempDir::new() else { return true };
    let path = folder.path().join("forbidden");
    let forbidden = fs::write(&path, b"x").is_ok()
        && fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).is_ok()
        && fs::metadata(&path).is_ok_and(|metadata| metadata.mode() & 0o777 == 0);
    !forbidden || fs::read(&path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::stopwatch::Stopwatch;
    use super::*;

    #[test]
    fn its_files_are_those_of_the_file_system_and_are_gone_with_it() {
        let stopwatch = Stopwatch::new();
        let machine = RealMachine::new(WallClock::real(), Record::new(&[7; 32], stopwatch)).unwrap();
        let (dbpath, path) =
            (machine.dbpath().to_owned(), machine.in_dbpath("cloudProviderCredentials/k.aws.metadata"));
        machine.place(&path, b"one");
        machine.forbid(&path, true);
        machine.place(&path, b"two");
        assert_eq!(machine.content(&path).as_deref(), Some(&b"two"[..]));
        assert_eq!(machine.paths(), std::slice::from_ref(&path));
        let known = PathBuf::from("/data/db/cloudProviderCredentials/k.aws.metadata");
        assert_eq!(machine.disk().keys().collect::<Vec<_>>(), [&known]);
        assert_eq!(fs::metadata(&dbpath).unwrap().permissions().mode() & 0o777, 0o700);
        machine.take(&path);
        assert_eq!(machine.paths(), Vec::<PathBuf>::new());
        drop(machine);
        assert!(!dbpath.exists() && !dbpath.parent().unwrap().exists());
    }
}
