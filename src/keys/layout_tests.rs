//! The snapshot layout on real files: what is found, what is not, and what is said of files that do not serve.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::env::{Access, Env};

pub(super) const ID: &str = "0f4b2c6e-5d0a-4e1b-9d3f-2a7c8e9b1d00";
const CMK: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
/// The one example of the Atlas documentation, with credentials in it.
const DOCUMENTED: &str =
    r#"{ "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "sesame", "roleId": "", "region": "us-east-1" }"#;

pub(super) struct Dbpath {
    folder: TempDir,
}

impl Dbpath {
    pub(super) fn new() -> Self {
        let dbpath = Dbpath { folder: tempfile::tempdir().unwrap() };
        dbpath.layout(Provider::Aws).prepare().unwrap();
        dbpath
    }

    pub(super) fn layout(&self, provider: Provider) -> SnapshotLayout {
        self.layout_with(provider, CredentialSource::default())
    }

    pub(super) fn layout_with(&self, provider: Provider, source: CredentialSource) -> SnapshotLayout {
        SnapshotLayout::new(Env::os().files, self.folder.path().to_owned(), provider, source)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("cloudProviderCredentials").join(name)
    }

    pub(super) fn put(&self, name: &str, content: &str) {
        Env::os().files.write(&self.path(name), content.as_bytes(), Access::Owner).unwrap();
    }

    /// An error's text without the directory, which differs from run to run.
    pub(super) fn told(&self, error: &LayoutError) -> String {
        error.to_string().replace(&format!("{}/", self.folder.path().display()), "")
    }
}

pub(super) fn key(id: &str, initial_date: i64) -> WrappedKey {
    let mut object = ManagedObject::new(id.to_owned(), ObjectType::SymmetricKey, initial_date);
    object.algorithm = Some(3);
    object.length_bits = Some(256);
    object.usage_mask = 12;
    WrappedKey {
        object,
        master_key: MasterKey::Aws { region: "eu-west-1".to_owned(), key: CMK.to_owned() },
        encryption_context: BTreeMap::new(),
        credentials_of: None,
        wrapped: Some(vec![1, 2, 3]),
    }
}

fn flags(access_key_id: &str) -> FlagCredentials {
    FlagCredentials {
        access_key_id: Some(access_key_id.to_owned()),
        secret_access_key: Some(SecretText::new(format!("secret of {access_key_id}"))),
        ..FlagCredentials::default()
    }
}

fn aws(resolved: &ResolvedCredentials) -> &AwsCredentials {
    match &resolved.credentials {
        Credentials::Aws(aws) => aws,
        other => panic!("credentials for {}", other.provider()),
    }
}

#[test]
fn a_stored_key_is_found_again_with_everything_that_it_had() {
    let dbpath = Dbpath::new();
    let mut full = key(ID, 1_700_000_000);
    full.object.object_type = ObjectType::SecretData { kind: 2 };
    full.object.activation_date = Some(-5);
    full.object.compromise_occurrence_date = Some(7);
    full.object.names = ObjectName::texts(["ein \"Schlüssel\"\n", "b"]);
    full.object.revocation = Some(Revocation { code: 2, message: Some("lost".to_owned()) });
    full.encryption_context.insert("tenant".to_owned(), "ü".to_owned());
    full.credentials_of = Some("other".to_owned());
    full.object.apply(Event::Compromise, 1_700_000_001).unwrap();
    let mut destroyed = key("destroyed", 5);
    destroyed.object.apply(Event::Destroy, 6).unwrap();
    destroyed.wrapped = None;
    for key in [full, key("plain", 5), destroyed] {
        let path = dbpath.layout(Provider::Aws).store(&key).unwrap();
        assert_eq!(path, dbpath.path(&format!("{}.aws.key.json", key.id())));
        assert_eq!(dbpath.layout(Provider::Aws).find(key.id()), Ok(Found::Present(Box::new(key))));
    }
}

