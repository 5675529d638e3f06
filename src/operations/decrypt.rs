//! Decrypt (KMIP 1.4 section 4.30, since 1.2): what was encrypted under a key that stays here.
//!
//! Drivers in delegated mode send it for each data key that they need. The provider opens the key for this one request,
//! as for a Get.

use std::borrow::Cow;

use crate::kmip::enums::ResultReason;
use crate::kmip::payload::CipherRequest;
use crate::kmip::{KeyBytes, ResponsePayload};

use super::cipher::{self, Mode, Purpose};
use super::{Failed, Outcome, Request};

pub(super) async fn run(request: &mut Request<'_>, payload: &CipherRequest<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let key = cipher::key(operations, id, Purpose::Decrypt)?;
    let how = cipher::read(payload, &key)?;
    if how.mode == Mode::Cbc && how.iv.is_none() {
        return Err(cipher::missing_iv());
    }
    cipher::whole_blocks(payload.data.0)?;
    let opened = cipher::open(operations, &key).await?;
    // Whoever may ask this may ask for the clear data as well, so that a wrong padding may be told from a right one.
    let data = cipher::decrypt(&opened, how.iv.as_ref(), how.padding, payload.data.0).ok_or_else(|| {
        let why = "the decrypted data do not end in a padding: the key, the IV or the data are not those of Encrypt";
        Failed::new(ResultReason::CRYPTOGRAPHIC_FAILURE, why)
    })?;
    Ok(ResponsePayload::Decrypt { unique_identifier: Cow::Owned(id.to_owned()), data: KeyBytes::Owned(data) })
}
