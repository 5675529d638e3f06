//! Broken and hostile requests: an error with its place, never a panic, and never more than the part concerned.

use super::{EDGE, REQUESTS, capture, captures, item, request};
use crate::kmip::enums::{ObjectType, Operation, ResultReason};
use crate::kmip::*;
use crate::ttlv::{ItemType, Tag, TtlvError, TtlvErrorKind, Writer};

const GET: u32 = 0x0A;

fn get(writer: &mut Writer<'_>, identifier: &str) {
    item(writer, GET, None, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, identifier));
}

/// A 1.2 request of one item.
fn single(operation: u32, payload: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    request((1, 2), 1, |_| {}, |writer| item(writer, operation, None, payload))
}

fn frame_error(message: &[u8]) -> FrameError {
    RequestMessage::decode(message).expect_err("this message is unreadable")
}

fn item_error(message: &[u8]) -> ItemError {
    let mut request = RequestMessage::decode(message).expect("the frame is good");
    assert_eq!(request.items.len(), 1);
    request.items.remove(0).payload.expect_err("this payload is bad")
}

/// The place that an error names.
fn offset(error: &FrameError) -> Option<usize> {
    match error.kind {
        FrameErrorKind::Malformed(error) => Some(error.offset),
        FrameErrorKind::MaximumResponseSize { offset, .. } | FrameErrorKind::BatchCount { offset, .. } => Some(offset),
        FrameErrorKind::UnsupportedVersion(_) | FrameErrorKind::TooManyItems { .. } => None,
    }
}

/// Decodes whatever it is. Errors must lie inside the message, and their answer must be a well-formed message.
fn decode_and_check(message: &[u8]) {
    match RequestMessage::decode(message) {
        Err(error) => {
            assert!(offset(&error).is_none_or(|offset| offset <= message.len()), "{error:?}");
            let mut answer = Vec::new();
            error.answer(0).encode(&mut answer);
            assert!(!pretty(&answer).contains("unreadable from here"), "{}", pretty(&answer));
        }
        Ok(request) => {
            for item in request.items {
                if let Err(error) = item.payload {
                    assert!(error.offset() <= message.len(), "{error:?}");
                    assert!(error.to_string().is_ascii(), "{error}");
                }
            }
        }
    }
    // The printer meets the same bytes in the log.
    pretty(message);
}

#[test]
fn a_request_that_ends_at_any_earlier_byte_is_unreadable() {
    for (name, _, message) in captures(REQUESTS) {
        for end in 0..message.len() {
            let error = frame_error(&message[..end]);
            assert!(offset(&error).is_some_and(|offset| offset <= end), "{name} cut at {end}: {error:?}");
            assert_eq!(error.answer_version(), ProtocolVersion::V1_0);
        }
    }
}

