//! What scenarios ask of AWS that cannot be had from a cloud that somebody else runs, with the reason: one table.
//!
//! It is asked after the table of what real programs cannot go through (`process/fit.rs`), and is shaped like it. A row
//! with a [`Manner`] holds only for clouds that do not have it.
//!
//! Invariant: a reason is a fact of that cloud, or of our place beside it, never that the product fails.

use std::collections::BTreeSet;

use super::manners::Manner;
use crate::scenario::{Action, CredentialsKind, EndpointState, FileChange, KeptFile, KeyChange, Metadata, Scenario};

/// A thing that cannot be had, and why.
struct Row {
    applies: fn(&Scenario) -> bool,
    /// What the cloud would have to do; nothing where none does it.
    lacks: Option<Manner>,
    why: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        applies: |scenario| {
            scenario.world.credentials.kind == CredentialsKind::Role
                || any(scenario, |action| matches!(action, Action::Role { .. }))
        },
        lacks: None,
        why: "a role is assumed: the laboratory makes keys in somebody else's cloud, and no roles",
    },
    Row {
        applies: |scenario| {
            scenario.world.credentials.kind == CredentialsKind::Session
                || matches!(scenario.world.credentials.metadata, Metadata::Outdated | Metadata::WithoutToken)
                || any(scenario, |action| matches!(action, Action::ExpireCredentials))
        },
        lacks: None,
        why: "credentials are refused: somebody else's cloud takes `test` from everybody, at any time",
    },
    Row {
        applies: |scenario| any_change(scenario, &[KeyChange::Deny, KeyChange::Allow, KeyChange::Restrict]),
        lacks: None,
        why: "a policy denies a key: somebody else's cloud lets everybody do everything",
    },
    Row {
        applies: |scenario| any_change(scenario, &[KeyChange::Disconnect, KeyChange::Connect]),
        lacks: None,
        why: "a custom key store is disconnected: somebody else's cloud has none",
    },
    Row {
        applies: |scenario| any_state(scenario, |state| matches!(state, EndpointState::Denying)),
        lacks: None,
        why: "an endpoint's policy denies: somebody else's cloud does not know through which endpoint a call came",
    },
    Row {
        applies: |scenario| {
            any_state(scenario, |state| matches!(state, EndpointState::Throttling | EndpointState::Failing(_)))
        },
        lacks: None,
        why: "the service itself fails: nobody can tell somebody else's cloud to, and the laboratory does not speak for it",
    },
    Row {
        applies: |scenario| any(scenario, |action| matches!(action, Action::Skew { .. })),
        lacks: None,
        why: "the clocks of machine and cloud part: the laboratory would have to set the clock of somebody else's cloud",
    },
    Row {
        applies: |scenario| scenario.world.aws.rotation_period.is_some(),
        lacks: None,
        why: "keys have rotated by themselves for months: those in somebody else's cloud are made for the run",
    },
    Row {
        applies: |scenario| any_change(scenario, &[KeyChange::ScheduleDeletion, KeyChange::CancelDeletion]),
        lacks: Some(Manner::RefusesLeaving),
        why: "a key is to be deleted: this cloud opens with it all the same, or says so in other words than AWS",
    },
    Row {
        // A key that is kept after all is disabled.
        applies: |scenario| any_change(scenario, &[KeyChange::Disable, KeyChange::CancelDeletion]),
        lacks: Some(Manner::RefusesDisabled),
        why: "a key is disabled: this cloud opens with it all the same, or says so in other words than AWS",
    },
    Row {
        applies: |scenario| any_change(scenario, &[KeyChange::Rotate]),
        lacks: Some(Manner::Rotates),
        why: "a key rotates on demand: this cloud does not, or loses what was wrapped before",
    },
    Row {
        applies: |scenario| any(scenario, |action| matches!(action, Action::EditKeyFile { .. })),
        lacks: Some(Manner::TellsKeysApart),
        why: "another key is named than wrapped: this cloud does not say so as AWS does",
    },
    Row {
        applies: |scenario| {
            any(scenario, |action| {
                matches!(action, Action::File { file: KeptFile::WrappedKey, change: FileChange::Damage })
            })
        },
        lacks: Some(Manner::NoticesDamage),
        why: "a wrapped key is damaged: this cloud does not say so as AWS does",
    },
];

/// Why a scenario cannot be played with a cloud of these manners, if it cannot.
pub(super) fn unfit(scenario: &Scenario, manners: &BTreeSet<Manner>) -> Option<&'static str> {
    let lacks = |row: &&Row| row.lacks.is_none_or(|manner| !manners.contains(&manner));
    ROWS.iter().filter(lacks).find(|row| (row.applies)(scenario)).map(|row| row.why)
}

fn any(scenario: &Scenario, wanted: impl Fn(&Action) -> bool) -> bool {
    scenario.timeline.iter().any(|event| wanted(&event.action))
}

fn any_change(scenario: &Scenario, wanted: &[KeyChange]) -> bool {
    any(scenario, |action| matches!(action, Action::Key { change, .. } if wanted.contains(change)))
}

fn any_state(scenario: &Scenario, wanted: impl Fn(&EndpointState) -> bool) -> bool {
    any(scenario, |action| matches!(action, Action::Endpoint { state, .. } if wanted(state)))
}
