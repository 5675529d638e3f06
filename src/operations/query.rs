//! Query (KMIP 1.4 section 4.25): what this server can do.
//!
//! Each function is answered in the versions that have it. There are no application namespaces, extensions, attestation
//! types or validations to tell of, and no profile is claimed: those functions are answered with nothing.

use std::borrow::Cow;

use crate::kmip::enums::{
    ClientRegistrationMethod, DestroyAction, Enumeration as _, ObjectType, QueryFunction, RngAlgorithm, RngMode,
    UnwrapMode,
};
use crate::kmip::payload::Query;
use crate::kmip::{Capabilities, ProtocolVersion, QueryAnswer, RandomNumberGenerator, ResponsePayload};

use super::{OPERATIONS, Outcome, Request};

/// The objects that can be made or registered here.
const OBJECTS: [ObjectType; 3] = [ObjectType::SYMMETRIC_KEY, ObjectType::TEMPLATE, ObjectType::SECRET_DATA];

/// Who answers.
const VENDOR: &str = concat!("kmip-proxy ", env!("CARGO_PKG_VERSION"));

/// The operating system's generator: which algorithm that is, nobody has promised us.
pub(super) const GENERATOR: RandomNumberGenerator = RandomNumberGenerator { rng_algorithm: RngAlgorithm::UNSPECIFIED };

pub(super) async fn run(request: &mut Request<'_>, payload: &Query) -> Outcome {
    let version = request.header.version;
    let asked = |function: QueryFunction| payload.functions.contains(&function) && function.allowed_in(version);
    let mut answer = QueryAnswer::default();
    if asked(QueryFunction::OPERATIONS) {
        answer.operations = OPERATIONS.iter().copied().filter(|operation| operation.allowed_in(version)).collect();
    }
    if asked(QueryFunction::OBJECTS) {
        answer.object_types = Cow::Borrowed(&OBJECTS);
    }
    if asked(QueryFunction::SERVER_INFORMATION) {
        answer.vendor_identification = Some(Cow::Borrowed(VENDOR));
    }
    if asked(QueryFunction::RNGS) {
        answer.random_number_generator = Some(GENERATOR);
    }
    if asked(QueryFunction::CAPABILITIES) {
        let in_batches = version >= ProtocolVersion::V1_4;
        answer.capabilities = Some(Capabilities {
            streaming: false,
            asynchronous: false,
            attestation: false,
            batch_undo: in_batches.then_some(false),
            batch_continue: in_batches.then_some(true),
            unwrap_mode: UnwrapMode::UNSPECIFIED,
            destroy_action: DestroyAction::KEY_MATERIAL_DELETED,
            rng_mode: RngMode::SHARED_INSTANTIATION,
        });
    }
    if asked(QueryFunction::CLIENT_REGISTRATION_METHODS) {
        answer.client_registration_method = Some(ClientRegistrationMethod::UNSPECIFIED);
    }
    Ok(ResponsePayload::Query(answer))
}