#[test]
fn a_request_with_any_single_bit_flipped_never_panics_and_errors_stay_inside_it() {
    for (_, _, mut message) in captures(REQUESTS) {
        for bit in 0..message.len() * 8 {
            message[bit / 8] ^= 1 << (bit % 8);
            decode_and_check(&message);
            message[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn the_largest_length_in_any_item_is_refused() {
    // Bytes 4 to 7 of each item are its length. Trying all aligned places hits every item's, and more.
    for (_, _, mut message) in captures(REQUESTS) {
        for at in (4..message.len()).step_by(8) {
            let kept = message[at..at + 4].to_vec();
            message[at..at + 4].fill(0xFF);
            decode_and_check(&message);
            message[at..at + 4].copy_from_slice(&kept);
        }
        message[4..8].fill(0xFF);
        let available = message.len() - 8;
        // A structure's length must be a multiple of eight, which is noticed first.
        let structure = TtlvErrorKind::WrongLength { item_type: ItemType::Structure, declared: u32::MAX };
        assert_eq!(frame_error(&message).kind, TtlvError { kind: structure, offset: 0 }.into());
        message[7] = 0xF8;
        let beyond = TtlvErrorKind::OutOfBounds { declared: 0xFFFF_FFF8, available };
        assert_eq!(frame_error(&message).kind, TtlvError { kind: beyond, offset: 0 }.into());
    }
}

#[test]
fn structures_nested_a_thousand_deep_fail_the_item_that_holds_them() {
    let message = single(Operation::ARCHIVE.0, |writer| {
        let open: Vec<_> = (0..1000).map(|_| writer.open(tag::ATTRIBUTE)).collect();
        open.into_iter().rev().for_each(|open| writer.close(open));
    });
    let ItemError::Malformed(error) = item_error(&message) else { panic!("not a fault of form") };
    assert_eq!(error.kind, TtlvErrorKind::TooDeep);

    // In the header they make the message unreadable.
    let message = request(
        (1, 2),
        1,
        |writer| {
            let open: Vec<_> = (0..1000).map(|_| writer.open(tag::AUTHENTICATION)).collect();
            open.into_iter().rev().for_each(|open| writer.close(open));
        },
        |writer| get(writer, "1"),
    );
    let error = frame_error(&message);
    assert!(matches!(error.kind, FrameErrorKind::Malformed(TtlvError { kind: TtlvErrorKind::TooDeep, .. })));
    assert_eq!(error.version, Some(ProtocolVersion::V1_2));
}

#[test]
fn a_fault_in_a_payload_names_the_field_and_its_place() {
    let message = single(GET, |writer| writer.integer(tag::UNIQUE_IDENTIFIER, 5));
    let error = item_error(&message);
    assert_eq!(error.reason(), ResultReason::INVALID_MESSAGE);
    assert_eq!(
        error.to_string(),
        "the batch item cannot be read: byte 104: UniqueIdentifier has the type Integer, it should have TextString"
    );

    let twice = single(GET, |writer| {
        writer.text_string(tag::UNIQUE_IDENTIFIER, "1");
        writer.text_string(tag::UNIQUE_IDENTIFIER, "2");
    });
    assert_eq!(
        item_error(&twice).to_string(),
        "the batch item cannot be read: byte 120: UniqueIdentifier is not expected here"
    );
    let wrong_order = single(GET, |writer| {
        writer.enumeration(tag::KEY_FORMAT_TYPE, 1);
        writer.text_string(tag::UNIQUE_IDENTIFIER, "1");
    });
    let unexpected = TtlvError { kind: TtlvErrorKind::Unexpected(tag::UNIQUE_IDENTIFIER), offset: 120 };
    assert_eq!(item_error(&wrong_order), unexpected.into());
    let unknown = single(GET, |writer| writer.integer(Tag::new(0x42_0999), 1));
    assert_eq!(
        item_error(&unknown).to_string(),
        "the batch item cannot be read: byte 104: tag 0x420999 is not expected here"
    );
    assert_eq!(
        item_error(&single(Operation::QUERY.0, |_| {})),
        TtlvError { kind: TtlvErrorKind::Missing(tag::QUERY_FUNCTION), offset: 104 }.into()
    );
}

#[test]
fn padding_that_is_not_zero_is_refused() {
    let mut message = single(GET, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, "1"));
    let last = message.len() - 1;
    message[last] = 1;
    let padding = TtlvError { kind: TtlvErrorKind::NonZeroPadding, offset: last - 6 };
    assert_eq!(item_error(&message), padding.into());
}

#[test]
fn a_value_of_the_wrong_type_or_object_is_an_invalid_field() {
    let attribute = |writer: &mut Writer<'_>, name: &str, value: &dyn Fn(&mut Writer<'_>)| {
        let attribute = writer.open(tag::ATTRIBUTE);
        writer.text_string(tag::ATTRIBUTE_NAME, name);
        value(writer);
        writer.close(attribute);
    };
    let message = single(Operation::CREATE.0, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        let template = writer.open(tag::TEMPLATE_ATTRIBUTE);
        attribute(writer, "Cryptographic Length", &|writer| writer.text_string(tag::ATTRIBUTE_VALUE, "256"));
        writer.close(template);
    });
    let error = item_error(&message);
    assert_eq!(error.reason(), ResultReason::INVALID_FIELD);
    assert_eq!(
        error.to_string(),
        "attribute \"Cryptographic Length\": byte 168: AttributeValue has the type TextString, it should have Integer"
    );

    let message = single(Operation::REGISTER.0, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, ObjectType::SECRET_DATA.0);
        writer.structure(tag::TEMPLATE_ATTRIBUTE, |_| {});
        writer.structure(tag::SYMMETRIC_KEY, |_| {});
    });
    let error = item_error(&message);
    assert_eq!(error.reason(), ResultReason::INVALID_FIELD);
    assert_eq!(error.to_string(), "byte 128: the object type is Secret Data, but the object is SymmetricKey");
}

