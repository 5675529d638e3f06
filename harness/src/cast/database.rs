//! What a database keeps in its data files about its master key.
//!
//! A real one encrypts its key database with the master key. The lab keeps two things in a file of its own beside it:
//! the identifier under which the key is asked for again, and a check value that only the right key reproduces. So
//! whether a key opens the data is found out by trying, not by looking it up.
//!
//! The key vault of an application with client-side encryption is kept alike. Where the KMIP server itself encrypts, the
//! data key as the server encrypted it stands there, too, and the check value is the data key's.
//!
//! Invariant: the file is replaced in one durable step, and never holds the key.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kmip_proxy::env::{Access, Files};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::trace::hex;

/// Says whose layout the file has: it is not MongoDB's.
const LAYOUT: &str = "kmiplab-storage-engine/1";

/// What the check value is computed over.
const CHECKED: &[u8] = b"kmiplab: whoever reproduces this holds the master key";

/// The durable part of a database that concerns its master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    layout: String,
    /// The Unique Identifier of the master key.
    pub key_identifier: String,
    check: String,
    /// The data key as the server encrypted it, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wrapped: Option<String>,
}

/// The file could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct DatabaseError {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

impl Database {
    /// The file's name within the dbpath.
    pub const FILE: &str = "storage-engine.json";

    /// Reads the database below `dbpath`; `None` where there is none yet.
    pub fn read(files: &dyn Files, dbpath: &Path) -> Result<Option<Self>, DatabaseError> {
        let path = dbpath.join(Self::FILE);
        let content = match files.read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path, &error)),
        };
        let database: Database = serde_json::from_slice(&content).map_err(|error| failed(&path, &error))?;
        if database.layout != LAYOUT {
            return Err(failed(&path, &format!("layout `{}`, expected `{LAYOUT}`", database.layout)));
        }
        if database.wrapped.is_some() && database.wrapped().is_none() {
            return Err(failed(&path, &"`wrapped` is no base64"));
        }
        Ok(Some(database))
    }

    /// Creates the database below `dbpath`, or re-encrypts the one that is there, with a master key. Durable once this
    /// has returned.
    pub fn write(files: &dyn Files, dbpath: &Path, key_identifier: &str, key: &[u8]) -> Result<Self, DatabaseError> {
        Self::replace(files, dbpath, key_identifier, key, None)
    }

    /// Creates or replaces the key vault below `dbpath` with a data key, and what the server made of it under the master
    /// key. Durable once this has returned.
    pub fn write_wrapped(
        files: &dyn Files,
        dbpath: &Path,
        key_identifier: &str,
        data_key: &[u8],
        wrapped: &[u8],
    ) -> Result<Self, DatabaseError> {
        Self::replace(files, dbpath, key_identifier, data_key, Some(STANDARD.encode(wrapped)))
    }

    /// The data key as the server encrypted it: initialisation vector and ciphertext; `None` where only the master key
    /// itself opens the data.
    pub fn wrapped(&self) -> Option<Vec<u8>> {
        self.wrapped.as_ref().and_then(|text| STANDARD.decode(text).ok())
    }

    fn replace(
        files: &dyn Files,
        dbpath: &Path,
        key_identifier: &str,
        key: &[u8],
        wrapped: Option<String>,
    ) -> Result<Self, DatabaseError> {
        let path: PathBuf = dbpath.join(Self::FILE);
        let (layout, key_identifier) = (LAYOUT.to_owned(), key_identifier.to_owned());
        let database = Database { layout, key_identifier, check: check_value(key), wrapped };
        let mut content = serde_json::to_vec_pretty(&database).expect("a few texts are plain data");
        content.push(b'\n');
        files.create_directory(dbpath).map_err(|error| failed(dbpath, &error))?;
        files.replace(&path, &content, Access::Owner).map_err(|error| failed(&path, &error))?;
        Ok(database)
    }

    /// Whether a key is the one that the data was encrypted with.
    pub fn opens_with(&self, key: &[u8]) -> bool {
        self.check == check_value(key)
    }
}

fn check_value(key: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hex(hmac::sign(&key, CHECKED).as_ref())
}

fn failed(path: &Path, what: &impl ToString) -> DatabaseError {
    DatabaseError { path: path.display().to_string(), what: what.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::testing::Disk;

    #[test]
    fn only_the_key_that_wrote_a_database_opens_it() {
        let disk = Disk::default();
        let dbpath = Path::new("/data/db");
        assert_eq!(Database::read(&disk, dbpath), Ok(None));
        let written = Database::write(&disk, dbpath, "5", &[7; 32]).unwrap();
        let read = Database::read(&disk, dbpath).unwrap().unwrap();
        assert_eq!(read, written);
        assert_eq!(read.key_identifier, "5");
        assert!(read.opens_with(&[7; 32]));
        assert!(!read.opens_with(&[8; 32]));
        assert!(!read.opens_with(&[7; 31]));
    }

    #[test]
    fn the_file_names_its_layout_and_holds_no_key() {
        let disk = Disk::default();
        Database::write(&disk, Path::new("/data/db"), "5", &[7; 32]).unwrap();
        let content = disk.text("/data/db/storage-engine.json");
        assert!(content.contains("kmiplab-storage-engine/1"), "{content}");
        assert!(!content.contains("0707070707"), "{content}");
    }

    #[test]
    fn a_key_vault_keeps_what_the_server_made_of_the_data_key_and_not_the_data_key() {
        let disk = Disk::default();
        let dbpath = Path::new("/data/db");
        Database::write_wrapped(&disk, dbpath, "5", &[7; 96], &[9; 128]).unwrap();
        let vault = Database::read(&disk, dbpath).unwrap().unwrap();
        assert_eq!(vault.wrapped(), Some(vec![9; 128]));
        assert!(vault.opens_with(&[7; 96]) && !vault.opens_with(&[9; 128]));
        assert!(!disk.text("/data/db/storage-engine.json").contains("BwcHBwcHBwc"), "the data key in base64");
        Database::write(&disk, dbpath, "6", &[7; 96]).unwrap();
        assert_eq!(Database::read(&disk, dbpath).unwrap().unwrap().wrapped(), None);
        let damaged = "{\"layout\": \"kmiplab-storage-engine/1\", \"key_identifier\": \"5\", \"check\": \"\", \
                       \"wrapped\": \"*\"}";
        disk.put("/data/db/storage-engine.json", damaged);
        let error = Database::read(&disk, dbpath).unwrap_err().to_string();
        assert_eq!(error, "/data/db/storage-engine.json: `wrapped` is no base64");
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_file_line_and_column() {
        let disk = Disk::default();
        disk.put("/data/db/storage-engine.json", "{\"layout\": \"kmiplab-storage-engine/1\",\n oops");
        let error = Database::read(&disk, Path::new("/data/db")).unwrap_err().to_string();
        assert_eq!(error, "/data/db/storage-engine.json: key must be a string at line 2 column 2");
        let other = "{\"layout\": \"other\", \"key_identifier\": \"5\", \"check\": \"\"}";
        disk.put("/data/db/storage-engine.json", other);
        let error = Database::read(&disk, Path::new("/data/db")).unwrap_err().to_string();
        assert!(error.ends_with("layout `other`, expected `kmiplab-storage-engine/1`"), "{error}");
    }
}