#[test]
fn master_keys_of_every_provider_survive_the_disk() {
    let dbpath = Dbpath::new();
    let azure = MasterKey::Azure {
        key_vault_endpoint: "v.vault.azure.net".to_owned(),
        key_name: "k".to_owned(),
        key_version: Some("1".to_owned()),
    };
    let gcp = MasterKey::Gcp {
        project_id: "p".to_owned(),
        location: "global".to_owned(),
        key_ring: "r".to_owned(),
        key_name: "k".to_owned(),
        key_version: None,
    };
    for master_key in [azure, gcp, MasterKey::Local] {
        let layout = dbpath.layout(master_key.provider());
        let key = WrappedKey { master_key, ..key(ID, 5) };
        layout.store(&key).unwrap();
        let Found::Present(found) = layout.find(ID).unwrap() else { panic!("not found") };
        assert_eq!(*found, key);
    }
}

#[test]
fn the_key_file_looks_as_documented() {
    let dbpath = Dbpath::new();
    let mut key = key(ID, 1_700_000_000);
    key.object.apply(Event::Activate, 1_700_000_001).unwrap();
    let path = dbpath.layout(Provider::Aws).store(&key).unwrap();
    let content = String::from_utf8(Env::os().files.read(&path).unwrap()).unwrap();
    insta::assert_snapshot!(content, @r#"
    {
      "format": "kmip-proxy/1",
      "uniqueIdentifier": "0f4b2c6e-5d0a-4e1b-9d3f-2a7c8e9b1d00",
      "objectType": "SymmetricKey",
      "cryptographicAlgorithm": 3,
      "cryptographicLength": 256,
      "cryptographicUsageMask": 12,
      "state": "Active",
      "initialDate": 1700000000,
      "activationDate": 1700000001,
      "lastChangeDate": 1700000001,
      "names": [],
      "masterKey": {"key":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd","provider":"aws","region":"eu-west-1"},
      "encryptionContext": {},
      "keyMaterial": {"$binary":{"base64":"AQID","subType":"00"}}
    }
    "#);
}

#[cfg(unix)]
#[test]
fn key_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dbpath = Dbpath::new();
    let path = dbpath.layout(Provider::Aws).store(&key(ID, 5)).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn only_what_no_file_speaks_of_never_existed() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    assert_eq!(layout.find(ID), Ok(Found::NeverExisted));

    dbpath.put(&format!("{ID}.azure.metadata"), "{}");
    let azure = |name: &str| Ok(Found::OtherProvider { provider: Provider::Azure, path: dbpath.path(name) });
    assert_eq!(layout.find(ID), azure(&format!("{ID}.azure.metadata")));

    dbpath.put(&format!("{ID}.aws.metadata"), DOCUMENTED);
    assert_eq!(layout.find(ID), Ok(Found::MetadataWithoutKey { path: dbpath.path(&format!("{ID}.aws.metadata")) }));

    dbpath.put(&format!("{ID}.azure.key.json"), "{}");
    assert_eq!(layout.find(ID), azure(&format!("{ID}.azure.key.json")));

    layout.store(&key(ID, 5)).unwrap();
    assert!(matches!(layout.find(ID), Ok(Found::Present(_))));
}

#[test]
fn a_key_file_that_names_another_provider_is_that_providers() {
    let dbpath = Dbpath::new();
    let local = WrappedKey { master_key: MasterKey::Local, ..key(ID, 5) };
    dbpath.put(&format!("{ID}.aws.key.json"), &key_file::render(&local));
    let path = dbpath.path(&format!("{ID}.aws.key.json"));
    assert_eq!(dbpath.layout(Provider::Aws).find(ID), Ok(Found::OtherProvider { provider: Provider::Local, path }));
}

#[test]
fn a_folder_or_a_file_that_cannot_be_read_is_an_error_and_not_an_absence() {
    let dbpath = Dbpath::new();
    // A directory in the place of the key file cannot be read as a file.
    Env::os().files.create_directory(&dbpath.path(&format!("{ID}.aws.key.json"))).unwrap();
    let error = dbpath.layout(Provider::Aws).find(ID).unwrap_err();
    assert_eq!(error.kind, LayoutErrorKind::FileUnavailable);

    let gone = SnapshotLayout::new(Env::os().files, "/nowhere/db".into(), Provider::Aws, CredentialSource::default());
    assert_eq!(gone.find(ID).unwrap_err().kind, LayoutErrorKind::FileUnavailable);
    assert_eq!(gone.prepare().unwrap_err().path, Path::new("/nowhere/db"));
}

#[cfg(unix)]
#[test]
fn whatever_stands_under_an_identifier_is_no_absence() {
    let folder_of = |path: &Path| Env::os().files.create_directory(path).unwrap();
    let link = |path: &Path| std::os::unix::fs::symlink("/nowhere/at/all", path).unwrap();
    let put = |path: &Path| Env::os().files.write(path, b"{}", Access::Owner).unwrap();
    type Make = dyn Fn(&Path);
    let cases: [(&str, &Make); 5] = [
        ("k.local.key.json", &link),
        ("k.aws.metadata", &link),
        ("k.local.key.json.bak", &put),
        ("k.aws.key.json.d", &folder_of),
        ("k.azure.metadata.old", &link),
    ];
    let mut told = String::new();
    for (name, make) in cases {
        let dbpath = Dbpath::new();
        make(&dbpath.path(name));
        for provider in [Provider::Aws, Provider::Local] {
            let error = dbpath.layout(provider).find("k").unwrap_err();
            assert_eq!(error.kind, LayoutErrorKind::FileUnavailable, "{name}");
            if provider == Provider::Aws {
                told.push_str(&format!("{}\n", dbpath.told(&error)));
            }
        }
        assert_eq!(dbpath.layout(Provider::Aws).find("another"), Ok(Found::NeverExisted), "{name}");
    }
    insta::assert_snapshot!(told);
    // What a crash of ours left behind was never given out.
    let dbpath = Dbpath::new();
    put(&dbpath.path("k.aws.key.json.new"));
    assert_eq!(dbpath.layout(Provider::Aws).find("k"), Ok(Found::NeverExisted));
    assert_eq!(dbpath.layout(Provider::Local).find("k"), Ok(Found::NeverExisted));
}

#[cfg(unix)]
#[test]
fn a_key_file_that_is_a_link_to_nowhere_is_told_at_the_start() {
    let dbpath = Dbpath::new();
    std::os::unix::fs::symlink("/nowhere/at/all", dbpath.path("k.aws.key.json")).unwrap();
    let listing = dbpath.layout(Provider::Aws).list().unwrap();
    assert_eq!(
        listing.problems.iter().map(|(_, problem)| problem.kind).collect::<Vec<_>>(),
        [LayoutErrorKind::FileUnavailable]
    );
}

#[test]
fn identifiers_cannot_leave_the_folder() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    Env::os().files.write(&dbpath.folder.path().join("evil.aws.key.json"), b"{}", Access::Owner).unwrap();
    for id in ["../evil", "x/../../evil", "/etc/passwd", "..", "", "a\0b", &"a".repeat(129), "é"] {
        assert_eq!(layout.find(id), Ok(Found::NeverExisted), "{id:?}");
        assert_eq!(layout.files_of(id), None, "{id:?}");
        assert!(layout.store(&key(id, 5)).is_err(), "{id:?}");
        assert!(layout.credentials(id, Provider::Aws).is_err(), "{id:?}");
    }
}

