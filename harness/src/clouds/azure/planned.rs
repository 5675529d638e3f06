//! The refusals of planned faults: a row of the table, with its names filled in from the call that it strikes.
//!
//! Invariant: a planned refusal reads like one that the service gave by itself. It speaks of the key and the caller of
//! the call; where the call offers nothing, of what would have caused it.

use super::Azure;
use super::errors::{Error, Refusal};
use super::operations::Caller;
use super::route::Service;
use super::serve::Visit;
use super::tokens;
use crate::clouds::call::Call;

/// A tenant that is another than the vaults'.
const OTHER_TENANT: &str = "11111111-1111-4111-8111-111111111111";

impl Azure {
    /// What a planned fault makes Key Vault refuse by itself, now that the caller is known.
    pub(super) fn planned_by_key_vault(
        &self,
        visit: &Visit<'_>,
        caller: &Caller<'_>,
        call: &mut Call,
    ) -> Option<Refusal> {
        let error = visit.fault?.reported_by(Service::KeyVault)?;
        // Where there is such a key the trace is told which; that there is none is not what this refusal is about.
        let _ = caller.version(self, call);
        let expected = tokens::issuer(self.tenant_id());
        let found = match error {
            Error::InvalidAudience => "https://management.azure.com".to_owned(),
            _ => tokens::issuer(OTHER_TENANT),
        };
        let route = format!("{} {}", visit.request.method(), visit.request.uri().path());
        let host = Azure::vault_host(caller.vault);
        let what = match error {
            Error::NotImplemented => "RSA1_5",
            Error::PropertyInvalid => "alg",
            _ => "value",
        };
        let values =
            [("expected", expected.as_str()), ("found", &found), ("route", &route), ("host", &host), ("what", what)];
        Some(caller.refusal_with(error, &values))
    }

    /// What a planned fault makes the token service refuse by itself, now that the secret has proven to be good.
    pub(super) fn planned_by_entra(
        &self,
        visit: &Visit<'_>,
        tenant: &str,
        client_id: &str,
        scope: &str,
    ) -> Option<Refusal> {
        let error = visit.fault?.reported_by(Service::Entra)?;
        let what = match error {
            Error::ScopeInvalid | Error::ResourceNotFound => scope.trim_end_matches("/.default"),
            Error::GrantUnsupported => "client_credentials",
            _ => "scope",
        };
        Some(Refusal::new(error, &[("tenant", tenant), ("client", client_id), ("what", what)]))
    }
}
