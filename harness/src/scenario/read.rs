//! From the bytes of a file to a checked scenario, in layers: size and encoding, TOML, the version of the format, the
//! keys, the types, the meaning. A layer that fails hides the layers behind it; the layers of keys and of meaning tell
//! everything that is wrong at once.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use kmip_proxy::keys::Provider;
use serde::Deserialize as _;
use toml::de::{DeTable, DeValue, Deserializer};

use super::file::ScenarioFile;
use super::find::Found;
use super::mistake::{Mistakes, ScenarioError, line_and_column};
use super::model::Scenario;
use super::text::Literal as _;
use super::values::Version;
use super::{check, keys, schema};

/// The largest scenario file, in bytes. A timeline of a thousand events needs half of it.
pub const LARGEST_FILE: u64 = 256 * 1024;

/// The version of the format that this program reads: this major version, and minor versions up to this one.
pub const FORMAT: (u32, u32) = (1, 0);

/// Reads a scenario file that [`find`](super::find) found: a scenario for each of its providers, in the order in which it
/// lists them.
///
/// # Errors
///
/// Everything that is wrong with it, each under the characters that are wrong.
pub fn load_file(found: &Found) -> Result<Vec<Scenario>, ScenarioError> {
    let unreadable = |error: std::io::Error| {
        let help = "give the path of a scenario file that you may read";
        ScenarioError::whole(&found.path, format!("{} cannot be read: {error}", found.path), help)
    };
    #[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the laboratory reads its own files itself")]
    let file = std::fs::File::open(Path::new(&found.path)).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if size > LARGEST_FILE {
        return Err(too_large(&found.path, &bytes, size));
    }
    load_cells(&found.path, &found.family, &bytes)
}

/// Reads the bytes of a scenario file that is played with one provider; where it lists more, the first one's scenario.
///
/// # Errors
///
/// As [`load_cells`].
pub fn load(path: &str, family: &str, bytes: &[u8]) -> Result<Scenario, ScenarioError> {
    load_cells(path, family, bytes).map(|mut cells| cells.swap_remove(0))
}

/// Reads the bytes of a scenario file: at least one scenario, and one for each of its providers. `path` is used in
/// messages, and its stem is the scenario's name; `family` is the name of the folder.
///
/// # Errors
///
/// Everything that is wrong with it, each under the characters that are wrong.
pub fn load_cells(path: &str, family: &str, bytes: &[u8]) -> Result<Vec<Scenario>, ScenarioError> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > LARGEST_FILE {
        return Err(too_large(path, bytes, size));
    }
    let source = utf8(path, bytes)?;
    let mut mistakes = Mistakes::new(path, source);
    let (document, broken) = DeTable::parse_recoverable(source);
    if let Some(error) = broken.into_iter().next() {
        // What a parser finds after its first error is mostly an echo of it.
        mistakes
            .push(sentence(error.message()), [(visible(source, error.span()), "here")])
            .help(toml_help(error.message()));
        return Err(mistakes.into_error());
    }
    if document.get_ref().is_empty() {
        return Err(empty(path));
    }
    if refuse_other_formats(document.get_ref(), &mut mistakes) {
        return Err(mistakes.into_error());
    }
    let mut document = document;
    let first_line = 0..source.find('\n').unwrap_or(source.len()).max(1);
    let complete = keys::check(schema::cached(), document.get_mut(), first_line, &mut mistakes);
    let file = match ScenarioFile::deserialize(Deserializer::from(document)) {
        Ok(file) => file,
        Err(error) => {
            // Where keys are missing, that is the error, and it has been told.
            if complete {
                let mistake = mistakes.push(sentence(error.message()), [(visible(source, error.span()), "here")]);
                if error.message().ends_with("expected a string") {
                    mistake.help("write it in \"quotes\"");
                }
            }
            return Err(mistakes.into_error());
        }
    };
    let providers = check::providers(&file, &mut mistakes);
    let mut cells = Vec::new();
    let before = mistakes.clone();
    // Where no provider can be read, the rest of the file is checked all the same.
    for provider in if providers.is_empty() { &[Provider::Aws] } else { providers.as_slice() } {
        let mut own = before.clone();
        cells.extend(check::check(&file, *provider, &providers, path, family, source, &mut own));
        mistakes.adopt(own);
    }
    if mistakes.is_empty() && !cells.is_empty() { Ok(cells) } else { Err(mistakes.into_error()) }
}

