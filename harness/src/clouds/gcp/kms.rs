//! The door of Cloud KMS: REST with JSON in and out, on the name of a key or a version.
//!
//! In order: the caller is authenticated, a planned fault reported, the project judged, the operation run.
//!
//! Invariant: no field of a body is looked at before the caller is known.

use http::header::AUTHORIZATION;
use serde::Serialize;
use serde_json::Value;

use super::Gcp;
use super::accounts::Account;
use super::errors::{Answer, Error, Refusal};
use super::names::KeyName;
use super::operations::{Caller, Operation};
use super::serve::Visit;
use crate::clouds::call::Call;

impl Gcp {
    pub(super) fn kms(
        &mut self,
        visit: &Visit<'_>,
        operation: &'static Operation,
        name: &KeyName,
        call: &mut Call,
    ) -> Result<String, Refusal> {
        let account = self.authenticate(visit, call)?;
        if let Some(refusal) = self.planned_refusal(visit, Some((operation, name)), call) {
            return Err(refusal);
        }
        self.policy.check_project()?;
        let caller = Caller { arrival: visit.arrival, account: &account, operation, name, fault: visit.fault };
        (operation.run)(self, &caller, visit.request.body(), call)
    }

    /// Finds out who calls, by the access token.
    fn authenticate(&self, visit: &Visit<'_>, call: &mut Call) -> Result<Account, Refusal> {
        let refused = |error: Error| Refusal::new(error, &[("operation", &call.operation)]);
        let header = visit.request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        // RFC 9110, section 11.1: the scheme is written in any case.
        let scheme = header.and_then(|header| header.split_at_checked("Bearer ".len()));
        let token = scheme.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer ")).map(|(_, token)| token.trim());
        let token = token.ok_or_else(|| refused(Error::TokenMissing))?;
        let account = self.accounts.authenticate(token, visit.arrival.at).map_err(refused)?;
        call.principal = Some(account.email.clone());
        Ok(account)
    }
}

/// google.rpc.Status as Google's front end writes it.
#[derive(Serialize)]
struct Body<'a> {
    error: Status<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    message: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    details: &'a [Value],
}

/// An error as Cloud KMS writes it.
pub(super) fn error_body(answer: &Answer, refusal: &Refusal) -> String {
    let Refusal { message, details, .. } = refusal;
    written(&Body { error: Status { code: answer.status, message, status: answer.code, details } })
}

/// JSON as Google's front end writes it: two spaces deep, with a line feed at the end.
pub(super) fn written(body: &impl Serialize) -> String {
    serde_json::to_string_pretty(body).expect("an answer is plain data") + "\n"
}
