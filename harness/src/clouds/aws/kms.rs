//! The door of KMS: JSON 1.1 over POST, one operation a request, named by `X-Amz-Target: TrentService.<operation>`.
//!
//! In order: the operation's name is read, the caller authenticated, a planned fault reported, the operation run.
//!
//! Invariant: no member of a body is looked at before its signature has been checked.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::errors::{Answer, Error, Refusal};
use super::operations::{self, Members};
use super::serve::Visit;
use super::sigv4::Authorization;
use super::{Aws, identities};
use crate::clouds::call::Call;
use crate::clouds::faults::Service as _;

/// The service's name in X-Amz-Target.
const TARGET: &str = "TrentService.";

impl Aws {
    pub(super) fn kms(&mut self, visit: &Visit<'_>, call: &mut Call) -> Result<String, Refusal> {
        call.operation = operation_name(visit.request);
        let principal = self.authenticate(visit, call)?;
        if let Some(refusal) = self.planned_refusal(visit, &principal, call) {
            return Err(refusal);
        }
        let operation = operations::find(&call.operation)
            .ok_or_else(|| Refusal::new(Error::UnknownOperation, &[("operation", &call.operation)]))?;
        let members = Members::read(visit.request.body())?;
        let caller = operations::Caller { arrival: visit.arrival, region: &visit.door.region, principal: &principal };
        let answer = (operation.run)(self, &caller, &members, call)?;
        // An operation without members in its answer sends an empty body.
        Ok(if answer.is_null() { String::new() } else { answer.to_string() })
    }

    /// Finds out who calls, and notes it for the trace whether or not the signature holds.
    pub(super) fn authenticate(&self, visit: &Visit<'_>, call: &mut Call) -> Result<identities::Principal, Refusal> {
        let Visit { arrival, request, door, .. } = visit;
        if self.open {
            return Ok(self.anybody(request, call));
        }
        let authorization = Authorization::read(request.headers())?;
        let shortened = identities::shortened(&authorization.access_key_id);
        call.principal = Some(shortened.clone());
        let principal =
            self.identities.authenticate(&authorization, request, &door.scope, door.service.name(), arrival.at)?;
        call.principal = Some(format!("{} ({shortened})", principal.arn));
        Ok(principal)
    }
}

/// What the request asks for, for the trace too: `unknown` where it does not say.
pub(super) fn operation_name(request: &Request<Bytes>) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    target.map_or("unknown", |target| target.strip_prefix(TARGET).unwrap_or(target)).to_owned()
}

/// An error as KMS writes it. Where there is no text there is no message member.
pub(super) fn error_body(answer: &Answer, message: Option<&str>) -> String {
    let body: Value = match message {
        Some(message) => json!({"__type": answer.code, "message": message}),
        None => json!({"__type": answer.code}),
    };
    body.to_string()
}
