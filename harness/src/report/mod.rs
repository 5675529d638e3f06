//! Reports: one structure, and one renderer for each form in which people and machines read it.
//!
//! [`model`] is `report.json`; [`cases`] groups its cells as people look at them; [`words`] says each sentence once, so
//! that every form says the same. A form is a file with one `render` and, if it is written to a folder, a row in
//! [`FORMS`]: a new one begins as a copy of its neighbour.
//!
//! Invariant: a renderer reads the report and nothing else. What `report.json` lacks, no form can show.

pub mod agreement;
pub mod cases;
pub mod counts;
pub mod fold;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod peers;
pub mod progress;
pub mod terminal;
pub mod verdict;
pub mod words;
pub mod write;

#[cfg(test)]
mod sample;

pub use agreement::{Agreement, Parting};
pub use cases::{Case, Label, Part};
pub use counts::{Counts, Tally};
pub use fold::{DigestSum, Fold, Passed};
pub use model::{Cell, Failure, Machine, Place, Planned, Played, Report, Seed, Subject, Summary};
pub use verdict::{Tier, Verdict};

/// A form in which a report is written to a file.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its file in the folder of the report.
    pub file: &'static str,
    /// What turns a report into its text.
    pub render: fn(&Report) -> String,
}

/// Every form that is written to a file.
pub const FORMS: &[Form] = &[
    Form { name: "html", file: "index.html", render: html::render },
    Form { name: "json", file: "report.json", render: json::render },
    Form { name: "junit", file: "junit.xml", render: junit::render },
    Form { name: "markdown", file: "summary.md", render: markdown::render },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_name_and_a_file_of_its_own() {
        for column in [|form: &Form| form.file, |form: &Form| form.name] {
            let texts: std::collections::BTreeSet<_> = FORMS.iter().map(column).collect();
            assert_eq!(texts.len(), FORMS.len());
        }
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
