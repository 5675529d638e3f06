//! What happens to keys: what their owner does to them, and what time does.
//!
//! Invariant: time comes first. Before a key is changed, everything that was due until then has happened.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use super::errors::{Error, Refusal};
use super::key_state::KeyState;
use super::keys::{CustomerKey, Keys, Kind};

/// PendingWindowInDays, in days (API reference, ScheduleKeyDeletion).
pub(super) const WINDOWS: RangeInclusive<u32> = 7..=30;
/// PendingWindowInDays if nobody says otherwise.
pub(super) const WINDOW: u32 = 30;

impl Keys {
    /// Lets everything happen that is due: primary keys whose last replica is gone begin to wait, and keys rotate.
    pub(super) fn advance(&mut self, now: SystemTime) {
        for id in self.ids() {
            self.begin_to_wait(&id, now);
            let rotates = self.family(&id).any(|key| key.kind != Kind::Replica && key.state.rotates());
            if let Some(lineage) = self.lineage_mut(&id) {
                lineage.advance(now, rotates);
            }
        }
    }

    /// A primary key's own waiting period begins when its last replica is gone.
    fn begin_to_wait(&mut self, id: &str, now: SystemTime) {
        let Some(primary) = self.family(id).find(|key| key.kind == Kind::Primary) else { return };
        let KeyState::PendingReplicaDeletion(window) = primary.state else { return };
        let region = primary.region.clone();
        let replicas = self.family(id).filter(|key| key.kind == Kind::Replica);
        // One replica that lives is enough to wait for, and where there never was one, nothing comes to an end.
        let deletions: Option<Vec<SystemTime>> = replicas.map(|key| key.state.gone_since(now)).collect();
        let last = deletions.and_then(|dates| dates.into_iter().max());
        if let (Some(last), Some(primary)) = (last, self.any_with_id(&region, id)) {
            primary.state = KeyState::PendingDeletion(last + window);
        }
    }

    /// EnableKey.
    pub(super) fn enable(&mut self, region: &str, id: &str, now: SystemTime) -> Result<(), Refusal> {
        self.switch(region, id, KeyState::Enabled, now)
    }

    /// DisableKey.
    pub(super) fn disable(&mut self, region: &str, id: &str, now: SystemTime) -> Result<(), Refusal> {
        self.switch(region, id, KeyState::Disabled, now)
    }

    fn switch(&mut self, region: &str, id: &str, to: KeyState, now: SystemTime) -> Result<(), Refusal> {
        self.change(region, id, now, |key| match key.state.hinders_change() {
            Some(error) => Err(error),
            None if key.state == KeyState::Unavailable => Ok(()),
            None => {
                key.state = to;
                Ok(())
            }
        })
    }

    /// ScheduleKeyDeletion. A primary key with replicas waits for them first.
    pub(super) fn schedule_deletion(
        &mut self,
        region: &str,
        id: &str,
        window: Duration,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let has_replicas = self.family(id).any(|key| key.kind == Kind::Replica && !key.state.gone(now));
        self.change(region, id, now, |key| match key.state.hinders_deletion() {
            Some(error) => Err(error),
            None => {
                key.state = match key.kind {
                    Kind::Primary if has_replicas => KeyState::PendingReplicaDeletion(window),
                    _ => KeyState::PendingDeletion(now + window),
                };
                Ok(())
            }
        })
    }

    /// CancelKeyDeletion. What was cancelled in time stays disabled until somebody enables it.
    pub(super) fn cancel_deletion(&mut self, region: &str, id: &str, now: SystemTime) -> Result<(), Refusal> {
        self.change(region, id, now, |key| {
            if !key.state.leaving() {
                return Err(Error::NotPendingDeletion);
            }
            key.state = KeyState::Disabled;
            Ok(())
        })
    }

    /// RotateKeyOnDemand.
    pub(super) fn rotate(&mut self, region: &str, id: &str, now: SystemTime) -> Result<(), Refusal> {
        self.change(region, id, now, |key| refused(key, key.state.hinders_rotation()))?;
        let done = self.lineage_mut(id).map_or(Ok(()), |lineage| lineage.rotate_on_demand(now));
        done.or_else(|error| self.change(region, id, now, |_| Err(error)))
    }

    /// EnableKeyRotation, every so many days.
    pub(super) fn rotate_every(&mut self, region: &str, id: &str, days: u32, now: SystemTime) -> Result<(), Refusal> {
        self.change(region, id, now, |key| refused(key, key.state.hinders_schedule()))?;
        if let Some(lineage) = self.lineage_mut(id) {
            lineage.schedule(days, now);
        }
        Ok(())
    }

    fn change(
        &mut self,
        region: &str,
        id: &str,
        now: SystemTime,
        change: impl FnOnce(&mut CustomerKey) -> Result<(), Error>,
    ) -> Result<(), Refusal> {
        self.advance(now);
        let missing = self.not_found(region, id);
        let key = self.any_with_id(region, id).filter(|key| !key.state.gone(now)).ok_or(missing)?;
        change(key).map_err(|error| key.refusal(error))?;
        // A key that rotates again makes up for what it missed at once.
        self.advance(now);
        Ok(())
    }
}

/// Material is rotated at the primary key, for all of its replicas.
fn refused(key: &CustomerKey, hindrance: Option<Error>) -> Result<(), Error> {
    match hindrance {
        Some(error) => Err(error),
        None if key.kind == Kind::Replica => Err(Error::NotPrimary),
        None => Ok(()),
    }
}
