//! A real application with client-side encryption: pymongo with libmongocrypt, and a community mongod behind it.
//!
//! In order: [`Setup::find`] looks for what `cargo xtask clients` has set up; a [`Community`] is a mongod with a folder
//! of its own, which outlives the application; an [`Application`] is a process of the driver that does what it is told; a
//! [`Course`] says what that is, for whoever plays the process.
//!
//! mongod encrypts no files here: it is the community edition. What runs is encryption by the driver.
//!
//! Invariant: no process outlives the value that stands for it, and no file its folder.

mod application;
mod community;
mod course;
mod process;

use std::path::{Path, PathBuf};

pub(crate) use application::{About, Application, Order, Said};
pub(crate) use community::Community;
pub(crate) use course::{Course, Errand, Next, Told, Turn};
pub(crate) use process::{Child, Output};

/// What `cargo xtask clients` has set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Python, with pymongo and libmongocrypt.
    pub(crate) python: PathBuf,
    /// The community edition of mongod.
    pub(crate) mongod: PathBuf,
}

/// The lists of what is set up, each with the name of the copy that says so.
const LISTS: [(&str, &str); 2] = [
    ("requirements.txt", include_str!("../../../../tests/real_clients/requirements.txt")),
    ("mongod.txt", include_str!("../../../../tests/real_clients/mongod.txt")),
];

impl Setup {
    /// Looks beside this program, or says what is missing, and how to get it.
    pub(crate) fn find() -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        // target/debug/kmiplab, or target/debug/deps/test.
        let folders = program.ancestors().skip(1).take(4).map(|folder| folder.join("real-clients"));
        let folder = folders.into_iter().find(|folder| folder.is_dir());
        folder.map_or_else(
            || Err("pymongo and a community mongod are not set up: `cargo xtask clients`".to_owned()),
            |folder| Setup::within(&folder),
        )
    }

    /// What is set up in a folder, if it is there as listed.
    fn within(folder: &Path) -> Result<Self, String> {
        for (name, list) in LISTS {
            if std::fs::read_to_string(folder.join(name)).ok().as_deref() != Some(list) {
                let folder = folder.display();
                return Err(format!("`{folder}` does not hold what {name} lists: `cargo xtask clients` sets it up"));
            }
        }
        Ok(Setup { python: folder.join("venv/bin/python"), mongod: folder.join("mongod/fiftyone/db/bin/mongod") })
    }
}

#[cfg(test)]
mod real_tests;
