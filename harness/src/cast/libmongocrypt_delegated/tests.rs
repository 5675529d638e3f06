//! Whole lives of an application whose server encrypts, against scripted servers, with real TLS, on a paused clock.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::cast::testing::Street;
use crate::trace::What;
use crate::wire::write;

const A: &str = "kmip-a";
const MINUTE: Duration = Duration::from_secs(60);
const CREATE: u32 = 0x01;
const ENCRYPT: u32 = 0x1F;
const DECRYPT: u32 = 0x20;
const DENIED: (u32, &str) = (0x0C, "the credentials have expired");

async fn play(street: &Street, settings: &Settings) -> Option<Exit> {
    street.play("libmongocrypt-delegated", settings, MINUTE).await
}

/// A street whose application has been started once, with key-1.
async fn started() -> Street {
    let street = Street::new(&[A]);
    assert_eq!(play(&street, &street.settings()).await, None);
    street.vault(A).requests.clear();
    street
}

fn vault(street: &Street) -> Database {
    Database::read(street.disk.as_ref(), Path::new("/data/db")).unwrap().unwrap()
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

/// The captured exchange in which a data key was encrypted: request and answer.
fn encryption() -> (Vec<u8>, Vec<u8>) {
    (
        bytes(include_str!("../../../../fixtures/kmip/libmongocrypt/08-delegated-create_data_key.3-encrypt.req.hex")),
        bytes(include_str!("../../../../fixtures/kmip/libmongocrypt/08-delegated-create_data_key.3-encrypt.resp.hex")),
    )
}

#[test]
fn every_request_is_the_captured_one_byte_for_byte() {
    let create = include_str!("../../../../fixtures/kmip/libmongocrypt/08-delegated-create_data_key.1-create.req.hex");
    assert_eq!(write(&messages::create()), bytes(create));
    let activate =
        include_str!("../../../../fixtures/kmip/libmongocrypt/08-delegated-create_data_key.2-activate.req.hex");
    assert_eq!(write(&messages::activate("4")), bytes(activate));
    let (encrypt, encrypted) = encryption();
    // The data key of the capture is the end of the message.
    assert_eq!(write(&messages::encrypt("4", &encrypt[encrypt.len() - 96..])), encrypt);
    // What the captured answer says, and then the captured client asks for.
    let wrapped = messages::encrypted(&crate::wire::Answer::read(&encrypted).unwrap()).unwrap();
    assert_eq!(wrapped.len(), 128);
    let decrypt = include_str!("../../../../fixtures/kmip/libmongocrypt/09-delegated-encrypt.1-decrypt.req.hex");
    assert_eq!(write(&messages::decrypt("4", &wrapped)), bytes(decrypt));
    let unknown =
        include_str!("../../../../fixtures/kmip/libmongocrypt/14-delegated-unknown-create_data_key.1-encrypt.req.hex");
    let unknown = bytes(unknown);
    assert_eq!(write(&messages::encrypt("424242", &unknown[unknown.len() - 96..])), unknown);
}

#[test]
fn the_captured_answer_to_decrypt_holds_the_data_key_of_the_captured_request_to_encrypt() {
    let (encrypt, _) = encryption();
    let decrypted = include_str!("../../../../fixtures/kmip/libmongocrypt/09-delegated-encrypt.1-decrypt.resp.hex");
    let answer = crate::wire::Answer::read(&bytes(decrypted)).unwrap();
    assert_eq!(messages::decrypted(&answer).unwrap().expose(), &encrypt[encrypt.len() - 96..]);
}

#[tokio::test(start_paused = true)]
async fn the_first_start_creates_activates_and_encrypts_over_three_connections() {
    let street = Street::new(&[A]);
    assert_eq!(play(&street, &street.settings()).await, None, "it serves until it is stopped");
    assert_eq!(asked(&street), ["Create", "Activate", "Encrypt"]);
    let requests = street.events(|what| matches!(what, What::Request { .. })).into_iter();
    let versions = requests.map(|event| match event.what {
        What::Request { version, .. } => version,
        _ => String::new(),
    });
    assert_eq!(versions.collect::<Vec<_>>(), ["1.2", "1.0", "1.2"]);
    let vault = vault(&street);
    assert_eq!((vault.key_identifier.as_str(), vault.wrapped().map(|wrapped| wrapped.len())), ("key-1", Some(128)));
    assert!(vault.opens_with(&(0..96).collect::<Vec<u8>>()), "the data key opens it, and not the master key");
}

#[tokio::test(start_paused = true)]
async fn what_is_made_and_used_is_the_data_key_and_no_data_stands_in_the_trace() {
    let street = started().await;
    assert_eq!(play(&street, &street.settings()).await, None);
    assert_eq!(asked(&street), ["Decrypt"]);
    let data_key: Vec<u8> = (0..96).collect();
    let (key, material) = ("key-1".to_owned(), street.trace.fingerprint(&data_key));
    let made = street.events(|what| matches!(what, What::Made { .. } | What::Used { .. })).into_iter();
    let made: Vec<_> = made.map(|event| event.what).collect();
    let used = What::Used { key: key.clone(), material: material.clone() };
    assert_eq!(made, [What::Made { key, material: material.clone() }, used]);
    let answers = street.events(|what| matches!(what, What::Answer { .. })).into_iter();
    let materials = answers.map(|event| match event.what {
        What::Answer { operation, material, .. } => (operation.unwrap_or_default(), material),
        _ => Default::default(),
    });
    let none = |operation: &str| (operation.to_owned(), None);
    let decrypted = ("Decrypt".to_owned(), Some(material));
    assert_eq!(materials.collect::<Vec<_>>(), [none("Create"), none("Activate"), none("Encrypt"), decrypted]);
    for data in [data_key, vault(&street).wrapped().unwrap()[16..].to_vec()] {
        assert!(!street.trace.secrets_in(&data).is_empty(), "it is named a secret");
    }
    assert!(street.events(|what| matches!(what, What::Finding { .. })).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_given_key_encrypts_and_is_never_activated() {
    let street = Street::new(&[A]);
    street.vault(A).keys.insert("given".to_owned(), (vec![9; 32], 1));
    let settings = Settings { key_identifier: Some("given".to_owned()), ..street.settings() };
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(asked(&street), ["Encrypt"]);
    assert_eq!((vault(&street).key_identifier.as_str(), street.vault(A).keys["given"].1), ("given", 1));
}

#[tokio::test(start_paused = true)]
async fn every_failure_at_start_ends_the_application_at_once() {
    let mut told = Vec::new();
    for operation in [CREATE, ENCRYPT] {
        let street = Street::new(&[A]);
        street.vault(A).failing.insert(operation, DENIED);
        told.push(play(&street, &street.settings()).await.unwrap().reason);
        assert_eq!(Database::read(street.disk.as_ref(), Path::new("/data/db")), Ok(None));
    }
    let street = started().await;
    street.vault(A).failing.insert(DECRYPT, DENIED);
    told.push(play(&street, &street.settings()).await.unwrap().reason);
    assert_eq!(asked(&street), ["Decrypt"], "once");
    insta::assert_snapshot!(told.join("\n"), @r"
    Error getting UniqueIdentifer from KMIP Register response: KMIP response error. Result Status (1): Operation Failed. Result Reason (12): Permission Denied. Result Message: the credentials have expired
    Error getting data from KMIP Encrypt response: KMIP response error. Result Status (1): Operation Failed. Result Reason (12): Permission Denied. Result Message: the credentials have expired
    Error getting data from KMIP Decrypt response: KMIP response error. Result Status (1): Operation Failed. Result Reason (12): Permission Denied. Result Message: the credentials have expired
    ");
}

#[tokio::test(start_paused = true)]
async fn a_captured_failure_is_told_as_the_captured_client_told_it() {
    let street = Street::new(&[A]);
    let captured =
        include_str!("../../../../fixtures/kmip/libmongocrypt/14-delegated-unknown-create_data_key.1-encrypt.resp.hex");
    street.vault(A).stubborn = Some(bytes(captured));
    let settings = Settings { key_identifier: Some("424242".to_owned()), ..street.settings() };
    assert_eq!(
        play(&street, &settings).await.unwrap().reason,
        "Error getting data from KMIP Encrypt response: KMIP response error. Result Status (1): Operation Failed. \
         Result Reason (1): Item Not Found. Result Message: Could not locate object: 424242"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_an_initialisation_vector_is_refused() {
    let street = Street::new(&[A]);
    street.vault(A).keys.insert("given".to_owned(), (vec![9; 32], 2));
    let decrypted = include_str!("../../../../fixtures/kmip/libmongocrypt/09-delegated-encrypt.1-decrypt.resp.hex");
    street.vault(A).stubborn = Some(bytes(decrypted));
    let settings = Settings { key_identifier: Some("given".to_owned()), ..street.settings() };
    insta::assert_snapshot!(play(&street, &settings).await.unwrap().reason, @"Error getting IV from KMIP Encrypt response: unable to find tag: IVCounterNonce");
}

#[tokio::test(start_paused = true)]
async fn another_plaintext_does_not_open_the_vault() {
    let street = started().await;
    // A server that has another key, and an answer for another data key.
    street.vault(A).keys.get_mut("key-1").unwrap().0 = vec![1; 32];
    let padding = play(&street, &street.settings()).await.unwrap().reason;
    assert!(padding.ends_with("Result Reason (10): Cryptographic Failure. Result Message: the padding is wrong"));
    let decrypted = include_str!("../../../../fixtures/kmip/libmongocrypt/09-delegated-encrypt.1-decrypt.resp.hex");
    street.vault(A).stubborn = Some(bytes(decrypted));
    assert_eq!(play(&street, &street.settings()).await.unwrap().reason, "HMAC validation failure");
    assert!(street.events(|what| matches!(what, What::Used { .. })).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_vault_of_the_other_persona_is_refused_without_traffic() {
    let street = started().await;
    Database::write(street.disk.as_ref(), Path::new("/data/db"), "key-1", &[7; 96]).unwrap();
    let reason = play(&street, &street.settings()).await.unwrap().reason;
    assert_eq!(reason, "the key vault holds no data key that the server has encrypted");
    assert!(street.vault(A).requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_data_key_is_decrypted_again_when_it_is_needed_after_it_has_left_the_cache() {
    let street = started().await;
    let settings = Settings { key_state_polling: Some(MINUTE / 3), ..street.settings() };
    let meanwhile = async {
        tokio::time::sleep(MINUTE).await;
        street.vault(A).failing.insert(DECRYPT, DENIED);
    };
    let before = street.trace.now();
    let ended = street.play_while("libmongocrypt-delegated", &settings, 2 * MINUTE, meanwhile).await;
    assert_eq!(ended, None, "it runs on");
    let sent = street.events(|what| matches!(what, What::Request { .. })).into_iter();
    let sent = sent.filter(|event| event.at >= before).map(|event| (event.at - before).as_secs());
    assert_eq!(sent.collect::<Vec<_>>(), [0, 80, 100]);
    assert_eq!(street.log().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn wrapping_anew_keeps_the_data_key_and_changes_the_master_key() {
    let street = started().await;
    let before = vault(&street);
    let settings = Settings { rotate_master_key: true, ..street.settings() };
    assert_eq!(play(&street, &settings).await.unwrap().code, "rewrapped");
    assert_eq!(asked(&street), ["Decrypt", "Create", "Activate", "Encrypt"]);
    let after = vault(&street);
    assert_eq!((before.key_identifier.as_str(), after.key_identifier.as_str()), ("key-1", "key-2"));
    assert!(after.opens_with(&(0..96).collect::<Vec<u8>>()));
    assert_eq!(play(&street, &street.settings()).await, None, "and the new master key opens it");
}
