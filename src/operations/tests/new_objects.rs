//! Create and Register: what becomes a key, what is refused, and that nothing is promised before it is stored.

use super::attributes::name_value;
use super::replays::{captured, hex};
use super::wire::{Registered, aes, attribute, create, create_aes, get, get_attributes, item, template};
use super::*;
use crate::kmip::tag;
use crate::ttlv::Writer;

async fn reason(bench: &Bench, item: Item) -> ResultReason {
    bench.one(item).await.refusal()
}

#[tokio::test]
async fn a_created_key_is_random_stored_and_had_again() {
    let bench = Bench::new();
    let created = bench.one(create_aes()).await;
    // The second draw is the identifier, as a UUID of version 4.
    let id = "02020202-0202-4202-8202-020202020202";
    assert_eq!(created.payload, ["ObjectType=2", &format!("UniqueIdentifier={id}")]);
    assert_eq!(bench.kms.calls(), [format!("wrap {id} by {CMK}")], "the CMK of the newest key wraps it");
    assert!(bench.names().contains(&format!("{id}.aws.key.json")));

    let got = bench.one(get(Some(id))).await;
    assert_eq!(got.value("KeyMaterial"), "01".repeat(32), "the first draw is the key");
    let state = bench.one(get_attributes(Some(id), &["State", "Cryptographic Usage Mask"])).await;
    assert_eq!(state.payload[1..3], ["AttributeName=State", "AttributeValue=1"], "{state:?}");
}

#[tokio::test]
async fn a_key_that_azure_has_wrapped_is_opened_with_the_version_that_wrapped_it() {
    let mut bench = Bench::new();
    let layout = SnapshotLayout::new(bench.disk.clone(), "/db".into(), Provider::Azure, CredentialSource::default());
    bench.operations = Operations {
        layout: Arc::new(layout),
        provider: Provider::Azure,
        kms_key: Some("https://v.vault.azure.net/keys/k".to_owned()),
        ..bench.operations
    };
    bench.disk.put("only.azure.metadata", r#"{"tenantID": "t", "clientID": "c", "secret": "sesame"}"#);
    let id = bench.one(create_aes()).await.value("UniqueIdentifier").to_owned();
    bench.one(get(Some(&id))).await;
    let key = "https://v.vault.azure.net/keys/k";
    assert_eq!(bench.kms.calls(), [format!("wrap {id} by {key}"), format!("unwrap {id} by {key}/9f")]);
}

#[tokio::test]
async fn create_takes_the_three_lengths_of_aes() {
    let bench = Bench::new();
    for (bits, accepted) in
        [(128, true), (192, true), (256, true), (0, false), (-256, false), (255, false), (512, false)]
    {
        let answer = bench.one(create(|writer| aes(writer, bits))).await;
        assert_eq!(answer.reason, (!accepted).then_some(ResultReason::INVALID_FIELD), "{bits}");
    }
    assert_eq!(bench.kms.calls().len(), 3);
}

#[tokio::test]
async fn a_date_in_the_past_activates_and_one_in_the_future_waits() {
    let bench = Bench::new();
    for (date, state) in [(NOW, "2"), (NOW + 1, "1")] {
        let dated = create(|writer| {
            aes(writer, 256);
            attribute(writer, "Activation Date", |writer, tag| writer.date_time(tag, date));
        });
        let id = bench.one(dated).await.value("UniqueIdentifier").to_owned();
        assert_eq!(bench.one(get_attributes(Some(&id), &["State"])).await.value("AttributeValue"), state);
    }
}

#[tokio::test]
async fn a_template_that_says_too_little_or_too_much_is_refused() {
    let bench = Bench::new();
    let without = |left_out: &'static str| {
        create(move |writer| {
            for (name, number) in [("Cryptographic Length", 256), ("Cryptographic Usage Mask", 12)] {
                if name != left_out {
                    attribute(writer, name, |writer, tag| writer.integer(tag, number));
                }
            }
            if left_out != "Cryptographic Algorithm" {
                attribute(writer, "Cryptographic Algorithm", |writer, tag| writer.enumeration(tag, 3));
            }
        })
    };
    for name in ["Cryptographic Algorithm", "Cryptographic Length", "Cryptographic Usage Mask"] {
        let answer = bench.one(without(name)).await;
        assert_eq!(answer.refusal(), ResultReason::INVALID_FIELD);
        assert!(answer.message.contains(name), "{}", answer.message);
    }
    let with = |more: &dyn Fn(&mut Writer<'_>)| {
        create(|writer| {
            aes(writer, 256);
            more(writer);
        })
    };
    let text = |name: &'static str, text: &'static str| {
        with(&|writer| attribute(writer, name, |writer, tag| writer.text_string(tag, text)))
    };
    for (item, named) in [
        (text("Unique Identifier", "mine"), "Unique Identifier"),
        (text("y-yours", "value"), "y-yours"),
        (text("mine", "value"), "mine"),
        (text("Operation Policy Name", "strict"), "Operation Policy Name"),
        (with(&|writer| attribute(writer, "Lease Time", |writer, tag| writer.interval(tag, 1))), "Lease Time"),
        (
            with(&|writer| {
                attribute(writer, "Activation Date", |writer, tag| writer.date_time(tag, NOW + 9));
                attribute(writer, "Deactivation Date", |writer, tag| writer.date_time(tag, NOW + 8));
            }),
            "Deactivation Date",
        ),
        (with(&|writer| attribute(writer, "State", |writer, tag| writer.enumeration(tag, 2))), "State"),
        (with(&|writer| attribute(writer, "Initial Date", |writer, tag| writer.date_time(tag, 1))), "Initial Date"),
        (with(&|writer| aes(writer, 128)), "twice"),
    ] {
        let answer = bench.one(item).await;
        assert_eq!(answer.refusal(), ResultReason::INVALID_FIELD, "{named}");
        assert!(answer.message.contains(named), "{}", answer.message);
    }
    assert_eq!(bench.one(text("Object Group", "")).await.reason, None, "older Percona releases send an empty one");

    let by_name = item(0x01, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        template(writer, |writer| {
            writer.structure(tag::NAME, |writer| {
                writer.text_string(tag::NAME_VALUE, "a template");
                writer.enumeration(tag::NAME_TYPE, 1);
            });
        });
    });
    assert_eq!(reason(&bench, by_name).await, ResultReason::ITEM_NOT_FOUND);
    let of_another_type = item(0x01, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 7);
        template(writer, |writer| aes(writer, 256));
    });
    assert_eq!(reason(&bench, of_another_type).await, ResultReason::INVALID_FIELD);
}

