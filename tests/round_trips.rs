//! What is written reads the same again: TTLV items of any tree, key files of any key, metadata of any credentials.
//!
//! The cases are drawn with a fixed seed, so that a red test is red again on every machine; the failing case is printed
//! as small as it can be.

#[allow(dead_code, unreachable_pub, reason = "a crate of its own, of which this test takes what it needs")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kmip_proxy::keys::{
    CredentialSource, Credentials, Found, Layout as _, ManagedObject, MasterKey, MaterialDigest, ObjectName,
    ObjectType, Protection, Provider, Revocation, SnapshotLayout, State, WrappedKey,
};
use kmip_proxy::ttlv::{Item, Reader, Tag, TtlvError, Value, Writer};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use fuzz::{DBPATH, FOLDER, Memory};

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// An item with everything in it, as it is meant.
#[derive(Clone, Debug, PartialEq)]
enum Meant {
    Structure(Vec<(Tag, Meant)>),
    Integer(i32),
    LongInteger(i64),
    /// As many bytes as the wire has: a multiple of eight, at least eight.
    BigInteger(Vec<u8>),
    Enumeration(u32),
    Boolean(bool),
    Text(String),
    Bytes(Vec<u8>),
    DateTime(i64),
    Interval(u32),
}

fn tags() -> impl Strategy<Value = Tag> {
    any::<u32>().prop_map(Tag::new)
}

fn items() -> impl Strategy<Value = Meant> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Meant::Integer),
        any::<i64>().prop_map(Meant::LongInteger),
        prop::collection::vec(any::<[u8; 8]>(), 1..4).prop_map(|words| Meant::BigInteger(words.concat())),
        any::<u32>().prop_map(Meant::Enumeration),
        any::<bool>().prop_map(Meant::Boolean),
        any::<String>().prop_map(Meant::Text),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Meant::Bytes),
        any::<i64>().prop_map(Meant::DateTime),
        any::<u32>().prop_map(Meant::Interval),
    ];
    leaf.prop_recursive(8, 64, 6, |inner| prop::collection::vec((tags(), inner), 0..6).prop_map(Meant::Structure))
}

fn write(tag: Tag, item: &Meant, writer: &mut Writer<'_>) {
    match item {
        Meant::Structure(items) => {
            let open = writer.open(tag);
            items.iter().for_each(|(tag, item)| write(*tag, item, writer));
            writer.close(open);
        }
        Meant::Integer(value) => writer.integer(tag, *value),
        Meant::LongInteger(value) => writer.long_integer(tag, *value),
        Meant::BigInteger(bytes) => writer.big_integer(tag, bytes),
        Meant::Enumeration(value) => writer.enumeration(tag, *value),
        Meant::Boolean(value) => writer.boolean(tag, *value),
        Meant::Text(text) => writer.text_string(tag, text),
        Meant::Bytes(bytes) => writer.byte_string(tag, bytes),
        Meant::DateTime(value) => writer.date_time(tag, *value),
        Meant::Interval(value) => writer.interval(tag, *value),
    }
}

fn read(item: &Item<'_>) -> Result<(Tag, Meant), TtlvError> {
    let meant = match &item.value {
        Value::Structure(inside) => {
            let (mut inside, mut items) = (inside.clone(), Vec::new());
            while let Some(item) = inside.next_item()? {
                items.push(read(&item)?);
            }
            Meant::Structure(items)
        }
        Value::Integer(value) => Meant::Integer(*value),
        Value::LongInteger(value) => Meant::LongInteger(*value),
        Value::BigInteger(bytes) => Meant::BigInteger(bytes.to_vec()),
        Value::Enumeration(value) => Meant::Enumeration(*value),
        Value::Boolean(value) => Meant::Boolean(*value),
        Value::TextString(text) => Meant::Text((*text).to_owned()),
        Value::ByteString(bytes) => Meant::Bytes(bytes.to_vec()),
        Value::DateTime(value) => Meant::DateTime(*value),
        Value::Interval(value) => Meant::Interval(*value),
    };
    Ok((item.tag, meant))
}

