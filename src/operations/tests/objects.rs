//! Operations on objects that are there: Get, Get Attributes, Activate; and those about the server.

use super::wire::{activate, create_aes, get, get_attributes, item};
use super::*;
use crate::keys::Event;
use crate::kmip::tag;

const SEED: &str = "seed";

fn destroyed(id: &str) -> ManagedObject {
    let mut object = ManagedObject::new(id.to_owned(), ObjectType::SymmetricKey, NOW - 9);
    object.apply(Event::Destroy, NOW - 5).unwrap();
    object
}

fn with_seed(bench: &Bench) {
    let object = ManagedObject::new(SEED.to_owned(), ObjectType::SecretData { kind: 2 }, NOW);
    bench.store(object, Some(b"secret"));
    bench.disk.put(&format!("{SEED}.aws.metadata"), METADATA);
}

#[tokio::test]
async fn get_brings_the_key_by_one_unwrap() {
    let bench = Bench::new();
    let answer = bench.one(get(Some(KEY))).await;
    let expected = [
        "ObjectType=2".to_owned(),
        format!("UniqueIdentifier={KEY}"),
        "KeyFormatType=1".to_owned(),
        format!("KeyMaterial={}", "07".repeat(32)),
        "CryptographicAlgorithm=3".to_owned(),
        "CryptographicLength=256".to_owned(),
    ];
    assert_eq!((answer.operation, answer.payload.as_slice()), (Some(0x0A), expected.as_slice()));
    assert_eq!(bench.kms.calls(), [format!("unwrap {KEY} by {CMK}")]);

    bench.one(get(Some(KEY))).await;
    assert_eq!(bench.kms.calls().len(), 2, "a key that was opened before is opened again");
    assert!(bench.told.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_key_is_given_in_its_own_format_or_refused() {
    let bench = Bench::new();
    with_seed(&bench);
    // Raw is 1, Opaque 2, PKCS#8 4, X.509 5 (KMIP 1.4 section 9.1.3.2.3).
    let in_format = |id: &'static str, format: u32| {
        item(0x0A, move |writer| {
            writer.text_string(tag::UNIQUE_IDENTIFIER, id);
            writer.enumeration(tag::KEY_FORMAT_TYPE, format);
        })
    };
    assert_eq!(bench.one(get(Some(SEED))).await.value("KeyFormatType"), "2");
    for (id, format) in [(KEY, 1), (SEED, 1), (SEED, 2)] {
        let answer = bench.one(in_format(id, format)).await;
        assert_eq!(answer.value("KeyFormatType"), format.to_string(), "{id}");
    }
    let before = bench.kms.calls().len();
    for (id, format) in [(KEY, 2), (KEY, 5), (SEED, 4), (KEY, 0x1234)] {
        let refusal = bench.one(in_format(id, format)).await.refusal();
        assert_eq!(refusal, ResultReason::KEY_FORMAT_TYPE_NOT_SUPPORTED, "{id} as {format}");
    }
    assert_eq!(bench.kms.calls().len(), before, "what is refused is not opened");
}

#[tokio::test]
async fn keys_are_neither_wrapped_nor_compressed_on_the_way_out() {
    let bench = Bench::new();
    let with = |fill: &dyn Fn(&mut crate::ttlv::Writer<'_>)| {
        item(0x0A, |writer| {
            writer.text_string(tag::UNIQUE_IDENTIFIER, KEY);
            fill(writer);
        })
    };
    let compressed = with(&|writer| writer.enumeration(tag::KEY_COMPRESSION_TYPE, 1));
    assert_eq!(bench.one(compressed).await.refusal(), ResultReason::KEY_COMPRESSION_TYPE_NOT_SUPPORTED);
    let as_registered = with(&|writer| writer.enumeration(tag::KEY_WRAP_TYPE, 2));
    assert_eq!(bench.one(as_registered).await.refusal(), ResultReason::FEATURE_NOT_SUPPORTED);
    let wrapped = with(&|writer| writer.structure(tag::KEY_WRAPPING_SPECIFICATION, |_| {}));
    assert_eq!(bench.one(wrapped).await.refusal(), ResultReason::FEATURE_NOT_SUPPORTED);
    assert_eq!(bench.kms.calls(), [""; 0]);

    let not_wrapped = with(&|writer| writer.enumeration(tag::KEY_WRAP_TYPE, 1));
    assert_eq!(bench.one(not_wrapped).await.reason, None);
}

#[tokio::test]
async fn what_never_existed_or_is_destroyed_is_not_found() {
    let bench = Bench::new();
    bench.store(destroyed("gone"), None);
    for id in ["gone", "nobody", "../../etc/passwd", "", "key\n"] {
        for item in [get(Some(id)), activate(Some(id))] {
            assert_eq!(bench.one(item).await.refusal(), ResultReason::ITEM_NOT_FOUND, "{id:?}");
        }
    }
    assert_eq!(bench.one(get_attributes(Some("nobody"), &[])).await.refusal(), ResultReason::ITEM_NOT_FOUND);
    // Its attributes outlive an object (KMIP 1.4 section 3.22).
    assert_eq!(bench.one(get_attributes(Some("gone"), &["State"])).await.value("AttributeValue"), "5");
    assert_eq!(bench.kms.calls(), [""; 0]);
}

#[tokio::test]
async fn get_attributes_tells_all_or_those_that_are_named() {
    let bench = Bench::new();
    let all = bench.one(get_attributes(Some(KEY), &[])).await;
    let mut expected = vec![format!("UniqueIdentifier={KEY}")];
    for (name, value) in [
        ("Unique Identifier", KEY),
        ("Name", ""),
        ("Object Type", "2"),
        ("Cryptographic Algorithm", "3"),
        ("Cryptographic Length", "256"),
        ("Cryptographic Usage Mask", "12"),
        ("Lease Time", "3600"),
        ("State", "2"),
        ("Initial Date", "1799999940"),
        ("Activation Date", "1799999970"),
        ("Last Change Date", "1799999940"),
        ("Sensitive", "false"),
        ("Always Sensitive", "false"),
        ("Extractable", "true"),
        ("Never Extractable", "false"),
    ] {
        expected.push(format!("AttributeName={name}"));
        match name {
            // There may be several, so that its index is told.
            "Name" => expected.extend(["AttributeIndex=0", "NameValue=master", "NameType=1"].map(str::to_owned)),
            _ => expected.push(format!("AttributeValue={value}")),
        }
    }
    assert_eq!(all.payload, expected);
    let some = bench.one(get_attributes(Some(KEY), &["State", "Comment", "x-nothing"])).await;
    assert_eq!(some.payload, [&format!("UniqueIdentifier={KEY}"), "AttributeName=State", "AttributeValue=2"]);
    assert_eq!(bench.kms.calls(), [""; 0], "no cloud is asked for what stands in the key file");
}

#[tokio::test]
async fn activate_makes_a_key_active_once_and_for_all() {
    let bench = Bench::new();
    bench.store(ManagedObject::new("new".to_owned(), ObjectType::SymmetricKey, NOW - 9), Some(b"material"));
    let state = || get_attributes(Some("new"), &["State", "Activation Date", "Last Change Date"]);
    assert!(bench.one(state()).await.payload.contains(&"AttributeValue=1".to_owned()));

    assert_eq!(bench.one(activate(Some("new"))).await.payload, ["UniqueIdentifier=new"]);
    let told = bench.one(state()).await.payload;
    let values: Vec<&String> = told.iter().filter(|line| line.starts_with("AttributeValue")).collect();
    let now = format!("AttributeValue={NOW}");
    assert_eq!(values, ["AttributeValue=2", now.as_str(), now.as_str()]);

    for id in ["new", KEY] {
        let again = bench.one(activate(Some(id))).await;
        assert_eq!(again.refusal(), ResultReason::PERMISSION_DENIED);
        assert_eq!(again.message, "an object in state Active cannot be activated");
    }
}

#[tokio::test]
async fn query_tells_what_is_asked_for_and_no_more() {
    let bench = Bench::new();
    let query = |functions: &[u32]| {
        item(0x18, |writer| functions.iter().for_each(|function| writer.enumeration(tag::QUERY_FUNCTION, *function)))
    };
    // Operations is 1, Objects 2, Server Information 3, Profiles 10.
    let all = bench.one(query(&[1, 2, 3, 10])).await;
    let operations = [1, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 24, 30, 31, 32]
        .map(|number| format!("Operation={number}"));
    assert_eq!(all.payload[..18], operations);
    assert_eq!(all.payload[18..21], ["ObjectType=2", "ObjectType=6", "ObjectType=7"]);
    assert!(all.payload[21].starts_with("VendorIdentification=kmip-proxy ") && all.payload.len() == 22, "{all:?}");
    assert_eq!(bench.one(query(&[2])).await.payload, ["ObjectType=2", "ObjectType=6", "ObjectType=7"]);
    assert_eq!(bench.one(query(&[10])).await.payload, [""; 0]);
    assert_eq!(bench.one(query(&[])).await.refusal(), ResultReason::INVALID_MESSAGE);

    for (version, known) in [((1, 0), 15), ((1, 1), 16), ((1, 2), 18)] {
        let old = bench.ask(Ask { version, ..Ask::of(query(&[1])) }).await;
        let why = "Discover Versions came with 1.1, Encrypt and Decrypt with 1.2";
        assert_eq!(old.items[0].payload, operations[..known], "{why}");
    }
}

#[tokio::test]
async fn discover_versions_tells_the_versions_of_both_sides_newest_first() {
    let bench = Bench::new();
    let discover = |versions: &'static [(i32, i32)]| {
        item(0x1E, |writer| {
            for (major, minor) in versions {
                writer.structure(tag::PROTOCOL_VERSION, |writer| {
                    writer.integer(tag::PROTOCOL_VERSION_MAJOR, *major);
                    writer.integer(tag::PROTOCOL_VERSION_MINOR, *minor);
                });
            }
        })
    };
    let minors = |answer: &wire::Answer| -> String {
        let line = |line: &String| line.strip_prefix("ProtocolVersionMinor=").map(str::to_owned);
        answer.payload.iter().filter_map(line).collect()
    };
    assert_eq!(minors(&bench.one(discover(&[])).await), "43210");
    assert_eq!(minors(&bench.one(discover(&[(1, 0), (2, 0), (1, 2), (9, 4)])).await), "20");
    assert_eq!(minors(&bench.one(discover(&[(2, 1)])).await), "");

    let old = bench.ask(Ask { version: (1, 0), ..Ask::of(discover(&[])) }).await;
    assert_eq!(old.items[0].refusal(), ResultReason::OPERATION_NOT_SUPPORTED);
    assert_eq!((old.version, old.items[0].operation), ((1, 0), Some(0x1E)));
}

