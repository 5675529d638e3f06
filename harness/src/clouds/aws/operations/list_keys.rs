//! ListKeys: the keys of the region in the order of their ids, so many at a time (API model).

use serde_json::{Value, json};

use super::{Caller, Members};
use crate::clouds::aws::Aws;
use crate::clouds::aws::errors::Refusal;
use crate::clouds::call::Call;

const ACTION: &str = "kms:ListKeys";
/// Limit if nobody says otherwise (API model).
const LIMIT: u32 = 100;

pub(super) fn run(aws: &mut Aws, caller: &Caller<'_>, members: &Members, _: &mut Call) -> Result<Value, Refusal> {
    let limit = members.number("Limit", &(1..=1000))?.unwrap_or(LIMIT);
    let marker = members.text("Marker")?.unwrap_or_default();
    caller.check_at_large(aws, ACTION)?;
    let mut rest = aws.keys.of_region(caller.region, caller.arrival.at).filter(|key| key.id.as_str() > marker);
    let page: Vec<_> = rest.by_ref().take(limit as usize).collect();
    let keys: Vec<Value> = page.iter().map(|key| json!({"KeyId": key.id, "KeyArn": key.arn})).collect();
    let truncated = rest.next().is_some();
    let mut answer = json!({"Keys": keys, "Truncated": truncated});
    if let Some(last) = page.last().filter(|_| truncated) {
        answer["NextMarker"] = json!(last.id);
    }
    Ok(answer)
}
