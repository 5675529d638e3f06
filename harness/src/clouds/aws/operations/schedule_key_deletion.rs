//! ScheduleKeyDeletion: the key works no more, and is gone after the waiting period.

use serde_json::{Value, json};

use super::{Caller, Members, seconds};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::aws::key_state::KeyState;
use crate::clouds::aws::lifecycle::{WINDOW, WINDOWS};
use crate::clouds::aws::lineage::DAY;
use crate::clouds::call::Call;

const ACTION: &str = "kms:ScheduleKeyDeletion";

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let window = members.number("PendingWindowInDays", &WINDOWS)?.unwrap_or(WINDOW);
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    let id = key.id.clone();
    aws.keys.schedule_deletion(caller.region, &id, DAY * window, caller.arrival.at)?;
    let key = caller.key(aws, members.required_key_id()?, ACTION, call)?;
    let mut answer = json!({"KeyId": key.arn, "KeyState": key.state.as_str(), "PendingWindowInDays": window});
    if let KeyState::PendingDeletion(date) = key.state {
        answer["DeletionDate"] = json!(seconds(date));
    }
    Ok(answer)
}
