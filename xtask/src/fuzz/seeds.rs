//! What the targets start from: the corpora, written out from what the repository has.
//!
//! Messages are those of `fixtures/kmip`. Metadata, key files and configurations are the texts that tests and documents
//! hold: every literal of Rust, and every fenced block, that looks like one. They stand below `fuzz/corpus/<target>/` as
//! `seed-*`, and are not committed; what the fuzzer adds there stays, so that the next run goes on from it.
//!
//! Invariant: each target has seeds, or laying them out is an error.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The targets, in the order of their names.
pub(super) fn targets(root: &Path) -> Result<Vec<String>, String> {
    let files = below(&root.join("fuzz/fuzz_targets"), "rs")?;
    let name = |file: &PathBuf| file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(files.iter().filter_map(name).collect())
}

/// Writes the seeds of a target, and says how many there are.
pub(super) fn lay_out(root: &Path, target: &str) -> Result<usize, String> {
    let seeds = of(root, target)?;
    if seeds.is_empty() {
        return Err(format!("nothing in the repository is a seed for the target {target}"));
    }
    let folder = root.join("fuzz/corpus").join(target);
    let wrong = |error| format!("failed to write {}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(wrong)?;
    for (index, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{index:03}")), seed).map_err(wrong)?;
    }
    Ok(seeds.len())
}

fn of(root: &Path, target: &str) -> Result<BTreeSet<Vec<u8>>, String> {
    match target {
        "ttlv" => Ok(messages(root, "")?.into_iter().map(|(_, message)| message).collect()),
        "request" => {
            Ok(messages(root, "")?.into_iter().map(|(_, message)| message).filter(|it| is_request(it)).collect())
        }
        "conversation" => conversations(root),
        "metadata" => Ok(documents(root)?.into_iter().map(String::into_bytes).collect()),
        "key_file" => Ok(documents(root)?.iter().flat_map(|text| key_files(text)).collect()),
        "config" => Ok(configurations(root)?.into_iter().map(String::into_bytes).collect()),
        other => {
            Err(format!("no seeds are known for the target {other}: say in xtask/src/fuzz/seeds.rs what they are"))
        }
    }
}

/// The captured messages, each with the file that it stands in.
fn messages(root: &Path, ending: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
    let folder = root.join("fixtures/kmip");
    let mut messages = Vec::new();
    for file in [below(&folder, "tsv")?, below(&folder, "hex")?].concat() {
        if !file.to_string_lossy().ends_with(ending) {
            continue;
        }
        for line in read(&file)?.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let hex = line.rsplit('\t').next().unwrap_or(line).trim();
            let message = bytes(hex).ok_or_else(|| format!("{}: a line ends without bytes", file.display()))?;
            messages.push((file.clone(), message));
        }
    }
    Ok(messages)
}

/// Whether this begins as a Request Message does (KMIP 1.4, clause 9.1.3.1: 42 00 78).
fn is_request(message: &[u8]) -> bool {
    message.starts_with(&[0x42, 0x00, 0x78])
}

/// Each request alone, and those of each client one after the other.
fn conversations(root: &Path) -> Result<BTreeSet<Vec<u8>>, String> {
    let mut seeds: BTreeSet<_> =
        messages(root, "")?.into_iter().map(|(_, message)| message).filter(|it| is_request(it)).collect();
    let mut captured = messages(root, ".req.hex")?;
    captured.sort();
    for talk in captured.chunk_by(|(one, _), (other, _)| one.parent() == other.parent()) {
        seeds.insert(talk.iter().flat_map(|(_, message)| message.clone()).collect());
    }
    Ok(seeds)
}

/// The texts that look like JSON objects, whole or broken, in the tests of files and in the documents.
fn documents(root: &Path) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for file in [below(&root.join("src"), "rs")?, below(&root.join("tests"), "rs")?].concat() {
        found.extend(literals(&read(&file)?).into_iter().filter(|text| looks_like_json(text)));
    }
    for file in [vec![root.join("README.md")], below(&root.join("docs"), "md")?].concat() {
        found.extend(blocks(&read(&file)?, "json"));
    }
    Ok(found)
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().strip_prefix('{').is_some_and(|rest| {
        let rest = rest.trim_start();
        rest.is_empty() || rest.starts_with(['"', '}'])
    })
}

