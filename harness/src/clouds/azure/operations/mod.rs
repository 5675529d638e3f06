//! The operations of Key Vault, one a file, and what they share: reading properties, finding the version, what is said of
//! it.
//!
//! Invariant: the table below is the list of what the fake can do; everything else is refused by name.

mod create_key;
mod decrypt;
mod delete_key;
mod encrypt;
mod get_deleted_key;
mod get_key;
mod purge_deleted_key;
mod recover_deleted_key;
mod unwrap_key;
mod update_key;
mod wrap_key;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Map, Value, json};

use super::Azure;
use super::access::CLIENT_ADDRESS;
use super::directory::Principal;
use super::envelope::{Algorithm, MODULUS};
use super::errors::{Error, Refusal};
use super::keys::{Attributes, KEY_OPS, Key, RECOVERABLE_DAYS, Version};
use super::tokens::seconds;
use crate::clouds::Arrival;
use crate::clouds::call::Call;

/// One operation.
pub(super) struct Operation {
    /// The name in a trace and for planned faults: that of the API's description (`operationId`).
    pub(super) name: &'static str,
    /// The name of the permission in an access policy, which is also how refusals speak of the operation.
    permission: &'static str,
    /// The data action of role-based access control.
    action: &'static str,
    method: Method,
    collection: &'static str,
    /// The last part of the path; empty where the path ends with the key or its version.
    verb: &'static str,
    /// Whether the path can name a version.
    pub(super) of_a_version: bool,
    /// Whether the request has a body.
    pub(super) has_body: bool,
    /// Runs it for a caller who is known and may.
    pub(super) run: fn(&mut Azure, &Caller<'_>, &Members, &mut Call) -> Result<Value, Refusal>,
}

/// What the path names.
const OF_A_KEY: bool = false;
const OF_A_VERSION: bool = true;

/// Declares one line of the table.
macro_rules! operation {
    ($name:literal, $permission:literal, $action:literal, $method:ident $collection:literal $verb:literal, $of:ident, $body:literal, $file:ident) => {
        Operation {
            name: $name,
            permission: $permission,
            action: concat!("Microsoft.KeyVault/vaults/keys/", $action),
            method: Method::$method,
            collection: $collection,
            verb: $verb,
            of_a_version: $of,
            has_body: $body,
            run: $file::run,
        }
    };
}

static OPERATIONS: [Operation; 11] = [
    operation!("CreateKey", "create", "create/action", POST "keys" "create", OF_A_KEY, true, create_key),
    operation!("Decrypt", "decrypt", "decrypt/action", POST "keys" "decrypt", OF_A_VERSION, true, decrypt),
    operation!("DeleteKey", "delete", "delete", DELETE "keys" "", OF_A_KEY, false, delete_key),
    operation!("Encrypt", "encrypt", "encrypt/action", POST "keys" "encrypt", OF_A_VERSION, true, encrypt),
    operation!("GetDeletedKey", "get", "read", GET "deletedkeys" "", OF_A_KEY, false, get_deleted_key),
    operation!("GetKey", "get", "read", GET "keys" "", OF_A_VERSION, false, get_key),
    operation!("PurgeDeletedKey", "purge", "purge/action", DELETE "deletedkeys" "", OF_A_KEY, false, purge_deleted_key),
    operation!("RecoverDeletedKey", "recover", "recover/action", POST "deletedkeys" "recover", OF_A_KEY, false, recover_deleted_key),
    operation!("UnwrapKey", "unwrapKey", "unwrap/action", POST "keys" "unwrapkey", OF_A_VERSION, true, unwrap_key),
    operation!("UpdateKey", "update", "update/action", PATCH "keys" "", OF_A_VERSION, true, update_key),
    operation!("WrapKey", "wrapKey", "wrap/action", POST "keys" "wrapkey", OF_A_VERSION, true, wrap_key),
];

/// The operation behind a method and a path.
pub(super) fn find(method: &Method, collection: &str, verb: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| {
        operation.method == *method
            && operation.collection.eq_ignore_ascii_case(collection)
            && operation.verb.eq_ignore_ascii_case(verb)
    })
}

/// The names of all operations.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

/// Who calls, how the call came, and for what.
pub(super) struct Caller<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) vault: &'a str,
    pub(super) region: &'a str,
    /// The vault's resource id.
    pub(super) resource: String,
    pub(super) name: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) operation: &'static Operation,
    pub(super) principal: &'a Principal,
}

