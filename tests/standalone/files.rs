//! What is told of the files of a dbpath at start, before any mongod asks.

use kmip_proxy::kmip::tag;

use super::client::{Client, register};
use super::process::Dbpath;

const FOLDER: &str = "cloudProviderCredentials";
const METADATA: &str =
    r#"{"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "sesame", "roleId": "", "region": "us-east-1"}"#;
const FIRST_START: &str = "A first start of mongod makes one";

impl Dbpath {
    /// A dbpath with one wrapped key of AWS KMS, and these metadata.
    fn snapshot(metadata: &str) -> Self {
        let dbpath = Dbpath::empty();
        dbpath.write("wrapped", "d3JhcHBlZCBrZXk=");
        let directory = dbpath.path().to_str().unwrap();
        let cmk = "arn:aws:kms:us-east-1:111122223333:key/1234abcd";
        let (code, _, error) = dbpath.run(&[
            "import",
            "-cloudProvider",
            "aws",
            "-dbpath",
            directory,
            "--key-id",
            "k1",
            "--wrapped",
            "wrapped",
            "--kms-key",
            cmk,
        ]);
        assert_eq!(code, Some(0), "{error}");
        dbpath.write(&format!("{FOLDER}/k1.aws.metadata"), metadata);
        dbpath
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(FOLDER).join(name)).unwrap();
    }

    /// What a start says, without the greeting.
    fn told(&self, provider: &str) -> String {
        self.serve(provider).greeting.join("\n")
    }
}

#[test]
fn real_metadata_that_do_not_serve_are_told_at_start_as_a_get_would_tell_them() {
    let sound = Dbpath::snapshot(METADATA).told("aws");
    assert!(!sound.contains("warning"), "{sound}");
    let troubles = [
        ("{", "metadata-malformed", "line 1, column 1"),
        ("", "metadata-malformed", "it is not JSON"),
        (r#"{"accessKeyId": 5}"#, "metadata-malformed", "field       accessKeyId"),
        (r#"{"roleId": "5f0c", "region": "us-east-1"}"#, "role-not-usable", "aws sts assume-role"),
    ];
    for (metadata, class, said) in troubles {
        let told = Dbpath::snapshot(metadata).told("aws");
        assert!(told.contains(&format!("warning[{class}]: ")) && told.contains(said), "{metadata}: {told}");
        assert!(told.contains("k1.aws.metadata") && told.contains("  next "), "{metadata}: {told}");
    }
    let missing = Dbpath::snapshot(METADATA);
    missing.remove("k1.aws.metadata");
    let told = missing.told("aws");
    assert!(told.contains("warning[metadata-missing]: ") && told.contains("restore the file"), "{told}");
}

#[test]
fn real_first_starts_of_mongod_are_advised_only_in_an_empty_folder() {
    for (provider, flag) in [("aws", "--kms-key"), ("azure", "--kms-key"), ("local", "--local-key-file")] {
        let told = Dbpath::empty().told(provider);
        assert!(told.contains(FIRST_START) && told.contains(flag), "{told}");
    }

    let damaged = Dbpath::snapshot(METADATA);
    damaged.write(&format!("{FOLDER}/k1.aws.key.json"), "{\"format\": \"kmip-pr");
    let told = damaged.told("aws");
    assert!(told.contains("warning[key-file-malformed]: ") && !told.contains(FIRST_START), "{told}");

    let lost = Dbpath::snapshot(METADATA);
    lost.remove("k1.aws.key.json");
    let told = lost.told("aws");
    assert!(told.contains("info: credentials for new keys: k1") && !told.contains("warning"), "{told}");
    assert!(told.contains("k1.aws.key.json is missing: restore it") && !told.contains(FIRST_START), "{told}");

    let orphan = Dbpath::snapshot(METADATA);
    orphan.write(&format!("{FOLDER}/k2.aws.metadata"), METADATA);
    let told = orphan.told("aws");
    assert!(told.contains("warning[key-file-missing]: the wrapped key file of key k2 is missing"), "{told}");
    assert!(told.contains("kmipProxyStandalone import") && !told.contains("of key k1"), "{told}");
}

#[test]
fn real_checks_open_every_key_once_and_say_which_do_not() {
    let dbpath = Dbpath::local();
    let proxy = dbpath.serve("local");
    let registered = Client::connect(&dbpath, &proxy).ask(&register(b"sixteen bytes!!!"), tag::UNIQUE_IDENTIFIER);
    let id = String::from_utf8(registered[0].clone()).unwrap();
    drop(proxy);
    let check = ["check", "-cloudProvider", "local", "-dbpath", dbpath.path().to_str().unwrap()];
    let (code, out, error) = dbpath.run(&check);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(out.starts_with(&format!("{id}: opens (the local key file, CMK ")), "{out}");
    assert_eq!(out.lines().count(), 1, "{out}");

    dbpath.write("local.key", "no key at all");
    dbpath.write(&format!("{FOLDER}/damaged.local.key.json"), "{");
    let (code, out, error) = dbpath.run(&check);
    assert_eq!(code, Some(4));
    assert!(out.contains(&format!("{id}: does not open")) && out.contains("damaged: does not open"), "{out}");
    assert!(error.contains("error[key-file-malformed]: ") && error.contains("error[metadata-malformed]: "), "{error}");
    assert!(error.ends_with("error: 2 of 2 keys do not open\n") && error.contains("  next "), "{error}");

    let (code, out, error) = Dbpath::empty().run(&["check", "-cloudProvider", "aws", "-dbpath", "."]);
    assert_eq!((code, out.as_str()), (Some(4), ""), "{error}");
}

#[test]
fn files_of_another_cloud_are_told_at_start() {
    let told = Dbpath::snapshot(METADATA).told("azure");
    assert!(told.contains("warning: the dbpath holds no wrapped key of Azure Key Vault"), "{told}");
    assert!(told.contains("Other files stand there") && !told.contains(FIRST_START), "{told}");
}
