//! Two readers of KMIP that share nothing are compared: the laboratory's `wire`, by which the product is judged, and the
//! product's own codec and tables.
//!
//! What both know must have one number, one name in each spelling, and one first version. No difference is allowed, so
//! that there is no table of exceptions. The laboratory alone knows names that came after KMIP 1.4, because it also plays
//! conversations with other servers: those it must date after 1.4, and the product must not know them.

mod product;

use std::collections::BTreeSet;

use kmip_proxy::kmip::enums::{
    BatchErrorContinuationOption, BlockCipherMode, ClientRegistrationMethod, CryptographicAlgorithm, DestroyAction,
    Enumeration, HashingAlgorithm, KeyCompressionType, KeyFormatType, KeyWrapType, NameType, ObjectGroupMember,
    ObjectType, Operation, PaddingMethod, QueryFunction, ResultReason, ResultStatus, RevocationReasonCode,
    RngAlgorithm, RngMode, SecretDataType, State, UnwrapMode,
};
use kmip_proxy::kmip::spelling::Compact;
use kmip_proxy::kmip::{Payload, ProtocolVersion, RequestMessage, attribute_name, tag};
use kmip_proxy::ttlv::Tag;
use kmiplab::wire::message::{self, Header};
use kmiplab::wire::names::{self, *};
use kmiplab::wire::since::{Since, attribute_since, choice_since, tag_since};
use kmiplab::wire::{Answer, Item, leaves, younger};
use product::{
    ACTIVATE, ADD_ATTRIBUTE, CHECK, CREATE, DECRYPT, DELETE_ATTRIBUTE, DESTROY, DISCOVER_VERSIONS, ENCRYPT, GET,
    GET_ATTRIBUTE_LIST, GET_ATTRIBUTES, LOCATE, MODIFY_ATTRIBUTE, OBTAIN_LEASE, Product, QUERY, REGISTER, REVOKE,
    naming, prepared_disk, request,
};

/// Every tag of KMIP 1.0 to 1.4, and some numbers on both sides.
const TAGS: std::ops::RangeInclusive<u32> = 0x41_FFF0..=0x42_0140;

fn same_version(lab: Since, product: ProtocolVersion) -> bool {
    let minor = i32::try_from(match lab {
        Since::Minor(minor) => minor,
        Since::Later => return false,
    });
    product.major == 1 && minor == Ok(product.minor)
}

