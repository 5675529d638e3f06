//! What lies in the dbpath before the run: a snapshot, as an operator finds it.
//!
//! The files are written here as the layout is documented, not by the product's own writer, so that a change of the
//! format shows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kmip_proxy::keys::{LocalCredentials, Provider, Secret};
use kmip_proxy::kms::{self, Call, Kms as _};
use rand_chacha::rand_core::RngCore as _;
use serde_json::{Value, json};

use super::cloud::Account;
use super::machine::{LOCAL_KEY_FILE, Machine};
use crate::cast::{Database, Held, Persona};
use crate::scenario::{self, Metadata, World};
use crate::trace::{Fingerprint, What};
use crate::world::Entropy;

const FOLDER: &str = "cloudProviderCredentials";

/// Writes the snapshot and returns the master keys in it. A client that is `played` keeps its data there, too; a real one
/// has its data elsewhere, and says itself what it has made. Fails where a cloud that is not the laboratory's does not
/// wrap.
pub(crate) fn prepare(
    machine: &dyn Machine,
    world: &World,
    account: &dyn Account,
    entropy: &Entropy,
    played: bool,
) -> Result<BTreeMap<String, Fingerprint>, String> {
    if world.snapshot.provider == Provider::Local {
        let mut key = [0; 32];
        entropy.stream("snapshot/local key").fill_bytes(&mut key);
        machine.trace().secret("the local wrapping key", &key);
        machine.place(&machine.in_dbpath(LOCAL_KEY_FILE), &key);
    }
    if world.mongod.database == scenario::Database::Empty {
        write_metadata(machine, world, account, FIRST, world.credentials.metadata);
        return Ok(BTreeMap::new());
    }
    let id = first_key_id(entropy);
    let persona = Persona::find(&world.mongod.persona).expect("the scenario's persona was checked");
    let material = write_data(machine, persona.held, &id, entropy, played);
    let fingerprint = machine.trace().fingerprint(&material);

    let provider = world.snapshot.provider;
    let (master_key, wrapped) = match provider {
        Provider::Local => {
            let wrapped = wrap_locally(machine, &id, &material);
            (json!({"provider": "local"}), wrapped)
        }
        _ => {
            let name = world.snapshot.wrapped_by.as_deref().or(world.kms.keys.first().map(String::as_str));
            let name = name.unwrap_or_default();
            (account.master_key(name), account.wrap(name, &material)?)
        }
    };
    let start = machine.clock().start().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let date = start.as_secs() - 7 * 24 * 60 * 60;
    let mut document = json!({
        "format": "kmip-proxy/1",
        "uniqueIdentifier": id,
        "state": if world.snapshot.active { "Active" } else { "PreActive" },
        "initialDate": date,
        "lastChangeDate": date,
        "names": [],
        "masterKey": master_key,
        "encryptionContext": {},
        "keyMaterial": {"$binary": {"base64": STANDARD.encode(wrapped), "subType": "00"}},
    });
    describe(&mut document, persona.held, material.len());
    if world.snapshot.active {
        document["activationDate"] = json!(date);
    }
    machine.place(&file(machine, &id, provider, "key.json"), document.to_string().as_bytes());
    let mut existing = BTreeMap::from([(id.clone(), fingerprint)]);
    write_metadata(machine, world, account, &id, world.credentials.metadata);
    for (number, name) in world.snapshot.others.iter().enumerate() {
        let id = key_id(entropy, &format!("snapshot/other key id/{number}"));
        let material = random::<32>(entropy, &format!("snapshot/other material/{number}"));
        machine.trace().secret("another master key", &material);
        document["uniqueIdentifier"] = json!(id);
        document["masterKey"] = account.master_key(name);
        document["keyMaterial"]["$binary"]["base64"] = json!(STANDARD.encode(account.wrap(name, &material)?));
        describe(&mut document, Held::AesKey, material.len());
        machine.place(&file(machine, &id, world.provider, "key.json"), document.to_string().as_bytes());
        write_metadata(machine, world, account, &id, world.credentials.metadata);
        existing.insert(id, machine.trace().fingerprint(&material));
    }
    Ok(existing)
}

/// The identifier of the snapshot's key.
pub(crate) fn first_key_id(entropy: &Entropy) -> String {
    key_id(entropy, "snapshot/key id")
}

/// A data key as a KMIP server wraps it under the snapshot's key, where that is one that stays in the server: the
/// initialisation vector, then the ciphertext.
pub(crate) fn wrap_data_key(entropy: &Entropy, iv: [u8; 16], data_key: &[u8]) -> Vec<u8> {
    encrypt(&random::<32>(entropy, MATERIAL), iv, data_key)
}

/// The stream from which the snapshot's key is drawn.
const MATERIAL: &str = "snapshot/material";