#[test]
fn a_listing_tells_keys_and_damaged_files_apart() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    for id in ["b", "a", "a.b"] {
        layout.store(&key(id, 5)).unwrap();
    }
    dbpath.layout(Provider::Local).store(&WrappedKey { master_key: MasterKey::Local, ..key("l", 5) }).unwrap();
    dbpath.put("damaged.aws.key.json", "{");
    dbpath.put("c.aws.key.json.new", "{");
    let listing = layout.list().unwrap();
    assert_eq!(listing.keys.iter().map(WrappedKey::id).collect::<Vec<_>>(), ["a", "a.b", "b"]);
    assert_eq!(listing.problems.len(), 1);
    assert!(listing.problems[0].1.path.ends_with("damaged.aws.key.json"));
    assert_eq!(listing.problems[0].0, "damaged");
}

#[test]
fn a_listing_tells_metadata_that_lack_a_key_from_those_that_are_lent() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    layout.store(&WrappedKey { credentials_of: Some("lender".to_owned()), ..key("a", 5) }).unwrap();
    dbpath.put("damaged.aws.key.json", "{");
    for id in ["a", "damaged", "lender", "orphan"] {
        dbpath.put(&format!("{id}.aws.metadata"), "{}");
    }
    dbpath.put("g.gcp.metadata", "{}");
    let listing = layout.list().unwrap();
    assert_eq!(listing.without_key, ["orphan"]);
    assert_eq!(listing.others, [dbpath.path("g.gcp.metadata")]);
}

