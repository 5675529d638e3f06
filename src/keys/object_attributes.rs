//! The part of a key file that older versions did not write: names of every kind, and attributes beyond state and dates.
//!
//! Fields: `processStartDate`, `protectStopDate`, `originalCreationDate`, `owner`, `names` (texts, or objects of `value`, `type`
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
        ("owner", object.owner.clone().into()),
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
    object.owner = document.take_text("owner")?;
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::super::{MasterKey, ObjectType, WrappedKey, key_file};
    use super::*;

    /// What an older version wrote, to the letter.
    const OLD: &str = r#"{
  "format": "kmip-proxy/1",
  "uniqueIdentifier": "k",
  "objectType": "SymmetricKey",
  "cryptographicAlgorithm": 3,
  "cryptographicLength": 256,
  "cryptographicUsageMask": 12,
  "state": "PreActive",
  "initialDate": 5,
  "lastChangeDate": 5,
  "names": ["one","two"],
  "masterKey": {"provider":"local"},
  "encryptionContext": {},
  "keyMaterial": {"$binary":{"base64":"AQID","subType":"00"}}
}
"#;

    fn text(text: &str) -> Vec<u8> {
        let mut value = Vec::new();
        Writer::new(&mut value).text_string(tag::ATTRIBUTE_VALUE, text);
        value
    }

    fn integer(number: i32) -> Vec<u8> {
        let mut value = Vec::new();
        Writer::new(&mut value).integer(tag::ATTRIBUTE_VALUE, number);
        value
    }

    fn full(object_type: ObjectType) -> WrappedKey {
        let mut object = ManagedObject::new("k".to_owned(), object_type, 5);
        let other = |name: &str, index, value| OtherAttribute { name: name.to_owned(), index, value };
        object.process_start_date = Some(-7);
        object.protect_stop_date = Some(8);
        object.original_creation_date = Some(9);
        object.names = ObjectName::texts(["one", "zwei \"\n"]);
        object.names.push(ObjectName { value: "urn:x".to_owned(), kind: 2, index: 2 });
        object.names.push(ObjectName { value: "late".to_owned(), kind: 1, index: 9 });
        object.digest = Some(MaterialDigest { hashing_algorithm: 6, key_format_type: 1, value: vec![0xFF; 32] });
        object.fresh = Some(false);
        object.random_number_generator = Some(1);
        object.protection =
            Protection { sensitive: true, always_sensitive: true, extractable: false, never_extractable: true };
        object.attributes = vec![other("x-n", 0, text("")), other("x-n", 3, integer(-1)), other("Link", 0, text("ü"))];
        object.template = vec![other("x-handed-on", 0, text("on"))];
        let wrapped = object_type.has_material().then(|| vec![1, 2, 3]);
        let encryption_context = BTreeMap::new();
        WrappedKey { object, master_key: MasterKey::Local, encryption_context, credentials_of: None, wrapped }
    }

    fn parse(text: &str) -> Result<WrappedKey, LayoutError> {
        key_file::parse(Path::new("k.local.key.json"), "k", text.as_bytes())
    }

    #[test]
    fn what_is_written_is_read_back() {
        for object_type in [ObjectType::SymmetricKey, ObjectType::SecretData { kind: 1 }, ObjectType::Template] {
            let key = full(object_type);
            assert_eq!(parse(&key_file::render(&key)), Ok(key));
        }
    }

    #[test]
    fn a_file_of_an_older_version_reads_as_an_object_without_all_that_and_is_written_as_it_was() {
        let key = parse(OLD).unwrap();
        assert_eq!(key.object.names, ObjectName::texts(["one", "two"]));
        let mut expected = ManagedObject::new("k".to_owned(), ObjectType::SymmetricKey, 5);
        (expected.algorithm, expected.length_bits, expected.usage_mask) = (Some(3), Some(256), 12);
        expected.names.clone_from(&key.object.names);
        assert_eq!(key.object, expected);
        assert_eq!(key_file::render(&key), OLD, "an older version could go on reading it");
    }

    #[test]
    fn people_can_read_what_clients_wrote() {
        let written = key_file::render(&full(ObjectType::SymmetricKey));
        for part in [
            r#""names": ["one","zwei \"\n",{"index":2,"type":2,"value":"urn:x"},{"index":9,"type":1,"value":"late"}]"#,
            r#"{"name":"x-n","text":""}"#,
            r#"{"index":3,"name":"x-n","ttlv":"QgALAgAAAAT/////AAAAAA=="}"#,
            r#""template": [{"name":"x-handed-on","text":"on"}]"#,
            r#""extractable": false"#,
        ] {
            assert!(written.contains(part), "{part} in {written}");
        }
    }

    #[test]
    fn what_is_damaged_is_told_by_its_field() {
        let good = key_file::render(&full(ObjectType::SymmetricKey));
        for (from, to, field, why) in [
            (r#""fresh": false"#, r#""fresh": 0"#, "fresh", "true or false"),
            (r#""index":2,"type":2"#, r#""type":2"#, "names.index", "missing"),
            (r#""type":2,"#, r#""type":"URI","#, "names.type", "whole number"),
            (r#""keyFormatType":1"#, r#""format":1"#, "digest.keyFormatType", "missing"),
            (r#""text":"""#, r#""txet":"""#, "attributes.name", "one of them"),
            (r#""text":"""#, r#""text":"","ttlv":"QgAL""#, "attributes.name", "one of them"),
            ("QgALAgAAAAT/////AAAAAA==", "QgALAgAAAAT/////AAAA", "attributes.ttlv", "Attribute Value"),
            ("QgALAgAAAAT/////AAAAAA==", "?", "attributes.ttlv", "Attribute Value"),
            (r#"{"name":"x-n","text":""}"#, r#""x-n""#, "attributes", "list of objects"),
            (r#""template": ["#, r#""template": [7,"#, "template", "texts and objects"),
        ] {
            let damaged = good.replacen(from, to, 1);
            assert_ne!(damaged, good, "{from}");
            let error = parse(&damaged).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{to}: {error}");
            assert!(error.why.contains(why), "{to}: {error}");
        }
        let template = key_file::render(&full(ObjectType::SymmetricKey)).replacen("SymmetricKey", "Template", 1);
        assert_eq!(parse(&template).unwrap_err().field.as_deref(), Some("objectType"), "a template has no material");
    }
}