/// Writes the client's data as of the day of the snapshot, and returns the material of the key that they need.
fn write_data(machine: &dyn Machine, held: Held, id: &str, entropy: &Entropy, played: bool) -> Vec<u8> {
    let (files, trace, dbpath) = (machine.files(), machine.trace(), machine.dbpath());
    let material = match held {
        Held::AesKey | Held::WrappingKey => random::<32>(entropy, MATERIAL).to_vec(),
        Held::NamedText(_) => STANDARD.encode(random::<32>(entropy, MATERIAL)).into_bytes(),
        Held::SecretData => random::<96>(entropy, MATERIAL).to_vec(),
    };
    trace.secret("the master key", &material);
    if held == Held::WrappingKey && played {
        let data_key = random::<96>(entropy, "snapshot/data key");
        trace.secret("the data key", &data_key);
        let wrapped = encrypt(&material, random(entropy, "snapshot/iv"), &data_key);
        Database::write_wrapped(files, dbpath, id, &data_key, &wrapped).expect(DISK);
        // What the server encrypted once is what it has to give back.
        trace.record("mongod", What::Made { key: id.to_owned(), material: trace.fingerprint(&data_key) });
    } else {
        Database::write(files, dbpath, id, &material).expect(DISK);
    }
    material
}

/// Why writing before a run cannot fail.
const DISK: &str = "the lab's own disk is on";

/// AES-256 in the mode CBC with PKCS5 padding, as a KMIP server does it for a driver: IV, then ciphertext.
fn encrypt(key: &[u8], iv: [u8; 16], data: &[u8]) -> Vec<u8> {
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(key, &iv).expect("a key of 32 bytes and an IV of 16");
    let mut buffer = data.to_vec();
    buffer.resize(data.len() + iv.len(), 0);
    let ciphertext = cipher.encrypt_padded::<Pkcs7>(&mut buffer, data.len()).expect("there is room for the padding");
    [&iv, ciphertext].concat()
}

/// Writes into a key file what kind of object it holds. The numbers are those of KMIP 1.4: AES (9.1.3.2.13), Encrypt and
/// Decrypt (9.1.3.3.1), Seed (9.1.3.2.9).
fn describe(document: &mut Value, held: Held, length: usize) {
    let fields = match held {
        Held::SecretData => json!({"objectType": "SecretData", "secretDataType": 2, "cryptographicUsageMask": 0}),
        Held::AesKey | Held::WrappingKey | Held::NamedText(_) => json!({
            "objectType": "SymmetricKey",
            "cryptographicAlgorithm": 3,
            "cryptographicLength": length * 8,
            "cryptographicUsageMask": 12,
        }),
    };
    if let Value::Object(document) = document {
        for field in ["secretDataType", "cryptographicAlgorithm", "cryptographicLength"] {
            document.remove(field);
        }
        document.extend(fields.as_object().cloned().unwrap_or_default());
    }
    document["names"] = match held {
        Held::NamedText(name) => json!([name]),
        _ => json!([]),
    };
}

fn random<const N: usize>(entropy: &Entropy, stream: &str) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.stream(stream).fill_bytes(&mut bytes);
    bytes
}

/// What an operator does who was handed new credentials: edits every metadata file.
pub(crate) fn write_credentials(machine: &dyn Machine, world: &World, account: &dyn Account) {
    let names = machine.paths();
    let names = names.iter().filter_map(|path| path.file_name()?.to_str());
    let (metadata, key_file) = (format!(".{}.metadata", world.provider), format!(".{}.key.json", world.provider));
    let mut ids: Vec<&str> =
        names.filter_map(|name| name.strip_suffix(&metadata).or(name.strip_suffix(&key_file))).collect();
    ids.dedup();
    if ids.is_empty() {
        // Nothing was wrapped yet; the first key will look for credentials under this name.
        ids.push(FIRST);
    }
    for id in ids {
        write_metadata(machine, world, account, id, Metadata::Current);
    }
}

/// The name of the metadata file that an operator prepares for keys that do not exist yet.
pub(crate) const FIRST: &str = "new-keys";

fn write_metadata(machine: &dyn Machine, world: &World, account: &dyn Account, id: &str, content: Metadata) {
    let (provider, metadata) = match world.snapshot.provider {
        Provider::Local => (Provider::Local, Some(json!({"keyFile": LOCAL_KEY_FILE}))),
        // A proxy that is started for another cloud finds no credentials for that.
        _ => (world.provider, account.metadata(content)),
    };
    if let Some(metadata) = metadata {
        machine.place(&file(machine, id, provider, "metadata"), metadata.to_string().as_bytes());
    }
}

fn key_id(entropy: &Entropy, stream: &str) -> String {
    let hex = crate::trace::hex(&random::<16>(entropy, stream));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn file(machine: &dyn Machine, id: &str, provider: Provider, kind: &str) -> PathBuf {
    machine.in_dbpath(FOLDER).join(format!("{id}.{provider}.{kind}"))
}

/// Wraps the snapshot's key as the provider `local` does: there is no cloud to ask, so the product's own wrapping makes
/// the file.
fn wrap_locally(machine: &dyn Machine, id: &str, material: &[u8]) -> Vec<u8> {
    let local = kms::LocalKms::new(machine.env());
    let credentials =
        kmip_proxy::keys::Credentials::Local(LocalCredentials { key_file: machine.in_dbpath(LOCAL_KEY_FILE) });
    let context = Default::default();
    let call =
        Call { key_id: id, credentials: &credentials, cmk: Provider::Local.as_str(), region: None, context: &context };
    let secret = Secret::new(material.to_vec());
    let mut wrapping = local.wrap(call, &secret);
    // Local wrapping waits for nothing, so that one poll finishes it.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match wrapping.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Ok(wrapped)) => wrapped.ciphertext,
        other => unreachable!("wrapping with a key file on the lab's own disk: {other:?}"),
    }
}
