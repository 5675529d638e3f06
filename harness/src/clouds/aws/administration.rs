//! What a world does with everything but keys: users, roles and their credentials, policies, and faults.
//!
//! Invariant: none of it belongs to a region, and every secret that is given out is reported to the trace first.

use std::time::SystemTime;

use super::identities::{self, Holder, IssuedCredentials};
use super::policy::Denial;
use super::{Aws, Fault, Unchanged};

impl Aws {
    /// Gives a user a new access key; the user comes into being with the first one. Older ones stay valid.
    pub fn add_user(&mut self, name: &str) -> IssuedCredentials {
        let issued = self.identities.issue_user(name);
        self.guard(&issued);
        issued
    }

    /// Makes a role and returns its ARN. `trusts` holds user names, ARNs, or `*`.
    pub fn add_role(&mut self, name: &str, trusts: &[&str], external_id: Option<&str>) -> String {
        self.identities.add_role(name, trusts, external_id)
    }

    /// Changes whom a role trusts. Sessions that it has go on: trust is asked when a role is assumed.
    pub fn set_role_trust(&mut self, name: &str, trusts: &[&str], external_id: Option<&str>) -> Result<(), Unchanged> {
        let known = self.identities.set_trust(name, trusts, external_id);
        if known { Ok(()) } else { Err(Unchanged::NoSuchRole(name.to_owned())) }
    }

    /// Deletes a role. STS then refuses to assume it, and its sessions are nobody's.
    pub fn remove_role(&mut self, name: &str) -> Result<(), Unchanged> {
        if self.identities.remove_role(name) { Ok(()) } else { Err(Unchanged::NoSuchRole(name.to_owned())) }
    }

    /// Gives out temporary credentials without a call to STS. From `expires` on they are refused as expired.
    pub fn add_session(&mut self, holder: Holder<'_>, expires: Option<SystemTime>) -> IssuedCredentials {
        let (_, issued) = self.identities.issue_session(holder, "kmiplab", expires);
        self.guard(&issued);
        issued
    }

    /// Moves the end of temporary credentials.
    pub fn expire(&mut self, access_key_id: &str, at: SystemTime) -> Result<(), Unchanged> {
        let known = self.identities.expire(access_key_id, at);
        if known { Ok(()) } else { Err(Unchanged::NoSuchSession(identities::shortened(access_key_id))) }
    }

    /// Takes credentials away: from now on nobody has that access key id.
    pub fn revoke(&mut self, access_key_id: &str) -> Result<(), Unchanged> {
        let known = self.identities.revoke(access_key_id);
        if known { Ok(()) } else { Err(Unchanged::NoSuchAccessKey(identities::shortened(access_key_id))) }
    }

    /// Withdraws from a principal (by user or role name) what allowed an action, such as `kms:Decrypt`, on a key or role by
    /// name. `*` stands for all of them, and `kms:*` for all actions of a service.
    pub fn deny(&mut self, principal: &str, action: &str, resource: &str) {
        self.deny_by(Denial::by_identity(principal, action, resource));
    }

    /// Takes back exactly what [`Aws::deny`] stated.
    pub fn allow(&mut self, principal: &str, action: &str, resource: &str) {
        self.withdraw(Denial::by_identity(principal, action, resource));
    }

    /// Adds a denial to the policies.
    pub fn deny_by(&mut self, denial: Denial) {
        self.policy.set(denial, true);
    }

    /// Takes back exactly that denial.
    pub fn withdraw(&mut self, denial: Denial) {
        self.policy.set(denial, false);
    }

    /// Opens or closes the policy of a private endpoint.
    pub fn set_endpoint_policy(&mut self, endpoint: &str, allows: bool) {
        self.policy.set(Denial::by_endpoint(endpoint, "*"), !allows);
    }

    /// Lets the key's policy forbid calls that do not come through a private endpoint, or not. The keys of that name in
    /// all regions have the same policy.
    pub fn set_private_only(&mut self, key: &str, private_only: bool) {
        self.policy.set_key_private(key, private_only);
    }

    /// Plans a fault at one endpoint or at all, for so many calls or until it is cleared.
    pub fn inject(&mut self, fault: Fault, via: Option<&str>, calls: Option<u32>) {
        self.faults.plan(fault, via, None, calls);
    }

    /// The same for calls of one operation, such as `Decrypt` or `AssumeRole`.
    pub fn inject_into(&mut self, operation: &str, fault: Fault, via: Option<&str>, calls: Option<u32>) {
        self.faults.plan(fault, via, Some(operation), calls);
    }

    /// Forgets the planned faults of one endpoint, or with `None` of all. What was planned for all endpoints stays when
    /// one endpoint is cleared.
    pub fn clear_faults(&mut self, via: Option<&str>) {
        self.faults.clear(via);
    }
}
