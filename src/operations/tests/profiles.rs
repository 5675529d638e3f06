//! Whole conversations, one for each profile that a server for databases is asked for: the life of a symmetric key, the
//! foundry that makes keys, secret data, and two clients that share a key by its name. Each in the versions 1.0 to 1.4.

use super::attributes::{add, delete, list, modify, name_value};
use super::wire::{Registered, activate, attribute, create, get, get_attributes, item};
use super::*;
use crate::kmip::tag;
use crate::ttlv::Writer;

const VERSIONS: [(i32, i32); 5] = [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4)];

/// A client that speaks one version.
struct Client<'b> {
    bench: &'b Bench,
    version: (i32, i32),
}

impl Client<'_> {
    async fn one(&self, item: Item) -> wire::Answer {
        let mut answered = self.bench.ask(Ask { version: self.version, ..Ask::of(item) }).await;
        assert_eq!((answered.version, answered.items.len()), (self.version, 1));
        answered.items.remove(0)
    }

    /// The identifier in an answer, which must be a success.
    async fn identifier(&self, item: Item) -> String {
        let answer = self.one(item).await;
        assert_eq!(answer.reason, None, "{}", answer.message);
        answer.value("UniqueIdentifier").to_owned()
    }

    async fn state(&self, id: &str) -> String {
        self.one(get_attributes(Some(id), &["State"])).await.value("AttributeValue").to_owned()
    }
}

fn key(algorithm: u32, bits: i32, name: &str) -> Item {
    create(|writer| {
        attribute(writer, "Cryptographic Algorithm", |writer, tag| writer.enumeration(tag, algorithm));
        attribute(writer, "Cryptographic Length", |writer, tag| writer.integer(tag, bits));
        attribute(writer, "Name", |writer, tag| name_value(writer, tag, name));
        attribute(writer, "Cryptographic Usage Mask", |writer, tag| writer.integer(tag, 12));
        attribute(writer, "Contact Information", |writer, tag| writer.text_string(tag, "the night shift"));
    })
}

fn locate(name: &str) -> Item {
    item(0x08, |writer| {
        attribute(writer, "Object Type", |writer, tag| writer.enumeration(tag, 2));
        attribute(writer, "Name", |writer, tag| name_value(writer, tag, name));
    })
}

fn revoke(id: &str) -> Item {
    item(0x13, |writer| {
        writer.text_string(tag::UNIQUE_IDENTIFIER, id);
        writer.structure(tag::REVOCATION_REASON, |writer| writer.enumeration(tag::REVOCATION_REASON_CODE, 2));
        writer.date_time(tag::COMPROMISE_OCCURRENCE_DATE, 6);
    })
}

fn destroy(id: &str) -> Item {
    item(0x14, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, id))
}

#[tokio::test]
async fn a_symmetric_key_lives_as_the_profile_of_its_life_cycle_has_it() {
    let bench = Bench::new();
    for version in VERSIONS {
        let client = Client { bench: &bench, version };
        let id = client.identifier(key(3, 256, "life")).await;
        let asked = [
            "State",
            "Cryptographic Usage Mask",
            "Unique Identifier",
            "Object Type",
            "Cryptographic Algorithm",
            "Cryptographic Length",
            "Digest",
            "Initial Date",
            "Last Change Date",
            "Activation Date",
        ];
        let answer = client.one(get_attributes(Some(&id), &asked)).await;
        let told: Vec<&str> = answer.payload.iter().filter_map(|line| line.strip_prefix("AttributeName=")).collect();
        assert_eq!(told, asked[..9], "in the order of the question, without the date that is not there");
        assert_eq!(client.state(&id).await, "1");
        assert_eq!(client.identifier(activate(Some(&id))).await, id);
        assert_eq!(client.state(&id).await, "2");
        assert_eq!(client.one(destroy(&id)).await.refusal(), ResultReason::PERMISSION_DENIED);
        let now = modify(&id, "Activation Date", None, &|writer, tag| writer.date_time(tag, NOW));
        assert_eq!(client.one(now).await.refusal(), ResultReason::PERMISSION_DENIED);
        assert_eq!(client.identifier(revoke(&id)).await, id);
        assert_eq!(client.state(&id).await, "4");
        assert_eq!(client.identifier(destroy(&id)).await, id);
        let all = client.one(get_attributes(Some(&id), &[])).await;
        for line in ["AttributeValue=6", "DigestValue=", "NameValue=life", "AttributeName=Destroy Date"] {
            assert!(all.payload.iter().any(|had| had.starts_with(line)), "{line} in {version:?}: {all:?}");
        }
    }
}

#[tokio::test]
async fn the_foundry_makes_keys_of_every_length_that_are_found_by_name_got_and_gone() {
    let bench = Bench::new();
    // AES is 3, 3DES 2; the last number is that of the digits of the material.
    for (algorithm, bits, digits) in [(3, 128, 32), (3, 192, 48), (3, 256, 64), (2, 112, 32), (2, 168, 48)] {
        for version in VERSIONS {
            let client = Client { bench: &bench, version };
            let id = client.identifier(key(algorithm, bits, "made")).await;
            assert_eq!(client.identifier(locate("made")).await, id);
            let got = client.one(get(Some(&id))).await;
            let (material, length) = (got.value("KeyMaterial"), got.value("CryptographicLength"));
            assert_eq!((material.len(), length), (digits, bits.to_string().as_str()));
            if algorithm == 2 {
                let odd = super::replays::bytes(material).iter().all(|byte| byte.count_ones() % 2 == 1);
                assert!(odd, "keys for DES have odd parity: {material}");
            }
            assert_eq!(client.identifier(destroy(&id)).await, id);
            let none = client.one(locate("made")).await;
            let count: &[&str] = if version >= (1, 3) { &["LocatedItems=0"] } else { &[] };
            assert_eq!(none.payload, count);
        }
    }
}

