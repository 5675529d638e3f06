//! The part of a key file that older versions did not write: names of every kind, and attributes beyond state and dates.
//!
//! Fields: `processStartDate`, `protectStopDate`, `originalCreationDate`, `names` (texts, or objects of `value`, `type`
//! and `index`), `digest`, `fresh`, `randomNumberGenerator`, `sensitive`, `alwaysSensitive`, `extractable`,
//! `neverExtractable`, `attributes` and `template` (lists of `name`, `index` where it is not 0, and `text`, or `ttlv` in
//! base64 for every other type).
//!
//! Invariant: a file without any of these reads as an object that never had them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::document::{Document, Element};
use super::{LayoutError, ManagedObject, MaterialDigest, ObjectName, OtherAttribute, Protection};
use crate::kmip::tag;
use crate::ttlv::{Reader, Writer};

/// The fields, in the order of the file. Those that are null are not written.
pub(super) fn render(object: &ManagedObject) -> Vec<(&'static str, Value)> {
    let Protection { sensitive, always_sensitive, extractable, never_extractable } = object.protection;
    let digest = object.digest.as_ref().map(|digest| {
        json!({
            "hashingAlgorithm": digest.hashing_algorithm,
            "keyFormatType": digest.key_format_type,
            "value": STANDARD.encode(&digest.value),
        })
    });
    let only_if = |value: bool, usual: bool| if value == usual { Value::Null } else { value.into() };
    vec![
        ("processStartDate", object.process_start_date.into()),
        ("protectStopDate", object.protect_stop_date.into()),
        ("originalCreationDate", object.original_creation_date.into()),
        ("names", (0..).zip(&object.names).map(|(place, name)| render_name(place, name)).collect()),
        ("digest", digest.into()),
        ("fresh", object.fresh.into()),
        ("randomNumberGenerator", object.random_number_generator.into()),
        ("sensitive", only_if(sensitive, false)),
        ("alwaysSensitive", only_if(always_sensitive, false)),
        ("extractable", only_if(extractable, true)),
        ("neverExtractable", only_if(never_extractable, false)),
        ("attributes", render_others(&object.attributes)),
        ("template", render_others(&object.template)),
    ]
}

fn render_name(place: u32, name: &ObjectName) -> Value {
    if name.kind == ObjectName::TEXT && name.index == place {
        return name.value.as_str().into();
    }
    json!({"value": name.value, "type": name.kind, "index": name.index})
}

fn render_others(attributes: &[OtherAttribute]) -> Value {
    if attributes.is_empty() {
        return Value::Null;
    }
    let one = |attribute: &OtherAttribute| {
        let mut fields = serde_json::Map::new();
        fields.insert("name".to_owned(), attribute.name.as_str().into());
        if attribute.index != 0 {
            fields.insert("index".to_owned(), attribute.index.into());
        }
        let (field, value) = match Reader::only_item(&attribute.value).and_then(|item| item.text_string()) {
            Ok(text) => ("text", text.to_owned()),
            Err(_) => ("ttlv", STANDARD.encode(&attribute.value)),
        };
        fields.insert(field.to_owned(), value.into());
        Value::Object(fields)
    };
    attributes.iter().map(one).collect()
}

/// Takes the fields that are there.
pub(super) fn take(document: &mut Document<'_>, object: &mut ManagedObject) -> Result<(), LayoutError> {
    object.process_start_date = document.take_date("processStartDate")?;
    object.protect_stop_date = document.take_date("protectStopDate")?;
    object.original_creation_date = document.take_date("originalCreationDate")?;
    object.names = names(document)?;
    object.digest = document.take_object("digest")?.map(digest).transpose()?;
    object.fresh = document.take_bool("fresh")?;
    object.random_number_generator = document.take_u32("randomNumberGenerator")?;
    let usual = Protection::default();
    object.protection = Protection {
        sensitive: document.take_bool("sensitive")?.unwrap_or(usual.sensitive),
        always_sensitive: document.take_bool("alwaysSensitive")?.unwrap_or(usual.always_sensitive),
        extractable: document.take_bool("extractable")?.unwrap_or(usual.extractable),
        never_extractable: document.take_bool("neverExtractable")?.unwrap_or(usual.never_extractable),
    };
    object.attributes = others(document, "attributes")?;
    object.template = others(document, "template")?;
    Ok(())
}

fn names(document: &mut Document<'_>) -> Result<Vec<ObjectName>, LayoutError> {
    let name = |(place, element)| match element {
        Element::Text(value) => Ok(ObjectName { value, kind: ObjectName::TEXT, index: place }),
        Element::Object(mut inner) => {
            let value = inner.take_text("value")?.ok_or_else(|| inner.missing("value"))?;
            let kind = inner.take_u32("type")?.ok_or_else(|| inner.missing("type"))?;
            let index = inner.take_u32("index")?.ok_or_else(|| inner.missing("index"))?;
            inner.nothing_else()?;
            Ok(ObjectName { value, kind, index })
        }
    };
    (0..).zip(document.take_list("names")?).map(name).collect()
}

fn digest(mut inner: Document<'_>) -> Result<MaterialDigest, LayoutError> {
    let hashing_algorithm = inner.take_u32("hashingAlgorithm")?.ok_or_else(|| inner.missing("hashingAlgorithm"))?;
    let key_format_type = inner.take_u32("keyFormatType")?.ok_or_else(|| inner.missing("keyFormatType"))?;
    let value = STANDARD.decode(inner.text("value")?).map_err(|_| inner.error("value", "it is not base64"))?;
    inner.nothing_else()?;
    Ok(MaterialDigest { hashing_algorithm, key_format_type, value })
}

fn others(document: &mut Document<'_>, field: &str) -> Result<Vec<OtherAttribute>, LayoutError> {
    let elements = document.take_list(field)?;
    let mut attributes = Vec::with_capacity(elements.len());
    for element in elements {
        let Element::Object(mut inner) = element else {
            return Err(document.error(field, "expected a list of objects `{...}`"));
        };
        let name = inner.text("name")?;
        let index = inner.take_u32("index")?.unwrap_or(0);
        let value = match (inner.take_text("text")?, inner.take_text("ttlv")?) {
            (Some(text), None) => {
                let mut value = Vec::new();
                Writer::new(&mut value).text_string(tag::ATTRIBUTE_VALUE, &text);
                value
            }
            (None, Some(ttlv)) => {
                let value = STANDARD.decode(ttlv).ok().filter(|value| is_value(value));
                value.ok_or_else(|| inner.error("ttlv", "it is not an Attribute Value in base64"))?
            }
            _ => return Err(inner.error("name", "beside it stands `text` or `ttlv`, and one of them")),
        };
        inner.nothing_else()?;
        attributes.push(OtherAttribute { name, index, value });
    }
    Ok(attributes)
}

fn is_value(value: &[u8]) -> bool {
    Reader::only_item(value).is_ok_and(|item| item.tag == tag::ATTRIBUTE_VALUE)
}
