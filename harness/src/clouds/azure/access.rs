//! What is allowed to whom, and from where: denials per application, operation and key, and the network rules of a vault.
//!
//! The network is judged before the permission, as the refusals of the real service show: they name the caller, and one
//! whom both would refuse hears of the network. (`Evidence::Inferred`.)
//!
//! Invariant: what nobody has denied is allowed, so that a world states only what is special about it.

use std::collections::BTreeSet;

use super::errors::{Error, Refusal};
use super::operations::Caller;
use super::vault::{PermissionModel, Vault};

/// The address of whoever calls, as refusals show it: one that is kept for documentation (RFC 5737). The fake does not
/// learn the real one.
pub(super) const CLIENT_ADDRESS: &str = "198.51.100.7";

/// What one application may not do with one key; `*` stands for all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Denial {
    application: String,
    operation: String,
    key: String,
}

impl Denial {
    pub(super) fn new(application: &str, operation: &str, key: &str) -> Self {
        let [application, operation, key] = [application, operation, key].map(str::to_owned);
        Denial { application, operation, key }
    }
}

/// Everything that is denied.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    denials: BTreeSet<Denial>,
    /// Private endpoints, by name, whose connection nobody has approved.
    unapproved: BTreeSet<String>,
}

impl Access {
    pub(super) fn set(&mut self, denial: Denial, stands: bool) {
        change(&mut self.denials, denial, stands);
    }

    pub(super) fn set_approved(&mut self, endpoint: &str, approved: bool) {
        change(&mut self.unapproved, endpoint.to_owned(), !approved);
    }

    /// Judges from where a call comes. What comes through a private link that nobody has approved is treated as if it
    /// came from outside, and never let in.
    pub(super) fn check_network(&self, vault: &Vault, caller: &Caller<'_>) -> Result<(), Refusal> {
        let arrival = caller.arrival;
        let rejected = self.unapproved.contains(&arrival.via);
        if arrival.private && !rejected {
            return Ok(());
        }
        let error = match (vault.public_network, vault.firewalled || rejected) {
            (false, _) => Error::ForbiddenByConnection,
            (true, true) => Error::ForbiddenByFirewall,
            (true, false) => return Ok(()),
        };
        Err(caller.refusal(error))
    }

    /// Judges whether the caller has the permission. A policy knows no single keys: what is denied for one key of a vault
    /// is denied for all.
    pub(super) fn check_permission(&self, vault: &Vault, caller: &Caller<'_>) -> Result<(), Refusal> {
        let means = |stated: &str, actual: &str| stated == "*" || stated.eq_ignore_ascii_case(actual);
        let concerns = |denial: &&Denial| {
            let this_key = match vault.model {
                PermissionModel::Rbac => means(&denial.key, caller.name),
                PermissionModel::AccessPolicies => denial.key == "*" || vault.any(&denial.key).is_some(),
            };
            this_key
                && means(&denial.application, &caller.principal.name)
                && means(&denial.operation, caller.operation.name)
        };
        if !self.denials.iter().any(|denial| concerns(&denial)) {
            return Ok(());
        }
        Err(caller.refusal(match vault.model {
            PermissionModel::Rbac => Error::ForbiddenByRbac,
            PermissionModel::AccessPolicies => Error::ForbiddenByPolicy,
        }))
    }
}

fn change<T: Ord>(set: &mut BTreeSet<T>, value: T, stands: bool) {
    if stands {
        set.insert(value);
    } else {
        set.remove(&value);
    }
}
