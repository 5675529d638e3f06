//! Add, Modify and Delete Attribute, Get Attribute List: the rules of KMIP 1.4 chapter 3, and the errors of its sections
//! 11.14 to 11.17.

use super::wire::{Registered, aes, attribute, create, create_aes, get, get_attributes, item};
use super::*;
use crate::keys::Event;
use crate::kmip::tag;
use crate::ttlv::{Tag, Writer};

/// Writes a value under a tag.
pub(super) type Value<'v> = &'v dyn Fn(&mut Writer<'_>, Tag);

fn change(operation: u32, id: &str, name: &str, index: Option<i32>, value: Value<'_>) -> Item {
    item(operation, |writer| {
        writer.text_string(tag::UNIQUE_IDENTIFIER, id);
        writer.structure(tag::ATTRIBUTE, |writer| {
            writer.text_string(tag::ATTRIBUTE_NAME, name);
            if let Some(index) = index {
                writer.integer(tag::ATTRIBUTE_INDEX, index);
            }
            value(writer, tag::ATTRIBUTE_VALUE);
        });
    })
}

pub(super) fn add(id: &str, name: &str, value: Value<'_>) -> Item {
    change(0x0D, id, name, None, value)
}

pub(super) fn modify(id: &str, name: &str, index: Option<i32>, value: Value<'_>) -> Item {
    change(0x0E, id, name, index, value)
}

pub(super) fn delete(id: &str, name: &str, index: Option<i32>) -> Item {
    item(0x0F, |writer| {
        writer.text_string(tag::UNIQUE_IDENTIFIER, id);
        writer.text_string(tag::ATTRIBUTE_NAME, name);
        if let Some(index) = index {
            writer.integer(tag::ATTRIBUTE_INDEX, index);
        }
    })
}

pub(super) fn list(id: &str) -> Item {
    item(0x0C, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, id))
}

pub(super) fn name_value(writer: &mut Writer<'_>, tag: Tag, text: &str) {
    writer.structure(tag, |writer| {
        writer.text_string(tag::NAME_VALUE, text);
        writer.enumeration(tag::NAME_TYPE, 1);
    });
}

fn text(text: &str) -> impl Fn(&mut Writer<'_>, Tag) {
    move |writer, tag| writer.text_string(tag, text)
}

fn date(seconds: i64) -> impl Fn(&mut Writer<'_>, Tag) {
    move |writer, tag| writer.date_time(tag, seconds)
}

/// The lines of an answer after the identifier.
fn told(answer: &wire::Answer) -> String {
    assert_eq!(answer.reason, None, "{}", answer.message);
    answer.payload[1..].join(" ").replace("Attribute", "")
}

#[tokio::test]
async fn an_attribute_of_the_client_is_added_changed_and_taken_away_and_each_answer_tells_it() {
    let bench = Bench::new();
    assert_eq!(told(&bench.one(add(KEY, "x-note", &text("one"))).await), "Name=x-note Index=0 Value=one");
    assert_eq!(told(&bench.one(modify(KEY, "x-note", None, &text("two"))).await), "Name=x-note Index=0 Value=two");
    assert_eq!(told(&bench.one(get_attributes(Some(KEY), &["x-note"])).await), "Name=x-note Index=0 Value=two");
    assert_eq!(told(&bench.one(delete(KEY, "x-note", None)).await), "Name=x-note Index=0 Value=two");
    assert_eq!(told(&bench.one(get_attributes(Some(KEY), &["x-note"])).await), "");
    assert_eq!(bench.kms.calls(), [""; 0], "attributes open nothing");
}

