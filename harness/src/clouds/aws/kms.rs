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
use super::route::Service;
use super::serve::{Call, planned_refusal};
use super::sigv4::Authorization;
use super::{Aws, Fault, identities};
use crate::clouds::Arrival;

/// The service's name in X-Amz-Target.
const TARGET: &str = "TrentService.";

impl Aws {
    pub(super) fn kms(
        &mut self,
        arrival: &Arrival,
        request: &Request<Bytes>,
        fault: Option<Fault>,
        call: &mut Call,
    ) -> Result<String, Refusal> {
        call.operation = operation_name(request);
        let principal = self.authenticate(arrival, request, Service::Kms, call)?;
        if let Some(refusal) = planned_refusal(fault, Service::Kms) {
            return Err(refusal);
        }
        let operation = operations::find(&call.operation)
            .ok_or_else(|| Refusal::new(Error::UnknownOperation, &[("operation", &call.operation)]))?;
        let members = Members::read(request.body())?;
        let caller = operations::Caller { arrival, principal: &principal };
        let answer = (operation.run)(self, &caller, &members, call)?;
        Ok(answer.to_string())
    }

    /// Finds out who calls, and notes it for the trace whether or not the signature holds.
    pub(super) fn authenticate(
        &self,
        arrival: &Arrival,
        request: &Request<Bytes>,
        service: Service,
        call: &mut Call,
    ) -> Result<identities::Principal, Refusal> {
        let authorization = Authorization::read(request.headers())?;
        let shortened = identities::shortened(&authorization.access_key_id);
        call.principal = Some(shortened.clone());
        let principal =
            self.identities.authenticate(&authorization, request, &self.region, service.as_str(), arrival.at)?;
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
