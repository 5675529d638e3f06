//! What is allowed to whom: identity policies, key policies, endpoint policies, as sets of denials.
//!
//! Invariant: what nobody has denied is allowed, so that a world states only what is special about it.

use std::collections::BTreeSet;

use super::errors::{Error, Refusal};
use super::identities::Principal;
use crate::clouds::Arrival;

/// Everything that somebody or something is denied.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    /// Principal, action, resource by name; `*` stands for all.
    denied: BTreeSet<(String, String, String)>,
    /// Endpoints whose policy lets nothing pass.
    closed_endpoints: BTreeSet<String>,
    /// Keys, by name, whose policy denies what does not come through a private endpoint.
    private_keys: BTreeSet<String>,
}

impl Policy {
    pub(super) fn set_denied(&mut self, principal: &str, action: &str, resource: &str, denied: bool) {
        let entry = (principal.to_owned(), action.to_owned(), resource.to_owned());
        change(&mut self.denied, entry, denied);
    }

    pub(super) fn set_endpoint_closed(&mut self, endpoint: &str, closed: bool) {
        change(&mut self.closed_endpoints, endpoint.to_owned(), closed);
    }

    pub(super) fn set_key_private(&mut self, key: &str, private: bool) {
        change(&mut self.private_keys, key.to_owned(), private);
    }

    /// Judges one call, in the order of the path that it takes: endpoint, caller, key.
    pub(super) fn check(
        &self,
        arrival: &Arrival,
        principal: &Principal,
        action: &str,
        resource: Resource<'_>,
    ) -> Result<(), Refusal> {
        let error = if self.closed_endpoints.contains(&arrival.via) {
            Error::DeniedByEndpoint
        } else if self.denies(&principal.name, action, resource.name) {
            Error::DeniedByIdentity
        } else if !arrival.private && self.private_keys.contains(resource.name) {
            Error::DeniedByKey
        } else {
            return Ok(());
        };
        let values = [("user", principal.arn.as_str()), ("action", action), ("arn", resource.arn)];
        Err(Refusal::new(error, &values))
    }

    fn denies(&self, principal: &str, action: &str, resource: &str) -> bool {
        let service = action.split_once(':').map_or("*".to_owned(), |(service, _)| format!("{service}:*"));
        let meant = |stated: &str, actual: &str| stated == "*" || stated == actual;
        self.denied.iter().any(|(who, what, which)| {
            meant(who, principal) && (meant(what, action) || *what == service) && meant(which, resource)
        })
    }
}

/// On what an action is taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resource<'a> {
    /// The scenario's name of it.
    pub(super) name: &'a str,
    /// Its ARN.
    pub(super) arn: &'a str,
}

fn change<T: Ord>(set: &mut BTreeSet<T>, entry: T, present: bool) {
    if present {
        set.insert(entry);
    } else {
        set.remove(&entry);
    }
}
