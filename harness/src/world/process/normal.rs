//! The names by which a run knows its places, in place of those that this machine has given them: `/data/db` instead of
//! a temporary directory, port 5696 instead of a free one, endpoints without the ports at which they really are.
//!
//! What is recorded can then be compared with what the same file gives in a simulation, to the letter.
//!
//! Invariant: only texts are changed, never numbers; longer names go first, so that none is taken for a part of another.

use std::path::Path;

use serde_json::Value;

use crate::trace::What;

/// What stands for what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Normal(Vec<(String, String)>);

impl Normal {
    /// From now on one text is written for another.
    pub(crate) fn add(&mut self, real: impl Into<String>, known: impl Into<String>) {
        let pair = (real.into(), known.into());
        if !pair.0.is_empty() && pair.0 != pair.1 {
            self.0.push(pair);
            self.0.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
        }
    }

    /// A text with the names of the run.
    pub(crate) fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (real, known)| text.replace(real.as_str(), known))
    }

    /// A path with the names of the run.
    pub(crate) fn path(&self, path: &Path) -> std::path::PathBuf {
        self.text(&path.to_string_lossy()).into()
    }

    /// An event with the names of the run.
    pub(crate) fn what(&self, what: What) -> What {
        let Ok(mut value) = serde_json::to_value(&what) else { return what };
        self.value(&mut value);
        // Texts stay texts, so that the shape is the same.
        serde_json::from_value(value).unwrap_or(what)
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(values) => values.values_mut().for_each(|value| self.value(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_ports_get_the_names_of_the_run_and_numbers_stay() {
        let mut normal = Normal::default();
        normal.add("127.0.0.1:40123", "10.0.1.10:443");
        normal.add("https://a.example,dial=127.0.0.1:40123", "https://a.example");
        normal.add("/tmp/x1/data/db", "/data/db");
        let what = What::NoAnswer {
            exchange: 40123,
            why: "/tmp/x1/data/db/kmipCA.pem, https://a.example,dial=127.0.0.1:40123 at 127.0.0.1:40123".to_owned(),
        };
        let known = "/data/db/kmipCA.pem, https://a.example at 10.0.1.10:443".to_owned();
        assert_eq!(normal.what(what), What::NoAnswer { exchange: 40123, why: known });
    }
}
