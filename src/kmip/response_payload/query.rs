//! The answer to Query (KMIP 1.4, clause 4.25): what the server can do.
//!
//! Invariant: only what was asked for is filled in, and what is younger than the answer's version is left out.

use std::borrow::Cow;

use crate::kmip::attribute::RandomNumberGenerator;
use crate::kmip::encoder::Encoder;
use crate::kmip::enums::{
    ClientRegistrationMethod, DestroyAction, Enumeration, ObjectType, Operation, RngMode, UnwrapMode,
};
use crate::kmip::tag;
use crate::ttlv::Tag;

/// What the server can do.
#[derive(Debug, Default)]
pub struct QueryAnswer<'a> {
    /// The operations.
    pub operations: Cow<'a, [Operation]>,
    /// The types of objects.
    pub object_types: Cow<'a, [ObjectType]>,
    /// Whose server this is.
    pub vendor_identification: Option<Cow<'a, str>>,
    /// What draws random bytes, since 1.3.
    pub random_number_generator: Option<RandomNumberGenerator>,
    /// What else there is, since 1.3.
    pub capabilities: Option<Capabilities>,
    /// How clients become known, since 1.3.
    pub client_registration_method: Option<ClientRegistrationMethod>,
}

/// What the server can do beside operations (clause 2.1.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether data can come in parts.
    pub streaming: bool,
    /// Whether answers can come later.
    pub asynchronous: bool,
    /// Whether clients can attest.
    pub attestation: bool,
    /// Whether a failed batch can be undone, since 1.4.
    pub batch_undo: Option<bool>,
    /// Whether a batch can go on after a failure, since 1.4.
    pub batch_continue: Option<bool>,
    /// What becomes of wrapped keys when they are used.
    pub unwrap_mode: UnwrapMode,
    /// What Destroy does.
    pub destroy_action: DestroyAction,
    /// Whose random bytes a client is given.
    pub rng_mode: RngMode,
}

impl QueryAnswer<'_> {
    pub(super) fn encode(&self, encoder: &mut Encoder<'_>) {
        for operation in self.operations.iter() {
            optional(encoder, tag::OPERATION, *operation);
        }
        for object_type in self.object_types.iter() {
            optional(encoder, tag::OBJECT_TYPE, *object_type);
        }
        if let Some(vendor) = &self.vendor_identification {
            encoder.text_string(tag::VENDOR_IDENTIFICATION, vendor);
        }
        if let Some(generator) = self.random_number_generator {
            encoder.optional(|encoder| generator.encode(encoder, tag::RNG_PARAMETERS));
        }
        if let Some(capabilities) = &self.capabilities {
            encoder.optional(|encoder| capabilities.encode(encoder));
        }
        if let Some(method) = self.client_registration_method {
            optional(encoder, tag::CLIENT_REGISTRATION_METHOD, method);
        }
    }

    pub(super) fn size_bound(&self) -> usize {
        let vendor = self.vendor_identification.as_ref().map_or(0, |vendor| 16 + vendor.len());
        // The generator, the method, and the nine fields of the capabilities.
        256 + 16 * (self.operations.len() + self.object_types.len()) + vendor
    }
}

fn optional<E: Enumeration>(encoder: &mut Encoder<'_>, tag: Tag, value: E) {
    encoder.optional(|encoder| encoder.enumeration(tag, value));
}

impl Capabilities {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.structure(tag::CAPABILITY_INFORMATION, |encoder| {
            for (tag, can) in [
                (tag::STREAMING_CAPABILITY, Some(self.streaming)),
                (tag::ASYNCHRONOUS_CAPABILITY, Some(self.asynchronous)),
                (tag::ATTESTATION_CAPABILITY, Some(self.attestation)),
                (tag::BATCH_UNDO_CAPABILITY, self.batch_undo),
                (tag::BATCH_CONTINUE_CAPABILITY, self.batch_continue),
            ] {
                if let Some(can) = can {
                    encoder.optional(|encoder| encoder.boolean(tag, can));
                }
            }
            optional(encoder, tag::UNWRAP_MODE, self.unwrap_mode);
            optional(encoder, tag::DESTROY_ACTION, self.destroy_action);
            optional(encoder, tag::RNG_MODE, self.rng_mode);
        });
    }
}
