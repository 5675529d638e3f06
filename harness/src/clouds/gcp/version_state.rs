//! The states of a key's version, and what each of them lets be done (REST reference of Cloud KMS,
//! `CryptoKeyVersionState`; guide "Key states").
//!
//! Invariant: whether a state lets something be done stands here alone.

use std::time::SystemTime;

/// What the customer, or the passing of time, has made of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    /// Its material is still being made.
    PendingGeneration,
    /// It works.
    Enabled,
    /// UpdateCryptoKeyVersion disabled it, or its destruction was called off.
    Disabled,
    /// It works no more, and its material is destroyed at that moment.
    DestroyScheduled(SystemTime),
    /// Its material was destroyed then.
    Destroyed(SystemTime),
    /// Its material, which the customer brings, is not there yet.
    PendingImport,
    /// The material that the customer brought could not be taken.
    ImportFailed,
}

impl VersionState {
    /// The spelling in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            VersionState::PendingGeneration => "PENDING_GENERATION",
            VersionState::Enabled => "ENABLED",
            VersionState::Disabled => "DISABLED",
            VersionState::DestroyScheduled(_) => "DESTROY_SCHEDULED",
            VersionState::Destroyed(_) => "DESTROYED",
            VersionState::PendingImport => "PENDING_IMPORT",
            VersionState::ImportFailed => "IMPORT_FAILED",
        }
    }

    /// What time makes of it.
    pub(super) fn at(self, now: SystemTime) -> Self {
        match self {
            VersionState::DestroyScheduled(date) if now >= date => VersionState::Destroyed(date),
            other => other,
        }
    }

    /// Whether UpdateCryptoKeyVersion enables or disables it.
    pub(super) fn switches(self) -> bool {
        matches!(self, VersionState::Enabled | VersionState::Disabled)
    }

    /// Whether DestroyCryptoKeyVersion schedules its destruction.
    pub(super) fn destroys(self) -> bool {
        !matches!(
            self,
            VersionState::PendingGeneration | VersionState::DestroyScheduled(_) | VersionState::Destroyed(_)
        )
    }
}