#[tokio::test]
async fn an_attribute_may_be_of_every_type_and_comes_back_as_it_was_sent() {
    let bench = Bench::new();
    let structure: Value<'_> = &|writer, tag| {
        writer.structure(tag, |writer| {
            writer.text_string(tag::APPLICATION_NAMESPACE, "ssl");
            writer.text_string(tag::APPLICATION_DATA, "www.example.com");
        });
    };
    let values: [(&str, Value<'_>, &str); 9] = [
        ("x-integer", &|writer, tag| writer.integer(tag, -7), "Value=-7"),
        ("x-choice", &|writer, tag| writer.enumeration(tag, 0x8000_0001), "Value=2147483649"),
        ("x-boolean", &|writer, tag| writer.boolean(tag, true), "Value=true"),
        ("x-bytes", &|writer, tag| writer.byte_string(tag, &[1, 2]), "Value=0102"),
        ("x-date", &|writer, tag| writer.date_time(tag, -1), "Value=-1"),
        ("x-interval", &|writer, tag| writer.interval(tag, 9), "Value=9"),
        ("x-text", &|writer, tag| writer.text_string(tag, "schlüssel \"\n"), "Value=schlüssel \"\n"),
        ("x-structure", structure, "ApplicationNamespace=ssl ApplicationData=www.example.com"),
        ("Application Specific Information", structure, "ApplicationNamespace=ssl ApplicationData=www.example.com"),
    ];
    for (name, value, expected) in values {
        let expected = format!("Name={name} Index=0 {expected}");
        assert_eq!(told(&bench.one(add(KEY, name, value)).await), expected);
        assert_eq!(told(&bench.one(get_attributes(Some(KEY), &[name])).await), expected);
    }
}

#[tokio::test]
async fn several_of_one_name_are_told_apart_by_an_index_that_stays_when_another_goes() {
    let bench = Bench::new();
    for (value, expected) in
        [("a", "Name=x-n Index=0 Value=a"), ("b", "Name=x-n Index=1 Value=b"), ("c", "Name=x-n Index=2 Value=c")]
    {
        assert_eq!(told(&bench.one(add(KEY, "x-n", &text(value))).await), expected);
    }
    assert_eq!(told(&bench.one(delete(KEY, "x-n", Some(1))).await), "Name=x-n Index=1 Value=b");
    let left = "Name=x-n Index=0 Value=a Name=x-n Index=2 Value=c";
    assert_eq!(told(&bench.one(get_attributes(Some(KEY), &["x-n"])).await), left);
    assert_eq!(told(&bench.one(modify(KEY, "x-n", Some(2), &text("d"))).await), "Name=x-n Index=2 Value=d");
    for gone in [modify(KEY, "x-n", Some(1), &text("e")), delete(KEY, "x-n", Some(1)), delete(KEY, "x-n", Some(-1))] {
        assert_eq!(bench.one(gone).await.refusal(), ResultReason::ITEM_NOT_FOUND);
    }
    // Names keep their indices in the same way.
    assert_eq!(bench.one(add(KEY, "Name", &|writer, tag| name_value(writer, tag, "second"))).await.reason, None);
    assert_eq!(told(&bench.one(delete(KEY, "Name", None)).await), "Name=Name Index=0 NameValue=master NameType=1");
    let left = "Name=Name Index=1 NameValue=second NameType=1";
    assert_eq!(told(&bench.one(get_attributes(Some(KEY), &["Name"])).await), left);
    let third = bench.one(add(KEY, "Name", &|writer, tag| name_value(writer, tag, "third"))).await;
    assert_eq!(third.value("AttributeIndex"), "2");
}

