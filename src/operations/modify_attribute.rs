//! Modify Attribute (KMIP 1.4 section 4.15): another value of an attribute that the object has.
//!
//! Which one, where there are several, is said by the Attribute Index. No cloud is asked: attributes stand in the key file.

use std::borrow::Cow;

use crate::kmip::ResponsePayload;
use crate::kmip::enums::ResultReason;
use crate::kmip::payload::AttributeChange;

use super::attributes;
use super::transition::change;
use super::{Outcome, Request, destroyed};

pub(super) async fn run(request: &mut Request<'_>, payload: &AttributeChange<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let found = operations.find(id)?;
    if found.object.state.is_destroyed() {
        return Err(destroyed(id));
    }
    let attribute = &payload.attribute;
    let attribute = change(operations, id, |key, now| {
        attributes::refuse_taken(operations, &attribute.value, Some(id), ResultReason::ILLEGAL_OPERATION)?;
        attributes::modify(&mut key.object, attribute, now)
    })?;
    Ok(ResponsePayload::ModifyAttribute { unique_identifier: Cow::Owned(id.to_owned()), attribute })
}
