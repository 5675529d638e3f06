//! GetCryptoKey: what a key is, with its primary version and when it rotates.

use serde::Serialize;

use super::get_crypto_key_version::Description;
use super::{Caller, timestamp};
use crate::clouds::call::Call;
use crate::clouds::gcp::Gcp;
use crate::clouds::gcp::errors::Refusal;
use crate::clouds::gcp::kms::written;
use crate::clouds::gcp::lifecycle::DESTROY_SCHEDULED_DURATION;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    name: String,
    primary: Description,
    purpose: &'static str,
    create_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_period: Option<String>,
    version_template: Template,
    destroy_scheduled_duration: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    protection_level: &'static str,
    algorithm: &'static str,
}

pub(super) fn run(gcp: &mut Gcp, caller: &Caller<'_>, _body: &[u8], call: &mut Call) -> Result<String, Refusal> {
    let key = caller.key(gcp, call)?;
    Ok(written(&Answer {
        name: key.resource.to_string(),
        primary: Description::of(key, key.primary()),
        purpose: "ENCRYPT_DECRYPT",
        create_time: timestamp(key.created),
        next_rotation_time: key.rotation.map(|rotation| timestamp(rotation.next)),
        rotation_period: key.rotation.map(|rotation| seconds(rotation.period)),
        version_template: Template { protection_level: key.protection.as_str(), algorithm: key.protection.algorithm() },
        destroy_scheduled_duration: seconds(DESTROY_SCHEDULED_DURATION),
    }))
}

/// A Duration as JSON spells it.
fn seconds(duration: std::time::Duration) -> String {
    format!("{}s", duration.as_secs())
}
