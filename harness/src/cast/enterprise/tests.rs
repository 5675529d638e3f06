//! Lives of MongoDB Enterprise against scripted servers, with real TLS, on a paused clock.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::cast::testing::Street;
use crate::wire::write;

const A: &str = "kmip-a";
const B: &str = "kmip-b";
const MINUTE: Duration = Duration::from_secs(60);
const ACTIVATE: u32 = 0x12;
const GET_ATTRIBUTES: u32 = 0x0B;

async fn play(street: &Street, settings: &Settings) -> Option<Exit> {
    street.play("enterprise-1.2", settings, MINUTE).await
}

/// A street whose database has been started once, and runs with key-1.
async fn started(hosts: &[&'static str]) -> Street {
    let street = Street::new(hosts);
    assert_eq!(play(&street, &street.settings()).await, None);
    let key = street.vault(A).keys["key-1"].clone();
    hosts.iter().for_each(|host| {
        street.vault(host).keys.insert("key-1".to_owned(), key.clone());
    });
    street
}

fn stored(street: &Street) -> Option<Database> {
    Database::read(street.disk.as_ref(), Path::new("/data/db")).unwrap()
}

fn reason(exit: Option<Exit>) -> String {
    exit.unwrap().reason
}

#[test]
fn every_request_is_the_stand_ins_byte_for_byte() {
    macro_rules! captured {
        ($version:literal, $name:literal) => {
            include_str!(concat!("../../../../fixtures/kmip/pykmip-client-", $version, "/", $name, ".req.hex")).trim()
        };
    }
    let all = |id: &str| [requests::create(), requests::get(id), requests::activate(id), requests::get_state(id)];
    let cases = [
        (
            (1, 2),
            "1",
            [
                captured!("1.2", "01-create-aes256.1-create"),
                captured!("1.2", "02-get-preactive.1-get"),
                captured!("1.2", "04-activate.1-activate"),
                captured!("1.2", "06-getattributes-state-active.1-get_attributes"),
            ],
        ),
        (
            (1, 0),
            "11",
            [
                captured!("1.0", "01-create-aes256.1-create"),
                captured!("1.0", "02-get-preactive.1-get"),
                captured!("1.0", "04-activate.1-activate"),
                captured!("1.0", "06-getattributes-state-active.1-get_attributes"),
            ],
        ),
    ];
    for (version, identifier, captured) in cases {
        for (asking, theirs) in all(identifier).into_iter().zip(captured) {
            assert_eq!(crate::trace::hex(&write(&message(version, asking))), theirs);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_start_has_the_key_made_activates_it_and_fetches_it() {
    let street = Street::new(&[A]);
    assert_eq!(play(&street, &street.settings()).await, None, "it serves until it is stopped");
    assert_eq!(street.asked(A), [["Create", "Activate", "Get"]]);
    assert_eq!(street.vault(A).keys["key-1"].1, 2);
    assert!(stored(&street).unwrap().opens_with(&[0xC0; 32]), "with what the server made");
    let material = street.trace.fingerprint(&[0xC0; 32]);
    let made = street.events(|what| matches!(what, What::Made { .. } | What::Used { .. }));
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].what, What::Made { key: "key-1".to_owned(), material });
    insta::assert_snapshot!(street.log().join("\n"), @"
    ----- I Created KMIP key with id: key-1
    ----- I Encryption key manager initialized using master key with id: key-1
    ");
}

#[tokio::test(start_paused = true)]
async fn each_persona_speaks_one_version_in_every_request() {
    for (persona, version) in [("enterprise-1.2", "1.2"), ("enterprise-legacy-1.0", "1.0")] {
        let street = Street::new(&[A]);
        let settings = Settings { key_state_polling: Some(MINUTE / 4), ..street.settings() };
        assert_eq!(street.play(persona, &settings, MINUTE).await, None);
        let spoken = street.events(|what| matches!(what, What::Request { .. })).into_iter().map(|event| event.what);
        let spoken: Vec<String> = spoken
            .filter_map(|what| if let What::Request { version, .. } = what { Some(version) } else { None })
            .collect();
        assert_eq!(spoken, vec![version; 6], "Create, Activate, Get and three polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_asks_for_the_state_and_then_for_the_key() {
    let street = started(&[A]).await;
    assert_eq!(play(&street, &street.settings()).await, None);
    assert_eq!(street.asked(A)[1..], [["GetAttributes", "Get"]]);
    assert_eq!(street.events(|what| matches!(what, What::Used { .. })).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_activate_keys_there_is_only_create_and_get_and_then_only_get() {
    let street = Street::new(&[A]);
    let settings = Settings { activate_keys: false, key_state_polling: Some(MINUTE / 4), ..street.settings() };
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(street.vault(A).keys["key-1"].1, 1, "it stays pre-active");
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(street.asked(A), [vec!["Create", "Get"], vec!["Get"]], "and nothing is polled");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_active_or_does_not_exist_ends_the_start() {
    let street = started(&[A, B]).await;
    street.vault(A).keys.get_mut("key-1").unwrap().1 = 3;
    let exit = play(&street, &street.settings()).await.unwrap();
    assert_eq!(exit.reason, "the KMIP key is not active: key-1 is Deactivated");
    assert_eq!(exit.code, "start error");
    assert_eq!(street.asked(A).last().unwrap(), &["GetAttributes"], "and the key is not fetched");
    street.vault(A).keys.clear();
    assert_eq!(reason(play(&street, &street.settings()).await), "the KMIP key key-1 does not exist");
    assert!(street.vault(B).requests.is_empty(), "nobody else is asked once a server was selected");
    assert_eq!(
        street.log().last().unwrap(),
        "----- F Encryption at rest ends the process\n  error = the KMIP key key-1 does not exist"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_the_start_and_is_not_retried() {
    let street = started(&[A, B]).await;
    street.vault(A).failing.insert(0x0A, (0x0C, "the credentials have expired"));
    let settings = Settings { connect_retries: 3, ..street.settings() };
    let exit = play(&street, &settings).await;
    assert_eq!(reason(exit), "KMIP Get failed: permission-denied: the credentials have expired");
    assert_eq!(street.asked(A).len(), 2);
    assert!(street.vault(B).requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_activation_ends_the_first_start_without_data() {
    let street = Street::new(&[A]);
    street.vault(A).failing.insert(ACTIVATE, (0x100, "later"));
    let exit = play(&street, &street.settings()).await;
    assert_eq!(reason(exit), "KMIP Activate failed: general-failure: later");
    assert_eq!((street.asked(A), stored(&street)), (vec![vec!["Create".to_owned(), "Activate".to_owned()]], None));
}

#[tokio::test(start_paused = true)]
async fn the_first_server_that_connects_is_kept_even_when_it_is_gone_later() {
    let street = started(&[A, B]).await;
    street.shut(A);
    let settings = Settings { key_state_polling: Some(MINUTE / 4), ..street.settings() };
    let before = street.log().len();
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(
        street.asked(B),
        [vec!["GetAttributes", "Get"], vec!["GetAttributes"], vec!["GetAttributes"], vec!["GetAttributes"]]
    );
    let failed = street.log()[before..].iter().filter(|line| line.contains("Failed to connect")).count();
    assert_eq!(failed, 1, "only the start tries the first one");
    let street = started(&[A, B]).await;
    let gone = async {
        tokio::time::sleep(MINUTE / 3).await;
        street.shut(A);
    };
    assert_eq!(street.play_while("enterprise-1.2", &settings, MINUTE, gone).await, None, "it stays up");
    assert!(street.vault(B).requests.is_empty(), "and asks nobody else");
    assert_eq!(
        street.log().last().unwrap(),
        "----- W The state of the KMIP key could not be read\n  error = Connection refused [system:111]"
    );
}

#[tokio::test(start_paused = true)]
async fn retries_are_of_the_first_connection_alone() {
    let street = started(&[A, B]).await;
    street.shut(A);
    street.shut(B);
    let before = street.log().len();
    let settings = Settings { connect_retries: 2, ..street.settings() };
    let exit = play(&street, &settings).await;
    let expected = "no KMIP server can be connected to, the last was kmip-b:5696: Connection refused [system:111]";
    assert_eq!(reason(exit), expected);
    let failed = street.log()[before..].iter().filter(|line| line.contains("Failed to connect")).count();
    assert_eq!(failed, 6, "three rounds over two servers");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_after_the_timeout_in_any_exchange() {
    let street = started(&[A]).await;
    street.vault(A).silent_on = Some(0x0A);
    let exit = play(&street, &street.settings()).await;
    assert_eq!(reason(exit), "KMIP Get failed: Connection timed out [system:110]");
    assert_eq!(street.asked(A).last().unwrap(), &["GetAttributes", "Get"]);
}

/// Plays a database that polls every 15 seconds, while the server changes after 20 seconds.
async fn polled(street: &Street, change: impl FnOnce(&Street)) -> Option<Exit> {
    let settings = Settings { key_state_polling: Some(MINUTE / 4), ..street.settings() };
    let meanwhile = async {
        tokio::time::sleep(MINUTE / 3).await;
        change(street);
    };
    street.play_while("enterprise-1.2", &settings, MINUTE, meanwhile).await
}

#[tokio::test(start_paused = true)]
async fn polling_ends_the_process_when_the_key_is_no_longer_active_or_gone() {
    let street = started(&[A]).await;
    let exit = polled(&street, |street| street.vault(A).keys.get_mut("key-1").unwrap().1 = 4).await.unwrap();
    assert_eq!(exit.reason, "the KMIP key is not active: key-1 is Compromised");
    assert_eq!(exit.code, "key not active");
    let exit = polled(&street, |_| {}).await.unwrap();
    assert_eq!(exit.code, "start error", "and it does not start again");
    let street = started(&[A]).await;
    let exit = polled(&street, |street| street.vault(A).keys.clear()).await;
    assert_eq!(reason(exit), "the KMIP key is not active: key-1 does not exist");
}

#[tokio::test(start_paused = true)]
async fn polling_outlives_a_server_that_fails() {
    let street = started(&[A]).await;
    let exit = polled(&street, |street| {
        street.vault(A).failing.insert(GET_ATTRIBUTES, (0x0C, "the credentials have expired"));
    });
    assert_eq!(exit.await, None);
    let polls = street.asked(A).into_iter().filter(|asked| *asked == ["GetAttributes"]).count();
    assert_eq!(polls, 3, "at 15, 30 and 45 seconds");
}

#[tokio::test(start_paused = true)]
async fn rotation_fetches_the_old_key_whatever_its_state_has_a_new_one_made_and_ends() {
    let street = started(&[A]).await;
    street.vault(A).keys.get_mut("key-1").unwrap().1 = 3;
    let settings = Settings { rotate_master_key: true, ..street.settings() };
    assert_eq!(play(&street, &settings).await.unwrap().code, "rotated");
    assert_eq!(street.asked(A)[1..], [["Get", "Create", "Activate", "Get"]]);
    assert_eq!(stored(&street).unwrap().key_identifier, "key-2");
    assert_eq!(play(&street, &street.settings()).await, None, "the new key opens the data");
}

#[tokio::test(start_paused = true)]
async fn a_given_key_is_used_for_a_new_database_and_refused_for_an_old_one() {
    let street = Street::new(&[A]);
    street.vault(A).keys.insert("given".to_owned(), (vec![9; 32], 2));
    let settings = Settings { key_identifier: Some("given".to_owned()), ..street.settings() };
    assert_eq!(play(&street, &settings).await, None);
    assert_eq!(street.asked(A), [["GetAttributes", "Get"]]);
    assert!(stored(&street).unwrap().opens_with(&[9; 32]));
    let exit = play(&street, &settings).await;
    assert_eq!(reason(exit), "a key identifier was given, but the data is encrypted already");
    assert_eq!(street.asked(A).len(), 1, "without traffic");
    let unknown = Street::new(&[A]);
    assert_eq!(reason(play(&unknown, &settings).await), "the KMIP key given does not exist");
    let rotate = Settings { rotate_master_key: true, ..unknown.settings() };
    assert_eq!(reason(play(&unknown, &rotate).await), "there is no master key to rotate");
}

#[tokio::test(start_paused = true)]
async fn the_wrong_key_does_not_open_the_data() {
    let street = started(&[A]).await;
    street.vault(A).keys.get_mut("key-1").unwrap().0 = vec![1; 32];
    assert_eq!(reason(play(&street, &street.settings()).await), "the data was encrypted with another master key");
    assert!(street.events(|what| matches!(what, What::Used { .. })).is_empty());
}
