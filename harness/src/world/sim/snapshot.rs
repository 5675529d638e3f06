//! What lies in the dbpath before the run: a snapshot, as an operator finds it.
//!
//! The files are written here as the layout is documented, not by the product's own writer, so that a change of the
//! format shows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kmip_proxy::keys::Provider;
use rand_chacha::rand_core::RngCore as _;
use serde_json::json;

use super::clock::EPOCH;
use super::cloud::{CloudWorld, EXTERNAL_ID};
use super::machine::{DBPATH, Ground, LOCAL_KEY_FILE, in_dbpath};
use crate::cast::Database;
use crate::scenario::{self, Metadata, World};
use crate::trace::Fingerprint;
use crate::world::Entropy;

/// A role as the Atlas API names it.
const ROLE_ID: &str = "6579e2a0c1d2b34e5f607182";

const FOLDER: &str = "cloudProviderCredentials";

/// Writes the snapshot and returns the master keys in it.
pub(crate) fn prepare(
    ground: &Ground,
    world: &World,
    cloud: &CloudWorld,
    entropy: &Entropy,
) -> BTreeMap<String, Fingerprint> {
    if world.snapshot.provider == Provider::Local {
        let mut key = [0; 32];
        entropy.stream("snapshot/local key").fill_bytes(&mut key);
        ground.trace.secret("the local wrapping key", &key);
        ground.disk.place(in_dbpath(LOCAL_KEY_FILE), key);
    }
    if world.mongod.database == scenario::Database::Empty {
        write_metadata(ground, world, cloud, FIRST, world.credentials.metadata);
        return BTreeMap::new();
    }
    let id = key_id(entropy, "snapshot/key id");
    let mut material = [0; 32];
    entropy.stream("snapshot/material").fill_bytes(&mut material);
    ground.trace.secret("the master key", &material);
    let fingerprint = ground.trace.fingerprint(&material);
    Database::write(&ground.disk, DBPATH.as_ref(), &id, &material).expect("the lab's own disk is on");

    let provider = world.snapshot.provider;
    let (master_key, wrapped) = match provider {
        Provider::Local => {
            let wrapped = super::hosts::wrap_locally(ground, &id, &material);
            (json!({"provider": "local"}), wrapped)
        }
        _ => {
            let name = world.snapshot.wrapped_by.as_deref().or(world.aws.keys.first().map(String::as_str));
            let name = name.unwrap_or_default();
            let master_key = json!({"provider": "aws", "region": cloud.region(), "key": cloud.arn(name)});
            (master_key, cloud.wrap(name, &material))
        }
    };
    let date = EPOCH.as_secs() - 7 * 24 * 60 * 60;
    let mut document = json!({
        "format": "kmip-proxy/1",
        "uniqueIdentifier": id,
        "objectType": "SymmetricKey",
        "cryptographicAlgorithm": 3,
        "cryptographicLength": 256,
        "cryptographicUsageMask": 12,
        "state": if world.snapshot.active { "Active" } else { "PreActive" },
        "initialDate": date,
        "lastChangeDate": date,
        "names": [],
        "masterKey": master_key,
        "encryptionContext": {},
        "keyMaterial": {"$binary": {"base64": STANDARD.encode(wrapped), "subType": "00"}},
    });
    if world.snapshot.active {
        document["activationDate"] = json!(date);
    }
    ground.disk.place(file(&id, provider, "key.json"), document.to_string());
    let mut existing = BTreeMap::from([(id.clone(), fingerprint)]);
    write_metadata(ground, world, cloud, &id, world.credentials.metadata);
    for (number, name) in world.snapshot.others.iter().enumerate() {
        let id = key_id(entropy, &format!("snapshot/other key id/{number}"));
        let mut material = [0; 32];
        entropy.stream(&format!("snapshot/other material/{number}")).fill_bytes(&mut material);
        ground.trace.secret("another master key", &material);
        document["uniqueIdentifier"] = json!(id);
        document["masterKey"] = json!({"provider": "aws", "region": cloud.region(), "key": cloud.arn(name)});
        document["keyMaterial"]["$binary"]["base64"] = json!(STANDARD.encode(cloud.wrap(name, &material)));
        ground.disk.place(file(&id, Provider::Aws, "key.json"), document.to_string());
        write_metadata(ground, world, cloud, &id, world.credentials.metadata);
        existing.insert(id, ground.trace.fingerprint(&material));
    }
    existing
}

/// What an operator does who was handed new credentials: edits every metadata file.
pub(crate) fn write_credentials(ground: &Ground, world: &World, cloud: &CloudWorld) {
    let names = ground.disk.durable_paths();
    let names = names.iter().filter_map(|path| path.file_name()?.to_str());
    let mut ids: Vec<&str> =
        names.filter_map(|name| name.strip_suffix(".aws.metadata").or(name.strip_suffix(".aws.key.json"))).collect();
    ids.dedup();
    if ids.is_empty() {
        // Nothing was wrapped yet; the first key will look for credentials under this name.
        ids.push(FIRST);
    }
    for id in ids {
        write_metadata(ground, world, cloud, id, Metadata::Current);
    }
}

/// The name of the metadata file that an operator prepares for keys that do not exist yet.
pub(crate) const FIRST: &str = "new-keys";

fn write_metadata(ground: &Ground, world: &World, cloud: &CloudWorld, id: &str, content: Metadata) {
    let provider = world.snapshot.provider;
    let metadata = match (provider, content) {
        (Provider::Local, _) => json!({"keyFile": LOCAL_KEY_FILE}),
        (_, Metadata::Absent) => return,
        (_, Metadata::RoleId) => {
            // An Atlas role id is no ARN: it is an object id of Atlas.
            json!({"accessKeyId": "", "secretAccessKey": "", "roleId": ROLE_ID, "region": cloud.region()})
        }
        (_, Metadata::Current | Metadata::Outdated | Metadata::WithoutToken) => {
            let current = cloud.current();
            let issued = cloud.outdated.as_ref().filter(|_| content == Metadata::Outdated).unwrap_or(&current.issued);
            let mut metadata = json!({
                "accessKeyId": issued.access_key_id,
                "secretAccessKey": issued.secret_access_key,
                "roleId": "",
                "region": current.region,
            });
            if let Some(token) = issued.session_token.as_ref().filter(|_| content != Metadata::WithoutToken) {
                metadata["sessionToken"] = json!(token);
            }
            if let Some(arn) = &current.role_arn {
                metadata["roleArn"] = json!(arn);
                metadata["externalId"] = json!(EXTERNAL_ID);
            }
            metadata
        }
    };
    ground.disk.place(file(id, provider, "metadata"), metadata.to_string());
}

fn key_id(entropy: &Entropy, stream: &str) -> String {
    let mut bytes = [0; 16];
    entropy.stream(stream).fill_bytes(&mut bytes);
    let hex = crate::trace::hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn file(id: &str, provider: Provider, kind: &str) -> PathBuf {
    in_dbpath(FOLDER).join(format!("{id}.{provider}.{kind}"))
}
