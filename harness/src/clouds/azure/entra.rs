//! The door of the token service: the client credentials grant at `/<tenant>/oauth2/v2.0/token`, a form in and JSON out
//! (RFC 6749, section 4.4; documentation of the Microsoft identity platform).
//!
//! In order: tenant, form, scope, application and secret, a planned fault, the token. The caller's clock is nowhere asked
//! for: a client secret is not dated.
//!
//! Invariant: every token that is given out has been told to the trace as a secret.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Request};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::errors::{Error, Refusal};
use super::serve::{Answered, Visit};
use super::tokens::LIFETIME;
use super::{Azure, LOGIN_HOST, RESOURCE};
use crate::clouds::call::Call;
use crate::trace::hex;

/// The operation's name in a trace.
const TOKEN: &str = "Token";
/// What makes a scope one of the client credentials grant.
const DEFAULT: &str = "/.default";
/// The form of `timestamp`.
const TIMESTAMP: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
/// Resources besides Key Vault that every tenant knows: their tokens are real, and no good at a vault.
const OTHER_RESOURCES: [&str; 3] =
    ["https://graph.microsoft.com", "https://management.azure.com", "https://storage.azure.com"];

impl Azure {
    pub(super) fn entra(&mut self, visit: &Visit<'_>, call: &mut Call) -> Result<Answered, Refusal> {
        let Visit { arrival, request, .. } = visit;
        call.operation = operation_name(request);
        let tenant = tenant(request).ok_or_else(|| {
            let route = format!("{} {}", request.method(), request.uri().path());
            Refusal::new(Error::UnknownRoute, &[("route", &route)])
        })?;
        if !is_tenant(tenant) {
            return Err(Refusal::new(Error::TenantInvalid, &[("tenant", tenant)]));
        }
        let tenant = tenant.to_ascii_lowercase();
        if !self.directory.has_tenant(&tenant) {
            return Err(Refusal::new(Error::TenantNotFound, &[("tenant", &tenant)]));
        }
        let form = form(request.body());
        let grant = required(&form, "grant_type")?;
        if grant != "client_credentials" {
            return Err(Refusal::new(Error::GrantUnsupported, &[("what", grant)]));
        }
        let client_id = required(&form, "client_id")?.to_ascii_lowercase();
        call.principal = Some(format!("appid={client_id}"));
        let scope = required(&form, "scope")?;
        let secret = form.get("client_secret").filter(|secret| !secret.is_empty()).ok_or(Error::SecretMissing)?;
        let resource = resource(scope, &tenant)?;
        let principal = self.directory.authenticate(&tenant, &client_id, secret, arrival.at)?;
        call.principal = Some(format!("{} (appid={client_id})", principal.name));
        if let Some(refusal) = self.planned_by_entra(visit, &tenant, &client_id, scope) {
            return Err(refusal);
        }
        let access_token = self.directory.issue_token(&principal, &resource, arrival.at);
        self.trace.secret(&format!("access token of {}", principal.name), access_token.as_bytes());
        let expires_in = LIFETIME.as_secs();
        let body = Token { token_type: "Bearer", expires_in, ext_expires_in: expires_in, access_token };
        Ok((200, Some(serde_json::to_string(&body).expect("text and numbers alone are always JSON"))))
    }
}

#[derive(Serialize)]
struct Token {
    token_type: &'static str,
    expires_in: u64,
    ext_expires_in: u64,
    access_token: String,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: &'a str,
    trace_id: &'a str,
    correlation_id: String,
    error_uri: String,
}

/// An error as the token service writes it.
pub(super) fn error_body(refusal: &Refusal, visit: &Visit<'_>) -> String {
    let fact = refusal.error.fact();
    let timestamp = timestamp(visit.arrival.at);
    let given = visit.request.headers().get("client-request-id").and_then(|id| id.to_str().ok());
    let trace_id = visit.request_id;
    // A caller who names its request finds that name again; the others get one that belongs to the request's id.
    let correlation_id = given.map_or_else(|| correlation(trace_id), str::to_owned);
    let (name, message) = (fact.name, &refusal.message);
    let number = name.strip_prefix("AADSTS").and_then(|number| number.parse().ok()).unwrap_or_default();
    let body = ErrorBody {
        error: fact.code,
        error_description: format!(
            "{name}: {message}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
        ),
        error_codes: [number],
        timestamp: &timestamp,
        trace_id,
        correlation_id,
        error_uri: format!("https://{LOGIN_HOST}/error?code={number}"),
    };
    serde_json::to_string(&body).expect("text and numbers alone are always JSON")
}

/// What the request asks for, for the trace too.
pub(super) fn operation_name(request: &Request<Bytes>) -> String {
    match tenant(request) {
        Some(_) => TOKEN.to_owned(),
        None => format!("{} {}", request.method(), request.uri().path()),
    }
}

/// The tenant in the path of a request for a token.
fn tenant(request: &Request<Bytes>) -> Option<&str> {
    let path = request.uri().path().strip_prefix('/')?;
    let (tenant, rest) = path.split_once('/')?;
    (request.method() == Method::POST && rest.eq_ignore_ascii_case("oauth2/v2.0/token")).then_some(tenant)
}

/// A GUID, or a domain. The fake knows its tenants by GUID alone.
fn is_tenant(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let guid = lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let domain = text.split('.').count() > 1
        && text.split('.').all(|label| !label.is_empty())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    guid || domain
}

/// The resource of a scope.
fn resource(scope: &str, tenant: &str) -> Result<String, Refusal> {
    let resource = scope.strip_suffix(DEFAULT).filter(|resource| !resource.contains(' '));
    let resource = resource.ok_or_else(|| Refusal::new(Error::ScopeInvalid, &[("what", scope)]))?;
    if resource.trim_end_matches('/') == RESOURCE {
        return Ok(RESOURCE.to_owned());
    }
    if OTHER_RESOURCES.contains(&resource) {
        return Ok(resource.to_owned());
    }
    Err(Refusal::new(Error::ResourceNotFound, &[("what", resource), ("tenant", tenant)]))
}

fn required<'a>(form: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Refusal> {
    let value = form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    value.ok_or_else(|| Refusal::new(Error::ParameterMissing, &[("what", name)]))
}

/// A body of `application/x-www-form-urlencoded`. Of a name that comes twice the last one counts.
fn form(body: &[u8]) -> BTreeMap<String, String> {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let halves = pairs.map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default())
    });
    halves.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// Undoes percent encoding. What is not encoded properly stays as it is.
fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.split_at_checked(2).filter(|_| byte == b'%');
        let escaped = digits.and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let plain = if byte == b'+' { b' ' } else { byte };
        let (byte, after) = escaped.unwrap_or((plain, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A GUID that belongs to another one.
fn correlation(id: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
    let text = hex(hash.as_ref());
    format!("{}-{}-4{}-8{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..32])
}

fn timestamp(at: SystemTime) -> String {
    OffsetDateTime::from(at).format(TIMESTAMP).expect("a year of four digits has this form")
}