#[test]
fn unknown_attributes_are_kept_and_their_values_not_printed() {
    let message = single(Operation::CREATE.0, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        writer.structure(tag::TEMPLATE_ATTRIBUTE, |writer| {
            writer.structure(tag::ATTRIBUTE, |writer| {
                writer.text_string(tag::ATTRIBUTE_NAME, "x-Vendor");
                writer.integer(tag::ATTRIBUTE_INDEX, 3);
                writer.structure(tag::ATTRIBUTE_VALUE, |writer| writer.text_string(tag::USERNAME, "hush"));
            });
        });
    });
    let request = RequestMessage::decode(&message).unwrap();
    let Ok(Payload::Create(create)) = &request.items[0].payload else { panic!("{:?}", request.items[0]) };
    let [attribute] = create.template.attributes.as_slice() else { panic!("one attribute was sent") };
    assert_eq!((attribute.name(), attribute.index), ("x-Vendor", Some(3)));
    let AttributeValue::Other { value, .. } = &attribute.value else { panic!("{attribute:?}") };
    assert_eq!(value.item_type(), ItemType::Structure);
    assert_eq!(RawValue::from_encoded(value.encoded()).as_ref(), Ok(value));
    assert!(!format!("{create:?}").contains("hush"));
}

#[test]
fn objects_that_are_not_taken_apart_say_what_they_are() {
    let registered = |object_type: ObjectType, object: Tag, fields: &dyn Fn(&mut Writer<'_>)| {
        let message = single(Operation::REGISTER.0, |writer| {
            writer.enumeration(tag::OBJECT_TYPE, object_type.0);
            writer.structure(tag::TEMPLATE_ATTRIBUTE, |_| {});
            let object = writer.open(object);
            fields(writer);
            writer.close(object);
        });
        let mut request = RequestMessage::decode(&message).unwrap();
        match request.items.remove(0).payload {
            Ok(Payload::Register(register)) => register.object,
            other => panic!("{other:?}"),
        }
    };
    let certificate = registered(ObjectType::CERTIFICATE, tag::CERTIFICATE, &|writer| {
        writer.enumeration(tag::CERTIFICATE_TYPE, 1);
        writer.byte_string(tag::CERTIFICATE_VALUE, &[0x30]);
    });
    assert_eq!(certificate, RegisteredObject::Other(tag::CERTIFICATE));

    let key = |format: u32, key_value: &dyn Fn(&mut Writer<'_>)| {
        let object = registered(ObjectType::SYMMETRIC_KEY, tag::SYMMETRIC_KEY, &|writer| {
            let block = writer.open(tag::KEY_BLOCK);
            writer.enumeration(tag::KEY_FORMAT_TYPE, format);
            key_value(writer);
            writer.close(block);
        });
        match object {
            RegisteredObject::SymmetricKey(key) => key,
            other => panic!("{other:?}"),
        }
    };
    let transparent = key(7, &|writer| {
        writer.structure(tag::KEY_VALUE, |writer| {
            writer.structure(tag::KEY_MATERIAL, |writer| writer.byte_string(tag::KEY, &[1; 16]));
        });
    });
    assert_eq!(transparent.key_material, KeyMaterial::Structure);
    let wrapped = key(1, &|writer| {
        writer.byte_string(tag::KEY_VALUE, &[1; 24]);
        writer.structure(tag::KEY_WRAPPING_DATA, |writer| writer.enumeration(tag::WRAPPING_METHOD, 1));
    });
    assert_eq!((wrapped.key_material, wrapped.key_wrapping_data), (KeyMaterial::Wrapped, true));
    assert_eq!(key(1, &|_| {}).key_material, KeyMaterial::Absent);
}

