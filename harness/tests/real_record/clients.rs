//! Clients that others wrote, through the recorder: PyKMIP and libmongocrypt.

use std::path::{Path, PathBuf};
use std::process::Command;

use kmiplab::tap::Recording;

use super::programs::*;

/// Python with the packages on the list; `None`, and a printed reason, where it is not set up as the list has it now.
fn python() -> Option<PathBuf> {
    let list = include_str!("../../../tests/real_clients/requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("real-clients");
    let there = std::fs::read_to_string(folder.join("requirements.txt")).is_ok_and(|made| made == list);
    if !there {
        let required = std::env::var("REAL_CLIENTS").is_ok_and(|value| value == "required");
        assert!(!required, "REAL_CLIENTS=required, and Python is not set up as listed: `cargo xtask clients`");
        eprintln!("skipped: Python is not set up as listed; `cargo xtask clients` sets it up, or says why it cannot");
    }
    there.then(|| folder.join("venv/bin/python"))
}

/// Runs a script of the real clients to its end, through a recorder: the recording.
fn recorded(proxy: &Proxy, python: &Path, script: &str, before: &[&str], after: &[&str]) -> Recording {
    let recorder = Recorder::before(proxy, &[]);
    // The folder in which clients look for their certificates.
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(recorder.file("tap.pem"), folder.path().join("kmipCA.pem")).unwrap();
    std::fs::copy(proxy.file("kmipClient.pem"), folder.path().join("kmipClient.pem")).unwrap();
    let script = crate::support::root().join(format!("tests/real_clients/scripts/{script}.py"));
    let mut command = Command::new(python);
    command.arg("-B").arg(script).args(before).arg(recorder.port.to_string()).arg(folder.path()).args(after);
    let ran = command.env("NO_PROXY", "*").output().unwrap();
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let (code, out, told, file) = recorder.end("-TERM");
    assert_eq!(code, Some(0), "{out}{told}");
    Recording::read(&file).unwrap()
}

#[test]
fn pykmips_client_passes_through_the_recorder() {
    let (Some(proxy), Some(python)) = (Proxy::at_hand(), python()) else { return };
    let recording = recorded(&proxy, &python, "pykmip_client", &[], &["1.2"]);
    let file = format!("{recording:?}");
    for operation in ["Create", "Activate", "Get", "Revoke", "Destroy", "Locate", "Encrypt", "Decrypt"] {
        assert!(file.contains(&format!("operations: [\"{operation}\"]")), "{operation}");
    }
}

#[test]
fn libmongocrypt_passes_through_the_recorder_with_a_connection_for_each_request() {
    let (Some(proxy), Some(python)) = (Proxy::at_hand(), python()) else { return };
    let recording = recorded(&proxy, &python, "data_keys", &["make"], &[]);
    let exchanges: Vec<_> = recording.exchanges();
    assert!(exchanges.len() >= 3, "Register, Activate, Get");
    for (index, exchange) in exchanges.iter().enumerate() {
        assert_eq!(exchange.connection, index as u64 + 1);
        assert!(exchange.answer.is_some());
    }
}
