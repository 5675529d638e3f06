//! Delete Attribute (KMIP 1.4 section 4.16): an attribute that a client gave and now takes away.
//!
//! The indices of the others of its name stay as they are. No cloud is asked: attributes stand in the key file.

use std::borrow::Cow;

use crate::kmip::ResponsePayload;
use crate::kmip::payload::DeleteAttribute;

use super::attributes;
use super::transition::change;
use super::{Outcome, Request, destroyed};

pub(super) async fn run(request: &mut Request<'_>, payload: &DeleteAttribute<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let found = operations.find(id)?;
    if found.object.state.is_destroyed() {
        return Err(destroyed(id));
    }
    let attribute = change(operations, id, |key, now| {
        attributes::delete(&mut key.object, payload.attribute_name, payload.attribute_index, now)
    })?;
    Ok(ResponsePayload::DeleteAttribute { unique_identifier: Cow::Owned(id.to_owned()), attribute })
}
