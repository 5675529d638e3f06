//! GetCryptoKeyVersion: what a version is, and in which state.

use serde::Serialize;

use super::{Caller, timestamp};
use crate::clouds::call::Call;
use crate::clouds::gcp::errors::Refusal;
use crate::clouds::gcp::keys::{CryptoKey, Version};
use crate::clouds::gcp::kms::written;
use crate::clouds::gcp::{Gcp, VersionState};

/// A version as answers describe it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Description {
    name: String,
    state: &'static str,
    create_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destroy_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destroy_event_time: Option<String>,
    protection_level: &'static str,
    algorithm: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    generate_time: Option<String>,
}

impl Description {
    /// Describes a version of a key. `destroyTime` stands only where the destruction is still to come, `destroyEventTime`
    /// only where it has come (REST reference, CryptoKeyVersion).
    pub(super) fn of(key: &CryptoKey, version: &Version) -> Self {
        let generated = !matches!(
            version.state,
            VersionState::PendingGeneration | VersionState::PendingImport | VersionState::ImportFailed
        );
        let (destroy, destroyed) = match version.state {
            VersionState::DestroyScheduled(date) => (Some(timestamp(date)), None),
            VersionState::Destroyed(date) => (None, Some(timestamp(date))),
            _ => (None, None),
        };
        Description {
            name: key.version_name(version),
            state: version.state.as_str(),
            create_time: timestamp(version.created),
            destroy_time: destroy,
            destroy_event_time: destroyed,
            protection_level: key.protection.as_str(),
            algorithm: key.protection.algorithm(),
            generate_time: generated.then(|| timestamp(version.created)),
        }
    }
}

pub(super) fn run(gcp: &mut Gcp, caller: &Caller<'_>, _body: &[u8], call: &mut Call) -> Result<String, Refusal> {
    let key = caller.key(gcp, call)?;
    let version = caller.version(key, caller.name.version.as_deref().unwrap_or_default())?;
    Ok(written(&Description::of(key, version)))
}
