//! What Cloud KMS adds to a refusal for machines: the messages of google/rpc/error_details.proto.
//!
//! Invariant: a detail holds nothing but what the row and the values of the refusal say.

use serde_json::{Map, Value, json};

use crate::clouds::gcp::PROJECT_NUMBER;

/// The service as details and consoles call it.
const SERVICE: &str = "cloudkms.googleapis.com";

/// Which messages stand in `details`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// None.
    Nothing,
    /// ErrorInfo with this reason (google/api/error_reason.proto).
    Info(&'static str),
    /// PreconditionFailure with one violation of this type, whose subject is a version.
    Precondition(&'static str),
    /// PreconditionFailure of a key in an external key manager: two violations, the second of this type, which Cloud EKM
    /// calls the error domain.
    External(&'static str),
    /// ErrorInfo with reason SERVICE_DISABLED, and Help with the page of the console.
    Disabled,
    /// PreconditionFailure of VPC Service Controls, and ErrorInfo.
    Perimeter,
    /// BadRequest with the field.
    BadRequest,
    /// The answer is no JSON: the text is a whole page of HTML.
    Page,
}

impl Detail {
    /// The word by which a program tells this row from others of its code.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Detail::Info(reason) | Detail::Precondition(reason) | Detail::External(reason) => Some(reason),
            Detail::Disabled => Some("SERVICE_DISABLED"),
            Detail::Perimeter => Some("SECURITY_POLICY_VIOLATED"),
            Detail::Nothing | Detail::BadRequest | Detail::Page => None,
        }
    }

    /// The messages of one refusal.
    pub(super) fn filled(self, message: &str, values: &[(&str, &str)]) -> Vec<Value> {
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        match self {
            Detail::Nothing | Detail::Page => Vec::new(),
            Detail::Info(reason) => {
                let consumer = format!("projects/{PROJECT_NUMBER}");
                let mut metadata = Map::from_iter([("service".to_owned(), json!(SERVICE))]);
                match (reason, value("operation")) {
                    ("RATE_LIMIT_EXCEEDED" | "BILLING_DISABLED", _) => {
                        metadata.insert("consumer".to_owned(), json!(consumer));
                    }
                    (_, "") => {}
                    (_, operation) => {
                        let method = format!("google.cloud.kms.v1.KeyManagementService.{operation}");
                        metadata.insert("method".to_owned(), json!(method));
                    }
                }
                vec![info(reason, metadata.into())]
            }
            Detail::Precondition(kind) => vec![precondition(json!([{"type": kind, "subject": value("version")}]))],
            Detail::External(domain) => vec![precondition(json!([
                {"type": "KEY_ENABLED", "subject": value("version")},
                {"type": domain, "subject": value("version"), "description": message},
            ]))],
            Detail::Disabled => {
                let project = value("consumer");
                let url =
                    format!("https://console.developers.google.com/apis/api/{SERVICE}/overview?project={project}");
                let help = json!({
                    "@type": "type.googleapis.com/google.rpc.Help",
                    "links": [{"description": "Google developers console API activation", "url": url}],
                });
                let metadata = json!({"consumer": format!("projects/{project}"), "service": SERVICE});
                vec![info("SERVICE_DISABLED", metadata), help]
            }
            Detail::Perimeter => {
                let (uid, consumer) = (value("identifier"), format!("projects/{}", value("consumer")));
                let violation = json!([{"type": "VPC_SERVICE_CONTROLS", "description": uid}]);
                let metadata = json!({"service": SERVICE, "uid": uid, "consumer": consumer});
                vec![precondition(violation), info("SECURITY_POLICY_VIOLATED", metadata)]
            }
            Detail::BadRequest => vec![json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": value("field"), "description": message}],
            })],
        }
    }
}

fn info(reason: &str, metadata: Value) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": metadata,
    })
}

fn precondition(violations: Value) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": violations})
}