#[tokio::test]
async fn what_only_the_server_sets_is_denied_to_clients() {
    let bench = Bench::new();
    let values: [(&str, Value<'_>); 9] = [
        ("Unique Identifier", &|writer, tag| writer.text_string(tag, "mine")),
        ("Object Type", &|writer, tag| writer.enumeration(tag, 7)),
        ("State", &|writer, tag| writer.enumeration(tag, 1)),
        ("Initial Date", &|writer, tag| writer.date_time(tag, 1)),
        ("Destroy Date", &|writer, tag| writer.date_time(tag, 1)),
        ("Lease Time", &|writer, tag| writer.interval(tag, 1)),
        ("Cryptographic Length", &|writer, tag| writer.integer(tag, 128)),
        ("Cryptographic Usage Mask", &|writer, tag| writer.integer(tag, 1)),
        ("y-server", &|writer, tag| writer.text_string(tag, "ours")),
    ];
    let before = bench.disk.read(&Path::new(FOLDER).join(format!("{KEY}.aws.key.json"))).unwrap();
    for (name, value) in values {
        for item in [add(KEY, name, value), modify(KEY, name, None, value), delete(KEY, name, None)] {
            let answer = bench.one(item).await;
            assert_eq!(answer.refusal(), ResultReason::PERMISSION_DENIED, "{name}: {}", answer.message);
            assert!(answer.message.contains(name), "{}", answer.message);
        }
    }
    assert_eq!(bench.disk.read(&Path::new(FOLDER).join(format!("{KEY}.aws.key.json"))).unwrap(), before);
}

#[tokio::test]
async fn each_slip_has_the_reason_that_the_standard_gives_it() {
    use ResultReason as R;

    let bench = Bench::new();
    let other = bench.one(create_aes()).await.value("UniqueIdentifier").to_owned();
    assert_eq!(bench.one(add(KEY, "Contact Information", &text("Joe"))).await.reason, None);
    let master: Value<'_> = &|writer, tag| name_value(writer, tag, "master");
    let cases = [
        (add(KEY, "Contact Information", &text("Ann")), R::ILLEGAL_OPERATION, "exists already"),
        (change(0x0D, KEY, "x-n", Some(0), &text("a")), R::INVALID_FIELD, "an index is the server's to give"),
        (add(&other, "Name", master), R::ILLEGAL_OPERATION, "another object bears the name"),
        (modify(KEY, "x-nothing", None, &text("a")), R::INVALID_FIELD, "it must be added first"),
        (delete(KEY, "x-nothing", None), R::ITEM_NOT_FOUND, "there is none"),
        (delete(KEY, "No Such Attribute", None), R::ITEM_NOT_FOUND, "no version has it"),
        (add(KEY, "No Such Attribute", &text("a")), R::PERMISSION_DENIED, "no version has it"),
        (add(KEY, "Certificate Type", &|writer, tag| writer.enumeration(tag, 1)), R::PERMISSION_DENIED, "for others"),
        (add(KEY, "Contact Information", &|writer, tag| writer.integer(tag, 1)), R::INVALID_FIELD, "of a wrong type"),
        (add(KEY, "Link", &text("wrong")), R::INVALID_FIELD, "of a wrong type"),
        (add(KEY, "Link", &|writer, tag| writer.structure(tag, |_| {})), R::INVALID_MESSAGE, "fields are missing"),
        (add("nobody", "x-n", &text("a")), R::ITEM_NOT_FOUND, "no such object"),
        (list("nobody"), R::ITEM_NOT_FOUND, "no such object"),
        (get_attributes(Some(KEY), &["State", "Name", "State"]), R::INVALID_MESSAGE, "named twice"),
    ];
    for (item, reason, why) in cases {
        let answer = bench.one(item).await;
        assert_eq!(answer.refusal(), reason, "{why}: {}", answer.message);
    }
    assert_eq!(bench.told.classes(), [], "a client's slip is no trouble of the operator's");
    // Its own name may be set again, and one of a destroyed object is free.
    assert_eq!(bench.one(modify(KEY, "Name", None, master)).await.reason, None);
}

#[tokio::test]
async fn a_name_is_borne_by_one_object_until_it_is_destroyed() {
    let bench = Bench::new();
    let named = || {
        create(|writer| {
            aes(writer, 256);
            attribute(writer, "Name", |writer, tag| name_value(writer, tag, "mine"));
        })
    };
    let first = bench.one(named()).await.value("UniqueIdentifier").to_owned();
    let taken = bench.one(named()).await;
    assert_eq!(taken.refusal(), ResultReason::INVALID_FIELD);
    assert!(taken.message.contains("\"mine\""), "{}", taken.message);
    let destroy = item(0x14, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, &first));
    assert_eq!(bench.one(destroy).await.reason, None);
    assert_eq!(bench.one(named()).await.reason, None);
}

