//! Keys that are not known, and keys that are missing: all of them, before anything is read.
//!
//! The schema says which keys there are. Unknown keys are taken out of the document, so that the rest can be read and
//! its mistakes be told as well.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistakes, closest, listed};
use super::verbs::VERBS;

/// Checks the keys of a whole document against the schema. False if keys are missing: then it cannot be read.
pub(super) fn check(schema: &Value, document: &mut DeTable<'_>, first_line: Range<usize>, keys: &mut Mistakes) -> bool {
    Walk { root: schema, mistakes: keys, complete: true }.document(document, first_line)
}

struct Walk<'a> {
    root: &'a Value,
    mistakes: &'a mut Mistakes,
    complete: bool,
}

impl<'a> Walk<'a> {
    fn document(mut self, document: &mut DeTable<'_>, first_line: Range<usize>) -> bool {
        self.table(self.root, document, first_line, "key");
        self.complete
    }

    fn table(&mut self, schema: &'a Value, table: &mut DeTable<'_>, place: Range<usize>, noun: &str) {
        let Some(known) = schema["properties"].as_object() else { return };
        let mut strangers = Vec::new();
        let mut several = Vec::new();
        for (key, value) in table.iter_mut() {
            let name: &str = key.get_ref();
            match known.get(name) {
                Some(schema) if is_table(self.resolved(schema)) && matches!(value.get_ref(), DeValue::Array(_)) => {
                    several.push((name.to_owned(), key.span()));
                }
                Some(schema) => self.value(schema, value),
                None => strangers.push((name.to_owned(), key.span())),
            }
        }
        for (name, span) in strangers {
            self.unknown(noun, &name, span, known.keys().map(String::as_str));
            table.remove(name.as_str());
        }
        for (name, span) in several {
            self.mistakes
                .push(format!("there is one `{name}`, and no list of them"), [(span, "written as a list")])
                .help(format!("write one table: a scenario has one `{name}`, as a port has one owner"));
            table.remove(name.as_str());
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !table.contains_key(*name)) {
            self.complete = false;
            let label = format!("no `{name}` here");
            let meaning = known[name]["description"].as_str().unwrap_or_default();
            let mistake = self.mistakes.push(format!("`{name}` is missing"), [(place.clone(), label.as_str())]);
            mistake.help(format!("`{name}`: {meaning}"));
        }
    }

    /// What a reference within the schema refers to.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        reference.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }

    fn value(&mut self, schema: &'a Value, value: &mut Spanned<DeValue<'_>>) {
        let schema = self.resolved(schema);
        let place = value.span();
        match value.get_mut() {
            DeValue::Table(table) => {
                // A line of the timeline is the table whose keys are verbs.
                let is_line = schema["properties"].get(VERBS[0]).is_some();
                self.table(schema, table, place, if is_line { "verb" } else { "key" });
            }
            DeValue::Array(values) => values.iter_mut().for_each(|value| self.value(&schema["items"], value)),
            _ => {}
        }
    }

    fn unknown<'k>(
        &mut self,
        noun: &str,
        name: &str,
        span: Range<usize>,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let label = format!("no such {noun} here");
        let help = match closest(name, known.clone()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if noun == "verb" => format!("the verbs are {}", listed(VERBS.iter().copied())),
            None => format!("the keys here are {}", listed(known)),
        };
        self.mistakes.push(format!("unknown {noun} `{name}`"), [(span, label.as_str())]).help(help);
    }
}

/// Whether a schema describes a table.
fn is_table(schema: &Value) -> bool {
    schema["properties"].is_object()
}
