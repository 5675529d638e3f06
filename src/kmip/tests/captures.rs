//! Real clients' requests are understood, and answers come out as a real server's bytes.

use std::fmt::Write as _;

use super::{EDGE, REQUESTS, RESPONSES, capture, captures};
use crate::kmip::enums::{
    CryptographicAlgorithm, KeyFormatType, NameType, ObjectType, Operation, ResultReason, SecretDataType, State,
};
use crate::kmip::object::KeyBlock as RegisteredKey;
use crate::kmip::payload::{CipherRequest, TemplateAttribute};
use crate::kmip::response_payload::KeyBlock;
use crate::kmip::*;

/// A decoded request in the words of the fixtures.
fn meaning(request: &RequestMessage<'_>) -> String {
    let header = &request.header;
    let mut text = format!("KMIP {}", header.version);
    optional(&mut text, "max", header.maximum_response_size);
    optional(&mut text, "time", header.time_stamp);
    for item in &request.items {
        let operation = item.operation.expect("captured items have an operation");
        write!(text, " | {operation}").unwrap();
        match item.payload.as_ref().expect("captured payloads are well-formed") {
            Payload::Get(get) => {
                optional(&mut text, "id", get.unique_identifier);
                optional(&mut text, "format", get.key_format_type.map(|format| format.0));
            }
            Payload::Activate(activate) => optional(&mut text, "id", activate.unique_identifier),
            Payload::Destroy(destroy) => optional(&mut text, "id", destroy.unique_identifier),
            Payload::Revoke(revoke) => {
                optional(&mut text, "id", revoke.unique_identifier);
                optional(&mut text, "reason", Some(revoke.revocation_reason.code.0));
                assert_eq!((&revoke.revocation_reason.message, revoke.compromise_occurrence_date), (&None, None));
            }
            Payload::Locate(locate) => {
                optional(&mut text, "maximum", locate.maximum_items);
                optional(&mut text, "offset", locate.offset_items);
                assert_eq!((locate.storage_status_mask, locate.object_group_member), (None, None));
                write!(text, " {}", attributes(&locate.attributes)).unwrap();
            }
            Payload::Encrypt(cipher) | Payload::Decrypt(cipher) => self::cipher(&mut text, cipher),
            Payload::GetAttributes(get) => {
                optional(&mut text, "id", get.unique_identifier);
                write!(text, " names=[{}]", get.attribute_names.join(", ")).unwrap();
            }
            Payload::Create(create) => {
                write!(text, " type={} {}", create.object_type.0, template(&create.template)).unwrap();
            }
            Payload::Register(register) => {
                write!(text, " type={} {}", register.object_type.0, template(&register.template)).unwrap();
                let key = match &register.object {
                    RegisteredObject::SymmetricKey(key) => {
                        text.push_str(" SymmetricKey");
                        key
                    }
                    RegisteredObject::SecretData { secret_data_type, key_block } => {
                        write!(text, " SecretData kind={}", secret_data_type.0).unwrap();
                        key_block
                    }
                    other => panic!("no client registered {other:?}"),
                };
                registered_key(&mut text, key);
            }
            Payload::Query(query) => {
                let functions: Vec<String> = query.functions.iter().map(|function| function.0.to_string()).collect();
                write!(text, " functions=[{}]", functions.join(", ")).unwrap();
            }
            Payload::DiscoverVersions(discover) => {
                let versions: Vec<String> = discover.versions.iter().map(ProtocolVersion::to_string).collect();
                write!(text, " versions=[{}]", versions.join(", ")).unwrap();
            }
            other => panic!("no client sent {other:?}"),
        }
    }
    text
}

fn optional(text: &mut String, name: &str, value: Option<impl std::fmt::Display>) {
    if let Some(value) = value {
        write!(text, " {name}={value}").unwrap();
    }
}

