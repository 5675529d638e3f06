//! Discover Versions (KMIP 1.4 section 4.26, since 1.1): the versions that both sides speak, the newest first.

use std::borrow::Cow;

use crate::kmip::payload::DiscoverVersions;
use crate::kmip::{ProtocolVersion, ResponsePayload};

use super::Outcome;

pub(super) fn run<'a>(request: &DiscoverVersions) -> Outcome<'a> {
    let ours = ProtocolVersion::SUPPORTED;
    let versions = ours.into_iter().filter(|one| request.versions.is_empty() || request.versions.contains(one));
    Ok(ResponsePayload::DiscoverVersions { versions: Cow::Owned(versions.collect()) })
}
