//! What goes wrong on purpose: faults planned for the next calls, or until they are cleared, everywhere or at one
//! endpoint, for all operations or for one.
//!
//! Invariant: at most one fault strikes a call, the one that was planned first; slowness comes on top of it.

use std::time::Duration;

use super::errors::Error;
use super::route::Service;

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

    /// Whether it can strike a service at all.
    fn concerns(self, service: Service) -> bool {
        match self {
            Fault::Answer(error) => error.is_known_to(service),
            Fault::WrongChecksum | Fault::Unverified => service == Service::Kms,
            _ => true,
        }
    }
}

/// A call that may be struck.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) via: &'a str,
    pub(super) service: Service,
    pub(super) operation: &'a str,
}

/// Whom a fault strikes, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Planned {
    fault: Fault,
    via: Option<String>,
    only: Option<String>,
    left: Option<u32>,
}

impl Planned {
    fn strikes(&self, target: Target<'_>) -> bool {
        let means = |stated: &Option<String>, actual: &str| stated.as_deref().is_none_or(|stated| stated == actual);
        self.left != Some(0)
            && means(&self.via, target.via)
            && means(&self.only, target.operation)
            && self.fault.concerns(target.service)
    }
}

/// All planned faults.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<Planned>);

/// What strikes one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) fault: Option<Fault>,
    pub(super) delay: Duration,
}

impl Faults {
    /// Plans a fault for calls through one endpoint, or through all; of one operation, or of all; for so many calls, or
    /// until it is cleared.
    pub(super) fn plan(&mut self, fault: Fault, via: Option<&str>, only: Option<&str>, calls: Option<u32>) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        self.0.push(Planned { fault, via: owned(via), only: owned(only), left: calls });
    }

    /// Forgets what is planned for one endpoint, or everything.
    pub(super) fn clear(&mut self, via: Option<&str>) {
        self.0.retain(|planned| via.is_some() && planned.via.as_deref() != via);
    }

    /// What strikes the call that comes now.
    pub(super) fn strike(&mut self, target: Target<'_>) -> Strike {
        let mut strike = Strike::default();
        for planned in self.0.iter_mut().filter(|planned| planned.strikes(target)) {
            match planned.fault {
                Fault::Slow(delay) => strike.delay += delay,
                fault if strike.fault.is_none() => strike.fault = Some(fault),
                _ => continue,
            }
            planned.left = planned.left.map(|left| left - 1);
        }
        self.0.retain(|planned| planned.left != Some(0));
        strike
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decrypt(via: &str) -> Target<'_> {
        Target { via, service: Service::Kms, operation: "Decrypt" }
    }

    #[test]
    fn a_fault_strikes_as_often_as_planned_and_only_at_its_endpoint() {
        let mut faults = Faults::default();
        faults.plan(Fault::Throttle, Some("psc-a"), None, Some(2));
        assert_eq!(faults.strike(decrypt("psc-b")).fault, None);
        let struck: Vec<_> = (0..3).map(|_| faults.strike(decrypt("psc-a")).fault).collect();
        assert_eq!(struck, [Some(Fault::Throttle), Some(Fault::Throttle), None]);
    }

    #[test]
    fn the_fault_planned_first_strikes_first_and_slowness_adds_up() {
        let mut faults = Faults::default();
        faults.plan(Fault::Internal, None, None, Some(1));
        faults.plan(Fault::Slow(Duration::from_secs(1)), None, None, None);
        faults.plan(Fault::Hang, None, None, None);
        faults.plan(Fault::Slow(Duration::from_secs(2)), Some("oauth2"), None, None);
        let first = faults.strike(decrypt("oauth2"));
        assert_eq!(first, Strike { fault: Some(Fault::Internal), delay: Duration::from_secs(3) });
        let second = Strike { fault: Some(Fault::Hang), delay: Duration::from_secs(1) };
        assert_eq!(faults.strike(decrypt("public")), second);
    }

    #[test]
    fn clearing_one_endpoint_leaves_the_others() {
        let mut faults = Faults::default();
        faults.plan(Fault::Hang, Some("psc-a"), None, None);
        faults.plan(Fault::Reset, Some("psc-b"), None, None);
        faults.clear(Some("psc-a"));
        let struck = ["psc-a", "psc-b"].map(|via| faults.strike(decrypt(via)).fault);
        assert_eq!(struck, [None, Some(Fault::Reset)]);
        faults.clear(None);
        assert_eq!(faults.strike(decrypt("psc-b")), Strike::default());
    }

    #[test]
    fn what_a_service_never_does_passes_it_by_and_is_kept_for_the_other() {
        for fault in [Fault::Answer(Error::VersionDisabled), Fault::WrongChecksum, Fault::Unverified] {
            let mut faults = Faults::default();
            faults.plan(fault, None, None, Some(1));
            let token = Target { via: "oauth2", service: Service::Oauth, operation: "Token" };
            assert_eq!(faults.strike(token), Strike::default(), "{fault:?}");
            assert_eq!(faults.strike(decrypt("psc-a")).fault, Some(fault));
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
