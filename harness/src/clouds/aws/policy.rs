//! What is allowed to whom: identity policies, key policies, endpoint policies, as sets of denials.
//!
//! A denial is explicit where a policy says no, and implicit where it does not say yes. Explicit ones come first (IAM user
//! guide, "Policy evaluation logic"). Where several policies deny alike, AWS names only one of them and does not say
//! which; here it is the first on the way of the call: endpoint, caller, key.
//!
//! Invariant: what nobody has denied is allowed, so that a world states only what is special about it.

use std::collections::BTreeSet;

use super::errors::{Error, Refusal};
use super::identities::Principal;
use crate::clouds::Arrival;

/// Which policy denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PolicyKind {
    Endpoint,
    Identity,
    Key,
}

/// What one policy denies. `*` stands for all principals, actions, resources or endpoints, and `kms:*` for all actions of
/// a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    policy: PolicyKind,
    explicit: bool,
    via: String,
    principal: String,
    action: String,
    resource: String,
}

impl Denial {
    /// The policies of a user or role, by name, do not allow an action on a key or role, by name.
    pub fn by_identity(principal: &str, action: &str, resource: &str) -> Self {
        Self::new(PolicyKind::Identity, "*", principal, action, resource)
    }

    /// The policy of a key, by name, does not allow an action to a user or role, by name.
    pub fn by_key(key: &str, principal: &str, action: &str) -> Self {
        Self::new(PolicyKind::Key, "*", principal, action, key)
    }

    /// The policy of a private endpoint, by name, does not let an action pass.
    pub fn by_endpoint(endpoint: &str, action: &str) -> Self {
        Self::new(PolicyKind::Endpoint, endpoint, "*", action, "*")
    }

    /// The same in so many words: the policy has a statement that denies.
    #[must_use]
    pub fn explicit(self) -> Self {
        Denial { explicit: true, ..self }
    }

    fn new(policy: PolicyKind, via: &str, principal: &str, action: &str, resource: &str) -> Self {
        let [via, principal, action, resource] = [via, principal, action, resource].map(str::to_owned);
        Denial { policy, explicit: false, via, principal, action, resource }
    }

    fn concerns(&self, arrival: &Arrival, principal: &Principal, action: &str, resource: Resource<'_>) -> bool {
        let means = |stated: &str, actual: &str| stated == "*" || stated == actual;
        let service = self.action.strip_suffix('*').is_some_and(|service| action.starts_with(service));
        means(&self.via, &arrival.via)
            && means(&self.principal, &principal.name)
            && (service || self.action == action)
            && means(&self.resource, resource.name)
    }

    fn error(&self) -> Error {
        match (self.policy, self.explicit) {
            (PolicyKind::Endpoint, false) => Error::DeniedByEndpoint,
            (PolicyKind::Endpoint, true) => Error::ForbiddenByEndpoint,
            (PolicyKind::Identity, false) => Error::DeniedByIdentity,
            (PolicyKind::Identity, true) => Error::ForbiddenByIdentity,
            (PolicyKind::Key, false) => Error::NotAllowedByKey,
            (PolicyKind::Key, true) => Error::ForbiddenByKey,
        }
    }
}

/// Everything that somebody or something is denied.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    denials: BTreeSet<Denial>,
    /// Keys, by name, whose policy forbids what does not come through a private endpoint (aws:sourceVpce).
    private_keys: BTreeSet<String>,
}

impl Policy {
    pub(super) fn set(&mut self, denial: Denial, stands: bool) {
        change(&mut self.denials, denial, stands);
    }

    pub(super) fn set_key_private(&mut self, key: &str, private: bool) {
        change(&mut self.private_keys, key.to_owned(), private);
    }

    /// Judges one call.
    pub(super) fn check(
        &self,
        arrival: &Arrival,
        principal: &Principal,
        action: &str,
        resource: Resource<'_>,
    ) -> Result<(), Refusal> {
        let denials = self.denials.iter().filter(|denial| denial.concerns(arrival, principal, action, resource));
        let private = !arrival.private && self.private_keys.contains(resource.name);
        let private = private.then_some((false, PolicyKind::Key, Error::ForbiddenByKey));
        let reasons = denials.map(|denial| (!denial.explicit, denial.policy, denial.error())).chain(private);
        let Some((_, _, error)) = reasons.min() else { return Ok(()) };
        let values = [("user", principal.arn.as_str()), ("action", action), ("arn", resource.arn)];
        Err(Refusal::new(error, &values))
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
