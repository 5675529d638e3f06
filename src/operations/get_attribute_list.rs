//! Get Attribute List (KMIP 1.4 section 4.13): the names of the attributes that an object has, each once.
//!
//! No cloud is asked: they are in the key file.

use std::borrow::Cow;

use crate::kmip::payload::GetAttributeList;
use crate::kmip::{ResponsePayload, attribute_name};

use super::attributes::held;
use super::{Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &GetAttributeList<'_>) -> Outcome {
    let id = request.meant(payload.unique_identifier)?;
    let key = request.operations.find(id)?;
    let mut attribute_names: Vec<String> = Vec::new();
    for attribute in held(&key.object) {
        let name = attribute.name();
        if attribute_name::allowed_in(name, request.header.version) && !attribute_names.iter().any(|had| had == name) {
            attribute_names.push(name.to_owned());
        }
    }
    Ok(ResponsePayload::GetAttributeList { unique_identifier: Cow::Owned(id.to_owned()), attribute_names })
}
