//! `cargo xtask digests`: the debug and the release build of the laboratory give the same bytes for the same seed.
//!
//! Every scenario file is replayed with one seed by both programs, and the last lines, which are the digests, are
//! compared. A difference means that something depends on the optimiser: an overflow, a float, an uninitialised order.
//!
//! Invariant: both programs are built from the files as they stand before anything is compared.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::Program;

const BUILDS: [Program<'_>; 2] = [
    Program::new(&["cargo", "build", "--quiet", "--locked", "--package", "kmiplab"]),
    Program::new(&["cargo", "build", "--quiet", "--locked", "--release", "--package", "kmiplab"]),
];

const METADATA: Program<'_> =
    Program::new(&["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]);

/// The seed of the comparison. Other seeds are the laboratory's own step.
const SEED: &str = "0x5eed";

/// Compares, and gives no notes: nothing is left out.
pub(crate) fn run(root: &Path) -> Result<Vec<String>, String> {
    for build in BUILDS {
        build.run(root)?;
    }
    let target = target_folder(root)?;
    let files = scenarios(root).map_err(|error| format!("failed to list the scenarios: {error}"))?;
    if files.is_empty() {
        return Err("there is no scenario to compare".to_owned());
    }
    let mut differences = Vec::new();
    for file in &files {
        let [debug, release] = ["debug", "release"].map(|profile| digest(root, &target, profile, file));
        differences.extend(difference(file, &debug?, &release?));
    }
    if !differences.is_empty() {
        return Err(format!("{}\n\nthe same seed must give the same bytes in both builds", differences.join("\n")));
    }
    eprintln!("      {} scenarios, each with one digest in both builds", files.len());
    Ok(Vec::new())
}

/// The folder into which Cargo builds.
pub(crate) fn target_folder(root: &Path) -> Result<PathBuf, String> {
    target(&METADATA.output(root)?)
}

fn target(metadata: &str) -> Result<PathBuf, String> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    folder.map(PathBuf::from).ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

/// The scenario files by their paths from the root, in order.
fn scenarios(root: &Path) -> std::io::Result<Vec<String>> {
    let mut files = Vec::new();
    for family in fs::read_dir(root.join("scenarios"))? {
        let family = family?.path();
        if !family.is_dir() {
            continue;
        }
        for file in fs::read_dir(family)? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The laboratory as a profile has built it.
pub(crate) fn laboratory(target: &Path, profile: &str) -> String {
    target.join(profile).join(format!("kmiplab{}", std::env::consts::EXE_SUFFIX)).display().to_string()
}

/// The last line of a replay.
fn digest(root: &Path, target: &Path, profile: &str, file: &str) -> Result<String, String> {
    let program = laboratory(target, profile);
    let replay = Program::new(&[&program, "replay", file, "--seed", SEED]).output(root)?;
    let last = replay.lines().last().filter(|line| line.starts_with("digest sha256:"));
    last.map(str::to_owned).ok_or_else(|| format!("the {profile} build's replay of {file} ends without a digest"))
}

fn difference(file: &str, debug: &str, release: &str) -> Option<String> {
    (debug != release).then(|| format!("{file} with seed {SEED}:\n  debug    {debug}\n  release  {release}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digests_that_differ_are_shown_with_their_file_and_seed() {
        assert_eq!(difference("a.toml", "digest sha256:1", "digest sha256:1"), None);
        assert_eq!(
            difference("a.toml", "digest sha256:1", "digest sha256:2").as_deref(),
            Some("a.toml with seed 0x5eed:\n  debug    digest sha256:1\n  release  digest sha256:2")
        );
    }

    #[test]
    fn the_committed_scenarios_are_found_in_order() {
        let files = scenarios(&crate::root()).expect("the scenarios are committed");
        assert!(files.is_sorted());
        assert!(files.iter().any(|file| file == "scenarios/key-rotation/first-start-registers.toml"), "{files:?}");
    }

    #[test]
    fn a_target_folder_is_read_from_the_metadata_and_missed_where_it_is_not_there() {
        assert_eq!(target(r#"{"target_directory": "/elsewhere"}"#), Ok(PathBuf::from("/elsewhere")));
        assert!(target("{}").is_err());
        assert!(target("nonsense").is_err());
    }
}
