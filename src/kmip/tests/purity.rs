//! No answer holds anything younger than its version, whatever it is asked to carry; and none is larger than allowed.

use super::{RESPONSES, capture};
use crate::kmip::enums::{
    ClientRegistrationMethod, CryptographicAlgorithm, DestroyAction, HashingAlgorithm, KeyFormatType, NameType,
    ObjectType, Operation, QueryFunction, ResultReason, RevocationReasonCode, RngAlgorithm, RngMode, SecretDataType,
    UnwrapMode,
};
use crate::kmip::response_payload::KeyBlock;
use crate::kmip::*;
use crate::ttlv::{Reader, Value, Writer};

/// Every tag, every attribute name and every value of an enumeration in an answer, as the printer names them.
fn printed(version: ProtocolVersion, items: Vec<ResponseItem<'_>>) -> (String, Vec<String>) {
    let mut buffer = Vec::new();
    let younger = ResponseMessage { version, time_stamp: 0, items }.encode(&mut buffer);
    assert!(Reader::new(&buffer).skip_rest().is_ok());
    let left_out = younger.into_iter().map(|younger| {
        younger.since.map_or(format!("{} (no version)", younger.what), |since| format!("{} ({since})", younger.what))
    });
    (pretty(&buffer), left_out.collect())
}

fn success(payload: ResponsePayload<'_>) -> Vec<ResponseItem<'_>> {
    vec![ResponseItem::Success { unique_batch_item_id: None, payload }]
}

fn raw(write: impl FnOnce(&mut Writer<'_>)) -> RawValue {
    let mut encoded = Vec::new();
    write(&mut Writer::new(&mut encoded));
    RawValue::from_encoded(&encoded).expect("the writer writes what the reader reads")
}

fn get(key_format_type: KeyFormatType, algorithm: CryptographicAlgorithm) -> ResponsePayload<'static> {
    ResponsePayload::Get {
        unique_identifier: "1".into(),
        object: ManagedObject::SymmetricKey(KeyBlock {
            key_format_type,
            key_material: KeyBytes::Borrowed(b"sixteen byte key"),
            cryptographic_algorithm: Some(algorithm),
            cryptographic_length: Some(128),
        }),
    }
}

#[test]
fn younger_attributes_are_left_out_of_an_old_answer_and_kept_in_a_new_one() {
    let attributes = || {
        let other = |name: &str, value| AttributeValue::Other { name: name.to_owned(), value }.into();
        vec![
            AttributeValue::CryptographicLength(256).into(),
            other("Fresh", raw(|writer| writer.boolean(tag::ATTRIBUTE_VALUE, true))),
            other("Sensitive", raw(|writer| writer.boolean(tag::ATTRIBUTE_VALUE, true))),
            other("Short Unique Identifier", raw(|writer| writer.byte_string(tag::ATTRIBUTE_VALUE, &[1]))),
            other("x-note", raw(|writer| writer.text_string(tag::ATTRIBUTE_VALUE, "kept"))),
            // An old attribute with a field of KMIP 1.2 inside.
            other(
                "Cryptographic Parameters",
                raw(|writer| {
                    writer.structure(tag::ATTRIBUTE_VALUE, |writer| {
                        writer.enumeration(tag::BLOCK_CIPHER_MODE, 1);
                        writer.boolean(tag::RANDOM_IV, true);
                    });
                }),
            ),
            // An old attribute with a value of KMIP 1.4.
            AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::CHACHA20).into(),
        ]
    };
    let answer = |version| {
        let payload = ResponsePayload::GetAttributes { unique_identifier: "1".into(), attributes: attributes() };
        printed(version, success(payload))
    };
    let (old, left_out) = answer(ProtocolVersion::V1_0);
    assert_eq!(
        left_out,
        ["Fresh (1.1)", "Sensitive (1.4)", "Short Unique Identifier (no version)", "RandomIV (1.2)", "ChaCha20 (1.4)"]
    );
    insta::assert_snapshot!(old);
    let (_, left_out) = answer(ProtocolVersion::V1_4);
    assert_eq!(left_out, ["Short Unique Identifier (no version)"]);
}

