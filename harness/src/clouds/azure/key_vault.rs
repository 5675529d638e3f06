//! The door of Key Vault: REST over JSON, the operation named by method and path, the API's version in the query.
//!
//! In order: the operation is found, the API's version asked for, the token verified, a planned fault reported, the
//! network and the permission judged, the operation run.
//!
//! Invariant: nobody without a token that is good learns whether a key exists.

use bytes::Bytes;
use http::Request;
use serde::Serialize;

use super::Azure;
use super::directory::Principal;
use super::errors::{Error, Refusal};
use super::operations::{self, Caller, Members, Operation};
use super::serve::{Answered, Visit};
use crate::clouds::call::Call;

impl Azure {
    pub(super) fn key_vault(&mut self, vault: &str, visit: &Visit<'_>, call: &mut Call) -> Result<Answered, Refusal> {
        let Visit { arrival, request, .. } = visit;
        call.operation = operation_name(request);
        let asked = asked(request).ok_or_else(|| {
            let route = format!("{} {}", request.method(), request.uri().path());
            Refusal::new(Error::UnknownRoute, &[("route", &route)])
        })?;
        if !has_api_version(request) {
            return Err(Error::ApiVersionMissing.into());
        }
        let principal = self.bearer(visit, call)?;
        let region = self.region.clone();
        let resource = self.vaults.get(vault).map(|vault| vault.resource_id()).unwrap_or_default();
        let Asked { operation, name, version } = asked;
        let caller =
            Caller { arrival, vault, region: &region, resource, name, version, operation, principal: &principal };
        if let Some(refusal) = self.planned_by_key_vault(visit, &caller, call) {
            return Err(refusal);
        }
        if let Some(vault) = self.vaults.get(vault) {
            self.access.check_network(vault, &caller)?;
            self.access.check_permission(vault, &caller)?;
        }
        let members = if operation.has_body { Members::read(request.body())? } else { Members::default() };
        let answer = (operation.run)(self, &caller, &members, call)?;
        // Purging answers with nothing at all.
        Ok(if answer.is_null() { (204, None) } else { (200, Some(answer.to_string())) })
    }

    /// Finds out who calls.
    fn bearer(&self, visit: &Visit<'_>, call: &mut Call) -> Result<Principal, Refusal> {
        let header = visit.request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let (scheme, token) = header.and_then(|value| value.split_once(' ')).ok_or(Error::TokenMissing)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(Error::TokenMissing.into());
        }
        let principal = self.directory.verify(token.trim(), visit.arrival.at)?;
        call.principal = Some(format!("{} (appid={})", principal.name, principal.client_id));
        Ok(principal)
    }
}

/// What method and path ask for.
struct Asked<'a> {
    operation: &'static Operation,
    name: &'a str,
    version: Option<&'a str>,
}

/// Reads method and path. Names of collections and verbs are case-insensitive, and an empty version, or none at all, is
/// the newest one.
fn asked(request: &Request<Bytes>) -> Option<Asked<'_>> {
    let segments: Vec<&str> = request.uri().path().strip_prefix('/')?.split('/').collect();
    let (collection, segments) = segments.split_first()?;
    let (name, rest) = segments.split_first().filter(|(name, _)| !name.is_empty())?;
    let find = |verb: &str| operations::find(request.method(), collection, verb);
    let found = match rest {
        [] => (find("")?, None),
        [last] => match find(last) {
            Some(operation) if !last.is_empty() => (operation, None),
            _ => (find("").filter(|operation| operation.of_a_version)?, Some(*last)),
        },
        [version, verb] => (find(verb).filter(|operation| operation.of_a_version)?, Some(*version)),
        _ => return None,
    };
    let (operation, version) = found;
    Some(Asked { operation, name, version: version.filter(|version| !version.is_empty()) })
}

/// What the request asks for, for the trace too.
pub(super) fn operation_name(request: &Request<Bytes>) -> String {
    let unknown = || format!("{} {}", request.method(), request.uri().path());
    asked(request).map_or_else(unknown, |asked| asked.operation.name.to_owned())
}

/// Whether the query names a version of the API. Any will do: none of them changes what the fake answers.
fn has_api_version(request: &Request<Bytes>) -> bool {
    let pairs = request.uri().query().unwrap_or_default().split('&');
    let version =
        pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("api-version"));
    version.is_some_and(|(_, version)| !version.is_empty())
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: KeyVaultError<'a>,
}

#[derive(Serialize)]
struct KeyVaultError<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    innererror: Option<InnerError<'a>>,
}

#[derive(Serialize)]
struct InnerError<'a> {
    code: &'a str,
}

/// An error as Key Vault writes it.
pub(super) fn error_body(refusal: &Refusal) -> String {
    let fact = refusal.error.fact();
    let innererror = fact.inner.map(|code| InnerError { code });
    let body = ErrorBody { error: KeyVaultError { code: fact.code, message: &refusal.message, innererror } };
    serde_json::to_string(&body).expect("text alone is always JSON")
}
