//! Which scenario files there are, and which of them are meant.
//!
//! The order is that of the paths, so that a list of scenarios is the same on every machine.

use std::fs::{DirEntry, read_dir};
use std::io;
use std::path::{Path, PathBuf};

use super::mistake::closest;

/// The name, without `.toml`, of the file beside the families in which differences between lanes are recorded: it is no
/// scenario.
const DIFFERENCES: &str = "differences";

/// A scenario file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its path.
    pub path: String,
    /// The name of its folder.
    pub family: String,
    /// Its name without `.toml`.
    pub name: String,
}

impl Found {
    /// The file at a path, whether it exists or not. `None` if the path does not end in a name and `.toml`.
    pub fn at(path: &Path) -> Option<Found> {
        let text = path.to_str()?;
        let name = path.file_name()?.to_str()?.strip_suffix(".toml").filter(|name| !name.is_empty())?;
        // A bare file name stands in a folder all the same: the current one, whatever that is called.
        let family = path.parent().and_then(Path::file_name).and_then(|family| family.to_str()).unwrap_or(".");
        Some(Found { path: text.to_owned(), family: family.to_owned(), name: name.to_owned() })
    }

    /// `family/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.family, self.name)
    }
}

/// Why scenario files could not be found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A folder cannot be read.
    #[error("{}: {error}; give the folder that holds the families of scenarios", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A filter is a path, and there is no such file.
    #[error("{path}: no such scenario file; {help}")]
    NoSuchFile {
        /// The path as given.
        path: String,
        /// Which one may have been meant.
        help: String,
    },
}

/// The scenario files `root/*/*.toml` in the order of their paths. Without filters all of them; else those that any
/// filter selects: as a part of `family/name`, or as the path of a file or folder (of files elsewhere, too).
///
/// # Errors
///
/// If a folder cannot be read, or a filter that ends in `.toml` is not a file. A filter that selects nothing is no
/// error.
pub fn find(root: &Path, filters: &[String]) -> Result<Vec<Found>, FindError> {
    let all = families(root)?;
    if filters.is_empty() {
        return Ok(all);
    }
    let mut selected = Vec::new();
    for filter in filters {
        let path = Path::new(filter);
        if path.is_dir() {
            selected.extend(files(path)?);
            selected.extend(all.iter().filter(|found| Path::new(&found.path).starts_with(path)).cloned());
        } else if filter.ends_with(".toml") {
            selected.push(file(path, filter, &all)?);
        } else {
            selected.extend(all.iter().filter(|found| found.id().contains(filter.as_str())).cloned());
        }
    }
    selected.sort();
    selected.dedup();
    Ok(selected)
}

fn file(path: &Path, filter: &str, all: &[Found]) -> Result<Found, FindError> {
    let exists = Found::at(path).filter(|_| path.is_file());
    exists.ok_or_else(|| FindError::NoSuchFile {
        path: filter.to_owned(),
        help: nearest(filter, all).map_or_else(
            || "`kmiplab list` shows which there are".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        ),
    })
}

/// The scenario or family that a filter which selects nothing may have meant: the same letters, or nearly the same name.
///
/// # Errors
///
/// If a folder cannot be read.
pub fn meant(root: &Path, filter: &str) -> Result<Option<String>, FindError> {
    Ok(nearest(filter, &families(root)?))
}

fn nearest(filter: &str, all: &[Found]) -> Option<String> {
    let word = Path::new(filter).file_stem().and_then(|stem| stem.to_str()).unwrap_or(filter);
    let letters = |text: &str| text.to_lowercase().chars().filter(|it| it.is_alphanumeric()).collect::<String>();
    let named = |name: &str| all.iter().find(|found| found.name == name).map(Found::id);
    let families = || all.iter().map(|found| found.family.as_str());
    let wanted = letters(word);
    let same_letters = |name: &&str| !wanted.is_empty() && letters(name).contains(&wanted);
    let names = || all.iter().map(|found| found.name.as_str());
    families()
        .find(same_letters)
        .map(str::to_owned)
        .or_else(|| names().find(same_letters).and_then(named))
        .or_else(|| closest(word, families()).map(str::to_owned))
        .or_else(|| closest(word, names()).and_then(named))
}

fn families(root: &Path) -> Result<Vec<Found>, FindError> {
    let mut all = Vec::new();
    if !root.exists() {
        // Outside of the repository there are no families, and files can still be named.
        return Ok(all);
    }
    for entry in entries(root)? {
        if entry.path().is_dir() {
            all.extend(files(&entry.path())?);
        }
    }
    all.sort();
    Ok(all)
}

fn files(folder: &Path) -> Result<Vec<Found>, FindError> {
    let files = entries(folder)?.into_iter().map(|entry| entry.path()).filter(|path| path.is_file());
    Ok(files.filter_map(|path| Found::at(&path)).filter(|found| found.name != DIFFERENCES).collect())
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>, FindError> {
    #[allow(clippy::disallowed_methods, reason = "the laboratory reads its own files itself")]
    let entries = read_dir(folder).and_then(Iterator::collect);
    entries.map_err(|error| FindError::Folder { path: folder.to_owned(), error })
}
