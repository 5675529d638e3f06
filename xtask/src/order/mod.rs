//! `cargo xtask order`: the rooms use only what stands above them, and no file is dead.
//!
//! For each house in `rules.rs`: follow the `mod` declarations from `lib.rs` and `main.rs`, complain about files that
//! nothing declares and about rooms that the table does not know, then compare every path in every file of a room with
//! the order and the bans. Test modules are held to the same order: a test that needs a room from below stands in the
//! wrong room, or belongs into the `tests/` folder of its crate, which is free. `lib.rs`, `main.rs` and `bin/` are free.
//!
//! Invariant: the rules are data in `rules.rs`, each with its reason; nothing here names a room.

mod rules;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use rules::{BANS, Ban, HOUSES, House};
use source::{Named, Source};

/// Checks the whole repository.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let mut files = 0;
    let mut breaches = Vec::new();
    for house in HOUSES {
        let folder = root.join(house.folder);
        let texts = read(&folder).map_err(|error| format!("failed to read {}: {error}", folder.display()))?;
        files += texts.len();
        breaches.extend(check(house, BANS, &texts));
    }
    if breaches.is_empty() {
        eprintln!("      {files} files in order");
        return Ok(());
    }
    let count = if breaches.len() == 1 { "1 breach".to_owned() } else { format!("{} breaches", breaches.len()) };
    Err(format!("{}{count} of the order of the rooms (rules and reasons: xtask/src/order/rules.rs)", list(&breaches)))
}

/// The breaches, one per line, with the reason below those that share it.
fn list(breaches: &[Breach]) -> String {
    let mut text = String::new();
    for same in breaches.chunk_by(|one, next| one.why == next.why) {
        for breach in same {
            text.push_str(&format!("{breach}\n"));
        }
        if let Some(breach) = same.first() {
            text.push_str(&format!("    {}\n\n", breach.why));
        }
    }
    text
}

/// A rule that a file breaks.
#[derive(Debug)]
struct Breach {
    file: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    what: String,
    why: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The Rust files below a folder by their path from there, with `/` on every system.
fn read(folder: &Path) -> std::io::Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    let mut open: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(folder).unwrap_or(&path);
                let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                texts.insert(parts.join("/"), fs::read_to_string(&path)?);
            }
        }
    }
    Ok(texts)
}

/// Checks one house, given its files.
fn check(house: &House, bans: &[Ban], texts: &BTreeMap<String, String>) -> Vec<Breach> {
    let sources: BTreeMap<&str, Source> =
        texts.iter().map(|(file, text)| (file.as_str(), Source::read(text, &module(house, file)))).collect();
    let mut breaches = dead_files(house, &sources);
    for (file, source) in &sources {
        let Some(room) = room(file) else { continue };
        if house.rooms.is_empty() {
            continue;
        }
        let breach = |line, what, why: &str| Breach {
            file: format!("{}/{file}", house.folder),
            line,
            what,
            why: why.to_owned(),
        };
        let Some(own) = house.position(room) else {
            let what = format!("`{room}` is no room of {}", house.name);
            breaches.push(breach(0, what, "give it its place and its reason in xtask/src/order/rules.rs"));
            continue;
        };
        for named in &source.paths {
            if let Some((what, why)) = house.breaks_order(own, named) {
                breaches.push(breach(named.line, what, &why));
            }
            for ban in bans.iter().filter(|ban| ban.house == house.name && ban.who.includes(room)) {
                if ban.closes(named) {
                    let what = format!("`{room}` names `{}`", named.path.join("::"));
                    let why = format!("`{room}` may not name `{}`: {}", ban.path, ban.reason);
                    breaches.push(breach(named.line, what, &why));
                }
            }
        }
    }
    breaches
}

impl House {
    fn position(&self, room: &str) -> Option<usize> {
        self.rooms.iter().position(|candidate| candidate.name == room)
    }

    /// What is wrong with a path in the room at position `own`, and why, if anything is.
    fn breaks_order(&self, own: usize, named: &Named) -> Option<(String, String)> {
        let (first, rest) = named.path.split_first()?;
        let room = self.rooms.get(own)?;
        if first != self.name {
            return None;
        }
        let path = named.path.join("::");
        let Some(target) = rest.first().and_then(|target| self.position(target)) else {
            let what = format!("`{}` reaches into the crate by `{path}`", room.name);
            return Some((what, "name the room: behind the crate's root the order cannot be seen".to_owned()));
        };
        if target <= own {
            return None;
        }
        let below = self.rooms.get(target)?.name;
        let what = format!("`{}` uses `{below}`, which stands below it (`{path}`)", room.name);
        Some((what, format!("a room uses only what stands above it; `{}` must never {}", room.name, room.never)))
    }
}

