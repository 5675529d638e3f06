//! Which scenario files a command means.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scenario::{self, Provider, Scenario};
use crate::transcript::Recorded;

use super::{exit, say};

/// The folder of scenarios: in this folder or one above it, as cargo finds its workspace.
pub(super) fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors()
        .map(|folder| folder.join("scenarios"))
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| Path::new("scenarios").to_owned())
}

/// Where reports go unless somebody says otherwise.
pub(super) fn report_folder() -> PathBuf {
    target_folder("report")
}

/// A folder for results: below the repository's target folder, as seen from here.
pub(super) fn target_folder(name: &str) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let root = root();
    let repository = root.parent().unwrap_or(&here);
    let folder = repository.join("target/kmiplab").join(name);
    folder.strip_prefix(&here).map(Path::to_owned).unwrap_or(folder)
}

/// The commit of what is tested: what `KMIPLAB_COMMIT` says, as an image without git is told when it is built, or else
/// what is checked out, where this is a checkout and git is at hand.
pub(super) fn commit() -> Option<String> {
    if let Some(told) = std::env::var("KMIPLAB_COMMIT").ok().filter(|told| !told.is_empty()) {
        return Some(told);
    }
    let root = root();
    let asked = Command::new("git").arg("-C").arg(root.parent()?).args(["rev-parse", "HEAD"]).output().ok()?;
    let commit = String::from_utf8(asked.stdout).ok()?.trim().to_owned();
    (asked.status.success() && !commit.is_empty()).then_some(commit)
}

/// This very program, to be started once more, or says why it is not found and returns the exit code.
pub(super) fn program() -> Result<PathBuf, u8> {
    std::env::current_exe().map_err(|error| {
        say(&format!("error: cannot find this program to start it once more: {error}"));
        exit::BUG
    })
}

/// Loads everything that the filters select, for all providers or one, or says what is wrong and returns the exit code.
pub(super) fn load(filters: &[String], provider: Option<Provider>) -> Result<Vec<Scenario>, u8> {
    let root = root();
    let repository = root.parent().unwrap_or(Path::new("")).to_owned();
    let filters = &filters.iter().map(|filter| from_anywhere(filter, &repository)).collect::<Vec<_>>();
    let found = match scenario::find(&root, filters) {
        Ok(found) => found,
        Err(error) => {
            say(&format!("error: {error}"));
            return Err(exit::USAGE);
        }
    };
    if found.is_empty() {
        say(&nothing(&root, filters));
        return Err(exit::NOTHING_SELECTED);
    }
    let mut scenarios = Vec::new();
    let mut wrong = 0;
    for file in &found {
        match scenario::load_file(file) {
            Ok(mut cells) => {
                // As it stands in the repository, so that reports are equal on all machines.
                if let Ok(path) = Path::new(&file.path).strip_prefix(&repository) {
                    cells.iter_mut().for_each(|scenario| scenario.path = path.display().to_string());
                }
                scenarios.extend(cells);
            }
            Err(error) => {
                wrong += 1;
                say(&error.render(super::colour(&std::io::stderr())));
            }
        }
    }
    if wrong > 0 {
        let files = if wrong == 1 { "1 scenario file is" } else { &format!("{wrong} scenario files are") };
        say(&format!("error: {files} wrong; nothing was played"));
        return Err(exit::USAGE);
    }
    if let Some(provider) = provider {
        let listed: BTreeSet<Provider> = scenarios.iter().map(|scenario| scenario.world.provider).collect();
        scenarios.retain(|scenario| scenario.world.provider == provider);
        if scenarios.is_empty() {
            let listed: Vec<_> = listed.into_iter().map(Provider::as_str).collect();
            let listed = listed.join(", ");
            say(&format!("error: nothing of this is played with {provider}\n\nhint: it is played with {listed}"));
            return Err(exit::NOTHING_SELECTED);
        }
    }
    Ok(scenarios)
}

/// Loads the one scenario that is meant, or says why there is none, and returns the exit code. `done` is what is about to
/// happen to it. Of a file with several providers the first one is meant, if none is named.
pub(super) fn one(file: &str, provider: Option<Provider>, done: &str) -> Result<Scenario, u8> {
    let mut scenarios = load(&[file.to_owned()], provider)?;
    let names: BTreeSet<String> = scenarios.iter().map(Scenario::id).collect();
    if names.len() > 1 {
        let (count, names) = (names.len(), names.into_iter().collect::<Vec<_>>().join("\n  "));
        say(&format!(
            "error: `{file}` is a part of {count} names, and one run is {done} at a time\n\nhint: name one of\n  {names}"
        ));
        return Err(exit::USAGE);
    }
    Ok(scenarios.swap_remove(0))
}

/// The recorded differences between lanes, or says what is wrong with their file and returns the exit code.
pub(super) fn recorded() -> Result<Recorded, u8> {
    Recorded::within(&root()).map_err(|error| {
        say(&error.render(super::colour(&std::io::stderr())));
        exit::USAGE
    })
}

/// A path from a report means a file of the repository, wherever in it the command is typed.
fn from_anywhere(filter: &str, repository: &Path) -> String {
    let there = repository.join(filter);
    if Path::new(filter).canonicalize().is_ok_and(|path| path == repository) {
        // The repository itself means its scenarios, not its other TOML files.
        return repository.join("scenarios").display().to_string();
    }
    if filter.ends_with(".toml") && !Path::new(filter).exists() && there.exists() {
        return there.display().to_string();
    }
    filter.to_owned()
}

fn nothing(root: &Path, filters: &[String]) -> String {
    if filters.is_empty() {
        return format!(
            "error: there is no scenario under `{}`\n\nhint: run this inside the repository",
            root.display()
        );
    }
    let meant = filters.iter().find_map(|filter| scenario::meant(root, filter).ok().flatten());
    let filters = filters.iter().map(|filter| format!("`{filter}`")).collect::<Vec<_>>().join(", ");
    let hint = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "a filter is a part of `family/name` or the path of a file; `kmiplab list` shows what there is".into(),
    };
    format!("error: no scenario matches {filters}\n\nhint: {hint}")
}
