//! What a session does with servers that stall, babble, or are not whom they should be.

use std::time::Duration;

use crate::cast::Settings;
use crate::cast::testing::Street;
use crate::trace::What;
use crate::wire::names::*;
use crate::wire::{Item, write};

const A: &str = "kmip-a";
const MINUTE: Duration = Duration::from_secs(60);
const REGISTER: u32 = 0x03;
const ACTIVATE: u32 = 0x12;

/// Plays a first start and returns whether it ended within a minute, and the reasons of failed sessions.
async fn first_start(street: &Street, settings: &Settings) -> (bool, Vec<String>) {
    let ended = street.play("psmdb-8", settings, MINUTE).await.is_some();
    let reasons = street.events(|what| matches!(what, What::Log { id: Some(29117), .. })).into_iter();
    let reasons = reasons.filter_map(|event| match event.what {
        What::Log { attributes, .. } => Some(attributes[1].1.clone()),
        _ => None,
    });
    (ended, reasons.collect())
}

#[tokio::test(start_paused = true)]
async fn the_timer_covers_the_first_exchange() {
    let street = Street::new(&[A]);
    street.vault(A).silent_on = Some(REGISTER);
    let (ended, reasons) = first_start(&street, &street.settings()).await;
    assert!(ended);
    assert_eq!(reasons, ["Connection timed out [system:110]"]);
    let given_up = street.events(|what| matches!(what, What::NoAnswer { .. }));
    assert_eq!(given_up[0].at, Duration::from_secs(5));
    assert_eq!(given_up[0].what, What::NoAnswer { exchange: 1, why: "Connection timed out [system:110]".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn no_timer_covers_a_second_exchange() {
    let street = Street::new(&[A]);
    street.vault(A).silent_on = Some(ACTIVATE);
    assert_eq!(first_start(&street, &street.settings()).await, (false, Vec::new()));
    assert!(street.events(|what| matches!(what, What::NoAnswer { .. })).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ignores_close_notify_gets_a_second_register_or_holds_the_start() {
    let street = Street::new(&[A]);
    street.vault(A).keeps_open = true;
    let one_exchange = Settings { activate_keys: false, ..street.settings() };
    let (ended, reasons) = first_start(&street, &one_exchange).await;
    assert!(ended);
    assert_eq!(reasons, ["Connection timed out [system:110]"]);
    assert_eq!(street.vault(A).keys.len(), 1, "the key was registered, and nobody knows it");
    let not_closed = |exchange: u64| [What::NotClosed { exchange, why: "still open after 500 ms".to_owned() }];
    let recorded = |street: &Street| {
        let events = street.events(|what| matches!(what, What::NotClosed { .. })).into_iter();
        events.map(|event| event.what).collect::<Vec<_>>()
    };
    assert_eq!(recorded(&street), not_closed(1));
    let street = Street::new(&[A]);
    street.vault(A).keeps_open = true;
    assert_eq!(first_start(&street, &street.settings()).await, (false, Vec::new()));
    assert_eq!(recorded(&street), not_closed(2), "the client waits for ever, and the laboratory does not");
}

#[tokio::test(start_paused = true)]
async fn a_register_whose_connection_is_not_closed_is_made_again_at_the_next_server() {
    const B: &str = "kmip-b";
    let street = Street::new(&[A, B]);
    street.vault(A).keeps_open = true;
    let settings = Settings { activate_keys: false, ..street.settings() };
    let (ended, reasons) = first_start(&street, &settings).await;
    assert!(!ended, "it serves with the second key");
    assert_eq!(reasons, ["Connection timed out [system:110]"], "after the success");
    assert_eq!(
        (street.asked(A), street.asked(B)),
        (vec![vec!["Register".to_owned()]], vec![vec!["Register".to_owned()]])
    );
    assert_eq!(street.vault(A).keys["key-1"], street.vault(B).keys["key-1"], "one key, registered twice");
}

#[tokio::test(start_paused = true)]
async fn a_get_that_is_the_second_exchange_waits_for_ever_and_one_that_is_the_first_does_not() {
    let street = Street::new(&[A]);
    assert_eq!(first_start(&street, &street.settings()).await, (false, Vec::new()));
    street.vault(A).silent_on = Some(0x0A);
    assert_eq!(first_start(&street, &street.settings()).await, (false, Vec::new()));
    let ready = street.events(|what| matches!(what, What::Process { .. }));
    assert_eq!(ready.len(), 1, "only the first start opened the data");
    let street = Street::new(&[A]);
    let settings = Settings { activate_keys: false, ..street.settings() };
    assert_eq!(first_start(&street, &settings).await, (false, Vec::new()));
    street.vault(A).silent_on = Some(0x0A);
    assert_eq!(first_start(&street, &settings).await, (true, vec!["Connection timed out [system:110]".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn bytes_after_an_answer_are_found_before_a_second_exchange_and_before_the_close() {
    let street = Street::new(&[A]);
    street.vault(A).surplus = 8;
    let (_, reasons) = first_start(&street, &street.settings()).await;
    assert_eq!(reasons, ["malformed response"], "they are taken for the second answer");
    let street = Street::new(&[A]);
    street.vault(A).surplus = 8;
    let one_exchange = Settings { activate_keys: false, ..street.settings() };
    let (_, reasons) = first_start(&street, &one_exchange).await;
    assert_eq!(reasons, ["application data after close notify (SSL routines) [asio.ssl:167772451]"]);
    let malformed = street.events(|what| matches!(what, What::Malformed { .. }));
    let why = "8 bytes or more after the answer".to_owned();
    assert_eq!(malformed[0].what, What::Malformed { exchange: 1, why });
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_none_are_refused_in_the_clients_words() {
    let failed = vec![Item::enumeration(RESULT_STATUS, 1), Item::text(RESULT_MESSAGE, "no")];
    let failed = Item::structure(BATCH_ITEM, failed);
    let header = Item::structure(RESPONSE_HEADER, vec![Item::integer(BATCH_COUNT, 1)]);
    let operation_missing = crate::trace::hex(&write(&Item::structure(RESPONSE_MESSAGE, vec![header, failed])));
    let cases = [
        ("42007b0100002008", "maximum message size is exceeded"),
        ("42007b0100000008 ffffffffffffffff", "malformed response"),
        ("42007b0100000000", "malformed response; reason: unexpected batch item count or no batch item"),
        (&operation_missing, "malformed response; reason: operation type mismatch"),
    ];
    for (answer, expected) in cases {
        let street = Street::new(&[A]);
        let digits: Vec<char> = answer.chars().filter(char::is_ascii_hexdigit).collect();
        let bytes = digits.chunks(2).map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).unwrap());
        street.vault(A).stubborn = Some(bytes.collect());
        let (_, reasons) = first_start(&street, &street.settings()).await;
        assert_eq!(reasons, [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_not_trimmed_and_certificates_are_verified() {
    let street = Street::new(&[A]);
    let settings = Settings { server_name: "nobody, kmip-a,10.0.0.1".to_owned(), ..street.settings() };
    let (ended, reasons) = first_start(&street, &settings).await;
    assert!(ended);
    assert_eq!(
        reasons,
        [
            "Host not found (authoritative) [asio.netdb:1]",
            "Host not found (authoritative) [asio.netdb:1]",
            "certificate verify failed (SSL routines) [asio.ssl:167772294]",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_certificate_file_ends_the_start_without_a_session() {
    let street = Street::new(&[A]);
    let settings =
        Settings { client_certificate_file: "/tls/lost.pem".into(), connect_retries: 5, ..street.settings() };
    let exit = street.play("psmdb-8", &settings, MINUTE).await.unwrap();
    assert_eq!(
        exit.reason,
        "key creation failed: saving the master key to the KMIP server failed: Failed to load client certificate \
         file `/tls/lost.pem`: No such file or directory [system:2]"
    );
    assert_eq!(street.log().len(), 1, "one line, and no attempts");
    let settings = Settings { ca_file: Some("/tls/lost.pem".into()), ..street.settings() };
    let exit = street.play("psmdb-8", &settings, MINUTE).await.unwrap();
    assert!(exit.reason.contains("Failed to load server CA certificate file `/tls/lost.pem`: No such file"));
}

#[tokio::test(start_paused = true)]
async fn a_client_certificate_of_an_unknown_authority_is_refused_after_the_handshake() {
    let street = Street::new(&[A]);
    let stranger = Street::new(&[A]);
    street.disk.put("/tls/mongod.pem", &stranger.disk.text("/tls/mongod.pem"));
    let (_, reasons) = first_start(&street, &street.settings()).await;
    // TLS 1.3 tells the client with its first read.
    assert_eq!(reasons, ["tlsv1 alert unknown ca (SSL routines) [asio.ssl:167773208]"]);
}

#[tokio::test(start_paused = true)]
async fn two_equal_plays_give_one_trace() {
    let mut digests = Vec::new();
    for _ in 0..2 {
        let street = Street::new(&[A]);
        first_start(&street, &street.settings()).await;
        first_start(&street, &street.settings()).await;
        digests.push(street.trace.digest());
    }
    assert_eq!(digests[0], digests[1]);
}