impl Ban {
    /// Whether a path leads where the ban says, or hides whether it does (`kmip_proxy::*`, `use kmip_proxy as other`).
    fn closes(&self, named: &Named) -> bool {
        let banned: Vec<&str> = self.path.split("::").collect();
        let path: Vec<&str> = named.path.iter().map(String::as_str).collect();
        let path = path.strip_suffix(&["*"]).unwrap_or(&path);
        let leads_there = path.starts_with(&banned);
        let hides = !path.is_empty() && banned.starts_with(path);
        leads_there || hides
    }
}

/// Files that no `mod` declares.
fn dead_files(house: &House, sources: &BTreeMap<&str, Source>) -> Vec<Breach> {
    let mut alive: BTreeSet<String> = sources
        .keys()
        .filter(|file| {
            matches!(**file, "lib.rs" | "main.rs") || (file.starts_with("bin/") && file.matches('/').count() == 1)
        })
        .map(|file| (*file).to_owned())
        .collect();
    let mut open: Vec<String> = alive.iter().cloned().collect();
    while let Some(file) = open.pop() {
        let Some(source) = sources.get(file.as_str()) else { continue };
        for declared in &source.declared {
            let stem = format!("{}{}", children(&file), declared.join("/"));
            for candidate in [format!("{stem}.rs"), format!("{stem}/mod.rs")] {
                if sources.contains_key(candidate.as_str()) && alive.insert(candidate.clone()) {
                    open.push(candidate);
                }
            }
        }
    }
    let dead = sources.keys().filter(|file| !alive.contains(**file));
    dead.map(|file| Breach {
        file: format!("{}/{file}", house.folder),
        line: 0,
        what: "dead file".to_owned(),
        why: "no `mod` declares it, so it is neither compiled nor tested: declare it or delete it".to_owned(),
    })
    .collect()
}

/// The folder, ending in `/`, in which a file's modules have their files.
fn children(file: &str) -> String {
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let inside = if matches!(name, "lib.rs" | "main.rs" | "mod.rs") || folder == "bin" {
        folder.to_owned()
    } else {
        file.trim_end_matches(".rs").to_owned()
    };
    if inside.is_empty() { inside } else { format!("{inside}/") }
}

/// The module of a file, beginning with the name of the crate.
fn module(house: &House, file: &str) -> Vec<String> {
    let stem = file.trim_end_matches(".rs");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    let below = stem.split('/').filter(|part| !matches!(*part, "lib" | "main")).map(str::to_owned);
    [house.name.to_owned()].into_iter().chain(below).collect()
}

/// The room of a file; `None` for what is free.
fn room(file: &str) -> Option<&str> {
    match file.split_once('/') {
        Some(("bin", _)) => None,
        Some((folder, _)) => Some(folder),
        None if matches!(file, "lib.rs" | "main.rs") => None,
        None => Some(file.trim_end_matches(".rs")),
    }
}

#[cfg(test)]
mod tests {
    use super::rules::Who;
    use super::*;

    /// Checks one file of a house together with a `lib.rs` that keeps it alive.
    fn breaches(house: &str, file: &str, text: &str) -> Vec<String> {
        let house = HOUSES.iter().find(|candidate| candidate.name == house).expect("the tests name houses that exist");
        let lib: String = format!("mod {};", room(file).unwrap_or("nothing"));
        let mut texts = BTreeMap::from([("lib.rs".to_owned(), lib), (file.to_owned(), text.to_owned())]);
        if let Some((folder, name)) = file.split_once('/')
            && name != "mod.rs"
        {
            texts.insert(format!("{folder}/mod.rs"), format!("mod {};", name.trim_end_matches(".rs")));
        }
        let found = check(house, BANS, &texts);
        found.iter().map(|breach| format!("{breach}\n    {}", breach.why)).collect()
    }

    fn product(file: &str, text: &str) -> Vec<String> {
        breaches("kmip_proxy", file, text)
    }

    fn laboratory(file: &str, text: &str) -> Vec<String> {
        breaches("kmiplab", file, text)
    }

    #[test]
    fn every_room_is_red_when_it_uses_a_room_below_and_green_when_it_uses_one_above() {
        for house in HOUSES {
            for (upper, lower) in house.rooms.iter().zip(house.rooms.iter().skip(1)) {
                let down =
                    breaches(house.name, &format!("{}.rs", upper.name), &format!("use crate::{}::X;", lower.name));
                assert_eq!(down.len(), 1, "{} uses {}: {down:?}", upper.name, lower.name);
                assert!(down.iter().all(|breach| breach.contains(upper.never)), "{down:?}");
            }
        }
        assert!(product("kms/mod.rs", "use crate::keys::Secret; use crate::env::Env;").is_empty());
        assert!(laboratory("cast/mod.rs", "use crate::trace::Trace; use crate::wire::Tag;").is_empty());
        assert!(laboratory("checker/mod.rs", "use crate::trace::Trace; use crate::scenario::Then;").is_empty());
    }

