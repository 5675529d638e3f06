//! Encrypt: wraps at most 4096 bytes with the newest material of the key that KeyId names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Caller, Members, SYMMETRIC};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::{Error, Refusal};
use crate::clouds::call::Call;

const ACTION: &str = "kms:Encrypt";
/// The longest Plaintext, in bytes.
const LONGEST: usize = 4096;

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    members.check_grant_tokens()?;
    let (key_id, plaintext) = (members.required_key_id()?, members.bytes("Plaintext", LONGEST)?);
    call.handed = Some(plaintext.clone());
    let (context, dry_run) = (members.context()?, members.dry_run()?);
    members.check_algorithm()?;
    // Drawn before anything can fail, so that a refusal does not shift the nonces of later calls.
    let nonce = aws.streams(caller.region).nonces.bytes();
    let key = caller.key(aws, key_id, ACTION, call)?;
    key.usable()?;
    if dry_run {
        return Err(Error::DryRun.into());
    }
    Ok(json!({
        "CiphertextBlob": STANDARD.encode(aws.keys.seal(key, &plaintext, &context, nonce)),
        "EncryptionAlgorithm": SYMMETRIC,
        "KeyId": key.arn,
    }))
}
