//! DisableKey: the key can neither encrypt nor decrypt until it is enabled.

use serde_json::Value;

use super::{Caller, Members};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::call::Call;

const ACTION: &str = "kms:DisableKey";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    let id = key.id.clone();
    aws.keys.disable(caller.region, &id, caller.arrival.at)?;
    Ok(Value::Null)
}
