//! `kmiplab check`: every mistake in scenario files, without playing them.

use std::collections::BTreeSet;

use clap::Args;

use super::{exit, print, select};

/// Which files.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Paths of scenario files, or parts of `family/name`; all of them if none is named
    #[arg(value_name = "FILE")]
    files: Vec<String>,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    match select::load(&arguments.files, None) {
        Ok(scenarios) => {
            let count = scenarios.iter().map(|scenario| &scenario.path).collect::<BTreeSet<_>>().len();
            print(&format!("{count} scenario {} in order\n", if count == 1 { "file is" } else { "files are" }));
            exit::AS_EXPECTED
        }
        Err(code) => code,
    }
}