#[test]
fn both_know_the_same_tags_by_the_same_names_since_the_same_versions() {
    let mut differences = Vec::new();
    for number in TAGS {
        let product = tag::entry(Tag::new(number));
        match (names::tag_title(number), product) {
            (None, None) => {}
            (Some(_), None) if tag_since(number) == Since::Later => {}
            (Some(title), Some(row)) => {
                if camel(title) != row.name {
                    differences.push(format!("0x{number:06X} is {title} here and {} there", row.name));
                }
                if !same_version(tag_since(number), row.since) {
                    differences.push(format!("{title}: {:?} here and {:?} there", tag_since(number), row.since));
                }
            }
            (lab, product) => differences.push(format!("0x{number:06X}: {lab:?} here and {product:?} there")),
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Compares the choices of one enumeration, and says in what they differ.
fn differences<E: Enumeration>() -> Vec<String> {
    let number = E::TAG.number();
    let enumeration = tag_name(number);
    let mut differences = Vec::new();
    // The last number of any enumeration here is far below this.
    for choice in 0..=0x200 {
        let here = value_title(number, choice);
        let there = E::from_number(choice).entry();
        match (here, there) {
            // The laboratory names only what it reads; what it names must be the same.
            (None, _) => {}
            (Some(_), None) if choice_since(number, choice) == Since::Later => {}
            (Some(title), Some((name, _))) if title == name && camel(title) == Compact(name).to_string() => {}
            (here, there) => differences.push(format!("{enumeration} 0x{choice:X}: {here:?} here and {there:?} there")),
        }
        if let Some((name, since)) = there {
            // Where all choices are as old as their tag, the laboratory reports the tag instead of the choice.
            let lab = choice_since(number, choice).max(tag_since(number));
            if !same_version(lab, since) {
                differences.push(format!("{enumeration} {name}: {lab:?} here and {since:?} there"));
            }
        }
    }
    differences
}

#[test]
fn both_know_the_same_choices_by_the_same_names_since_the_same_versions() {
    let differences: Vec<String> = [
        differences::<BatchErrorContinuationOption>(),
        differences::<BlockCipherMode>(),
        differences::<CryptographicAlgorithm>(),
        differences::<KeyCompressionType>(),
        differences::<KeyFormatType>(),
        differences::<KeyWrapType>(),
        differences::<NameType>(),
        differences::<ObjectGroupMember>(),
        differences::<ObjectType>(),
        differences::<Operation>(),
        differences::<PaddingMethod>(),
        differences::<QueryFunction>(),
        differences::<ResultReason>(),
        differences::<ResultStatus>(),
        differences::<RevocationReasonCode>(),
        differences::<SecretDataType>(),
        differences::<State>(),
        differences::<ClientRegistrationMethod>(),
        differences::<DestroyAction>(),
        differences::<HashingAlgorithm>(),
        differences::<RngAlgorithm>(),
        differences::<RngMode>(),
        differences::<UnwrapMode>(),
    ]
    .concat();
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn both_end_the_operations_reasons_and_states_at_the_same_choice() {
    // A choice that only one side has would be judged by one side alone.
    let lab = |tag| {
        let known = names::values(tag).map(|(number, _)| number);
        known.filter(|number| choice_since(tag, *number) != Since::Later).collect::<BTreeSet<_>>()
    };
    assert_eq!(lab(OPERATION), Operation::ALL.iter().map(|choice| choice.0).collect());
    assert_eq!(lab(RESULT_REASON), ResultReason::ALL.iter().map(|choice| choice.0).collect());
    assert_eq!(lab(RESULT_STATUS), ResultStatus::ALL.iter().map(|choice| choice.0).collect());
    assert_eq!(lab(REVOCATION_REASON_CODE), RevocationReasonCode::ALL.iter().map(|choice| choice.0).collect());
    assert_eq!(lab(STATE), State::ALL.iter().map(|choice| choice.0).collect());
}

#[test]
fn both_know_the_same_attributes_since_the_same_versions() {
    let mut differences = Vec::new();
    for row in attribute_name::ATTRIBUTES {
        let (name, since) = (row.name, row.since);
        if !same_version(attribute_since(name), since) {
            differences.push(format!("{name}: {:?} here and {since:?} there", attribute_since(name)));
        }
    }
    for title in TAGS.filter_map(names::tag_title) {
        let (here, there) = (attribute_since(title), attribute_name::since(title));
        if here != Since::Later && there.is_none() {
            differences.push(format!("{title} is an attribute here and none there"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    for custom in ["x-note", "y-note"] {
        assert!(same_version(attribute_since(custom), ProtocolVersion::V1_0));
        assert_eq!(attribute_name::since(custom), Some(ProtocolVersion::V1_0));
    }
}

/// One request for each operation of the product, about this key, in the order of its life.
fn requests(minor: i32, id: &str) -> Vec<(u32, Item)> {
    let functions = names::values(0x420074).map(|(function, _)| Item::enumeration(0x420074, function)).collect();
    [
        (CREATE, product::create()),
        (REGISTER, product::register()),
        (GET, naming(id)),
        (GET_ATTRIBUTES, naming(id)),
        (GET_ATTRIBUTE_LIST, naming(id)),
        (ADD_ATTRIBUTE, product::noted(id, "first")),
        (MODIFY_ATTRIBUTE, product::noted(id, "second")),
        (DELETE_ATTRIBUTE, product::unnoted(id)),
        (CHECK, naming(id)),
        (OBTAIN_LEASE, naming(id)),
        (ACTIVATE, naming(id)),
        (LOCATE, product::locate(0x02)),
        (ENCRYPT, product::cipher(id)),
        (DECRYPT, product::cipher(id)),
        (REVOKE, product::revoke(id)),
        (DESTROY, naming(id)),
        (QUERY, functions),
        (DISCOVER_VERSIONS, Vec::new()),
    ]
    .into_iter()
    .map(|(operation, payload)| (operation, request(minor, operation, payload)))
    .collect()
}

fn assert_in_order(answer: &Answer, request: &Item, minor: i32, context: &str) {
    assert_eq!(answer.malformed(), None, "{context}: {answer:?}");
    assert_eq!(answer.version, format!("1.{minor}"), "{context}");
    assert_eq!(younger(&answer.message, &leaves(request)), Vec::<String>::new(), "{context}");
}

#[tokio::test(start_paused = true)]
async fn every_answer_of_the_product_is_read_by_the_laboratory_and_holds_nothing_too_young() {
    for minor in 0..=4 {
        let product = Product::start(&prepared_disk(), 1);
        let made = product.answer(&request(minor, REGISTER, product::register())).await;
        let id = made.items[0].unique_identifier.clone().expect("Register answers with an identifier");
        for (operation, request) in requests(minor, &id) {
            let name = value_name(OPERATION, operation);
            let context = format!("{name} in 1.{minor}");
            let answer = product.answer(&request).await;
            assert_in_order(&answer, &request, minor, &context);
            let item = &answer.items[0];
            assert_eq!(item.operation.as_deref(), Some(name.as_str()), "{context}");
            if matches!((operation, minor), (DISCOVER_VERSIONS, 0) | (ENCRYPT | DECRYPT, 0 | 1)) {
                // The operation is younger than the version, and is echoed all the same.
                assert_eq!(item.reason.as_deref(), Some("operation-not-supported"), "{context}");
            } else {
                assert_eq!(item.status, "Success", "{context}: {item:?}");
            }
            match operation {
                GET => assert_eq!(item.key_material.as_deref(), Some(&product::MATERIAL[..]), "{context}"),
                GET_ATTRIBUTES => assert_eq!(item.state.as_deref(), Some("Pre-Active"), "{context}"),
                LOCATE => assert_eq!(item.unique_identifier.as_deref(), Some(id.as_str()), "{context}"),
                _ => {}
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_the_product_is_read_by_the_laboratory_and_holds_nothing_too_young() {
    for minor in 0..=4 {
        let product = Product::start(&prepared_disk(), 1);
        let mut refused = 0;
        for (operation, title) in names::values(OPERATION) {
            let request = request(minor, operation, naming("nobody"));
            let answer = product.answer(&request).await;
            let context = format!("{title} of nobody in 1.{minor}");
            assert_in_order(&answer, &request, minor, &context);
            let item = &answer.items[0];
            if item.status == "Success" {
                continue;
            }
            refused += 1;
            assert!(item.operation.is_some() && item.reason.is_some() && item.message.is_some(), "{context}: {item:?}");
        }
        assert!(refused > 35, "only {refused} operations were refused in 1.{minor}");
    }
}

#[test]
fn every_request_of_the_laboratory_is_what_the_product_decodes() {
    for minor in 0..=4 {
        for (operation, request) in requests(minor, "a-key") {
            let (bytes, asked) = message::encode(&request);
            let decoded = RequestMessage::decode(&bytes).unwrap_or_else(|error| panic!("{asked:?}: {error:?}"));
            assert_eq!(decoded.header.version, ProtocolVersion::new(1, minor));
            assert_eq!(decoded.items.len(), 1);
            assert_eq!(decoded.items[0].operation, Some(Operation(operation)));
            let payload = decoded.items[0].payload.as_ref().unwrap_or_else(|error| panic!("{asked:?}: {error:?}"));
            let read = match payload {
                Payload::Create(create) => create.object_type == ObjectType::SYMMETRIC_KEY,
                Payload::Register(register) => register.template.attributes.len() == 3,
                Payload::Get(get) => get.unique_identifier == Some("a-key"),
                Payload::GetAttributes(get) => get.unique_identifier == Some("a-key"),
                Payload::GetAttributeList(list) => list.unique_identifier == Some("a-key"),
                Payload::AddAttribute(change) => change.attribute.name() == product::NOTE,
                Payload::ModifyAttribute(change) => change.unique_identifier == Some("a-key"),
                Payload::DeleteAttribute(delete) => delete.attribute_name == product::NOTE,
                Payload::Check(check) => check.unique_identifier == Some("a-key"),
                Payload::ObtainLease(lease) => lease.unique_identifier == Some("a-key"),
                Payload::Activate(activate) => activate.unique_identifier == Some("a-key"),
                Payload::Locate(locate) => locate.attributes.len() == 1,
                Payload::Revoke(revoke) => revoke.revocation_reason.code == RevocationReasonCode::KEY_COMPROMISE,
                Payload::Destroy(destroy) => destroy.unique_identifier == Some("a-key"),
                Payload::Encrypt(cipher) | Payload::Decrypt(cipher) => {
                    let parameters = cipher.parameters.expect("the parameters are given");
                    parameters.block_cipher_mode == Some(BlockCipherMode::CBC)
                        && parameters.padding_method == Some(PaddingMethod::NONE)
                        && cipher.data.0 == b"one block of AES"
                        && cipher.iv_counter_nonce == Some(&[7; 16])
                }
                Payload::Query(query) => query.functions.len() == 12,
                Payload::DiscoverVersions(_) => operation == DISCOVER_VERSIONS,
                Payload::Other(_) => false,
            };
            assert!(read, "{asked:?} was decoded as {payload:?}");
        }
    }
}

#[test]
fn the_header_of_the_laboratory_is_what_the_product_decodes() {
    let header = Header { version: (1, 2), maximum_response_size: Some(8192), time_stamp: Some(1_795_305_600) };
    let request = message::request(&header, &[(GET, naming("one")), (ACTIVATE, naming("two"))]);
    let (bytes, _) = message::encode(&request);
    let decoded = RequestMessage::decode(&bytes).expect("the laboratory writes what it should");
    assert_eq!(decoded.header.version, ProtocolVersion::V1_2);
    assert_eq!(decoded.header.maximum_response_size, Some(8192));
    assert_eq!(decoded.header.time_stamp, Some(1_795_305_600));
    assert_eq!((decoded.header.batch_count, decoded.items.len()), (2, 2));
}
