//! Two structures of data, field by field: which differ, and how they read.

use serde::Serialize;
use serde_json::Value;

/// How many characters of a value are shown.
const SHOWN: usize = 120;

/// A field in which two things differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, with the names that it stands under: `attributes[1]`, `answer.Ok[0]`.
    pub name: String,
    /// Its value in the one; `(absent)` where it has none.
    pub one: String,
    /// Its value in the other.
    pub other: String,
}

/// The fields in which two values differ, in alphabetical order.
pub(super) fn differing<T: Serialize>(one: &T, other: &T) -> Vec<Field> {
    let mut fields = Vec::new();
    let [one, other] = [serde_json::to_value(one), serde_json::to_value(other)];
    compare("", &one.expect("events are plain data"), &other.expect("events are plain data"), &mut fields);
    fields
}

/// The same for JSON that somebody else wrote; none where either is no JSON.
pub(super) fn differing_json(one: &[u8], other: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    if let (Ok(one), Ok(other)) = (serde_json::from_slice(one), serde_json::from_slice(other)) {
        compare("", &one, &other, &mut fields);
    }
    fields
}

fn compare(name: &str, one: &Value, other: &Value, fields: &mut Vec<Field>) {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
            names.sort();
            names.dedup();
            for key in names {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                compare(&name, left.get(key).unwrap_or(&Value::Null), right.get(key).unwrap_or(&Value::Null), fields);
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            for index in 0..left.len().max(right.len()) {
                let at = |items: &[Value]| items.get(index).cloned().unwrap_or(Value::Null);
                compare(&format!("{name}[{index}]"), &at(left), &at(right), fields);
            }
        }
        _ if one != other => {
            fields.push(Field { name: name.to_owned(), one: shown(one), other: shown(other) });
        }
        _ => {}
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(absent)".to_owned(),
        Value::String(text) => shortened(text),
        other => shortened(&other.to_string()),
    }
}

/// A text with an end that a line has room for.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_by_the_path_to_them() {
        let one = br#"{"a": {"b": [1, 2]}, "c": "same", "d": "x"}"#;
        let other = br#"{"a": {"b": [1, 3, 4]}, "c": "same"}"#;
        let told: Vec<String> =
            differing_json(one, other).iter().map(|it| format!("{}: {} / {}", it.name, it.one, it.other)).collect();
        assert_eq!(told, ["a.b[1]: 2 / 3", "a.b[2]: (absent) / 4", "d: x / (absent)"]);
        assert_eq!(differing_json(one, one), []);
        assert_eq!(differing_json(one, b"no JSON"), []);
    }
}
