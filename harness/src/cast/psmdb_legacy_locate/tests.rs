//! Lives of the first Percona Servers with KMIP against a scripted server, with real TLS, on a paused clock.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::cast::testing::{NOW, Street};
use crate::wire::{Answer, write};

const A: &str = "kmip-a";
const MINUTE: Duration = Duration::from_secs(60);
const GET: u32 = 0x0A;
const LOCATE: u32 = 0x08;
/// The text of the captured key, 00 to 1f.
const TEXT: &[u8] = b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../fixtures/kmip/psmdb-legacy/", $name, ".hex")).trim()
    };
}

/// The settings of the captures.
fn settings(street: &Street) -> Settings {
    Settings { key_identifier: Some("psmdb-key-1".to_owned()), ..street.settings() }
}

async fn play(street: &Street, settings: &Settings) -> Option<Exit> {
    street.play("psmdb-legacy-locate", settings, MINUTE).await
}

fn stored(street: &Street) -> Option<Database> {
    Database::read(street.disk.as_ref(), Path::new("/data/db")).unwrap()
}

fn last_asked(street: &Street) -> Vec<String> {
    street.asked(A).pop().unwrap()
}

fn bytes(fixture: &str) -> Vec<u8> {
    (0..fixture.len()).step_by(2).map(|at| u8::from_str_radix(&fixture[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn every_request_is_the_captured_one_byte_for_byte() {
    /// The time of those captures: 22 November 2026.
    const THEN: i64 = 1_795_318_223;
    let captured = [
        (messages::locate("psmdb-key-1", 0, THEN), fixture!("01-locate-name-absent.1-locate.req")),
        (messages::register("psmdb-key-1", TEXT, THEN), fixture!("02-register-name-b64key.1-register.req")),
        (messages::locate("psmdb-key-1", 0, THEN), fixture!("03-locate-name-present.1-locate.req")),
        (messages::locate("psmdb-key-1", 1, THEN), fixture!("03-locate-name-present.2-locate.req")),
        (messages::get("13", THEN), fixture!("04-get.1-get.req")),
    ];
    for (ours, theirs) in captured {
        assert_eq!(crate::trace::hex(&write(&ours)), theirs);
    }
}

#[test]
fn the_captured_answers_are_taken_as_they_were() {
    let answer = |fixture| Answer::read(&bytes(fixture)).unwrap();
    let page = |identifiers: &[&str]| {
        Some(messages::Page { identifiers: identifiers.iter().map(|id| (*id).to_owned()).collect(), located: None })
    };
    assert_eq!(messages::page(&answer(fixture!("01-locate-name-absent.1-locate.resp"))), page(&[]));
    assert_eq!(messages::page(&answer(fixture!("03-locate-name-present.1-locate.resp"))), page(&["13"]));
    assert_eq!(messages::page(&answer(fixture!("03-locate-name-present.2-locate.resp"))), page(&[]));
    let key = messages::key(answer(fixture!("04-get.1-get.resp"))).unwrap();
    assert_eq!(key.expose(), TEXT);
}

#[tokio::test(start_paused = true)]
async fn the_first_start_locates_nothing_and_registers_text_under_the_name() {
    let street = Street::new(&[A]);
    assert_eq!(play(&street, &settings(&street)).await, None, "it serves until it is stopped");
    assert_eq!(street.asked(A), [["Locate"], ["Register"]], "on a connection each");
    let sent = street.vault(A).requests[1].1.clone();
    let (now, then) = (NOW.to_be_bytes(), 1_795_318_223_u64.to_be_bytes());
    assert_eq!(sent[80..88], now);
    let captured = bytes(fixture!("02-register-name-b64key.1-register.req"));
    assert_eq!((&sent[..80], &sent[88..]), (&captured[..80], &captured[88..]));
    assert_eq!(captured[80..88], then);
    assert_eq!(street.vault(A).keys["key-1"].0, TEXT);
    assert!(stored(&street).unwrap().opens_with(TEXT), "the text is the key, all 44 bytes of it");
    let material = street.trace.fingerprint(TEXT);
    let made = street.events(|what| matches!(what, What::Made { .. }));
    assert_eq!(made[0].what, What::Made { key: "key-1".to_owned(), material });
    let versions =
        street.events(|what| matches!(what, What::Request { .. })).into_iter().map(|event| match event.what {
            What::Request { version, .. } => version,
            _ => unreachable!("only requests were picked"),
        });
    assert_eq!(versions.collect::<Vec<_>>(), ["1.0", "1.4"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_locates_by_the_same_name_asks_until_a_page_is_empty_and_gets_the_first() {
    let street = Street::new(&[A]);
    assert_eq!(play(&street, &street.settings()).await, None);
    assert_eq!(street.vault(A).names["key-1"], "mongodb-master-key", "the name without a setting");
    let polling = Settings { key_state_polling: Some(MINUTE / 4), ..street.settings() };
    assert_eq!(play(&street, &polling).await, None);
    assert_eq!(street.asked(A)[2..], [["Locate", "Locate", "Get"]], "no state, no activation, no polls");
    let used = street.events(|what| matches!(what, What::Used { .. }));
    assert_eq!(used[0].what, What::Used { key: "key-1".to_owned(), material: street.trace.fingerprint(TEXT) });
}

#[tokio::test(start_paused = true)]
async fn pages_of_sixteen_are_asked_for_until_the_count_or_an_empty_page_is_reached() {
    for (located, locates) in [(None, 4), (Some(0), 4), (Some(40), 3)] {
        let street = Street::new(&[A]);
        for number in 0..40 {
            let identifier = format!("id-{number:02}");
            street.vault(A).names.insert(identifier.clone(), "mongodb-master-key".to_owned());
            street.vault(A).keys.insert(identifier, (TEXT.to_vec(), 1));
        }
        street.vault(A).located = located;
        assert_eq!(play(&street, &street.settings()).await, None);
        let mut expected = vec!["Locate"; locates];
        expected.push("Get");
        assert_eq!(street.asked(A), [expected], "{located:?}");
        let used = street.events(|what| matches!(what, What::Used { .. }));
        assert!(matches!(&used[0].what, What::Used { key, .. } if key == "id-00"));
    }
}

#[tokio::test(start_paused = true)]
async fn any_failure_is_absence_so_that_an_empty_database_registers_and_a_full_one_stays_closed() {
    for operation in [LOCATE, GET] {
        let street = Street::new(&[A]);
        street.vault(A).failing.insert(operation, (0x0C, "the credentials have expired"));
        street.vault(A).names.insert("old".to_owned(), "mongodb-master-key".to_owned());
        assert_eq!(play(&street, &street.settings()).await, None);
        assert_eq!(last_asked(&street), ["Register"]);
        let exit = play(&street, &street.settings()).await.unwrap();
        assert_ne!(last_asked(&street), ["Register"], "never where there is data");
        let reason = "the master key `mongodb-master-key` is absent on the KMIP server";
        assert_eq!(exit, Exit { reason: reason.to_owned(), code: "start error" });
        assert_eq!(street.log(), [format!("29038 E Exception in EncryptionKeyDB::init\n  e = {reason}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_register_ends_the_start() {
    let street = Street::new(&[A]);
    street.vault(A).failing.insert(0x03, (0x0C, "no"));
    let settings = Settings { connect_retries: 3, ..street.settings() };
    assert_eq!(play(&street, &settings).await.unwrap().code, "start error");
    assert_eq!(street.asked(A), [["Locate"], ["Register"]], "once, and without retries");
    assert_eq!(street.log()[0], "29046 E Couldn't save encryption key on KMIP server.");
    assert_eq!(stored(&street), None);
}

#[tokio::test(start_paused = true)]
async fn only_text_of_thirty_two_bytes_is_taken_for_a_new_database() {
    let street = Street::new(&[A]);
    street.vault(A).names.insert("raw".to_owned(), "mongodb-master-key".to_owned());
    street.vault(A).keys.insert("raw".to_owned(), (vec![7; 32], 1));
    let exit = play(&street, &street.settings()).await.unwrap();
    assert_eq!(exit.reason, "the master key `mongodb-master-key` is no base64 text of 32 bytes");
    street.vault(A).keys.insert("raw".to_owned(), (TEXT.to_vec(), 1));
    assert_eq!(play(&street, &street.settings()).await, None);
    assert!(stored(&street).unwrap().opens_with(TEXT));
}

#[tokio::test(start_paused = true)]
async fn the_wrong_key_does_not_open_the_data() {
    let street = Street::new(&[A]);
    assert_eq!(play(&street, &street.settings()).await, None);
    street.vault(A).keys.get_mut("key-1").unwrap().0 = STANDARD.encode([9; 32]).into_bytes();
    let exit = play(&street, &street.settings()).await.unwrap();
    assert_eq!(exit.reason, "the data was encrypted with another master key");
}

#[tokio::test(start_paused = true)]
async fn no_timer_runs_and_no_close_is_waited_for() {
    let street = Street::new(&[A]);
    street.vault(A).silent_on = Some(LOCATE);
    assert_eq!(play(&street, &street.settings()).await, None);
    assert!(street.events(|what| matches!(what, What::Process { .. } | What::NoAnswer { .. })).is_empty());
    let street = Street::new(&[A]);
    street.vault(A).names.insert("here".to_owned(), "mongodb-master-key".to_owned());
    street.vault(A).keys.insert("here".to_owned(), (TEXT.to_vec(), 1));
    street.vault(A).keeps_open = true;
    assert_eq!(play(&street, &street.settings()).await, None);
    assert_eq!(street.events(|what| matches!(what, What::Process { .. })).len(), 1, "it is ready");
    assert!(street.events(|what| matches!(what, What::NotClosed { .. })).is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_server_is_tried_once_and_a_list_is_a_name_that_nobody_has() {
    let street = Street::new(&[A, "kmip-b"]);
    let exit = play(&street, &street.settings()).await.unwrap();
    assert_eq!(exit.reason, "Failed to connect to 'kmip-a,kmip-b:5696': Host not found (authoritative) [asio.netdb:1]");
    assert_eq!(street.log().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_option_to_rotate_does_not_exist_yet() {
    let street = Street::new(&[A]);
    let settings = Settings { rotate_master_key: true, ..street.settings() };
    assert_eq!(play(&street, &settings).await.unwrap().code, "bad option");
    assert!(street.vault(A).requests.is_empty());
}