#[tokio::test]
async fn dates_are_changed_while_the_state_allows_it_and_take_effect_at_once() {
    let bench = Bench::new();
    let id = bench.one(create_aes()).await.value("UniqueIdentifier").to_owned();
    let state = async || bench.one(get_attributes(Some(&id), &["State"])).await.value("AttributeValue").to_owned();
    assert_eq!(bench.one(add(&id, "Activation Date", &date(NOW + 60))).await.reason, None);
    assert_eq!(state().await, "1");
    let early = bench.one(add(&id, "Deactivation Date", &date(NOW + 59))).await;
    assert_eq!(early.refusal(), ResultReason::INVALID_FIELD);
    assert_eq!(bench.one(add(&id, "Protect Stop Date", &date(NOW + 70))).await.reason, None);
    assert_eq!(bench.one(modify(&id, "Activation Date", None, &date(NOW))).await.reason, None);
    assert_eq!(state().await, "2");
    // What has begun stays begun (KMIP 1.4 section 3.24).
    let begun = bench.one(modify(&id, "Activation Date", None, &date(NOW + 1))).await;
    assert_eq!(begun.refusal(), ResultReason::PERMISSION_DENIED);
    assert_eq!(bench.one(modify(&id, "Protect Stop Date", None, &date(NOW))).await.reason, None);
    let come = bench.one(modify(&id, "Protect Stop Date", None, &date(NOW + 9))).await;
    assert_eq!(come.refusal(), ResultReason::PERMISSION_DENIED);
    assert_eq!(bench.one(add(&id, "Deactivation Date", &date(NOW))).await.reason, None);
    assert_eq!(state().await, "3");
    let late = bench.one(modify(&id, "Deactivation Date", None, &date(NOW + 9))).await;
    assert_eq!(late.refusal(), ResultReason::PERMISSION_DENIED);
}

#[tokio::test]
async fn a_destroyed_object_keeps_its_attributes_and_takes_no_new_ones() {
    let bench = Bench::new();
    let id = bench.one(create_aes()).await.value("UniqueIdentifier").to_owned();
    assert_eq!(bench.one(add(&id, "x-note", &text("one"))).await.reason, None);
    let digest = bench.one(get_attributes(Some(&id), &["Digest"])).await;
    let destroy = item(0x14, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, &id));
    assert_eq!(bench.one(destroy).await.reason, None);
    assert_eq!(bench.one(get_attributes(Some(&id), &["Digest"])).await.payload, digest.payload);
    assert_eq!(told(&bench.one(get_attributes(Some(&id), &["x-note"])).await), "Name=x-note Index=0 Value=one");
    for item in [add(&id, "x-n", &text("a")), modify(&id, "x-note", None, &text("a")), delete(&id, "x-note", None)] {
        let answer = bench.one(item).await;
        assert_eq!(answer.refusal(), ResultReason::ITEM_NOT_FOUND);
        assert!(answer.message.contains("destroyed"), "{}", answer.message);
    }
}

#[tokio::test]
async fn the_list_names_each_attribute_once_and_those_of_the_version_only() {
    let bench = Bench::new();
    let id = bench.one(create_aes()).await.value("UniqueIdentifier").to_owned();
    for value in ["a", "b"] {
        assert_eq!(bench.one(add(&id, "x-n", &text(value))).await.reason, None);
    }
    let listed = async |version| {
        let answered = bench.ask(Ask { version, ..Ask::of(list(&id)) }).await;
        told(&answered.items[0]).replace("Name=", "").replace(' ', "")
    };
    let oldest = "UniqueIdentifierObjectTypeCryptographicAlgorithmCryptographicLengthDigestCryptographicUsageMaskLeaseTime\
                  StateInitialDateLastChangeDate";
    let (fresh, created) = ("Fresh", "OriginalCreationDate");
    let of =
        |fresh, created, rest| format!("{}x-n", oldest.replace("LastC", &format!("{fresh}LastC")) + created + rest);
    let protection = "SensitiveAlwaysSensitiveExtractableNeverExtractable";
    assert_eq!(listed((1, 0)).await, of("", "", ""));
    assert_eq!(listed((1, 1)).await, of(fresh, "", ""));
    assert_eq!(listed((1, 2)).await, of(fresh, created, ""));
    assert_eq!(listed((1, 3)).await, of(fresh, created, "RandomNumberGenerator"));
    assert_eq!(listed((1, 4)).await, of(fresh, created, &format!("RandomNumberGenerator{protection}")));
}

