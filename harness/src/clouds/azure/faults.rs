//! What goes wrong on purpose: faults planned for the next calls, or until they are cleared, everywhere or at one
//! endpoint, for all operations or for one.
//!
//! Invariant: at most one fault strikes a call, the one that was planned first; slowness comes on top of it.

use std::time::Duration;

use super::errors::Error;
use super::route::Service;

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
        let unknown = matches!(self.fault, Fault::Answer(error) if !error.is_known_to(target.service));
        self.left != Some(0) && means(&self.via, target.via) && means(&self.only, target.operation) && !unknown
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
        Target { via, service: Service::KeyVault, operation: "Decrypt" }
    }

    #[test]
    fn a_fault_strikes_as_often_as_planned_and_only_where() {
        let mut faults = Faults::default();
        faults.plan(Fault::Throttle, Some("private-a"), Some("Decrypt"), Some(2));
        assert_eq!(faults.strike(decrypt("private-b")).fault, None);
        assert_eq!(faults.strike(Target { operation: "Encrypt", ..decrypt("private-a") }).fault, None);
        let struck: Vec<_> = (0..3).map(|_| faults.strike(decrypt("private-a")).fault).collect();
        assert_eq!(struck, [Some(Fault::Throttle), Some(Fault::Throttle), None]);
    }

    #[test]
    fn the_fault_planned_first_strikes_first_and_slowness_adds_up() {
        let mut faults = Faults::default();
        faults.plan(Fault::Internal, None, None, Some(1));
        faults.plan(Fault::Slow(Duration::from_secs(1)), None, None, None);
        faults.plan(Fault::Hang, None, None, None);
        faults.plan(Fault::Slow(Duration::from_secs(2)), Some("public"), None, None);
        let struck = |fault, seconds| Strike { fault: Some(fault), delay: Duration::from_secs(seconds) };
        assert_eq!(faults.strike(decrypt("public")), struck(Fault::Internal, 3));
        assert_eq!(faults.strike(decrypt("private-a")), struck(Fault::Hang, 1));
    }

    #[test]
    fn clearing_one_endpoint_leaves_the_others() {
        let mut faults = Faults::default();
        faults.plan(Fault::Hang, Some("private-a"), None, None);
        faults.plan(Fault::Reset, Some("private-b"), None, None);
        faults.clear(Some("private-a"));
        let struck = ["private-a", "private-b"].map(|via| faults.strike(decrypt(via)).fault);
        assert_eq!(struck, [None, Some(Fault::Reset)]);
        faults.clear(None);
        assert_eq!(faults.strike(decrypt("private-b")), Strike::default());
    }

    #[test]
    fn an_answer_that_a_service_never_gives_passes_it_by_and_is_kept_for_the_other() {
        let mut faults = Faults::default();
        faults.plan(Fault::Answer(Error::KeyDisabled), None, None, Some(1));
        let token = Target { via: "entra", service: Service::Entra, operation: "Token" };
        assert_eq!(faults.strike(token), Strike::default());
        assert_eq!(faults.strike(decrypt("private-a")).fault, Some(Fault::Answer(Error::KeyDisabled)));
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