#[tokio::test]
async fn a_registered_key_comes_back_as_it_was() {
    let bench = Bench::new();
    let material: Vec<u8> = (0..32).collect();
    let id = bench.one(Registered::aes(&material).item()).await.value("UniqueIdentifier").to_owned();
    let got = bench.one(get(Some(&id))).await;
    assert_eq!((got.value("KeyMaterial"), got.value("CryptographicLength")), (hex(&material).as_str(), "256"));
    for name in bench.names() {
        let content = bench.disk.read(&Path::new(FOLDER).join(name)).unwrap();
        assert!(!content.windows(32).any(|bytes| bytes == material), "the key itself is on disk");
    }
}

#[tokio::test]
async fn the_longer_legacy_key_of_percona_comes_back_as_it_was() {
    let bench = Bench::new();
    let request = captured("psmdb-legacy-kmippp/02-register-name-b64key.1-register");
    let answered = Answered::read(&bench.operations.answer(&request).await);
    let id = answered.items[0].value("UniqueIdentifier").to_owned();
    let got = bench.one(get(Some(&id))).await;
    assert_eq!(got.value("KeyMaterial"), hex(b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
    assert_eq!((got.value("CryptographicLength"), got.value("CryptographicAlgorithm")), ("352", "3"));
}

#[tokio::test]
async fn keys_with_the_empty_name_of_older_percona_releases_are_registered_as_often_as_they_come() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = captured("psmdb-legacy-kmippp/05-register-noname-raw.1-register");
        let answered = Answered::read(&bench.operations.answer(&request).await);
        ids.push(answered.items[0].value("UniqueIdentifier").to_owned());
    }
    assert_ne!(ids[0], ids[1]);
    let told = bench.one(get_attributes(Some(&ids[1]), &["Name"])).await;
    assert_eq!(told.value("NameValue"), "");
}

#[tokio::test]
async fn of_two_requests_of_one_moment_one_gets_the_name() {
    let bench = Bench::new();
    let named = || {
        create(|writer| {
            aes(writer, 256);
            attribute(writer, "Name", |writer, tag| name_value(writer, tag, "the only one"));
        })
    };
    let before = bench.names().len();
    let (one, other) = tokio::join!(bench.one(named()), bench.one(named()));
    assert_eq!(bench.kms.calls().len(), 2, "both found the name free, and both keys were wrapped");
    let refused: Vec<_> = [&one, &other].into_iter().filter(|answer| answer.reason.is_some()).collect();
    let [refused] = refused[..] else { panic!("{one:?} {other:?}") };
    assert_eq!(refused.refusal(), ResultReason::INVALID_FIELD);
    assert!(refused.message.contains("the only one"), "{}", refused.message);
    assert_eq!(bench.names().len(), before + 1, "what was refused is not stored");
    assert!(bench.told.classes().is_empty());
}

