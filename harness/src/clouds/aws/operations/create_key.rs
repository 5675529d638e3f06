//! CreateKey: a symmetric key of its own region, or a multi-Region key with its primary there.
//!
//! The answer's members are those of DescribeKey (API model; seen from LocalStack). Tags are taken and told to nobody,
//! as none of the fake's answers has them. Whatever would make another kind of key, or let others use it, is refused by
//! name.

use serde_json::{Value, json};

use super::{Caller, Members, SYMMETRIC, describe_key};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::{Error, Refusal};
use crate::clouds::aws::key_state::AWS_KMS;
use crate::clouds::call::Call;

const ACTION: &str = "kms:CreateKey";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    members.refuse(&["Policy", "CustomKeyStoreId", "XksKeyId"])?;
    members.only("KeyUsage", "ENCRYPT_DECRYPT")?;
    members.only("KeySpec", SYMMETRIC)?;
    members.only("CustomerMasterKeySpec", SYMMETRIC)?;
    members.only("Origin", AWS_KMS)?;
    let (description, multi_region) = (members.text("Description")?.unwrap_or_default(), members.flag("MultiRegion")?);
    caller.check_at_large(aws, ACTION)?;
    // The fake's multi-Region keys have their primary at home.
    if multi_region && caller.region != aws.region() {
        return Err(Refusal::new(Error::NotImplemented, &[("what", "MultiRegion in any region but the first")]));
    }
    let id = aws.keys.create(caller.region, multi_region, description, caller.arrival.at);
    let made = aws.keys.with_id(caller.region, &id, caller.arrival.at);
    let key = made.ok_or_else(|| aws.keys.not_found(caller.region, &id))?;
    call.cmk = Some(key.arn.clone());
    Ok(json!({"KeyMetadata": describe_key::metadata(aws, caller, key)}))
}
