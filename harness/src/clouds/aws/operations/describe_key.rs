//! DescribeKey: what KMS says of a key, whatever its state.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Caller, Members, SYMMETRIC};
use crate::clouds::aws::errors::Refusal;
use crate::clouds::aws::keys::KeyState;
use crate::clouds::aws::serve::Call;
use crate::clouds::aws::{ACCOUNT, Aws};

const ACTION: &str = "kms:DescribeKey";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    members.refuse(&["GrantTokens"])?;
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    let mut metadata = json!({
        "AWSAccountId": ACCOUNT,
        "Arn": key.arn,
        "CreationDate": seconds(aws.created),
        "CustomerMasterKeySpec": SYMMETRIC,
        "Description": key.name,
        "Enabled": key.state == KeyState::Enabled,
        "EncryptionAlgorithms": [SYMMETRIC],
        "KeyId": key.id,
        "KeyManager": "CUSTOMER",
        "KeySpec": SYMMETRIC,
        "KeyState": key.state.as_str(),
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": key.multi_region,
        "Origin": "AWS_KMS",
    });
    // A key that waits for its material has none to name; only material that the customer brings is waited for.
    if key.state == KeyState::PendingImport {
        metadata["Origin"] = json!("EXTERNAL");
    } else {
        metadata["CurrentKeyMaterialId"] = json!(key.current_material_id());
    }
    if let KeyState::PendingDeletion(date) = key.state {
        metadata["DeletionDate"] = json!(seconds(date));
    }
    if key.multi_region {
        // Which region came first is not modelled: each says that it is the primary and knows of no replica.
        metadata["MultiRegionConfiguration"] = json!({
            "MultiRegionKeyType": "PRIMARY",
            "PrimaryKey": {"Arn": key.arn, "Region": aws.region},
            "ReplicaKeys": [],
        });
    }
    Ok(json!({"KeyMetadata": metadata}))
}

/// A timestamp as KMS writes it: seconds, with milliseconds as a fraction.
fn seconds(at: SystemTime) -> f64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs() as f64 + f64::from(since.subsec_millis()) / 1000.0
}
