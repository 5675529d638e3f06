//! Query (KMIP 1.4 section 4.25): what this server can do.

use std::borrow::Cow;

use crate::kmip::enums::{Enumeration as _, ObjectType, QueryFunction};
use crate::kmip::payload::Query;
use crate::kmip::{QueryAnswer, ResponsePayload};

use super::{OPERATIONS, Outcome, Request};

/// The objects that can be made or registered here.
const OBJECTS: [ObjectType; 2] = [ObjectType::SYMMETRIC_KEY, ObjectType::SECRET_DATA];

/// Who answers.
const VENDOR: &str = concat!("kmip-proxy ", env!("CARGO_PKG_VERSION"));

pub(super) async fn run(request: &mut Request<'_>, payload: &Query) -> Outcome {
    let asked = |function| payload.functions.contains(&function);
    let mut answer = QueryAnswer::default();
    if asked(QueryFunction::OPERATIONS) {
        let version = request.header.version;
        answer.operations = OPERATIONS.iter().copied().filter(|operation| operation.allowed_in(version)).collect();
    }
    if asked(QueryFunction::OBJECTS) {
        answer.object_types = Cow::Borrowed(&OBJECTS);
    }
    if asked(QueryFunction::SERVER_INFORMATION) {
        answer.vendor_identification = Some(Cow::Borrowed(VENDOR));
    }
    Ok(ResponsePayload::Query(answer))
}
