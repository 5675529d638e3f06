//! `cargo xtask schema`: the JSON Schema of scenario files, made from the structs that read them.
//!
//! The laboratory knows its structs, so it does the work, in a command that its own help does not list. Both sides agree
//! on the file `scenarios/scenario-1.schema.json`.

use std::path::Path;

use crate::program::Program;

/// Writes the committed schema anew.
const WRITE: Program<'_> =
    Program::new(&["cargo", "run", "--quiet", "--locked", "--package", "kmiplab", "--", "schema", "--write"]);

/// Compares the committed schema with the structs.
const CHECK: Program<'_> =
    Program::new(&["cargo", "run", "--quiet", "--locked", "--package", "kmiplab", "--", "schema", "--check"]);

/// `cargo xtask schema`.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    WRITE.run(root)
}

/// `cargo xtask schema --check`.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    CHECK.run(root).map_err(|error| {
        format!("{error}\n\nhint: `cargo xtask schema` writes the schema anew; look at what changed in it")
    })
}