fn cipher(text: &mut String, cipher: &CipherRequest<'_>) {
    optional(text, "id", cipher.unique_identifier);
    let parameters = cipher.parameters.expect("drivers say how");
    optional(text, "mode", parameters.block_cipher_mode.map(|mode| mode.0));
    optional(text, "padding", parameters.padding_method.map(|method| method.0));
    optional(text, "algorithm", parameters.cryptographic_algorithm.map(|algorithm| algorithm.0));
    optional(text, "random", parameters.random_iv);
    write!(text, " data={}", hex(cipher.data.0)).unwrap();
    optional(text, "iv", cipher.iv_counter_nonce.map(hex));
    assert!(parameters.other.is_none() && !cipher.in_parts && !cipher.authenticated);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn template(template: &TemplateAttribute) -> String {
    assert_eq!(template.names, []);
    attributes(&template.attributes)
}

fn attributes(attributes: &[Attribute]) -> String {
    let attributes = attributes.iter().map(|attribute| {
        let value = match &attribute.value {
            AttributeValue::ObjectType(object_type) => object_type.0.to_string(),
            AttributeValue::CryptographicAlgorithm(algorithm) => algorithm.0.to_string(),
            AttributeValue::CryptographicLength(number) | AttributeValue::CryptographicUsageMask(number) => {
                number.to_string()
            }
            AttributeValue::Name(name) => format!("{:?}/{}", name.value, name.name_type.0),
            AttributeValue::ObjectGroup(group) => format!("{group:?}"),
            other => panic!("no client sent {other:?}"),
        };
        format!("{}={value}", attribute.name())
    });
    format!("[{}]", attributes.collect::<Vec<String>>().join("; "))
}

fn registered_key(text: &mut String, key: &RegisteredKey) {
    write!(text, " format={}", key.key_format_type.0).unwrap();
    optional(text, "compression", key.key_compression_type.map(|compression| compression.0));
    let KeyMaterial::Bytes(material) = &key.key_material else { panic!("{:?}", key.key_material) };
    write!(text, " material={}", hex(material)).unwrap();
    optional(text, "algorithm", key.cryptographic_algorithm.map(|algorithm| algorithm.0));
    optional(text, "length", key.cryptographic_length);
    assert!(key.attributes.is_empty() && !key.key_wrapping_data);
}

#[test]
fn every_captured_request_is_understood_as_an_independent_decoder_understood_it() {
    let mut count = 0;
    for (name, expected, message) in captures(REQUESTS) {
        let request = RequestMessage::decode(&message).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(meaning(&request), expected, "{name}");
        count += 1;
    }
    assert_eq!(count, 56);
}

/// The answer encoded, compared with the captured bytes.
#[track_caller]
fn assert_captured(name: &str, version: ProtocolVersion, time_stamp: i64, items: Vec<ResponseItem<'_>>) {
    let mut buffer = b"what an earlier answer left".to_vec();
    let younger = ResponseMessage { version, time_stamp, items }.encode(&mut buffer);
    assert_eq!(younger, []);
    let expected = capture(RESPONSES, name);
    assert!(buffer == expected, "{name}, ours:\n{}captured:\n{}", pretty(&buffer), pretty(&expected));
}

fn success(payload: ResponsePayload<'_>) -> Vec<ResponseItem<'_>> {
    vec![ResponseItem::Success { unique_batch_item_id: None, payload }]
}

fn failure(operation: Option<Operation>, reason: ResultReason, message: &str) -> Vec<ResponseItem<'_>> {
    vec![ResponseItem::Failure { operation, unique_batch_item_id: None, reason, message: message.into() }]
}

fn aes_256(key: &[u8]) -> ManagedObject<'_> {
    ManagedObject::SymmetricKey(KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_material: KeyBytes::Borrowed(key),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        cryptographic_length: Some(256),
    })
}

fn seed(key: Vec<u8>) -> ManagedObject<'static> {
    ManagedObject::SecretData {
        secret_data_type: SecretDataType::SEED,
        key_block: KeyBlock {
            key_format_type: KeyFormatType::OPAQUE,
            key_material: KeyBytes::Owned(key.into()),
            cryptographic_algorithm: None,
            cryptographic_length: None,
        },
    }
}

/// The seed that pymongocrypt registered, as the request's meaning gives it.
fn registered_seed() -> Vec<u8> {
    let (_, meaning, _) = captures(REQUESTS).find(|(_, meaning, _)| meaning.contains("SecretData")).unwrap();
    super::bytes(meaning.rsplit_once("material=").unwrap().1)
}

#[test]
fn the_answers_to_psmdb_equal_the_captured_ones_byte_for_byte() {
    // The time stamps were read from the captures by eye; so were the identifiers.
    let time = 1_795_317_891;
    let at = |name, payload| assert_captured(name, ProtocolVersion::V1_0, time, success(payload));
    let id = || "5".into();
    at("psmdb-libkmip/01-first-start-activate.1-register", ResponsePayload::Register { unique_identifier: id() });
    at("psmdb-libkmip/01-first-start-activate.2-activate", ResponsePayload::Activate { unique_identifier: id() });
    at(
        "psmdb-libkmip/02-restart-verify-active.1-get_attributes",
        ResponsePayload::GetAttributes {
            unique_identifier: id(),
            attributes: vec![AttributeValue::State(State::ACTIVE).into()],
        },
    );
    let key: Vec<u8> = (0..32).collect();
    at(
        "psmdb-libkmip/02-restart-verify-active.2-get",
        ResponsePayload::Get { unique_identifier: id(), object: aes_256(&key) },
    );
    at(
        "psmdb-libkmip/06-restart-verify-preactive.1-get_attributes",
        ResponsePayload::GetAttributes {
            unique_identifier: "6".into(),
            attributes: vec![AttributeValue::State(State::PRE_ACTIVE).into()],
        },
    );
    for (name, operation) in [
        ("psmdb-libkmip/09-restart-unknown-verify.1-get_attributes", Operation::GET_ATTRIBUTES),
        ("psmdb-libkmip/10-restart-unknown-noverify.1-get", Operation::GET),
    ] {
        let message = "Could not locate object: 777777";
        let items = failure(Some(operation), ResultReason::ITEM_NOT_FOUND, message);
        assert_captured(name, ProtocolVersion::V1_0, time, items);
    }
}