#[tokio::test]
async fn parameters_of_a_cipher_are_told_to_versions_that_have_each_of_their_fields_and_choices() {
    let bench = Bench::new();
    // Cryptographic Algorithm is a tag of 1.0 and a field here since 1.2; SHA3-256 is a choice since 1.4.
    for (added, (field, value), since) in [
        ("all", (tag::BLOCK_CIPHER_MODE, 1), 0),
        ("later field", (tag::CRYPTOGRAPHIC_ALGORITHM, 3), 2),
        ("later choice", (tag::HASHING_ALGORITHM, 0x0F), 4),
    ] {
        let id = bench.one(create_aes()).await.value("UniqueIdentifier").to_owned();
        let parameters: Value<'_> = &|writer, tag| writer.structure(tag, |writer| writer.enumeration(field, value));
        assert_eq!(bench.one(add(&id, "Cryptographic Parameters", parameters)).await.reason, None);
        for minor in 0..=4 {
            let named = get_attributes(Some(&id), &["Cryptographic Parameters"]);
            let answered = bench.ask(Ask { version: (1, minor), ..Ask::of(named) }).await;
            assert_eq!(answered.items[0].payload.len() > 1, minor >= since, "{added} in 1.{minor}");
        }
    }
}

#[tokio::test]
async fn a_digest_is_that_of_the_material_and_names_its_format_since_1_1() {
    let bench = Bench::new();
    let id = bench.one(Registered::aes(b"abcdefghijklmnop").item()).await.value("UniqueIdentifier").to_owned();
    // echo -n abcdefghijklmnop | sha256sum
    let sha256 = "f39dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf";
    for (version, format) in [((1, 0), None), ((1, 1), Some("KeyFormatType=1".to_owned()))] {
        let answered = bench.ask(Ask { version, ..Ask::of(get_attributes(Some(&id), &["Digest"])) }).await;
        let expected =
            ["AttributeName=Digest", "AttributeIndex=0", "HashingAlgorithm=6", &format!("DigestValue={sha256}")];
        assert_eq!(
            answered.items[0].payload[1..],
            expected.into_iter().map(str::to_owned).chain(format).collect::<Vec<_>>()
        );
    }
    let password = Registered { secret: Some(1), ..Registered::seed(b"guess me") };
    let id = bench.one(password.item()).await.value("UniqueIdentifier").to_owned();
    let none = bench.one(get_attributes(Some(&id), &["Digest"])).await;
    assert_eq!(told(&none), "", "who reads the file could try passwords against it");
    assert_eq!(bench.kms.calls().len(), 2, "the two wraps: no key is opened for its digest");
}

#[tokio::test]
async fn a_key_is_fresh_until_somebody_is_given_it_and_a_full_disk_does_not_stop_that() {
    let bench = Bench::new();
    let id = bench.one(create_aes()).await.value("UniqueIdentifier").to_owned();
    let fresh = async || bench.one(get_attributes(Some(&id), &["Fresh"])).await.value("AttributeValue").to_owned();
    assert_eq!(fresh().await, "true");
    bench.disk.breaks(Broken::Write);
    assert_eq!(bench.one(get(Some(&id))).await.reason, None);
    bench.disk.0.lock().unwrap().broken = None;
    assert_eq!(fresh().await, "true");
    assert_eq!(bench.one(get(Some(&id))).await.reason, None);
    assert_eq!(fresh().await, "false");
    assert!(bench.told.classes().is_empty());
}