/// What helps with broken TOML.
fn toml_help(message: &str) -> &'static str {
    match message {
        "duplicate key" => "a key can stand once in a table: remove one of the two",
        _ => "a line is `key = value`; texts and times stand in \"quotes\", events in { braces } with commas between",
    }
}

fn utf8<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, ScenarioError> {
    std::str::from_utf8(bytes).map_err(|error| {
        // The text up to the damage keeps its length; the damage becomes one replacement character.
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        let shown = String::from_utf8_lossy(bytes);
        let damage = valid.len()..valid.len() + char::REPLACEMENT_CHARACTER.len_utf8();
        let byte = rest.first().copied().unwrap_or_default();
        let mut mistakes = Mistakes::new(path, &shown);
        let message = format!("the file is not UTF-8: byte 0x{byte:02x} at offset {}", valid.len());
        mistakes.push(message, [(damage, "not UTF-8")]).help("save the file in the encoding UTF-8");
        mistakes.into_error()
    })
}

/// `head` is the file's beginning, at least up to the limit. Its place alone is told, without the line around it, which
/// may be as long as the file.
fn too_large(path: &str, head: &[u8], size: u64) -> ScenarioError {
    let limit = usize::try_from(LARGEST_FILE).unwrap_or(usize::MAX).min(head.len());
    let (line, column) = line_and_column(&String::from_utf8_lossy(&head[..limit]), limit);
    let most = LARGEST_FILE / 1024;
    let message = format!(
        "{path}:{line}:{column}: here a scenario file must have ended ({most} KiB), and this one has {size} bytes"
    );
    ScenarioError::whole(path, message, "a scenario says what happens, one event a line: split it into several files")
}

fn empty(path: &str) -> ScenarioError {
    let help = "a scenario begins with `format = \"1.0\"`; copy a neighbour to start from";
    ScenarioError::whole(path, format!("{path}:1:1: there is nothing in this file"), help)
}

/// Whether the file is written in a version of the format that this program cannot read. A file in another version may
/// hold anything, so that nothing more can be said about it.
fn refuse_other_formats(document: &DeTable<'_>, mistakes: &mut Mistakes) -> bool {
    let Some(value) = document.get("format") else { return false };
    let DeValue::String(written) = value.get_ref() else { return false };
    let Ok(version) = Version::read(written) else { return false };
    let (major, minor) = FORMAT;
    let (label, help) = if version.0 != major {
        ("another major version: its keys mean something else", "read it with the kmiplab that it was written for")
    } else if version.1 > minor {
        ("newer than this program: it may ask for what this program does not know", "use a newer kmiplab")
    } else {
        return false;
    };
    let message =
        format!("the file is in format {}.{}, this program reads format {major}.{minor}", version.0, version.1);
    mistakes.push(message, [(value.span(), label)]).help(help);
    true
}

/// A place that can be shown: at least one character, within the text.
fn visible(source: &str, span: Option<Range<usize>>) -> Range<usize> {
    let span = span.unwrap_or(0..source.len());
    if !span.is_empty() {
        return span;
    }
    match source.get(span.start..).and_then(|rest| rest.chars().next()) {
        Some(next) => span.start..span.start + next.len_utf8(),
        // The error is at the end: show the last character.
        None => source.char_indices().next_back().map_or(0..0, |(last, _)| last..source.len()),
    }
}

/// An error text of the TOML parser in the one line that a message has.
fn sentence(text: &str) -> String {
    text.trim().replace('\n', "; ")
}