/// An identifier that a key can have.
fn identifiers() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-][A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{1,20}){0,3}"
}

/// A text that is not empty: the format takes an empty one for a missing one.
fn texts() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("an empty text counts as absent", |text| !text.is_empty())
}

fn master_keys() -> impl Strategy<Value = MasterKey> {
    // Names that stand in addresses are checked when they are read: these are of the forms that the clouds allow.
    let version = || prop::option::of("[1-9][0-9]{0,8}");
    let name = || "[a-z][a-z0-9-]{3,19}[a-z0-9]";
    prop_oneof![
        ("[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", texts()).prop_map(|(region, key)| MasterKey::Aws { region, key }),
        (name(), name(), version()).prop_map(|(vault, key_name, key_version)| MasterKey::Azure {
            key_vault_endpoint: format!("{vault}.vault.azure.net"),
            key_name,
            key_version
        }),
        (name(), name(), name(), name(), version()).prop_map(
            |(project_id, location, key_ring, key_name, key_version)| MasterKey::Gcp {
                project_id,
                location,
                key_ring,
                key_name,
                key_version
            }
        ),
        Just(MasterKey::Local),
    ]
}

fn objects() -> impl Strategy<Value = ManagedObject> {
    let date = || prop::option::of(any::<i64>());
    let kinds =
        prop_oneof![Just(ObjectType::SymmetricKey), any::<u32>().prop_map(|kind| ObjectType::SecretData { kind })];
    let revocation =
        (any::<u32>(), prop::option::of(any::<String>())).prop_map(|(code, message)| Revocation { code, message });
    let names = (any::<String>(), any::<u32>(), any::<u32>()).prop_map(|(value, kind, index)| ObjectName {
        value,
        kind,
        index,
    });
    let digest =
        (any::<u32>(), any::<u32>(), any::<[u8; 32]>()).prop_map(|(hashing_algorithm, key_format_type, value)| {
            MaterialDigest { hashing_algorithm, key_format_type, value: value.to_vec() }
        });
    (
        (
            identifiers(),
            kinds,
            any::<Option<u32>>(),
            any::<Option<u32>>(),
            any::<u32>(),
            prop::sample::select(&State::ALL[..]),
        ),
        (any::<i64>(), date(), date(), date(), date(), date(), any::<i64>()),
        (prop::option::of(revocation), prop::collection::vec(names, 0..4), any::<Option<String>>()),
        (
            date(),
            date(),
            date(),
            any::<Option<bool>>(),
            any::<Option<u32>>(),
            prop::option::of(digest),
            any::<[bool; 4]>(),
        ),
    )
        .prop_map(|(kind, dates, (revocation, names, owner), further)| {
            let (id, object_type, algorithm, length_bits, usage_mask, state) = kind;
            let mut object = ManagedObject::new(id, object_type, dates.0);
            (object.algorithm, object.length_bits, object.usage_mask) = (algorithm, length_bits, usage_mask);
            (object.state, object.revocation, object.names) = (state, revocation, names);
            (object.activation_date, object.deactivation_date) = (dates.1, dates.2);
            (object.destroy_date, object.compromise_date) = (dates.3, dates.4);
            (object.compromise_occurrence_date, object.last_change_date) = (dates.5, dates.6);
            object.owner = owner;
            (object.process_start_date, object.protect_stop_date) = (further.0, further.1);
            (object.original_creation_date, object.fresh) = (further.2, further.3);
            (object.random_number_generator, object.digest) = (further.4, further.5);
            let [sensitive, always_sensitive, extractable, never_extractable] = further.6;
            object.protection = Protection { sensitive, always_sensitive, extractable, never_extractable };
            object
        })
}

