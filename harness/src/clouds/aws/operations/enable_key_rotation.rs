//! EnableKeyRotation: new material from now on after every period.

use serde_json::Value;

use super::{Caller, Members};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::aws::lineage::{PERIODS, YEAR};
use crate::clouds::call::Call;

const ACTION: &str = "kms:EnableKeyRotation";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let days = members.number("RotationPeriodInDays", &PERIODS)?.unwrap_or(YEAR);
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    let id = key.id.clone();
    aws.keys.rotate_every(caller.region, &id, days, caller.arrival.at)?;
    Ok(Value::Null)
}
