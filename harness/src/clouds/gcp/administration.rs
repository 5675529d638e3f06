//! What a world does with everything but keys: service accounts and their keys, tokens, permissions, and faults.
//!
//! Invariant: every secret that is given out is reported to the trace first.

use std::time::SystemTime;

use super::accounts::{IssuedKey, shortened};
use super::{Fault, Gcp, Unchanged};

impl Gcp {
    /// Gives a service account a new key; the account comes into being with the first one. Older keys stay valid.
    pub fn add_account_key(&mut self, account: &str) -> IssuedKey {
        let (issued, rsa) = self.accounts.issue_key(account);
        let name = format!("private key {}", shortened(&issued.key_id));
        // In whatever spelling the file is told, its lines are told too; a file in a log has line ends of its own.
        for line in rsa.secret_lines() {
            self.trace.secret(&name, line.as_bytes());
        }
        issued
    }

    /// Gives out an access token for Cloud KMS without a call. From `expires` on it is refused as expired.
    pub fn add_token(&mut self, account: &str, expires: Option<SystemTime>) -> String {
        let scopes = ["https://www.googleapis.com/auth/cloudkms"];
        let token = self.accounts.issue_token(account, &scopes, expires);
        self.guard_token(account, &token);
        token
    }

    /// Deletes a key of a service account. As with Google, tokens that it brought stay valid until they expire.
    pub fn revoke(&mut self, key_id: &str) -> Result<(), Unchanged> {
        let known = self.accounts.revoke(key_id);
        if known { Ok(()) } else { Err(Unchanged::NoSuchAccountKey(shortened(key_id))) }
    }

    /// Lets all tokens that an account has now expire at that time, if not earlier.
    pub fn expire_tokens(&mut self, account: &str, at: SystemTime) -> Result<(), Unchanged> {
        self.known(account)?;
        self.accounts.expire_tokens(account, at);
        Ok(())
    }

    /// Disables or enables a service account. While it is disabled it is given no token, and those that it has are
    /// refused.
    pub fn set_account_disabled(&mut self, account: &str, disabled: bool) -> Result<(), Unchanged> {
        self.known(account)?;
        self.accounts.set_disabled(account, disabled);
        Ok(())
    }

    /// Deletes a service account with its keys. The token service then does not find it.
    pub fn remove_account(&mut self, account: &str) -> Result<(), Unchanged> {
        self.known(account)?;
        self.accounts.remove(account);
        Ok(())
    }

    fn known(&self, account: &str) -> Result<(), Unchanged> {
        if self.accounts.knows(account) { Ok(()) } else { Err(Unchanged::NoSuchAccount(account.to_owned())) }
    }

    /// Takes from an account (by name) a permission such as `cloudkms.cryptoKeyVersions.useToDecrypt` on a key by name.
    /// `*` stands for all of them, and `cloudkms.*` for all permissions of Cloud KMS.
    pub fn deny(&mut self, account: &str, permission: &str, key: &str) {
        self.policy.deny(account, permission, key, true);
    }

    /// Takes back exactly what [`Gcp::deny`] stated.
    pub fn allow(&mut self, account: &str, permission: &str, key: &str) {
        self.policy.deny(account, permission, key, false);
    }

    /// Lets the perimeter of VPC Service Controls shut out what comes through an endpoint, or not.
    pub fn set_endpoint_policy(&mut self, endpoint: &str, allows: bool) {
        self.policy.shut(endpoint, !allows);
    }

    /// Draws a perimeter of VPC Service Controls around a key, so that calls must come through a private endpoint, or
    /// takes it away. The keys of that name in all locations lie within.
    pub fn set_private_only(&mut self, key: &str, private_only: bool) {
        self.policy.enclose(key, private_only);
    }

    /// Switches the API of Cloud KMS on or off for the project.
    pub fn set_api_enabled(&mut self, enabled: bool) {
        self.policy.disable_api(!enabled);
    }

    /// Plans a fault at one endpoint or at all, for so many calls or until it is cleared.
    pub fn inject(&mut self, fault: Fault, via: Option<&str>, calls: Option<u32>) {
        self.faults.plan(fault, via, None, calls);
    }

    /// The same for calls of one operation: `Decrypt`, `Encrypt`, `GetCryptoKey`, `GetCryptoKeyVersion` or `Token`.
    pub fn inject_into(&mut self, operation: &str, fault: Fault, via: Option<&str>, calls: Option<u32>) {
        self.faults.plan(fault, via, Some(operation), calls);
    }

    /// Forgets the planned faults of one endpoint, or with `None` of all. What was planned for all endpoints stays when
    /// one endpoint is cleared.
    pub fn clear_faults(&mut self, via: Option<&str>) {
        self.faults.clear(via);
    }
}
