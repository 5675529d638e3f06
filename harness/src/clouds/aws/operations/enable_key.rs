//! EnableKey: the key works again.

use serde_json::Value;

use super::{Caller, Members};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::call::Call;

const ACTION: &str = "kms:EnableKey";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    let id = key.id.clone();
    aws.keys.enable(caller.region, &id, caller.arrival.at)?;
    Ok(Value::Null)
}