#[test]
fn an_update_is_written_and_a_refused_one_is_not() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    layout.store(&key(ID, 5)).unwrap();
    let mut activate = |key: &mut WrappedKey| Ok(key.object.apply(Event::Activate, 6)?);
    assert_eq!(layout.update(ID, &mut activate).unwrap().object.state, State::Active);
    let before = layout.find(ID).unwrap();
    let refused = layout.update(ID, &mut activate).unwrap_err();
    assert_eq!(refused, UpdateError::Refused(Refused { state: State::Active, event: Event::Activate }));
    assert_eq!(layout.find(ID).unwrap(), before);
    assert_eq!(layout.update("nobody", &mut activate), Err(UpdateError::NotPresent));
}

#[test]
fn concurrent_updates_do_not_undo_each_other() {
    let dbpath = Dbpath::new();
    let layout = Arc::new(dbpath.layout(Provider::Aws));
    layout.store(&key(ID, 5)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let layout = Arc::clone(&layout);
            scope.spawn(move || {
                for round in 0..5 {
                    let name = format!("{thread}-{round}");
                    layout
                        .update(ID, &mut |key| {
                            let index = u32::try_from(key.object.names.len()).unwrap();
                            key.object.names.push(ObjectName { value: name.clone(), kind: 1, index });
                            Ok(())
                        })
                        .unwrap();
                }
            });
        }
    });
    let Found::Present(key) = layout.find(ID).unwrap() else { panic!("gone") };
    assert_eq!(key.object.names.len(), 20);
}

