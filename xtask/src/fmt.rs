//! `cargo xtask fmt`: formats everything, also the files that `cargo fmt` does not see.
//!
//! rustfmt follows `mod` lines; a module that a macro declares (a row of the tables of verbs and operations) it never
//! finds. The folders of such tables are named here.

use std::fs;
use std::path::Path;

use crate::program::Program;

/// Folders in which a macro declares the modules.
const TABLES: [&str; 2] = ["harness/src/scenario/verbs", "src/operations"];

/// `cargo xtask fmt`.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    Program::new(&["cargo", "fmt", "--all"]).run(root)?;
    tables(root, &["rustfmt", "--edition", "2024"])
}

/// `cargo xtask fmt --check`.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let hint = |error| format!("{error}\n\nhint: `cargo xtask fmt` formats everything");
    Program::new(&["cargo", "fmt", "--all", "--check"]).run(root).map_err(hint)?;
    tables(root, &["rustfmt", "--edition", "2024", "--check"]).map_err(hint)
}

fn tables(root: &Path, words: &[&str]) -> Result<(), String> {
    let mut files = Vec::new();
    for folder in TABLES {
        let entries = fs::read_dir(root.join(folder)).map_err(|error| format!("cannot list `{folder}`: {error}"))?;
        for entry in entries {
            let name = entry.map_err(|error| format!("cannot list `{folder}`: {error}"))?.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".rs") {
                files.push(format!("{folder}/{name}"));
            }
        }
    }
    files.sort();
    let words: Vec<&str> = words.iter().copied().chain(files.iter().map(String::as_str)).collect();
    Program::new(&words).run(root)
}
