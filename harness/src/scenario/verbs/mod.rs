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
use super::values::{KeyName, Moment, Time, WriteRange, WrittenRegion};
use super::words::{ErrorCode, NamedProvider, RevocationReason};

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
    /// The provider with which the file is played.
    pub(super) provider: Provider,
    /// Whether anything in this world uses a cloud.
    pub(super) cloud: bool,
    /// What stands beside the verb. A verb that understands an option takes it away.
    pub(super) options: Options<'a>,
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

    /// Whether a word is the name of an endpoint of the world.
    fn is_endpoint(&self, word: &str) -> bool {
        self.endpoints.iter().any(|known| known.value == word)
    }

    /// The customer's key that stands beside the verb; `Some(None)` if none does.
    fn kms_key(&mut self) -> Option<Option<String>> {
        match self.options.kms_key.take() {
            None => Some(None),
            Some(name) => self.declared("KMS key", name, self.keys).map(Some),
        }
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

/// Declares the verbs: the module of each, the column for it in a line of the timeline, and the list of all; and the
/// options that can stand beside some of them.
macro_rules! verbs {
    (
        verbs { $($word:ident: $Argument:ident,)+ }
        options { $($(#[doc = $doc:literal])+ $option:ident: $Literal:ident,)+ }
    ) => {
        $(mod $word;)+

        /// One line of the timeline: a moment, one verb, and what must follow.
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, expecting = "a table", rename = "Event")]
        pub(in crate::scenario) struct EventFile {
            /// When, counted from the start of the run: a moment, or a range from which the seed draws one.
            pub(in crate::scenario) at: Text<Moment>,
            $($word: Option<$word::$Argument>,)+
            $($(#[doc = $doc])+ pub(in crate::scenario) $option: Option<Text<$Literal>>,)+
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

        /// What stands beside a verb.
        pub(in crate::scenario) struct Options<'a> {
            $($option: Option<&'a Text<$Literal>>,)+
        }

        impl Options<'_> {
            /// Those that are there, with their places.
            pub(in crate::scenario) fn written(&self) -> Vec<(&'static str, Range<usize>)> {
                let mut written = Vec::new();
                $(if let Some(option) = self.$option {
                    written.push((stringify!($option), option.span()));
                })+
                written
            }
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

            /// What stands beside the verb.
            pub(in crate::scenario) fn options(&self) -> Options<'_> {
                Options { $($option: self.$option.as_ref(),)+ }
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
    verbs {
        start: Start,
        stop: Stop,
        crash: Crash,
        stall: Stall,
        resume: Resume,
        initiate: Initiate,
        approve: Approve,
        reject: Reject,
        blackhole: Blackhole,
        refuse: Refuse,
        reset: Reset,
        vanish: Vanish,
        misname: Misname,
        throttle: Throttle,
        fail: Fail,
        garble: Garble,
        truncate: Truncate,
        slow: Slow,
        expire: Expire,
        renew: Renew,
        edit: Edit,
        disable: Disable,
        enable: Enable,
        delete: Delete,
        restore: Restore,
        rotate: Rotate,
        deny: Deny,
        allow: Allow,
        restrict: Restrict,
        disconnect: Disconnect,
        connect: Connect,
        revoke: Revoke,
        destroy: Destroy,
        remove: Remove,
        damage: Damage,
        forbid: Forbid,
        check: Check,
        fill: Fill,
        free: Free,
        skew: Skew,
        pass: Pass,
    }

    options {
        /// Beside `start = "proxy"`: its `-cloudProvider` from now on. `{provider}` is the provider with which the file is
        /// played.
        cloud_provider: NamedProvider,
        /// Beside `start = "proxy"`: its `--kms-key` from now on. Beside `edit = "key-file"`: the key that is written.
        kms_key: KeyName,
        /// Beside `edit = "metadata"`: the region that is written, in AWS' spelling or in that of Atlas.
        region: WrittenRegion,
        /// Beside `fail`: the error code of every answer.
        code: ErrorCode,
        /// Beside `slow`: how much later answers come.
        by: Time,
        /// Beside `crash = "machine"`: not at once, but right after this disk operation, counted from now.
        at_write: WriteRange,
        /// Beside `revoke`: why.
        reason: RevocationReason,
    }
}
