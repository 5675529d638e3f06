//! What the program says and how it ends when it does not serve; and the import of a key.

use super::process::Dbpath;

#[test]
fn real_mistakes_end_with_their_exit_code_and_the_next_step() {
    let dbpath = Dbpath::local();
    let directory = dbpath.path().to_str().unwrap();
    let local = ["-cloudProvider", "local", "-kmipPort", "0", "-dbpath"];
    let with = |rest: &[&'static str]| -> Vec<&str> { [&local[..], &[directory], rest].concat() };
    let import = ["import", "-cloudProvider", "local", "-dbpath", directory, "--key-id", "k", "--wrapped", "nope"];
    let mistakes: [(&[&str], i32, &str); 11] = [
        (&[], 2, "-cloudProvider is missing: say aws, azure, gcp, or local"),
        (&["-cloudProvder", "local"], 2, "a similar argument exists: '--cloud-provider'"),
        (&with(&["-kmsEndpoint", "x://y"]), 2, "unknown scheme `x`"),
        (&with(&["--tls-cert", "a.pem", "--tls-key", "b.pem"]), 2, "--client-ca"),
        (&with(&["-bind", "192.0.2.1"]), 3, "cannot listen at 192.0.2.1:0"),
        (&with(&["-bind", "192.0.2.1"]), 3, "--bind must name an address of this machine"),
        (&with(&["-kmsEndpoint", "http://127.0.0.1:1"]), 2, "pass --allow-plain-http"),
        (&import, 4, "--wrapped must name the file with the wrapped key, as bytes or base64"),
        (&[&local[..], &["nowhere"]].concat(), 4, "nowhere: cannot list it: No such file or directory"),
        (&[&local[..], &["nowhere"]].concat(), 4, "-dbpath must name mongod's data directory"),
        (&with(&["--tls-cert", "a.pem", "--tls-key", "b.pem", "--client-ca", "c.pem"]), 5, "cannot read `a.pem`"),
    ];
    for (arguments, expected, said) in mistakes {
        let (code, out, error) = dbpath.run(arguments);
        assert_eq!((code, out.as_str()), (Some(expected), ""), "{arguments:?}: {error}");
        assert!(error.starts_with("error: ") && error.contains(said), "{arguments:?}: {error}");
    }
    assert!(!dbpath.path().join("nowhere").exists());
    assert!(!dbpath.path().join("kmipCA.pem").exists(), "certificates of a proxy that never listened");
}

#[test]
fn real_help_goes_to_standard_output() {
    let (code, out, error) = Dbpath::empty().run(&["--help"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(out.contains("kmipProxyStandalone -cloudProvider aws -dbpath"), "{out}");
}

#[test]
fn real_imports_make_a_key_file_that_is_served() {
    let dbpath = Dbpath::empty();
    let directory = dbpath.path().to_str().unwrap();
    dbpath.write(
        "cloudProviderCredentials/k1.aws.metadata",
        r#"{"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "sesame", "roleId": "", "region": "us-east-1"}"#,
    );
    dbpath.write("wrapped.txt", "d3JhcHBlZCBrZXk=\n");
    let cmk = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
    let import =
        ["import", "-cloudProvider", "aws", "-dbpath", directory, "--key-id", "k1", "--wrapped", "wrapped.txt"];
    let (code, _, error) = dbpath.run(&import);
    assert_eq!((code, error.as_str()), (Some(2), "error: --kms-key is missing: name the CMK that wrapped the key\n"));

    let import = [&import[..], &["--kms-key", cmk]].concat();
    let (code, out, error) = dbpath.run(&import);
    let file = "cloudProviderCredentials/k1.aws.key.json";
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(out, format!("{directory}/{file}\n"));
    assert_eq!(dbpath.mode(file), 0o600);
    let key: serde_json::Value = serde_json::from_slice(&dbpath.read(file)).unwrap();
    assert_eq!(key["masterKey"], serde_json::json!({"provider": "aws", "region": "eu-west-1", "key": cmk}));
    assert_eq!(key["keyMaterial"]["$binary"]["base64"], "d3JhcHBlZCBrZXk=");
    assert_eq!((&key["state"], &key["cryptographicLength"]), (&"Active".into(), &256.into()));

    let (code, _, error) = dbpath.run(&import);
    let again = "error: the key k1 exists already: remove its key file first if it is to be replaced\n";
    assert_eq!((code, error.as_str()), (Some(4), again));
    let proxy = dbpath.serve("aws");
    assert!(proxy.greeting.iter().any(|line| line == "  keys        1"), "{:#?}", proxy.greeting);
}
