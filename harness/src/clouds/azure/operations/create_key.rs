//! CreateKey: a new key, or a new version of the one that there is. The name of a deleted key is taken.

use serde_json::{Value, json};

use super::{Caller, Members, apply, bundle};
use crate::clouds::azure::Azure;
use crate::clouds::azure::errors::{Error, Refusal};
use crate::clouds::azure::keys::Attributes;
use crate::clouds::call::Call;

pub(super) fn run(
    azure: &mut Azure,
    caller: &Caller<'_>,
    members: &Members,
    call: &mut Call,
) -> Result<Value, Refusal> {
    if members.text("kty")? != "RSA" {
        return Err(Refusal::new(Error::NotImplemented, &[("what", "a kty other than RSA")]));
    }
    if members.member("key_size").is_some_and(|size| *size != json!(2048)) {
        return Err(Refusal::new(Error::NotImplemented, &[("what", "a key_size other than 2048")]));
    }
    let stated = members.stated(Attributes::default())?;
    let vault = azure.vaults.get_mut(caller.vault).ok_or_else(|| caller.refusal(Error::KeyNotFound))?;
    if vault.any(caller.name).is_some_and(|key| key.deletion.is_some()) {
        return Err(caller.refusal(Error::KeyDeleted));
    }
    let key = vault.create(caller.name, caller.arrival.at);
    let Some(version) = key.version_mut(None) else { return Err(caller.refusal(Error::KeyNotFound)) };
    apply(version, stated);
    call.cmk = Some(version.kid.clone());
    Ok(bundle(version))
}
