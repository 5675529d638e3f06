//! Templates (KMIP 1.4 section 2.2.6): registered, named by Create and Register, given out, destroyed.

use super::attributes::{add, name_value};
use super::wire::{aes, attribute, create, get, get_attributes, item, template};
use super::*;
use crate::kmip::tag;
use crate::ttlv::Writer;

/// Registers a template of this name that hands these attributes on.
fn register(name: &str, content: impl FnOnce(&mut Writer<'_>)) -> Item {
    item(0x03, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 6);
        template(writer, |writer| attribute(writer, "Name", |writer, tag| name_value(writer, tag, name)));
        writer.structure(tag::TEMPLATE, content);
    })
}

/// Creates with the templates of these names, and attributes.
fn create_with(names: &[&str], attributes: impl FnOnce(&mut Writer<'_>)) -> Item {
    item(0x01, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        template(writer, |writer| {
            names.iter().for_each(|name| name_value(writer, tag::NAME, name));
            attributes(writer);
        });
    })
}

fn usage(writer: &mut Writer<'_>) {
    attribute(writer, "Cryptographic Usage Mask", |writer, tag| writer.integer(tag, 12));
}

fn text(writer: &mut Writer<'_>, name: &str, text: &str) {
    attribute(writer, name, |writer, tag| writer.text_string(tag, text));
}

async fn made(bench: &Bench, item: Item) -> String {
    let answer = bench.one(item).await;
    assert_eq!(answer.reason, None, "{}", answer.message);
    answer.value("UniqueIdentifier").to_owned()
}

#[tokio::test]
async fn an_object_is_made_with_what_a_template_hands_on_and_the_request_wins() {
    let bench = Bench::new();
    let content = |writer: &mut Writer<'_>| {
        aes(writer, 128);
        text(writer, "Contact Information", "Joe");
        text(writer, "x-note", "of the template");
    };
    made(&bench, register("usual", content)).await;
    let more = |writer: &mut Writer<'_>| {
        attribute(writer, "Cryptographic Length", |writer, tag| writer.integer(tag, 256));
        text(writer, "x-note", "of the request");
    };
    let id = made(&bench, create_with(&["usual"], more)).await;
    let names = ["Cryptographic Length", "Contact Information", "x-note", "Name"];
    let told = bench.one(get_attributes(Some(&id), &names)).await;
    let told = told.payload[1..].join(" ").replace("Attribute", "");
    let notes = "Name=x-note Index=0 Value=of the template Name=x-note Index=1 Value=of the request";
    assert_eq!(told, format!("Name=Cryptographic Length Value=256 Name=Contact Information Value=Joe {notes}"));
    assert_eq!(bench.one(get(Some(&id))).await.value("KeyMaterial").len(), 64);
}

#[tokio::test]
async fn of_several_templates_the_last_one_counts() {
    let bench = Bench::new();
    made(&bench, register("short", |writer| aes(writer, 128))).await;
    made(&bench, register("long", |writer| aes(writer, 256))).await;
    for (names, digits) in [(["short", "long"], 64), (["long", "short"], 32)] {
        let id = made(&bench, create_with(&names, |_| {})).await;
        assert_eq!(bench.one(get(Some(&id))).await.value("KeyMaterial").len(), digits, "{names:?}");
    }
}

#[tokio::test]
async fn a_template_has_attributes_of_its_own_and_no_state_and_is_given_out_as_it_came() {
    let bench = Bench::new();
    let id = made(&bench, register("usual", |writer| text(writer, "x-note", "handed on"))).await;
    let calls = bench.kms.calls();
    assert_eq!(calls, [""; 0], "there is nothing to wrap");
    let told = bench.one(get_attributes(Some(&id), &[])).await;
    let names: Vec<&str> = told.payload.iter().filter_map(|line| line.strip_prefix("AttributeName=")).collect();
    assert_eq!(names, ["Unique Identifier", "Name", "Object Type", "Lease Time", "Initial Date", "Last Change Date"]);
    let got = bench.one(get(Some(&id))).await;
    let expected =
        ["ObjectType=6", &format!("UniqueIdentifier={id}"), "AttributeName=x-note", "AttributeValue=handed on"];
    assert_eq!(got.payload, expected);
    let activate = bench.one(wire::activate(Some(&id))).await;
    assert_eq!(activate.refusal(), ResultReason::ILLEGAL_OPERATION);
    let revoke = item(0x13, |writer| {
        writer.text_string(tag::UNIQUE_IDENTIFIER, &id);
        writer.structure(tag::REVOCATION_REASON, |writer| writer.enumeration(tag::REVOCATION_REASON_CODE, 2));
    });
    assert_eq!(bench.one(revoke).await.refusal(), ResultReason::ILLEGAL_OPERATION);
    assert_eq!(bench.kms.calls(), calls);
    let checked = bench.operations.check().await.unwrap();
    assert_eq!(checked.iter().map(|checked| checked.key.as_str()).collect::<Vec<_>>(), [KEY], "it is no key");
}

