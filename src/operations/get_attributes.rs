//! Get Attributes (KMIP 1.4 section 4.12): what is known of an object.
//!
//! Percona Server asks for State before it asks for a key, and every 900 seconds afterwards. No cloud is asked: the state
//! is in the key file.

use std::borrow::Cow;

use crate::kmip::enums::ResultReason;
use crate::kmip::payload::GetAttributes;
use crate::kmip::{Attribute, ResponsePayload, attribute_name};

use super::attributes::held;
use super::{Failed, Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &GetAttributes<'_>) -> Outcome {
    let id = request.meant(payload.unique_identifier)?;
    let names = &payload.attribute_names;
    if let Some((_, twice)) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
        // KMIP 1.4 section 11.13.
        let why = format!("the Attribute Name {twice} is given more than once");
        return Err(Failed::new(ResultReason::INVALID_MESSAGE, why));
    }
    let key = request.operations.find(id)?;
    let mut attributes: Vec<Attribute> = held(&key.object)
        .into_iter()
        .filter(|attribute| attribute_name::allowed_in(attribute.name(), request.header.version))
        .collect();
    if !names.is_empty() {
        attributes.retain(|attribute| names.contains(&attribute.name()));
        // As they were asked for; the standard's cases are answered so.
        attributes.sort_by_key(|attribute| names.iter().position(|name| *name == attribute.name()));
    }
    Ok(ResponsePayload::GetAttributes { unique_identifier: Cow::Owned(id.to_owned()), attributes })
}
