//! Decrypt: finds the key in the ciphertext, or checks it against KeyId, and opens.
//!
//! Invariant: a caller who names no KeyId cannot tell a key that is missing from one that its own policies deny it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Caller, Members, SYMMETRIC};
use crate::clouds::aws::Aws;
use crate::clouds::aws::ciphertext::Sealed;
use crate::clouds::aws::errors::{Error, Refusal};
use crate::clouds::call::Call;

const ACTION: &str = "kms:Decrypt";
/// The longest CiphertextBlob, in bytes.
const LONGEST: usize = 6144;

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    members.refuse(&["Recipient"])?;
    members.check_grant_tokens()?;
    let blob = members.bytes("CiphertextBlob", LONGEST)?;
    let (key_id, context, dry_run) = (members.key_id()?, members.context()?, members.dry_run()?);
    members.check_algorithm()?;
    let (key, sealed) = match key_id {
        Some(key_id) => {
            let key = caller.key(aws, key_id, ACTION, call)?;
            let sealed = Sealed::read(&blob)?;
            key.usable()?;
            if sealed.key_id != key.id {
                return Err(Error::IncorrectKey.into());
            }
            (key, sealed)
        }
        None => {
            let sealed = Sealed::read(&blob)?;
            let key =
                aws.keys.with_id(caller.region, sealed.key_id, caller.arrival.at).ok_or(Error::CiphertextKeyHidden)?;
            call.cmk = Some(key.arn.clone());
            caller.check(aws, key, ACTION).map_err(|refusal| match refusal.error {
                Error::DeniedByIdentity => Error::CiphertextKeyHidden.into(),
                _ => refusal,
            })?;
            key.usable()?;
            (key, sealed)
        }
    };
    let opened = aws.keys.open(key, &sealed, &context)?;
    if dry_run {
        return Err(Error::DryRun.into());
    }
    let answer = json!({
        "EncryptionAlgorithm": SYMMETRIC,
        "KeyId": key.arn,
        "KeyMaterialId": opened.material_id,
        "Plaintext": STANDARD.encode(&opened.plaintext),
    });
    call.opened = Some((key.arn.clone(), opened.plaintext));
    Ok(answer)
}
