//! The machine on which mongod and the proxy run, as the laboratory reaches it with its own hands: files are laid down,
//! taken away and looked at behind the product's back. Each world has a machine of its own kind.
//!
//! Invariant: what is done here passes no fault and leaves no trace by itself; who does it records it.

use std::path::{Path, PathBuf};

use kmip_proxy::env::{Env, Files};

use super::clock::WallClock;
use crate::trace::Trace;

/// The wrapping key of the provider `local`, in the dbpath.
pub(crate) const LOCAL_KEY_FILE: &str = "local.key";

/// A machine.
pub(crate) trait Machine {
    /// Where the database lives.
    fn dbpath(&self) -> &Path;

    /// The true time.
    fn clock(&self) -> &WallClock;

    /// The log of the run.
    fn trace(&self) -> &Trace;

    /// Lays a file down, whole, in place of what was there.
    fn place(&self, path: &Path, content: &[u8]);

    /// What stands in a file, if it is there.
    fn content(&self, path: &Path) -> Option<Vec<u8>>;

    /// All files, sorted.
    fn paths(&self) -> Vec<PathBuf>;

    /// Takes a file away.
    fn take(&self, path: &Path);

    /// From now on nobody may read a file, or everybody may again.
    fn forbid(&self, path: &Path, forbidden: bool);

    /// The files as programs see them, without a fault.
    fn files(&self) -> &dyn Files;

    /// The outside as the laboratory itself is given it, for what it does by the product's own hands.
    fn env(&self) -> Env;

    /// A path as the run calls it.
    fn known(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    /// The path of a file in the dbpath.
    fn in_dbpath(&self, name: &str) -> PathBuf {
        self.dbpath().join(name)
    }
}