fn keys() -> impl Strategy<Value = WrappedKey> {
    let context = prop::collection::btree_map(any::<String>(), any::<String>(), 0..4);
    let material = prop::collection::vec(any::<u8>(), 1..300);
    (objects(), master_keys(), context, prop::option::of(identifiers()), material).prop_map(
        |(object, master_key, encryption_context, credentials_of, material): (_, _, BTreeMap<_, _>, _, _)| {
            // What is destroyed has no material, and nothing else is without.
            let wrapped = (!object.state.is_destroyed()).then_some(material);
            WrappedKey { object, master_key, encryption_context, credentials_of, wrapped }
        },
    )
}

fn layout(files: &Arc<Memory>, provider: Provider) -> SnapshotLayout {
    SnapshotLayout::new(files.clone(), DBPATH.into(), provider, CredentialSource::default())
}

/// Text that may surround a metadata file: white space of JSON, which says nothing.
fn spaces() -> impl Strategy<Value = String> {
    "[ \\t\\r\\n]{0,3}"
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_tree_of_items_reads_as_it_was_written(tag in tags(), item in items()) {
        let mut bytes = Vec::new();
        write(tag, &item, &mut Writer::new(&mut bytes));
        prop_assert_eq!(bytes.len() % 8, 0);
        let whole = Reader::only_item(&bytes).expect("what was written is one item");
        prop_assert_eq!(whole.encoded, &bytes[..]);
        prop_assert_eq!(read(&whole), Ok((tag, item)));
    }

    #[test]
    fn any_key_is_found_as_it_was_stored(key in keys()) {
        let files = Arc::new(Memory::default());
        let layout = layout(&files, key.master_key.provider());
        let path = layout.store(&key).expect("the identifier is possible");
        prop_assert_eq!(path.parent(), Some(Path::new(FOLDER)));
        let first = files.files()[&path].clone();
        prop_assert_eq!(layout.find(key.id()), Ok(Found::Present(Box::new(key.clone()))));
        let listing = layout.list().expect("the folder can be listed");
        prop_assert_eq!(&listing.keys[..], &[key.clone()][..]);
        layout.store(&key).expect("it can be stored again");
        prop_assert_eq!(&files.files()[&path], &first, "the same key has the same file");
    }

    #[test]
    fn any_credentials_are_read_from_metadata_as_they_were_written(
        (id, secret, token) in (texts(), texts(), prop::option::of(texts())),
        (region, role, external) in ("[a-z]{2}-[a-z]{1,9}-[0-9]", prop::option::of(texts()), prop::option::of(texts())),
        (space, mark) in (spaces(), any::<bool>()),
    ) {
        // A text of nothing but spaces counts as absent, as Atlas writes absent ones.
        let kept = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        prop_assume!(!id.trim().is_empty() && !secret.trim().is_empty());
        let fields = serde_json::json!({
            "accessKeyId": id, "secretAccessKey": secret, "sessionToken": token,
            "region": region, "roleArn": role, "externalId": external, "of": {"others": ["x", 1, null]},
        });
        let mark = if mark { "\u{feff}" } else { "" };
        let files = Arc::new(Memory::default());
        files.put(format!("{FOLDER}/k.aws.metadata"), format!("{mark}{space}{fields:#}{space}").as_bytes());
        let resolved = layout(&files, Provider::Aws).credentials("k", Provider::Aws).expect("all is there");
        let Credentials::Aws(aws) = resolved.credentials else { panic!("credentials of another provider") };
        prop_assert_eq!((aws.access_key_id, aws.secret_access_key.expose()), (id, secret.as_str()));
        prop_assert_eq!(aws.session_token.as_ref().map(|token| token.expose().to_owned()), kept(&token));
        prop_assert_eq!(aws.region, region);
        prop_assert_eq!(aws.role.as_ref().map(|role| role.arn.clone()), kept(&role));
        let external = kept(&external).filter(|_| aws.role.is_some());
        prop_assert_eq!(aws.role.and_then(|role| role.external_id), external);
    }
}
