//! Register (KMIP 1.4 section 4.3): the client brings a key, and the server keeps it.
//!
//! Percona Server makes its master key itself and registers it as a Raw AES key; drivers register 96 bytes of secret data
//! in the format Opaque. Older Percona releases register 44 bytes of base64 text and call it an AES key of 352 bits: what
//! is registered is given back unchanged, so that such snapshots open.

use std::borrow::Cow;

use crate::keys::{ObjectType, Secret};
use crate::kmip::enums::{CryptographicAlgorithm, KeyFormatType, ResultReason};
use crate::kmip::object::KeyBlock;
use crate::kmip::payload::Register;
use crate::kmip::{KeyMaterial, RegisteredObject, ResponsePayload};

use super::new_object::{Wishes, keep, positive};
use super::{Failed, Outcome, Request};

/// The longest material that is kept, in bytes: what AWS KMS encrypts at once (Encrypt, Plaintext).
const LONGEST: usize = 4096;

pub(super) async fn run(request: &mut Request<'_>, payload: &Register) -> Outcome {
    let mut wishes = Wishes::read(&payload.template)?;
    let (object_type, block, format) = match &payload.object {
        RegisteredObject::SymmetricKey(block) => (ObjectType::SymmetricKey, block, KeyFormatType::RAW),
        RegisteredObject::SecretData { secret_data_type, key_block } => {
            (ObjectType::SecretData { kind: secret_data_type.0 }, key_block, KeyFormatType::OPAQUE)
        }
        RegisteredObject::Other(_) => {
            let why = "only symmetric keys and secret data can be registered here";
            return Err(Failed::new(ResultReason::INVALID_FIELD, why));
        }
    };
    let material = material(block, format)?;
    agree(&mut wishes, block, object_type, material)?;
    let id = keep(request.operations, object_type, wishes, &Secret::new(material.to_vec())).await?;
    *request.placeholder = Some(id.clone());
    Ok(ResponsePayload::Register { unique_identifier: Cow::Owned(id) })
}

fn material(block: &KeyBlock, format: KeyFormatType) -> Result<&[u8], Failed> {
    if block.key_format_type != format && block.key_format_type != KeyFormatType::RAW {
        let why = format!("such an object is registered in the format {}", format.name().unwrap_or("Raw"));
        return Err(Failed::new(ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED, why));
    }
    let KeyMaterial::Bytes(bytes) = &block.key_material else {
        let why = "the key must be given as bytes that are not wrapped";
        return Err(Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why));
    };
    if block.key_wrapping_data {
        let why = "a key that the client has wrapped cannot be registered here";
        return Err(Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why));
    }
    if !block.attributes.is_empty() {
        let why = "the attributes of a new object are taken from its template, not from the Key Value";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    if bytes.is_empty() || bytes.len() > LONGEST {
        let why = format!("the key material must have 1 to {LONGEST} bytes, and has {}", bytes.len());
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    Ok(bytes)
}

/// Template, key block and material must tell one story; what only one of them says is taken from there.
fn agree(wishes: &mut Wishes, block: &KeyBlock, object_type: ObjectType, material: &[u8]) -> Result<(), Failed> {
    let differ = |name: &str| {
        let why = format!("template and key block differ in {name}");
        Failed::new(ResultReason::INVALID_FIELD, why)
    };
    let block_bits = block.cryptographic_length.map(|bits| positive(bits, "Cryptographic Length")).transpose()?;
    if wishes.algorithm.is_some() && block.cryptographic_algorithm.is_some_and(|other| wishes.algorithm != Some(other))
    {
        return Err(differ("Cryptographic Algorithm"));
    }
    if wishes.length_bits.is_some() && block_bits.is_some_and(|other| wishes.length_bits != Some(other)) {
        return Err(differ("Cryptographic Length"));
    }
    wishes.algorithm = wishes.algorithm.or(block.cryptographic_algorithm);
    wishes.length_bits = wishes.length_bits.or(block_bits);
    if object_type != ObjectType::SymmetricKey {
        return Ok(());
    }
    let bits = u32::try_from(material.len() * 8).unwrap_or(u32::MAX);
    if wishes.length_bits.is_some_and(|stated| stated != bits) {
        let why = format!("the Cryptographic Length is not that of the key material, which has {bits} bits");
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    wishes.algorithm = wishes.algorithm.or(Some(CryptographicAlgorithm::AES));
    wishes.length_bits = Some(bits);
    Ok(())
}
