//! RecoverDeletedKey: the key is back, with all its versions as they were.

use serde_json::Value;

use super::{Caller, Members, bundle};
use crate::clouds::azure::Azure;
use crate::clouds::azure::errors::Refusal;
use crate::clouds::call::Call;

pub(super) fn run(azure: &mut Azure, caller: &Caller<'_>, _: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let key = caller.deleted(azure, call)?;
    key.deletion = None;
    Ok(bundle(key.newest()))
}
