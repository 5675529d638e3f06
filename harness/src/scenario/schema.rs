//! The JSON Schema of scenario files, made from the structs that read them.
//!
//! Editors follow it from the first line of every scenario file, and the reader takes its lists of keys from it.

use std::sync::OnceLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::file::ScenarioFile;

/// The JSON Schema (draft 2020-12) of scenario files: what `scenarios/scenario-1.schema.json` must hold.
pub fn schema() -> Value {
    cached().clone()
}

/// The schema as it is committed: indented, with a line break at the end.
pub fn schema_text() -> String {
    let mut text = serde_json::to_string_pretty(cached()).expect("a schema is plain data");
    text.push('\n');
    text
}

/// The schema, made once.
pub(super) fn cached() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
        settings.into_generator().into_root_schema_for::<ScenarioFile>().to_value()
    })
}

/// TOML has no null: what may be left out cannot be null instead.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}
