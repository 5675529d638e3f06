//! What is allowed to whom: IAM on keys, the perimeter of VPC Service Controls, and the switches of the whole project.
//!
//! Invariant: what nobody has denied is allowed, so that a world states only what is special about it.

use std::collections::BTreeSet;

use super::accounts::Account;
use super::errors::{Error, Refusal};
use super::{PROJECT, PROJECT_NUMBER};
use crate::clouds::Arrival;

/// What an account lacks: `*` stands for all accounts, permissions or keys, `cloudkms.*` for all permissions of KMS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Denial {
    account: String,
    permission: String,
    key: String,
}

/// Everything that is not as it usually is.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    denials: BTreeSet<Denial>,
    /// Keys, by name, that lie within a perimeter: what comes from outside is refused.
    perimeter: BTreeSet<String>,
    /// Endpoints, by name, that the perimeter does not let in.
    shut: BTreeSet<String>,
    api_disabled: bool,
}

impl Policy {
    /// Takes a permission away, or gives it back.
    pub(super) fn deny(&mut self, account: &str, permission: &str, key: &str, stands: bool) {
        let [account, permission, key] = [account, permission, key].map(str::to_owned);
        change(&mut self.denials, Denial { account, permission, key }, stands);
    }

    /// Draws the perimeter around a key, or takes it away.
    pub(super) fn enclose(&mut self, key: &str, stands: bool) {
        change(&mut self.perimeter, key.to_owned(), stands);
    }

    /// Shuts an endpoint out, or lets it in.
    pub(super) fn shut(&mut self, endpoint: &str, stands: bool) {
        change(&mut self.shut, endpoint.to_owned(), stands);
    }

    /// Switches the API of Cloud KMS off, or on.
    pub(super) fn disable_api(&mut self, disabled: bool) {
        self.api_disabled = disabled;
    }

    /// Judges the project: it must use the service at all.
    pub(super) fn check_project(&self) -> Result<(), Refusal> {
        if self.api_disabled {
            return Err(Refusal::new(Error::ServiceDisabled, &[("consumer", PROJECT_NUMBER)]));
        }
        Ok(())
    }

    /// Whether the perimeter stands between the caller and a key.
    pub(super) fn keeps_out(&self, arrival: &Arrival, key: &str) -> bool {
        self.shut.contains(&arrival.via) || (!arrival.private && self.perimeter.contains(key))
    }

    /// Judges what an account may do with a key. `resource` is what the refusal names.
    pub(super) fn check(
        &self,
        account: &Account,
        permission: &str,
        key: Option<&str>,
        resource: &str,
    ) -> Result<(), Refusal> {
        let means = |stated: &str, actual: &str| stated == "*" || stated == actual;
        let denied = |denial: &Denial, key: &str| {
            let service = denial.permission.strip_suffix('*').is_some_and(|service| permission.starts_with(service));
            means(&denial.account, &account.name)
                && (service || denial.permission == permission)
                && means(&denial.key, key)
        };
        match key {
            Some(key) if !self.denials.iter().any(|denial| denied(denial, key)) => Ok(()),
            // Roles are granted on keys: on one that does not exist nobody has any, and the answer does not say which.
            _ => Err(Refusal::new(Error::PermissionDenied, &[("permission", permission), ("resource", resource)])),
        }
    }
}

/// The refusal of the perimeter, with the identifier under which its owner finds the violation.
pub(super) fn violation(identifier: &str) -> Refusal {
    Refusal::new(Error::PolicyViolated, &[("identifier", identifier), ("consumer", PROJECT)])
}

fn change<T: Ord>(set: &mut BTreeSet<T>, entry: T, present: bool) {
    if present {
        set.insert(entry);
    } else {
        set.remove(&entry);
    }
}
