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

use super::cipher::{self, BLOCK, Iv, Mode, Padding, Purpose};
use super::{Failed, Operations, Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &CipherRequest<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let key = cipher::key(operations, id, Purpose::Encrypt)?;
    let how = cipher::read(payload, &key)?;
    let data = payload.data.0;
    if how.padding == Padding::None {
        cipher::whole_blocks(data)?;
    }
    let (iv, drawn) = match (how.mode, how.iv) {
        (Mode::Ecb, _) => (None, None),
        (Mode::Cbc, Some(iv)) => (Some(iv), None),
        (Mode::Cbc, None) if how.random_iv => {
            let iv = draw(operations, id)?;
            (Some(iv), Some(iv))
        }
        (Mode::Cbc, None) => return Err(cipher::missing_iv()),
    };
    let opened = cipher::open(operations, &key).await?;
    let encrypted = cipher::encrypt(&opened, iv.as_ref(), how.padding, data).ok_or_else(|| {
        Failed::new(ResultReason::CRYPTOGRAPHIC_FAILURE, "the data cannot be encrypted with this key")
    })?;
    Ok(ResponsePayload::Encrypt {
        unique_identifier: Cow::Owned(id.to_owned()),
        data: KeyBytes::Owned(encrypted),
        iv_counter_nonce: drawn.map(|iv| iv.to_vec()),
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
