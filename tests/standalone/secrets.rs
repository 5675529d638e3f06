//! Everything that the program prints, in every mishap that there is, searched for every secret that it was given.
//!
//! What is searched for is the secret itself, in hexadecimal, in base64, and as a URL would carry it; what is searched is
//! standard output and standard error, as text and as JSON, and every file in the dbpath but those that held it before.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::client::{Client, register};
use super::process::{Dbpath, PATIENCE};

/// Secrets with characters that escape differently in every form of text.
const SECRET_KEY: &str = "s3cr3t+k3y/With=Signs\"and<others>1";
const TOKEN: &str = "t0ken/FwoGZXIvYXdzEJr//////////wEaDBexample==";
const MATERIAL: &[u8; 32] = b"material-that-nobody-may-ever-se";
const WRAPPING_KEY: &str = "5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5ec5e";

/// Every way in which a text could hold a secret.
fn spellings(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let url: String = secret
        .iter()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let plain = String::from_utf8_lossy(secret).into_owned();
    let json = serde_json::Value::from(plain.as_str()).to_string();
    let json = json.trim_matches('"').to_owned();
    vec![plain, json, hex.to_uppercase(), hex, STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret), url]
}

/// Fails if one of the secrets stands in a text.
fn search(what: &str, text: &str) {
    for secret in [SECRET_KEY.as_bytes(), TOKEN.as_bytes(), MATERIAL, WRAPPING_KEY.as_bytes()] {
        for spelling in spellings(secret) {
            assert!(!text.contains(&spelling), "{what} holds the secret {spelling}:\n{text}");
        }
    }
}

#[test]
fn the_search_would_find_a_secret_in_any_spelling() {
    for spelling in spellings(SECRET_KEY.as_bytes()) {
        let found = std::panic::catch_unwind(|| search("a text", &format!("before {spelling} after")));
        assert!(found.is_err(), "{spelling}");
    }
}

#[test]
fn real_secrets_stand_in_nothing_that_is_printed_or_written() {
    let dbpath = Dbpath::local();
    dbpath.write("local.key", WRAPPING_KEY);
    let directory = dbpath.path().to_str().unwrap();
    let metadata = format!(
        r#"{{"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "secretAccessKey": {}, "sessionToken": "{TOKEN}", "region": "us-east-1"}}"#,
        serde_json::Value::from(SECRET_KEY)
    );
    let aws = ["-cloudProvider", "aws", "-dbpath", directory, "-kmipPort", "0"];
    let flags = ["-awsAccessKey", "ASIAIOSFODNN7EXAMPLE", "-awsSecretAccessKey", SECRET_KEY, "-awsSessionToken", TOKEN];
    let nowhere = [
        "--kms-endpoint",
        "http://127.0.0.1:1",
        "--allow-plain-http",
        "--kms-key",
        "alias/none",
        "-awsRegion",
        "us-east-1",
    ];

    // A key is made, and asked for, at a provider that cannot be reached; with the secrets in flags, and in the file.
    for (index, format) in ["text", "json"].into_iter().enumerate() {
        if index == 1 {
            dbpath.write("cloudProviderCredentials/k1.aws.metadata", &metadata);
        }
        let further = [&nowhere[..], &["--log-format", format], if index == 0 { &flags } else { &[] }].concat();
        let mut proxy = dbpath.serve_with("aws", &further);
        let mut client = Client::connect(&dbpath, &proxy);
        client.send(&register(MATERIAL));
        let answer = client.whole_answer();
        search("the answer", &String::from_utf8_lossy(&answer));
        proxy.terminate();
        let (code, said) = proxy.ended(PATIENCE);
        assert_eq!(code, Some(0));
        assert!(said.iter().any(|line| line.contains("endpoint-unreachable")), "{said:#?}");
        search("standard error", &[proxy.greeting.join("\n"), said.join("\n")].concat());
    }
    // A key is wrapped by a file, and the file is then another.
    let mut proxy = dbpath.serve("local");
    let mut client = Client::connect(&dbpath, &proxy);
    client.send(&register(MATERIAL));
    client.whole_answer();
    dbpath.write("local.key", &format!("{WRAPPING_KEY}, and what is no key"));
    client.send(&register(MATERIAL));
    client.whole_answer();
    proxy.terminate();
    let said = proxy.ended(PATIENCE).1.join("\n");
    assert!(said.contains("metadata-malformed"), "{said}");
    search("standard error", &said);

    // Slips on the command line and in files, each with a secret near by.
    dbpath.write("stray.toml", &format!("aws-secret-access-key = '{SECRET_KEY}'\n"));
    dbpath.write("torn.toml", &format!("kms-key = '{SECRET_KEY}\n"));
    dbpath.write("wrapped", SECRET_KEY);
    for (what, arguments) in [
        ("a forgotten flag", [&aws[..], &[SECRET_KEY]].concat()),
        ("a flag that is none", [&aws[..], &["-awsSecret", SECRET_KEY]].concat()),
        ("a secret in place of a region", [&aws[..], &["-awsRegion", SECRET_KEY]].concat()),
        ("a secret in place of a port", ["-kmipPort", SECRET_KEY].to_vec()),
        ("a secret in the configuration", [&aws[..], &["--config", "stray.toml"]].concat()),
        ("a torn configuration", [&aws[..], &["--config", "torn.toml"]].concat()),
        ("a check", [&["check"], &aws[..], &flags, &nowhere].concat()),
        ("a check in JSON", [&["check"], &aws[..], &flags, &nowhere, &["--log-format", "json"]].concat()),
    ] {
        let (code, out, error) = dbpath.run(&arguments);
        assert_ne!(code, Some(0), "{what}");
        search(what, &[out, error].concat());
    }
    for name in dbpath.files() {
        let held_it_before = ["k1.aws.metadata", "stray.toml", "torn.toml", "wrapped", "local.key"];
        if !held_it_before.iter().any(|known| name.ends_with(known)) {
            search(&name, &String::from_utf8_lossy(&dbpath.read(&name)));
        }
    }
}
