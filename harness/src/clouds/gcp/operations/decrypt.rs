//! Decrypt: finds the version in the ciphertext, and opens. The path names the key, never the version.
//!
//! Invariant: what one key wrapped no other key opens, and says so in other words than of a damaged ciphertext.

use base64::Engine as _;
use serde::Serialize;

use super::{BASE64, Caller, Fields};
use crate::clouds::call::Call;
use crate::clouds::gcp::Gcp;
use crate::clouds::gcp::ciphertext::Sealed;
use crate::clouds::gcp::errors::Refusal;
use crate::clouds::gcp::kms::written;

const FIELDS: [&str; 4] =
    ["ciphertext", "additionalAuthenticatedData", "ciphertextCrc32c", "additionalAuthenticatedDataCrc32c"];

/// JSON leaves out what has its default value: `usedPrimary` where it is false, `plaintext` where it is empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(skip_serializing_if = "String::is_empty")]
    plaintext: String,
    plaintext_crc32c: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    used_primary: bool,
    protection_level: &'static str,
}

pub(super) fn run(gcp: &mut Gcp, caller: &Caller<'_>, body: &[u8], call: &mut Call) -> Result<String, Refusal> {
    let key = caller.key(gcp, call)?;
    let fields = Fields::read(body, &FIELDS)?;
    let (blob, aad) = (fields.bytes("ciphertext")?, fields.bounded("additionalAuthenticatedData")?);
    fields.verify("ciphertext", &blob)?;
    fields.verify("additionalAuthenticatedData", &aad)?;
    let sealed = Sealed::read(&blob)?;
    let version = key.maker(&sealed)?;
    let plaintext = key.material(version)?.open(&sealed, &aad)?;
    let answer = Answer {
        plaintext: BASE64.encode(&plaintext),
        plaintext_crc32c: caller.checksum(&plaintext),
        used_primary: version.number == key.primary,
        protection_level: key.protection.as_str(),
    };
    call.opened = Some((key.resource.to_string(), plaintext));
    Ok(written(&answer))
}
