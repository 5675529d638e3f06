//! UpdateKey: new attributes and permitted operations for one version.

use serde_json::Value;

use super::{Caller, Members, apply, bundle};
use crate::clouds::azure::Azure;
use crate::clouds::azure::errors::{Error, Refusal};
use crate::clouds::call::Call;

pub(super) fn run(
    azure: &mut Azure,
    caller: &Caller<'_>,
    members: &Members,
    call: &mut Call,
) -> Result<Value, Refusal> {
    let version = caller.key(azure)?.version_mut(caller.version);
    let version = version.ok_or_else(|| caller.refusal(Error::KeyNotFound))?;
    let stated = members.stated(version.attributes)?;
    apply(version, stated);
    version.updated = caller.arrival.at;
    call.cmk = Some(version.kid.clone());
    Ok(bundle(version))
}
