//! The payloads of Locate, Revoke, Encrypt and Decrypt, field by field: their order, their types, what is noted of them.

use super::{item, request};
use crate::kmip::enums::{
    BlockCipherMode, CryptographicAlgorithm, ObjectGroupMember, Operation, PaddingMethod, ResultReason,
    RevocationReasonCode,
};
use crate::kmip::payload::{CipherRequest, Locate};
use crate::kmip::*;
use crate::ttlv::{Tag, TtlvError, TtlvErrorKind, Writer};

/// Writes a field.
type Fill<'f> = &'f dyn Fn(&mut Writer<'_>);

fn message(operation: Operation, fields: &[Fill<'_>]) -> Vec<u8> {
    let payload = |writer: &mut Writer<'_>| fields.iter().for_each(|field| field(writer));
    request((1, 4), 1, |_| {}, |writer| item(writer, operation.0, None, payload))
}

/// The payload of these fields, handed to a test.
fn decode<T>(operation: Operation, fields: &[Fill<'_>], look: impl FnOnce(Payload<'_>) -> T) -> Result<T, ItemError> {
    let message = message(operation, fields);
    RequestMessage::decode(&message).expect("the frame is well-formed").items.remove(0).payload.map(look)
}

/// Every field but the last one must stand before the next one: two that are swapped are refused.
fn assert_ordered(operation: Operation, fields: &[Fill<'_>]) {
    for at in 1..fields.len() {
        let mut swapped = fields.to_vec();
        swapped.swap(at - 1, at);
        let error = decode(operation, &swapped, |_| ()).expect_err("two fields are swapped");
        assert_eq!(error.reason(), ResultReason::INVALID_MESSAGE, "{operation}, fields {at} and the one before");
    }
}

#[test]
fn locate_is_read_whole_and_in_the_order_of_the_standard() {
    let fields: [Fill<'_>; 5] = [
        &|writer| writer.integer(tag::MAXIMUM_ITEMS, 16),
        &|writer| writer.integer(tag::OFFSET_ITEMS, -1),
        &|writer| writer.integer(tag::STORAGE_STATUS_MASK, 3),
        &|writer| writer.enumeration(tag::OBJECT_GROUP_MEMBER, 2),
        &|writer| {
            let attribute = writer.open(tag::ATTRIBUTE);
            writer.text_string(tag::ATTRIBUTE_NAME, "Deactivation Date");
            writer.date_time(tag::ATTRIBUTE_VALUE, 77);
            writer.close(attribute);
        },
    ];
    let expected = Locate {
        maximum_items: Some(16),
        offset_items: Some(-1),
        storage_status_mask: Some(3),
        object_group_member: Some(ObjectGroupMember::GROUP_MEMBER_DEFAULT),
        attributes: vec![AttributeValue::DeactivationDate(77).into()],
    };
    let whole = decode(Operation::LOCATE, &fields, |payload| assert_eq!(payload, Payload::Locate(expected)));
    assert_eq!(whole, Ok(()));
    assert_ordered(Operation::LOCATE, &fields);
    let nothing = |payload: Payload<'_>| assert_eq!(payload, Payload::Locate(Locate::default()));
    assert_eq!(decode(Operation::LOCATE, &[], nothing), Ok(()));
    let text: Fill<'_> = &|writer| writer.text_string(tag::MAXIMUM_ITEMS, "16");
    assert!(decode(Operation::LOCATE, &[text], |_| ()).is_err());
}

#[test]
fn revoke_is_read_whole_and_in_the_order_of_the_standard() {
    let reason: Fill<'_> = &|writer| {
        writer.structure(tag::REVOCATION_REASON, |writer| {
            writer.enumeration(tag::REVOCATION_REASON_CODE, 2);
            writer.text_string(tag::REVOCATION_MESSAGE, "found in a bin");
        });
    };
    let fields: [Fill<'_>; 3] = [&|writer| writer.text_string(tag::UNIQUE_IDENTIFIER, "1"), reason, &|writer| {
        writer.date_time(tag::COMPROMISE_OCCURRENCE_DATE, 6)
    }];
    let whole = decode(Operation::REVOKE, &fields, |payload| {
        let Payload::Revoke(revoke) = payload else { panic!("{payload:?}") };
        assert_eq!((revoke.unique_identifier, revoke.compromise_occurrence_date), (Some("1"), Some(6)));
        let message = Some("found in a bin".to_owned());
        let code = RevocationReasonCode::KEY_COMPROMISE;
        assert_eq!(revoke.revocation_reason, RevocationReason { code, message });
    });
    assert_eq!(whole, Ok(()));
    assert_ordered(Operation::REVOKE, &fields);
    let missing = TtlvErrorKind::Missing(tag::REVOCATION_REASON);
    let error = decode(Operation::REVOKE, &fields[..1], |_| ()).unwrap_err();
    assert!(matches!(error, ItemError::Malformed(TtlvError { kind, .. }) if kind == missing), "{error:?}");
    let empty: Fill<'_> = &|writer| writer.structure(tag::REVOCATION_REASON, |_| {});
    assert!(decode(Operation::REVOKE, &[empty], |_| ()).is_err(), "a reason has a code");
}

fn parameters(writer: &mut Writer<'_>, fields: &[Fill<'_>]) {
    let open = writer.open(tag::CRYPTOGRAPHIC_PARAMETERS);
    fields.iter().for_each(|field| field(writer));
    writer.close(open);
}

fn data(writer: &mut Writer<'_>) {
    writer.byte_string(tag::DATA, b"hush");
}