#[test]
fn in_a_batch_of_three_only_the_bad_item_fails() {
    let message = request(
        (1, 3),
        3,
        |writer| writer.enumeration(tag::BATCH_ERROR_CONTINUATION_OPTION, 1),
        |writer| {
            item(writer, GET, Some(b"1"), |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, "one"));
            item(writer, GET, Some(b"2"), |writer| writer.boolean(tag::UNIQUE_IDENTIFIER, true));
            item(writer, GET, Some(b"3"), |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, "three"));
        },
    );
    let request = RequestMessage::decode(&message).expect("the frame is good");
    let found: Vec<_> = request
        .items
        .iter()
        .map(|item| match &item.payload {
            Ok(Payload::Get(get)) => get.unique_identifier.unwrap_or("none"),
            Ok(_) => "not a Get",
            Err(_) => "an error",
        })
        .collect();
    assert_eq!(found, ["one", "an error", "three"]);
    // The bad item is still answered by name.
    assert_eq!(request.items[1].operation, Some(Operation::GET));
    assert_eq!(request.items[1].unique_batch_item_id, Some(&b"2"[..]));
}

#[test]
fn an_item_without_an_operation_or_without_the_name_that_a_batch_demands_fails_alone() {
    let message = request(
        (1, 2),
        1,
        |_| {},
        |writer| {
            writer.structure(tag::BATCH_ITEM, |writer| writer.structure(tag::REQUEST_PAYLOAD, |_| {}));
        },
    );
    let decoded = RequestMessage::decode(&message).unwrap();
    assert_eq!(decoded.items[0].operation, None);
    let missing = TtlvError { kind: TtlvErrorKind::Missing(tag::OPERATION), offset: 80 };
    assert_eq!(decoded.items[0].payload, Err(missing.into()));

    let message = capture(EDGE, "pykmip-server-edge/05-batch2-no-ids.1-get");
    let decoded = RequestMessage::decode(&message).unwrap();
    assert!(decoded.items.iter().all(|item| item.operation == Some(Operation::GET) && item.payload.is_err()));
}

#[test]
fn a_batch_count_that_is_not_the_number_of_items_makes_the_message_unreadable() {
    for (declared, found) in [(2, 1), (0, 1), (-1, 1), (i32::MAX, 1), (1, 2), (0, 0), (1, 0)] {
        let message = request((1, 4), declared, |_| {}, |writer| (0..found).for_each(|_| get(writer, "1")));
        let error = frame_error(&message);
        assert_eq!(error.kind, FrameErrorKind::BatchCount { declared, found, offset: 56 });
        assert_eq!(error.answer_version(), ProtocolVersion::V1_4);
    }
}

#[test]
fn a_version_that_we_do_not_speak_is_named_and_answered_in_1_0() {
    for (name, version) in [
        ("pykmip-server-edge/01-version-9.9.1-get", ProtocolVersion::new(9, 9)),
        ("pykmip-server-edge/02-version-2.1.1-get", ProtocolVersion::new(2, 1)),
    ] {
        let error = frame_error(&capture(EDGE, name));
        assert_eq!(error.version, Some(version));
        assert_eq!(error.kind, FrameErrorKind::UnsupportedVersion(version));
        assert_eq!(error.answer_version(), ProtocolVersion::V1_0);
    }
    let mut answer = Vec::new();
    frame_error(&request((9, 9), 1, |_| {}, |_| {})).answer(1_795_318_224).encode(&mut answer);
    insta::assert_snapshot!(pretty(&answer));
}