#[test]
fn the_documented_metadata_file_brings_credentials() {
    let dbpath = Dbpath::new();
    let file = format!("{ID}.aws.metadata");
    dbpath.put(&file, DOCUMENTED);
    let resolved = dbpath.layout(Provider::Aws).credentials(ID, Provider::Aws).unwrap();
    assert_eq!((resolved.origin, &resolved.file), (CredentialOrigin::Metadata, &dbpath.path(&file)));
    let credentials = aws(&resolved);
    assert_eq!(credentials.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(credentials.secret_access_key.expose(), "sesame");
    assert_eq!(credentials.region, "us-east-1");
    assert!(credentials.session_token.is_none() && credentials.role.is_none());
}

#[test]
fn our_own_fields_and_unknown_ones_are_welcome_in_metadata() {
    let dbpath = Dbpath::new();
    dbpath.put(
        &format!("{ID}.aws.metadata"),
        "\u{feff}{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\",\"roleId\":\"5f\",\
         \"region\":\"EU_WEST_1\",\"roleArn\":\"r\",\"externalId\":\"e\",\"later\":[1]}",
    );
    let resolved = dbpath.layout(Provider::Aws).credentials(ID, Provider::Aws).unwrap();
    let credentials = aws(&resolved);
    assert_eq!(credentials.session_token.as_ref().map(SecretText::expose), Some("t"));
    assert_eq!(credentials.region, "eu-west-1");
    assert_eq!(credentials.role, Some(AwsRole { arn: "r".to_owned(), external_id: Some("e".to_owned()) }));
}

#[test]
fn metadata_that_do_not_serve_are_told_with_file_line_and_field() {
    let cases = [
        "",
        "{",
        "[]",
        "{\"accessKeyId\": \"A\",\n \"secretAccessKey\": 4711,\n \"region\": \"us-east-1\"}",
        "{\"accessKeyId\": \"A\",\n \"secretAccessKey\": \"\",\n \"region\": \"us-east-1\"}",
        "{\"secretAccessKey\": \"s\", \"region\": \"us-east-1\"}",
        "{\"accessKeyId\": \"A\", \"secretAccessKey\": \"s\"}",
        "{\"accessKeyId\": \"A\", \"secretAccessKey\": \"s\",\n\n    \"region\": \"evil.example/\"}",
        "{\"accessKeyId\": \"\", \"secretAccessKey\": \"\",\n \"roleId\": \"5f0c\", \"region\": \"us-east-1\"}",
        "{\"accessKeyId\": \"\", \"secretAccessKey\": \"\", \"roleId\": \"\", \"region\": \"us-east-1\"}",
        "{}",
        "{\"accessKeyId\": \"A\"\n \"secretAccessKey\": \"s\"}",
    ];
    let mut told = String::new();
    for case in cases {
        let dbpath = Dbpath::new();
        dbpath.put(&format!("{ID}.aws.metadata"), case);
        let error = dbpath.layout(Provider::Aws).credentials(ID, Provider::Aws).unwrap_err();
        assert!(!format!("{error:?}").contains("4711"));
        told.push_str(&format!("{case}\n=> {:?}\n   {}\n\n", error.kind, dbpath.told(&error)));
    }
    let dbpath = Dbpath::new();
    for (provider, name) in [(Provider::Aws, "no file"), (Provider::Azure, "azure"), (Provider::Local, "local")] {
        let error = dbpath.layout(provider).credentials(ID, provider).unwrap_err();
        told.push_str(&format!("({name})\n=> {:?}\n   {}\n\n", error.kind, dbpath.told(&error)));
    }
    insta::assert_snapshot!("metadata_errors", told);
}

#[test]
fn key_files_that_do_not_serve_are_told_with_file_line_and_field() {
    let good = key_file::render(&key(ID, 5));
    let changes = [
        ("kmip-proxy/1", "kmip-proxy/2"),
        (ID, "another"),
        ("SymmetricKey", "PublicKey"),
        ("SymmetricKey", "SecretData"),
        ("\"cryptographicLength\": 256", "\"cryptographicLength\": -1"),
        ("\"cryptographicUsageMask\": 12,", ""),
        ("PreActive", "Asleep"),
        ("PreActive", "Destroyed"),
        ("\"initialDate\": 5", "\"initialDate\": \"today\""),
        ("\"names\": []", "\"names\": [1]"),
        ("\"provider\":\"aws\"", "\"provider\":\"oracle\""),
        ("\"region\":\"eu-west-1\"", "\"region\":\"\""),
        ("\"encryptionContext\": {}", "\"encryptionContext\": {\"a\": {}}"),
        ("AQID", "AQI"),
        ("\"subType\":\"00\"", "\"subType\":\"04\""),
        ("keyMaterial", "keyMatter"),
        ("\"names\"", "\"nmaes\": [], \"names\""),
    ];
    let dbpath = Dbpath::new();
    let mut told = String::new();
    for (from, to) in changes {
        let damaged = good.replacen(from, to, 1);
        assert_ne!(damaged, good, "{from}");
        dbpath.put(&format!("{ID}.aws.key.json"), &damaged);
        let error = dbpath.layout(Provider::Aws).find(ID).unwrap_err();
        assert_eq!(error.kind, LayoutErrorKind::KeyFileMalformed);
        told.push_str(&format!("{from} -> {to}\n   {}\n", dbpath.told(&error)));
    }
    insta::assert_snapshot!("key_file_errors", told);
}

#[test]
fn no_cut_of_a_key_file_is_taken_for_a_key_or_for_nothing() {
    let dbpath = Dbpath::new();
    let good = key_file::render(&key(ID, 5));
    // The last two bytes are the closing brace and a newline that may be missing.
    for length in 0..good.len() - 1 {
        dbpath.put(&format!("{ID}.aws.key.json"), &good[..length]);
        let found = dbpath.layout(Provider::Aws).find(ID);
        assert!(found.is_err(), "{length} bytes: {found:?}");
    }
}

#[test]
fn flags_win_and_what_belongs_to_an_access_key_follows_it() {
    let dbpath = Dbpath::new();
    dbpath.put(
        &format!("{ID}.aws.metadata"),
        "{\"accessKeyId\":\"FILE\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\",\"roleArn\":\"r\",\"region\":\"us-east-1\"}",
    );
    let resolve = |flags: FlagCredentials| {
        let source = CredentialSource { flags, environment: flags_in_environment() };
        dbpath.layout_with(Provider::Aws, source).credentials(ID, Provider::Aws).unwrap()
    };
    let by_flag = resolve(flags("FLAG"));
    assert_eq!((by_flag.origin, aws(&by_flag).access_key_id.as_str()), (CredentialOrigin::Flags, "FLAG"));
    assert_eq!(aws(&by_flag).secret_access_key.expose(), "secret of FLAG");
    assert!(aws(&by_flag).session_token.is_none() && aws(&by_flag).role.is_none());
    assert_eq!(aws(&by_flag).region, "us-east-1");

    let region = resolve(FlagCredentials { region: Some("eu-west-1".to_owned()), ..FlagCredentials::default() });
    assert_eq!((region.origin, aws(&region).region.as_str()), (CredentialOrigin::Metadata, "eu-west-1"));
    assert_eq!(aws(&region).session_token.as_ref().map(SecretText::expose), Some("t"));

    // A secret need not be seen by whoever lists processes: the environment may bring it beside an id that is given.
    let source = CredentialSource {
        flags: FlagCredentials { access_key_id: Some("FLAG".to_owned()), ..FlagCredentials::default() },
        environment: flags_in_environment(),
    };
    let elsewhere = Dbpath::new();
    let mixed = elsewhere.layout_with(Provider::Aws, source).credentials(ID, Provider::Aws).unwrap();
    assert_eq!((mixed.origin, aws(&mixed).access_key_id.as_str()), (CredentialOrigin::Flags, "FLAG"));
    let secret = flags_in_environment().secret_access_key.unwrap();
    assert_eq!(aws(&mixed).secret_access_key.expose(), secret.expose());

    let token =
        FlagCredentials { session_token: Some(SecretText::new("new".to_owned())), ..FlagCredentials::default() };
    let token = resolve(token);
    assert_eq!(aws(&token).access_key_id, "FILE");
    assert_eq!(aws(&token).session_token.as_ref().map(SecretText::expose), Some("new"));
}

fn flags_in_environment() -> FlagCredentials {
    FlagCredentials {
        session_token: Some(SecretText::new("token of ENV".to_owned())),
        region: Some("ap-south-1".to_owned()),
        ..flags("ENV")
    }
}

#[test]
fn the_environment_serves_where_the_file_names_a_role() {
    let dbpath = Dbpath::new();
    dbpath.put(&format!("{ID}.aws.metadata"), "{\"roleId\":\"5f0c\",\"region\":\"us-east-1\"}");
    let source = CredentialSource { flags: FlagCredentials::default(), environment: flags_in_environment() };
    let resolved = dbpath.layout_with(Provider::Aws, source).credentials(ID, Provider::Aws).unwrap();
    assert_eq!(resolved.origin, CredentialOrigin::Environment);
    assert_eq!(aws(&resolved).session_token.as_ref().map(SecretText::expose), Some("token of ENV"));
    assert_eq!(aws(&resolved).region, "us-east-1", "the file knows the region better");
}

#[test]
fn complete_flags_make_a_damaged_metadata_file_harmless() {
    let dbpath = Dbpath::new();
    dbpath.put(&format!("{ID}.aws.metadata"), "{ broken");
    let given = FlagCredentials { region: Some("us-east-1".to_owned()), ..flags("FLAG") };
    let source = CredentialSource { flags: given, environment: FlagCredentials::default() };
    let layout = dbpath.layout_with(Provider::Aws, source);
    assert_eq!(aws(&layout.credentials(ID, Provider::Aws).unwrap()).access_key_id, "FLAG");
}

#[test]
fn the_local_key_file_lies_where_flag_or_metadata_say() {
    let dbpath = Dbpath::new();
    dbpath.put(&format!("{ID}.local.metadata"), "{\"keyFile\": \"wrapping.key\"}");
    let path = |source| match dbpath.layout_with(Provider::Local, source).credentials(ID, Provider::Local) {
        Ok(ResolvedCredentials { credentials: Credentials::Local(local), .. }) => local.key_file,
        other => panic!("{other:?}"),
    };
    assert_eq!(path(CredentialSource::default()), dbpath.folder.path().join("wrapping.key"));
    let flags = FlagCredentials { local_key_file: Some("here.key".into()), ..FlagCredentials::default() };
    assert_eq!(path(CredentialSource { flags, ..CredentialSource::default() }), Path::new("here.key"));
}

#[test]
fn a_new_key_takes_cmk_and_credentials_of_the_newest() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    let newest = MasterKey::Aws { region: "us-east-1".to_owned(), key: "alias/newest".to_owned() };
    layout.store(&key("old", 5)).unwrap();
    layout.store(&WrappedKey { master_key: newest.clone(), ..key("b-newest", 9) }).unwrap();
    layout.store(&key("a-same-date", 9)).unwrap();
    dbpath.put("b-newest.aws.metadata", DOCUMENTED);
    let wrapping = layout.wrapping_for_new_keys(None).unwrap();
    assert_eq!(wrapping.master_key, newest);
    assert_eq!(wrapping.credentials_of.as_deref(), Some("b-newest"));

    // The new key is opened with the same file, also after a restart, and so is a key made after it.
    let made = WrappedKey { credentials_of: wrapping.credentials_of, ..key("made", 10) };
    layout.store(&made).unwrap();
    let resolved = layout.credentials("made", Provider::Aws).unwrap();
    assert_eq!(resolved.file, dbpath.path("b-newest.aws.metadata"));
    assert_eq!(layout.wrapping_for_new_keys(None).unwrap().credentials_of.as_deref(), Some("b-newest"));
    dbpath.put("made.aws.metadata", &DOCUMENTED.replace("sesame", "its own"));
    assert_eq!(aws(&layout.credentials("made", Provider::Aws).unwrap()).secret_access_key.expose(), "its own");
}

