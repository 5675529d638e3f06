//! Whole lives of an application against scripted servers, with real TLS, on a paused clock.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::cast::testing::{Street, Vault};
use crate::trace::{ProcessState, What};
use crate::wire::write;

const A: &str = "kmip-a";
const B: &str = "kmip-b";
const MINUTE: Duration = Duration::from_secs(60);
const REGISTER: u32 = 0x03;
const GET: u32 = 0x0A;
const ACTIVATE: u32 = 0x12;
const DENIED: (u32, &str) = (0x0C, "the credentials have expired");

async fn play(street: &Street, settings: &Settings) -> Option<Exit> {
    street.play("libmongocrypt-plain", settings, 10 * MINUTE).await
}

/// A street whose application has been started once, with key-1.
async fn started(hosts: &[&'static str]) -> Street {
    let street = Street::new(hosts);
    assert_eq!(play(&street, &street.settings()).await, None);
    street.vault(A).requests.clear();
    street
}

fn stored(street: &Street) -> String {
    Database::read(street.disk.as_ref(), Path::new("/data/db")).unwrap().unwrap().key_identifier
}

/// The operations in the order in which they were asked for, each of them alone on its connection.
fn asked(street: &Street) -> Vec<String> {
    let connections = street.asked(A).into_iter().filter(|asked| !asked.is_empty());
    connections.map(|asked| <[String; 1]>::try_from(asked).expect("one exchange a connection")[0].clone()).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    let digits = text.trim();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn every_request_is_the_captured_one_byte_for_byte() {
    let captured = include_str!("../../../../fixtures/kmip/libmongocrypt/01-new-create_data_key.1-register.req.hex");
    let captured = bytes(captured);
    // The key of the capture is the end of the message.
    let key = &captured[captured.len() - KEY_LENGTH..];
    assert_eq!(write(&messages::register(key)), captured);
    let captured: [(Vec<u8>, &str); 3] = [
        (
            write(&messages::activate("3")),
            include_str!("../../../../fixtures/kmip/libmongocrypt/01-new-create_data_key.2-activate.req.hex"),
        ),
        (
            write(&messages::get("3")),
            include_str!("../../../../fixtures/kmip/libmongocrypt/01-new-create_data_key.3-get.req.hex"),
        ),
        (
            write(&messages::get("424242")),
            include_str!("../../../../fixtures/kmip/libmongocrypt/07-unknown-keyid-create_data_key.1-get.req.hex"),
        ),
    ];
    for (ours, theirs) in captured {
        assert_eq!(ours, bytes(theirs));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_start_registers_activates_and_gets_over_three_connections() {
    let street = Street::new(&[A]);
    assert_eq!(play(&street, &street.settings()).await, None, "it serves until it is stopped");
    assert_eq!(asked(&street), ["Register", "Activate", "Get"]);
    let key: Vec<u8> = (0..96).collect();
    assert_eq!(street.vault(A).keys["key-1"], (key.clone(), 2));
    assert_eq!(stored(&street), "key-1");
    let versions = street.events(|what| matches!(what, What::Request { version, .. } if version == "1.0"));
    assert_eq!(versions.len(), 3);
    let material = street.trace.fingerprint(&key);
    let made = street.events(|what| matches!(what, What::Made { .. } | What::Used { .. })).into_iter();
    let made: Vec<_> = made.map(|event| event.what).collect();
    let key = "key-1".to_owned();
    assert_eq!(made, [What::Made { key: key.clone(), material: material.clone() }, What::Used { key, material }]);
    let ready = street.events(|what| matches!(what, What::Process { state: ProcessState::Ready, .. }));
    assert_eq!(ready.len(), 1);
    assert_eq!(street.log(), [""; 0]);
    assert!(street.events(|what| matches!(what, What::Finding { .. } | What::Malformed { .. })).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_restart_gets_the_key_whatever_its_state_and_whatever_key_is_configured() {
    let street = started(&[A]).await;
    street.vault(A).keys.get_mut("key-1").unwrap().1 = 4;
    let settings = Settings { key_identifier: Some("other".to_owned()), ..street.settings() };
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(asked(&street), ["Get"], "the vault's document names its key");
}

#[tokio::test(start_paused = true)]
async fn a_given_key_is_got_and_never_activated() {
    let street = Street::new(&[A]);
    street.vault(A).keys.insert("given".to_owned(), (vec![9; 96], 1));
    let settings = Settings { key_identifier: Some("given".to_owned()), ..street.settings() };
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(asked(&street), ["Get"]);
    assert_eq!((stored(&street).as_str(), street.vault(A).keys["given"].1), ("given", 1));
    assert!(street.events(|what| matches!(what, What::Made { .. })).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_start_ends_the_application_without_a_second_attempt_or_another_server() {
    let street = started(&[A, B]).await;
    street.vault(A).failing.insert(GET, DENIED);
    let settings = Settings { connect_retries: 3, ..street.settings() };
    let exit = play(&street, &settings).await.unwrap();
    assert_eq!(exit.code, "EncryptionError");
    assert_eq!(asked(&street), ["Get"]);
    assert!(street.vault(B).requests.is_empty());
    insta::assert_snapshot!(street.log().join("\n"), @"----- E Error getting SecretData from KMIP Get response: KMIP response error. Result Status (1): Operation Failed. Result Reason (12): Permission Denied. Result Message: the credentials have expired");
    assert_eq!(exit.reason, street.log()[0].strip_prefix("----- E ").unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_failed_activation_leaves_a_key_behind_and_no_vault() {
    let street = Street::new(&[A]);
    street.vault(A).failing.insert(ACTIVATE, DENIED);
    let exit = play(&street, &street.settings()).await.unwrap();
    assert_eq!(asked(&street), ["Register", "Activate"]);
    insta::assert_snapshot!(exit.reason, @"Error getting UniqueIdentifer from KMIP Register response: KMIP response error. Result Status (1): Operation Failed. Result Reason (12): Permission Denied. Result Message: the credentials have expired");
    assert_eq!(Database::read(street.disk.as_ref(), Path::new("/data/db")), Ok(None));
    assert_eq!(street.vault(A).keys["key-1"].1, 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_network_did_is_told_in_the_words_of_python() {
    let street = started(&[A]).await;
    let mut told = Vec::new();
    street.vault(A).silent_on = Some(GET);
    told.push(play(&street, &street.settings()).await.unwrap().reason);
    let given_up = street.events(|what| matches!(what, What::NoAnswer { .. }));
    assert_eq!(given_up.len(), 1);
    street.shut(A);
    for server_name in [A, "nobody,kmip-a", " kmip-a"] {
        let settings = Settings { server_name: server_name.to_owned(), ..street.settings() };
        told.push(play(&street, &settings).await.unwrap().reason);
    }
    let settings = Settings { client_certificate_file: "/tls/lost.pem".into(), ..street.settings() };
    told.push(play(&street, &settings).await.unwrap().reason);
    insta::assert_snapshot!(told.join("\n"), @r"
    KMS request failed due to network error: kmip-a:5696: timed out
    KMS request failed due to network error: kmip-a:5696: [Errno 111] Connection refused
    KMS request failed due to network error: nobody:5696: [Errno -2] Name or service not known
    KMS request failed due to network error:  kmip-a:5696: [Errno -2] Name or service not known
    Failed to load client certificate file `/tls/lost.pem`: No such file or directory [system:2]
    ");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_refused_and_a_server_by_another_name_is_refused() {
    let street = started(&[A]).await;
    let address = Settings { server_name: "10.0.0.1".to_owned(), ..street.settings() };
    let wrong_name = play(&street, &address).await.unwrap().reason;
    street.disk.put("/tls/mongod.pem", &Street::new(&[A]).disk.text("/tls/mongod.pem"));
    let stranger = play(&street, &street.settings()).await.unwrap().reason;
    insta::assert_snapshot!([wrong_name, stranger].join("\n"), @r"
    KMS request failed due to network error: 10.0.0.1:5696: certificate verify failed: IP address mismatch, certificate is not valid for '10.0.0.1'.
    KMS request failed due to network error: kmip-a:5696: tlsv1 alert unknown ca
    ");
}

#[tokio::test(start_paused = true)]
async fn the_limit_covers_connecting_and_the_exchange_together() {
    let street = Street::new(&[A]);
    street.vault(A).silent_on = Some(REGISTER);
    let settings = Settings { connect_timeout: Duration::from_secs(3), ..street.settings() };
    assert!(play(&street, &settings).await.is_some());
    let given_up = street.events(|what| matches!(what, What::NoAnswer { .. }));
    assert_eq!(given_up[0].at, Duration::from_secs(3));
    assert_eq!(given_up[0].what, What::NoAnswer { exchange: 1, why: "timed out".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn another_key_or_no_secret_does_not_open_the_vault() {
    let street = started(&[A]).await;
    let mut told = Vec::new();
    for key in [vec![1; 96], vec![1; 32]] {
        street.vault(A).keys.get_mut("key-1").unwrap().0 = key;
        told.push(play(&street, &street.settings()).await.unwrap().reason);
    }
    let short = Street::new(&[A]);
    short.vault(A).keys.insert("given".to_owned(), (vec![9; 64], 2));
    let settings = Settings { key_identifier: Some("given".to_owned()), ..short.settings() };
    told.push(play(&short, &settings).await.unwrap().reason);
    insta::assert_snapshot!(told.join("\n"), @r"
    HMAC validation failure
    Error getting SecretData from KMIP Get response: unable to find tag: SecretData
    the master key has 64 bytes instead of 96
    ");
    assert_eq!(street.events(|what| matches!(what, What::Used { .. })).len(), 1, "that of the first start");
}

/// Plays an application that needs its key once a period, for four minutes, while the server's behaviour changes
/// after 140 seconds, and says in which seconds it asked.
async fn needed(street: &Street, period: u64, change: impl FnOnce(&mut Vault)) -> Vec<u64> {
    let period = Some(Duration::from_secs(period));
    let settings = Settings { key_state_polling: period, ..street.settings() };
    let before = street.trace.now();
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(140)).await;
        change(&mut street.vault(A));
    };
    let ended = street.play_while("libmongocrypt-plain", &settings, 4 * MINUTE, meanwhile).await;
    assert_eq!(ended, None, "it runs on");
    let sent = street.events(|what| matches!(what, What::Request { .. })).into_iter();
    sent.filter(|event| event.at >= before).map(|event| (event.at - before).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_key_is_got_again_when_it_is_needed_after_it_has_left_the_cache() {
    let street = started(&[A]).await;
    assert_eq!(needed(&street, 25, |_| {}).await, [0, 75, 150, 225], "at 50 it is in the cache, at 75 it is not");
    assert_eq!(needed(&street, 60, |_| {}).await, [0, 120], "a minute is not more than a minute");
    assert_eq!(needed(&street, 100, |_| {}).await, [0, 100, 200]);
}

#[tokio::test(start_paused = true)]
async fn what_was_just_made_is_not_in_the_cache() {
    let street = Street::new(&[A]);
    assert_eq!(needed(&street, 25, |_| {}).await, [0, 0, 0, 25, 100, 175]);
    assert_eq!(asked(&street), ["Register", "Activate", "Get", "Get", "Get", "Get"]);
}

#[tokio::test(start_paused = true)]
async fn while_it_serves_a_failure_is_told_and_the_next_need_asks_again() {
    let street = started(&[A]).await;
    let sent = needed(&street, 25, |vault| {
        vault.failing.insert(GET, DENIED);
    });
    assert_eq!(sent.await, [0, 75, 150, 175, 200, 225], "nothing is in the cache after a failure");
    assert_eq!(street.log().len(), 4);
    insta::assert_snapshot!(street.log()[0], @"----- E Error getting SecretData from KMIP Get response: KMIP response error. Result Status (1): Operation Failed. Result Reason (12): Permission Denied. Result Message: the credentials have expired");
}

#[tokio::test(start_paused = true)]
async fn without_a_period_the_key_is_never_needed_again() {
    let street = started(&[A]).await;
    assert_eq!(play(&street, &street.settings()).await, None);
    assert_eq!(asked(&street), ["Get"]);
}

#[tokio::test(start_paused = true)]
async fn wrapping_anew_gets_the_old_key_makes_a_new_one_and_ends() {
    let street = started(&[A]).await;
    let settings = Settings { rotate_master_key: true, ..street.settings() };
    assert_eq!(play(&street, &settings).await.unwrap().code, "rewrapped");
    assert_eq!(asked(&street), ["Get", "Register", "Activate", "Get"]);
    assert_eq!(stored(&street), "key-2");
    assert_eq!(play(&street, &street.settings()).await, None, "the new key opens the vault");
    street.vault(A).keys.insert("given".to_owned(), (vec![9; 96], 1));
    street.vault(A).requests.clear();
    let settings = Settings { key_identifier: Some("given".to_owned()), ..settings };
    assert_eq!(play(&street, &settings).await.unwrap().code, "rewrapped");
    assert_eq!(asked(&street), ["Get", "Get"]);
    assert_eq!(stored(&street), "given");
}

#[tokio::test(start_paused = true)]
async fn an_empty_vault_has_nothing_to_wrap_anew() {
    let street = Street::new(&[A]);
    let settings = Settings { rotate_master_key: true, ..street.settings() };
    assert_eq!(play(&street, &settings).await.unwrap().code, "nothing to rewrap");
    assert!(street.vault(A).requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_none_are_refused_in_libmongocrypts_words() {
    let short = "42007b0100000008 42000f0100000000";
    let cases = ["42007b0101000001", "42007b0100000008ffffffffffffffff", "42007b0100000000", "4200780100000000", short];
    let mut told = Vec::new();
    for answer in cases {
        let street = started(&[A]).await;
        street.vault(A).stubborn = Some(bytes(&answer.replace(' ', "")));
        told.push(play(&street, &street.settings()).await.unwrap().reason);
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    KMS KMIP response too large
    Error getting KMIP response: KMIP parser does not have complete message
    Error getting SecretData from KMIP Get response: unable to find tag: BatchItem
    Error getting SecretData from KMIP Get response: unable to find tag: ResponseMessage
    Error getting SecretData from KMIP Get response: unable to find tag: ResultStatus
    ");
}

#[tokio::test(start_paused = true)]
async fn a_captured_failure_is_told_as_the_captured_client_told_it() {
    let street = started(&[A]).await;
    let captured =
        include_str!("../../../../fixtures/kmip/libmongocrypt/07-unknown-keyid-create_data_key.1-get.resp.hex");
    street.vault(A).stubborn = Some(bytes(captured));
    assert_eq!(
        play(&street, &street.settings()).await.unwrap().reason,
        "Error getting SecretData from KMIP Get response: KMIP response error. Result Status (1): Operation Failed. \
         Result Reason (1): Item Not Found. Result Message: Could not locate object: 424242"
    );
}

#[tokio::test(start_paused = true)]
async fn a_success_is_taken_whatever_stands_beside_it_in_whatever_order() {
    use crate::wire::Item;
    use crate::wire::names::*;
    let street = started(&[A]).await;
    let captured = include_str!("../../../../fixtures/kmip/libmongocrypt/01-new-create_data_key.3-get.resp.hex");
    let captured = crate::wire::parse(&bytes(captured)).unwrap();
    let payload = captured.descendant(&[BATCH_ITEM, RESPONSE_PAYLOAD]).unwrap();
    let reversed = Item::structure(RESPONSE_PAYLOAD, payload.children().iter().rev().cloned().collect());
    // The payload before the status, a reason beside success, another Operation, and no header at all.
    let item = vec![
        reversed,
        Item::enumeration(RESULT_REASON, 0x100),
        Item::enumeration(RESULT_STATUS, 0),
        Item::enumeration(OPERATION, REGISTER),
    ];
    street.vault(A).stubborn = Some(write(&Item::structure(RESPONSE_MESSAGE, vec![Item::structure(BATCH_ITEM, item)])));
    let reason = play(&street, &street.settings()).await.unwrap().reason;
    assert_eq!(reason, "HMAC validation failure", "it is read, and it is another key");
}

#[tokio::test(start_paused = true)]
async fn bytes_after_an_answer_do_not_disturb_the_client_and_are_found() {
    let street = started(&[A]).await;
    street.vault(A).surplus = 8;
    assert_eq!(play(&street, &street.settings()).await, None);
    let malformed = street.events(|what| matches!(what, What::Malformed { .. }));
    let why = "8 bytes or more after the answer".to_owned();
    assert_eq!(malformed[0].what, What::Malformed { exchange: 4, why });
}

#[tokio::test(start_paused = true)]
async fn two_equal_plays_give_one_trace() {
    let mut digests = Vec::new();
    for _ in 0..2 {
        let street = started(&[A]).await;
        needed(&street, 25, |vault| vault.keys.clear()).await;
        digests.push(street.trace.digest());
    }
    assert_eq!(digests[0], digests[1]);
}
