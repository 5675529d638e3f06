//! Command lines that cannot be: exit code 2, the file or flag, and what is wrong with it.

use std::net::TcpListener;
use std::process::Command;

use tempfile::TempDir;

/// A folder with files for a recorder before nobody.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.path().join("own.pem"), format!("{}{}", own.pem(), key.serialize_pem())).unwrap();
    std::fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
    std::fs::write(folder.path().join("text.pem"), "hello").unwrap();
    folder
}

/// Runs a recorder that is not to start: standard error.
fn refused(folder: &TempDir, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmiplab"));
    let ran = command.current_dir(folder).arg("record").args(arguments).output().unwrap();
    let told = String::from_utf8(ran.stderr).unwrap();
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(2), &b""[..]), "{arguments:?}: {told}");
    told
}

const TO: [&str; 4] = ["--to", "127.0.0.1:1", "--out", "out.jsonl"];
const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[test]
fn each_mistake_is_named_and_nothing_is_recorded() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let cases: [&[&str]; 9] = [
        &["--ca", "gone.pem", "--ca-out", "tap.pem"],
        &["--ca", "text.pem", "--ca-out", "tap.pem"],
        &["--ca", "ca.pem", "--cert", "ca.pem", "--ca-out", "tap.pem"],
        &["--ca", "ca.pem", "--tls-cert", "own.pem", "--tls-key", "text.pem"],
        &["--ca", "ca.pem", "--client-ca", "gone.pem", "--ca-out", "tap.pem"],
        &["--ca", "ca.pem", "--ca-out", "text.pem"],
        &["--ca", "ca.pem", "--ca-out", "no/such/folder/tap.pem"],
        &["--ca", "ca.pem", "--server-name", "no name", "--ca-out", "tap.pem"],
        &["--ca", "ca.pem"],
    ];
    let mut text = String::new();
    for case in cases {
        let told = refused(&folder, &[&LISTEN[..], &TO, case].concat());
        text += &format!("$ kmiplab record {}\n{told}\n", case.join(" "));
        assert!(!folder.path().join("out.jsonl").exists(), "{case:?}");
    }
    let made = ["--ca", "ca.pem", "--ca-out", "tap.pem"];
    let told = refused(&folder, &[&["--listen", at.as_str()][..], &TO, &made].concat());
    text += &format!("$ kmiplab record --listen TAKEN\n{}\n", told.replace(&at, "TAKEN"));
    let told = refused(&folder, &[&LISTEN[..], &["--to", "nowhere", "--out", "out.jsonl"], &made].concat());
    text += &format!("$ kmiplab record --to nowhere\n{told}\n");
    assert!(!folder.path().join("out.jsonl").exists());
    std::fs::write(folder.path().join("out.jsonl"), "yesterday's").unwrap();
    let told = refused(&folder, &[&LISTEN[..], &TO, &made].concat());
    text += &format!("$ kmiplab record --out out.jsonl\n{told}");
    assert_eq!(std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap(), "yesterday's");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../command-line" }, {
        insta::assert_snapshot!("record-mistakes", text);
    });
}

#[test]
fn the_help_reads_so() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmiplab"));
    let ran = command.args(["record", "--help"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../command-line" }, {
        insta::assert_snapshot!("record-help", String::from_utf8(ran.stdout).unwrap());
    });
}
