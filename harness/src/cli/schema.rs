//! `kmiplab schema`: the JSON Schema of scenario files, for editors.

use clap::Args;

use super::{exit, print, say, select};
use crate::scenario;

/// The committed schema, in the folder of scenarios.
const SCHEMA_FILE: &str = "scenario-1.schema.json";

/// Print, or compare.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Compare with the committed schema instead of printing
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Rewrite the committed schema
    #[arg(long)]
    write: bool,
}

pub(super) fn execute(arguments: &Arguments) -> u8 {
    let schema = scenario::schema_text();
    let path = select::root().join(SCHEMA_FILE);
    let path_text = path.display();
    if arguments.write {
        if let Err(error) = std::fs::write(&path, schema) {
            say(&format!("error: cannot write `{path_text}`: {error}"));
            return exit::USAGE;
        }
    } else if arguments.check {
        match std::fs::read_to_string(&path) {
            Ok(committed) if committed == schema => {}
            Ok(_) => {
                say(&format!("error: `{path_text}` is not what the code says\n\nhint: cargo xtask schema"));
                return exit::FAILED;
            }
            Err(error) => {
                say(&format!("error: cannot read `{path_text}`: {error}\n\nhint: run this inside the repository"));
                return exit::USAGE;
            }
        }
    } else {
        print(&schema);
    }
    exit::AS_EXPECTED
}
