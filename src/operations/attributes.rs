//! The attributes of an object: which it has, and what clients may do to them (KMIP 1.4 chapter 3).
//!
//! Get Attributes, Get Attribute List and Locate read [`held`]; Create and Register [`give`]; Add, Modify and Delete
//! Attribute ask the table of rules in `kmip` first. Errors are those of the tables in the standard's sections 11.15 to
//! 11.17.
//!
//! Invariant: what only the server sets never comes from a client, and a refusal has changed nothing.

use crate::keys::{ManagedObject, ObjectName, ObjectType, OtherAttribute, State};
use crate::kmip::attribute_name::{self, ATTRIBUTES, AttributeRow, Delete, Instances, Modify};
use crate::kmip::enums::{
    CryptographicAlgorithm, HashingAlgorithm, KeyFormatType, NameType, ObjectType as WireType, ResultReason,
    RevocationReasonCode, RngAlgorithm, State as WireState,
};
use crate::kmip::{Attribute, AttributeValue, Digest, Name, RandomNumberGenerator, RevocationReason};

use super::{Failed, Operations};

/// For how long a client may use an object without asking again, in seconds: an hour. Nothing follows from it here.
pub(super) const LEASE_TIME: u32 = 3600;

/// The most attributes of one name that an object may have.
const MOST_INSTANCES: usize = 64;

/// The most attributes of all names that are kept for clients: a key file is read as a whole with each request.
const MOST_ATTRIBUTES: usize = 512;

/// The attributes that an object has, in the order of the standard's chapter 3, custom ones last.
pub(super) fn held(object: &ManagedObject) -> Vec<Attribute> {
    let mut values = vec![AttributeValue::UniqueIdentifier(object.unique_identifier.clone()).into()];
    values.extend(object.names.iter().map(|name| {
        let value = Name { value: name.value.clone(), name_type: NameType(name.kind) };
        indexed(name.index, AttributeValue::Name(value))
    }));
    let mut one = |value: AttributeValue| values.push(indexed(0, value));
    one(AttributeValue::ObjectType(WireType(object.object_type.number())));
    if object.object_type.has_material() {
        of_material(object, &mut one);
    }
    one(AttributeValue::LeaseTime(LEASE_TIME));
    one(AttributeValue::InitialDate(object.initial_date));
    one(AttributeValue::LastChangeDate(object.last_change_date));
    values.extend(object.attributes.iter().filter_map(stored));
    values.sort_by_key(|attribute| place(attribute.name()));
    values
}

/// What only objects with key material have.
fn of_material(object: &ManagedObject, one: &mut impl FnMut(AttributeValue)) {
    let date = |date: Option<i64>, variant: fn(i64) -> AttributeValue| date.map(variant);
    let bits = object.length_bits.and_then(|bits| i32::try_from(bits).ok());
    let protection = object.protection;
    let there = [
        object.algorithm.map(|number| AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm(number))),
        bits.map(AttributeValue::CryptographicLength),
        object.digest.as_ref().map(|digest| {
            AttributeValue::Digest(Digest {
                hashing_algorithm: HashingAlgorithm(digest.hashing_algorithm),
                digest_value: digest.value.clone(),
                key_format_type: Some(KeyFormatType(digest.key_format_type)),
            })
        }),
        i32::try_from(object.usage_mask).ok().map(AttributeValue::CryptographicUsageMask),
        Some(AttributeValue::State(WireState(object.state.number()))),
        date(object.activation_date, AttributeValue::ActivationDate),
        date(object.process_start_date, AttributeValue::ProcessStartDate),
        date(object.protect_stop_date, AttributeValue::ProtectStopDate),
        date(object.deactivation_date, AttributeValue::DeactivationDate),
        date(object.destroy_date, AttributeValue::DestroyDate),
        date(object.compromise_occurrence_date, AttributeValue::CompromiseOccurrenceDate),
        date(object.compromise_date, AttributeValue::CompromiseDate),
        object.revocation.as_ref().map(|revocation| {
            let code = RevocationReasonCode(revocation.code);
            AttributeValue::RevocationReason(RevocationReason { code, message: revocation.message.clone() })
        }),
        object.fresh.map(AttributeValue::Fresh),
        date(object.original_creation_date, AttributeValue::OriginalCreationDate),
        object.random_number_generator.map(|number| {
            let rng_algorithm = RngAlgorithm(number);
            AttributeValue::RandomNumberGenerator(RandomNumberGenerator { rng_algorithm })
        }),
        Some(AttributeValue::Sensitive(protection.sensitive)),
        Some(AttributeValue::AlwaysSensitive(protection.always_sensitive)),
        Some(AttributeValue::Extractable(protection.extractable)),
        Some(AttributeValue::NeverExtractable(protection.never_extractable)),
    ];
    there.into_iter().flatten().for_each(one);
}

