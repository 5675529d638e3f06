//! Create (KMIP 1.4 section 4.1): the server makes a symmetric key.
//!
//! MongoDB Enterprise asks for one at its first start (AES, 256 bits, Encrypt and Decrypt), and so do drivers in
//! delegated mode.

use std::borrow::Cow;

use crate::keys::{ObjectType, Secret};
use crate::kmip::ResponsePayload;
use crate::kmip::enums::{CryptographicAlgorithm, ObjectType as WireType, ResultReason};
use crate::kmip::payload::Create;
use crate::kms::Class;
use crate::operator::Failure;

use super::new_object::{Wishes, keep};
use super::{Failed, Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &Create) -> Outcome {
    let operations = request.operations;
    if payload.object_type != WireType::SYMMETRIC_KEY {
        let why = "only symmetric keys can be created here";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    let wishes = Wishes::read(&payload.template)?;
    if wishes.algorithm != Some(CryptographicAlgorithm::AES) {
        let why = "the template must say Cryptographic Algorithm AES";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    let Some(bits @ (128 | 192 | 256)) = wishes.length_bits else {
        let why = "the template must say Cryptographic Length 128, 192 or 256";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    };
    if wishes.usage_mask.is_none() {
        let why = "the template must say the Cryptographic Usage Mask";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    let mut material = vec![0; bits as usize / 8];
    operations.env.crypto.random(&mut material).map_err(|error| {
        let mut failure = Failure::new(Class::FileUnavailable, "(new)", operations.provider);
        failure.detail = Some(format!("no random bytes for a new key: {error}"));
        operations.tell(&failure)
    })?;
    let id = keep(operations, ObjectType::SymmetricKey, wishes, &Secret::new(material)).await?;
    *request.placeholder = Some(id.clone());
    Ok(ResponsePayload::Create { object_type: WireType::SYMMETRIC_KEY, unique_identifier: Cow::Owned(id) })
}
