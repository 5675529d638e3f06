//! The format of wrapped key files, `kmip-proxy/1`: one JSON document a key, ours and documented here.
//!
//! Fields: `format`, `uniqueIdentifier`, `objectType` (`SymmetricKey`, `Template`, or `SecretData` with
//! `secretDataType`), `cryptographicAlgorithm`, `cryptographicLength` (bits), `cryptographicUsageMask`, `state`, the
//! dates in seconds since 1970, `revocation`, `names`, further attributes (`object_attributes.rs`), `masterKey` (as
//! MongoDB's drivers write it), `encryptionContext`, `credentialsOf`, and `keyMaterial` as extended JSON. Numbers are
//! those of the KMIP standard. What has no value is not written.
//!
//! Invariant: what [`render`] writes, [`parse`] reads back as the same key; a field that the format does not know is
//! an error, because this file is ours.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::document::Document;
use super::{
    LayoutError, LayoutErrorKind, ManagedObject, MasterKey, ObjectType, Revocation, State, WrappedKey, identifier,
    object_attributes,
};

/// The label of the layout and of the format.
pub(super) const FORMAT: &str = "kmip-proxy/1";

/// The content of a key file.
pub(super) fn render(key: &WrappedKey) -> String {
    let object = &key.object;
    let mut fields: Vec<(&str, Value)> = vec![
        ("format", FORMAT.into()),
        ("uniqueIdentifier", object.unique_identifier.as_str().into()),
        ("objectType", object.object_type.as_str().into()),
    ];
    if let ObjectType::SecretData { kind } = object.object_type {
        fields.push(("secretDataType", kind.into()));
    }
    fields.extend([
        ("cryptographicAlgorithm", object.algorithm.into()),
        ("cryptographicLength", object.length_bits.into()),
        ("cryptographicUsageMask", object.usage_mask.into()),
        ("state", object.state.as_str().into()),
        ("initialDate", object.initial_date.into()),
        ("activationDate", object.activation_date.into()),
        ("deactivationDate", object.deactivation_date.into()),
        ("destroyDate", object.destroy_date.into()),
        ("compromiseDate", object.compromise_date.into()),
        ("compromiseOccurrenceDate", object.compromise_occurrence_date.into()),
    ]);
    if let Some(revocation) = &object.revocation {
        fields.push(("revocation", json!({"code": revocation.code, "message": revocation.message})));
    }
    fields.extend([("lastChangeDate", object.last_change_date.into())]);
    fields.extend(object_attributes::render(object));
    fields.extend([
        ("masterKey", without_nulls(key.master_key.to_json())),
        ("encryptionContext", json!(key.encryption_context)),
        ("credentialsOf", key.credentials_of.clone().into()),
    ]);
    if let Some(wrapped) = &key.wrapped {
        fields.push(("keyMaterial", json!({"$binary": {"base64": STANDARD.encode(wrapped), "subType": "00"}})));
    }
    // Written line by line, so that the fields stand in the order of the documentation.
    let lines: Vec<String> = fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("  \"{name}\": {value}"))
        .collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

/// Reads a key file; the identifier is the one in the file's name.
pub(super) fn parse(path: &Path, id: &str, content: &[u8]) -> Result<WrappedKey, LayoutError> {
    let mut document = Document::parse(path, LayoutErrorKind::KeyFileMalformed, content)?;
    if document.text("format")? != FORMAT {
        return Err(document.error("format", "this version reads `kmip-proxy/1` only"));
    }
    let unique_identifier = document.text("uniqueIdentifier")?;
    if unique_identifier != id {
        return Err(document.error("uniqueIdentifier", "it differs from the identifier in the file's name"));
    }
    let object = object(&mut document, unique_identifier)?;
    let master_key = document.take_object("masterKey")?.ok_or_else(|| document.missing("masterKey"))?;
    let master_key = MasterKey::from_document(master_key)?;
    let encryption_context = document.take_text_map("encryptionContext")?;
    let credentials_of = document.take_text("credentialsOf")?;
    if credentials_of.as_deref().is_some_and(|owner| !identifier::is_possible(owner)) {
        return Err(document.error("credentialsOf", "no key can have this identifier"));
    }
    let wrapped = material(&mut document)?;
    if !object.object_type.has_material() && wrapped.is_some() {
        return Err(document.error("objectType", "a template has no keyMaterial"));
    }
    match (object.state.is_destroyed() || !object.object_type.has_material(), wrapped.is_some()) {
        (true, true) => return Err(document.error("state", "a destroyed key keeps no keyMaterial")),
        (false, false) => return Err(document.missing("keyMaterial")),
        (true, false) | (false, true) => {}
    }
    document.nothing_else()?;
    Ok(WrappedKey { object, master_key, encryption_context, credentials_of, wrapped })
}

fn object(document: &mut Document<'_>, unique_identifier: String) -> Result<ManagedObject, LayoutError> {
    let object_type = match document.text("objectType")?.as_str() {
        "SymmetricKey" => ObjectType::SymmetricKey,
        "SecretData" => ObjectType::SecretData {
            kind: document.take_u32("secretDataType")?.ok_or_else(|| document.missing("secretDataType"))?,
        },
        "Template" => ObjectType::Template,
        _ => return Err(document.error("objectType", "expected SymmetricKey, SecretData or Template")),
    };
    let state = document.text("state")?;
    let state = State::from_name(&state).ok_or_else(|| {
        let names = State::ALL.map(State::as_str).join(", ");
        document.error("state", &format!("expected one of {names}"))
    })?;
    let revocation = match document.take_object("revocation")? {
        None => None,
        Some(mut inner) => {
            let code = inner.take_u32("code")?.ok_or_else(|| inner.missing("code"))?;
            let message = inner.take_text("message")?;
            inner.nothing_else()?;
            Some(Revocation { code, message })
        }
    };
    let usage_mask = document.take_u32("cryptographicUsageMask")?;
    let initial_date = document.take_date("initialDate")?.ok_or_else(|| document.missing("initialDate"))?;
    let mut object = ManagedObject::new(unique_identifier, object_type, initial_date);
    object.algorithm = document.take_u32("cryptographicAlgorithm")?;
    object.length_bits = document.take_u32("cryptographicLength")?;
    object.usage_mask = usage_mask.ok_or_else(|| document.missing("cryptographicUsageMask"))?;
    object.state = state;
    object.activation_date = document.take_date("activationDate")?;
    object.deactivation_date = document.take_date("deactivationDate")?;
    object.destroy_date = document.take_date("destroyDate")?;
    object.compromise_date = document.take_date("compromiseDate")?;
    object.compromise_occurrence_date = document.take_date("compromiseOccurrenceDate")?;
    object.revocation = revocation;
    object.last_change_date =
        document.take_date("lastChangeDate")?.ok_or_else(|| document.missing("lastChangeDate"))?;
    object_attributes::take(document, &mut object)?;
    Ok(object)
}

fn material(document: &mut Document<'_>) -> Result<Option<Vec<u8>>, LayoutError> {
    let Some(mut material) = document.take_object("keyMaterial")? else { return Ok(None) };
    let mut binary = material.take_object("$binary")?.ok_or_else(|| material.missing("$binary"))?;
    let wrapped = STANDARD
        .decode(binary.text("base64")?)
        .map_err(|_| binary.error("base64", "it is not base64, or it was cut off"))?;
    if binary.text("subType")? != "00" {
        return Err(binary.error("subType", "expected \"00\""));
    }
    binary.nothing_else()?;
    material.nothing_else()?;
    Ok(Some(wrapped))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}