impl Caller<'_> {
    /// A refusal that speaks of this call.
    pub(super) fn refusal(&self, error: Error) -> Refusal {
        self.refusal_with(error, &[])
    }

    /// The same with more to say.
    pub(super) fn refusal_with(&self, error: Error, more: &[(&str, &str)]) -> Refusal {
        let resource = format!("{}/keys/{}", self.resource, self.name);
        let id = self.version.map_or_else(|| self.name.to_owned(), |version| format!("{}/{version}", self.name));
        let caller = self.principal.caller();
        let mut values = more.to_vec();
        values.extend([
            ("action", self.operation.action),
            ("address", CLIENT_ADDRESS),
            ("caller", caller.as_str()),
            ("id", &id),
            ("operation", self.operation.permission),
            ("permission", self.operation.permission),
            ("region", self.region),
            ("resource", &resource),
            ("vault", self.vault),
        ]);
        Refusal::new(error, &values)
    }

    /// The key that the path names, unless it was deleted.
    fn key<'a>(&self, azure: &'a mut Azure) -> Result<&'a mut Key, Refusal> {
        let key = azure.vaults.get_mut(self.vault).and_then(|vault| vault.any_mut(self.name));
        key.filter(|key| key.deletion.is_none()).ok_or_else(|| self.refusal(Error::KeyNotFound))
    }

    /// The version that the path names, or the newest one.
    pub(super) fn version<'a>(&self, azure: &'a Azure, call: &mut Call) -> Result<&'a Version, Refusal> {
        let key = azure.vaults.get(self.vault).and_then(|vault| vault.key(self.name));
        let version = key.and_then(|key| key.version(self.version)).ok_or_else(|| self.refusal(Error::KeyNotFound))?;
        call.cmk = Some(version.kid.clone());
        Ok(version)
    }

    /// The key of that name among the deleted ones.
    fn deleted<'a>(&self, azure: &'a mut Azure, call: &mut Call) -> Result<&'a mut Key, Refusal> {
        let key = azure.vaults.get_mut(self.vault).and_then(|vault| vault.any_mut(self.name));
        let key = key.filter(|key| key.deletion.is_some()).ok_or_else(|| self.refusal(Error::DeletedKeyNotFound))?;
        call.cmk = Some(key.newest().kid.clone());
        Ok(key)
    }

    /// Refuses what `key_ops` does not list.
    fn permitted(&self, version: &Version) -> Result<(), Refusal> {
        let permitted = version.operations.contains(self.operation.permission);
        if permitted { Ok(()) } else { Err(self.refusal(Error::KeyOperationForbidden)) }
    }
}

/// What Decrypt and UnwrapKey do. Neither asks for `nbf` and `exp`: what was made in time stays open to recovery
/// (documentation of keys, "date-time controlled operations").
fn open(azure: &mut Azure, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let (algorithm, value) = (members.algorithm()?, members.bytes("value")?);
    let version = caller.version(azure, call)?;
    caller.permitted(version)?;
    if !version.attributes.enabled {
        return Err(caller.refusal(Error::KeyDisabled));
    }
    let sealed: &[u8; MODULUS] = value.as_slice().try_into().map_err(|_| Error::ParameterIncorrect)?;
    let plaintext = version.material.open(algorithm, sealed).ok_or(Error::PaddingInvalid)?;
    let answer = json!({"kid": version.kid, "value": URL_SAFE_NO_PAD.encode(&plaintext)});
    call.opened = Some((version.kid.clone(), plaintext));
    Ok(answer)
}

/// What Encrypt and WrapKey do. Neither asks whether the version is enabled (seen), both ask for `nbf` and `exp`.
fn seal(azure: &mut Azure, caller: &Caller<'_>, members: &Members, call: &mut Call) -> Result<Value, Refusal> {
    let (algorithm, value) = (members.algorithm()?, members.bytes("value")?);
    call.handed = Some(value.clone());
    let nonce = azure.streams(&format!("key vault/{}", caller.vault)).nonces.bytes();
    let version = caller.version(azure, call)?;
    caller.permitted(version)?;
    let Attributes { not_before, expires, .. } = version.attributes;
    if not_before.is_some_and(|not_before| caller.arrival.at < not_before) {
        return Err(caller.refusal(Error::KeyNotYetValid));
    }
    if expires.is_some_and(|expires| caller.arrival.at >= expires) {
        return Err(caller.refusal(Error::KeyExpired));
    }
    let sealed = version.material.seal(algorithm, &value, nonce).ok_or(Error::ParameterIncorrect)?;
    Ok(json!({"kid": version.kid, "value": URL_SAFE_NO_PAD.encode(sealed)}))
}

