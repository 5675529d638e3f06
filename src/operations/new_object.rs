//! What Create and Register share: reading the template, wrapping the material, and storing the key.
//!
//! Invariant: an identifier leaves only after its key is durable.

use crate::keys::{ManagedObject, ObjectType, Secret, WrappedKey, new_identifier};
use crate::kmip::enums::{CryptographicAlgorithm, ResultReason};
use crate::kmip::payload::TemplateAttribute;
use crate::kmip::{Attribute, AttributeValue};
use crate::kms::{Call, Class};
use crate::operator::Failure;

use super::{Failed, Operations};

/// What a client asks a new object to be.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) algorithm: Option<CryptographicAlgorithm>,
    pub(super) length_bits: Option<u32>,
    pub(super) usage_mask: Option<u32>,
    activation_date: Option<i64>,
    names: Vec<String>,
}

impl Wishes {
    pub(super) fn read(template: &TemplateAttribute) -> Result<Self, Failed> {
        if !template.names.is_empty() {
            let why = "this server keeps no templates; state the attributes instead";
            return Err(Failed::new(ResultReason::INVALID_FIELD, why));
        }
        let mut wishes = Wishes::default();
        for (index, attribute) in template.attributes.iter().enumerate() {
            let before = template.attributes.iter().take(index);
            // KMIP 1.4 section 3: of these, only Name may have several instances.
            if !matches!(attribute.value, AttributeValue::Name(_)) && names(before).any(|name| name == attribute.name())
            {
                let why = format!("the attribute {} is given twice", attribute.name());
                return Err(Failed::new(ResultReason::INVALID_FIELD, why));
            }
            match &attribute.value {
                AttributeValue::CryptographicAlgorithm(algorithm) => wishes.algorithm = Some(*algorithm),
                AttributeValue::CryptographicLength(bits) => {
                    wishes.length_bits = Some(positive(*bits, attribute.name())?)
                }
                AttributeValue::CryptographicUsageMask(mask) => {
                    wishes.usage_mask = Some(positive(*mask, attribute.name())?)
                }
                AttributeValue::ActivationDate(date) => wishes.activation_date = Some(*date),
                AttributeValue::Name(name) => wishes.names.push(name.value.clone()),
                // Older releases of Percona Server send an empty one with every key.
                AttributeValue::ObjectGroup(group) if group.is_empty() => {}
                other => {
                    let why = format!("a new object cannot be given the attribute {}", other.name());
                    return Err(Failed::new(ResultReason::INVALID_FIELD, why));
                }
            }
        }
        Ok(wishes)
    }
}

fn names<'a>(attributes: impl Iterator<Item = &'a Attribute>) -> impl Iterator<Item = &'a str> {
    attributes.map(Attribute::name)
}

/// A number that cannot be negative.
pub(super) fn positive(number: i32, name: &str) -> Result<u32, Failed> {
    u32::try_from(number)
        .map_err(|_| Failed::new(ResultReason::INVALID_FIELD, format!("the attribute {name} is negative: {number}")))
}

/// Wraps the material under the customer's key, stores it, and returns the new identifier.
pub(super) async fn keep(
    operations: &Operations,
    object_type: ObjectType,
    wishes: Wishes,
    material: &Secret,
) -> Result<String, Failed> {
    let now = operations.now();
    let id = new_identifier(&*operations.env.crypto).map_err(|error| {
        let mut failure = Failure::new(Class::FileUnavailable, "(new)", operations.provider);
        failure.detail = Some(format!("no random bytes for a new identifier: {error}"));
        operations.tell(&failure)
    })?;
    let kms = &operations.kms;
    let wrapping = operations
        .layout
        .wrapping_for_new_keys(operations.kms_key.as_deref())
        .map_err(|error| operations.tell(&Failure::of_layout(&id, operations.provider, &error)))?;

    let cmk = wrapping.master_key.cmk(&wrapping.credentials.credentials);
    let region = wrapping.master_key.region(&wrapping.credentials.credentials);
    let context = std::collections::BTreeMap::new();
    let credentials = &wrapping.credentials;
    let call = Call {
        key_id: &id,
        credentials: &credentials.credentials,
        cmk: &cmk,
        region: region.as_deref(),
        context: &context,
    };
    let wrapped = kms.wrap(call, material).await.map_err(|error| {
        let failure = Failure::of_kms(&id, &error).with_credentials(credentials);
        operations.tell(&failure)
    })?;

    let mut object = ManagedObject::new(id.clone(), object_type, now);
    object.algorithm = wishes.algorithm.map(|algorithm| algorithm.0);
    object.length_bits = wishes.length_bits;
    object.usage_mask = wishes.usage_mask.unwrap_or(0);
    object.activation_date = wishes.activation_date;
    object.names = wishes.names;
    object.pass_to(now);
    let key = WrappedKey {
        object,
        master_key: wrapping.master_key.of_version(wrapped.key_version),
        encryption_context: context,
        credentials_of: wrapping.credentials_of,
        wrapped: Some(wrapped.ciphertext),
    };
    operations.layout.store(&key).map_err(|error| {
        let failure = Failure::of_layout(&id, operations.provider, &error);
        operations.tell(&failure.with_files(operations.layout.files_of(&id)))
    })?;
    Ok(id)
}
