//! Encrypt: wraps with the named version, or with the newest.

use serde_json::Value;

use super::{Caller, Members};
use crate::clouds::azure::Azure;
use crate::clouds::azure::errors::Refusal;
use crate::clouds::call::Call;

pub(super) fn run(
    azure: &mut Azure,
    caller: &Caller<'_>,
    members: &Members,
    call: &mut Call,
) -> Result<Value, Refusal> {
    super::seal(azure, caller, members, call)
}