#[tokio::test]
async fn the_advanced_foundry_changes_attributes_in_batches_also_of_a_compromised_key() {
    let bench = Bench::new();
    for version in VERSIONS {
        let client = Client { bench: &bench, version };
        let id = client.identifier(key(3, 128, "advanced")).await;
        for item in [activate(Some(&id)), revoke(&id)] {
            assert_eq!(client.identifier(item).await, id);
        }
        let names = client.one(list(&id)).await.payload.join(" ");
        for name in ["Compromise Occurrence Date", "Revocation Reason", "Digest", "Lease Time", "Contact Information"] {
            assert!(names.contains(&format!("AttributeName={name}")), "{name} in {names}");
        }
        for (place, value) in [(0, "one"), (1, "two")] {
            let batch: [Item; 2] = ["x-first", "x-second"].map(|name| {
                let value: super::attributes::Value<'_> = &|writer, tag| writer.text_string(tag, value);
                if place == 0 { add(&id, name, value) } else { modify(&id, name, None, value) }
            });
            let answered = bench.ask(Ask { version, ..Ask::batch(batch) }).await;
            for (item, name) in answered.items.iter().zip(["x-first", "x-second"]) {
                assert_eq!((item.value("AttributeName"), item.value("AttributeValue")), (name, value));
            }
        }
        let batch = ["x-first", "x-second"].map(|name| delete(&id, name, None));
        let answered = bench.ask(Ask { version, ..Ask::batch(batch) }).await;
        assert!(answered.items.iter().all(|item| item.value("AttributeValue") == "two"));
        assert_eq!(client.one(get(Some(&id))).await.value("KeyMaterial").len(), 32);
        assert_eq!(client.identifier(destroy(&id)).await, id);
    }
}

#[tokio::test]
async fn secret_data_are_registered_got_and_destroyed() {
    let bench = Bench::new();
    for version in VERSIONS {
        let client = Client { bench: &bench, version };
        let id = client.identifier(Registered { secret: Some(1), ..Registered::seed(b"open sesame") }.item()).await;
        assert_eq!(client.one(get(Some(&id))).await.value("SecretDataType"), "1");
        assert_eq!(client.identifier(destroy(&id)).await, id);
        assert_eq!(client.one(get(Some(&id))).await.refusal(), ResultReason::ITEM_NOT_FOUND);
    }
}

#[tokio::test]
async fn a_second_client_finds_a_key_by_its_name_and_gets_it_in_one_batch() {
    let bench = Bench::new();
    for version in VERSIONS {
        let client = Client { bench: &bench, version };
        let id = client.identifier(key(3, 128, "shared")).await;
        let answered = bench.ask(Ask { version, ..Ask::batch([locate("shared"), get(None)]) }).await;
        assert!(answered.items.iter().all(|item| item.value("UniqueIdentifier") == id));
        assert_eq!(client.identifier(destroy(&id)).await, id);
        let answered = bench.ask(Ask { version, ..Ask::batch([locate("shared"), get(None)]) }).await;
        assert_eq!(answered.items[1].refusal(), ResultReason::ITEM_NOT_FOUND);
    }
}

#[tokio::test]
async fn what_a_client_said_of_an_object_outlives_the_process() {
    let mut bench = Bench::new();
    let id = Client { bench: &bench, version: (1, 4) }.identifier(key(3, 256, "kept")).await;
    let structure: super::attributes::Value<'_> = &|writer: &mut Writer<'_>, tag| {
        writer.structure(tag, |writer| {
            writer.text_string(tag::APPLICATION_NAMESPACE, "ssl");
            writer.text_string(tag::APPLICATION_DATA, "www.example.com");
        });
    };
    for item in [
        add(&id, "x-note", &|writer, tag| writer.text_string(tag, "one")),
        add(&id, "x-note", &|writer, tag| writer.integer(tag, 2)),
        add(&id, "Application Specific Information", structure),
        add(&id, "Name", &|writer, tag| name_value(writer, tag, "second")),
        add(&id, "Protect Stop Date", &|writer, tag| writer.date_time(tag, NOW + 5)),
        add(&id, "Comment", &|writer, tag| writer.text_string(tag, "")),
        modify(&id, "Sensitive", None, &|writer, tag| writer.boolean(tag, true)),
        delete(&id, "Name", Some(0)),
    ] {
        let answer = bench.one(item).await;
        assert_eq!(answer.reason, None, "{}", answer.message);
    }
    let before = bench.one(get_attributes(Some(&id), &[])).await.payload;
    let layout = SnapshotLayout::new(bench.disk.clone(), "/db".into(), Provider::Aws, CredentialSource::default());
    bench.operations.layout = Arc::new(layout);
    assert_eq!(bench.one(get_attributes(Some(&id), &[])).await.payload, before);
    assert!(
        before.iter().any(|line| line == "NameValue=second") && !before.iter().any(|line| line == "NameValue=kept")
    );
}
