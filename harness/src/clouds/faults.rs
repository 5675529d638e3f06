//! Planned misbehaviour, the same for every cloud: whom a fault strikes, how often, and what comes of several at once.
//!
//! What can go wrong is each cloud's own enumeration, a [`Mishap`].
//!
//! Invariant: delays add up; of all other faults that strike a call only the first one planned counts, and only that one
//! is used up.

use std::fmt::Debug;
use std::time::Duration;

/// A service of a cloud.
pub(super) trait Service: Copy {
    /// Its name in traces.
    fn name(self) -> &'static str;
}

/// One way in which the services of a cloud misbehave.
pub(super) trait Mishap: Copy + Debug + PartialEq {
    /// The services of the cloud.
    type Service: Service;

    /// Whether it can strike a service at all. What cannot passes it by, and is kept for another.
    fn concerns(self, service: Self::Service) -> bool;

    /// What it does to the connection.
    fn course(self) -> Course;
}

/// What a fault does to the connection on which a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Nothing: the service itself answers, with whatever it reports.
    Answered,
    /// The answer comes so much later.
    Slow(Duration),
    /// There is no answer, and the connection stands.
    Hang,
    /// The connection is closed before any byte of an answer.
    Reset,
    /// Something answers that is not the service.
    Garbage,
    /// The answer breaks off after so many bytes of its body.
    Cut(usize),
}

/// A call that may be struck.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a, S> {
    pub(super) via: &'a str,
    pub(super) service: S,
    pub(super) operation: &'a str,
}

/// Whom a fault strikes, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Planned<F> {
    fault: F,
    via: Option<String>,
    only: Option<String>,
    left: Option<u32>,
}

impl<F: Mishap> Planned<F> {
    fn strikes(&self, target: Target<'_, F::Service>) -> bool {
        let means = |stated: &Option<String>, actual: &str| stated.as_deref().is_none_or(|stated| stated == actual);
        self.left != Some(0)
            && means(&self.via, target.via)
            && means(&self.only, target.operation)
            && self.fault.concerns(target.service)
    }
}

/// All planned faults.
#[derive(Clone, Debug)]
pub(super) struct Faults<F>(Vec<Planned<F>>);

impl<F> Default for Faults<F> {
    fn default() -> Self {
        Faults(Vec::new())
    }
}

/// What strikes one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strike<F> {
    pub(super) fault: Option<F>,
    pub(super) delay: Duration,
}

impl<F: Mishap> Faults<F> {
    /// Plans a fault for calls through one endpoint, or through all; of one operation, or of all; for so many calls, or
    /// until it is cleared.
    pub(super) fn plan(&mut self, fault: F, via: Option<&str>, only: Option<&str>, calls: Option<u32>) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        self.0.push(Planned { fault, via: owned(via), only: owned(only), left: calls });
    }

    /// Forgets what is planned for one endpoint, or everything.
    pub(super) fn clear(&mut self, via: Option<&str>) {
        self.0.retain(|planned| via.is_some() && planned.via.as_deref() != via);
    }

    /// What strikes the call that comes now.
    pub(super) fn strike(&mut self, target: Target<'_, F::Service>) -> Strike<F> {
        let mut strike = Strike { fault: None, delay: Duration::ZERO };
        for planned in self.0.iter_mut().filter(|planned| planned.strikes(target)) {
            match planned.fault.course() {
                Course::Slow(delay) => strike.delay += delay,
                _ if strike.fault.is_none() => strike.fault = Some(planned.fault),
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

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Place {
        Keys,
        Tokens,
    }

    impl Service for Place {
        fn name(self) -> &'static str {
            "a service"
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Fault {
        Hang,
        Reset,
        OfKeys,
        Slow(u64),
    }

    impl Mishap for Fault {
        type Service = Place;

        fn concerns(self, service: Place) -> bool {
            self != Fault::OfKeys || service == Place::Keys
        }

        fn course(self) -> Course {
            match self {
                Fault::Hang => Course::Hang,
                Fault::Reset => Course::Reset,
                Fault::OfKeys => Course::Answered,
                Fault::Slow(seconds) => Course::Slow(Duration::from_secs(seconds)),
            }
        }
    }

    fn decrypt(via: &str) -> Target<'_, Place> {
        Target { via, service: Place::Keys, operation: "Decrypt" }
    }

    fn struck(fault: Option<Fault>, seconds: u64) -> Strike<Fault> {
        Strike { fault, delay: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_fault_strikes_as_often_as_planned_and_only_where() {
        let mut faults = Faults::default();
        faults.plan(Fault::Reset, Some("private-a"), Some("Decrypt"), Some(2));
        assert_eq!(faults.strike(decrypt("private-b")).fault, None);
        assert_eq!(faults.strike(Target { operation: "Encrypt", ..decrypt("private-a") }).fault, None);
        let hits: Vec<_> = (0..3).map(|_| faults.strike(decrypt("private-a")).fault).collect();
        assert_eq!(hits, [Some(Fault::Reset), Some(Fault::Reset), None]);
    }

    #[test]
    fn delays_add_up_and_the_first_of_the_other_faults_counts() {
        let mut faults = Faults::default();
        faults.plan(Fault::Reset, None, None, Some(1));
        faults.plan(Fault::Slow(1), None, None, None);
        faults.plan(Fault::Hang, None, None, None);
        faults.plan(Fault::Slow(2), Some("public"), None, None);
        assert_eq!(faults.strike(decrypt("public")), struck(Some(Fault::Reset), 3));
        assert_eq!(faults.strike(decrypt("private-a")), struck(Some(Fault::Hang), 1));
    }

    #[test]
    fn clearing_one_endpoint_leaves_the_others() {
        let mut faults = Faults::default();
        faults.plan(Fault::Hang, Some("private-a"), None, None);
        faults.plan(Fault::Reset, Some("private-b"), None, None);
        faults.clear(Some("private-a"));
        let hits = ["private-a", "private-b"].map(|via| faults.strike(decrypt(via)).fault);
        assert_eq!(hits, [None, Some(Fault::Reset)]);
        faults.clear(None);
        assert_eq!(faults.strike(decrypt("private-b")), struck(None, 0));
    }

    #[test]
    fn what_a_service_never_does_passes_it_by_and_is_kept_for_the_other() {
        let mut faults = Faults::default();
        faults.plan(Fault::OfKeys, None, None, Some(1));
        let token = Target { via: "tokens", service: Place::Tokens, operation: "Token" };
        assert_eq!(faults.strike(token), struck(None, 0));
        assert_eq!(faults.strike(decrypt("private-a")).fault, Some(Fault::OfKeys));
    }
}
