//! Locate: what matches, in which order and pages, and what a broken file does to the answer.

use super::wire::{attribute, create_aes, get, get_attributes, item};
use super::*;
use crate::keys::Event;
use crate::kmip::tag;
use crate::ttlv::Writer;

/// Writes the fields of a payload, or one value.
type Fill<'f> = &'f dyn Fn(&mut Writer<'_>);

/// An attribute with its name.
type Wanted = (&'static str, Value);

/// What must be found, in order.
type Expected = &'static [&'static str];

fn locate(fields: Fill<'_>, attributes: &[Wanted]) -> Item {
    item(0x08, |writer| {
        fields(writer);
        for (name, value) in attributes {
            attribute(writer, name, |writer, tag| match value {
                Value::Integer(number) => writer.integer(tag, *number),
                Value::Choice(number) => writer.enumeration(tag, *number),
                Value::Date(seconds) => writer.date_time(tag, *seconds),
                Value::Text(text) => writer.text_string(tag, text),
                Value::Name(text) => writer.structure(tag, |writer| {
                    writer.text_string(tag::NAME_VALUE, text);
                    writer.enumeration(tag::NAME_TYPE, 1);
                }),
            });
        }
    })
}

/// The value of an attribute.
#[derive(Clone, Copy)]
enum Value {
    Integer(i32),
    Choice(u32),
    Date(i64),
    Text(&'static str),
    Name(&'static str),
}

use Value::{Choice, Date, Integer, Name, Text};

const ALL: Fill<'_> = &|_| {};

/// The identifiers in an answer, in order.
fn found(answer: &wire::Answer) -> Vec<&str> {
    assert_eq!(answer.reason, None, "{}", answer.message);
    answer.payload.iter().filter_map(|line| line.strip_prefix("UniqueIdentifier=")).collect()
}

/// A bench with four keys: that of every bench, and three more of which two are of one age.
fn bench() -> Bench {
    let bench = Bench::new();
    let store = |id: &str, initial: i64, change: &dyn Fn(&mut ManagedObject)| {
        let mut object = ManagedObject::new(id.to_owned(), ObjectType::SymmetricKey, initial);
        change(&mut object);
        bench.store(object, Some(b"material"));
    };
    store("b-twin", NOW - 100, &|object| {
        object.names = ObjectName::texts(["twin", "second name"]);
        object.algorithm = Some(3);
        object.length_bits = Some(128);
        object.usage_mask = 4;
    });
    store("a-twin", NOW - 100, &|object| object.names = ObjectName::texts(["twin"]));
    store("seed", NOW - 10, &|object| {
        object.object_type = ObjectType::SecretData { kind: 2 };
        object.apply(Event::Activate, NOW - 8).unwrap();
        object.apply(Event::Deactivate, NOW - 4).unwrap();
    });
    bench
}

#[tokio::test]
async fn everything_matches_nothing_in_particular_newest_first_and_twins_by_identifier() {
    let bench = bench();
    assert_eq!(found(&bench.one(locate(ALL, &[])).await), ["seed", KEY, "a-twin", "b-twin"]);
    assert_eq!(bench.kms.calls(), [""; 0], "nothing is opened");
}

#[tokio::test]
async fn an_object_must_have_all_that_is_wanted() {
    let bench = bench();
    let cases: [(&[Wanted], Expected); 22] = [
        (&[("Object Type", Choice(2))], &[KEY, "a-twin", "b-twin"]),
        (&[("Object Type", Choice(7))], &["seed"]),
        (&[("Object Type", Choice(1))], &[]),
        (&[("Name", Name("twin"))], &["a-twin", "b-twin"]),
        (&[("Name", Name("twin")), ("Name", Name("second name"))], &["b-twin"]),
        (&[("Name", Name("Twin"))], &[]),
        (&[("Name", Name("twin")), ("Object Type", Choice(7))], &[]),
        (&[("State", Choice(1))], &["a-twin", "b-twin"]),
        (&[("State", Choice(2))], &[KEY]),
        (&[("State", Choice(3))], &["seed"]),
        (&[("State", Choice(5))], &[]),
        (&[("Cryptographic Algorithm", Choice(3))], &[KEY, "b-twin"]),
        (&[("Cryptographic Length", Integer(256))], &[KEY]),
        (&[("Cryptographic Usage Mask", Integer(4))], &[KEY, "b-twin"]),
        (&[("Cryptographic Usage Mask", Integer(12))], &[KEY]),
        (&[("Cryptographic Usage Mask", Integer(0))], &["seed", KEY, "a-twin", "b-twin"]),
        (&[("Unique Identifier", Text("seed"))], &["seed"]),
        (&[("Unique Identifier", Text("seed")), ("State", Choice(1))], &[]),
        (&[("Unique Identifier", Text("../seed"))], &[]),
        (&[("Object Group", Text(""))], &[]),
        (&[("x-note", Text("kept by nobody"))], &[]),
        (&[("Operation Policy Name", Text("default"))], &[]),
    ];
    for (index, (attributes, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found(&bench.one(locate(ALL, attributes)).await), expected, "number {index}");
    }
}

#[tokio::test]
async fn a_date_is_equal_or_within_two_and_the_largest_one_means_none() {
    let bench = bench();
    let initial = |dates: &[i64]| -> Vec<Wanted> { dates.iter().map(|date| ("Initial Date", Date(*date))).collect() };
    let cases: [(Vec<Wanted>, Expected); 10] = [
        (initial(&[NOW - 100]), &["a-twin", "b-twin"]),
        (initial(&[NOW - 99]), &[]),
        (initial(&[NOW - 100, NOW - 60]), &[KEY, "a-twin", "b-twin"]),
        (initial(&[NOW - 60, NOW - 100]), &[KEY, "a-twin", "b-twin"]),
        (initial(&[NOW - 59, NOW]), &["seed"]),
        (initial(&[NOW - 99, NOW - 61]), &[]),
        (vec![("Activation Date", Date(NOW - 30))], &[KEY]),
        (vec![("Deactivation Date", Date(NOW - 4))], &["seed"]),
        (vec![("Activation Date", Date(i64::MAX))], &["a-twin", "b-twin"]),
        (vec![("Activation Date", Date(0)), ("Activation Date", Date(i64::MAX))], &["seed", KEY]),
    ];
    for (index, (attributes, expected)) in cases.into_iter().enumerate() {
        assert_eq!(found(&bench.one(locate(ALL, &attributes)).await), expected, "number {index}");
    }
    let three = bench.one(locate(ALL, &initial(&[1, 2, 3]))).await;
    assert_eq!(three.refusal(), ResultReason::INVALID_FIELD);
    let wrong = bench.one(locate(ALL, &[("Initial Date", Integer(1))])).await;
    assert_eq!(wrong.refusal(), ResultReason::INVALID_FIELD);
}

#[tokio::test]
async fn pages_are_counted_in_the_same_order_and_located_items_are_told_since_1_3() {
    let bench = bench();
    let pages: [(Option<i32>, Option<i32>, Expected); 6] = [
        (Some(2), None, &["seed", KEY]),
        (Some(2), Some(2), &["a-twin", "b-twin"]),
        (Some(16), Some(3), &["b-twin"]),
        (None, Some(4), &[]),
        (Some(0), None, &[]),
        (Some(i32::MAX), Some(i32::MAX), &[]),
    ];
    for (maximum, offset, expected) in pages {
        for minor in 0..=4 {
            let fields: Fill<'_> = &|writer| {
                maximum.into_iter().for_each(|number| writer.integer(tag::MAXIMUM_ITEMS, number));
                offset.into_iter().for_each(|number| writer.integer(tag::OFFSET_ITEMS, number));
            };
            let answered = bench.ask(Ask { version: (1, minor), ..Ask::of(locate(fields, &[])) }).await;
            let answer = &answered.items[0];
            assert_eq!(found(answer), expected, "{maximum:?} after {offset:?}");
            let counted = answer.payload.first().is_some_and(|line| line == "LocatedItems=4");
            assert_eq!(counted, minor >= 3, "in 1.{minor}: {:?}", answer.payload);
            assert_eq!(answer.payload.len(), expected.len() + usize::from(counted));
        }
    }
    assert!(bench.told.0.lock().unwrap().is_empty(), "what is left out for an older version is nobody's trouble");
    for tag in [tag::MAXIMUM_ITEMS, tag::OFFSET_ITEMS] {
        let negative = bench.one(locate(&|writer| writer.integer(tag, -1), &[])).await;
        assert_eq!(negative.refusal(), ResultReason::INVALID_FIELD);
        assert!(negative.message.ends_with("is negative: -1"), "{}", negative.message);
    }
}

#[tokio::test]
async fn nothing_is_archived_or_a_member_of_a_group_and_what_is_destroyed_is_not_located() {
    let bench = bench();
    for (mask, count) in [(1, 4), (2, 0), (3, 4), (0, 0)] {
        let answer = bench.one(locate(&|writer| writer.integer(tag::STORAGE_STATUS_MASK, mask), &[])).await;
        assert_eq!(found(&answer).len(), count, "mask {mask}");
    }
    for member in [1, 2] {
        let answer = bench.one(locate(&|writer| writer.enumeration(tag::OBJECT_GROUP_MEMBER, member), &[])).await;
        assert_eq!(found(&answer), [""; 0]);
    }
    let destroy = item(0x14, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, "a-twin"));
    assert_eq!(bench.one(destroy).await.reason, None);
    assert_eq!(found(&bench.one(locate(ALL, &[("Name", Name("twin"))])).await), ["b-twin"]);
    assert_eq!(found(&bench.one(locate(ALL, &[("Unique Identifier", Text("a-twin"))])).await), [""; 0]);
    assert_eq!(found(&bench.one(locate(ALL, &[("State", Choice(5))])).await), [""; 0]);
}

#[tokio::test]
async fn a_broken_key_file_hides_no_other_key_and_never_passes_for_none() {
    let bench = bench();
    bench.disk.put("broken.aws.key.json", "{\"format\": \"kmip-pr");
    let by_name = |name| locate(ALL, &[("Name", Name(name))]);
    assert_eq!(found(&bench.one(by_name("twin")).await), ["a-twin", "b-twin"]);
    assert_eq!(found(&bench.one(locate(ALL, &[])).await).len(), 4);
    assert_eq!(bench.told.classes(), [Class::KeyFileMalformed; 2], "the operator is told of the file");

    // The name may stand in the file that cannot be read: whoever hears "none" makes a new key.
    let answer = bench.one(by_name("lost")).await;
    assert_eq!(answer.refusal(), ResultReason::GENERAL_FAILURE);
    assert!(answer.message.contains("broken"), "{}", answer.message);
    assert_eq!(bench.told.classes().len(), 3);
    // A short page of what was found is no absence.
    let fields: Fill<'_> = &|writer| writer.integer(tag::OFFSET_ITEMS, 2);
    assert_eq!(found(&bench.one(locate(fields, &[("Name", Name("twin"))])).await), [""; 0]);
    assert_eq!(bench.told.classes().len(), 4);
    // The identifier of a broken file is known: it is not another one's.
    let by_id = |id| locate(ALL, &[("Unique Identifier", Text(id))]);
    assert_eq!(found(&bench.one(by_id("nobody")).await), [""; 0]);
    assert_eq!(bench.told.classes().len(), 4);
    assert_eq!(bench.one(by_id("broken")).await.refusal(), ResultReason::GENERAL_FAILURE);
    assert_eq!(bench.kms.calls(), [""; 0]);
}

#[tokio::test]
async fn a_key_of_another_provider_never_passes_for_none_and_stands_in_nobodys_way() {
    let bench = bench();
    let local = r#"{"format": "kmip-proxy/1", "uniqueIdentifier": "other", "objectType": "SymmetricKey",
        "state": "Active", "cryptographicUsageMask": 12, "initialDate": 1, "lastChangeDate": 1, "names": ["moved"],
        "masterKey": {"provider": "local"}, "encryptionContext": {}"#;
    let live = format!("{local}, \"keyMaterial\": {{\"$binary\": {{\"base64\": \"AAEC\", \"subType\": \"00\"}}}}}}");
    bench.disk.put("other.local.key.json", &live);
    bench.disk.put("broken.local.key.json", "{");
    assert_eq!(found(&bench.one(locate(ALL, &[])).await).len(), 4);
    assert_eq!(found(&bench.one(locate(ALL, &[("Name", Name("nobody"))])).await), [""; 0]);
    assert_eq!(bench.told.classes(), []);

    // Whoever hears "none" makes a new key.
    for wanted in [("Name", Name("moved")), ("Unique Identifier", Text("other"))] {
        let answer = bench.one(locate(ALL, &[wanted])).await;
        assert_eq!(answer.refusal(), bench.one(get(Some("other"))).await.refusal());
        assert!(answer.message.contains("-cloudProvider local"), "{}", answer.message);
    }
    assert_eq!(bench.told.classes(), [Class::ProviderMismatch; 4]);
    // The name of a file may say one provider, and its content another.
    bench.disk.take_away("other.local.key.json");
    bench.disk.put("other.aws.key.json", &live);
    assert!(bench.one(locate(ALL, &[("Name", Name("moved"))])).await.reason.is_some());
    // What is destroyed is not looked for any more.
    bench.disk.put("other.aws.key.json", &format!("{}}}", local.replace("Active", "Destroyed")));
    assert_eq!(found(&bench.one(locate(ALL, &[("Name", Name("moved"))])).await), [""; 0]);
}

#[tokio::test]
async fn metadata_that_wait_for_a_first_key_are_no_broken_file() {
    let bench = Bench::new();
    bench.disk.put("first-start.aws.metadata", METADATA);
    bench.disk.take_away(&format!("{KEY}.aws.key.json"));
    assert_eq!(found(&bench.one(locate(ALL, &[])).await), [""; 0]);
    bench.disk.breaks(Broken::List);
    assert_eq!(bench.one(locate(ALL, &[])).await.refusal(), ResultReason::GENERAL_FAILURE);
    assert_eq!(bench.told.classes(), [Class::FileUnavailable]);
}

#[tokio::test]
async fn the_batch_goes_on_with_the_one_object_that_was_located_and_with_none_of_several() {
    let bench = bench();
    // The newest key lends its metadata to new ones.
    bench.disk.put("seed.aws.metadata", METADATA);
    let state = || get_attributes(None, &["State"]);
    let next = async |located: Item| {
        // The placeholder holds another key before.
        let asks = Ask::batch([create_aes(), located, state()]);
        let mut answered = bench.ask(asks).await;
        let last = answered.items.remove(2);
        match last.reason {
            None => last.value("UniqueIdentifier").to_owned(),
            Some(reason) => format!("{reason}"),
        }
    };
    assert_eq!(next(locate(ALL, &[("State", Choice(3))])).await, "seed");
    assert_eq!(next(locate(ALL, &[("Name", Name("twin"))])).await, "Item Not Found");
    assert_eq!(next(locate(ALL, &[("Name", Name("nobody"))])).await, "Item Not Found");
    let first: Fill<'_> = &|writer| writer.integer(tag::MAXIMUM_ITEMS, 1);
    assert_eq!(next(locate(first, &[("Name", Name("twin"))])).await, "a-twin");
    let second: Fill<'_> = &|writer| {
        writer.integer(tag::MAXIMUM_ITEMS, 2);
        writer.integer(tag::OFFSET_ITEMS, 1);
    };
    assert_eq!(next(locate(second, &[("Name", Name("twin"))])).await, "Item Not Found", "two match");
    assert_eq!(bench.one(get(None)).await.refusal(), ResultReason::ITEM_NOT_FOUND);
}
