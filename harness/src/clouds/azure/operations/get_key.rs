//! GetKey: what Key Vault says of a version. It says so of a disabled one, too: clients are known to find
//! `enabled: false` in its answer.

use serde_json::Value;

use super::{Caller, Members};
use crate::clouds::azure::Azure;
use crate::clouds::azure::errors::Refusal;
use crate::clouds::call::Call;

pub(super) fn run(azure: &mut Azure, caller: &Caller<'_>, _: &Members, call: &mut Call) -> Result<Value, Refusal> {
    caller.version(azure, call).map(super::bundle)
}
