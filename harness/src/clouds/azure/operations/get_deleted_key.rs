//! GetDeletedKey: what can be recovered, and until when.

use serde_json::Value;

use super::{Caller, Members, deleted_bundle};
use crate::clouds::azure::Azure;
use crate::clouds::azure::errors::Refusal;
use crate::clouds::call::Call;

pub(super) fn run(azure: &mut Azure, caller: &Caller<'_>, _: &Members, call: &mut Call) -> Result<Value, Refusal> {
    caller.deleted(azure, call).map(|key| deleted_bundle(caller, key))
}
