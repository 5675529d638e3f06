//! Scenario files: read with spans, checked for meaning, and turned into what worlds play.
//!
//! [`find`] says which files there are, [`load_file`] reads one into a [`Scenario`] for each of its providers, [`schema`] describes them to
//! editors. `file` holds the tables as written, `verbs` the words of the timeline, `model` what comes out.
//!
//! Invariant: whatever the bytes are, the answer is a scenario or an error that points at its cause; never a panic.

mod check;
mod clouds;
mod file;
mod find;
mod keys;
mod mistake;
mod model;
mod read;
mod schema;
mod text;
mod timeline;
mod values;
mod verbs;
mod words;

pub use kmip_proxy::keys::Provider;

pub use find::{FindError, Found, find, meant};
pub(crate) use mistake::Mistakes;
pub use mistake::{Mistake, ScenarioError};
pub use model::*;
pub use read::{FORMAT, LARGEST_FILE, load, load_cells, load_file};
pub use schema::{schema, schema_text};
pub use values::{PRIVATE, REPLICA};
pub(crate) use values::{read_time, written};
pub use verbs::{VERBS, meaning_of_verb};
pub use words::{ERROR_CODES, PERSONAS, REASONS};
