//! RotateKeyOnDemand: new material now, as often as the quota allows.

use serde_json::{Value, json};

use super::{Caller, Members};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::call::Call;

const ACTION: &str = "kms:RotateKeyOnDemand";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    let (id, arn) = (key.id.clone(), key.arn.clone());
    aws.keys.rotate(caller.region, &id, caller.arrival.at)?;
    Ok(json!({"KeyId": arn}))
}