#[test]
fn younger_operations_are_left_out_of_query() {
    let answer = |version| {
        let operations = vec![Operation::GET, Operation::ENCRYPT, Operation::IMPORT, Operation(0x2F)];
        let answer = QueryAnswer {
            operations: operations.into(),
            object_types: vec![ObjectType::SYMMETRIC_KEY, ObjectType::PGP_KEY].into(),
            ..QueryAnswer::default()
        };
        printed(version, success(ResponsePayload::Query(answer))).1
    };
    assert_eq!(
        answer(ProtocolVersion::V1_0),
        ["Encrypt (1.2)", "Import (1.4)", "0x0000002F (no version)", "PGP Key (1.2)"]
    );
    assert_eq!(answer(ProtocolVersion::V1_2), ["Import (1.4)", "0x0000002F (no version)"]);
    assert_eq!(answer(ProtocolVersion::V1_4), ["0x0000002F (no version)"]);
}

#[test]
fn the_number_of_located_items_is_left_out_before_1_3() {
    for version in ProtocolVersion::SUPPORTED {
        let payload = ResponsePayload::Locate { located_items: Some(1), unique_identifiers: vec!["1".to_owned()] };
        let (text, left_out) = printed(version, success(payload));
        let young = version >= ProtocolVersion::V1_3;
        assert_eq!((text.contains("LocatedItems"), left_out.is_empty()), (young, young), "{version}");
        assert!(text.contains("UniqueIdentifier") && text.contains("Success"), "{text}");
    }
}

#[test]
fn encrypted_and_decrypted_data_are_younger_than_1_1() {
    let iv_counter_nonce = Some(vec![1; 16]);
    let encrypt = |data| ResponsePayload::Encrypt { unique_identifier: "1".into(), data, iv_counter_nonce };
    let (text, left_out) = printed(ProtocolVersion::V1_1, success(encrypt(KeyBytes::Borrowed(b"cipher text"))));
    assert_eq!(left_out, ["Data (1.2)"]);
    assert!(!text.contains("IVCounterNonce") && text.contains("General Failure"), "{text}");
    let decrypt = ResponsePayload::Decrypt { unique_identifier: "1".into(), data: KeyBytes::Borrowed(b"clear text") };
    let (text, left_out) = printed(ProtocolVersion::V1_2, success(decrypt));
    assert_eq!(left_out, [""; 0]);
    assert!(text.contains("Data") && !text.contains("clear text"), "what is decrypted is not printed: {text}");
}

#[test]
fn what_an_answer_can_do_without_is_dropped_and_what_it_cannot_makes_it_a_failure() {
    let (text, left_out) =
        printed(ProtocolVersion::V1_0, success(get(KeyFormatType::RAW, CryptographicAlgorithm::CHACHA20)));
    assert_eq!(left_out, ["ChaCha20 (1.4)"]);
    assert!(text.contains("KeyMaterial") && text.contains("Success") && !text.contains("CryptographicAlgorithm"));

    let mut items = success(get(KeyFormatType::PKCS_12, CryptographicAlgorithm::AES));
    items.extend(success(get(KeyFormatType::RAW, CryptographicAlgorithm::AES)));
    let (text, left_out) = printed(ProtocolVersion::V1_0, items);
    assert_eq!(left_out, ["PKCS#12 (1.4)"]);
    // The first item fails without its key, the second is whole.
    insta::assert_snapshot!(text);
}

#[test]
fn a_younger_reason_becomes_general_failure_while_the_operation_is_echoed() {
    let failure = |version| {
        let item = ResponseItem::Failure {
            // Younger than 1.0, but it comes from the request.
            operation: Some(Operation::IMPORT),
            unique_batch_item_id: Some(b"7"),
            reason: ResultReason::OBJECT_ALREADY_EXISTS,
            message: "There is\nsuch an object.".into(),
        };
        printed(version, vec![item])
    };
    let (text, left_out) = failure(ProtocolVersion::V1_3);
    assert_eq!(left_out, ["Object Already Exists (1.4)"]);
    insta::assert_snapshot!(text);
    let (text, left_out) = failure(ProtocolVersion::V1_4);
    assert_eq!(left_out, [""; 0]);
    assert!(text.contains("Object Already Exists"));
}

