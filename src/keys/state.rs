//! The states of a managed object and the events that move it between them.
//!
//! KMIP 1.4 section 3.22 draws ten transitions; [`State::after`] is that drawing as one table.
//!
//! Invariant: a transition that the standard does not draw is refused with a value, never ignored.

use std::fmt;

/// The state of a managed cryptographic object (KMIP 1.4 section 9.1.3.2.18, the same numbers in 1.0 to 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It exists, but may not be used yet.
    PreActive,
    /// It may be used for everything that its usage mask allows.
    Active,
    /// It may only be used to open what it protected before.
    Deactivated,
    /// Somebody else may know it.
    Compromised,
    /// Its key material is gone.
    Destroyed,
    /// Its key material is gone, and somebody else may know it.
    DestroyedCompromised,
}

impl State {
    /// Every state, in the order of their numbers.
    pub const ALL: [State; 6] = [
        State::PreActive,
        State::Active,
        State::Deactivated,
        State::Compromised,
        State::Destroyed,
        State::DestroyedCompromised,
    ];

    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            State::PreActive => 1,
            State::Active => 2,
            State::Deactivated => 3,
            State::Compromised => 4,
            State::Destroyed => 5,
            State::DestroyedCompromised => 6,
        }
    }

    /// The state of a number.
    pub fn from_number(number: u32) -> Option<State> {
        State::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The spelling in key files.
    pub fn as_str(self) -> &'static str {
        match self {
            State::PreActive => "PreActive",
            State::Active => "Active",
            State::Deactivated => "Deactivated",
            State::Compromised => "Compromised",
            State::Destroyed => "Destroyed",
            State::DestroyedCompromised => "DestroyedCompromised",
        }
    }

    /// The state of a spelling.
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether the key material is gone.
    pub fn is_destroyed(self) -> bool {
        matches!(self, State::Destroyed | State::DestroyedCompromised)
    }

    /// The state after an event (KMIP 1.4 section 3.22, figure 1, transitions 2 to 10).
    pub fn after(self, event: Event) -> Result<State, Refused> {
        match (self, event) {
            (State::PreActive, Event::Activate) => Ok(State::Active),
            (State::PreActive | State::Active | State::Deactivated, Event::Compromise) => Ok(State::Compromised),
            (State::Active, Event::Deactivate) => Ok(State::Deactivated),
            (State::PreActive | State::Deactivated, Event::Destroy) => Ok(State::Destroyed),
            (State::Compromised, Event::Destroy) | (State::Destroyed, Event::Compromise) => {
                Ok(State::DestroyedCompromised)
            }
            (state, event) => Err(Refused { state, event }),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What may happen to a managed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The operation Activate, or an activation date that has come.
    Activate,
    /// The operation Revoke for a reason other than a compromise, or a deactivation date that has come.
    Deactivate,
    /// The operation Revoke because the object, or its authority, was compromised.
    Compromise,
    /// The operation Destroy.
    Destroy,
}

impl Event {
    /// Every event.
    pub const ALL: [Event; 4] = [Event::Activate, Event::Deactivate, Event::Compromise, Event::Destroy];

    /// What a Revoke with this Revocation Reason Code does (KMIP 1.4 sections 4.20 and 9.1.3.2.19: Key Compromise is
    /// 2, CA Compromise is 3; every other reason deactivates).
    pub fn of_revocation(reason_code: u32) -> Event {
        match reason_code {
            2 | 3 => Event::Compromise,
            _ => Event::Deactivate,
        }
    }

    /// The word for messages: "cannot be ...".
    fn done(self) -> &'static str {
        match self {
            Event::Activate => "activated",
            Event::Deactivate => "deactivated",
            Event::Compromise => "marked as compromised",
            Event::Destroy => "destroyed",
        }
    }
}

/// An event that the state machine does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an object in state {state} cannot be {}", event.done())]
pub struct Refused {
    /// The state that the object is in, and stays in.
    pub state: State,
    /// What was asked for.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_figure_of_the_standard() {
        // One letter for each resulting state, a dot for a refusal; the columns are Event::ALL.
        let expected = [
            (State::PreActive, "A.CD"),
            (State::Active, ".XC."),
            (State::Deactivated, "..CD"),
            (State::Compromised, "...Z"),
            (State::Destroyed, "..Z."),
            (State::DestroyedCompromised, "...."),
        ];
        for (state, row) in expected {
            let letters: String = Event::ALL
                .into_iter()
                .map(|event| match state.after(event) {
                    Ok(State::PreActive) => 'P',
                    Ok(State::Active) => 'A',
                    Ok(State::Deactivated) => 'X',
                    Ok(State::Compromised) => 'C',
                    Ok(State::Destroyed) => 'D',
                    Ok(State::DestroyedCompromised) => 'Z',
                    Err(refused) => {
                        assert_eq!(refused, Refused { state, event });
                        '.'
                    }
                })
                .collect();
            assert_eq!(letters, row, "{state}");
        }
    }

    #[test]
    fn numbers_and_names_lead_back() {
        for state in State::ALL {
            assert_eq!(State::from_number(state.number()), Some(state));
            assert_eq!(State::from_name(state.as_str()), Some(state));
        }
        assert_eq!(State::from_number(0), None);
        assert_eq!(State::from_number(7), None);
        assert_eq!(State::from_name("active"), None);
    }

    #[test]
    fn only_a_compromise_compromises() {
        let compromising: Vec<u32> = (0..=8).filter(|code| Event::of_revocation(*code) == Event::Compromise).collect();
        assert_eq!(compromising, [2, 3]);
    }

    #[test]
    fn a_refusal_says_state_and_wish() {
        let refused = State::Active.after(Event::Destroy).unwrap_err();
        assert_eq!(refused.to_string(), "an object in state Active cannot be destroyed");
    }
}
