//! What is kept of key files between requests: only what the file still says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::layout_tests::{ID, key};
use super::*;
use crate::env::{Access, Env, Files, Stamp};

/// A layout over watched files with one key, and its path.
fn watched(settled: bool) -> (Arc<Watched>, SnapshotLayout, PathBuf) {
    let files = Arc::new(Watched::default());
    *files.settled.lock().unwrap() = settled;
    let layout = SnapshotLayout::new(files.clone(), "/db".into(), Provider::Aws, CredentialSource::default());
    let path = layout.store(&key(ID, 1)).unwrap();
    (files, layout, path)
}

fn wrapped(layout: &SnapshotLayout) -> Option<Vec<u8>> {
    match layout.find(ID).unwrap() {
        Found::Present(key) => key.wrapped,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_file_that_stays_as_it_is_is_read_once() {
    let (files, layout, _) = watched(true);
    for _ in 0..5 {
        assert_eq!(wrapped(&layout), Some(vec![1, 2, 3]));
    }
    assert_eq!(*files.reads.lock().unwrap(), 1);
}

#[test]
fn a_file_whose_next_change_might_not_show_is_read_every_time() {
    let (files, layout, _) = watched(false);
    for _ in 0..5 {
        wrapped(&layout);
    }
    assert_eq!(*files.reads.lock().unwrap(), 5);
}

#[test]
fn a_key_file_that_is_changed_or_gone_or_damaged_is_what_it_is_now() {
    let (files, layout, path) = watched(true);
    assert_eq!(wrapped(&layout), Some(vec![1, 2, 3]));
    let mut other = key(ID, 1);
    other.wrapped = Some(vec![4, 5, 6]);
    layout.store(&other).unwrap();
    assert_eq!(wrapped(&layout), Some(vec![4, 5, 6]));
    files.write(&path, b"{", Access::Owner).unwrap();
    assert!(layout.find(ID).is_err());
    files.remove(&path).unwrap();
    assert!(matches!(layout.find(ID).unwrap(), Found::NeverExisted));
}

#[cfg(unix)]
#[test]
fn the_systems_files_have_a_stamp_once_they_are_old_enough_and_never_where_they_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = Env::os().files;
    let path = folder.path().join("new");
    files.write(&path, b"new", Access::Owner).unwrap();
    assert_eq!(files.stamp(&path), None, "it may change within the same step of the file system's clock");
    assert_eq!(files.stamp(&folder.path().join("none")), None);
    // The build took longer than a step of any clock, and nobody changes its manifest now.
    let old = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let stamp = files.stamp(old).expect("an old file has a stamp");
    assert_eq!(files.stamp(old), Some(stamp));
    assert_eq!(stamp.length, include_str!("../../Cargo.toml").len() as u64);
}

/// Files that count how often they are read, and whose states can be told apart or not.
#[derive(Debug, Default)]
struct Watched {
    files: Mutex<BTreeMap<PathBuf, (u64, Vec<u8>)>>,
    reads: Mutex<usize>,
    settled: Mutex<bool>,
}

impl Files for Watched {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        *self.reads.lock().unwrap() += 1;
        self.files.lock().unwrap().get(path).map(|(_, content)| content.clone()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let settled = *self.settled.lock().unwrap();
        let files = self.files.lock().unwrap();
        let (file, content) = files.get(path).filter(|_| settled)?;
        Some(Stamp { device: 0, file: *file, changed: Duration::ZERO, length: content.len() as u64 })
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.files.lock().unwrap().keys().cloned().collect())
    }

    fn write(&self, path: &Path, content: &[u8], _: Access) -> io::Result<()> {
        let mut files = self.files.lock().unwrap();
        let number = files.values().map(|(number, _)| number + 1).max().unwrap_or_default();
        files.insert(path.to_owned(), (number, content.to_vec()));
        Ok(())
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files.lock().unwrap();
        let moved = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), moved);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files.lock().unwrap().remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}
