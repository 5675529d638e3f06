//! What goes wrong on purpose: faults planned for the next calls, or until they are cleared, everywhere or at one
//! endpoint.
//!
//! Invariant: at most one fault strikes a call, the one that was planned first; slowness comes on top of it.

use std::time::Duration;

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

/// Whom a fault strikes, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Planned {
    fault: Fault,
    via: Option<String>,
    left: Option<u32>,
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
    /// Plans a fault for calls through one endpoint, or through all; for so many calls, or until it is cleared.
    pub(super) fn plan(&mut self, fault: Fault, via: Option<&str>, calls: Option<u32>) {
        self.0.push(Planned { fault, via: via.map(str::to_owned), left: calls });
    }

    /// Forgets what is planned for one endpoint, or everything.
    pub(super) fn clear(&mut self, via: Option<&str>) {
        self.0.retain(|planned| via.is_some() && planned.via.as_deref() != via);
    }

    /// What strikes the call that comes now through this endpoint.
    pub(super) fn strike(&mut self, via: &str) -> Strike {
        let mut strike = Strike::default();
        for planned in &mut self.0 {
            let here = planned.via.as_deref().is_none_or(|planned| planned == via);
            if !here || planned.left == Some(0) {
                continue;
            }
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

    #[test]
    fn a_fault_strikes_as_often_as_planned_and_only_at_its_endpoint() {
        let mut faults = Faults::default();
        faults.plan(Fault::Throttle, Some("vpce-a"), Some(2));
        assert_eq!(faults.strike("vpce-b").fault, None);
        let struck: Vec<_> = (0..3).map(|_| faults.strike("vpce-a").fault).collect();
        assert_eq!(struck, [Some(Fault::Throttle), Some(Fault::Throttle), None]);
    }

    #[test]
    fn the_fault_planned_first_strikes_first_and_slowness_adds_up() {
        let mut faults = Faults::default();
        faults.plan(Fault::Internal, None, Some(1));
        faults.plan(Fault::Slow(Duration::from_secs(1)), None, None);
        faults.plan(Fault::Hang, None, None);
        faults.plan(Fault::Slow(Duration::from_secs(2)), Some("sts"), None);
        let first = faults.strike("sts");
        assert_eq!(first, Strike { fault: Some(Fault::Internal), delay: Duration::from_secs(3) });
        assert_eq!(faults.strike("public"), Strike { fault: Some(Fault::Hang), delay: Duration::from_secs(1) });
    }

    #[test]
    fn clearing_one_endpoint_leaves_the_others() {
        let mut faults = Faults::default();
        faults.plan(Fault::Hang, Some("vpce-a"), None);
        faults.plan(Fault::Reset, Some("vpce-b"), None);
        faults.clear(Some("vpce-a"));
        assert_eq!((faults.strike("vpce-a").fault, faults.strike("vpce-b").fault), (None, Some(Fault::Reset)));
        faults.clear(None);
        assert_eq!(faults.strike("vpce-b"), Strike::default());
    }
}
