//! Encrypt: wraps at most 64 KiB with the primary version of a key, or with the version that the path names.

use base64::Engine as _;
use serde::Serialize;

use super::{BASE64, Caller, Fields};
use crate::clouds::call::Call;
use crate::clouds::gcp::Gcp;
use crate::clouds::gcp::errors::Refusal;
use crate::clouds::gcp::kms::written;

const FIELDS: [&str; 4] =
    ["plaintext", "additionalAuthenticatedData", "plaintextCrc32c", "additionalAuthenticatedDataCrc32c"];

/// JSON leaves out what has its default value: the confirmations where no checksum came.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    name: String,
    ciphertext: String,
    ciphertext_crc32c: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    verified_plaintext_crc32c: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    verified_additional_authenticated_data_crc32c: bool,
    protection_level: &'static str,
}

pub(super) fn run(gcp: &mut Gcp, caller: &Caller<'_>, body: &[u8], call: &mut Call) -> Result<String, Refusal> {
    // Drawn before anything can fail, so that a refusal does not shift the nonces of later calls.
    let nonce = gcp.streams.nonces.bytes();
    let key = caller.key(gcp, call)?;
    let fields = Fields::read(body, &FIELDS)?;
    let (plaintext, aad) = (fields.bounded("plaintext")?, fields.bounded("additionalAuthenticatedData")?);
    call.handed = Some(plaintext.clone());
    let verified = fields.verify("plaintext", &plaintext)?;
    let verified_aad = fields.verify("additionalAuthenticatedData", &aad)?;
    let version = match &caller.name.version {
        Some(number) => caller.version(key, number)?,
        None => key.primary(),
    };
    let ciphertext = key.material(version)?.seal(&plaintext, &aad, nonce);
    Ok(written(&Answer {
        name: key.version_name(version),
        ciphertext: BASE64.encode(&ciphertext),
        ciphertext_crc32c: caller.checksum(&ciphertext),
        verified_plaintext_crc32c: caller.confirms(verified),
        verified_additional_authenticated_data_crc32c: caller.confirms(verified_aad),
        protection_level: key.protection.as_str(),
    }))
}