#[tokio::test]
async fn what_is_sensitive_or_not_extractable_stays_and_the_reason_is_as_old_as_the_version() {
    let bench = Bench::new();
    let id = bench.one(create_aes()).await.value("UniqueIdentifier").to_owned();
    let yes: Value<'_> = &|writer, tag| writer.boolean(tag, true);
    let no: Value<'_> = &|writer, tag| writer.boolean(tag, false);
    let reason = async |version| bench.ask(Ask { version, ..Ask::of(get(Some(&id))) }).await.items[0].reason;
    assert_eq!(bench.one(modify(&id, "Sensitive", None, yes)).await.reason, None);
    assert_eq!(reason((1, 4)).await, Some(ResultReason::SENSITIVE));
    assert_eq!(reason((1, 3)).await, Some(ResultReason::PERMISSION_DENIED));
    assert_eq!(bench.one(modify(&id, "Extractable", None, no)).await.reason, None);
    assert_eq!(reason((1, 4)).await, Some(ResultReason::NOT_EXTRACTABLE));
    for (name, value) in [("Sensitive", no), ("Extractable", yes)] {
        assert_eq!(bench.one(modify(&id, name, None, value)).await.reason, None);
    }
    assert_eq!(reason((1, 4)).await, None);
    let names = ["Always Sensitive", "Never Extractable"];
    let told = told(&bench.one(get_attributes(Some(&id), &names)).await);
    assert_eq!(told, "Name=Always Sensitive Value=false Name=Never Extractable Value=false");
}

#[tokio::test]
async fn what_was_protected_from_the_start_has_always_been_until_it_is_not() {
    let bench = Bench::new();
    let guarded = create(|writer| {
        aes(writer, 256);
        attribute(writer, "Sensitive", |writer, tag| writer.boolean(tag, true));
        attribute(writer, "Extractable", |writer, tag| writer.boolean(tag, false));
    });
    let id = bench.one(guarded).await.value("UniqueIdentifier").to_owned();
    let always = async || {
        let answer = bench.one(get_attributes(Some(&id), &["Always Sensitive", "Never Extractable"])).await;
        told(&answer).replace("Name=", "").replace("Value=", "")
    };
    assert_eq!(always().await, "Always Sensitive true Never Extractable true");
    // Once it was otherwise, going back changes nothing of that.
    for (sensitive, extractable) in [(false, true), (true, false)] {
        for (name, value) in [("Sensitive", sensitive), ("Extractable", extractable)] {
            let set = modify(&id, name, None, &move |writer, tag| writer.boolean(tag, value));
            assert_eq!(bench.one(set).await.reason, None);
        }
        assert_eq!(always().await, "Always Sensitive false Never Extractable false");
    }
}

#[tokio::test]
async fn changes_of_attributes_that_cannot_be_written_are_not_told_as_done() {
    for broken in [Broken::Write, Broken::Sync, Broken::Rename] {
        let bench = Bench::new();
        bench.disk.breaks(broken);
        let answer = bench.one(add(KEY, "x-note", &text("one"))).await;
        assert_eq!(answer.refusal(), ResultReason::GENERAL_FAILURE, "{broken:?}");
        assert_eq!(bench.told.classes(), [Class::FileUnavailable]);
    }
}

#[tokio::test]
async fn an_object_takes_so_many_attributes_of_a_name_and_no_more() {
    let bench = Bench::new();
    for _ in 0..64 {
        assert_eq!(bench.one(add(KEY, "x-n", &text("a"))).await.reason, None);
    }
    assert_eq!(bench.one(add(KEY, "x-n", &text("a"))).await.refusal(), ResultReason::INDEX_OUT_OF_BOUNDS);
}

#[tokio::test]
async fn a_state_that_changed_by_itself_counts_for_what_may_be_changed() {
    let bench = Bench::new();
    let mut object = ManagedObject::new("past".to_owned(), ObjectType::SymmetricKey, NOW - 100);
    object.apply(Event::Activate, NOW - 90).unwrap();
    object.deactivation_date = Some(NOW - 1);
    bench.store(object, Some(&[7; 32]));
    let late = bench.one(modify("past", "Deactivation Date", None, &date(NOW + 9))).await;
    assert_eq!(late.refusal(), ResultReason::PERMISSION_DENIED);
    assert!(late.message.contains("Deactivated"), "{}", late.message);
}