/// KMIP 1.4 section 2.1.1 leaves the index optional, and an attribute without one is the first of its name. An attribute
/// of which an object may have several says it all the same, as the server does that most clients were tried with.
fn indexed(index: u32, value: AttributeValue) -> Attribute {
    let many = attribute_name::row(value.name()).is_some_and(|row| row.instances == Instances::Many);
    Attribute { index: i32::try_from(index).ok().filter(|_| many), value }
}

/// An attribute that was kept. One that cannot be read any more is not worth failing for.
fn stored(attribute: &OtherAttribute) -> Option<Attribute> {
    let value = AttributeValue::from_encoded(&attribute.name, &attribute.value).ok()?;
    Some(indexed(attribute.index, value))
}

/// What a template hands on, as it came: clients give the first of a name no index.
pub(super) fn handed_on(template: &ManagedObject) -> Vec<Attribute> {
    let as_it_came = |held: Attribute| Attribute { index: held.index.filter(|index| *index != 0), ..held };
    template.template.iter().filter_map(stored).map(as_it_came).collect()
}

/// An attribute as it is kept.
pub(super) fn kept(index: u32, value: &AttributeValue) -> OtherAttribute {
    OtherAttribute { name: value.name().to_owned(), index, value: value.to_encoded() }
}

/// Where an attribute stands among the others.
fn place(name: &str) -> usize {
    ATTRIBUTES.iter().position(|row| row.name == name).unwrap_or(ATTRIBUTES.len())
}

/// The bit of an object's type in the table of rules.
pub(super) fn bit(object_type: ObjectType) -> u8 {
    match object_type {
        ObjectType::SymmetricKey => attribute_name::KEY,
        ObjectType::SecretData { .. } => attribute_name::SECRET,
        ObjectType::Template => attribute_name::TEMPLATE,
    }
}

/// The rules for an attribute of an object of such a type, if it may have one.
pub(super) fn rules(object_type: ObjectType, name: &str) -> Option<&'static AttributeRow> {
    attribute_name::row(name).filter(|row| row.objects & bit(object_type) != 0)
}

/// The attributes of one name.
fn of_name(object: &ManagedObject, name: &str) -> Vec<Attribute> {
    held(object).into_iter().filter(|held| held.name() == name).collect()
}

/// Gives an object one more attribute, whatever the rules say of clients. Returns it with its index.
pub(super) fn give(object: &mut ManagedObject, value: AttributeValue) -> Result<Attribute, Failed> {
    let row = attribute_name::row(value.name());
    let mut index = 0;
    if row.is_some_and(|row| row.instances == Instances::Many) {
        let others = of_name(object, value.name());
        let next = others.iter().map(|other| other.index.unwrap_or(0) + 1).max().unwrap_or(0);
        index = u32::try_from(next).unwrap_or(u32::MAX);
        if others.len() >= MOST_INSTANCES || object.attributes.len() >= MOST_ATTRIBUTES {
            let why = format!("the object has as many attributes {} as this server keeps", value.name());
            return Err(Failed::new(ResultReason::INDEX_OUT_OF_BOUNDS, why));
        }
    }
    put(object, index, &value);
    Ok(indexed(index, value))
}

/// Puts a value where it belongs, in place of the one that was there.
fn put(object: &mut ManagedObject, index: u32, value: &AttributeValue) {
    match value {
        AttributeValue::Name(name) => {
            let name = ObjectName { value: name.value.clone(), kind: name.name_type.0, index };
            match object.names.iter_mut().find(|other| other.index == index) {
                Some(other) => *other = name,
                None => object.names.push(name),
            }
        }
        AttributeValue::CryptographicAlgorithm(algorithm) => object.algorithm = Some(algorithm.0),
        AttributeValue::CryptographicLength(bits) => object.length_bits = u32::try_from(*bits).ok(),
        AttributeValue::CryptographicUsageMask(mask) => object.usage_mask = u32::try_from(*mask).unwrap_or(0),
        AttributeValue::ActivationDate(date) => object.activation_date = Some(*date),
        AttributeValue::ProcessStartDate(date) => object.process_start_date = Some(*date),
        AttributeValue::ProtectStopDate(date) => object.protect_stop_date = Some(*date),
        AttributeValue::DeactivationDate(date) => object.deactivation_date = Some(*date),
        AttributeValue::Fresh(fresh) => object.fresh = Some(*fresh),
        AttributeValue::OriginalCreationDate(date) => object.original_creation_date = Some(*date),
        AttributeValue::Sensitive(sensitive) => {
            object.protection.sensitive = *sensitive;
            object.protection.always_sensitive &= *sensitive;
        }
        AttributeValue::Extractable(extractable) => {
            object.protection.extractable = *extractable;
            object.protection.never_extractable &= !*extractable;
        }
        other => {
            let kept = kept(index, other);
            let same = |one: &&mut OtherAttribute| one.name == kept.name && one.index == index;
            match object.attributes.iter_mut().find(same) {
                Some(other) => *other = kept,
                None => object.attributes.push(kept),
            }
        }
    }
}

