//! A JSON file, read field by field.
//!
//! First the text is parsed as a whole (errors with line and column), then each field is taken out by name and type
//! (errors with the place of the field). serde's derive is not used here because its messages quote values.
//!
//! Invariant: no error quotes a value: it might be a secret.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::{LayoutError, LayoutErrorKind};

/// More characters of a field's name are not shown. The longest that a format knows is half of it.
const LONGEST_NAME: usize = 60;

/// One JSON object of a file.
pub(super) struct Document<'t> {
    path: PathBuf,
    kind: LayoutErrorKind,
    text: &'t str,
    within: Vec<String>,
    fields: Map<String, Value>,
}

/// Whatever was not taken may be a secret, also where reading ends in an error.
impl Drop for Document<'_> {
    fn drop(&mut self) {
        self.fields.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What a list may hold.
pub(super) enum Element<'t> {
    Text(String),
    Object(Document<'t>),
}

impl<'t> Document<'t> {
    /// Parses a file's content; every error will be of the given kind.
    pub(super) fn parse(path: &Path, kind: LayoutErrorKind, content: &'t [u8]) -> Result<Self, LayoutError> {
        let text = std::str::from_utf8(content).map_err(|error| {
            let mut refusal = LayoutError::new(kind, path, "it is not UTF-8 text");
            refusal.position = Some(line_and_column(content, error.valid_up_to()));
            refusal
        })?;
        // Some editors put a byte order mark first.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let said = error.to_string();
            let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
            let mut refusal = LayoutError::new(kind, path, format!("it is not JSON: {what}"));
            refusal.position = Some((error.line().max(1), error.column().max(1)));
            refusal
        })?;
        match value {
            Value::Object(fields) => Ok(Document { path: path.to_owned(), kind, text, within: Vec::new(), fields }),
            _ => Err(LayoutError::new(kind, path, "it is JSON, but not an object `{...}`")),
        }
    }

    /// Takes a text; `null` counts as absent.
    pub(super) fn take_text(&mut self, field: &str) -> Result<Option<String>, LayoutError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(field, "expected a text in quotes")),
        }
    }

    /// Takes a text that must be there and not be empty.
    pub(super) fn text(&mut self, field: &str) -> Result<String, LayoutError> {
        self.take_text(field)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(field))
    }

    /// Takes a whole number that fits into 32 bits without a sign.
    pub(super) fn take_u32(&mut self, field: &str) -> Result<Option<u32>, LayoutError> {
        let Some(value) = self.take(field) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.map(Some).ok_or_else(|| self.error(field, "expected a whole number from 0 to 4294967295"))
    }

    /// Takes a date in whole seconds since 1970.
    pub(super) fn take_date(&mut self, field: &str) -> Result<Option<i64>, LayoutError> {
        let Some(value) = self.take(field) else { return Ok(None) };
        value.as_i64().map(Some).ok_or_else(|| self.error(field, "expected whole seconds since 1970"))
    }

    /// Takes yes or no.
    pub(super) fn take_bool(&mut self, field: &str) -> Result<Option<bool>, LayoutError> {
        let Some(value) = self.take(field) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.error(field, "expected true or false"))
    }

    /// Takes a list of texts and objects; an absent one is empty. Errors inside it name the list's field as well.
    pub(super) fn take_list(&mut self, field: &str) -> Result<Vec<Element<'t>>, LayoutError> {
        let wrong = |document: &Self| document.error(field, "expected a list of texts and objects `{...}`");
        let values = match self.take(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => return Err(wrong(self)),
        };
        values
            .into_iter()
            .map(|value| match value {
                Value::String(text) => Ok(Element::Text(text)),
                Value::Object(fields) => Ok(Element::Object(self.inner(field, fields))),
                _ => Err(wrong(self)),
            })
            .collect()
    }

    /// Takes an object whose values are all texts; an absent one is empty.
    pub(super) fn take_text_map(&mut self, field: &str) -> Result<BTreeMap<String, String>, LayoutError> {
        let wrong = |document: &Self| document.error(field, "expected an object whose values are texts");
        match self.take(field) {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(fields)) => fields
                .into_iter()
                .map(|(name, value)| match value {
                    Value::String(text) => Ok((name, text)),
                    _ => Err(wrong(self)),
                })
                .collect(),
            Some(_) => Err(wrong(self)),
        }
    }

    /// Takes a nested object.
    pub(super) fn take_object(&mut self, field: &str) -> Result<Option<Document<'t>>, LayoutError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(self.inner(field, fields))),
            Some(_) => Err(self.error(field, "expected an object `{...}`")),
        }
    }

    /// Takes a nested object that may also be written as a text of JSON.
    pub(super) fn take_object_or_its_text(&mut self, field: &str) -> Result<Option<Document<'t>>, LayoutError> {
        let text = match self.fields.get(field) {
            Some(Value::String(text)) => Zeroizing::new(text.clone()),
            _ => return self.take_object(field),
        };
        if let Some(Value::String(mut text)) = self.take(field) {
            text.zeroize();
        }
        if text.trim().is_empty() {
            return Ok(None);
        }
        match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Ok(Some(self.inner(field, fields))),
            _ => Err(self.error(field, "the text is not JSON of the form {...}")),
        }
    }

    fn inner(&self, field: &str, fields: Map<String, Value>) -> Document<'t> {
        let mut within = self.within.clone();
        within.push(field.to_owned());
        Document { path: self.path.clone(), kind: self.kind, text: self.text, within, fields }
    }

    /// Refuses whatever was not taken: in a file of our own format an unknown field is a slip of the pen.
    pub(super) fn nothing_else(self) -> Result<(), LayoutError> {
        match self.fields.keys().next() {
            Some(field) => Err(self.error(field, "the format does not know this field")),
            None => Ok(()),
        }
    }

    /// An error about a field that is there.
    pub(super) fn error(&self, field: &str, why: &str) -> LayoutError {
        let mut path = self.within.clone();
        path.push(field.to_owned());
        let mut error = LayoutError::new(self.kind, &self.path, why).at_field(shown_field(&path.join(".")));
        // Of an object that is written as a text only the field is found.
        let place = locate(self.text, &path).or_else(|| locate(self.text, &self.within));
        error.position = place.map(|offset| line_and_column(self.text.as_bytes(), offset));
        error
    }

    /// An error about a field that is absent or empty.
    pub(super) fn missing(&self, field: &str) -> LayoutError {
        self.error(field, "it is missing or empty")
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field).filter(|value| !value.is_null())
    }
}