/// The key file as it stands, and as the target would find it: under its identifier, for each of its providers.
fn key_files(text: &str) -> Vec<Vec<u8>> {
    let mut seeds = vec![text.as_bytes().to_vec()];
    if let Ok(Value::Object(mut fields)) = serde_json::from_str(text)
        && fields.contains_key("uniqueIdentifier")
    {
        fields.insert("uniqueIdentifier".to_owned(), "k".into());
        seeds.push(Value::Object(fields.clone()).to_string().into_bytes());
        fields.insert("masterKey".to_owned(), serde_json::json!({"provider": "local"}));
        seeds.push(Value::Object(fields).to_string().into_bytes());
    }
    seeds
}

/// The documented configurations, and those that the tests know.
fn configurations(root: &Path) -> Result<BTreeSet<String>, String> {
    let mut found: BTreeSet<String> = blocks(&read(&root.join("README.md"))?, "toml").into_iter().collect();
    let known = literals(&read(&root.join("src/config.rs"))?);
    found.extend(known.into_iter().filter(|text| text.contains(" =") && !text.contains("{}")));
    Ok(found)
}

/// The fenced blocks of a language in a document.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
}

/// The texts in a source file: raw ones, and those in plain quotes. A quote in a comment can lead it astray, to a text
/// that nobody wrote: a seed like any other.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find('"') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let hashes = before.len() - before.trim_end_matches('#').len();
        let raw = before[..at - hashes].ends_with('r');
        let end = if raw { after.find(&format!("\"{}", "#".repeat(hashes))) } else { end_of_plain(after) };
        let Some(end) = end else { break };
        found.push(if raw { after[..end].to_owned() } else { unescaped(&after[..end]) });
        rest = &after[end + 1..];
    }
    found
}

/// Where a text in plain quotes ends.
fn end_of_plain(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// The text that a literal means, as far as tests use escapes.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = after.chars();
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('0') => out.push('\0'),
            Some('\n') => {
                rest = after.trim_start();
                continue;
            }
            Some('u') => {
                let Some((code, after)) = after[1..].strip_prefix('{').and_then(|code| code.split_once('}')) else {
                    break;
                };
                out.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
                rest = after;
                continue;
            }
            Some(other) => out.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    out + rest
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pair = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (!hex.is_empty()).then(|| (0..hex.len()).step_by(2).map(pair).collect())?
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("failed to read {}: {error}", file.display()))
}

/// The files below a folder whose names end so, in order.
fn below(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("failed to list {}: {error}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("failed to list {}: {error}", folder.display()))?.path();
        if path.is_dir() {
            files.extend(below(&path, ending)?);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_sources_are_read_as_they_are_meant() {
        let source = r##"a("x\n\"y\" \u{feff}z", r#"{"k": "v"}"#, "one \
                         two", "")"##;
        assert_eq!(literals(source), ["x\n\"y\" \u{feff}z", "{\"k\": \"v\"}", "one two", ""]);
    }

    #[test]
    fn what_looks_like_json_may_be_broken_but_is_no_format_string() {
        for text in ["{", "{}", "\u{feff}{\"a\":1}", "\n  {\n \"a\": "] {
            assert!(looks_like_json(text), "{text:?}");
        }
        for text in ["{name}", "", "[1]", "{:?}"] {
            assert!(!looks_like_json(text), "{text:?}");
        }
    }

    #[test]
    fn every_target_has_seeds_of_its_own_kind() {
        let root = crate::root();
        let targets = targets(&root).expect("the targets are committed");
        assert!(targets.len() >= 6, "{targets:?}");
        for target in &targets {
            assert!(of(&root, target).expect("their seeds are known").len() >= 10, "{target}");
        }
        let requests = of(&root, "request").expect("requests are committed");
        assert!(requests.iter().all(|message| is_request(message)) && requests.len() > 40, "{}", requests.len());
        let parse = |seed: &Vec<u8>| serde_json::from_slice::<Value>(seed).ok();
        let key_files: Vec<Value> = of(&root, "key_file").expect("key files").iter().filter_map(parse).collect();
        for provider in ["aws", "local"] {
            let is_for = |file: &&Value| file["uniqueIdentifier"] == "k" && file["masterKey"]["provider"] == provider;
            assert!(key_files.iter().any(|file| is_for(&file)), "{provider}");
        }
        let configurations = of(&root, "config").expect("configurations");
        let is_table = |seed: &Vec<u8>| str::from_utf8(seed).is_ok_and(|text| text.parse::<toml::Table>().is_ok());
        assert!(configurations.iter().filter(|seed| is_table(seed)).count() >= 5);
    }
}
