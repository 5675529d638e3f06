//! Register (KMIP 1.4 section 4.3): the client brings a key, and the server keeps it.
//!
//! Percona Server makes its master key itself and registers it as a Raw AES key; drivers register 96 bytes of secret data
//! in the format Opaque. Older Percona releases register 44 bytes of base64 text and call it an AES key of 352 bits: what
//! is registered is given back unchanged, so that such snapshots open.

use std::borrow::Cow;

use crate::keys::{ObjectType, OtherAttribute, Secret};
use crate::kmip::attribute_name::{Instances, SetBy};
use crate::kmip::enums::{CryptographicAlgorithm, KeyFormatType, ResultReason};
use crate::kmip::object::KeyBlock;
use crate::kmip::payload::{Register, TemplateAttribute};
use crate::kmip::{Attribute, AttributeValue, KeyMaterial, RegisteredObject, ResponsePayload};

use super::attributes::{kept, refuse_value, rules};
use super::new_object::{Material, Wishes, keep, keep_template, positive};
use super::{Failed, Outcome, Request};

/// The longest material that is kept, in bytes: what AWS KMS encrypts at once (Encrypt, Plaintext).
const LONGEST: usize = 4096;

pub(super) async fn run(request: &mut Request<'_>, payload: &Register) -> Outcome {
    let operations = request.operations;
    let (object_type, block, format) = match &payload.object {
        RegisteredObject::SymmetricKey(block) => (ObjectType::SymmetricKey, block, KeyFormatType::RAW),
        RegisteredObject::SecretData { secret_data_type, key_block } => {
            (ObjectType::SecretData { kind: secret_data_type.0 }, key_block, KeyFormatType::OPAQUE)
        }
        RegisteredObject::Template(attributes) => {
            let id = template(request, &payload.template, attributes)?;
            return Ok(ResponsePayload::Register { unique_identifier: Cow::Owned(id) });
        }
        RegisteredObject::Other(_) => {
            let why = "only symmetric keys, secret data and templates can be registered here";
            return Err(Failed::new(ResultReason::INVALID_FIELD, why));
        }
    };
    let mut wishes = Wishes::read(operations, &payload.template, object_type)?;
    let material = material(block, format)?;
    agree(&mut wishes, block, material)?;
    let material = Material { secret: Secret::new(material.to_vec()), format: block.key_format_type, drawn_by: None };
    let id = keep(operations, wishes, &material).await?;
    *request.placeholder = Some(id.clone());
    Ok(ResponsePayload::Register { unique_identifier: Cow::Owned(id) })
}

/// Registers a template (KMIP 1.4 section 2.2.6): attributes that stand in it are for others, those in the request's
/// Template-Attribute are its own. A Name that stands in it is its own as well: the cases of 1.0 know no other way.
fn template(request: &mut Request<'_>, own: &TemplateAttribute, attributes: &[Attribute]) -> Result<String, Failed> {
    let mut own = own.clone();
    let mut content: Vec<OtherAttribute> = Vec::new();
    for attribute in attributes {
        let value = &attribute.value;
        if matches!(value, AttributeValue::Name(_)) {
            own.attributes.push(value.clone().into());
            continue;
        }
        let name = value.name();
        let Some(row) = rules(ObjectType::Template, name).filter(|row| row.set_by == SetBy::Client) else {
            let why = format!("a template cannot hand on the attribute {name}");
            return Err(Failed::new(ResultReason::INVALID_FIELD, why));
        };
        refuse_value(value)?;
        let before = content.iter().filter(|other| other.name == name).count();
        if before > 0 && row.instances == Instances::One {
            return Err(Failed::new(ResultReason::INVALID_FIELD, format!("the attribute {name} is given twice")));
        }
        content.push(kept(u32::try_from(before).unwrap_or(u32::MAX), value));
    }
    let wishes = Wishes::read(request.operations, &own, ObjectType::Template)?;
    let id = keep_template(request.operations, wishes, content)?;
    *request.placeholder = Some(id.clone());
    Ok(id)
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
fn agree(wishes: &mut Wishes, block: &KeyBlock, material: &[u8]) -> Result<(), Failed> {
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
    if wishes.object_type != ObjectType::SymmetricKey {
        return Ok(());
    }
    let bits = u32::try_from(material.len() * 8).unwrap_or(u32::MAX);
    // Of each byte of a key for DES, seven bits count.
    let des = matches!(wishes.algorithm, Some(CryptographicAlgorithm::DES | CryptographicAlgorithm::TRIPLE_DES));
    let counted = bits / 8 * 7;
    if des && wishes.length_bits == Some(counted) {
        return Ok(());
    }
    if wishes.length_bits.is_some_and(|stated| stated != bits) {
        let why = format!("the Cryptographic Length is not that of the key material, which has {bits} bits");
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    wishes.algorithm = wishes.algorithm.or(Some(CryptographicAlgorithm::AES));
    wishes.length_bits = Some(bits);
    Ok(())
}