#[test]
fn the_answers_to_older_psmdb_and_to_drivers_equal_the_captured_ones() {
    let name = Name { value: String::new(), name_type: NameType::UNINTERPRETED_TEXT_STRING };
    assert_captured(
        "psmdb-legacy-kmippp/07-get-name-attr.1-get_attributes",
        ProtocolVersion::V1_4,
        1_795_318_224,
        success(ResponsePayload::GetAttributes {
            unique_identifier: "14".into(),
            attributes: vec![Attribute { index: Some(0), value: AttributeValue::Name(name) }],
        }),
    );
    assert_captured(
        "psmdb-legacy-kmippp/08-create.1-create",
        ProtocolVersion::V1_0,
        1_795_318_224,
        success(ResponsePayload::Create { object_type: ObjectType::SYMMETRIC_KEY, unique_identifier: "15".into() }),
    );
    let object = seed(registered_seed());
    assert_captured(
        "pymongocrypt-1.21.2/01-new-create_data_key.3-get",
        ProtocolVersion::V1_0,
        1_795_317_888,
        success(ResponsePayload::Get { unique_identifier: "3".into(), object }),
    );
}

#[test]
fn the_answers_to_pykmip_equal_the_captured_ones() {
    let time = 1_795_317_781;
    let id = || "1".to_owned();
    // Operation Policy Name is none of the attributes that are known by type: it is carried as it came.
    let mut policy = Vec::new();
    crate::ttlv::Writer::new(&mut policy).text_string(tag::ATTRIBUTE_VALUE, "default");
    let policy = RawValue::from_encoded(&policy).expect("the writer writes what the reader reads");
    assert_captured(
        "pykmip-client-1.2/07-getattributes-all.1-get_attributes",
        ProtocolVersion::V1_2,
        time,
        success(ResponsePayload::GetAttributes {
            unique_identifier: id().into(),
            attributes: vec![
                AttributeValue::UniqueIdentifier(id()).into(),
                AttributeValue::ObjectType(ObjectType::SYMMETRIC_KEY).into(),
                AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES).into(),
                AttributeValue::CryptographicLength(256).into(),
                AttributeValue::Other { name: "Operation Policy Name".to_owned(), value: policy }.into(),
                AttributeValue::CryptographicUsageMask(12).into(),
                AttributeValue::State(State::ACTIVE).into(),
                AttributeValue::InitialDate(time).into(),
            ],
        }),
    );
    let operations = [1, 2, 3, 5, 8, 10, 11, 12, 18, 19, 20, 24, 30, 31, 32, 33, 34, 35].map(Operation);
    assert_captured(
        "pykmip-client-1.2/21-query.1-query",
        ProtocolVersion::V1_2,
        time,
        success(ResponsePayload::Query(QueryAnswer {
            operations: operations.to_vec().into(),
            vendor_identification: Some("PyKMIP 0.11.0 Software Server".into()),
            ..QueryAnswer::default()
        })),
    );
    let versions = [(2, 0), (1, 4), (1, 3), (1, 2), (1, 1), (1, 0)];
    let versions = versions.map(|(major, minor)| ProtocolVersion::new(major, minor)).to_vec();
    assert_captured(
        "pykmip-client-1.2/22-discover-versions.1-discover_versions",
        ProtocolVersion::V1_2,
        time,
        success(ResponsePayload::DiscoverVersions { versions: versions.into() }),
    );
    assert_captured(
        "pykmip-server-edge/04-unsupported-op-rekey.1-rekey",
        ProtocolVersion::V1_2,
        1_795_318_224,
        failure(
            Some(Operation::RE_KEY),
            ResultReason::OPERATION_NOT_SUPPORTED,
            "Rekey operation is not supported by the server.",
        ),
    );
    assert_captured(
        "pykmip-server-edge/01-version-9.9.1-none",
        ProtocolVersion::V1_0,
        1_795_318_224,
        failure(
            None,
            ResultReason::INVALID_MESSAGE,
            "Error parsing request message. See server logs for more information.",
        ),
    );
}

