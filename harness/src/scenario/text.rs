//! A value that a scenario file writes as a string, together with the place where it stands.
//!
//! Strings are kept as written while the TOML is read, and understood afterwards: that way all of them can be wrong at
//! once and each keeps its place. A [`Literal`] says how one kind of string is understood and how the schema describes
//! it; a [`Vocabulary`] is the literal that is one word out of a list.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::mistake::{Mistakes, suggestion};

/// A value and its place in the file, in bytes. A default stands nowhere: its place is empty.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<T: Default> Default for Located<T> {
    fn default() -> Self {
        Located { value: T::default(), span: 0..0 }
    }
}

impl<T> Located<T> {
    /// Whether the file says so, rather than a default.
    pub(super) fn is_written(&self) -> bool {
        !self.span.is_empty()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        Ok(Located { span: spanned.span(), value: spanned.into_inner() })
    }
}

impl<T: Serialize> Serialize for Located<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A kind of string: how it is understood, and how the schema describes it.
pub(super) trait Literal {
    /// What the string means.
    type Value;

    /// Understands a string.
    fn read(text: &str) -> Result<Self::Value, Refusal>;

    /// Describes the strings that `read` takes, as far as JSON Schema can.
    fn schema() -> Schema;
}

/// Why a string is not understood.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What is wrong, in one sentence.
    pub(super) message: String,
    /// What stands under the characters.
    pub(super) label: &'static str,
    /// What to write instead.
    pub(super) help: String,
}

/// A string of the kind `L`, as written.
pub(super) struct Text<L> {
    written: Located<String>,
    kind: PhantomData<fn() -> L>,
}

impl<L> Text<L> {
    /// A default: understood like a written string, but standing nowhere.
    pub(super) fn default(text: &str) -> Self {
        Text { written: Located { value: text.to_owned(), span: 0..0 }, kind: PhantomData }
    }

    /// The string as written.
    pub(super) fn as_str(&self) -> &str {
        &self.written.value
    }

    /// Its place in the file, quotes included; empty for a default.
    pub(super) fn span(&self) -> Range<usize> {
        self.written.span.clone()
    }
}

impl<L: Literal> Text<L> {
    /// The meaning, or a mistake.
    pub(super) fn read(&self, mistakes: &mut Mistakes) -> Option<L::Value> {
        match L::read(self.as_str()) {
            Ok(value) => Some(value),
            Err(refusal) => {
                mistakes.push(refusal.message, [(self.span(), refusal.label)]).help(refusal.help);
                None
            }
        }
    }
}

impl<'de, L> Deserialize<'de> for Text<L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Text { written: Located::deserialize(deserializer)?, kind: PhantomData })
    }
}

impl<L> Serialize for Text<L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl<L: Literal> JsonSchema for Text<L> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        L::schema()
    }
}

/// A literal that is one word out of a list.
pub(super) trait Vocabulary: Sized {
    /// What the words are, such as `process`.
    const NOUN: &'static str;

    /// Every word with its meaning, in the order of the documents.
    fn words() -> Vec<(&'static str, Self)>;
}

impl<V: Vocabulary> Literal for V {
    type Value = V;

    fn read(text: &str) -> Result<V, Refusal> {
        let words = V::words();
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        words.into_iter().find(|(name, _)| *name == text).map(|(_, meaning)| meaning).ok_or_else(|| Refusal {
            message: format!("unknown {} `{text}`", V::NOUN),
            label: "not one of the words that can stand here",
            help: suggestion(text, names.iter().copied()),
        })
    }

    fn schema() -> Schema {
        let names: Vec<_> = V::words().into_iter().map(|(name, _)| name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}
