//! `kmiplab serve` as a program: what it prints, how it ends, and what it does where it cannot begin.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;

use super::program::{Served, get, kmiplab, run};

/// A card without what differs from run to run.
fn settled(served: &Served, folder: &str) -> String {
    let port = served.address().port().to_string();
    let mut card = served.card.replace(&port, "PORT");
    if !folder.is_empty() {
        card = card.replace(folder, "FOLDER");
    }
    card
}

#[test]
fn what_it_prints_says_how_to_reach_it_and_with_what() {
    let cards = ["aws", "azure", "gcp"].map(|cloud| {
        let served = Served::start(cloud, &["--key", "cmk-1", "--key", "other"]);
        let folder = match cloud {
            "gcp" => served.row("service account").trim_end_matches("/service-account.json").to_owned(),
            _ => String::new(),
        };
        settled(&served, &folder)
    });
    insta::assert_snapshot!(cards.join("\n----\n\n"));
}

#[test]
fn the_same_seed_gives_the_same_keys_and_another_one_others() {
    let cards = ["0x1", "0x1", "0x2"].map(|seed| {
        let served = Served::start("aws", &["--seed", seed]);
        served.row("key cmk-1").to_owned()
    });
    assert_eq!(cards[0], cards[1]);
    assert_ne!(cards[0], cards[2]);
}

#[test]
fn signals_end_it_with_exit_code_0_and_its_port_and_its_files_are_gone() {
    for signal in ["-INT", "-TERM"] {
        let served = Served::start("gcp", &[]);
        let (at, key) = (served.address(), served.row("service account").to_owned());
        assert!(std::fs::read_to_string(&key).unwrap().contains("\"type\": \"service_account\""));
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600, "it is the owner's alone");
        // Somebody who is still there must not hold it up.
        let _standing = TcpStream::connect(at).unwrap();
        let (code, told) = served.end(signal);
        assert_eq!((code, told), (Some(0), Vec::<String>::new()), "{signal}");
        assert_eq!(TcpStream::connect(at).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert!(!std::path::Path::new(&key).exists(), "{key}");
    }
}

#[test]
fn where_it_cannot_begin_it_names_the_flag_to_change_and_ends_with_exit_code_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let path = file.to_str().unwrap();
    let asked: [&[&str]; 4] = [
        &["serve", "aws", "--port", &port],
        &["serve", "aws", "--port", "0", "--bind", "192.0.2.1"],
        &["serve", "aws", "--port", "0", "--tls", path],
        &["serve", "local"],
    ];
    let mut told = String::new();
    for arguments in asked {
        let ran = run(&mut kmiplab(arguments));
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        told += &format!("$ kmiplab {}\n{}\n", arguments.join(" "), ran.told);
    }
    let told = told.replace(&port, "PORT").replace(path, "FILE");
    insta::assert_snapshot!(told);
}

#[test]
fn it_is_found_healthy_where_localstack_is_asked_for_its_health() {
    let served = Served::start("aws", &[]);
    for (path, expected) in [
        (
            "/_localstack/health",
            r#"{"edition":"kmiplab","services":{"kms":"running","sts":"running"},"version":"VERSION"}"#,
        ),
        ("/_localstack/info", r#"{"edition":"kmiplab","version":"VERSION"}"#),
    ] {
        let heard = get(served.address(), path);
        let (head, body) = heard.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(body, expected.replace("VERSION", env!("CARGO_PKG_VERSION")));
    }
    let elsewhere = get(served.address(), "/health");
    assert!(elsewhere.starts_with("HTTP/1.1 404 "), "{elsewhere}");
    assert_eq!(served.told(), "kms GET /health 404 UnknownOperationException", "asking for its health is no call");
}
