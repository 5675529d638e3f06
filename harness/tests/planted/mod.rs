//! The bugs, by where they sit: in answers, in key services, in networks and files.

pub(crate) mod answers;
pub(crate) mod key_services;
pub(crate) mod networks;

use std::path::Path;

use kmiplab::scenario::{self, Scenario};

/// Loads a committed scenario by `family/name`.
pub(crate) fn load(id: &str) -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let found = scenario::find(&root, &[id.to_owned()]).expect("the scenarios are beside the lab");
    let file = found.iter().find(|file| file.id() == id).unwrap_or_else(|| panic!("{id} is gone"));
    scenario::load_file(file).expect("committed scenarios are in order")
}
