//! `cargo xtask deny`: bans, licences and sources of every dependency, as `deny.toml` has them.
//!
//! Where cargo-deny is installed, it does the work. Where it is not, bans and sources are read from `Cargo.lock`, which
//! names every crate for every platform, and licences from the metadata of the crates that this platform uses.
//!
//! Invariant: `deny.toml` is the only list; this file holds none.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::Program;

const PROBE: Program<'_> = Program::new(&["cargo", "deny", "--version"]);
const CHECK: Program<'_> = Program::new(&["cargo", "deny", "--locked", "check", "bans", "licenses", "sources"]);
const COMPILER: Program<'_> = Program::new(&["rustc", "--version", "--verbose"]);

/// Checks, and gives notes on what could not be checked.
pub(crate) fn run(root: &Path) -> Result<Vec<String>, String> {
    if PROBE.answers(root) {
        CHECK.run(root)?;
        return Ok(Vec::new());
    }
    let policy = Policy::parse(&read(root, "deny.toml")?)?;
    let mut locked = locked(&read(root, "Cargo.lock")?)?;
    // The fuzz targets are a workspace of their own.
    locked.extend(self::locked(&read(root, "fuzz/Cargo.lock")?)?);
    let used = used(root)?;
    let mut breaches: Vec<String> = locked.iter().flat_map(|krate| policy.breaches_of_lock(krate)).collect();
    breaches.extend(used.iter().filter_map(|krate| policy.breach_of_licence(krate)));
    if !breaches.is_empty() {
        return Err(format!("{}\n\ndeny.toml has the rules and their reasons", breaches.join("\n")));
    }
    eprintln!("      {} crates locked, {} used on this platform", locked.len(), used.len());
    Ok(vec![
        "licences of crates that only other platforms use, and licence texts: cargo-deny is not installed, and the \
         built-in check reads what crates declare; `cargo install cargo-deny --locked` for the rest"
            .to_owned(),
    ])
}

fn read(root: &Path, file: &str) -> Result<String, String> {
    fs::read_to_string(root.join(file)).map_err(|error| format!("failed to read {file}: {error}"))
}

/// A crate as `Cargo.lock` names it.
#[derive(Debug, PartialEq, Eq)]
struct Locked {
    name: String,
    version: String,
    /// `None` for what lies in this repository.
    source: Option<String>,
}

/// A crate from a registry, with the licence that it declares.
#[derive(Debug)]
struct Used {
    name: String,
    version: String,
    licence: Option<String>,
}