    #[test]
    fn every_ban_is_seen_red_where_it_holds() {
        for ban in BANS {
            let house = HOUSES.iter().find(|house| house.name == ban.house).expect("a ban names a house");
            let rooms = house.rooms.iter().filter(|room| ban.who.includes(room.name));
            for room in rooms {
                let found = breaches(ban.house, &format!("{}.rs", room.name), &format!("use {}::X;", ban.path));
                assert!(
                    found.iter().any(|breach| breach.contains(ban.reason)),
                    "{} {}: {found:?}",
                    room.name,
                    ban.path
                );
            }
        }
    }

    #[test]
    fn rules_name_rooms_that_exist() {
        for ban in BANS {
            let house = HOUSES.iter().find(|house| house.name == ban.house).expect("a ban names a house");
            let (Who::Rooms(rooms) | Who::AllBut(rooms)) = ban.who;
            for room in rooms {
                assert!(house.position(room).is_some(), "{} has no room {room}", house.name);
            }
        }
    }

    #[test]
    fn the_architecture_document_has_every_room_in_the_order_of_the_rules() {
        let document = fs::read_to_string(crate::root().join("ARCHITECTURE.md")).expect("the document is committed");
        for house in HOUSES.iter().filter(|house| !house.rooms.is_empty()) {
            let heading = format!("`{}/`", house.folder);
            let section = document
                .split("\n## ")
                .find(|section| section.lines().next().is_some_and(|line| line.contains(&heading)));
            let rows = section.expect("every house has a section").lines().filter_map(|line| line.strip_prefix("| `"));
            let rooms: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
            let expected: Vec<&str> = house.rooms.iter().map(|room| room.name).collect();
            assert_eq!(rooms, expected, "{heading}");
        }
    }

    #[test]
    fn a_breach_says_where_what_and_why() {
        assert_eq!(
            product("keys/object.rs", "use std::fmt;\nuse crate::kms::Class;"),
            ["src/keys/object.rs:2: `keys` uses `kms`, which stands below it (`kmip_proxy::kms::Class`)\n    \
              a room uses only what stands above it; `keys` must never talk to a cloud"]
        );
    }

    #[test]
    fn a_reason_stands_once_below_the_lines_that_share_it() {
        let breach =
            |line, why: &str| Breach { file: "a.rs".to_owned(), line, what: "x".to_owned(), why: why.to_owned() };
        let breaches = [breach(0, "first"), breach(2, "second"), breach(3, "second")];
        assert_eq!(list(&breaches), "a.rs: x\n    first\n\na.rs:2: x\na.rs:3: x\n    second\n\n");
    }

    #[test]
    fn super_is_no_way_around_the_order() {
        assert_eq!(product("keys/object.rs", "use super::super::kms::Class;").len(), 1);
        assert!(product("keys/object.rs", "use super::Provider;").is_empty());
    }

    #[test]
    fn test_modules_are_held_to_the_order() {
        assert_eq!(product("keys/object.rs", "#[cfg(test)] mod tests { use crate::kms::Class; }").len(), 1);
    }

    #[test]
    fn the_root_of_the_crate_is_no_way_around_the_order() {
        for text in ["use crate::*;", "use crate::Class;", "use crate::{keys, Class};"] {
            assert_eq!(product("keys/object.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn another_name_is_no_way_around_a_ban() {
        for text in ["use kmip_proxy as product;", "use kmip_proxy::*;", "use ::kmip_proxy::{env::Env, kmip};"] {
            assert!(!laboratory("wire/mod.rs", text).is_empty(), "{text}");
        }
        assert!(laboratory("wire/mod.rs", "use kmip_proxy::keys::Provider;").is_empty());
    }

    #[test]
    fn main_lib_and_bin_are_free() {
        for file in ["main.rs", "lib.rs", "bin/other.rs"] {
            let texts = BTreeMap::from([(file.to_owned(), "use kmip_proxy::cli::X; use crate::X;".to_owned())]);
            assert_eq!(check(&HOUSES[0], BANS, &texts).len(), 0, "{file}");
        }
    }

    #[test]
    fn a_room_that_the_table_does_not_know_is_red() {
        let found = product("helpers.rs", "");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("src/helpers.rs: `helpers` is no room of kmip_proxy\n"), "{found:?}");
    }

    #[test]
    fn a_file_that_nothing_declares_is_red() {
        let texts = [
            ("lib.rs", "mod keys; // mod old;"),
            ("keys/mod.rs", "mod object; mod inline { mod deep; }"),
            ("keys/object.rs", "mod state;"),
            ("keys/object/state.rs", ""),
            ("keys/inline/deep.rs", ""),
            ("keys/left_behind.rs", ""),
            ("old.rs", ""),
        ];
        let texts = texts.map(|(file, text)| (file.to_owned(), text.to_owned())).into_iter().collect();
        let found = check(&HOUSES[2], BANS, &texts);
        let dead: Vec<&str> = found.iter().map(|breach| breach.file.as_str()).collect();
        assert_eq!(dead, ["xtask/src/keys/left_behind.rs", "xtask/src/old.rs"]);
    }
}