#[tokio::test]
async fn the_name_of_a_template_may_stand_in_it_as_in_the_cases_of_1_0_and_is_not_handed_on() {
    let bench = Bench::new();
    let inside = item(0x03, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 6);
        template(writer, |_| {});
        writer.structure(tag::TEMPLATE, |writer| {
            aes(writer, 128);
            attribute(writer, "Name", |writer, tag| name_value(writer, tag, "usual"));
        });
    });
    made(&bench, inside).await;
    let id = made(&bench, create_with(&["usual"], |_| {})).await;
    assert_eq!(bench.one(get_attributes(Some(&id), &["Name"])).await.payload.len(), 1);
}

#[tokio::test]
async fn a_template_that_is_not_there_is_not_found_unless_a_broken_file_may_be_it() {
    let bench = Bench::new();
    let id = made(&bench, register("usual", |writer| aes(writer, 256))).await;
    let of_another_name = bench.one(create_with(&["unusual"], usage)).await;
    assert_eq!(of_another_name.refusal(), ResultReason::ITEM_NOT_FOUND);
    // A key of that name is no template.
    assert_eq!(bench.one(create_with(&["master"], usage)).await.refusal(), ResultReason::ITEM_NOT_FOUND);
    bench.disk.put("broken.aws.key.json", "{");
    assert_eq!(bench.one(create_with(&["unusual"], usage)).await.refusal(), ResultReason::GENERAL_FAILURE);
    assert_eq!(bench.told.classes(), [Class::KeyFileMalformed]);
    bench.disk.take_away("broken.aws.key.json");
    let destroy = item(0x14, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, &id));
    assert_eq!(bench.one(destroy).await.reason, None);
    assert_eq!(bench.one(create_with(&["usual"], usage)).await.refusal(), ResultReason::ITEM_NOT_FOUND);
    assert_eq!(bench.one(get(Some(&id))).await.refusal(), ResultReason::ITEM_NOT_FOUND);
}

#[tokio::test]
async fn a_template_cannot_hand_on_what_only_the_server_sets_nor_one_thing_twice() {
    let bench = Bench::new();
    let state = |writer: &mut Writer<'_>| attribute(writer, "State", |writer, tag| writer.enumeration(tag, 2));
    let twice = |writer: &mut Writer<'_>| {
        aes(writer, 128);
        attribute(writer, "Cryptographic Length", |writer, tag| writer.integer(tag, 256));
    };
    assert_eq!(bench.one(register("wrong", state)).await.refusal(), ResultReason::INVALID_FIELD);
    assert_eq!(bench.one(register("wrong", twice)).await.refusal(), ResultReason::INVALID_FIELD);
    let taken = bench.one(register("master", |_| {})).await;
    assert_eq!(taken.refusal(), ResultReason::INVALID_FIELD, "the name is another object's");
    let dates = |writer: &mut Writer<'_>| {
        attribute(writer, "Process Start Date", |writer, tag| writer.date_time(tag, NOW));
        text(writer, "x-note", "kept");
    };
    let id = made(&bench, register("dated", dates)).await;
    assert_eq!(bench.one(add(&id, "x-own", &|writer, tag| writer.text_string(tag, "mine"))).await.reason, None);
    let key = made(
        &bench,
        create(|writer| {
            aes(writer, 256);
        }),
    )
    .await;
    assert_eq!(bench.one(get_attributes(Some(&key), &["x-note", "x-own"])).await.payload.len(), 1);
}
