//! What can go wrong here on purpose. Whom it strikes, and how often, is planned as in every cloud (`clouds/faults.rs`).

use std::time::Duration;

use super::errors::Error;
use super::route::Service;
use crate::clouds::faults::{Course, Mishap};

/// One way in which the service misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refuses with the throttling error, once the caller has proven who it is.
    Throttle,
    /// Answers 500 KMSInternalException, or its counterpart of STS.
    Internal,
    /// Answers 503 DependencyTimeoutException, or its counterpart of STS.
    Unavailable,
    /// Answers 500 KeyUnavailableException. STS, which holds no keys, fails as with [`Fault::Internal`].
    KeyUnavailable,
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
const NAMES: [(&str, Fault); 9] = [
    ("throttle", Fault::Throttle),
    ("internal", Fault::Internal),
    ("unavailable", Fault::Unavailable),
    ("key-unavailable", Fault::KeyUnavailable),
    ("garbage", Fault::Garbage),
    ("slow", Fault::Slow(Duration::from_secs(1))),
    ("hang", Fault::Hang),
    ("reset", Fault::Reset),
    ("cut", Fault::Cut { after_bytes: 20 }),
];

impl Fault {
    /// The names that [`Fault::from_name`] takes besides the codes of errors.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The fault of that name, or the answer with that code of KMS. `slow` takes a second, `cut` leaves 20 bytes.
    pub fn from_name(name: &str) -> Option<Fault> {
        let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault);
        named.or_else(|| Error::named(name).map(Fault::Answer))
    }

    /// The name, or the code of the answer; the inverse of [`Fault::from_name`] up to lengths, and to rows that share a
    /// code. STS' code stands for a row that only STS knows.
    pub fn name(self) -> &'static str {
        if let Fault::Answer(error) = self {
            let fact = error.fact();
            return fact.kms.or(fact.sts).map_or("unknown", |answer| answer.code);
        }
        let same = |other: Fault| std::mem::discriminant(&other) == std::mem::discriminant(&self);
        NAMES.iter().find(|(_, fault)| same(*fault)).map_or("unknown", |(name, _)| name)
    }

    /// The row with which a service itself reports this fault; `None` where it says nothing, or never would.
    pub(super) fn reported_by(self, service: Service) -> Option<Error> {
        let error = match (self, service) {
            (Fault::Throttle, _) => Error::Throttled,
            (Fault::KeyUnavailable, Service::Kms) => Error::KeyUnavailable,
            (Fault::Internal | Fault::KeyUnavailable, _) => Error::Internal,
            (Fault::Unavailable, _) => Error::DependencyTimeout,
            (Fault::Answer(error), _) => error,
            (Fault::Garbage | Fault::Slow(_) | Fault::Hang | Fault::Reset | Fault::Cut { .. }, _) => return None,
        };
        error.is_known_to(service).then_some(error)
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
            Fault::Throttle | Fault::Internal | Fault::Unavailable | Fault::KeyUnavailable | Fault::Answer(_) => {
                Course::Answered
            }
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
        let answer = Fault::Answer(Error::Disabled);
        assert!(answer.concerns(Service::Kms) && !answer.concerns(Service::Sts));
    }

    #[test]
    fn names_lead_to_faults_and_back() {
        let named: Vec<&str> = Fault::names().collect();
        let expected =
            ["throttle", "internal", "unavailable", "key-unavailable", "garbage", "slow", "hang", "reset", "cut"];
        assert_eq!(named, expected);
        for name in named.into_iter().chain(["KMSInternalException", "ThrottlingException", "DisabledException"]) {
            assert_eq!(Fault::from_name(name).map(Fault::name), Some(name));
        }
        assert_eq!(Fault::from_name("DisabledException"), Some(Fault::Answer(Error::Disabled)));
        assert_eq!(Fault::Slow(Duration::from_secs(9)).name(), "slow");
        assert_eq!(Fault::from_name("Throttle"), None);
    }
}
