//! What Create and Register share: reading what the object shall be, wrapping the material, and storing the key.
//!
//! Attributes come from the templates that are named and from the request; of those that an object has only one of, the
//! request's wins. The rules of each are in the table in `kmip`, the errors in KMIP 1.4 sections 11.2 and 11.4.
//!
//! Invariant: an identifier leaves only after its key is durable.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};

use crate::keys::{
    ManagedObject, MaterialDigest, ObjectType, OtherAttribute, Secret, UpdateError, WrappedKey, Wrapping,
    new_identifier,
};
use crate::kmip::attribute_name::{Instances, SetBy};
use crate::kmip::enums::{CryptographicAlgorithm, HashingAlgorithm, KeyFormatType, ResultReason, SecretDataType};
use crate::kmip::payload::TemplateAttribute;
use crate::kmip::{Attribute, AttributeValue, Name};
use crate::kms::{Call, Class, Wrapped};
use crate::operator::Failure;

use super::attributes::{give, handed_on, refuse_disorder, refuse_taken, refuse_taken_names, refuse_value, rules};
use super::{Failed, Operations};

/// What a client asks a new object to be.
#[derive(Debug)]
pub(super) struct Wishes {
    pub(super) object_type: ObjectType,
    pub(super) algorithm: Option<CryptographicAlgorithm>,
    pub(super) length_bits: Option<u32>,
    pub(super) usage_mask: Option<u32>,
    /// All others, in the order of the templates and of the request.
    attributes: Vec<AttributeValue>,
}

/// The material of a new object.
#[derive(Debug)]
pub(super) struct Material {
    pub(super) secret: Secret,
    pub(super) format: KeyFormatType,
    /// The kind of generator that drew it, where that was here.
    pub(super) drawn_by: Option<u32>,
}

impl Wishes {
    pub(super) fn read(
        operations: &Operations,
        template: &TemplateAttribute,
        object_type: ObjectType,
    ) -> Result<Self, Failed> {
        let mut values = from_templates(operations, &template.names)?;
        values.retain(|value| rules(object_type, value.name()).is_some());
        let own = template.attributes.iter().map(|attribute| &attribute.value);
        for (place, value) in own.clone().enumerate() {
            let Some(row) = rules(object_type, value.name()).filter(|row| row.set_by == SetBy::Client) else {
                let why = format!("a new object cannot be given the attribute {}", value.name());
                return Err(Failed::new(ResultReason::INVALID_FIELD, why));
            };
            if row.instances == Instances::One {
                if own.clone().take(place).any(|other| other.name() == value.name()) {
                    let why = format!("the attribute {} is given twice", value.name());
                    return Err(Failed::new(ResultReason::INVALID_FIELD, why));
                }
                values.retain(|other| other.name() != value.name());
            }
            values.push(value.clone());
        }
        let mut wishes = Wishes {
            object_type,
            algorithm: None,
            length_bits: None,
            usage_mask: None,
            attributes: Vec::with_capacity(values.len()),
        };
        for value in values {
            refuse_value(&value)?;
            match &value {
                AttributeValue::CryptographicAlgorithm(algorithm) => wishes.algorithm = Some(*algorithm),
                AttributeValue::CryptographicLength(bits) => {
                    wishes.length_bits = Some(positive(*bits, value.name())?);
                }
                AttributeValue::CryptographicUsageMask(mask) => {
                    wishes.usage_mask = Some(positive(*mask, value.name())?);
                }
                // Older releases of Percona Server send an empty one with every key.
                AttributeValue::ObjectGroup(group) if group.is_empty() => {}
                _ => wishes.attributes.push(value),
            }
        }
        for value in &wishes.attributes {
            refuse_taken(operations, value, None, ResultReason::INVALID_FIELD)?;
        }
        Ok(wishes)
    }

    /// The new object, not active yet unless a date says so.
    fn into_object(self, id: String, now: i64, material: Option<&Material>) -> Result<ManagedObject, Failed> {
        let mut object = ManagedObject::new(id, self.object_type, now);
        object.algorithm = self.algorithm.map(|algorithm| algorithm.0);
        object.length_bits = self.length_bits;
        object.usage_mask = self.usage_mask.unwrap_or(0);
        for value in self.attributes {
            give(&mut object, value)?;
        }
        refuse_disorder(&object)?;
        if let Some(material) = material {
            object.fresh = object.fresh.or(Some(true));
            object.protection.always_sensitive = object.protection.sensitive;
            object.protection.never_extractable = !object.protection.extractable;
            object.digest = digest_of(object.object_type, material);
            object.random_number_generator = material.drawn_by;
            if material.drawn_by.is_some() {
                object.original_creation_date = Some(now);
            }
        }
        object.pass_to(now);
        Ok(object)
    }
}

/// KMIP 1.4 section 3.17. The digest rests unencrypted in the key file, so that a password, which somebody might guess, has
/// none.
fn digest_of(object_type: ObjectType, material: &Material) -> Option<MaterialDigest> {
    let guessable = matches!(object_type, ObjectType::SecretData { kind } if kind == SecretDataType::PASSWORD.0);
    (!guessable).then(|| MaterialDigest {
        hashing_algorithm: HashingAlgorithm::SHA_256.0,
        key_format_type: material.format.0,
        value: digest(&SHA256, material.secret.expose()).as_ref().to_vec(),
    })
}

