//! Check, Obtain Lease and the functions of Query: operations that change nothing and open nothing.

use super::wire::{get, get_attributes, item};
use super::*;
use crate::keys::Event;
use crate::kmip::tag;
use crate::ttlv::Writer;

fn check(id: Option<&str>, fields: impl FnOnce(&mut Writer<'_>)) -> Item {
    item(0x09, |writer| {
        if let Some(id) = id {
            writer.text_string(tag::UNIQUE_IDENTIFIER, id);
        }
        fields(writer);
    })
}

fn lease(id: &str) -> Item {
    item(0x10, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, id))
}

#[tokio::test]
async fn check_names_the_object_where_the_use_is_allowed_and_else_what_stands_against_it() {
    let bench = Bench::new();
    let allowed = [format!("UniqueIdentifier={KEY}")];
    let mask = |mask| check(Some(KEY), move |writer| writer.integer(tag::CRYPTOGRAPHIC_USAGE_MASK, mask));
    let time = |seconds| check(Some(KEY), move |writer| writer.interval(tag::LEASE_TIME, seconds));
    let count = check(Some(KEY), |writer| writer.long_integer(tag::USAGE_LIMITS_COUNT, 500));
    for item in [check(Some(KEY), |_| {}), mask(4), mask(12), time(3600), count] {
        assert_eq!(bench.one(item).await.payload, allowed);
    }
    // Sign is 1, Export 64 (KMIP 1.4 section 9.1.3.3.1).
    assert_eq!(bench.one(mask(13)).await.payload, ["CryptographicUsageMask=13"]);
    assert_eq!(bench.one(mask(64)).await.payload, ["CryptographicUsageMask=64"]);
    assert_eq!(bench.one(time(3601)).await.payload, ["LeaseTime=3601"]);
    assert_eq!(bench.one(check(Some("nobody"), |_| {})).await.refusal(), ResultReason::ITEM_NOT_FOUND);
    assert_eq!(bench.kms.calls(), [""; 0]);
}

#[tokio::test]
async fn a_batch_goes_on_with_what_check_allows_and_not_with_what_it_refuses() {
    let bench = Bench::new();
    let batch = async |mask| {
        let check = check(Some(KEY), move |writer| writer.integer(tag::CRYPTOGRAPHIC_USAGE_MASK, mask));
        bench.ask(Ask::batch([check, get(None)])).await.items.remove(1)
    };
    assert_eq!(batch(4).await.value("UniqueIdentifier"), KEY);
    assert_eq!(batch(1).await.refusal(), ResultReason::ITEM_NOT_FOUND);
}

#[tokio::test]
async fn a_lease_is_an_hour_and_there_is_none_of_what_is_compromised_or_gone() {
    let bench = Bench::new();
    let answer = bench.one(lease(KEY)).await;
    let expected =
        [format!("UniqueIdentifier={KEY}"), "LeaseTime=3600".to_owned(), format!("LastChangeDate={}", NOW - 60)];
    assert_eq!(answer.payload, expected);
    for (id, events, reason) in [
        ("compromised", vec![Event::Compromise], ResultReason::PERMISSION_DENIED),
        ("destroyed", vec![Event::Destroy], ResultReason::ITEM_NOT_FOUND),
    ] {
        let mut object = ManagedObject::new(id.to_owned(), ObjectType::SymmetricKey, NOW - 9);
        events.into_iter().for_each(|event| object.apply(event, NOW - 8).unwrap());
        let material = (!object.state.is_destroyed()).then_some(&[7; 32][..]);
        bench.store(object, material);
        assert_eq!(bench.one(lease(id)).await.refusal(), reason, "{id}");
    }
}

