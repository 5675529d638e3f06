//! The refusals of planned faults: a row of the table, with its names filled in from the call that it strikes.
//!
//! Invariant: a planned refusal reads like one that the service gave by itself. It speaks of the key and the caller of
//! the call; where the call offers nothing, of what would have caused it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::ciphertext::Sealed;
use super::errors::{Error, Refusal};
use super::names::KeyName;
use super::operations::Operation;
use super::route::Service;
use super::serve::Visit;
use super::{Gcp, PROJECT, PROJECT_NUMBER};
use crate::clouds::call::Call;

impl Gcp {
    /// What a planned fault makes the service refuse by itself, now that the caller is known.
    pub(super) fn planned_refusal(
        &mut self,
        visit: &Visit<'_>,
        asked: Option<(&Operation, &KeyName)>,
        call: &mut Call,
    ) -> Option<Refusal> {
        let service = if asked.is_some() { Service::Kms } else { Service::Oauth };
        let error = visit.fault?.reported_by(service)?;
        let (version, resource) = match asked {
            Some((_, name)) => (self.subject(visit, name, call), name.to_string()),
            None => (String::new(), String::new()),
        };
        let (permission, field) =
            asked.map_or(("", "assertion"), |(operation, _)| (operation.permission, operation.field));
        // The perimeter speaks of the project by its id, everything else by its number.
        let (identifier, consumer) = match error {
            Error::PolicyViolated => (self.violation_identifier(), PROJECT),
            _ => (String::new(), PROJECT_NUMBER),
        };
        let metric = match asked {
            Some((operation, _)) if operation.field != "name" => "Cryptographic requests",
            Some(_) => "Read requests",
            None => "Token requests",
        };
        let what = format!("{} {}", visit.request.method(), visit.request.uri().path());
        let values = [
            ("consumer", consumer),
            ("field", field),
            ("grant", "password"),
            ("host", "example.com"),
            ("identifier", &identifier),
            ("length", "65537"),
            ("metric", metric),
            ("operation", &call.operation),
            ("path", visit.request.uri().path()),
            ("permission", permission),
            ("reason", "Base64 decoding failed."),
            ("resource", &resource),
            ("service", &service.host()),
            ("type", "TYPE_BYTES"),
            ("version", &version),
            ("what", &what),
        ];
        Some(Refusal::new(error, &values))
    }

    /// The name of the version that the call is about: the one in the path, the one that made the ciphertext, or the
    /// primary one.
    fn subject(&self, visit: &Visit<'_>, name: &KeyName, call: &mut Call) -> String {
        let Some(key) = self.keys.find(name) else { return name.without_version().version(1).to_string() };
        call.cmk = Some(key.resource.to_string());
        if name.version.is_some() {
            return name.to_string();
        }
        let fields: Value = serde_json::from_slice(visit.request.body()).unwrap_or_default();
        let blob = fields["ciphertext"].as_str().and_then(|blob| STANDARD.decode(blob).ok());
        let sealed = blob.as_deref().and_then(|blob| Sealed::read(blob).ok());
        let version = sealed.and_then(|sealed| key.maker(&sealed).ok());
        key.version_name(version.unwrap_or_else(|| key.primary()))
    }
}
