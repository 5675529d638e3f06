//! Add Attribute (KMIP 1.4 section 4.14): one more attribute of an object, where the rules of that attribute allow it.
//!
//! The server gives it its Attribute Index. Whether a Name is free is asked within the change, so that of two requests of one
//! moment one gets it. No cloud is asked: attributes stand in the key file.

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
        attributes::add(&mut key.object, attribute, now)
    })?;
    Ok(ResponsePayload::AddAttribute { unique_identifier: Cow::Owned(id.to_owned()), attribute })
}
