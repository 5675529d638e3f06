//! The committed scenarios, as tests load them.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::path::{Path, PathBuf};

use kmiplab::scenario::{self, Found, Scenario};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the laboratory stands in a folder of the repository").to_owned()
}

/// Every committed scenario; canaries are none.
pub(crate) fn all() -> Vec<Found> {
    scenario::find(&root().join("scenarios"), &[]).expect("the scenarios are beside the lab")
}

/// Loads a scenario file under the path that it has in the repository, as reports name it.
pub(crate) fn load_file(found: &Found) -> Result<Scenario, String> {
    let mut scenario = scenario::load_file(found).map_err(|error| error.render(false))?;
    if let Ok(path) = Path::new(&found.path).strip_prefix(root()) {
        scenario.path = path.display().to_string();
    }
    Ok(scenario)
}

/// Loads a committed scenario by `family/name`.
pub(crate) fn load(id: &str) -> Scenario {
    let found = all();
    let file = found.iter().find(|file| file.id() == id).unwrap_or_else(|| panic!("{id} is gone"));
    load_file(file).unwrap_or_else(|error| panic!("{error}"))
}

/// Loads a canary by its name.
pub(crate) fn canary(name: &str) -> Scenario {
    let path = root().join("canaries").join(name).with_extension("toml");
    load_file(&Found::at(&path).expect("a canary has a name")).unwrap_or_else(|error| panic!("{error}"))
}