fn locked(text: &str) -> Result<Vec<Locked>, String> {
    let lock: toml::Table = text.parse().map_err(|error| format!("Cargo.lock: {error}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).ok_or("Cargo.lock names no package")?;
    let text = |package: &toml::Value, key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let locked = packages.iter().map(|package| {
        let (name, version) = (text(package, "name"), text(package, "version"));
        Some(Locked { name: name?, version: version?, source: text(package, "source") })
    });
    locked.collect::<Option<_>>().ok_or_else(|| "Cargo.lock has a package without a name or a version".to_owned())
}

/// What this platform uses, from Cargo.
fn used(root: &Path) -> Result<Vec<Used>, String> {
    let compiler = COMPILER.output(root)?;
    let platform = compiler
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or_else(|| format!("`{}` names no host", COMPILER.line()))?;
    let words = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", platform];
    crates(&Program::new(&words).output(root)?)
}

/// The crates of a registry in Cargo's metadata.
fn crates(metadata: &str) -> Result<Vec<Used>, String> {
    let metadata: Value = serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata.get("packages").and_then(Value::as_array).ok_or("cargo metadata names no packages")?;
    let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    let foreign = packages.iter().filter(|package| package.get("source").is_some_and(Value::is_string));
    let used = foreign.map(|package| {
        let (name, version) = (text(package, "name"), text(package, "version"));
        Some(Used { name: name?, version: version?, licence: text(package, "license") })
    });
    used.collect::<Option<_>>().ok_or_else(|| "cargo metadata has a package without a name or a version".to_owned())
}

/// What `deny.toml` says, as far as this check reads it.
#[derive(Debug)]
struct Policy {
    /// Banned crates, each with its reason.
    bans: Vec<(String, String)>,
    licences: BTreeSet<String>,
    registries: Vec<String>,
}

impl Policy {
    fn parse(text: &str) -> Result<Self, String> {
        let file: toml::Table = text.parse().map_err(|error| format!("deny.toml: {error}"))?;
        let list = |section: &str, key: &str| {
            let value = file.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
            value.ok_or_else(|| format!("deny.toml: [{section}] has no list `{key}`"))
        };
        let texts = |section, key| -> Result<Vec<String>, String> {
            let values = list(section, key)?.iter().map(|value| value.as_str().map(str::to_owned));
            values.collect::<Option<_>>().ok_or_else(|| format!("deny.toml: [{section}] {key} holds more than texts"))
        };
        let bans = list("bans", "deny")?.iter().map(|ban| {
            let text = |key: &str| ban.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            Some((text("crate")?, text("reason")?))
        });
        Ok(Policy {
            bans: bans.collect::<Option<_>>().ok_or("deny.toml: every ban is { crate = \"...\", reason = \"...\" }")?,
            licences: texts("licenses", "allow")?.into_iter().collect(),
            registries: texts("sources", "allow-registry")?,
        })
    }

    fn breaches_of_lock(&self, krate: &Locked) -> Vec<String> {
        let Locked { name, version, source } = krate;
        let ban = self.bans.iter().find(|(banned, _)| banned == name);
        let banned = ban.map(|(_, reason)| format!("{name} {version} is banned: {reason}"));
        let known = |source: &String| {
            let registry = source.strip_prefix("registry+").unwrap_or_default();
            self.registries.iter().any(|allowed| allowed == registry)
        };
        let stray = source.as_ref().filter(|source| !known(source));
        let stray = stray.map(|source| format!("{name} {version} comes from {source}, which is no allowed registry"));
        banned.into_iter().chain(stray).collect()
    }

    fn breach_of_licence(&self, krate: &Used) -> Option<String> {
        let Used { name, version, licence } = krate;
        let Some(licence) = licence else {
            return Some(format!("{name} {version} declares no licence: look at its files before it enters"));
        };
        let allowed = allows(licence, &self.licences);
        (!allowed).then(|| format!("{name} {version} has the licence `{licence}`, which deny.toml does not allow"))
    }
}

/// Whether a licence expression (SPDX, with `/` for OR as old crates write it) can be met with these licences.
/// What is not well formed allows nothing.
fn allows(expression: &str, licences: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest, licences) == Some(true) && rest.is_empty()
}

/// Terms joined by OR; `None` where the expression is not well formed.
fn any(rest: &mut &[&str], licences: &BTreeSet<String>) -> Option<bool> {
    let mut met = all(rest, licences)?;
    while let ["OR", after @ ..] = *rest {
        *rest = after;
        met |= all(rest, licences)?;
    }
    Some(met)
}

/// Terms joined by AND, which binds closer than OR.
fn all(rest: &mut &[&str], licences: &BTreeSet<String>) -> Option<bool> {
    let mut met = one(rest, licences)?;
    while let ["AND", after @ ..] = *rest {
        *rest = after;
        met &= one(rest, licences)?;
    }
    Some(met)
}

/// A licence, a licence with an exception, or an expression in parentheses.
fn one(rest: &mut &[&str], licences: &BTreeSet<String>) -> Option<bool> {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let met = any(rest, licences)?;
            let (_, after) = rest.split_first().filter(|(word, _)| **word == ")")?;
            *rest = after;
            Some(met)
        }
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            Some(licences.contains(&format!("{licence} WITH {exception}")))
        }
        [licence, after @ ..] => {
            *rest = after;
            Some(licences.contains(*licence))
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let text = r#"
            bans.deny = [{ crate = "openssl", reason = "TLS is rustls" }]
            licenses.allow = ["MIT", "Apache-2.0", "ISC"]
            sources.allow-registry = ["https://github.com/rust-lang/crates.io-index"]
        "#;
        Policy::parse(text).expect("the text is well formed")
    }

    #[test]
    fn a_licence_expression_is_met_when_one_way_through_it_is_allowed() {
        let allowed = policy().licences;
        for (expression, expected) in [
            ("MIT", true),
            ("MIT OR Apache-2.0 OR LGPL-2.1-or-later", true),
            ("Unlicense/MIT", true),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
            ("(MIT OR GPL-3.0-only) AND ISC", true),
            ("AGPL-3.0-only", false),
            ("BUSL-1.1", false),
            ("SSPL-1.0", false),
            ("Apache-2.0 AND OpenSSL", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", false),
            ("GPL-2.0-only WITH Classpath-exception-2.0", false),
            ("MIT OR", false),
            ("MIT ISC", false),
            ("(MIT", false),
            ("", false),
        ] {
            assert_eq!(allows(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn a_banned_crate_is_red_with_its_reason() {
        let lock = "[[package]]\nname = \"openssl\"\nversion = \"0.10.1\"\n\
                    source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        let found: Vec<String> =
            locked(lock).expect("well formed").iter().flat_map(|krate| policy().breaches_of_lock(krate)).collect();
        assert_eq!(found, ["openssl 0.10.1 is banned: TLS is rustls"]);
    }

    #[test]
    fn only_the_registry_and_this_repository_are_sources() {
        let krate = |source: Option<&str>| Locked {
            name: "x".to_owned(),
            version: "1.0.0".to_owned(),
            source: source.map(str::to_owned),
        };
        let breaches = |source| policy().breaches_of_lock(&krate(source)).len();
        assert_eq!(breaches(None), 0);
        assert_eq!(breaches(Some("registry+https://github.com/rust-lang/crates.io-index")), 0);
        assert_eq!(breaches(Some("registry+https://example.com/index")), 1);
        assert_eq!(breaches(Some("git+https://github.com/rust-lang/crates.io-index")), 1);
    }

    #[test]
    fn a_crate_without_a_licence_is_red() {
        let metadata = r#"{"packages": [
            {"name": "ours", "version": "0.1.0", "source": null, "license": null},
            {"name": "theirs", "version": "1.0.0", "source": "registry+x", "license": null}
        ]}"#;
        let found: Vec<String> = crates(metadata)
            .expect("well formed")
            .iter()
            .filter_map(|krate| policy().breach_of_licence(krate))
            .collect();
        assert_eq!(found, ["theirs 1.0.0 declares no licence: look at its files before it enters"]);
    }

    #[test]
    fn a_policy_that_lacks_a_list_is_an_error_and_not_an_empty_list() {
        let error = Policy::parse("bans.deny = []\nlicenses.allow = []").expect_err("no registry is allowed");
        assert_eq!(error, "deny.toml: [sources] has no list `allow-registry`");
    }

    #[test]
    fn the_committed_policy_holds_for_the_committed_lock() {
        let root = crate::root();
        let policy = Policy::parse(&read(&root, "deny.toml").unwrap()).unwrap();
        let locked = locked(&read(&root, "Cargo.lock").unwrap()).unwrap();
        let found: Vec<String> = locked.iter().flat_map(|krate| policy.breaches_of_lock(krate)).collect();
        assert_eq!(found, [""; 0]);
        assert!(locked.iter().any(|krate| krate.name == "ring"), "the lock was read");
    }
}
