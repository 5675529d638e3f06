//! The refusals of planned faults: a row of the table, with its names filled in from the call that it strikes.
//!
//! Invariant: a planned refusal reads like one that the service gave by itself. It speaks of the key and the caller of
//! the call; where the call offers nothing, of what would have caused it.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::ciphertext::Sealed;
use super::errors::{Error, Refusal};
use super::identities::Principal;
use super::route::Service;
use super::serve::Visit;
use super::{Aws, sigv4, sts};
use crate::clouds::call::Call;
use crate::clouds::faults::Service as _;

/// How far apart the clocks are where a fault says that they are too far apart.
const SKEW: Duration = Duration::from_secs(10 * 60);

impl Aws {
    /// What a planned fault makes the service refuse by itself, now that the caller is known.
    pub(super) fn planned_refusal(&self, visit: &Visit<'_>, principal: &Principal, call: &mut Call) -> Option<Refusal> {
        let service = visit.door.service;
        let error = visit.fault?.reported_by(service)?;
        let (resource, id) = self.subject(visit, call);
        let (now, limit) = skewed(error, visit.arrival.at);
        let signed = sigv4::timestamp(visit.arrival.at);
        let action = format!("{}:{}", service.name(), call.operation);
        let scope = format!("Credential should be scoped to a valid region, not '{}'.", visit.door.scope);
        let reason = match error {
            Error::CredentialScope => &scope,
            _ => "Authorization header requires 'Signature' parameter.",
        };
        let what = match error {
            Error::Validation => "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
            _ => &call.operation,
        };
        let values = [
            ("account", self.account.as_str()),
            ("action", &action),
            ("algorithm", "RSAES_OAEP_SHA_256"),
            ("arn", &resource),
            ("header", "Host"),
            ("host", &visit.door.scope),
            ("id", &id),
            ("limit", &limit),
            ("now", &now),
            ("operation", &call.operation),
            ("origin", "EXTERNAL"),
            ("reason", reason),
            ("region", &visit.door.region),
            ("route", "POST /"),
            ("service", service.title()),
            ("signed", &signed),
            ("usage", "SIGN_VERIFY"),
            ("user", &principal.arn),
            ("what", what),
        ];
        Some(Refusal::new(error, &values))
    }

    /// The ARN of what the call is about, and how the call itself names it.
    fn subject(&self, visit: &Visit<'_>, call: &mut Call) -> (String, String) {
        let body = visit.request.body();
        if visit.door.service == Service::Sts {
            let arn = sts::form(body).remove("RoleArn").unwrap_or_default();
            return (arn.clone(), arn);
        }
        let members: Value = serde_json::from_slice(body).unwrap_or_default();
        let sealed = members["CiphertextBlob"].as_str().and_then(|blob| STANDARD.decode(blob).ok());
        let sealed = sealed.as_deref().and_then(|blob| Sealed::read(blob).ok());
        let id = members["KeyId"].as_str().or(sealed.map(|sealed| sealed.key_id)).unwrap_or("unknown").to_owned();
        let region = &visit.door.region;
        match self.keys.lookup(region, &id, visit.arrival.at) {
            Ok(key) => {
                call.cmk = Some(key.arn.clone());
                (key.arn.clone(), id)
            }
            Err(_) if id.starts_with("arn:") => (id.clone(), id),
            Err(_) => (self.keys.arn(region, "key", &id), id),
        }
    }
}

/// The service's time and the end of its window, as they would have to be for a request of this moment to be refused.
fn skewed(error: Error, signed: SystemTime) -> (String, String) {
    let (now, limit) = match error {
        Error::SignatureNotYetCurrent => (signed - SKEW, signed - SKEW + sigv4::WINDOW),
        _ => (signed + SKEW, signed + SKEW - sigv4::WINDOW),
    };
    (sigv4::timestamp(now), sigv4::timestamp(limit))
}
