//! Create (KMIP 1.4 section 4.1): the server makes a symmetric key.
//!
//! MongoDB Enterprise asks for one at its first start (AES, 256 bits, Encrypt and Decrypt), and so do drivers in
//! delegated mode. Keys for 3DES are made for the clients that still ask for them; this server encrypts nothing with one.

use std::borrow::Cow;

use crate::keys::{ObjectType, Secret};
use crate::kmip::ResponsePayload;
use crate::kmip::enums::{CryptographicAlgorithm, KeyFormatType, ObjectType as WireType, ResultReason};
use crate::kmip::payload::Create;
use crate::kms::Class;
use crate::operator::Failure;

use super::new_object::{Material, Wishes, keep};
use super::query::GENERATOR;
use super::{Failed, Outcome, Request};

/// The keys that can be made: the algorithm, its lengths in bits, and in bytes with the parity that DES has.
const KEYS: [(CryptographicAlgorithm, &[(u32, usize)]); 2] = [
    (CryptographicAlgorithm::AES, &[(128, 16), (192, 24), (256, 32)]),
    (CryptographicAlgorithm::TRIPLE_DES, &[(112, 16), (168, 24)]),
];

pub(super) async fn run(request: &mut Request<'_>, payload: &Create) -> Outcome {
    let operations = request.operations;
    if payload.object_type != WireType::SYMMETRIC_KEY {
        let why = "only symmetric keys can be created here";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    let wishes = Wishes::read(operations, &payload.template, ObjectType::SymmetricKey)?;
    let Some((algorithm, lengths)) = KEYS.iter().find(|(algorithm, _)| wishes.algorithm == Some(*algorithm)) else {
        let why = "the template must say Cryptographic Algorithm AES or 3DES";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    };
    let Some((_, bytes)) = lengths.iter().find(|(bits, _)| wishes.length_bits == Some(*bits)) else {
        let known: Vec<String> = lengths.iter().map(|(bits, _)| bits.to_string()).collect();
        let why = format!("the template must say a Cryptographic Length of {algorithm}: {}", known.join(", "));
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    };
    if wishes.usage_mask.is_none() {
        let why = "the template must say the Cryptographic Usage Mask";
        return Err(Failed::new(ResultReason::INVALID_FIELD, why));
    }
    let mut material = vec![0; *bytes];
    operations.env.crypto.random(&mut material).map_err(|error| {
        let mut failure = Failure::new(Class::FileUnavailable, "(new)", operations.provider);
        failure.detail = Some(format!("no random bytes for a new key: {error}"));
        operations.tell(&failure)
    })?;
    if *algorithm == CryptographicAlgorithm::TRIPLE_DES {
        material.iter_mut().for_each(|byte| *byte = odd(*byte));
    }
    let material = Material {
        secret: Secret::new(material),
        format: KeyFormatType::RAW,
        drawn_by: Some(GENERATOR.rng_algorithm.0),
    };
    let id = keep(operations, wishes, &material).await?;
    *request.placeholder = Some(id.clone());
    Ok(ResponsePayload::Create { object_type: WireType::SYMMETRIC_KEY, unique_identifier: Cow::Owned(id) })
}

/// The byte with odd parity: the lowest bit of each byte of a key for DES says nothing else (FIPS 46-3).
fn odd(byte: u8) -> u8 {
    let seven = byte & 0xFE;
    seven | u8::from(seven.count_ones().is_multiple_of(2))
}