#[tokio::test]
async fn query_answers_each_function_since_the_version_that_has_it() {
    let bench = Bench::new();
    let query = |function: u32| item(0x18, |writer| writer.enumeration(tag::QUERY_FUNCTION, function));
    let told = async |function, minor| {
        let answered = bench.ask(Ask { version: (1, minor), ..Ask::of(query(function)) }).await;
        assert_eq!(answered.items[0].reason, None, "{function} in 1.{minor}");
        answered.items[0].payload.join(" ")
    };
    // Application Namespaces, Extension List and Map, Attestation Types, Validations, Profiles: none.
    for function in [4, 5, 6, 7, 9, 10] {
        for minor in 0..=4 {
            assert_eq!(told(function, minor).await, "", "{function} in 1.{minor}");
        }
    }
    let old = "StreamingCapability=false AsynchronousCapability=false AttestationCapability=false";
    let modes = "UnwrapMode=1 DestroyAction=2 RNGMode=2";
    // RNGs is 8, Capabilities 11, Client Registration Methods 12; those of batches came with 1.4.
    for (function, expected) in [
        (8, ["", "RNGAlgorithm=1", "RNGAlgorithm=1"]),
        (
            11,
            [
                "",
                &format!("{old} {modes}"),
                &format!("{old} BatchUndoCapability=false BatchContinueCapability=true {modes}"),
            ],
        ),
        (12, ["", "ClientRegistrationMethod=1", "ClientRegistrationMethod=1"]),
    ] {
        for (minor, expected) in (2..=4).zip(expected) {
            assert_eq!(told(function, minor).await, expected, "{function} in 1.{minor}");
        }
    }
    assert!(bench.told.0.lock().unwrap().is_empty(), "nothing was left out that anybody could miss");
}

#[tokio::test]
async fn who_could_wait_for_an_answer_is_answered_at_once() {
    // Asynchronous Indicator says what a client can do with (KMIP 1.4 section 6.7), not what the server must do.
    let bench = Bench::new();
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    let message = writer.open(tag::REQUEST_MESSAGE);
    writer.structure(tag::REQUEST_HEADER, |writer| {
        writer.structure(tag::PROTOCOL_VERSION, |writer| {
            writer.integer(tag::PROTOCOL_VERSION_MAJOR, 1);
            writer.integer(tag::PROTOCOL_VERSION_MINOR, 0);
        });
        writer.boolean(tag::ASYNCHRONOUS_INDICATOR, true);
        writer.integer(tag::BATCH_COUNT, 1);
    });
    writer.structure(tag::BATCH_ITEM, |writer| {
        writer.enumeration(tag::OPERATION, 0x0A);
        writer.structure(tag::REQUEST_PAYLOAD, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, KEY));
    });
    writer.close(message);
    let answered = Answered::read(&bench.operations.answer(&bytes).await);
    assert_eq!(answered.items[0].value("KeyMaterial"), "07".repeat(32));
    for operation in [0x19, 0x1A] {
        let poll = bench.one(item(operation, |writer| writer.byte_string(tag::ASYNCHRONOUS_CORRELATION_VALUE, &[1])));
        assert_eq!(poll.await.refusal(), ResultReason::OPERATION_NOT_SUPPORTED);
    }
}

#[tokio::test]
async fn the_members_of_a_group_are_located_fresh_or_by_default() {
    let bench = Bench::new();
    for (id, age, fresh) in [("old", 30, false), ("middle", 20, true), ("new", 10, true)] {
        let mut object = ManagedObject::new(id.to_owned(), ObjectType::SymmetricKey, NOW - age);
        object.fresh = Some(fresh);
        bench.store(object, Some(&[7; 32]));
        let group = super::attributes::add(id, "Object Group", &|writer, tag| writer.text_string(tag, "ours"));
        assert_eq!(bench.one(group).await.reason, None);
    }
    let located = async |member: Option<u32>| {
        let locate = item(0x08, |writer| {
            if let Some(member) = member {
                writer.enumeration(tag::OBJECT_GROUP_MEMBER, member);
            }
            wire::attribute(writer, "Object Group", |writer, tag| writer.text_string(tag, "ours"));
        });
        bench.one(locate).await.payload[1..].join(" ").replace("UniqueIdentifier=", "")
    };
    // Group Member Fresh is 1, Group Member Default 2.
    assert_eq!(located(None).await, "new middle old");
    assert_eq!(located(Some(1)).await, "new middle");
    assert_eq!(located(Some(2)).await, "old");
    let group = bench.one(get_attributes(Some("old"), &["Object Group"])).await;
    assert_eq!(group.value("AttributeValue"), "ours");
}
