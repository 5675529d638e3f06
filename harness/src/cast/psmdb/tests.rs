//! Whole lives of Percona Server against scripted servers, with real TLS, on a paused clock.

use std::path::Path;

use super::*;
use crate::cast::testing::{NOW, Street, Vault};
use crate::wire::names::*;
use crate::wire::{Item, write};

const A: &str = "kmip-a";
const B: &str = "kmip-b";
const MINUTE: Duration = Duration::from_secs(60);
const PERMISSION_DENIED: u32 = 0x0C;

fn fixture(text: &str) -> String {
    text.trim().to_owned()
}

async fn play(street: &Street, settings: &Settings) -> Option<Exit> {
    street.play("psmdb-8", settings, MINUTE).await
}

/// A street whose database has been started once, and runs with key-1.
async fn started(hosts: &[&'static str]) -> Street {
    let street = Street::new(hosts);
    assert_eq!(play(&street, &street.settings()).await, None);
    let key = street.vault(A).keys["key-1"].clone();
    hosts.iter().for_each(|host| {
        street.vault(host).keys.insert("key-1".to_owned(), key.clone());
        street.vault(host).requests.clear();
    });
    street
}

fn stored(street: &Street) -> String {
    Database::read(street.disk.as_ref(), Path::new("/data/db")).unwrap().unwrap().key_identifier
}

#[test]
fn every_request_is_the_captured_one_byte_for_byte() {
    let captured: [(Vec<u8>, &str); 6] = [
        (
            write(&dialogue::register(&(0..32).collect::<Vec<u8>>(), NOW.cast_signed())),
            include_str!("../../../../fixtures/kmip/psmdb/01-first-start-activate.1-register.req.hex"),
        ),
        (
            write(&dialogue::activate("5", NOW.cast_signed())),
            include_str!("../../../../fixtures/kmip/psmdb/01-first-start-activate.2-activate.req.hex"),
        ),
        (
            write(&dialogue::get_state("5", NOW.cast_signed())),
            include_str!("../../../../fixtures/kmip/psmdb/02-restart-verify-active.1-get_attributes.req.hex"),
        ),
        (
            write(&dialogue::get("5", NOW.cast_signed())),
            include_str!("../../../../fixtures/kmip/psmdb/02-restart-verify-active.2-get.req.hex"),
        ),
        (
            write(&dialogue::activate("7", NOW.cast_signed())),
            include_str!("../../../../fixtures/kmip/psmdb/08-rotation-register-new.2-activate.req.hex"),
        ),
        (
            write(&dialogue::get("777777", NOW.cast_signed())),
            include_str!("../../../../fixtures/kmip/psmdb/10-restart-unknown-noverify.1-get.req.hex"),
        ),
    ];
    for (ours, theirs) in captured {
        assert_eq!(crate::trace::hex(&ours), fixture(theirs));
    }
}

#[test]
fn the_time_stamp_stands_at_byte_80_and_nothing_else_changes_with_the_time() {
    let (now, later) = (write(&dialogue::get("5", 0)), write(&dialogue::get("5", -1)));
    let differing: Vec<usize> = (0..now.len()).filter(|at| now[*at] != later[*at]).collect();
    assert_eq!(differing, (80..88).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn the_first_start_registers_and_activates_in_one_session_and_fetches_nothing() {
    let street = Street::new(&[A]);
    assert_eq!(play(&street, &street.settings()).await, None, "it serves until it is stopped");
    assert_eq!(street.asked(A), [["Register", "Activate"]]);
    assert_eq!(street.vault(A).keys["key-1"], ((0..32).collect(), 2));
    assert_eq!(stored(&street), "key-1");
    let sent = street.vault(A).requests[0].1.clone();
    let captured = include_str!("../../../../fixtures/kmip/psmdb/01-first-start-activate.1-register.req.hex");
    assert_eq!(crate::trace::hex(&sent), fixture(captured));
    let made = street.events(|what| matches!(what, What::Made { .. } | What::Used { .. }));
    let material = street.trace.fingerprint(&(0..32).collect::<Vec<u8>>());
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].what, What::Made { key: "key-1".to_owned(), material });
    let ready = street.events(|what| matches!(what, What::Process { state: ProcessState::Ready, .. }));
    assert_eq!(ready.len(), 1);
    insta::assert_snapshot!(street.log().join("\n"), @r#"
    29116 I Master encryption key has been created on the key management facility
      keyManagementFacilityType = KMIP server
      keyIdentifier = {"kmipKeyIdentifier":"key-1"}
    "#);
}

#[tokio::test(start_paused = true)]
async fn without_activate_keys_a_new_key_stays_pre_active_and_a_restart_gets_it_at_once() {
    let street = Street::new(&[A]);
    let settings = Settings { activate_keys: false, key_state_polling: Some(MINUTE / 4), ..street.settings() };
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(street.vault(A).keys["key-1"].1, 1);
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(street.asked(A), [["Register"], ["Get"]], "and nothing is polled");
}

#[tokio::test(start_paused = true)]
async fn a_restart_asks_for_the_state_and_then_for_the_key_and_uses_it() {
    let street = started(&[A]).await;
    assert_eq!(play(&street, &street.settings()).await, None);
    assert_eq!(street.asked(A).last().unwrap(), &["GetAttributes", "Get"]);
    let used = street.events(|what| matches!(what, What::Used { .. }));
    assert_eq!(used.len(), 1);
    let answers = street.events(|what| matches!(what, What::Answer { .. }));
    let What::Answer { operation, version, key, status, material, younger, length, .. } = &answers[3].what else {
        panic!("the fourth answer is that to Get");
    };
    assert_eq!((operation.as_deref(), version.as_str(), status.as_str()), (Some("Get"), "1.0", "Success"));
    assert_eq!(key.as_deref(), Some("key-1"));
    assert_eq!(material.as_ref(), Some(&street.trace.fingerprint(&(0..32).collect::<Vec<u8>>())));
    assert_eq!((younger.len(), *length), (0, 248));
    let What::Answer { state, .. } = &answers[2].what else { panic!("the third answer is that to Get Attributes") };
    assert_eq!(state.as_deref(), Some("Active"));
    assert!(street.events(|what| matches!(what, What::Finding { .. } | What::Malformed { .. })).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_active_is_not_fetched_and_the_start_fails() {
    let street = started(&[A, B]).await;
    street.vault(A).keys.get_mut("key-1").unwrap().1 = 1;
    let settings = Settings { connect_retries: 3, ..street.settings() };
    let exit = play(&street, &settings).await.unwrap();
    assert_eq!(exit.code, "start error");
    assert_eq!(street.asked(A).last().unwrap(), &["GetAttributes"]);
    assert!(street.vault(B).requests.is_empty(), "a state is no reason to ask somebody else");
    insta::assert_snapshot!(street.log().last().unwrap(), @r#"
    ----- F Data-at-Rest Encryption Error
      error = {"what":"Can't create encryption key database","reason":{"what":"key reading failed","reason":"Master encryption key is not in the active state on the key management facility.","keyManagementFacilityType":"KMIP server","keyIdentifier":{"kmipKeyIdentifier":"key-1"},"keyState":"Pre-Active"},"encryptionKeyDatabaseDirectory":"/data/db/key.db"}
    "#);
}

#[tokio::test(start_paused = true)]
async fn an_absent_key_ends_the_start_without_a_second_attempt() {
    let street = started(&[A, B]).await;
    street.vault(A).keys.clear();
    let settings = Settings { connect_retries: 3, ..street.settings() };
    let exit = play(&street, &settings).await.unwrap();
    assert_eq!(exit.reason, format!("key reading failed: {ABSENT_AT_START}"));
    assert_eq!(street.asked(A).last().unwrap(), &["GetAttributes"]);
    assert!(street.vault(B).requests.is_empty());
    let settings = Settings { activate_keys: false, ..settings };
    assert_eq!(play(&street, &settings).await.unwrap(), exit, "the same without a look at the state");
    assert_eq!(street.asked(A).last().unwrap(), &["Get"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_taken_to_every_server_in_every_round() {
    let street = started(&[A, B]).await;
    let denied = (PERMISSION_DENIED, "the credentials have expired");
    for host in [A, B] {
        street.vault(host).failing.insert(0x0B, denied);
    }
    let settings = Settings { connect_retries: 1, ..street.settings() };
    let before = street.log().len();
    let exit = play(&street, &settings).await.unwrap();
    insta::assert_snapshot!(street.log()[before..].join("\n"), @r#"
    29117 W KMIP session failed
      serverHost = kmip-a:5696
      reason = the KMIP server returned the 'operation failed' status; reason: Permission Denied; message: the credentials have expired
    29117 W KMIP session failed
      serverHost = kmip-b:5696
      reason = the KMIP server returned the 'operation failed' status; reason: Permission Denied; message: the credentials have expired
    29118 W KMIP sessions failed for all the server hosts. Trying each host again.
      remainingAttempCount = 1
    29117 W KMIP session failed
      serverHost = kmip-a:5696
      reason = the KMIP server returned the 'operation failed' status; reason: Permission Denied; message: the credentials have expired
    29117 W KMIP session failed
      serverHost = kmip-b:5696
      reason = the KMIP server returned the 'operation failed' status; reason: Permission Denied; message: the credentials have expired
    ----- F Data-at-Rest Encryption Error
      error = {"what":"Can't create encryption key database","reason":{"what":"key reading failed","reason":"reading the master key from the KMIP server failed: KMIP sessions failed for all the server hosts. No more remaining attempts.","keyManagementFacilityType":"KMIP server","keyIdentifier":{"kmipKeyIdentifier":"key-1"}},"encryptionKeyDatabaseDirectory":"/data/db/key.db"}
    "#);
    assert_eq!(
        exit.reason,
        "key reading failed: reading the master key from the KMIP server failed: KMIP sessions failed for all the \
         server hosts. No more remaining attempts."
    );
}

#[tokio::test(start_paused = true)]
async fn the_second_server_helps_when_the_first_is_gone_and_every_operation_begins_at_the_first() {
    let street = started(&[A, B]).await;
    street.shut(A);
    let settings = Settings { key_state_polling: Some(MINUTE * 2), ..street.settings() };
    let before = street.log().len();
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(street.asked(B), [vec!["GetAttributes", "Get"], vec!["GetAttributes"]]);
    insta::assert_snapshot!(street.log()[before..].join("\n"), @r#"
    29117 W KMIP session failed
      serverHost = kmip-a:5696
      reason = Connection refused [system:111]
    29115 I Master encryption key has been read from the key management facility.
      keyManagementFacilityType = KMIP server
      keyIdentifier = {"kmipKeyIdentifier":"key-1"}
    29117 W KMIP session failed
      serverHost = kmip-a:5696
      reason = Connection refused [system:111]
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_failure_without_a_result_message_crashes_the_process_and_nobody_else_is_asked() {
    let street = started(&[A, B]).await;
    street.vault(A).speechless = true;
    street.vault(A).keys.clear();
    let settings = Settings { connect_retries: 3, ..street.settings() };
    let before = street.log().len();
    let exit = play(&street, &settings).await.unwrap();
    assert_eq!(exit.code, "SIGSEGV");
    assert_eq!(exit.reason, "crashed: the answer to GetAttributes is a failure without a ResultMessage");
    assert_eq!(street.asked(A).last().unwrap(), &["GetAttributes"]);
    assert!(street.vault(B).requests.is_empty());
    insta::assert_snapshot!(street.log()[before..].join("\n"), @"----- F Got signal: 11 (Segmentation fault).");
    let street = Street::new(&[A, B]);
    street.vault(A).speechless = true;
    street.vault(A).failing.insert(0x12, (0x100, ""));
    let exit = play(&street, &street.settings()).await.unwrap();
    assert_eq!(exit.reason, "crashed: the answer to Activate is a failure without a ResultMessage");
    assert!(street.vault(B).requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_crash_takes_failure_and_a_missing_message_in_its_place_and_nothing_else() {
    const FAILED: u32 = 1;
    const PENDING: u32 = 2;
    let status = |status| Item::enumeration(RESULT_STATUS, status);
    let (reason, message) = (Item::enumeration(RESULT_REASON, 0x0C), Item::text(RESULT_MESSAGE, ""));
    let payload = Item::structure(RESPONSE_PAYLOAD, Vec::new());
    let operation = Item::enumeration(OPERATION, 0x0B);
    let cases = [
        (vec![operation.clone(), status(FAILED), reason.clone()], true),
        (vec![operation.clone(), status(FAILED)], true),
        (vec![status(FAILED)], true),
        (vec![operation.clone(), status(FAILED), reason.clone(), payload, message.clone()], true),
        (vec![operation.clone(), status(FAILED), reason.clone(), message.clone()], false),
        (vec![operation.clone(), status(FAILED), message], false),
        (vec![operation, status(PENDING), reason], false),
    ];
    for (item, crashes) in cases {
        let street = started(&[A]).await;
        let header = Item::structure(RESPONSE_HEADER, vec![Item::integer(BATCH_COUNT, 1)]);
        let answer = Item::structure(RESPONSE_MESSAGE, vec![header, Item::structure(BATCH_ITEM, item)]);
        street.vault(A).stubborn = Some(write(&answer));
        let exit = play(&street, &street.settings()).await.unwrap();
        assert_eq!(exit.code == "SIGSEGV", crashes, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_can_crash_the_process_too() {
    let street = started(&[A]).await;
    let exit = polled(&street, |vault| {
        vault.speechless = true;
        vault.failing.insert(0x0B, (PERMISSION_DENIED, ""));
    });
    let exit = exit.await.unwrap();
    assert_eq!(
        (exit.code, street.log().last().unwrap().as_str()),
        ("SIGSEGV", "----- F Got signal: 11 (Segmentation fault).")
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_activation_leaves_an_orphan_and_the_next_attempt_registers_again() {
    let street = Street::new(&[A]);
    street.vault(A).failing.insert(0x12, (0x100, "later"));
    let settings = Settings { connect_retries: 1, ..street.settings() };
    let exit = play(&street, &settings).await.unwrap();
    assert!(exit.reason.starts_with("key creation failed: saving the master key to the KMIP server failed: "));
    assert_eq!(street.asked(A), [["Register", "Activate"], ["Register", "Activate"]]);
    assert_eq!(street.vault(A).keys.values().map(|key| key.1).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(Database::read(street.disk.as_ref(), Path::new("/data/db")), Ok(None));
    assert!(street.events(|what| matches!(what, What::Made { .. })).is_empty());
}

#[tokio::test(start_paused = true)]
async fn rotation_reads_the_old_key_whatever_its_state_registers_a_new_one_and_ends() {
    let street = started(&[A]).await;
    street.vault(A).keys.get_mut("key-1").unwrap().1 = 3;
    let settings = Settings { rotate_master_key: true, ..street.settings() };
    let exit = play(&street, &settings).await.unwrap();
    assert_eq!(exit.code, "MasterKeyRotationCompleted");
    assert_eq!(street.asked(A)[1..], [vec!["Get"], vec!["Register", "Activate"]]);
    assert_eq!(stored(&street), "key-2");
    assert_eq!(play(&street, &street.settings()).await, None, "the new key opens the data");
}

#[tokio::test(start_paused = true)]
async fn rotation_to_a_given_key_registers_nothing() {
    let street = started(&[A]).await;
    street.vault(A).keys.insert("given".to_owned(), (vec![9; 32], 2));
    let settings = Settings { rotate_master_key: true, key_identifier: Some("given".to_owned()), ..street.settings() };
    assert_eq!(play(&street, &settings).await.unwrap().code, "MasterKeyRotationCompleted");
    assert_eq!(street.asked(A)[1..], [vec!["Get"], vec!["GetAttributes", "Get"]]);
    assert_eq!(stored(&street), "given");
}

#[tokio::test(start_paused = true)]
async fn contradictions_between_options_and_data_files_end_the_start_without_traffic() {
    let street = started(&[A]).await;
    let rotate = Settings { rotate_master_key: true, ..street.settings() };
    let same = Settings { key_identifier: Some("key-1".to_owned()), ..rotate.clone() };
    let other = Settings { key_identifier: Some("other".to_owned()), ..street.settings() };
    let mut reasons = Vec::new();
    for settings in [&same, &other] {
        reasons.push(play(&street, settings).await.unwrap().reason);
    }
    assert!(street.vault(A).requests.is_empty());
    let empty = Street::new(&[A]);
    reasons.push(play(&empty, &rotate).await.unwrap().reason);
    assert!(empty.vault(A).requests.is_empty());
    insta::assert_snapshot!(reasons.join("\n"), @r"
    key identifier is equal to that the system is already configured with
    the configured key identifier is not the one that the database is encrypted with
    the master key cannot be rotated: the database is not configured with KMIP
    ");
}

#[tokio::test(start_paused = true)]
async fn a_given_key_is_used_for_a_new_database() {
    let street = Street::new(&[A]);
    street.vault(A).keys.insert("given".to_owned(), (vec![9; 32], 2));
    let settings = Settings { key_identifier: Some("given".to_owned()), ..street.settings() };
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(street.asked(A), [["GetAttributes", "Get"]]);
    assert_eq!(stored(&street), "given");
}

#[tokio::test(start_paused = true)]
async fn the_wrong_key_does_not_open_the_data() {
    let street = started(&[A]).await;
    street.vault(A).keys.get_mut("key-1").unwrap().0 = vec![1; 32];
    let exit = play(&street, &street.settings()).await.unwrap();
    assert_eq!(exit.reason, "opening the key database failed: the data was encrypted with another master key");
    assert!(street.events(|what| matches!(what, What::Used { .. })).is_empty());
}

/// Plays a database that polls every 15 seconds, while the server's behaviour changes after 20 seconds.
async fn polled(street: &Street, change: impl FnOnce(&mut Vault)) -> Option<Exit> {
    let settings = Settings { key_state_polling: Some(MINUTE / 4), ..street.settings() };
    let meanwhile = async {
        tokio::time::sleep(MINUTE / 3).await;
        change(&mut street.vault(A));
    };
    street.play_while("psmdb-8", &settings, MINUTE, meanwhile).await
}

#[tokio::test(start_paused = true)]
async fn polling_begins_at_once_and_outlives_servers_that_fail() {
    let street = started(&[A]).await;
    let before = street.log().len();
    let exit = polled(&street, |vault| {
        vault.failing.insert(0x0B, (PERMISSION_DENIED, "the credentials have expired"));
    });
    assert_eq!(exit.await, None, "it runs on");
    let polls = street.asked(A).into_iter().filter(|asked| *asked == ["GetAttributes"]).count();
    assert_eq!(polls, 4, "at 0, 15, 30 and 45 seconds");
    insta::assert_snapshot!(street.log()[before + 1..].join("\n"), @r"
    29117 W KMIP session failed
      serverHost = kmip-a:5696
      reason = the KMIP server returned the 'operation failed' status; reason: Permission Denied; message: the credentials have expired
    29123 E Data-at-Rest Encryption Error
      error = retrieving the state of the master key on the KMIP server failed: KMIP sessions failed for all the server hosts. No more remaining attempts.
    29117 W KMIP session failed
      serverHost = kmip-a:5696
      reason = the KMIP server returned the 'operation failed' status; reason: Permission Denied; message: the credentials have expired
    29123 E Data-at-Rest Encryption Error
      error = retrieving the state of the master key on the KMIP server failed: KMIP sessions failed for all the server hosts. No more remaining attempts.
    ");
}

#[tokio::test(start_paused = true)]
async fn polling_ends_the_process_when_the_key_is_no_longer_active() {
    let street = started(&[A]).await;
    let exit = polled(&street, |vault| vault.keys.get_mut("key-1").unwrap().1 = 4).await.unwrap();
    assert_eq!(exit, Exit { reason: NOT_ACTIVE.to_owned(), code: "EXIT_PERCONA_DATA_AT_REST_ENCRYPTION_ERROR" });
    insta::assert_snapshot!(street.log().last().unwrap(), @r#"
    29122 E Master encryption key is not in the active state on the key management facility.
      keyManagementFacilityType = KMIP server
      keyIdentifier = {"kmipKeyIdentifier":"key-1"}
      keyState = Compromised
    "#);
}

#[tokio::test(start_paused = true)]
async fn polling_ends_the_process_when_the_key_is_gone() {
    let street = started(&[A]).await;
    let exit = polled(&street, |vault| vault.keys.clear()).await.unwrap();
    assert_eq!(exit.code, "EXIT_PERCONA_DATA_AT_REST_ENCRYPTION_ERROR");
    insta::assert_snapshot!(street.log().last().unwrap(), @r#"
    29121 E Master encryption key is absent on the key management facility.
      keyManagementFacilityType = KMIP server
      keyIdentifier = {"kmipKeyIdentifier":"key-1"}
    "#);
}
