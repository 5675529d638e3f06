//! A crash at every point of a write: the key file is the old one or the new one, whole (invariant K8).
//!
//! The files below keep what a disk would keep: contents and directory entries become durable by their own syncs, and
//! a crash drops the rest, or, as the kernel may have written by itself, drops only contents.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::*;
use crate::env::{Access, Files};

/// What a file is, apart from its names.
#[derive(Clone, Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Disk {
    inodes: Vec<Inode>,
    live: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// How many more steps succeed, and whether the step after them still takes effect.
    crash: Option<(usize, bool)>,
    down: bool,
}

/// Whether directory entries that were not synced are lost with the crash.
#[derive(Clone, Copy, Debug)]
enum Entries {
    Lost,
    Kept,
}

impl Disk {
    /// Lets one step happen, or not, or happen unheard.
    fn step(&mut self, effect: impl FnOnce(&mut Disk) -> io::Result<()>) -> io::Result<()> {
        if self.down {
            return Err(io::Error::other("the machine is down"));
        }
        match self.crash {
            Some((0, takes_effect)) => {
                if takes_effect {
                    effect(self)?;
                }
                self.down = true;
                Err(io::Error::other("the machine crashes"))
            }
            Some((left, takes_effect)) => {
                self.crash = Some((left - 1, takes_effect));
                effect(self)
            }
            None => effect(self),
        }
    }

    fn restart(&mut self, entries: Entries) {
        for inode in &mut self.inodes {
            inode.live = inode.durable.clone();
        }
        match entries {
            Entries::Lost => self.live = self.durable.clone(),
            Entries::Kept => self.durable = self.live.clone(),
        }
        self.crash = None;
        self.down = false;
    }
}

#[derive(Debug, Default)]
struct Memory(Mutex<Disk>);

impl Memory {
    fn disk<T>(&self, with: impl FnOnce(&mut Disk) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk(|disk| disk.live.get(path).map(|inode| disk.inodes[*inode].live.clone()).ok_or_else(missing))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        self.disk(|disk| Ok(disk.live.keys().filter(|path| path.parent() == Some(directory)).cloned().collect()))
    }

    fn write(&self, path: &Path, content: &[u8], _: Access) -> io::Result<()> {
        self.disk(|disk| {
            disk.step(|disk| {
                let inode = Inode { live: content.to_vec(), durable: Vec::new() };
                disk.inodes.push(inode);
                disk.live.insert(path.to_owned(), disk.inodes.len() - 1);
                Ok(())
            })
        })
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.disk(|disk| {
            disk.step(|disk| {
                match disk.live.get(path).copied() {
                    Some(inode) => disk.inodes[inode].durable = disk.inodes[inode].live.clone(),
                    None => disk.durable = disk.live.clone(),
                }
                Ok(())
            })
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk(|disk| {
            disk.step(|disk| {
                let inode = disk.live.remove(from).ok_or_else(missing)?;
                disk.live.insert(to.to_owned(), inode);
                Ok(())
            })
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk(|disk| disk.step(|disk| disk.live.remove(path).map(drop).ok_or_else(missing)))
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn key(material: &[u8]) -> WrappedKey {
    WrappedKey {
        object: ManagedObject::new("k".to_owned(), ObjectType::SymmetricKey, 5),
        master_key: MasterKey::Local,
        encryption_context: BTreeMap::new(),
        credentials_of: None,
        wrapped: Some(material.to_vec()),
    }
}

fn layout(files: &Arc<Memory>) -> SnapshotLayout {
    SnapshotLayout::new(files.clone(), "/db".into(), Provider::Local, CredentialSource::default())
}

/// Crashes a write at every point, and says how many points there were. `write` says whether it returned well.
fn crash_everywhere(old: Option<&WrappedKey>, new: &WrappedKey, write: impl Fn(&SnapshotLayout) -> bool) -> usize {
    let expected_old = old.cloned().map_or(Found::NeverExisted, |key| Found::Present(Box::new(key)));
    let expected_new = Found::Present(Box::new(new.clone()));
    for point in 0.. {
        let mut finished = false;
        for takes_effect in [false, true] {
            for entries in [Entries::Lost, Entries::Kept] {
                let files = Arc::new(Memory::default());
                let layout = layout(&files);
                if let Some(old) = old {
                    layout.store(old).unwrap();
                }
                files.disk(|disk| disk.crash = Some((point, takes_effect)));
                let succeeded = write(&layout);
                files.disk(|disk| disk.restart(entries));
                let found = layout.find("k").unwrap_or_else(|error| panic!("point {point}, {entries:?}: {error}"));
                if succeeded {
                    assert_eq!(found, expected_new, "point {point}, {entries:?}: lost after it was promised");
                    finished = true;
                } else {
                    assert!(found == expected_old || found == expected_new, "point {point}, {entries:?}: {found:?}");
                }
                layout.store(new).unwrap();
                assert_eq!(layout.find("k"), Ok(expected_new.clone()), "what a crash leaves behind is in the way");
            }
        }
        if finished {
            return point;
        }
    }
    unreachable!("the loop has no end")
}

#[test]
fn a_new_key_is_whole_or_absent_after_a_crash_anywhere() {
    let new = key(b"new");
    // Write beside, sync, rename, sync the folder: each is a point to crash at.
    assert_eq!(crash_everywhere(None, &new, |layout| layout.store(&new).is_ok()), 4);
}

#[test]
fn a_replaced_key_is_the_old_or_the_new_one_after_a_crash_anywhere() {
    let (old, new) = (key(b"the old one, which is longer"), key(b"new"));
    assert_eq!(crash_everywhere(Some(&old), &new, |layout| layout.store(&new).is_ok()), 4);
}

#[test]
fn an_update_is_done_or_not_after_a_crash_anywhere() {
    for event in [Event::Activate, Event::Compromise, Event::Destroy] {
        let old = key(b"material");
        let change = |key: &mut WrappedKey| -> Result<(), Refused> {
            if event == Event::Destroy { key.destroy(9) } else { key.object.apply(event, 9) }
        };
        let mut new = old.clone();
        change(&mut new).unwrap();
        assert_eq!(
            crash_everywhere(Some(&old), &new, |layout| layout.update("k", &mut |key| Ok(change(key)?)).is_ok()),
            4
        );
    }
}

#[test]
fn these_files_do_lose_a_write_that_was_not_synced() {
    let files = Memory::default();
    files.write(Path::new("/db/x"), b"content", Access::Owner).unwrap();
    files.disk(|disk| disk.restart(Entries::Lost));
    assert!(files.read(Path::new("/db/x")).is_err());
    files.write(Path::new("/db/x"), b"content", Access::Owner).unwrap();
    files.disk(|disk| disk.restart(Entries::Kept));
    assert_eq!(files.read(Path::new("/db/x")).unwrap(), b"");
}

#[test]
fn attributes_are_the_old_or_the_new_ones_after_a_crash_anywhere() {
    let old = key(b"material");
    let change = |key: &mut WrappedKey| {
        key.object.names = ObjectName::texts(["new"]);
        key.object.fresh = Some(false);
        key.object.digest = Some(MaterialDigest { hashing_algorithm: 6, key_format_type: 1, value: vec![7; 32] });
    };
    let mut new = old.clone();
    change(&mut new);
    let update = |layout: &SnapshotLayout| {
        let mut change = |key: &mut WrappedKey| {
            change(key);
            Ok(())
        };
        layout.update("k", &mut change).is_ok()
    };
    assert_eq!(crash_everywhere(Some(&old), &new, update), 4);
}
