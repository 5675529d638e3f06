//! Get (KMIP 1.4 section 4.11): the key itself, opened by the provider for this one request.
//!
//! Every MongoDB client sends it. Symmetric keys are given out as Raw, secret data as Opaque unless Raw is asked for: the
//! bytes are the same. Wrapping on the way out is not offered.
//!
//! The first Get of an object notes that it is not Fresh any more.
//!
//! Invariant: one Get is one unwrap by the provider. Nothing unwrapped outlives the answer.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::keys::{ObjectType, Secret, WrappedKey};
use crate::kmip::enums::{
    CryptographicAlgorithm, Enumeration as _, KeyFormatType, KeyWrapType, ResultReason, SecretDataType,
};
use crate::kmip::payload::Get;
use crate::kmip::response_payload::KeyBlock;
use crate::kmip::{KeyBytes, ManagedObject, ResponsePayload};
use crate::kms::{Call, Class};
use crate::operator::Failure;

use super::attributes::handed_on;
use super::{Failed, Operations, Outcome, Request, destroyed};

pub(super) async fn run(request: &mut Request<'_>, payload: &Get<'_>) -> Outcome {
    let operations = request.operations;
    let id = request.meant(payload.unique_identifier)?;
    let key = operations.find(id)?;
    if key.object.state.is_destroyed() {
        return Err(destroyed(id));
    }
    if !key.object.object_type.has_material() {
        return template(id, payload, &key);
    }
    let format = format(payload, &key)?;
    refuse_wrapping(payload)?;
    refuse_protected(request, &key)?;
    let material = open(operations, &key).await?;
    let block = KeyBlock {
        key_format_type: format,
        key_material: KeyBytes::Owned(Zeroizing::new(material.expose().to_vec())),
        cryptographic_algorithm: key.object.algorithm.map(CryptographicAlgorithm),
        cryptographic_length: key.object.length_bits.and_then(|bits| i32::try_from(bits).ok()),
    };
    let object = match key.object.object_type {
        ObjectType::SecretData { kind } => {
            ManagedObject::SecretData { secret_data_type: SecretDataType(kind), key_block: block }
        }
        ObjectType::SymmetricKey | ObjectType::Template => ManagedObject::SymmetricKey(block),
    };
    if key.object.fresh == Some(true) {
        // Best effort: a disk that takes nothing is no reason to keep a key from its database.
        let _ = operations.layout.update(id, &mut |key| {
            key.object.fresh = Some(false);
            Ok(())
        });
    }
    Ok(ResponsePayload::Get { unique_identifier: Cow::Owned(id.to_owned()), object })
}

/// A template is given out as it stands in its file.
fn template(id: &str, payload: &Get<'_>, key: &WrappedKey) -> Outcome {
    if payload.key_format_type.is_some() {
        let why = "a template has no Key Format Type";
        return Err(Failed::new(ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED, why));
    }
    refuse_wrapping(payload)?;
    let object = ManagedObject::Template(handed_on(&key.object));
    Ok(ResponsePayload::Get { unique_identifier: Cow::Owned(id.to_owned()), object })
}

/// KMIP 1.4 sections 3.48 and 3.50: what is Sensitive leaves the server only wrapped, which this one does not do, and what
/// is not Extractable never does. The reasons came with 1.4, as the attributes did.
fn refuse_protected(request: &Request<'_>, key: &WrappedKey) -> Result<(), Failed> {
    let protection = key.object.protection;
    let (reason, why) = if !protection.extractable {
        (ResultReason::NOT_EXTRACTABLE, "the object is not Extractable")
    } else if protection.sensitive {
        (
            ResultReason::SENSITIVE,
            "the object is Sensitive: it leaves a server only wrapped, and this one does not wrap",
        )
    } else {
        return Ok(());
    };
    let known = reason.allowed_in(request.header.version);
    Err(Failed::new(if known { reason } else { ResultReason::PERMISSION_DENIED }, why))
}

/// Asks the provider to open a key.
pub(super) async fn open(operations: &Operations, key: &WrappedKey) -> Result<Secret, Failed> {
    let id = key.id();
    let kms = &operations.kms;
    let Some(wrapped) = &key.wrapped else {
        let failure = Failure::new(Class::KeyFileMalformed, id, operations.provider);
        return Err(operations.tell(&failure.with_files(operations.layout.files_of(id))));
    };
    let resolved = operations.layout.credentials(id, operations.provider).map_err(|error| {
        operations.tell(&Failure::of_layout(id, operations.provider, &error).with_files(operations.layout.files_of(id)))
    })?;
    let cmk = key.master_key.cmk(&resolved.credentials);
    let region = key.master_key.region(&resolved.credentials);
    let call = Call {
        key_id: id,
        credentials: &resolved.credentials,
        cmk: &cmk,
        region: region.as_deref(),
        context: &key.encryption_context,
    };
    kms.unwrap(call, wrapped).await.map_err(|error| {
        let failure = Failure::of_kms(id, &error).with_credentials(&resolved);
        operations.tell(&failure.with_files(operations.layout.files_of(id)))
    })
}

/// The format in which the key is given out: the one that is asked for, where that is possible.
fn format(payload: &Get<'_>, key: &WrappedKey) -> Result<KeyFormatType, Failed> {
    let own = match key.object.object_type {
        ObjectType::SymmetricKey | ObjectType::Template => KeyFormatType::RAW,
        ObjectType::SecretData { .. } => KeyFormatType::OPAQUE,
    };
    match payload.key_format_type.unwrap_or(own) {
        asked if asked == own || asked == KeyFormatType::RAW => Ok(asked),
        _ => {
            let why = format!("the key can be had in the format {} only", own.name().unwrap_or("Raw"));
            Err(Failed::new(ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED, why))
        }
    }
}

fn refuse_wrapping(payload: &Get<'_>) -> Result<(), Failed> {
    if payload.key_compression_type.is_some() {
        let why = "compression is for elliptic curves, and this key is none";
        return Err(Failed::new(ResultReason::KEY_COMPRESSION_TYPE_NOT_SUPPORTED, why));
    }
    let wrapped = payload.key_wrap_type.is_some_and(|wrapping| wrapping != KeyWrapType::NOT_WRAPPED);
    if payload.key_wrapping_specification || wrapped {
        let why = "this server does not wrap keys for its clients; TLS protects them on the way";
        return Err(Failed::new(ResultReason::FEATURE_NOT_SUPPORTED, why));
    }
    Ok(())
}
