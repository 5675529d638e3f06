//! What can go wrong here on purpose. Whom it strikes, and how often, is planned as in every cloud (`clouds/faults.rs`).

use std::time::Duration;

use super::errors::Error;
use super::route::Service;
use crate::clouds::faults::{Course, Mishap};

/// One way in which the service misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers 429 RESOURCE_EXHAUSTED, or its counterpart of the token service, once the caller has proven who it is.
    Throttle,
    /// The same, and says in whole seconds when to come again.
    RetryAfter(Duration),
    /// Answers 500 INTERNAL, or its counterpart of the token service.
    Internal,
    /// Answers 503 UNAVAILABLE, or its counterpart of the token service.
    Unavailable,
    /// Answers with this row of the table, once the caller has proven who it is. A service that never says so is left
    /// alone.
    Answer(Error),
    /// Answers with a checksum that is not that of the data. The token service, which has none, is left alone.
    WrongChecksum,
    /// Answers as if no checksum had come with the request. The token service is left alone.
    Unverified,
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
const NAMES: [(&str, Fault); 11] = [
    ("throttle", Fault::Throttle),
    ("retry-after", Fault::RetryAfter(Duration::from_secs(2))),
    ("internal", Fault::Internal),
    ("unavailable", Fault::Unavailable),
    ("wrong-checksum", Fault::WrongChecksum),
    ("unverified", Fault::Unverified),
    ("garbage", Fault::Garbage),
    ("slow", Fault::Slow(Duration::from_secs(1))),
    ("hang", Fault::Hang),
    ("reset", Fault::Reset),
    ("cut", Fault::Cut { after_bytes: 20 }),
];

impl Fault {
    /// The names that [`Fault::from_name`] takes besides codes and reasons of errors.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The fault of that name, or the answer that [`Error::named`] finds. `slow` takes a second, `retry-after` says two,
    /// `cut` leaves 20 bytes.
    pub fn from_name(name: &str) -> Option<Fault> {
        let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault);
        named.or_else(|| Error::named(name).map(Fault::Answer))
    }

    /// The name, or of an answer the reason or the code; the inverse of [`Fault::from_name`] up to lengths, and to rows
    /// that share both.
    pub fn name(self) -> &'static str {
        if let Fault::Answer(error) = self {
            let fact = error.fact();
            let code = fact.kms.or(fact.oauth).map_or("unknown", |answer| answer.code);
            // The first row of a code is found by the code, the others by what tells them apart.
            return if Error::named(code) == Some(error) { code } else { fact.detail.reason().unwrap_or(code) };
        }
        let same = |other: Fault| std::mem::discriminant(&other) == std::mem::discriminant(&self);
        NAMES.iter().find(|(_, fault)| same(*fault)).map_or("unknown", |(name, _)| name)
    }

    /// The row with which a service itself reports this fault; `None` where it says nothing, or never would.
    pub(super) fn reported_by(self, service: Service) -> Option<Error> {
        let error = match self {
            Fault::Throttle | Fault::RetryAfter(_) => Error::Throttled,
            Fault::Internal => Error::Internal,
            Fault::Unavailable => Error::Unavailable,
            Fault::Answer(error) => error,
            Fault::WrongChecksum | Fault::Unverified | Fault::Garbage | Fault::Slow(_) => return None,
            Fault::Hang | Fault::Reset | Fault::Cut { .. } => return None,
        };
        error.is_known_to(service).then_some(error)
    }
}

impl Mishap for Fault {
    type Service = Service;

    fn concerns(self, service: Service) -> bool {
        match self {
            Fault::Answer(error) => error.is_known_to(service),
            Fault::WrongChecksum | Fault::Unverified => service == Service::Kms,
            _ => true,
        }
    }

    fn course(self) -> Course {
        match self {
            Fault::Throttle | Fault::RetryAfter(_) | Fault::Internal | Fault::Unavailable | Fault::Answer(_) => {
                Course::Answered
            }
            Fault::WrongChecksum | Fault::Unverified => Course::Answered,
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
        let answer = Fault::Answer(Error::VersionDisabled);
        assert!(answer.concerns(Service::Kms) && !answer.concerns(Service::Oauth));
        for fault in [Fault::WrongChecksum, Fault::Unverified] {
            assert!(fault.concerns(Service::Kms) && !fault.concerns(Service::Oauth), "{fault:?}");
        }
    }

    #[test]
    fn names_lead_to_faults_and_back() {
        let codes = ["RESOURCE_EXHAUSTED", "KEY_DISABLED", "SERVICE_DISABLED", "invalid_scope", "DEADLINE_EXCEEDED"];
        for name in Fault::names().chain(codes) {
            let fault = Fault::from_name(name).unwrap();
            assert_eq!(Fault::from_name(fault.name()), Some(fault), "{name}");
        }
        assert_eq!(Fault::from_name("KEY_DESTROYED"), Some(Fault::Answer(Error::VersionDestroyed)));
        assert_eq!(Fault::Slow(Duration::from_secs(9)).name(), "slow");
        assert_eq!(Fault::Answer(Error::ServiceDisabled).name(), "SERVICE_DISABLED");
        assert_eq!(Fault::Answer(Error::VersionDisabled).name(), "FAILED_PRECONDITION");
        assert_eq!(Fault::from_name("Throttle"), None);
    }
}
