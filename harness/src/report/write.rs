//! The folder of a report: every form of [`FORMS`], written one after the other.

use std::io;
use std::path::{Path, PathBuf};

use super::model::Report;
use super::{FORMS, html};

/// Writes every form into a folder, which is made if need be. The answer is the page that people open.
#[allow(clippy::disallowed_methods, reason = "the laboratory writes its reports to the real disk")]
pub fn write(report: &Report, folder: &Path) -> Result<PathBuf, WriteError> {
    std::fs::create_dir_all(folder).map_err(|why| WriteError::Folder { path: folder.to_owned(), why })?;
    for form in FORMS {
        let path = folder.join(form.file);
        std::fs::write(&path, (form.render)(report)).map_err(|why| WriteError::File { path, why })?;
    }
    Ok(folder.join(html::FILE))
}

/// Why a report could not be written. The user gives another folder.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder cannot be made.
    #[error("failed to make the folder of the report, `{path}`: {why}; name another one with --report")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        why: io::Error,
    },
    /// A file in it cannot be written.
    #[error("failed to write `{path}`: {why}; name another folder with --report")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        why: io::Error,
    },
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the tests look at what was written")]
mod tests {
    use super::super::sample;
    use super::*;

    /// A folder of this test alone, removed when it is dropped.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("kmiplab-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            // What is left behind in the temporary folder harms nobody.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn every_form_is_written_into_a_folder_that_was_not_there() {
        let scratch = Scratch::new("forms");
        let folder = scratch.0.join("a/b");
        let report = sample::failing();
        let page = write(&report, &folder).unwrap();
        assert_eq!(page, folder.join("index.html"));
        for form in FORMS {
            let written = std::fs::read_to_string(folder.join(form.file)).unwrap();
            assert_eq!(written, (form.render)(&report), "{}", form.file);
        }
    }

    #[test]
    fn a_file_in_the_way_is_named_with_the_next_step() {
        let scratch = Scratch::new("in-the-way");
        let path = scratch.0.join("report");
        std::fs::write(&path, "a file, where a folder should be").unwrap();
        let error = write(&sample::failing(), &path).unwrap_err();
        assert!(matches!(error, WriteError::Folder { .. }));
        let text = error.to_string();
        assert!(text.contains(&format!("`{}`", path.display())) && text.ends_with("name another one with --report"));
    }

    #[test]
    fn a_folder_in_the_way_of_a_form_is_named() {
        let scratch = Scratch::new("folder-in-the-way");
        let path = scratch.0.join("report.json");
        std::fs::create_dir_all(&path).unwrap();
        let error = write(&sample::failing(), &scratch.0).unwrap_err();
        assert!(matches!(&error, WriteError::File { path: named, .. } if *named == path), "{error}");
    }
}
