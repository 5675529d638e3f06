//! Locate (KMIP 1.4 section 4.9): the identifiers of the objects that have certain attributes, the newest first.
//!
//! Older releases of Percona Server look for their key by its name, and make a new one where there is none. No cloud is
//! asked, and nothing is opened: the attributes are in the key files.
//!
//! Invariant: a key file that cannot be read hides no other object, and "there is none" is never said while such a file,
//! or a key of another provider, may be what is sought.

use std::cmp::Reverse;

use crate::keys::{Listing, ManagedObject};
use crate::kmip::enums::{ObjectGroupMember, ResultReason};
use crate::kmip::payload::Locate;
use crate::kmip::{Attribute, AttributeValue, ResponsePayload, tag};
use crate::operator::Failure;

use super::attributes::held;
use super::{Failed, Operations, Outcome, Request};

/// The bit of the Storage Status Mask for objects that are on-line (KMIP 1.4 section 9.1.3.3.2). All here are.
const ON_LINE: i32 = 1;

pub(super) async fn run(request: &mut Request<'_>, payload: &Locate) -> Outcome {
    let operations = request.operations;
    let maximum = count(payload.maximum_items, "Maximum Items")?;
    let offset = count(payload.offset_items, "Offset Items")?.unwrap_or(0);
    let wanted = Wanted::read(payload)?;
    // No object here is archived.
    let mut found = Vec::new();
    if payload.storage_status_mask.unwrap_or(ON_LINE) & ON_LINE != 0 {
        found = matching(operations, &wanted)?;
    }
    let all = found.len();
    let located: Vec<String> = found.into_iter().skip(offset).take(maximum.unwrap_or(usize::MAX)).collect();
    // Of several objects that match, none may be taken for the one that the batch goes on with.
    let only = located.first().filter(|_| located.len() == 1 && (all == 1 || maximum == Some(1)));
    *request.placeholder = only.cloned();
    let counted = tag::allowed_in(tag::LOCATED_ITEMS, request.header.version);
    Ok(ResponsePayload::Locate {
        located_items: counted.then(|| i32::try_from(all).unwrap_or(i32::MAX)),
        unique_identifiers: located,
    })
}

/// A number of items.
fn count(number: Option<i32>, field: &str) -> Result<Option<usize>, Failed> {
    let negative = |number| Failed::new(ResultReason::INVALID_FIELD, format!("{field} is negative: {number}"));
    number.map(|number| usize::try_from(number).map_err(|_| negative(number))).transpose()
}

/// The identifiers of what matches, the newest first, those of one age by identifier.
fn matching(operations: &Operations, wanted: &Wanted<'_>) -> Result<Vec<String>, Failed> {
    let Listing { mut keys, problems, of_others, .. } = operations.list()?;
    let now = operations.now();
    // They come by identifier, and the sort keeps that order among equals.
    keys.sort_by_key(|key| Reverse(key.object.initial_date));
    let mut found = Vec::new();
    for mut key in keys {
        key.object.pass_to(now);
        // What was destroyed is not on-line any more.
        if !key.object.state.is_destroyed() && wanted.matched_by(&key.object) {
            found.push(key.object.unique_identifier);
        }
    }
    let mut unread = None;
    for (id, error) in problems.iter().filter(|(id, _)| wanted.may_be(id)) {
        let failure = Failure::of_layout(id, operations.provider, error).with_files(operations.layout.files_of(id));
        unread = Some(operations.tell(&failure));
    }
    if wanted.default_member {
        // Which member is a group's default is the server's choice: here it is the one that has been in it longest.
        found.drain(..found.len().saturating_sub(1));
    }
    if !found.is_empty() {
        return Ok(found);
    }
    // Beside a key that can be had, those of other providers are nobody's trouble.
    let mut elsewhere = of_others.into_iter().filter(|(key, _)| {
        let object = &key.object;
        !object.state.is_destroyed() && wanted.matched_by(object)
    });
    if let Some((key, path)) = elsewhere.next() {
        let belongs_to = key.master_key.provider();
        let failure = Failure::of_other_provider(key.id(), operations.provider, belongs_to, path);
        return Err(operations.tell(&failure));
    }
    unread.map_or(Ok(found), Err)
}

/// What an object must have and be, all of it.
struct Wanted<'a> {
    attributes: &'a [Attribute],
    /// No client has been given it yet.
    fresh: bool,
    /// It is the default member of its group.
    default_member: bool,
    /// A member of a group is sought, and no group is named: nothing matches.
    nothing: bool,
}

impl<'a> Wanted<'a> {
    fn read(payload: &'a Locate) -> Result<Self, Failed> {
        let member = payload.object_group_member;
        let attributes = payload.attributes.as_slice();
        let grouped = attributes.iter().any(|attribute| matches!(attribute.value, AttributeValue::ObjectGroup(_)));
        let wanted = Wanted {
            attributes,
            fresh: member == Some(ObjectGroupMember::GROUP_MEMBER_FRESH),
            default_member: member == Some(ObjectGroupMember::GROUP_MEMBER_DEFAULT),
            nothing: member.is_some() && !grouped,
        };
        for attribute in attributes {
            if date(&attribute.value).is_some() && wanted.dates(attribute).count() > 2 {
                let why = format!("the {} is given more than twice: two values are a range", attribute.name());
                return Err(Failed::new(ResultReason::INVALID_FIELD, why));
            }
        }
        Ok(wanted)
    }

    /// The values of the date that bears this attribute's name.
    fn dates(&self, like: &Attribute) -> impl Iterator<Item = i64> {
        self.attributes.iter().filter(|other| other.name() == like.name()).filter_map(|other| date(&other.value))
    }

    fn matched_by(&self, object: &ManagedObject) -> bool {
        if self.nothing || (self.fresh && object.fresh != Some(true)) {
            return false;
        }
        let held = held(object);
        self.attributes.iter().all(|wanted| {
            let mut held = held.iter().filter(|held| held.name() == wanted.name()).map(|held| &held.value);
            match &wanted.value {
                // A range; one value is a range of one. The last date of all means: no such date.
                value if date(value).is_some() => match (self.dates(wanted).min(), self.dates(wanted).max()) {
                    (Some(i64::MAX), _) => held.next().is_none(),
                    (first, last) => held.any(|held| date(held) >= first && date(held) <= last),
                },
                // All bits that are wanted, and perhaps others.
                AttributeValue::CryptographicUsageMask(wanted) => held.any(
                    |held| matches!(held, AttributeValue::CryptographicUsageMask(held) if held & wanted == *wanted),
                ),
                wanted => held.any(|held| held == wanted),
            }
        })
    }

    /// Whether an object of which only the identifier is known may be wanted.
    fn may_be(&self, id: &str) -> bool {
        self.attributes.iter().all(|wanted| match &wanted.value {
            AttributeValue::UniqueIdentifier(wanted) => wanted == id,
            _ => true,
        })
    }
}

/// The value of an attribute that is a date.
fn date(value: &AttributeValue) -> Option<i64> {
    match value {
        AttributeValue::InitialDate(date)
        | AttributeValue::ActivationDate(date)
        | AttributeValue::DeactivationDate(date)
        | AttributeValue::DestroyDate(date)
        | AttributeValue::CompromiseOccurrenceDate(date)
        | AttributeValue::CompromiseDate(date)
        | AttributeValue::ProcessStartDate(date)
        | AttributeValue::ProtectStopDate(date)
        | AttributeValue::OriginalCreationDate(date)
        | AttributeValue::LastChangeDate(date) => Some(*date),
        _ => None,
    }
}