#[test]
fn an_answer_in_a_version_that_we_do_not_speak_is_given_in_1_0() {
    let mut buffer = Vec::new();
    let message = ResponseMessage {
        version: ProtocolVersion::new(9, 9),
        time_stamp: 0,
        items: success(ResponsePayload::Activate { unique_identifier: "1".into() }),
    };
    message.encode(&mut buffer);
    let text = pretty(&buffer);
    assert!(text.contains("ProtocolVersionMajor (0x42006A) Integer = 1\n"), "{text}");
    assert!(text.contains("ProtocolVersionMinor (0x42006B) Integer = 0\n"), "{text}");
}

#[test]
fn an_answer_beyond_the_clients_limit_becomes_response_too_large_without_the_key() {
    let expected = capture(RESPONSES, "psmdb-libkmip/02-restart-verify-active.2-get");
    let key: Vec<u8> = (0..32).collect();
    let object = ManagedObject::SymmetricKey(KeyBlock {
        key_format_type: KeyFormatType::RAW,
        key_material: KeyBytes::Borrowed(&key),
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        cryptographic_length: Some(256),
    });
    let message = ResponseMessage {
        version: ProtocolVersion::V1_0,
        time_stamp: 1_795_317_891,
        items: success(ResponsePayload::Get { unique_identifier: "5".into(), object }),
    };
    let mut buffer = Vec::new();
    // 280 bytes are captured, so 280 fit and 279 do not.
    for fits in [None, Some(280), Some(u32::MAX)] {
        message.encode_within(fits, &mut buffer);
        assert_eq!(buffer, expected);
    }
    for too_small in [279, 16, 0] {
        message.encode_within(Some(too_small), &mut buffer);
        assert!(!buffer.windows(4).any(|window| window == [1, 2, 3, 4]));
    }
    insta::assert_snapshot!(pretty(&buffer));
}

