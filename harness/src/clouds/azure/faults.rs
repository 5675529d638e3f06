//! What can go wrong here on purpose. Whom it strikes, and how often, is planned as in every cloud (`clouds/faults.rs`).

use std::time::Duration;

use super::errors::Error;
use super::route::Service;
use crate::clouds::faults::{Course, Mishap};

/// One way in which a service misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers 429 with Retry-After, once the caller has proven who it is.
    Throttle,
    /// Answers 500.
    Internal,
    /// Answers 503.
    Unavailable,
    /// Answers with this row of the table, once the caller has proven who it is. A service that never says so is left
    /// alone.
    Answer(Error),
    /// Answers 200 with a page that is neither JSON nor an answer of the service, as a captive portal does.
    Garbage,
    /// Answers, but only after this long.
    Slow(Duration),
    /// Takes the request and stays silent.
    Hang,
    /// Closes the connection without an answer.
    Reset,
    /// Does its work, and closes the connection after so many bytes of the answer's body.
    Cut {
        /// How many bytes of the body leave.
        after_bytes: usize,
    },
}

/// The faults by name, with what they do where the name alone is given.
const NAMES: [(&str, Fault); 8] = [
    ("throttle", Fault::Throttle),
    ("internal", Fault::Internal),
    ("unavailable", Fault::Unavailable),
    ("garbage", Fault::Garbage),
    ("slow", Fault::Slow(Duration::from_secs(1))),
    ("hang", Fault::Hang),
    ("reset", Fault::Reset),
    ("cut", Fault::Cut { after_bytes: 20 }),
];

impl Fault {
    /// The names that [`Fault::from_name`] takes besides those of errors.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The fault of that name, or the answer of that name (`KeyDisabled`, `AKV10032`, `AADSTS7000222`). `slow` takes a
    /// second, `cut` leaves 20 bytes.
    pub fn from_name(name: &str) -> Option<Fault> {
        let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault);
        named.or_else(|| Error::named(name).map(Fault::Answer))
    }

    /// The name; the inverse of [`Fault::from_name`] up to lengths, and to rows that share a name.
    pub fn name(self) -> &'static str {
        if let Fault::Answer(error) = self {
            return error.fact().name;
        }
        let same = |other: Fault| std::mem::discriminant(&other) == std::mem::discriminant(&self);
        NAMES.iter().find(|(_, fault)| same(*fault)).map_or("unknown", |(name, _)| name)
    }

    /// The row with which a service itself reports this fault; `None` where it says nothing, or never would.
    pub(super) fn reported_by(self, service: Service) -> Option<Error> {
        let (vault, entra) = match self {
            Fault::Throttle => (Error::Throttled, Error::EntraThrottled),
            Fault::Internal => (Error::Internal, Error::EntraInternal),
            Fault::Unavailable => (Error::Unavailable, Error::EntraUnavailable),
            Fault::Answer(error) => return error.is_known_to(service).then_some(error),
            Fault::Garbage | Fault::Slow(_) | Fault::Hang | Fault::Reset | Fault::Cut { .. } => return None,
        };
        Some(if service == Service::KeyVault { vault } else { entra })
    }
}

impl Mishap for Fault {
    type Service = Service;

    fn concerns(self, service: Service) -> bool {
        match self {
            Fault::Answer(error) => error.is_known_to(service),
            _ => true,
        }
    }

    fn course(self) -> Course {
        match self {
            Fault::Throttle | Fault::Internal | Fault::Unavailable | Fault::Answer(_) => Course::Answered,
            Fault::Slow(delay) => Course::Slow(delay),
            Fault::Hang => Course::Hang,
            Fault::Reset => Course::Reset,
            Fault::Garbage => Course::Garbage,
            Fault::Cut { after_bytes } => Course::Cut(after_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_concerns_only_the_services_that_give_it() {
        let answer = Fault::Answer(Error::KeyDisabled);
        assert!(answer.concerns(Service::KeyVault) && !answer.concerns(Service::Entra));
    }

    #[test]
    fn names_lead_to_faults_and_back() {
        for name in Fault::names().chain(["KeyDisabled", "AADSTS7000222", "AKV10000", "Throttled"]) {
            assert_eq!(Fault::from_name(name).map(Fault::name), Some(name));
        }
        assert_eq!(Fault::Slow(Duration::from_secs(9)).name(), "slow");
        assert_eq!(Fault::from_name("Throttle"), None);
    }
}