fn look<T>(fields: &[Fill<'_>], look: impl FnOnce(CipherRequest<'_>) -> T) -> Result<T, ItemError> {
    decode(Operation::DECRYPT, fields, |payload| match payload {
        Payload::Decrypt(cipher) => look(cipher),
        other => panic!("{other:?}"),
    })
}

#[test]
fn encrypt_and_decrypt_are_read_whole_and_in_the_order_of_the_standard() {
    let fields: [Fill<'_>; 8] = [
        &|writer| writer.text_string(tag::UNIQUE_IDENTIFIER, "1"),
        &|writer| {
            let fields: [Fill<'_>; 4] = [
                &|writer| writer.enumeration(tag::BLOCK_CIPHER_MODE, 1),
                &|writer| writer.enumeration(tag::PADDING_METHOD, 3),
                &|writer| writer.enumeration(tag::CRYPTOGRAPHIC_ALGORITHM, 3),
                &|writer| writer.boolean(tag::RANDOM_IV, true),
            ];
            parameters(writer, &fields);
        },
        &data,
        &|writer| writer.byte_string(tag::IV_COUNTER_NONCE, &[5; 16]),
        &|writer| writer.byte_string(tag::CORRELATION_VALUE, &[1]),
        &|writer| writer.boolean(tag::INIT_INDICATOR, true),
        &|writer| writer.boolean(tag::FINAL_INDICATOR, false),
        &|writer| writer.byte_string(tag::AUTHENTICATED_ENCRYPTION_ADDITIONAL_DATA, &[1]),
    ];
    let whole = look(&fields, |cipher| {
        assert_eq!((cipher.unique_identifier, cipher.data.0), (Some("1"), &b"hush"[..]));
        assert_eq!(cipher.iv_counter_nonce, Some(&[5; 16][..]));
        assert!(cipher.in_parts && cipher.authenticated);
        let parameters = cipher.parameters.expect("they are given");
        assert_eq!(parameters.block_cipher_mode, Some(BlockCipherMode::CBC));
        assert_eq!(parameters.padding_method, Some(PaddingMethod::PKCS5));
        assert_eq!(parameters.cryptographic_algorithm, Some(CryptographicAlgorithm::AES));
        assert_eq!((parameters.random_iv, parameters.other), (Some(true), None));
        assert!(!format!("{cipher:?}").contains("hush") && format!("{cipher:?}").contains("Data(4 bytes)"));
    });
    assert_eq!(whole, Ok(()));
    assert_ordered(Operation::ENCRYPT, &fields);
    assert_ordered(Operation::DECRYPT, &fields);
    assert_eq!(look(&[], |_| ()).unwrap_err().reason(), ResultReason::INVALID_MESSAGE, "there must be data");
}

#[test]
fn what_says_that_data_come_in_parts_or_are_authenticated_is_noted() {
    let noted: [(Fill<'_>, (bool, bool)); 6] = [
        (&|_| {}, (false, false)),
        (&|writer| writer.byte_string(tag::CORRELATION_VALUE, &[]), (true, false)),
        (&|writer| writer.boolean(tag::INIT_INDICATOR, true), (true, false)),
        (&|writer| writer.boolean(tag::FINAL_INDICATOR, true), (true, false)),
        (&|writer| writer.boolean(tag::INIT_INDICATOR, false), (false, false)),
        (&|writer| writer.byte_string(tag::AUTHENTICATED_ENCRYPTION_TAG, &[]), (false, true)),
    ];
    for (index, (field, expected)) in noted.into_iter().enumerate() {
        let told = look(&[&data, field], |cipher| (cipher.in_parts, cipher.authenticated));
        assert_eq!(told, Ok(expected), "number {index}");
    }
}

#[test]
fn parameters_of_other_ciphers_are_read_by_the_table_of_tags_and_the_first_is_named() {
    let numbers = [tag::IV_LENGTH, tag::TAG_LENGTH, tag::COUNTER_LENGTH, tag::SALT_LENGTH, tag::TRAILER_FIELD];
    let choices = [tag::HASHING_ALGORITHM, tag::KEY_ROLE_TYPE, tag::DIGITAL_SIGNATURE_ALGORITHM, tag::MASK_GENERATOR];
    let first = |fields: &[Fill<'_>]| {
        let given: Fill<'_> = &|writer| parameters(writer, fields);
        look(&[given, &data], |cipher| cipher.parameters.expect("they are given").other)
    };
    for number in numbers {
        assert_eq!(first(&[&|writer| writer.integer(number, 1)]), Ok(Some(number)));
        assert!(first(&[&|writer| writer.enumeration(number, 1)]).is_err(), "{number}");
    }
    for choice in choices {
        assert_eq!(first(&[&|writer| writer.enumeration(choice, 1)]), Ok(Some(choice)));
        assert!(first(&[&|writer| writer.integer(choice, 1)]).is_err(), "{choice}");
    }
    let source: Fill<'_> = &|writer| writer.byte_string(tag::P_SOURCE, &[1]);
    assert_eq!(first(&[source]), Ok(Some(tag::P_SOURCE)));
    let hashing: Fill<'_> = &|writer| writer.enumeration(tag::HASHING_ALGORITHM, 6);
    assert_eq!(first(&[hashing, source]), Ok(Some(tag::HASHING_ALGORITHM)));
    assert!(first(&[source, hashing]).is_err(), "they are out of order");
    let unknown: Fill<'_> = &|writer| writer.integer(Tag::new(0x42_0999), 1);
    assert!(first(&[unknown]).is_err());
}
