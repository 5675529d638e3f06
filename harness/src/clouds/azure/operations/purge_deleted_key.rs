//! PurgeDeletedKey: the end. What a version of it has wrapped stays closed.

use serde_json::Value;

use super::{Caller, Members};
use crate::clouds::azure::Azure;
use crate::clouds::azure::errors::Refusal;
use crate::clouds::call::Call;

pub(super) fn run(azure: &mut Azure, caller: &Caller<'_>, _: &Members, call: &mut Call) -> Result<Value, Refusal> {
    caller.deleted(azure, call)?;
    if let Some(vault) = azure.vaults.get_mut(caller.vault) {
        vault.purge(caller.name);
    }
    Ok(Value::Null)
}
