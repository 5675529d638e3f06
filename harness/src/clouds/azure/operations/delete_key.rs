//! DeleteKey: all versions at once, until they are recovered or purged.

use serde_json::Value;

use super::{Caller, Members, deleted_bundle};
use crate::clouds::azure::Azure;
use crate::clouds::azure::errors::Refusal;
use crate::clouds::call::Call;

pub(super) fn run(azure: &mut Azure, caller: &Caller<'_>, _: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let key = caller.key(azure)?;
    key.delete(caller.arrival.at);
    call.cmk = Some(key.newest().kid.clone());
    Ok(deleted_bundle(caller, key))
}
