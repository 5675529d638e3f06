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

/// Loads a scenario file under the path that it has in the repository, as reports name it: a scenario for each provider.
pub(crate) fn load_file(found: &Found) -> Result<Vec<Scenario>, String> {
    let mut cells = scenario::load_file(found).map_err(|error| error.render(false))?;
    if let Ok(path) = Path::new(&found.path).strip_prefix(root()) {
        cells.iter_mut().for_each(|scenario| scenario.path = path.display().to_string());
    }
    Ok(cells)
}

/// Loads every committed scenario, for each of its providers.
pub(crate) fn all_cells() -> Vec<Scenario> {
    all().iter().flat_map(|found| load_file(found).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// Loads a committed scenario by `family/name`: for the first provider of its file, or for the one in `family/name[gcp]`.
pub(crate) fn load(label: &str) -> Scenario {
    let id = label.split('[').next().unwrap_or(label);
    let found = all();
    let file = found.iter().find(|file| file.id() == id).unwrap_or_else(|| panic!("{id} is gone"));
    let mut cells = load_file(file).unwrap_or_else(|error| panic!("{error}"));
    cells.retain(|scenario| id == label || scenario.label() == label);
    assert!(!cells.is_empty(), "{label} is not played");
    cells.swap_remove(0)
}

/// Loads a canary by its name.
pub(crate) fn canary(name: &str) -> Scenario {
    let path = root().join("canaries").join(name).with_extension("toml");
    let cells = load_file(&Found::at(&path).expect("a canary has a name"));
    cells.unwrap_or_else(|error| panic!("{error}")).swap_remove(0)
}