/// What is told of a version: `KeyBundle`.
fn bundle(version: &Version) -> Value {
    let Attributes { enabled, not_before, expires } = version.attributes;
    let mut attributes = json!({
        "enabled": enabled,
        "created": seconds(version.created),
        "updated": seconds(version.updated),
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": RECOVERABLE_DAYS,
        "exportable": false,
    });
    for (name, date) in [("nbf", not_before), ("exp", expires)] {
        if let Some(date) = date {
            attributes[name] = json!(seconds(date));
        }
    }
    let listed = KEY_OPS.iter().filter(|operation| version.operations.contains(**operation));
    json!({
        "key": {
            "kid": version.kid,
            "kty": "RSA",
            "key_ops": listed.collect::<Vec<_>>(),
            "n": URL_SAFE_NO_PAD.encode(version.material.modulus),
            "e": "AQAB",
        },
        "attributes": attributes,
        "tags": {},
    })
}

/// What is told of a deleted key: `DeletedKeyBundle`.
fn deleted_bundle(caller: &Caller<'_>, key: &Key) -> Value {
    let mut told = bundle(key.newest());
    if let Some(deletion) = key.deletion {
        told["recoveryId"] = json!(format!("https://{}/deletedkeys/{}", Azure::vault_host(caller.vault), key.name));
        told["deletedDate"] = json!(seconds(deletion.deleted));
        told["scheduledPurgeDate"] = json!(seconds(deletion.purged));
    }
    told
}

/// The properties of a request's body. A property that is `null` counts as absent.
#[derive(Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Members(members)),
            _ => Err(Error::BodyUnreadable.into()),
        }
    }

    fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.member(name).ok_or_else(|| Refusal::new(Error::PropertyRequired, &[("what", name)]))?;
        value.as_str().ok_or_else(|| invalid(name))
    }

    /// Bytes in base64url without padding (RFC 4648, section 5). They are never repeated in a refusal.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        let text = self.text(name)?;
        URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::new(Error::ValueNotBase64Url, &[("what", name)]))
    }

    /// What the RSA keys of this fake can do.
    fn algorithm(&self) -> Result<Algorithm, Refusal> {
        match self.text("alg")? {
            "RSA1_5" => Err(Refusal::new(Error::NotImplemented, &[("what", "RSA1_5")])),
            name => Algorithm::named(name).ok_or_else(|| invalid("alg")),
        }
    }

    /// What `attributes` and `key_ops` say anew, where a version has had these attributes.
    fn stated(&self, mut attributes: Attributes) -> Result<(Attributes, Option<BTreeSet<String>>), Refusal> {
        if let Some(stated) = self.member("attributes") {
            for (name, value) in stated.as_object().ok_or_else(|| invalid("attributes"))? {
                match name.as_str() {
                    "enabled" => attributes.enabled = value.as_bool().ok_or_else(|| invalid(name))?,
                    "nbf" => attributes.not_before = Some(date(name, value)?),
                    "exp" => attributes.expires = Some(date(name, value)?),
                    _ => return Err(invalid(name)),
                }
            }
        }
        let Some(stated) = self.member("key_ops") else { return Ok((attributes, None)) };
        let named = stated.as_array().ok_or_else(|| invalid("key_ops"))?.iter().map(Value::as_str);
        let known = named.map(|name| name.filter(|name| KEY_OPS.contains(name)).map(str::to_owned));
        Ok((attributes, Some(known.collect::<Option<_>>().ok_or_else(|| invalid("key_ops"))?)))
    }
}

/// Puts into a version what was stated of it.
fn apply(version: &mut Version, (attributes, operations): (Attributes, Option<BTreeSet<String>>)) {
    version.attributes = attributes;
    if let Some(operations) = operations {
        version.operations = operations;
    }
}

fn invalid(name: &str) -> Refusal {
    Refusal::new(Error::PropertyInvalid, &[("what", name)])
}

fn date(name: &str, value: &Value) -> Result<SystemTime, Refusal> {
    let at = value.as_u64().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    at.ok_or_else(|| invalid(name))
}