/// An object is activated first and deactivated last (KMIP 1.4 sections 3.24 to 3.27). Between the Process Start Date and
/// the Protect Stop Date the standard demands no order, and its cases have either.
pub(super) fn refuse_disorder(object: &ManagedObject) -> Result<(), Failed> {
    let activation = ("Activation Date", object.activation_date);
    let deactivation = ("Deactivation Date", object.deactivation_date);
    let start = ("Process Start Date", object.process_start_date);
    let stop = ("Protect Stop Date", object.protect_stop_date);
    let ordered = [(activation, start), (activation, stop), (start, deactivation), (stop, deactivation)];
    for ((earlier, first), (later, second)) in ordered.into_iter().chain([(activation, deactivation)]) {
        if first.zip(second).is_some_and(|(first, second)| first > second) {
            let why = format!("the {earlier} would come after the {later}");
            return Err(Failed::new(ResultReason::INVALID_FIELD, why));
        }
    }
    Ok(())
}

/// Refuses the values that no object here can have.
pub(super) fn refuse_value(value: &AttributeValue) -> Result<(), Failed> {
    let invalid = |why: String| Err(Failed::new(ResultReason::INVALID_FIELD, why));
    match value {
        AttributeValue::CryptographicLength(number) | AttributeValue::CryptographicUsageMask(number) if *number < 0 => {
            invalid(format!("the attribute {} is negative: {number}", value.name()))
        }
        other if other.name() == attribute_name::OPERATION_POLICY_NAME && text(other).as_deref() != Some("default") => {
            invalid("this server has the Operation Policy Name `default` only".to_owned())
        }
        _ => Ok(()),
    }
}

fn text(value: &AttributeValue) -> Option<String> {
    let encoded = value.to_encoded();
    let item = crate::ttlv::Reader::only_item(&encoded).ok()?;
    item.text_string().ok().map(str::to_owned)
}