#[test]
fn the_flag_for_new_keys_wins_and_brings_its_region() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    dbpath.put("only.aws.metadata", DOCUMENTED);
    let wrapping = layout.wrapping_for_new_keys(Some(CMK)).unwrap();
    assert_eq!(wrapping.master_key, MasterKey::Aws { region: "eu-west-1".to_owned(), key: CMK.to_owned() });
    assert_eq!(wrapping.credentials_of.as_deref(), Some("only"));
    let alias = layout.wrapping_for_new_keys(Some("alias/x")).unwrap().master_key;
    assert_eq!(alias, MasterKey::Aws { region: "us-east-1".to_owned(), key: "alias/x".to_owned() });
}

#[test]
fn without_cmk_or_credentials_no_new_key_is_wrapped() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    let kind = |kms_key| layout.wrapping_for_new_keys(kms_key).unwrap_err().kind;
    assert_eq!(kind(Some(CMK)), LayoutErrorKind::MetadataMissing);
    dbpath.put("only.aws.metadata", DOCUMENTED);
    assert_eq!(kind(None), LayoutErrorKind::KeyFileMissing);
    dbpath.put("damaged.aws.key.json", "{");
    assert_eq!(kind(None), LayoutErrorKind::KeyFileMalformed);
}

#[test]
fn an_imported_key_is_found_and_never_replaces_one() {
    let dbpath = Dbpath::new();
    let layout = dbpath.layout(Provider::Aws);
    dbpath.put(&format!("{ID}.aws.metadata"), DOCUMENTED);
    let request = |wrapped: &[u8]| Import {
        key_id: ID.to_owned(),
        provider: Provider::Aws,
        kms_key: Some(CMK.to_owned()),
        region: None,
        encryption_context: BTreeMap::new(),
        length_bits: 256,
        wrapped: wrapped.to_vec(),
    };
    assert!(matches!(import(&layout, request(b" \n"), 7), Err(ImportError::Empty)));
    import(&layout, request(b"AQID\n"), 7).unwrap();
    let Found::Present(found) = layout.find(ID).unwrap() else { panic!("not there") };
    assert_eq!(found.wrapped.as_deref(), Some([1, 2, 3].as_slice()));
    assert_eq!((found.object.state, found.object.usage_mask), (State::Active, 12));
    assert!(matches!(import(&layout, request(b"AQID"), 8), Err(ImportError::Exists(_))));
    let alias = Import { key_id: "k".to_owned(), kms_key: Some("alias/x".to_owned()), ..request(&[0xff, 0]) };
    assert!(matches!(import(&layout, alias.clone(), 8), Err(ImportError::NoRegion)));
    import(&layout, Import { region: Some("us-east-1".to_owned()), ..alias }, 8).unwrap();
}
