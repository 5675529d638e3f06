//! The customer's keys, as AWS documents their states.
//!
//! Invariant: what AWS refuses in a state (enabling a key that is to be deleted, say) changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Moment;
use super::sure::Sure;
use crate::scenario::KeyChange;

/// How long a scheduled deletion waits: the longest that AWS offers.
const WAIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The keys by name.
pub(super) struct CustomerKeys(BTreeMap<String, CustomerKey>);

#[derive(Default)]
struct CustomerKey {
    state: State,
    denied: bool,
    /// Only what comes through a private endpoint may use it.
    restricted: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Enabled,
    Disabled,
    /// Gone from that moment on.
    Deleted(Moment),
    /// Its key store is disconnected.
    Unavailable,
    /// Whether a deletion was cancelled in time is not known.
    Unknown,
}

impl CustomerKeys {
    pub(super) fn new(names: &[String]) -> Self {
        CustomerKeys(names.iter().map(|name| (name.clone(), CustomerKey::default())).collect())
    }

    pub(super) fn change(&mut self, name: &str, change: KeyChange, now: Moment) {
        let Some(key) = self.0.get_mut(name) else { return };
        match change {
            KeyChange::Deny => key.denied = true,
            KeyChange::Restrict => key.restricted = true,
            KeyChange::Allow => (key.denied, key.restricted) = (false, false),
            _ => key.state = key.state.changed(change, now),
        }
    }

    /// Whether it opens and wraps for those who come through a private endpoint, or do not.
    pub(super) fn usable(&self, name: &str, privately: Sure) -> Sure {
        let Some(key) = self.0.get(name) else { return Sure::No };
        let state = match key.state {
            State::Enabled => Sure::Yes,
            // What is to be deleted is of no use before that, and none after it.
            State::Disabled | State::Unavailable | State::Deleted(_) => Sure::No,
            State::Unknown => Sure::Perhaps,
        };
        state.and(Sure::from(!key.denied)).and(if key.restricted { privately } else { Sure::Yes })
    }
}

impl State {
    fn changed(self, change: KeyChange, now: Moment) -> State {
        match (change, self) {
            (_, State::Unknown) => State::Unknown,
            (KeyChange::Disable, State::Enabled) => State::Disabled,
            (KeyChange::Enable, State::Disabled) => State::Enabled,
            (KeyChange::Disconnect, State::Enabled) => State::Unavailable,
            (KeyChange::Connect, State::Unavailable) => State::Enabled,
            (KeyChange::ScheduleDeletion, State::Enabled | State::Disabled | State::Unavailable) => {
                State::Deleted(now.after(WAIT))
            }
            (KeyChange::CancelDeletion, State::Deleted(date)) => match now.reaches(date) {
                Sure::No => State::Disabled,
                Sure::Yes => self,
                Sure::Perhaps => State::Unknown,
            },
            _ => self,
        }
    }
}
