//! GetKeyRotationStatus: whether and when time rotates the key. While it is to be deleted it does not.

use serde_json::{Value, json};

use super::{Caller, Members, seconds};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::call::Call;

const ACTION: &str = "kms:GetKeyRotationStatus";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    if let Some(error) = key.state.hinders_status() {
        return Err(key.refusal(error));
    }
    let automatic = aws.keys.lineage(key).automatic().filter(|_| !key.state.leaving());
    let mut answer = json!({"KeyId": key.arn, "KeyRotationEnabled": automatic.is_some()});
    if let Some(automatic) = automatic {
        answer["NextRotationDate"] = json!(seconds(automatic.next));
        answer["RotationPeriodInDays"] = json!(automatic.days);
    }
    Ok(answer)
}