#[test]
fn the_answers_to_locate_revoke_and_destroy_equal_the_captured_ones() {
    let locate = |unique_identifiers: &[&str]| {
        let unique_identifiers = unique_identifiers.iter().map(|id| (*id).to_owned()).collect();
        success(ResponsePayload::Locate { located_items: None, unique_identifiers })
    };
    let time = 1_795_318_223;
    for (name, found) in [
        ("psmdb-legacy-kmippp/01-locate-name-absent.1-locate", &[][..]),
        ("psmdb-legacy-kmippp/03-locate-name-present.1-locate", &["13"]),
        ("psmdb-legacy-kmippp/03-locate-name-present.2-locate", &[]),
    ] {
        assert_captured(name, ProtocolVersion::V1_0, time, locate(found));
    }
    let at = |name, items| assert_captured(name, ProtocolVersion::V1_2, 1_795_317_781, items);
    let denied = "Object is active and cannot be destroyed.";
    at(
        "pykmip-client-1.2/13-destroy-active-denied.1-destroy",
        failure(Some(Operation::DESTROY), ResultReason::PERMISSION_DENIED, denied),
    );
    at(
        "pykmip-client-1.2/14-revoke-cessation.1-revoke",
        success(ResponsePayload::Revoke { unique_identifier: "1".into() }),
    );
    at(
        "pykmip-client-1.2/17-destroy-deactivated.1-destroy",
        success(ResponsePayload::Destroy { unique_identifier: "1".into() }),
    );
}

#[test]
fn the_answers_to_a_driver_in_delegated_mode_equal_the_captured_ones() {
    // The answer to each holds what the request of the other says.
    let cipher = |name: &str, word: &str| {
        let (_, meaning, _) = captures(REQUESTS).find(|(found, ..)| *found == name).expect("it is captured");
        let (_, value) = meaning.split_once(&format!(" {word}=")).expect("the meaning says it");
        super::bytes(value.split(' ').next().unwrap_or(value))
    };
    let encrypt = "pymongocrypt-1.21.2/08-delegated-create_data_key.3-encrypt";
    let decrypt = "pymongocrypt-1.21.2/09-delegated-encrypt.1-decrypt";
    let encrypted = ResponsePayload::Encrypt {
        unique_identifier: "4".into(),
        data: KeyBytes::Owned(cipher(decrypt, "data").into()),
        iv_counter_nonce: Some(cipher(decrypt, "iv")),
    };
    assert_captured(encrypt, ProtocolVersion::V1_2, 1_795_317_889, success(encrypted));
    let decrypted = ResponsePayload::Decrypt {
        unique_identifier: "4".into(),
        data: KeyBytes::Owned(cipher(encrypt, "data").into()),
    };
    assert_captured(decrypt, ProtocolVersion::V1_2, 1_795_317_889, success(decrypted));
}

#[test]
fn a_captured_batch_of_two_is_decoded_and_answered_as_captured() {
    let message = capture(EDGE, "pykmip-server-edge/06-batch2-ids.1-get");
    let request = RequestMessage::decode(&message).expect("both items are named");
    let ids: Vec<_> = request.items.iter().map(|item| item.unique_batch_item_id).collect();
    assert_eq!(ids, [Some(&b"a"[..]), Some(b"b")]);

    // The second key was made by the captured server.
    let second = super::bytes("06b6102f9571b2fecb2ea58489f55fbf760ad5c66f386641e5d4775d7cfca520");
    let objects = [("3", seed(registered_seed())), ("4", aes_256(&second))];
    let items = request.items.iter().zip(objects).map(|(item, (id, object))| ResponseItem::Success {
        unique_batch_item_id: item.unique_batch_item_id,
        payload: ResponsePayload::Get { unique_identifier: id.into(), object },
    });
    assert_captured("pykmip-server-edge/06-batch2-ids.1-get", request.header.version, 1_795_318_224, items.collect());
}

#[test]
fn an_operation_that_is_not_decoded_is_named_and_its_payload_skipped() {
    let message = capture(EDGE, "pykmip-server-edge/04-unsupported-op-rekey.1-rekey");
    let request = RequestMessage::decode(&message).expect("it is well-formed");
    assert_eq!(request.items[0].operation, Some(Operation::RE_KEY));
    assert_eq!(request.items[0].payload, Ok(Payload::Other(Operation::RE_KEY)));
}

#[test]
fn a_printed_request_and_answer_show_everything_but_the_key() {
    let (_, _, request) = captures(REQUESTS).find(|(name, ..)| name.starts_with("psmdb-libkmip/01")).unwrap();
    let answer = capture(RESPONSES, "psmdb-libkmip/02-restart-verify-active.2-get");
    let printed = format!("{}\n{}", pretty(&request), pretty(&answer));
    assert!(!printed.contains("010203"));
    insta::assert_snapshot!(printed);
    // The same holds for Debug output.
    let decoded = format!("{:?}", RequestMessage::decode(&request).unwrap());
    assert!(decoded.contains("Bytes(32 bytes)") && !decoded.contains("1, 2, 3"), "{decoded}");
}
