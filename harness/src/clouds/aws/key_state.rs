//! The states of a key, and what each of them refuses. The table is that of the developer guide, "Key states of AWS KMS
//! keys"; a snapshot among the tests shows it whole.
//!
//! Invariant: whether a state lets something be done stands here alone.

use std::time::{Duration, SystemTime};

use super::errors::Error;

/// What the customer, or the passing of time, has made of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// A replica whose material has not come over yet.
    Creating,
    /// It works.
    Enabled,
    /// DisableKey was called, or a deletion was cancelled.
    Disabled,
    /// It works no more, and is gone from that moment on.
    PendingDeletion(SystemTime),
    /// A primary key that works no more; once its last replica is gone it waits for so long, and is then gone too.
    PendingReplicaDeletion(Duration),
    /// Its material, which the customer brings, is not there (yet, or any more).
    PendingImport,
    /// Its key store is disconnected.
    Unavailable,
    /// Its primary region is changing. It works, and cannot be managed.
    Updating,
}

/// The origin of material that AWS KMS made itself.
pub(super) const AWS_KMS: &str = "AWS_KMS";

impl KeyState {
    /// The spelling in DescribeKey.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            KeyState::Creating => "Creating",
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingDeletion(_) => "PendingDeletion",
            KeyState::PendingReplicaDeletion(_) => "PendingReplicaDeletion",
            KeyState::PendingImport => "PendingImport",
            KeyState::Unavailable => "Unavailable",
            KeyState::Updating => "Updating",
        }
    }

    /// Where the material of a key in this state comes from: only a customer's own is waited for, and only key stores
    /// are disconnected.
    pub(super) fn origin(self) -> &'static str {
        match self {
            KeyState::PendingImport => "EXTERNAL",
            KeyState::Unavailable => "AWS_CLOUDHSM",
            _ => AWS_KMS,
        }
    }

    /// Whether the date of its deletion has come.
    pub(super) fn gone(self, at: SystemTime) -> bool {
        self.gone_since(at).is_some()
    }

    /// The date of its deletion, if that has come.
    pub(super) fn gone_since(self, at: SystemTime) -> Option<SystemTime> {
        match self {
            KeyState::PendingDeletion(date) if at >= date => Some(date),
            _ => None,
        }
    }

    /// Whether its deletion is scheduled.
    pub(super) fn leaving(self) -> bool {
        matches!(self, KeyState::PendingDeletion(_) | KeyState::PendingReplicaDeletion(_))
    }

    /// Whether time rotates such a key.
    pub(super) fn rotates(self) -> bool {
        matches!(self, KeyState::Enabled | KeyState::Updating)
    }

    /// What Encrypt and Decrypt answer, if they cannot use it.
    pub(super) fn hinders_use(self) -> Option<Error> {
        match self {
            KeyState::Disabled => Some(Error::Disabled),
            KeyState::Unavailable => Some(Error::StateUnavailable),
            KeyState::Updating => None,
            other => other.hinders_change(),
        }
    }

    /// What EnableKey and DisableKey answer, if they cannot change it. What they do to an unavailable key shows when it
    /// is available again.
    pub(super) fn hinders_change(self) -> Option<Error> {
        match self {
            KeyState::Enabled | KeyState::Disabled | KeyState::Unavailable => None,
            KeyState::Creating => Some(Error::Creating),
            KeyState::Updating => Some(Error::Updating),
            KeyState::PendingImport => Some(Error::PendingImport),
            KeyState::PendingDeletion(_) => Some(Error::PendingDeletion),
            KeyState::PendingReplicaDeletion(_) => Some(Error::PendingReplicaDeletion),
        }
    }

    /// What ScheduleKeyDeletion answers, if it cannot delete it. A key without material can be deleted.
    pub(super) fn hinders_deletion(self) -> Option<Error> {
        match self {
            KeyState::Creating | KeyState::PendingImport => None,
            other => other.hinders_change(),
        }
    }

    /// What EnableKeyRotation answers, if it cannot rotate it from now on.
    pub(super) fn hinders_schedule(self) -> Option<Error> {
        if self.origin() == AWS_KMS { self.hinders_use().or(self.hinders_change()) } else { Some(Error::OriginInvalid) }
    }

    /// What RotateKeyOnDemand answers, if it cannot rotate it now. A key that waits for its material says so (seen), one
    /// in a key store cannot be rotated at all.
    pub(super) fn hinders_rotation(self) -> Option<Error> {
        if self == KeyState::PendingImport { self.hinders_use() } else { self.hinders_schedule() }
    }

    /// What CreateAlias answers, if it cannot name it.
    pub(super) fn hinders_alias(self) -> Option<Error> {
        if self.leaving() { self.hinders_change() } else { None }
    }

    /// What GetKeyRotationStatus answers, if there is nothing to tell.
    pub(super) fn hinders_status(self) -> Option<Error> {
        (self.origin() != AWS_KMS).then_some(Error::OriginInvalid)
    }
}