/// What the named templates hand on. Of attributes that an object has only one of, the last template's counts.
fn from_templates(operations: &Operations, names: &[Name]) -> Result<Vec<AttributeValue>, Failed> {
    let mut values: Vec<AttributeValue> = Vec::new();
    if names.is_empty() {
        return Ok(values);
    }
    let listing = operations.list()?;
    for name in names {
        let bears = |key: &&WrappedKey| {
            let object = &key.object;
            object.object_type == ObjectType::Template
                && !object.state.is_destroyed()
                && object.names.iter().any(|other| other.value == name.value && other.kind == name.name_type.0)
        };
        let Some(template) = listing.keys.iter().find(bears) else {
            // A file that cannot be read may be the template.
            let unread = listing.problems.first().map(|(id, error)| {
                let failure = Failure::of_layout(id, operations.provider, error);
                operations.tell(&failure.with_files(operations.layout.files_of(id)))
            });
            let why = format!("there is no template of the Name {:?}", name.value);
            return Err(unread.unwrap_or_else(|| Failed::new(ResultReason::ITEM_NOT_FOUND, why)));
        };
        for Attribute { value, .. } in handed_on(&template.object) {
            let one = |other: &AttributeValue| {
                other.name() == value.name()
                    && rules(ObjectType::Template, value.name()).is_some_and(|row| row.instances == Instances::One)
            };
            values.retain(|other| !one(other));
            values.push(value);
        }
    }
    Ok(values)
}

/// A number that cannot be negative.
pub(super) fn positive(number: i32, name: &str) -> Result<u32, Failed> {
    u32::try_from(number)
        .map_err(|_| Failed::new(ResultReason::INVALID_FIELD, format!("the attribute {name} is negative: {number}")))
}

/// Wraps the material under the customer's key, stores it, and returns the new identifier.
pub(super) async fn keep(operations: &Operations, wishes: Wishes, material: &Material) -> Result<String, Failed> {
    let id = identifier(operations)?;
    let object = wishes.into_object(id.clone(), operations.now(), Some(material))?;
    let kms = &operations.kms;
    let wrapping = wrapping(operations, &id)?;
    let cmk = wrapping.master_key.cmk(&wrapping.credentials.credentials);
    let region = wrapping.master_key.region(&wrapping.credentials.credentials);
    let context = BTreeMap::new();
    let credentials = &wrapping.credentials;
    let call = Call {
        key_id: &id,
        credentials: &credentials.credentials,
        cmk: &cmk,
        region: region.as_deref(),
        context: &context,
    };
    let wrapped = kms.wrap(call, &material.secret).await.map_err(|error| {
        let failure = Failure::of_kms(&id, &error).with_credentials(credentials);
        operations.tell(&failure)
    })?;
    store(operations, object, wrapping, Some(wrapped))?;
    Ok(id)
}

/// Stores a template, which has no material to wrap, and returns the new identifier.
pub(super) fn keep_template(
    operations: &Operations,
    wishes: Wishes,
    content: Vec<OtherAttribute>,
) -> Result<String, Failed> {
    let id = identifier(operations)?;
    let mut object = wishes.into_object(id.clone(), operations.now(), None)?;
    object.template = content;
    // Its file names the provider and the CMK all the same, as every key file does.
    let wrapping = wrapping(operations, &id)?;
    store(operations, object, wrapping, None)?;
    Ok(id)
}

fn identifier(operations: &Operations) -> Result<String, Failed> {
    new_identifier(&*operations.env.crypto).map_err(|error| {
        let mut failure = Failure::new(Class::FileUnavailable, "(new)", operations.provider);
        failure.detail = Some(format!("no random bytes for a new identifier: {error}"));
        operations.tell(&failure)
    })
}

fn wrapping(operations: &Operations, id: &str) -> Result<Wrapping, Failed> {
    operations
        .layout
        .wrapping_for_new_keys(operations.kms_key.as_deref())
        .map_err(|error| operations.tell(&Failure::of_layout(id, operations.provider, &error)))
}

fn store(
    operations: &Operations,
    object: ManagedObject,
    wrapping: Wrapping,
    wrapped: Option<Wrapped>,
) -> Result<(), Failed> {
    let object = ManagedObject { owner: operations.client.clone(), ..object };
    let master_key = match &wrapped {
        Some(wrapped) => wrapping.master_key.of_version(wrapped.key_version.clone()),
        None => wrapping.master_key,
    };
    let key = WrappedKey {
        object,
        master_key,
        encryption_context: BTreeMap::new(),
        credentials_of: wrapping.credentials_of,
        wrapped: wrapped.map(|wrapped| wrapped.ciphertext),
    };
    // Another request may have taken a Name while this key was being wrapped.
    let mut refused = None;
    let stored = operations.layout.store_if(&key, &mut || {
        refuse_taken_names(operations, &key.object, ResultReason::INVALID_FIELD).map_err(|failed| {
            refused = Some(failed);
            UpdateError::Abandoned
        })
    });
    match (stored, refused) {
        (Ok(_), _) => Ok(()),
        (Err(_), Some(failed)) => Err(failed),
        (Err(UpdateError::Layout(error)), None) => {
            let failure = Failure::of_layout(key.id(), operations.provider, &error);
            Err(operations.tell(&failure.with_files(operations.layout.files_of(key.id()))))
        }
        (Err(error), None) => Err(Failed::new(ResultReason::GENERAL_FAILURE, error.to_string())),
    }
}
