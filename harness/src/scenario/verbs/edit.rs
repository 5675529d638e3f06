//! `edit = "metadata"`: the operator changes what stands in the dbpath.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::Action;
use crate::scenario::text::{Text, Vocabulary};

/// Lets the operator edit files. `metadata`: writes the credentials that are valid now, and the `region` beside it.
/// `key-file`: writes the customer's key that is named by `kms_key` into the wrapped key files.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Edit(pub(super) Text<Edited>);

/// A file that operators edit.
#[derive(Clone, Copy)]
pub(super) enum Edited {
    Metadata,
    KeyFile,
}

impl Vocabulary for Edited {
    const NOUN: &'static str = "file to edit";

    fn words() -> Vec<(&'static str, Self)> {
        vec![("metadata", Edited::Metadata), ("key-file", Edited::KeyFile)]
    }
}

impl Verb for Edit {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        match self.0.read(line.mistakes)? {
            Edited::Metadata => {
                let region = match line.options.region.take() {
                    Some(region) => Some(region.read(line.mistakes)?),
                    None => None,
                };
                line.credentials(&self.0, Action::EditMetadata { region })
            }
            Edited::KeyFile => match line.kms_key()? {
                Some(kms_key) => Some(Action::EditKeyFile { kms_key }),
                None => {
                    let label = "what is written into it?";
                    line.mistakes
                        .push("nothing is edited".to_owned(), [(self.0.span(), label)])
                        .help("add `kms_key = \"cmk-2\"`: the customer's key that the file names from now on");
                    None
                }
            },
        }
    }
}
