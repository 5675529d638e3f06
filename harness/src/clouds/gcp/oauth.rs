//! The door of the token service: a form with an assertion in, JSON with an access token out (RFC 7523; Google's guide to
//! OAuth 2.0 for service accounts).
//!
//! Invariant: every token is told to the trace as a secret before it is given out.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Gcp;
use super::accounts::{LIFETIME, shortened};
use super::assertion::Assertion;
use super::errors::{Answer, Error, Refusal};
use super::serve::Visit;
use crate::clouds::call::Call;

/// RFC 7523, section 2.1.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[derive(Serialize)]
struct Granted<'a> {
    access_token: &'a str,
    expires_in: u64,
    token_type: &'static str,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl Gcp {
    pub(super) fn token(&mut self, visit: &Visit<'_>, call: &mut Call) -> Result<String, Refusal> {
        let form = form(visit.request.body());
        let parameter = |name: &str| {
            let value = form.get(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| Refusal::new(Error::ParameterMissing, &[("field", name)]))
        };
        let grant = parameter("grant_type")?;
        if grant != GRANT {
            return Err(Refusal::new(Error::GrantUnsupported, &[("grant", grant)]));
        }
        let assertion = Assertion::read(parameter("assertion")?)?;
        let key = assertion.key_id.as_deref().map_or("unnamed".to_owned(), shortened);
        call.principal = Some(format!("{} (key {key})", assertion.issuer()));
        let (account, scopes) = self.accounts.verify(&assertion, visit.arrival.at)?;
        if let Some(refusal) = self.planned_refusal(visit, None, call) {
            return Err(refusal);
        }
        let expires = visit.arrival.at + LIFETIME;
        let token = self.accounts.issue_token(&account.name, &scopes, Some(expires));
        self.guard_token(&account.name, &token);
        // Google counts the second that the answer takes.
        let granted = Granted { access_token: &token, expires_in: LIFETIME.as_secs() - 1, token_type: "Bearer" };
        Ok(serde_json::to_string(&granted).expect("an answer is plain data"))
    }

    /// From now on this token may stand in no text of the run.
    pub(super) fn guard_token(&self, account: &str, token: &str) {
        self.trace.secret(&format!("access token of {account}"), token.as_bytes());
    }
}

/// An error as the token service writes it (RFC 6749, section 5.2).
pub(super) fn error_body(answer: &Answer, refusal: &Refusal) -> String {
    let body = Refused { error: answer.code, error_description: &refusal.message };
    serde_json::to_string(&body).expect("an answer is plain data")
}

/// A body of `application/x-www-form-urlencoded`. Of a name that comes twice the last one counts.
fn form(body: &[u8]) -> BTreeMap<String, String> {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || decoded(halves.next().unwrap_or_default());
            (half(), half())
        })
        .collect()
}

/// Undoes percent encoding. What is not encoded properly stays as it is.
fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (decoded, next) = match (byte, escaped) {
            (b'%', Some(escaped)) => (escaped, &after[2..]),
            (b'+', _) => (b' ', after),
            _ => (byte, after),
        };
        bytes.push(decoded);
        rest = next;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
