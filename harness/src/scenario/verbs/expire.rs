//! `expire = "credentials"`: what was good for a time is so no longer.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::{Line, Verb};
use crate::scenario::model::{Action, EndpointState};
use crate::scenario::text::{Literal, Refusal, Text};
use crate::scenario::values::EndpointName;

/// Ends what expires. `credentials`: sessions expire, the keys of a user are revoked. An endpoint: its certificate.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Expire(pub(super) Text<Expiring>);

/// What expires: the credentials, or the certificate of an endpoint.
pub(super) struct Expiring;

/// The credentials that are valid now.
const CREDENTIALS: &str = "credentials";

impl Literal for Expiring {
    type Value = String;

    fn read(text: &str) -> Result<String, Refusal> {
        if text == CREDENTIALS { Ok(text.to_owned()) } else { EndpointName::read(text) }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": [CREDENTIALS, "private-a"] })
    }
}

impl Verb for Expire {
    fn action(&self, line: &mut Line<'_>) -> Option<Action> {
        if self.0.as_str() == CREDENTIALS {
            return line.credentials(&self.0, Action::ExpireCredentials);
        }
        line.endpoint(&self.0, EndpointState::CertificateExpired)
    }
}
