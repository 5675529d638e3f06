//! DescribeKey: what KMS says of a key, whatever its state.

use serde_json::{Value, json};

use super::{Caller, Members, SYMMETRIC, seconds};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::aws::key_state::{AWS_KMS, KeyState};
use crate::clouds::aws::keys::{CustomerKey, Kind};
use crate::clouds::aws::lineage::DAY;
use crate::clouds::call::Call;

const ACTION: &str = "kms:DescribeKey";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    members.check_grant_tokens()?;
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    Ok(json!({"KeyMetadata": metadata(aws, caller, key)}))
}

/// The member KeyMetadata of a key.
pub(super) fn metadata(aws: &Aws, caller: &Caller<'_>, key: &CustomerKey) -> Value {
    let mut metadata = json!({
        "AWSAccountId": aws.account,
        "Arn": key.arn,
        "CreationDate": seconds(key.created.unwrap_or(aws.created)),
        "CustomerMasterKeySpec": SYMMETRIC,
        "Description": key.description,
        "Enabled": key.state == KeyState::Enabled,
        "EncryptionAlgorithms": [SYMMETRIC],
        "KeyId": key.id,
        "KeyManager": "CUSTOMER",
        "KeySpec": SYMMETRIC,
        "KeyState": key.state.as_str(),
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": key.kind != Kind::Single,
        "Origin": key.state.origin(),
    });
    // Only of material that KMS made itself, and has already, there is an id to tell.
    if key.state.origin() == AWS_KMS && key.state != KeyState::Creating {
        metadata["CurrentKeyMaterialId"] = json!(aws.keys.lineage(key).current_material_id());
    }
    match key.state {
        KeyState::PendingDeletion(date) => metadata["DeletionDate"] = json!(seconds(date)),
        KeyState::PendingReplicaDeletion(window) => {
            metadata["PendingDeletionWindowInDays"] = json!(window.as_secs() / DAY.as_secs());
        }
        _ => {}
    }
    if key.kind != Kind::Single {
        metadata["MultiRegionConfiguration"] = configuration(aws, caller, key);
    }
    metadata
}

/// Who is primary and who replica, as every key of the family tells it.
fn configuration(aws: &Aws, caller: &Caller<'_>, key: &CustomerKey) -> Value {
    let name = |key: &CustomerKey| json!({"Arn": key.arn, "Region": key.region});
    let family: Vec<&CustomerKey> = aws.keys.family(&key.id).filter(|key| !key.state.gone(caller.arrival.at)).collect();
    let of_kind = |kind: Kind| family.iter().filter(move |key| key.kind == kind).map(|key| name(key));
    json!({
        "MultiRegionKeyType": if key.kind == Kind::Primary { "PRIMARY" } else { "REPLICA" },
        "PrimaryKey": of_kind(Kind::Primary).next(),
        "ReplicaKeys": of_kind(Kind::Replica).collect::<Vec<Value>>(),
    })
}