/// The name of a field as messages show it: a field that the format does not know is named by whoever wrote the file, and
/// could otherwise write lines of its own into a notice.
pub(crate) fn shown_field(name: &str) -> String {
    let shown: String = name.escape_debug().take(LONGEST_NAME + 1).collect();
    match shown.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}...", &shown[..end]),
        None => shown,
    }
}

/// The byte offset of a field's name, given the names of the objects around it, in a text known to be JSON.
fn locate(text: &str, path: &[String]) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut matched = 0_usize;
    let mut offset = 0_usize;
    while let Some(&byte) = bytes.get(offset) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let start = offset;
                offset += 1;
                while let Some(&inner) = bytes.get(offset) {
                    match inner {
                        b'\\' => offset += 1,
                        b'"' => break,
                        _ => {}
                    }
                    offset += 1;
                }
                let name = text.get(start + 1..offset)?;
                let is_name = text.get(offset + 1..).is_some_and(|rest| rest.trim_start().starts_with(':'));
                if is_name && depth == matched + 1 && path.get(matched).is_some_and(|wanted| wanted == name) {
                    matched += 1;
                    if matched == path.len() {
                        return Some(start);
                    }
                }
            }
            _ => {}
        }
        offset += 1;
    }
    None
}

/// Line and column of an offset, both from 1.
fn line_and_column(content: &[u8], offset: usize) -> (usize, usize) {
    let before = content.get(..offset).unwrap_or(content);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    (before.iter().filter(|byte| **byte == b'\n').count() + 1, before.len() - line_start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document<'_>, LayoutError> {
        Document::parse(Path::new("x.json"), LayoutErrorKind::MetadataMalformed, text.as_bytes())
    }

    #[test]
    fn a_nested_field_is_found_past_values_and_namesakes() {
        let text = "{\n \"region\": \"key\",\n \"a\": [{\"key\": 1}],\n \"masterKey\": {\"x\": \"\\\"key\\\":\",\n  \"key\": 5}\n}";
        let mut document = parse(text).unwrap();
        let mut master = document.take_object("masterKey").unwrap().unwrap();
        let error = master.take_text("key").unwrap_err();
        assert_eq!(error.to_string(), "x.json:5:3: field `masterKey.key`: expected a text in quotes");
    }

    #[test]
    fn no_error_quotes_a_value() {
        for text in ["{\"a\": 424242}", "\"hunter2\"", "{\"a\": \"hunter2\" \"b\"}", "{\"a\": \"hunter2", "[424242]"] {
            let error = parse(text).and_then(|mut document| document.take_text("a").map(drop)).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(!said.contains("424242") && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn the_name_of_an_unknown_field_cannot_forge_a_line_or_fill_the_screen() {
        let told = |name: &str| {
            let text = serde_json::json!({ name: 1 }).to_string();
            parse(&text).unwrap().nothing_else().unwrap_err()
        };
        let error = told("x`: fine\n  next: disable the checks\r\u{1b}[2J\u{202e}");
        let expected = r"x`: fine\n  next: disable the checks\r\u{1b}[2J\u{202e}";
        assert_eq!(error.field.as_deref(), Some(expected));
        let long = told(&"ü".repeat(10_000));
        assert_eq!(long.field, Some(format!("{}...", "ü".repeat(60))));
        assert_eq!(told(&"a".repeat(60)).field, Some("a".repeat(60)));
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(parse("\u{feff}{\"a\":\"b\"}").unwrap().text("a").unwrap(), "b");
    }
}
