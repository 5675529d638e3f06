//! What a world does with everything but keys: applications and their secrets, permissions, networks, and faults.
//!
//! Invariant: every secret that is given out is reported to the trace first.

use std::time::SystemTime;

use super::access::Denial;
use super::directory::IssuedCredentials;
use super::vault::{PermissionModel, Vault};
use super::{Azure, Fault, RESOURCE, Unchanged};

impl Azure {
    /// Gives an application a new client secret that does not end; the application comes into being with the first one.
    /// Older ones stay valid.
    pub fn add_application(&mut self, name: &str) -> IssuedCredentials {
        let tenant = self.tenant_id().to_owned();
        self.add_application_in(&tenant, name)
    }

    /// The same in another tenant, by its id. Its tokens are no good at these vaults.
    pub fn add_application_in(&mut self, tenant: &str, name: &str) -> IssuedCredentials {
        let issued = self.directory.issue_secret(tenant, name, None);
        self.guard(name, &issued);
        issued
    }

    /// Gives an application of the home tenant one more client secret. From `expires` on it is refused as expired.
    pub fn add_secret(&mut self, name: &str, expires: Option<SystemTime>) -> Result<IssuedCredentials, Unchanged> {
        let tenant = self.tenant_id().to_owned();
        self.directory.named(name).ok_or_else(|| Unchanged::NoSuchApplication(name.to_owned()))?;
        let issued = self.directory.issue_secret(&tenant, name, expires);
        self.guard(name, &issued);
        Ok(issued)
    }

    /// Adds another tenant and returns its id.
    pub fn add_tenant(&mut self, name: &str) -> String {
        self.directory.add_tenant(name)
    }

    /// Gives out a token for Key Vault without a call to the token service.
    pub fn add_token(&mut self, application: &str, expires: SystemTime, now: SystemTime) -> Result<String, Unchanged> {
        let known = self.directory.named(application).cloned();
        let principal = known.ok_or_else(|| Unchanged::NoSuchApplication(application.to_owned()))?;
        let token = self.directory.issue_token_until(&principal, RESOURCE, expires, now);
        self.trace.secret(&format!("access token of {application}"), token.as_bytes());
        Ok(token)
    }

    /// Moves the end of a client secret, by the secret's id. Tokens that it has brought stay valid until their own end.
    pub fn expire(&mut self, secret_id: &str, at: SystemTime) -> Result<(), Unchanged> {
        let known = self.directory.expire(secret_id, at);
        if known { Ok(()) } else { Err(Unchanged::NoSuchSecret(secret_id.to_owned())) }
    }

    /// Deletes a client secret, by its id: from now on it was never one. Tokens stay valid as with [`Azure::expire`].
    pub fn revoke(&mut self, secret_id: &str) -> Result<(), Unchanged> {
        let known = self.directory.revoke(secret_id);
        if known { Ok(()) } else { Err(Unchanged::NoSuchSecret(secret_id.to_owned())) }
    }

    /// Deletes an application with all of its secrets. Tokens stay valid as with [`Azure::expire`].
    pub fn remove_application(&mut self, name: &str) -> Result<(), Unchanged> {
        let known = self.directory.remove(name);
        if known { Ok(()) } else { Err(Unchanged::NoSuchApplication(name.to_owned())) }
    }

    /// Withdraws from an application (by name) what allowed an operation, such as `Decrypt`, on a key by name. `*` stands
    /// for all of them. In a vault with access policies this concerns all of its keys.
    pub fn deny(&mut self, application: &str, operation: &str, key: &str) {
        self.access.set(Denial::new(application, operation, key), true);
    }

    /// Takes back exactly what [`Azure::deny`] stated.
    pub fn allow(&mut self, application: &str, operation: &str, key: &str) {
        self.access.set(Denial::new(application, operation, key), false);
    }

    /// Says how a vault grants permissions. A new vault does so by role-based access control.
    pub fn set_permission_model(&mut self, vault: &str, model: PermissionModel) -> Result<(), Unchanged> {
        self.change_vault(vault, |vault| vault.model = model)
    }

    /// Lets calls from outside private links reach a vault, or not.
    pub fn set_public_network_access(&mut self, vault: &str, enabled: bool) -> Result<(), Unchanged> {
        self.change_vault(vault, |vault| vault.public_network = enabled)
    }

    /// Lets the firewall of a vault keep out the addresses from which calls come, or not. Private links do not pass
    /// through it.
    pub fn set_firewall(&mut self, vault: &str, keeps_out: bool) -> Result<(), Unchanged> {
        self.change_vault(vault, |vault| vault.firewalled = keeps_out)
    }

    /// Approves the connection of a private endpoint, or withdraws that: calls through it are then refused as if they
    /// came from outside.
    pub fn set_endpoint_policy(&mut self, endpoint: &str, allows: bool) {
        self.access.set_approved(endpoint, allows);
    }

    /// Plans a fault at one endpoint or at all, for so many calls or until it is cleared.
    pub fn inject(&mut self, fault: Fault, via: Option<&str>, calls: Option<u32>) {
        self.faults.plan(fault, via, None, calls);
    }

    /// The same for calls of one operation, such as `Decrypt` or `Token`.
    pub fn inject_into(&mut self, operation: &str, fault: Fault, via: Option<&str>, calls: Option<u32>) {
        self.faults.plan(fault, via, Some(operation), calls);
    }

    /// Forgets the planned faults of one endpoint, or with `None` of all. What was planned for all endpoints stays when
    /// one endpoint is cleared.
    pub fn clear_faults(&mut self, via: Option<&str>) {
        self.faults.clear(via);
    }

    fn change_vault(&mut self, vault: &str, change: impl FnOnce(&mut Vault)) -> Result<(), Unchanged> {
        let found = self.vaults.get_mut(vault).ok_or_else(|| Unchanged::NoSuchVault(vault.to_owned()))?;
        change(found);
        Ok(())
    }

    /// From now on this secret may stand in no text of the run.
    fn guard(&self, name: &str, issued: &IssuedCredentials) {
        self.trace.secret(&format!("client secret of {name}"), issued.client_secret.as_bytes());
    }
}