#[test]
fn a_message_that_is_no_request_is_unreadable() {
    let message = capture(EDGE, "pykmip-server-edge/10-garbage-tag.1-get");
    let unexpected = TtlvError { kind: TtlvErrorKind::Unexpected(Tag::new(0x42_00FF)), offset: 0 };
    assert_eq!(frame_error(&message), FrameError { version: None, kind: unexpected.into() });

    let mut trailing = single(GET, |_| {});
    let end = trailing.len();
    trailing.extend([0; 3]);
    let error = TtlvError { kind: TtlvErrorKind::TrailingBytes(3), offset: end };
    assert_eq!(frame_error(&trailing).kind, error.into());
}

#[test]
fn every_field_of_the_header_is_taken_in_the_order_of_the_standard_and_no_other() {
    let full = |writer: &mut Writer<'_>| {
        writer.integer(tag::MAXIMUM_RESPONSE_SIZE, 8192);
        writer.text_string(tag::CLIENT_CORRELATION_VALUE, "mongod 7");
        writer.text_string(tag::SERVER_CORRELATION_VALUE, "s");
        writer.boolean(tag::ASYNCHRONOUS_INDICATOR, true);
        writer.boolean(tag::ATTESTATION_CAPABLE_INDICATOR, false);
        writer.enumeration(tag::ATTESTATION_TYPE, 1);
        writer.enumeration(tag::ATTESTATION_TYPE, 2);
        writer.structure(tag::AUTHENTICATION, |writer| {
            writer.structure(tag::CREDENTIAL, |writer| writer.enumeration(tag::CREDENTIAL_TYPE, 1));
        });
        writer.enumeration(tag::BATCH_ERROR_CONTINUATION_OPTION, 3);
        writer.boolean(tag::BATCH_ORDER_OPTION, true);
        writer.date_time(tag::TIME_STAMP, 1_795_317_891);
    };
    let message = request((1, 4), 1, full, |writer| get(writer, "1"));
    insta::assert_debug_snapshot!(RequestMessage::decode(&message).expect("all fields are legal").header);

    let swapped = |writer: &mut Writer<'_>| {
        writer.date_time(tag::TIME_STAMP, 1);
        writer.integer(tag::MAXIMUM_RESPONSE_SIZE, 8192);
    };
    let error = frame_error(&request((1, 4), 1, swapped, |writer| get(writer, "1")));
    assert_eq!(error.to_string(), "the request cannot be read: byte 72: BatchCount is missing");
    let negative = |writer: &mut Writer<'_>| writer.integer(tag::MAXIMUM_RESPONSE_SIZE, -1);
    let error = frame_error(&request((1, 4), 1, negative, |writer| get(writer, "1")));
    assert_eq!(error.kind, FrameErrorKind::MaximumResponseSize { size: -1, offset: 56 });
}

#[test]
fn a_message_extension_is_reported_with_its_criticality() {
    for critical in [true, false] {
        let message = request(
            (1, 0),
            1,
            |_| {},
            |writer| {
                writer.structure(tag::BATCH_ITEM, |writer| {
                    writer.enumeration(tag::OPERATION, GET);
                    writer.structure(tag::REQUEST_PAYLOAD, |_| {});
                    writer.structure(tag::MESSAGE_EXTENSION, |writer| {
                        writer.text_string(tag::VENDOR_IDENTIFICATION, "ACME");
                        writer.boolean(tag::CRITICALITY_INDICATOR, critical);
                        writer.structure(tag::VENDOR_EXTENSION, |writer| writer.integer(Tag::new(0x54_0001), 1));
                    });
                });
            },
        );
        let request = RequestMessage::decode(&message).unwrap();
        let extension = MessageExtension { vendor_identification: "ACME", critical };
        assert_eq!(request.items[0].extension, Some(extension));
        assert!(request.items[0].payload.is_ok());
    }
}
