//! What happens to keys: what their owner does to them, and what time does.
//!
//! The owner's changes concern all versions of a key at once, as a person would click through them: what is done is done
//! to every version whose state lets it be done, and refused if there is none.
//!
//! Invariant: time comes first. Before a key is changed, everything that was due until then has happened.

use std::time::{Duration, SystemTime};

use super::keys::{CryptoKey, Keys, Rotation};
use super::version_state::VersionState;

/// A day.
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// `destroyScheduledDuration` if nobody says otherwise (REST reference, CryptoKey).
pub(super) const DESTROY_SCHEDULED_DURATION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// `rotationPeriod` is at least 24 hours (REST reference, CryptoKey).
pub(super) const SHORTEST_PERIOD: Duration = DAY;

/// What an owner does to the versions of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// UpdateCryptoKeyVersion to ENABLED.
    Enable,
    /// UpdateCryptoKeyVersion to DISABLED.
    Disable,
    /// DestroyCryptoKeyVersion.
    Destroy,
    /// RestoreCryptoKeyVersion, which leaves a version disabled.
    Restore,
}

impl Change {
    /// Whether a version in that state can be changed so.
    fn takes(self, state: VersionState) -> bool {
        match self {
            Change::Enable | Change::Disable => state.switches(),
            Change::Destroy => state.destroys(),
            Change::Restore => matches!(state, VersionState::DestroyScheduled(_)),
        }
    }

    fn makes(self, now: SystemTime) -> VersionState {
        match self {
            Change::Enable => VersionState::Enabled,
            Change::Disable | Change::Restore => VersionState::Disabled,
            Change::Destroy => VersionState::DestroyScheduled(now + DESTROY_SCHEDULED_DURATION),
        }
    }
}

impl Keys {
    /// Lets everything happen that is due: scheduled destructions, and rotations. A key rotates whatever state its
    /// versions are in: what the service makes is a version more.
    pub(super) fn advance(&mut self, now: SystemTime) {
        for key in self.all_mut() {
            for version in &mut key.versions {
                version.state = version.state.at(now);
            }
            while let Some(rotation) = key.rotation.filter(|rotation| rotation.next <= now) {
                key.rotate(rotation.next);
                key.rotation = Some(Rotation { next: rotation.next + rotation.period, ..rotation });
            }
        }
    }
}

impl CryptoKey {
    /// Changes every version that can be changed so; tells whether there is one.
    pub(super) fn change(&mut self, change: Change, now: SystemTime) -> bool {
        let mut changed = false;
        for version in self.versions.iter_mut().filter(|version| change.takes(version.state)) {
            version.state = change.makes(now);
            changed = true;
        }
        changed
    }
}