#[test]
fn room_for_an_answer_is_made_before_it_is_written() {
    // A second item behind a key must not move the key to another place in memory.
    let long = "x".repeat(5000);
    let attributes = vec![
        AttributeValue::ObjectGroup(long.clone()).into(),
        AttributeValue::Name(Name { value: long.clone(), name_type: NameType::URI }).into(),
        AttributeValue::RevocationReason(RevocationReason {
            code: RevocationReasonCode::SUPERSEDED,
            message: Some(long.clone()),
        })
        .into(),
        AttributeValue::Other {
            name: format!("x-{long}"),
            value: raw(|writer| writer.text_string(tag::ATTRIBUTE_VALUE, &long)),
        }
        .into(),
    ];
    let query = QueryAnswer {
        operations: Operation::ALL.into(),
        object_types: ObjectType::ALL.into(),
        vendor_identification: Some(long.as_str().into()),
        random_number_generator: Some(RandomNumberGenerator { rng_algorithm: RngAlgorithm::DRBG }),
        capabilities: Some(Capabilities {
            streaming: true,
            asynchronous: true,
            attestation: true,
            batch_undo: Some(true),
            batch_continue: Some(true),
            unwrap_mode: UnwrapMode::PROCESSED,
            destroy_action: DestroyAction::SHREDDED,
            rng_mode: RngMode::UNSPECIFIED,
        }),
        client_registration_method: Some(ClientRegistrationMethod::UNSPECIFIED),
    };
    let digest = Attribute::from(AttributeValue::Digest(Digest {
        hashing_algorithm: HashingAlgorithm::SHA_512,
        digest_value: long.clone().into_bytes(),
        key_format_type: Some(KeyFormatType::RAW),
    }));
    let versions = ProtocolVersion::SUPPORTED.repeat(50);
    let payloads = [
        get(KeyFormatType::RAW, CryptographicAlgorithm::AES),
        ResponsePayload::GetAttributes { unique_identifier: long.as_str().into(), attributes },
        ResponsePayload::Query(query),
        ResponsePayload::DiscoverVersions { versions: versions.into() },
        ResponsePayload::Locate { located_items: Some(2), unique_identifiers: vec![long.clone(), "1".to_owned()] },
        ResponsePayload::Locate { located_items: Some(500), unique_identifiers: vec!["1234567".to_owned(); 500] },
        ResponsePayload::Encrypt {
            unique_identifier: long.as_str().into(),
            data: KeyBytes::Borrowed(long.as_bytes()),
            iv_counter_nonce: Some(vec![7; 999]),
        },
        ResponsePayload::Decrypt { unique_identifier: long.as_str().into(), data: KeyBytes::Borrowed(long.as_bytes()) },
        ResponsePayload::Revoke { unique_identifier: long.as_str().into() },
        ResponsePayload::GetAttributeList {
            unique_identifier: long.as_str().into(),
            attribute_names: attribute_name::ATTRIBUTES.iter().map(|row| row.name.to_owned()).collect(),
        },
        ResponsePayload::AddAttribute { unique_identifier: long.as_str().into(), attribute: digest.clone() },
        ResponsePayload::ModifyAttribute { unique_identifier: long.as_str().into(), attribute: digest.clone() },
        ResponsePayload::DeleteAttribute { unique_identifier: long.as_str().into(), attribute: digest.clone() },
        ResponsePayload::Get { unique_identifier: "1".into(), object: ManagedObject::Template(vec![digest; 3]) },
        ResponsePayload::Check {
            unique_identifier: Some(long.as_str().into()),
            cryptographic_usage_mask: Some(12),
            lease_time: Some(3600),
        },
        ResponsePayload::ObtainLease { unique_identifier: long.as_str().into(), lease_time: 3600, last_change_date: 7 },
        ResponsePayload::Destroy { unique_identifier: long.as_str().into() },
        ResponsePayload::Register { unique_identifier: long.as_str().into() },
        ResponsePayload::Create { object_type: ObjectType::SECRET_DATA, unique_identifier: long.as_str().into() },
        ResponsePayload::Get {
            unique_identifier: "1".into(),
            object: ManagedObject::SecretData {
                secret_data_type: SecretDataType::SEED,
                key_block: KeyBlock {
                    key_format_type: KeyFormatType::OPAQUE,
                    key_material: KeyBytes::Owned(long.clone().into_bytes().into()),
                    cryptographic_algorithm: None,
                    cryptographic_length: None,
                },
            },
        },
    ];
    let id = [7; 300];
    let mut items: Vec<_> = payloads
        .into_iter()
        .map(|payload| ResponseItem::Success { unique_batch_item_id: Some(&id), payload })
        .collect();
    items.push(ResponseItem::Failure {
        operation: Some(Operation::GET),
        unique_batch_item_id: Some(&id),
        reason: ResultReason::GENERAL_FAILURE,
        message: long.as_str().into(),
    });
    for item in items {
        let message = ResponseMessage { version: ProtocolVersion::V1_4, time_stamp: 0, items: vec![item] };
        let mut buffer = Vec::new();
        message.encode(&mut buffer);
        assert!(buffer.len() <= message.size_bound(), "{} > {}", buffer.len(), message.size_bound());
    }
}

#[test]
fn answers_of_every_version_hold_only_tags_of_that_version() {
    fn walk(mut reader: Reader<'_>, version: ProtocolVersion) {
        while let Some(item) = reader.next_item().expect("well-formed") {
            let entry = tag::entry(item.tag).expect("a tag of the standard");
            assert!(entry.since <= version, "{} in {version}", entry.name);
            assert!(entry.item_type.is_none_or(|expected| expected == item.item_type()), "{}", entry.name);
            if let Value::Structure(inside) = item.value {
                walk(inside, version);
            }
        }
    }
    for version in ProtocolVersion::SUPPORTED {
        // All attributes that exist, with a value that may be wrong, which nobody reads here.
        let attributes = attribute_name::ATTRIBUTES.iter().map(|row| {
            let value = raw(|writer| writer.integer(tag::ATTRIBUTE_VALUE, 1));
            AttributeValue::Other { name: row.name.to_owned(), value }.into()
        });
        let message = ResponseMessage {
            version,
            time_stamp: 0,
            items: success(ResponsePayload::GetAttributes {
                unique_identifier: "1".into(),
                attributes: attributes.collect(),
            }),
        };
        let mut buffer = Vec::new();
        let younger = message.encode(&mut buffer);
        walk(Reader::new(&buffer), version);
        let expected = attribute_name::ATTRIBUTES.iter().filter(|row| row.since > version).count();
        assert_eq!(younger.len(), expected, "{version}");
    }
    assert_eq!(QueryFunction::PROFILES.since(), Some(ProtocolVersion::V1_3));
}