#[tokio::test]
async fn every_other_operation_is_refused_by_its_name() {
    let bench = Bench::new();
    for operation in Operation::ALL.iter().filter(|operation| !OPERATIONS.contains(operation)) {
        let answer = bench.one(item(operation.0, |writer| writer.text_string(tag::UNIQUE_IDENTIFIER, KEY))).await;
        assert_eq!(answer.refusal(), ResultReason::OPERATION_NOT_SUPPORTED);
        assert_eq!(answer.operation, Some(operation.0));
        assert!(answer.message.contains(operation.name().unwrap()), "{}", answer.message);
    }
    let unheard_of = bench.one(item(0x7777, |_| {})).await;
    assert_eq!(unheard_of.refusal(), ResultReason::OPERATION_NOT_SUPPORTED);
    assert!(unheard_of.message.contains("0x00007777"), "{}", unheard_of.message);
}

#[tokio::test]
async fn a_key_is_opened_in_its_own_region_and_a_multi_region_key_in_that_of_the_credentials() {
    let elsewhere = METADATA.replace("eu-west-1", "us-west-2");
    let cases = [
        (CMK, CMK, "eu-west-1"),
        ("alias/master", "alias/master", "eu-north-1"),
        ("arn:aws:kms:eu-west-1:1:key/mrk-12", "arn:aws:kms:us-west-2:1:key/mrk-12", "us-west-2"),
        ("mrk-12", "mrk-12", "us-west-2"),
    ];
    for (key, asked, region) in cases {
        let bench = Bench::new();
        bench.disk.put(&format!("{KEY}.aws.metadata"), &elsewhere);
        let Ok(Found::Present(stored)) = bench.operations.layout.find(KEY) else { panic!("every dbpath has it") };
        let master_key = MasterKey::Aws { region: "eu-north-1".to_owned(), key: key.to_owned() };
        bench.operations.layout.store(&WrappedKey { master_key, ..*stored }).unwrap();
        assert_eq!(bench.one(get(Some(KEY))).await.reason, None, "{key}");
        assert_eq!(bench.one(create_aes()).await.reason, None, "{key}");
        let calls = bench.kms.calls();
        assert!(calls.len() == 2 && calls.iter().all(|call| call.ends_with(&format!(" by {asked}"))), "{calls:?}");
        assert_eq!(*bench.kms.regions.lock().unwrap(), [region; 2], "{key}");
    }
}
