//! The real programs, as far as they are set up; else each test says that it was skipped.

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

fn setup() -> Option<Setup> {
    Setup::find().map_err(|why| eprintln!("skipped: {why}")).ok()
}

fn is_there(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

fn kill(id: u32) {
    assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
}

#[test]
fn what_is_not_set_up_is_named_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let error = Setup::within(folder.path()).unwrap_err();
    assert!(error.ends_with("does not hold what requirements.txt lists: `cargo xtask clients` sets it up"), "{error}");
    for (name, list) in LISTS {
        std::fs::write(folder.path().join(name), list).unwrap();
    }
    let setup = Setup::within(folder.path()).unwrap();
    // Somebody has removed the programs and left the lists.
    let error = Community::start(&setup.mongod).unwrap_err();
    assert!(error.starts_with("cannot start `") && error.contains("fiftyone/db/bin/mongod"), "{error}");
    let error = Application::start(&setup, "mongodb://nowhere", 1, folder.path(), |_| {}).unwrap_err();
    assert!(error.contains("venv/bin/python"), "{error}");
}

#[test]
fn a_mongod_that_does_not_come_up_is_quoted() {
    let error = Community::start(Path::new("/bin/echo")).unwrap_err();
    assert!(error.starts_with("mongod ended; its last lines: --dbpath "), "{error}");
}

#[test]
fn a_driver_that_is_killed_is_heard_to_end_and_a_mongod_that_is_killed_is_no_matter_of_keys() {
    let Some(setup) = setup() else { return };
    let certificates = tempfile::tempdir().unwrap();
    let mut database = Community::start(&setup.mongod).unwrap();
    let folder = database.folder().to_owned();
    let start = |database: &Community| {
        let (send, heard) = channel();
        let hear = move |said| drop(send.send(said));
        (Application::start(&setup, &database.uri(), 1, certificates.path(), hear).unwrap(), heard)
    };
    let (mut application, heard) = start(&database);
    assert_eq!(application.about.mongod, "6.0.5");
    assert_eq!(application.about.modules, Vec::<serde_json::Value>::new(), "the community edition");
    application.order(&Order::Look).unwrap();
    let nothing = Said::Found { key: false, document: false };
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), Ok(nothing.clone()));
    let of_driver = application.id();
    kill(of_driver);
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), Err("the application has ended".to_owned()));
    drop(application);
    assert!(!is_there(of_driver));

    let (mut application, heard) = start(&database);
    let of_mongod = database.id().unwrap();
    kill(of_mongod);
    application.order(&Order::Look).unwrap();
    let said = heard.recv_timeout(PATIENCE).unwrap().unwrap();
    assert!(matches!(&said, Said::Failed { kind, .. } if kind != "EncryptionError"), "{said:?}");
    // It is still taken for running: only who kills it himself knows better.
    database.kill();
    database.resume().unwrap();
    application.order(&Order::Look).unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), Ok(nothing), "what it has survives");
    let (of_mongod, of_driver) = (database.id().unwrap(), application.id());
    drop((application, database));
    assert!(!is_there(of_mongod) && !is_there(of_driver) && !folder.exists(), "nothing is left");
}