/// Adds an attribute for a client (section 11.15).
pub(super) fn add(object: &mut ManagedObject, attribute: &Attribute, now: i64) -> Result<Attribute, Failed> {
    let name = attribute.name();
    let Some(row) = rules(object.object_type, name) else { return Err(unsupported(name)) };
    if row.instances == Instances::One && !of_name(object, name).is_empty() && row.modify != Modify::Never {
        let why = format!("the object has the attribute {name} already; use Modify Attribute");
        return Err(Failed::new(ResultReason::ILLEGAL_OPERATION, why));
    }
    refuse_change(object, row, name, now)?;
    if attribute.index.is_some() {
        let why = "the server gives a new attribute its Attribute Index";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    refuse_value(&attribute.value)?;
    let added = give(object, attribute.value.clone())?;
    settle(object, now)?;
    Ok(added)
}

/// Changes an attribute for a client (section 11.16).
pub(super) fn modify(object: &mut ManagedObject, attribute: &Attribute, now: i64) -> Result<Attribute, Failed> {
    let name = attribute.name();
    let Some(row) = rules(object.object_type, name) else { return Err(unsupported(name)) };
    refuse_change(object, row, name, now)?;
    let there = of_name(object, name);
    if there.is_empty() {
        let why = format!("the object has no attribute {name}; use Add Attribute");
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    let index = instance(&there, name, attribute.index)?;
    refuse_value(&attribute.value)?;
    put(object, index, &attribute.value);
    settle(object, now)?;
    Ok(indexed(index, attribute.value.clone()))
}

/// Takes an attribute away for a client, and returns it (section 11.17).
pub(super) fn delete(
    object: &mut ManagedObject,
    name: &str,
    index: Option<i32>,
    now: i64,
) -> Result<Attribute, Failed> {
    let there = of_name(object, name);
    let absent = || Failed::new(ResultReason::ITEM_NOT_FOUND, format!("the object has no attribute {name}"));
    let row = rules(object.object_type, name).ok_or_else(absent)?;
    if row.delete == Delete::Kept {
        let why = format!("the attribute {name} cannot be deleted");
        return Err(Failed::new(ResultReason::PERMISSION_DENIED, why));
    }
    if there.is_empty() {
        return Err(absent());
    }
    let index = instance(&there, name, index)?;
    object.names.retain(|other| name != attribute_name::NAME || other.index != index);
    object.attributes.retain(|other| other.name != name || other.index != index);
    object.last_change_date = now;
    there.into_iter().find(|other| other.index.unwrap_or(0).unsigned_abs() == index).ok_or_else(absent)
}

/// The index that a client means, which must be there.
fn instance(there: &[Attribute], name: &str, index: Option<i32>) -> Result<u32, Failed> {
    let wanted = index.unwrap_or(0);
    // Where nothing is said and the first one is gone, the first that is left is meant.
    let found = match index {
        None => there.iter().map(|held| held.index.unwrap_or(0)).min(),
        Some(_) => there.iter().map(|held| held.index.unwrap_or(0)).find(|held| *held == wanted),
    };
    found.map(i32::unsigned_abs).ok_or_else(|| {
        let why = format!("the object has no attribute {name} with the Attribute Index {wanted}");
        Failed::new(ResultReason::ITEM_NOT_FOUND, why)
    })
}

fn unsupported(name: &str) -> Failed {
    Failed::new(ResultReason::PERMISSION_DENIED, format!("such an object cannot have the attribute {name}"))
}

/// Whether a client may change the attribute now: the SHALLs of its clause in chapter 3.
fn refuse_change(object: &ManagedObject, row: &AttributeRow, name: &str, now: i64) -> Result<(), Failed> {
    let denied = |why: String| Err(Failed::new(ResultReason::PERMISSION_DENIED, why));
    let in_use = matches!(object.state, State::PreActive | State::Active);
    let come = match row.name {
        attribute_name::PROCESS_START_DATE => object.process_start_date,
        attribute_name::PROTECT_STOP_DATE => object.protect_stop_date,
        _ => None,
    };
    match row.modify {
        Modify::Always => Ok(()),
        Modify::Never => denied(format!("the attribute {name} is read-only")),
        Modify::PreActive if object.state == State::PreActive => Ok(()),
        Modify::BeforeDeactivated if in_use => Ok(()),
        Modify::BeforeItComes if in_use && come.is_none_or(|date| date > now) => Ok(()),
        Modify::BeforeItComes if in_use => denied(format!("the {name} has come, and stays as it is")),
        Modify::PreActive | Modify::BeforeDeactivated | Modify::BeforeItComes => {
            denied(format!("the {name} of an object in state {} stays as it is", object.state))
        }
    }
}

/// What a change of an attribute entails.
fn settle(object: &mut ManagedObject, now: i64) -> Result<(), Failed> {
    refuse_disorder(object)?;
    object.last_change_date = now;
    object.pass_to(now);
    Ok(())
}

/// Refuses a Name that another object bears (KMIP 1.4 section 3.2). What was destroyed bears none any more, and a key
/// file that cannot be read stands in nobody's way. Older releases of Percona Server give every key an empty Name, which
/// names nothing, so that any number of objects may have it.
pub(super) fn refuse_taken(
    operations: &Operations,
    value: &AttributeValue,
    own: Option<&str>,
    reason: ResultReason,
) -> Result<(), Failed> {
    let AttributeValue::Name(name) = value else { return Ok(()) };
    refuse_taken_name(operations, &name.value, name.name_type.0, own, reason)
}

/// The same for an object that bears its names already.
pub(super) fn refuse_taken_names(
    operations: &Operations,
    object: &ManagedObject,
    reason: ResultReason,
) -> Result<(), Failed> {
    let own = Some(object.unique_identifier.as_str());
    object.names.iter().try_for_each(|name| refuse_taken_name(operations, &name.value, name.kind, own, reason))
}

fn refuse_taken_name(
    operations: &Operations,
    name: &str,
    kind: u32,
    own: Option<&str>,
    reason: ResultReason,
) -> Result<(), Failed> {
    if name.is_empty() {
        return Ok(());
    }
    let listing = operations.list()?;
    let taken = listing.keys.iter().any(|key| {
        Some(key.id()) != own
            && !key.object.state.is_destroyed()
            && key.object.names.iter().any(|other| other.value == name && other.kind == kind)
    });
    if taken {
        return Err(Failed::new(reason, format!("another object has the Name {name:?} already")));
    }
    Ok(())
}
