//! Reports: one structure, and one renderer for each form in which people and machines read it.
//!
//! [`model`] is `report.json`; [`cases`] groups its cells as people look at them; [`words`] says each sentence once, so
//! that every form says the same. A form is a file with one `render` and, if it is written to a folder, a row in
//! [`FORMS`]: a new one begins as a copy of its neighbour.
//!
//! Invariant: a renderer reads the report and nothing else. What `report.json` lacks, no form can show.

pub mod cases;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod progress;
pub mod terminal;
pub mod verdict;
pub mod words;
pub mod write;

#[cfg(test)]
mod sample;

pub use cases::{Case, Label, Part};
pub use model::{Cell, Failure, Machine, Place, Played, Report, Seed, Subject, Summary};
pub use verdict::{Tier, Verdict};

/// A form in which a report is written to a file.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its file in the folder of the report.
    pub file: &'static str,
    /// What turns a report into its text.
    pub render: fn(&Report) -> String,
}

/// Every form that is written to a file.
pub const FORMS: &[Form] = &[
    Form { file: "index.html", render: html::render },
    Form { file: "report.json", render: json::render },
    Form { file: "junit.xml", render: junit::render },
    Form { file: "summary.md", render: markdown::render },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_file_of_its_own() {
        let files: std::collections::BTreeSet<_> = FORMS.iter().map(|form| form.file).collect();
        assert_eq!(files.len(), FORMS.len());
    }

    #[test]
    fn every_form_says_whether_a_real_mongod_ran() {
        let report = sample::failing();
        for form in FORMS {
            assert!((form.render)(&report).contains(&report.first_line), "{} does not", form.file);
        }
        let style = terminal::Style { colour: false, unicode: true };
        assert!(terminal::render(&report, style, None).starts_with(&report.first_line));
    }
}
