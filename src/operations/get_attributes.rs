//! Get Attributes (KMIP 1.4 section 4.12): what is known of an object.
//!
//! Percona Server asks for State before it asks for a key, and every 900 seconds afterwards. No cloud is asked: the state
//! is in the key file.

use std::borrow::Cow;

use crate::keys::{ManagedObject, ObjectType};
use crate::kmip::enums::{CryptographicAlgorithm, NameType, ObjectType as WireType, RevocationReasonCode, State};
use crate::kmip::payload::GetAttributes;
use crate::kmip::{Attribute, AttributeValue, Name, ResponsePayload, RevocationReason, attribute_name};

use super::{Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &GetAttributes<'_>) -> Outcome {
    let id = request.meant(payload.unique_identifier)?;
    let key = request.operations.find(id)?;
    let mut attributes = attributes(&key.object);
    attributes.retain(|attribute| {
        let asked = payload.attribute_names.is_empty() || payload.attribute_names.contains(&attribute.name());
        asked && attribute_name::allowed_in(attribute.name(), request.header.version)
    });
    Ok(ResponsePayload::GetAttributes { unique_identifier: Cow::Owned(id.to_owned()), attributes })
}

/// The attributes that an object has here, in the order of the standard's chapter 3.
pub(super) fn attributes(object: &ManagedObject) -> Vec<Attribute> {
    let mut values = vec![AttributeValue::UniqueIdentifier(object.unique_identifier.clone())];
    for name in &object.names {
        let name = Name { value: name.clone(), name_type: NameType::UNINTERPRETED_TEXT_STRING };
        values.push(AttributeValue::Name(name));
    }
    values.push(AttributeValue::ObjectType(match object.object_type {
        ObjectType::SymmetricKey => WireType::SYMMETRIC_KEY,
        ObjectType::SecretData { .. } => WireType::SECRET_DATA,
    }));
    values
        .extend(object.algorithm.map(|number| AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm(number))));
    values
        .extend(object.length_bits.and_then(|bits| i32::try_from(bits).ok()).map(AttributeValue::CryptographicLength));
    values.extend(i32::try_from(object.usage_mask).ok().map(AttributeValue::CryptographicUsageMask));
    values.push(AttributeValue::State(State(object.state.number())));
    values.push(AttributeValue::InitialDate(object.initial_date));
    values.extend(object.activation_date.map(AttributeValue::ActivationDate));
    values.extend(object.deactivation_date.map(AttributeValue::DeactivationDate));
    values.extend(object.destroy_date.map(AttributeValue::DestroyDate));
    values.extend(object.compromise_occurrence_date.map(AttributeValue::CompromiseOccurrenceDate));
    values.extend(object.compromise_date.map(AttributeValue::CompromiseDate));
    values.extend(object.revocation.as_ref().map(|revocation| {
        let code = RevocationReasonCode(revocation.code);
        AttributeValue::RevocationReason(RevocationReason { code, message: revocation.message.clone() })
    }));
    values.push(AttributeValue::LastChangeDate(object.last_change_date));
    values.into_iter().map(Attribute::from).collect()
}
