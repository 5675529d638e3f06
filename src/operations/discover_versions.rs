//! Discover Versions (KMIP 1.4 section 4.26, since 1.1): the versions that both sides speak, the newest first.

use std::borrow::Cow;

use crate::kmip::payload::DiscoverVersions;
use crate::kmip::{ProtocolVersion, ResponsePayload};

use super::{Outcome, Request};

pub(super) async fn run(_: &mut Request<'_>, payload: &DiscoverVersions) -> Outcome {
    let ours = ProtocolVersion::SUPPORTED;
    let versions = ours.into_iter().filter(|one| payload.versions.is_empty() || payload.versions.contains(one));
    Ok(ResponsePayload::DiscoverVersions { versions: Cow::Owned(versions.collect()) })
}
