//! What happens to the files of wrapped keys behind the product's back: removed, damaged, forbidden, restored.
//!
//! Invariant: a file that is restored is, byte for byte, what it was before the first of these.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::machine::Machine;
use crate::scenario::{FileChange, KeptFile};
use crate::trace::What;

/// Where a wrapped key stands in its file.
const MATERIAL: &str = "/keyMaterial/$binary/base64";

/// The files that were changed, as they were.
#[derive(Default)]
pub(crate) struct KeptFiles {
    before: BTreeMap<PathBuf, Vec<u8>>,
    /// Those in which a bit is another: flipped twice it would be right again.
    flipped: BTreeSet<PathBuf>,
}

impl KeptFiles {
    /// Does something to every file of a kind.
    pub(crate) fn change(&mut self, machine: &dyn Machine, file: KeptFile, change: FileChange) {
        if change == FileChange::Restore {
            return self.restore(machine, file);
        }
        for path in of_kind(machine, file) {
            let Some(content) = machine.content(&path) else { continue };
            self.before.entry(path.clone()).or_insert_with(|| content.clone());
            match change {
                FileChange::Remove => machine.take(&path),
                FileChange::Forbid => machine.forbid(&path, true),
                FileChange::Damage if file == KeptFile::WrappedKey && !self.flipped.insert(path.clone()) => {}
                FileChange::Damage => machine.place(&path, &damaged(&content, file)),
                FileChange::Restore => unreachable!("restoring is another way"),
            }
            note(machine, word(change), &path);
        }
    }

    fn restore(&mut self, machine: &dyn Machine, file: KeptFile) {
        let paths: Vec<PathBuf> = self.before.keys().filter(|path| is_of_kind(path, file)).cloned().collect();
        for path in paths {
            let Some(content) = self.before.remove(&path) else { continue };
            self.flipped.remove(&path);
            machine.forbid(&path, false);
            machine.place(&path, &content);
            note(machine, word(FileChange::Restore), &path);
        }
    }
}

/// Writes another customer's key into every wrapped key file of a cloud.
pub(crate) fn edit_key_files(machine: &dyn Machine, master_key: &Value) {
    for path in of_kind(machine, KeptFile::KeyFile) {
        let document = machine.content(&path).and_then(|content| serde_json::from_slice::<Value>(&content).ok());
        let Some(mut document) =
            document.filter(|document| document["masterKey"]["provider"] == master_key["provider"])
        else {
            continue;
        };
        document["masterKey"] = master_key.clone();
        machine.place(&path, document.to_string().as_bytes());
        note(machine, "edit", &path);
    }
}

/// Records what somebody did to a file.
pub(crate) fn note(machine: &dyn Machine, operation: &str, path: &Path) {
    let path = machine.known(path).display().to_string();
    machine.trace().record("operator", What::File { operation: operation.to_owned(), path });
}

fn of_kind(machine: &dyn Machine, file: KeptFile) -> Vec<PathBuf> {
    machine.paths().into_iter().filter(|path| is_of_kind(path, file)).collect()
}

fn is_of_kind(path: &Path, file: KeptFile) -> bool {
    let suffix = match file {
        KeptFile::Metadata => ".metadata",
        KeptFile::KeyFile | KeptFile::WrappedKey => ".key.json",
    };
    path.to_string_lossy().ends_with(suffix)
}

fn damaged(content: &[u8], file: KeptFile) -> Vec<u8> {
    let half = || content[..content.len() / 2].to_vec();
    if file != KeptFile::WrappedKey {
        return half();
    }
    let Ok(mut document) = serde_json::from_slice::<Value>(content) else { return half() };
    let wrapped = document.pointer(MATERIAL).and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
    let Some(mut wrapped) = wrapped.filter(|wrapped| !wrapped.is_empty()) else { return half() };
    // The last byte belongs to the ciphertext or its tag in every format.
    if let Some(last) = wrapped.last_mut() {
        *last ^= 1;
    }
    if let Some(text) = document.pointer_mut(MATERIAL) {
        *text = json!(STANDARD.encode(wrapped));
    }
    document.to_string().into_bytes()
}

fn word(change: FileChange) -> &'static str {
    match change {
        FileChange::Remove => "remove",
        FileChange::Damage => "damage",
        FileChange::Forbid => "forbid",
        FileChange::Restore => "restore",
    }
}
