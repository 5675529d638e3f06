//! What can be wrong with the files of a dbpath, said with file, line, column and field.
//!
//! Invariant: no error carries a value out of a file: it might be a secret.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::Refused;

/// What kind of trouble a file makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayoutErrorKind {
    /// The credentials metadata file is missing, and nothing else brings credentials.
    MetadataMissing,
    /// The credentials metadata file is not what it should be.
    MetadataMalformed,
    /// There are no usable credentials: the metadata names a role, or nothing.
    RoleNotUsable,
    /// The wrapped key file is missing.
    KeyFileMissing,
    /// The wrapped key file is not what it should be.
    KeyFileMalformed,
    /// The file could not be read or written.
    FileUnavailable,
}

/// A file that does not serve, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutError {
    /// What kind of trouble it is.
    pub kind: LayoutErrorKind,
    /// The file, or the directory.
    pub path: PathBuf,
    /// Line and column, both from 1, the column in bytes.
    pub position: Option<(usize, usize)>,
    /// The field, nested ones with dots, such as `masterKey.region`.
    pub field: Option<String>,
    /// What is wrong, in one line.
    pub why: String,
}

impl LayoutError {
    /// An error about a file as a whole.
    pub(super) fn new(kind: LayoutErrorKind, path: &Path, why: impl Into<String>) -> Self {
        LayoutError { kind, path: path.to_owned(), position: None, field: None, why: why.into() }
    }

    /// Names the field.
    #[must_use]
    pub(super) fn at_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The operating system refused.
    pub(crate) fn unavailable(path: &Path, doing: &str, error: &io::Error) -> Self {
        LayoutError::new(LayoutErrorKind::FileUnavailable, path, format!("cannot {doing} it: {error}"))
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        if let Some(field) = &self.field {
            write!(f, "field `{field}`: ")?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for LayoutError {}

/// Why a stored key could not be changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// There is no such key with this provider: ask `find` what there is.
    #[error("there is no such key")]
    NotPresent,
    /// The change was refused by the state machine.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Whoever wanted the change has thought better of it, and knows why.
    #[error("the key stays as it is")]
    Abandoned,
    /// The files do not serve.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}
