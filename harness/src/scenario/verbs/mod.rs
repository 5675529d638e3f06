//! The verbs of the timeline: what can happen, in the words of the people to whom it happens.
//!
//! To add a verb, write its file, named like the verb, and put its line into the table at the end of this one. Reader,
//! check, JSON Schema and messages all follow the table. A file holds the type of the verb's argument, the comment that
//! editors show, and what the verb comes down to as an [`Action`].
//!
//! rustfmt does not follow the table to the files; `cargo xtask fmt` does.

use std::ops::Range;

use kmip_proxy::keys::Provider;
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;

use super::file::ThenFile;
use super::mistake::{Mistakes, suggestion};
use super::model::{Action, EndpointState, KeyChange};
use super::text::{Literal, Located, Text};
use super::values::Moment;

/// What every verb can do.
trait Verb {
    /// What the verb comes down to in this line, or mistakes.
    fn action(&self, line: &mut Line<'_>) -> Option<Action>;
}

/// A name that the file declares, and where.
pub(super) type Declared = Located<String>;

/// What a verb sees of its surroundings.
pub(super) struct Line<'a> {
    /// The endpoints of the world.
    pub(super) endpoints: &'a [Declared],
    /// The customer's keys of the world.
    pub(super) keys: &'a [Declared],
    /// Whether anything in this world uses a cloud.
    pub(super) cloud: bool,
    /// The `cloud_provider` beside the verb. A verb that understands it takes it away.
    pub(super) cloud_provider: Option<&'a Text<Provider>>,
    /// The mistakes so far.
    pub(super) mistakes: &'a mut Mistakes,
}

impl Line<'_> {
    /// Changes an endpoint that the world must have.
    fn endpoint<L: Literal<Value = String>>(&mut self, name: &Text<L>, state: EndpointState) -> Option<Action> {
        let name = self.declared("endpoint", name, self.endpoints)?;
        Some(Action::Endpoint { name, state })
    }

    /// Changes a customer's key that the world must have.
    fn key<L: Literal<Value = String>>(&mut self, name: &Text<L>, change: KeyChange) -> Option<Action> {
        let name = self.declared("KMS key", name, self.keys)?;
        Some(Action::Key { name, change })
    }

    /// Something that happens to the credentials, in a world that uses them.
    fn credentials<L: Literal>(&mut self, argument: &Text<L>, action: Action) -> Option<Action> {
        argument.read(self.mistakes)?;
        if self.cloud {
            return Some(action);
        }
        let label = "nothing here uses credentials";
        self.mistakes.push("no cloud takes part in this scenario".to_owned(), [(argument.span(), label)]);
        None
    }

    /// A name among those declared.
    fn declared<L: Literal<Value = String>>(
        &mut self,
        noun: &str,
        name: &Text<L>,
        declared: &[Declared],
    ) -> Option<String> {
        find_declared(noun, name, declared, self.mistakes)
    }
}

/// A name among those that the file declares, or the mistake that it is not, with what there is instead.
pub(super) fn find_declared<L: Literal<Value = String>>(
    noun: &str,
    name: &Text<L>,
    declared: &[Declared],
    mistakes: &mut Mistakes,
) -> Option<String> {
    let wanted = name.as_str();
    if declared.iter().any(|known| known.value == wanted) {
        return name.read(mistakes);
    }
    let help = match declared {
        [] => "no cloud takes part in this scenario".to_owned(),
        _ => suggestion(wanted, declared.iter().map(|known| known.value.as_str())),
    };
    let label = format!("no such {noun}");
    mistakes.push(format!("unknown {noun} `{wanted}`"), [(name.span(), label.as_str())]).help(help);
    mistakes.also(declared.iter().map(|known| known.span.clone()), "declared here");
    None
}

/// Declares the verbs: the module of each, the column for it in a line of the timeline, and the list of all.
macro_rules! verbs {
    ($($word:ident: $Argument:ident,)+) => {
        $(mod $word;)+

        /// One line of the timeline: a moment, one verb, and what must follow.
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, expecting = "a table", rename = "Event")]
        pub(in crate::scenario) struct EventFile {
            /// When, counted from the start of the run: a moment, or a range from which the seed draws one.
            pub(in crate::scenario) at: Text<Moment>,
            $($word: Option<$word::$Argument>,)+
            /// Beside `start = "proxy"`: its `-cloudProvider` from now on.
            pub(in crate::scenario) cloud_provider: Option<Text<Provider>>,
            /// What must follow.
            pub(in crate::scenario) then: Option<ThenLocated>,
        }

        /// Every verb, in the order of the documents.
        pub const VERBS: &[&str] = &[$(stringify!($word)),+];

        /// What a verb does, as editors show it: the comment on its type.
        pub fn meaning_of_verb(verb: &str) -> Option<String> {
            let schema = match verb {
                $(stringify!($word) => schema_for!($word::$Argument),)+
                _ => return None,
            };
            Some(schema.get("description")?.as_str()?.replace('\n', " "))
        }

        impl EventFile {
            /// The verbs of the line with the places of their arguments: one, if the line is right.
            pub(in crate::scenario) fn verbs(&self) -> Vec<Said<'_>> {
                let mut said = Vec::new();
                $(if let Some(verb) = &self.$word {
                    said.push(Said { word: stringify!($word), span: verb.0.span(), verb });
                })+
                said
            }
        }
    };
}

/// The table of what must follow, with its place.
pub(super) type ThenLocated = Located<ThenFile>;

/// A verb in a line.
pub(super) struct Said<'a> {
    /// The verb.
    pub(super) word: &'static str,
    /// Where its argument stands.
    pub(super) span: Range<usize>,
    verb: &'a dyn Verb,
}

impl Said<'_> {
    /// What it comes down to, or mistakes.
    pub(super) fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        self.verb.action(line)
    }
}

verbs! {
    start: Start,
    stop: Stop,
    crash: Crash,
    reject: Reject,
    approve: Approve,
    refuse: Refuse,
    reset: Reset,
    expire: Expire,
    renew: Renew,
    disable: Disable,
    enable: Enable,
    delete: Delete,
    restore: Restore,
    rotate: Rotate,
    pass: Pass,
}
