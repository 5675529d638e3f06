//! Encrypt (KMIP 1.4 section 4.29, since 1.2): data under a key that stays here.
//!
//! Drivers in delegated mode send it, with their data keys as data. The provider opens the key for this one request, as
//! for a Get.

use std::borrow::Cow;

use crate::kmip::enums::ResultReason;
use crate::kmip::payload::CipherRequest;
use crate::kmip::{KeyBytes, ResponsePayload};
use crate::kms::Class;
use crate::operator::Failure;

use super::cipher::{self, BLOCK, Iv, Padding, Purpose};
use super::{Failed, Operations, Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &CipherRequest<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let key = cipher::key(operations, id, Purpose::Encrypt)?;
    let (padding, given) = cipher::read(payload)?;
    let data = payload.data.0;
    if padding == Padding::None {
        cipher::whole_blocks(data)?;
    }
    let random = payload.parameters.and_then(|parameters| parameters.random_iv).unwrap_or(false);
    let iv = match given {
        Some(iv) => iv,
        None if random => draw(operations, id)?,
        None => return Err(cipher::missing_iv()),
    };
    let opened = cipher::open(operations, &key).await?;
    let encrypted = cipher::encrypt(&opened, &iv, padding, data).ok_or_else(|| {
        Failed::new(ResultReason::CRYPTOGRAPHIC_FAILURE, "the data cannot be encrypted with this key")
    })?;
    Ok(ResponsePayload::Encrypt {
        unique_identifier: Cow::Owned(id.to_owned()),
        data: KeyBytes::Owned(encrypted),
        iv_counter_nonce: given.is_none().then(|| iv.to_vec()),
    })
}

/// A fresh initialisation vector.
fn draw(operations: &Operations, id: &str) -> Result<Iv, Failed> {
    let mut iv = [0; BLOCK];
    operations.env.crypto.random(&mut iv).map_err(|error| {
        let mut failure = Failure::new(Class::FileUnavailable, id, operations.provider);
        failure.detail = Some(format!("no random bytes for an initialisation vector: {error}"));
        operations.tell(&failure)
    })?;
    Ok(iv)
}