#[tokio::test]
async fn the_96_bytes_of_a_driver_come_back_as_secret_data() {
    let bench = Bench::new();
    let request = captured("pymongocrypt-1.21.2/01-new-create_data_key.1-register");
    let answered = Answered::read(&bench.operations.answer(&request).await);
    assert_eq!(answered.version, (1, 0));
    let id = answered.items[0].value("UniqueIdentifier").to_owned();
    let got = bench.one(get(Some(&id))).await;
    let material = got.value("KeyMaterial");
    assert!(material.len() == 192 && material.starts_with("8363b332946a3255"), "{material}");
    let expected = ["ObjectType=7", &format!("UniqueIdentifier={id}"), "SecretDataType=2", "KeyFormatType=2"];
    assert_eq!((&got.payload[..4], got.payload.len()), (expected.map(str::to_owned).as_slice(), 5));
}

#[tokio::test]
async fn what_template_key_block_and_material_say_must_agree() {
    let bench = Bench::new();
    let key = Registered::aes(&[9; 32]);
    let refused = [
        Registered { template_bits: Some(128), ..key.clone() },
        Registered { template_bits: Some(128), block_bits: None, ..key.clone() },
        Registered { template_bits: None, block_bits: Some(192), ..key.clone() },
        Registered { template_bits: Some(192), block_bits: Some(192), ..key.clone() },
        Registered { block_bits: Some(-256), template_bits: None, ..key.clone() },
        Registered { template_bits: Some(-256), block_bits: None, ..key.clone() },
        Registered { block_algorithm: Some(2), ..key.clone() },
        Registered { inner_attribute: true, ..key.clone() },
        Registered { material: &[], template_bits: None, block_bits: None, ..key.clone() },
        Registered::aes(&[9; 4097]),
        Registered { block_bits: Some(-8), ..Registered::seed(&[9; 96]) },
    ];
    for (index, registered) in refused.iter().enumerate() {
        assert_eq!(reason(&bench, registered.item()).await, ResultReason::INVALID_FIELD, "number {index}");
    }
    assert_eq!(bench.kms.calls(), [""; 0], "what is refused is not wrapped");

    let terse = Registered { template_bits: None, template_algorithm: None, block_bits: None, ..key.clone() };
    let terse = Registered { block_algorithm: None, ..terse };
    let id = bench.one(terse.item()).await.value("UniqueIdentifier").to_owned();
    assert_eq!(bench.one(get(Some(&id))).await.value("CryptographicLength"), "256");
    assert_eq!(bench.one(Registered::aes(&[9; 4096]).item()).await.reason, None);
}

#[tokio::test]
async fn what_is_wrapped_in_another_format_or_another_object_cannot_be_registered() {
    let bench = Bench::new();
    let key = Registered::aes(&[9; 32]);
    let opaque = Registered { format: 2, ..key.clone() };
    assert_eq!(reason(&bench, opaque.item()).await, ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED);
    let transparent = Registered { format: 7, ..Registered::seed(&[9; 96]) };
    assert_eq!(reason(&bench, transparent.item()).await, ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED);
    let wrapped = Registered { wrapping: true, ..key };
    assert_eq!(reason(&bench, wrapped.item()).await, ResultReason::FEATURE_NOT_SUPPORTED);
    let certificate = item(0x03, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 1);
        template(writer, |_| {});
        writer.structure(tag::CERTIFICATE, |_| {});
    });
    assert_eq!(reason(&bench, certificate).await, ResultReason::INVALID_FIELD);
    let mismatch = item(0x03, |writer| {
        writer.enumeration(tag::OBJECT_TYPE, 2);
        template(writer, |_| {});
        writer.structure(tag::CERTIFICATE, |_| {});
    });
    assert_eq!(reason(&bench, mismatch).await, ResultReason::INVALID_FIELD);
    assert_eq!(bench.kms.calls(), [""; 0]);
}

#[tokio::test]
async fn no_identifier_is_given_out_for_a_key_that_is_not_stored() {
    for broken in [Broken::Write, Broken::Sync, Broken::Rename] {
        for new in [create_aes, || Registered::aes(&[9; 32]).item()] {
            let bench = Bench::new();
            bench.disk.breaks(broken);
            // The Get must not find the identifier in the ID Placeholder either.
            let ask = Ask { continuation: Some(1), ..Ask::batch([new(), get(None)]) };
            let items = bench.ask(ask).await.items;
            assert_eq!(items[0].refusal(), ResultReason::GENERAL_FAILURE, "{broken:?}");
            assert_eq!(items[0].payload, [""; 0]);
            assert_eq!(items[1].refusal(), ResultReason::ITEM_NOT_FOUND);
            assert_eq!(bench.told.classes(), [Class::FileUnavailable]);
        }
    }
}

#[tokio::test]
async fn no_key_is_stored_that_the_provider_did_not_wrap() {
    let bench = Bench::new();
    let before = bench.names();
    bench.kms.fails_with(Class::KeyDisabled);
    assert_eq!(reason(&bench, create_aes()).await, ResultReason::ILLEGAL_OPERATION);
    assert_eq!(reason(&bench, Registered::aes(&[9; 32]).item()).await, ResultReason::ILLEGAL_OPERATION);
    assert_eq!(bench.names(), before);
}
